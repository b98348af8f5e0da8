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
	"time"
)

const (
	pollPages   = 10 // of 80 people each
	mostAnswers = 5000
)

// Poll asks for the thread, the likes, the reposts and the quotes of a status. The cursor is
// empty: what there is fits into a few answers of the server's.
func (m *Mastodon) Poll(ctx context.Context, ref Ref, _ string) (Answers, error) {
	if isReaction(ref) {
		return Answers{Complete: []string{"reply", "like", "repost", "mention"}}, nil
	}
	path := "/api/v1/statuses/" + url.PathEscape(ref.ID)
	var now status
	got, err := ask(ctx, m.Client, m.request("poll", http.MethodGet, path), &now)
	if err != nil {
		return Answers{}, err
	}
	me, err := m.self(ctx)
	if err != nil {
		return Answers{}, err
	}
	p := poller{m: m, me: me, status: now, path: path}
	p.heed(got.header)
	if err := p.thread(ctx); err != nil {
		return p.Answers, err
	}
	// A server that counts none has none: most statuses are asked for once.
	for _, list := range []struct {
		kind, of, mark string
		count          int
	}{{"like", "/favourited_by", "#favorited-by-", now.Likes}, {"repost", "/reblogged_by", "#reblogged-by-", now.Reposts}} {
		if list.count == 0 {
			p.Complete = append(p.Complete, list.kind)
			continue
		}
		if err := p.people(ctx, list.kind, list.of, list.mark); err != nil {
			return p.Answers, err
		}
	}
	switch {
	case now.Quotes == nil:
	case *now.Quotes == 0:
		p.Complete = append(p.Complete, "mention")
	default:
		if err := p.quotes(ctx); err != nil {
			return p.Answers, err
		}
	}
	return p.Answers, nil
}

// Look asks for one reply or quote again.
func (m *Mastodon) Look(ctx context.Context, answer Ref) (Answer, error) {
	var s status
	if _, err := ask(ctx, m.Client, m.request("poll", http.MethodGet, "/api/v1/statuses/"+url.PathEscape(answer.ID)), &s); err != nil {
		return Answer{}, err
	}
	kind := "reply"
	if s.ReplyTo == "" {
		kind = "mention"
	}
	me, err := m.self(ctx)
	if err != nil {
		return Answer{}, err
	}
	a, ok := m.answer(s, kind, me)
	if !ok {
		return Answer{}, fmt.Errorf("poll: no longer for everybody: %w", fs.ErrNotExist)
	}
	return a, nil
}

// poller gathers the answers to one status.
type poller struct {
	Answers
	m      *Mastodon
	me     *account
	status status
	path   string
}

// heed keeps how long the server asks to be left alone.
func (p *poller) heed(h http.Header) { p.Wait = max(p.Wait, after(h)) }

var retryIn = pattern(`\bretry=(\d{1,3})\b`)

// thread asks for everything below the status. A server that is still asking others for it says
// so; it is asked once more.
func (p *poller) thread(ctx context.Context) error {
	for again := true; ; again = false {
		rq := p.m.request("poll", http.MethodGet, p.path+"/context")
		got, err := send(ctx, p.m.Client, rq)
		if err != nil {
			return err
		}
		p.heed(got.header)
		more := retryIn().FindStringSubmatch(got.header.Get("Mastodon-Async-Refresh"))
		if more != nil && again {
			seconds, _ := strconv.Atoi(more[1]) // three digits
			if err := pause(ctx, time.Duration(min(seconds, 5))*time.Second); err != nil {
				return &Error{Doing: "poll", Cause: err}
			}
			continue
		}
		list, whole, err := readThread(got.body)
		if err != nil {
			return &Error{Doing: "poll", Status: got.status, Cause: fmt.Errorf("read the network's answer: %w", err)}
		}
		for _, s := range list {
			if a, ok := p.m.answer(s, "reply", p.me); ok {
				p.List = append(p.List, a)
			}
		}
		if whole && !got.cut && more == nil {
			p.Complete = append(p.Complete, "reply")
		}
		return nil
	}
}

