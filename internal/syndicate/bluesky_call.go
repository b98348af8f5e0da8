package syndicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// question is a request for a method of the protocol (XRPC).
type question struct {
	doing  string // for an Error
	method string // such as com.atproto.repo.putRecord
	query  url.Values
	body   any    // sent as JSON; nil: none
	raw    []byte // sent as it is
	kind   string // media type of raw
	writes bool   // POST
	public bool   // asked of the AppView where the settings name one
	bearer string // the token; empty: none
}

// refusal is what a server says when it does not do what it was asked.
type refusal struct {
	Status  int
	Name    string // such as ExpiredToken
	Message string
}

func (r *refusal) Error() string {
	said := fmt.Sprintf("the server answered %d", r.Status)
	for _, part := range []string{r.Name, r.Message} {
		if part != "" {
			said += ": " + part
		}
	}
	return said
}

// ask asks as the account, or nobody in particular where the question is for a public AppView. A
// token that has expired is replaced, once.
func (b *Bluesky) ask(ctx context.Context, q question, answer any) error {
	_, err := b.askFor(ctx, q, answer)
	return err
}

// askFor is ask, and says how long the server wants to be left alone afterwards.
func (b *Bluesky) askFor(ctx context.Context, q question, answer any) (wait time.Duration, err error) {
	if q.public && strings.HasPrefix(b.AppView, "http") {
		return b.exchange(ctx, b.AppView, q, answer)
	}
	s, err := b.session(ctx, q.doing, "")
	if err != nil {
		return 0, err
	}
	q.bearer = s.Access
	wait, err = b.exchange(ctx, b.Server, q, answer)
	if !isStale(err) {
		return wait, err
	}
	if s, err = b.session(ctx, q.doing, s.Access); err != nil {
		return 0, err
	}
	q.bearer = s.Access
	return b.exchange(ctx, b.Server, q, answer)
}

// isStale reports whether a token was refused that another may replace.
func isStale(err error) bool {
	var said *refusal
	return errors.As(err, &said) && (said.Name == "ExpiredToken" || said.Name == "InvalidToken")
}

// errTooLong is of an answer that is longer than anybody reads, or was cut off.
var errTooLong = errors.New("the answer is too long or was cut off")

// exchange makes one request and reads its answer.
func (b *Bluesky) exchange(ctx context.Context, origin string, q question, answer any) (wait time.Duration, err error) {
	rq, err := q.request(origin)
	if err != nil {
		return 0, &Error{Doing: q.doing, Refused: true, Cause: err}
	}
	if q.public && strings.HasPrefix(b.AppView, "did:") {
		rq.header = map[string]string{"Atproto-Proxy": b.AppView}
	}
	got, err := send(ctx, b.Client, rq)
	if err != nil && got.status == 0 {
		return 0, err
	}
	if err != nil {
		return 0, b.refused(q, got)
	}
	if got.cut {
		err = errTooLong
	} else if answer != nil {
		err = lenient(got.body, answer)
	}
	if err != nil {
		return 0, &Error{Doing: q.doing, Status: got.status, Unclear: q.writes, Cause: fmt.Errorf("%s: %w", q.method, err)}
	}
	if got.header.Get("RateLimit-Remaining") == "0" {
		wait = patience(got.header)
	}
	return wait, nil
}

func (q question) request(origin string) (request, error) {
	at, err := url.Parse(origin)
	if err != nil || at.Host == "" {
		return request{}, fmt.Errorf("%q is no server's address", origin)
	}
	at = at.JoinPath("xrpc", q.method)
	at.RawQuery = q.query.Encode()
	rq := request{doing: q.doing, method: http.MethodGet, address: at.String(), token: q.bearer, body: q.raw, kind: q.kind, makes: q.writes}
	if q.writes {
		rq.method = http.MethodPost
	}
	if q.body != nil {
		rq = rq.json(q.body)
	}
	return rq, nil
}

// lenient decodes an answer, in which a stranger's record may have anything: what is not of the
// type that it should be is left out.
func lenient(raw []byte, into any) error {
	err := json.Unmarshal(raw, into)
	var odd *json.UnmarshalTypeError
	if errors.As(err, &odd) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil
	}
	return err
}

// absent are the names of errors that say that something is not there.
var absent = map[string]bool{"RecordNotFound": true, "NotFound": true}

// refused makes the error of an answer that is not 200.
func (b *Bluesky) refused(q question, got response) error {
	var said struct{ Error, Message string }
	_ = lenient(got.body, &said) // an answer that is no JSON has no name
	cause := &refusal{Status: got.status, Name: plainWords(said.Error, 64), Message: b.discreet(plainWords(said.Message, 200))}
	if cause.Status == http.StatusBadRequest && absent[cause.Name] {
		return fmt.Errorf("%s: %w", q.doing, errors.Join(fs.ErrNotExist, cause))
	}
	e := &Error{Doing: q.doing, Status: cause.Status, Cause: cause}
	switch {
	case cause.Status == http.StatusTooManyRequests:
		e.After = max(patience(got.header), time.Minute)
	case cause.Status == http.StatusUnauthorized, isStale(cause):
		e.Login = true
	case cause.Status >= 500:
		e.Unclear, e.After = q.writes, patience(got.header)
	default:
		e.Refused = cause.Name != "InvalidSwap" && cause.Status != http.StatusRequestTimeout
	}
	return e
}

// patience is how long a server asks to be left alone: Retry-After, else until the time at which
// its rate limit begins anew.
func patience(h http.Header) time.Duration {
	wait := after(h)
	if at, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64); err == nil && wait == 0 {
		if wait = time.Until(time.Unix(at, 0)); wait > maxWait {
			return 0 // its longest limit is one of a day
		}
	}
	return max(wait, 0)
}

// plainWords is what a server says, fit for a line of a log.
func plainWords(s string, most int) string {
	runes := []rune(strings.Join(strings.Fields(visible(s)), " "))
	return string(runes[:min(len(runes), most)])
}

// discreet leaves out of what a server says what nobody else may read.
func (b *Bluesky) discreet(s string) string {
	for _, secret := range b.login.secrets(b.Password) {
		if secret != "" && strings.Contains(s, secret) {
			return ""
		}
	}
	return s
}
