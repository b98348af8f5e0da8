package syndicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	maxAnswer  = 4 << 20        // bytes of an answer that are read
	maxMessage = 300            // characters of what a network says about an error
	maxWait    = 24 * time.Hour // no network is left alone for longer because it says so
)

// request is one question to a network.
type request struct {
	doing   string // for errors
	method  string
	address string
	token   string // bearer; empty: none
	header  map[string]string
	body    []byte
	kind    string                   // media type of body
	makes   bool                     // a second one makes a second copy: what is not answered is unclear
	secret  string                   // is left out of errors
	message func(body []byte) string // what an answer says about an error; nil: as most say it
}

// form is a request with a form as its body.
func (rq request) form(values url.Values) request {
	rq.body, rq.kind = []byte(values.Encode()), "application/x-www-form-urlencoded"
	return rq
}

// json is a request with a value as its body.
func (rq request) json(value any) request {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // only values of ours come here
	}
	rq.body, rq.kind = body, "application/json"
	return rq
}

// response is what a network answered.
type response struct {
	status int
	header http.Header
	body   []byte
	cut    bool // there was more than anybody reads
}

// send makes a request. The error is an [*Error]; that of 404 and 410 is fs.ErrNotExist as well.
func send(ctx context.Context, client *http.Client, rq request) (response, error) {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, rq.method, rq.address, bytes.NewReader(rq.body))
	if err != nil {
		return response{}, &Error{Doing: rq.doing, Refused: true, Cause: rq.clean(err)}
	}
	if rq.makes {
		// Without it the client never sends a request a second time by itself, as it does
		// where a key is in the header: not every server looks at the key.
		r.GetBody = nil
	}
	r.Header.Set("Accept", "application/json")
	if rq.kind != "" {
		r.Header.Set("Content-Type", rq.kind)
	}
	if rq.token != "" {
		r.Header.Set("Authorization", "Bearer "+rq.token)
	}
	for name, value := range rq.header {
		r.Header.Set(name, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		return response{}, &Error{Doing: rq.doing, Unclear: rq.makes && sent.Load(), Cause: rq.clean(err)}
	}
	defer resp.Body.Close()
	if resp.Request != nil && resp.Request.Method != rq.method {
		return response{}, &Error{Doing: rq.doing, Status: resp.StatusCode, Refused: true, Cause: errors.New("the network's address leads elsewhere")}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	got := response{status: resp.StatusCode, header: resp.Header, body: body[:min(len(body), maxAnswer)], cut: err != nil || len(body) > maxAnswer}
	if got.status < 300 {
		return got, nil
	}
	return got, rq.failed(got)
}

// failed is the error of an answer that is one.
func (rq request) failed(got response) error {
	e := &Error{Doing: rq.doing, Status: got.status, After: after(got.header)}
	said := rq.said(got.body)
	if said != "" {
		e.Cause = fmt.Errorf("the network answered %d: %s", got.status, said)
	}
	switch {
	case got.status == http.StatusUnauthorized, got.status == http.StatusForbidden && strings.Contains(strings.ToLower(said), "scope"):
		e.Login = true
	case got.status == http.StatusNotFound, got.status == http.StatusGone:
		e.Cause = fmt.Errorf("the network answered %d: %w", got.status, fs.ErrNotExist)
	case got.status == http.StatusTooManyRequests, got.status == http.StatusTooEarly:
	case got.status == http.StatusRequestTimeout, got.status >= 500:
		e.Unclear = rq.makes
	default:
		e.Refused = true
	}
	return e
}

// said is what a network says about an error, in one line.
func (rq request) said(body []byte) string {
	var message string
	if rq.message != nil {
		message = rq.message(body)
	} else {
		var told struct {
			Error       any    `json:"error"`
			Description string `json:"error_description"`
		}
		if json.Unmarshal(body, &told) == nil {
			text, _ := told.Error.(string)
			message = firstOf(told.Description, text)
		}
	}
	message = strings.Join(strings.Fields(visible(message)), " ")
	if rq.secret != "" {
		message = strings.ReplaceAll(message, rq.secret, "…")
	}
	return cutAt(message, maxMessage)
}

// clean is an error of the client's without what must not be logged: its address.
func (rq request) clean(err error) error {
	var told *url.Error
	if rq.secret != "" && errors.As(err, &told) {
		return told.Err
	}
	return err
}

// read is the value that an answer is in JSON. What cannot be read may have been done all the
// same.
func (rq request) read(got response, into any) error {
	err := json.Unmarshal(got.body, into)
	if got.cut {
		err = errors.New("the network's answer is too long or was cut off")
	}
	if err != nil {
		return &Error{Doing: rq.doing, Status: got.status, Unclear: rq.makes, Cause: fmt.Errorf("read the network's answer: %w", err)}
	}
	return nil
}

// ask is send, with the answer read.
func ask(ctx context.Context, client *http.Client, rq request, into any) (response, error) {
	got, err := send(ctx, client, rq)
	if err != nil {
		return got, err
	}
	return got, rq.read(got, into)
}

// after is how long a network asks to be left alone: Retry-After, as seconds or a date, else the
// time at which its limit is set anew, where nothing is left of it.
func after(h http.Header) time.Duration {
	wait := time.Duration(0)
	if v := h.Get("Retry-After"); v != "" {
		if seconds, err := strconv.Atoi(v); err == nil {
			wait = time.Duration(min(max(seconds, 0), int(maxWait/time.Second))) * time.Second
		} else if at, err := http.ParseTime(v); err == nil {
			wait = time.Until(at)
		}
	} else if left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining")); err == nil && left <= 0 {
		if at, err := time.Parse(time.RFC3339, h.Get("X-RateLimit-Reset")); err == nil {
			wait = time.Until(at)
		} else if unix, err := strconv.ParseInt(h.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			wait = time.Until(time.Unix(unix, 0))
		}
	}
	return min(max(wait, 0), maxWait)
}

// gone says whether an error is that something is not there.
func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// cutAt is the beginning of a text, of so many characters at most, up to the end of a word.
func cutAt(text string, most int) string {
	if cut, ok := (Rules{Max: most, Measure: CodePoints}).shorten(Text{String: text}, Text{}); ok && CodePoints(text) > most {
		return cut.String
	}
	return text
}

// webAddress is an address that a network gave, "" for what is no address on the web.
func webAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || len(address) > 2048 {
		return ""
	}
	return address
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
