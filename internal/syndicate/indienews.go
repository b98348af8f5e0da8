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
	"strings"
	"time"

	"tertulia/mf2"
)

// IndieNews is a list that posts are added to by a Webmention: https://news.indieweb.org/es, or
// one of those at indieweb.xyz. The page needs a u-syndication link to it ([Linker]) before it is
// told; the same page again is the same entry. What is on it is what the page says: an update is
// the same Webmention, and a deleted page stays listed until its editors take it out.
type IndieNews struct {
	Client *http.Client
	List   string // the list's address
}

// Link is the list's own address.
func (n *IndieNews) Link(Post) string { return n.List }

// Who is the list, if it says where it takes Webmentions.
func (n *IndieNews) Who(ctx context.Context) (Author, error) {
	if _, err := n.endpoint(ctx, "connect"); err != nil {
		return Author{}, err
	}
	_, name, _ := strings.Cut(n.List, "://")
	return Author{Name: strings.TrimSuffix(name, "/"), URL: webAddress(n.List)}, nil
}

// Abilities of a list: the same page is the same entry.
func (n *IndieNews) Abilities(context.Context) (Abilities, error) {
	return Abilities{Idempotency: NaturalKey, Edit: true}, nil
}

// Publish sends the Webmention. Where the answer names no address, the list's own is the copy's.
func (n *IndieNews) Publish(ctx context.Context, p Post) (Ref, error) {
	return n.tell(ctx, p, "publish")
}

// Update sends the Webmention again: the list reads the page anew.
func (n *IndieNews) Update(ctx context.Context, _ Ref, p Post) (Ref, error) {
	return n.tell(ctx, p, "update")
}

func (n *IndieNews) tell(ctx context.Context, p Post, doing string) (Ref, error) {
	if !forEverybody(p) {
		return Ref{}, fmt.Errorf("a post that is not for everybody: %w", ErrUnsupported)
	}
	endpoint, err := n.endpoint(ctx, doing)
	if err != nil {
		return Ref{}, err
	}
	rq := request{doing: doing, method: http.MethodPost, address: endpoint.String()}.form(url.Values{"source": {p.Permalink}, "target": {n.List}})
	got, err := send(ctx, n.Client, rq)
	var told *Error
	if errors.As(err, &told) && told.Refused && unlinked(got.body) {
		// The page as they have it does not link there yet.
		told.Refused, told.After = false, max(told.After, 10*time.Minute)
	}
	if gone(err) {
		return Ref{}, &Error{Doing: doing, Status: got.status, Cause: errors.New("the list takes no mentions")}
	}
	if err != nil {
		return Ref{}, err
	}
	return Ref{ID: p.Permalink, URL: firstOf(location(endpoint, got.header), n.List)}, nil
}

// unlinked says whether an answer is that the source has no link to the target.
func unlinked(body []byte) bool {
	var said struct {
		Error string `json:"error"`
	}
	return json.Unmarshal(body, &said) == nil && (said.Error == "no_link_found" || said.Error == "target_mismatch")
}

var linkWebmention = pattern(`<([^<>]*)>\s*;[^,]*\brel="?(?:[^",;]*\s)?webmention(?:\s[^",;]*)?"?\s*(?:[,;]|$)`)

// endpoint finds where the list takes Webmentions: in its Link header, else on its page.
func (n *IndieNews) endpoint(ctx context.Context, doing string) (*url.URL, error) {
	base, err := url.Parse(n.List)
	if err != nil {
		return nil, &Error{Doing: doing, Refused: true, Cause: err}
	}
	rq := request{doing: doing, method: http.MethodGet, address: n.List, header: map[string]string{"Accept": "text/html"}}
	got, err := send(ctx, n.Client, rq)
	if gone(err) {
		return nil, &Error{Doing: doing, Status: got.status, Cause: errors.New("there is no such list")}
	}
	if err != nil {
		return nil, err
	}
	found := ""
	if link := linkWebmention().FindStringSubmatch(strings.Join(got.header.Values("Link"), ", ")); link != nil {
		found = link[1]
	} else if page, _, err := mf2.Parse(bytes.NewReader(got.body), got.header.Get("Content-Type"), base); err == nil && len(page.Rels["webmention"]) > 0 {
		found = page.Rels["webmention"][0]
	}
	to, err := base.Parse(found)
	if err != nil || found == "" || webAddress(to.String()) == "" {
		return nil, &Error{Doing: doing, Status: got.status, Cause: errors.New("the list takes no mentions")}
	}
	return to, nil
}

// Find cannot look; publishing again is as good.
func (n *IndieNews) Find(context.Context, Post) (Ref, error) { return Ref{}, ErrUnsupported }

// Delete has no way to take an entry away.
func (n *IndieNews) Delete(context.Context, Ref) error { return ErrUnsupported }

// Poll has no answers to ask for.
func (n *IndieNews) Poll(context.Context, Ref, string) (Answers, error) {
	return Answers{}, ErrUnsupported
}

// Look has nothing to look at, as Poll.
func (n *IndieNews) Look(context.Context, Ref) (Answer, error) { return Answer{}, ErrUnsupported }

// Resolve finds nothing: entries are other sites' pages.
func (n *IndieNews) Resolve(context.Context, string) (Ref, error) { return Ref{}, fs.ErrNotExist }