// readThread reads the descendants of a context, one by one: of an answer that is cut off, or
// longer than any thread that people read, the beginning counts. whole says that it was all.
func readThread(body []byte) (list []status, whole bool, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false, fmt.Errorf("no thread: %v", err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, false, err
		}
		if key != "descendants" {
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return nil, false, err
			}
			continue
		}
		if t, err := d.Token(); err != nil || t != json.Delim('[') {
			return nil, false, fmt.Errorf("no list of answers: %v", err)
		}
		list, whole := readList(d)
		if !whole && len(list) == 0 {
			return nil, false, fmt.Errorf("no answer in the list can be read")
		}
		return list, whole, nil
	}
	return nil, false, fmt.Errorf("no descendants in the thread")
}

// readList reads what can be read of a list that has been opened.
func readList(d *json.Decoder) (list []status, whole bool) {
	whole = true
	for d.More() {
		var s status
		err := d.Decode(&s)
		var odd *json.UnmarshalTypeError
		switch {
		case errors.As(err, &odd):
			whole = false // the next may be in order
			continue
		case err != nil:
			return list, false
		}
		if list = append(list, s); len(list) == mostAnswers {
			return list, false
		}
	}
	_, err := d.Token()
	return list, whole && err == nil
}

// people asks who likes or reposts the status. Only what a Link header says of the next page's
// place in the list is followed, not where it leads.
func (p *poller) people(ctx context.Context, kind, of, mark string) error {
	query := url.Values{"limit": {"80"}}
	seen := map[word]bool{}
	for range pollPages {
		var list []account
		got, err := ask(ctx, p.m.Client, p.m.request("poll", http.MethodGet, p.path+of+"?"+query.Encode()), &list)
		if err != nil {
			return err
		}
		p.heed(got.header)
		for _, a := range list {
			if !a.willing() || a.ID == "" || seen[a.ID] || webAddress(a.URL) == "" {
				continue
			}
			seen[a.ID] = true
			p.List = append(p.List, Answer{Type: kind, Author: p.m.author(a), Parent: string(p.status.ID),
				Ref: Ref{ID: string(p.status.ID) + mark + string(a.ID), URL: p.status.ref("").URL + mark + string(a.ID)}})
		}
		next := nextPage(got.header, "max_id")
		if next == "" || next == query.Get("max_id") {
			p.Complete = append(p.Complete, kind)
			return nil
		}
		query.Set("max_id", next)
	}
	return nil
}

// quotes asks for the statuses that quote this one, where the server knows of such things.
func (p *poller) quotes(ctx context.Context) error {
	query := url.Values{"limit": {"40"}}
	for range pollPages {
		var list []status
		got, err := ask(ctx, p.m.Client, p.m.request("poll", http.MethodGet, p.path+"/quotes?"+query.Encode()), &list)
		if gone(err) || got.status == http.StatusForbidden {
			return nil
		}
		if err != nil {
			return err
		}
		p.heed(got.header)
		for _, s := range list {
			if a, ok := p.m.answer(s, "mention", p.me); ok {
				a.Parent = string(p.status.ID)
				p.List = append(p.List, a)
			}
		}
		next := nextPage(got.header, "max_id")
		if next == "" || next == query.Get("max_id") {
			p.Complete = append(p.Complete, "mention")
			return nil
		}
		query.Set("max_id", next)
	}
	return nil
}

var linkNext = pattern(`<([^<>]*)>\s*;\s*rel="?next"?`)

// nextPage is a parameter of the next page's address (RFC 8288), "" on the last.
func nextPage(h http.Header, parameter string) string {
	for _, link := range h.Values("Link") {
		if next := linkNext().FindStringSubmatch(link); next != nil {
			if u, err := url.Parse(next[1]); err == nil {
				return u.Query().Get(parameter)
			}
		}
	}
	return ""
}
