package syndicate

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"tertulia/mf2"
)

// MastodonScopes is what an account's token has to allow.
const MastodonScopes = "read:accounts read:search read:statuses write:bookmarks write:favourites write:media write:statuses"

// Mastodon is an account on a server with Mastodon's API: Mastodon itself, GoToSocial, Pleroma,
// Akkoma, Pixelfed, Friendica. What each of them does is in docs/networks.md.
//
// Every copy ends with the permalink, so that Find tells copies apart: a key in a header is
// forgotten within an hour, and some servers never look at it.
type Mastodon struct {
	Client *http.Client
	Server string // https://social.example
	Token  string

	mu       sync.Mutex
	instance *instance
	asked    time.Time
	me       *account
}

// Reactions are named in Ref.More by what was done; Delete takes that back.
const (
	favourite = "favourite"
	reblog    = "reblog"
	bookmark  = "bookmark"
)

var reactions = map[string]string{"like": favourite, "repost": reblog, "bookmark": bookmark}

// Abilities follow what the server says of itself.
func (m *Mastodon) Abilities(ctx context.Context) (Abilities, error) {
	in, err := m.about(ctx)
	if err != nil {
		return Abilities{}, err
	}
	can := Abilities{Idempotency: Look, Photos: in.photos, Alt: true, Edit: true, Delete: true, Reply: true, Reactions: true, Poll: true}
	if in.keepsKeys() {
		can.Idempotency = Header
	}
	return can, nil
}

// Who is the account that the token is of.
func (m *Mastodon) Who(ctx context.Context) (Author, error) {
	me, err := m.self(ctx)
	if err != nil {
		return Author{}, err
	}
	return m.author(*me), nil
}

// Publish makes a status, or does what a reaction is on the status that it is to. Photos are
// uploaded first.
func (m *Mastodon) Publish(ctx context.Context, p Post) (Ref, error) {
	if did := reactions[p.Kind]; did != "" && p.ReplyTo.ID != "" {
		return m.react(ctx, did, p.ReplyTo)
	}
	in, err := m.about(ctx)
	if err != nil {
		return Ref{}, err
	}
	draft, err := in.draft(p, m.mine(ctx, p))
	if err != nil {
		return Ref{}, err
	}
	for _, photo := range p.Photos[:min(len(p.Photos), in.photos)] {
		id, err := m.upload(ctx, in, photo)
		if errors.Is(err, ErrNoPicture) {
			continue
		}
		if err != nil {
			return Ref{}, err
		}
		draft.Media = append(draft.Media, id)
	}
	draft.ReplyTo = p.ReplyTo.ID
	rq := m.request("publish", http.MethodPost, "/api/v1/statuses").json(draft)
	rq.makes = true
	rq.header = map[string]string{"Idempotency-Key": digest(p.Key)}
	var made status
	_, err = ask(ctx, m.Client, rq, &made)
	if gone(err) && draft.ReplyTo == "" {
		// The key is remembered, but its status has been deleted since.
		rq.header = nil
		_, err = ask(ctx, m.Client, rq, &made)
	}
	switch {
	case gone(err):
		return Ref{}, &Error{Doing: "publish", Status: http.StatusNotFound, Refused: true, Cause: fmt.Errorf("what it answers has gone: %w", err)}
	case err != nil:
		return Ref{}, err
	case made.ID == "":
		return Ref{}, &Error{Doing: "publish", Status: http.StatusOK, Unclear: true, Cause: fmt.Errorf("the network names no status")}
	}
	return made.ref(pictures(p)), nil
}

// Find looks among the account's own statuses of the last days for one that ends with the
// permalink.
func (m *Mastodon) Find(ctx context.Context, p Post) (Ref, error) {
	if did := reactions[p.Kind]; did != "" && p.ReplyTo.ID != "" {
		return m.findReaction(ctx, did, p.ReplyTo)
	}
	me, err := m.self(ctx)
	if err != nil {
		return Ref{}, err
	}
	oldest := time.Now().Add(-findWithin)
	query := url.Values{"limit": {"40"}, "exclude_reblogs": {"true"}}
	for range findPages {
		var list []status
		if _, err := ask(ctx, m.Client, m.request("find", http.MethodGet, "/api/v1/accounts/"+url.PathEscape(string(me.ID))+"/statuses?"+query.Encode()), &list); err != nil {
			return Ref{}, err
		}
		for _, s := range list {
			if mf2.SameURL(lastAddress(s.Content), p.Permalink) {
				return s.ref(""), nil
			}
		}
		if len(list) == 0 || list[len(list)-1].Created.Before(oldest) || query.Get("max_id") == string(list[len(list)-1].ID) {
			return Ref{}, fmt.Errorf("find: %w", fs.ErrNotExist)
		}
		query.Set("max_id", string(list[len(list)-1].ID))
	}
	return Ref{}, fmt.Errorf("find among more than %d statuses: %w", 40*findPages, ErrUnsupported)
}

const (
	findWithin = 8 * 24 * time.Hour // copies wait for seven days
	findPages  = 25
)

// Update edits a status. Its pictures stay as they are unless the post's are others.
func (m *Mastodon) Update(ctx context.Context, ref Ref, p Post) (Ref, error) {
	if isReaction(ref) {
		return ref, nil
	}
	in, err := m.about(ctx)
	if err != nil {
		return Ref{}, err
	}
	draft, err := in.draft(p, m.mine(ctx, p))
	if err != nil {
		return Ref{}, err
	}
	path := "/api/v1/statuses/" + url.PathEscape(ref.ID)
	var now status
	if _, err := ask(ctx, m.Client, m.request("update", http.MethodGet, path), &now); err != nil {
		return Ref{}, err
	}
	photos := p.Photos[:min(len(p.Photos), in.photos)]
	same := len(photos) == len(now.Media) && (ref.More == "" || ref.More == pictures(p))
	for i, photo := range photos {
		if same {
			draft.Media = append(draft.Media, string(now.Media[i].ID))
			draft.Alts = append(draft.Alts, mediaText{string(now.Media[i].ID), cutAt(photo.Alt, in.alt)})
			continue
		}
		id, err := m.upload(ctx, in, photo)
		if errors.Is(err, ErrNoPicture) {
			continue
		}
		if err != nil {
			return Ref{}, err
		}
		draft.Media = append(draft.Media, id)
	}
	rq := m.request("update", http.MethodPut, path).json(draft)
	var made status
	got, err := ask(ctx, m.Client, rq, &made)
	if got.status == http.StatusNotFound || got.status == http.StatusMethodNotAllowed {
		return Ref{}, fmt.Errorf("update: %w", ErrUnsupported) // it is there: the server does not edit
	}
	if err != nil {
		return Ref{}, err
	}
	return Ref{ID: ref.ID, URL: firstOf(made.ref("").URL, ref.URL), More: pictures(p)}, nil
}

// Delete takes a status or a reaction away.
func (m *Mastodon) Delete(ctx context.Context, ref Ref) error {
	path := "/api/v1/statuses/" + url.PathEscape(ref.ID)
	rq := m.request("delete", http.MethodDelete, path)
	if isReaction(ref) {
		rq = m.request("delete", http.MethodPost, path+"/un"+ref.More)
	}
	if _, err := send(ctx, m.Client, rq); err != nil && !gone(err) {
		return err
	}
	return nil
}

func isReaction(ref Ref) bool {
	return ref.More == favourite || ref.More == reblog || ref.More == bookmark
}

// react likes, boosts or bookmarks a status; a second time changes nothing.
func (m *Mastodon) react(ctx context.Context, did string, to Ref) (Ref, error) {
	var s status
	_, err := ask(ctx, m.Client, m.request("publish", http.MethodPost, "/api/v1/statuses/"+url.PathEscape(to.ID)+"/"+did), &s)
	if gone(err) {
		return Ref{}, &Error{Doing: "publish", Status: http.StatusNotFound, Refused: true, Cause: err}
	}
	if err != nil {
		return Ref{}, err
	}
	ref := Ref{ID: to.ID, More: did}
	if did == reblog {
		ref.URL = s.ref("").URL
	}
	return ref, nil
}

func (m *Mastodon) findReaction(ctx context.Context, did string, to Ref) (Ref, error) {
	var s status
	if _, err := ask(ctx, m.Client, m.request("find", http.MethodGet, "/api/v1/statuses/"+url.PathEscape(to.ID)), &s); err != nil {
		return Ref{}, err
	}
	if !map[string]bool{favourite: s.Favourited, reblog: s.Reblogged, bookmark: s.Bookmarked}[did] {
		return Ref{}, fmt.Errorf("find: %w", fs.ErrNotExist)
	}
	return m.react(ctx, did, to)
}

// Resolve finds a status by its address, here or, where the server looks it up, elsewhere. Its
// Ref names the author in More. A server that does not look is one that does not know it.
func (m *Mastodon) Resolve(ctx context.Context, address string) (Ref, error) {
	if webAddress(address) == "" {
		return Ref{}, fmt.Errorf("resolve %q: %w", address, fs.ErrNotExist)
	}
	var found struct {
		Statuses []status `json:"statuses"`
	}
	query := url.Values{"q": {address}, "resolve": {"true"}, "type": {"statuses"}, "limit": {"1"}}
	got, err := ask(ctx, m.Client, m.request("resolve", http.MethodGet, "/api/v2/search?"+query.Encode()), &found)
	if got.status == http.StatusForbidden || gone(err) || got.status == http.StatusUnprocessableEntity || got.status == http.StatusBadRequest {
		return Ref{}, fmt.Errorf("resolve %q: %w", address, fs.ErrNotExist)
	}
	if err != nil {
		return Ref{}, err
	}
	for _, s := range found.Statuses {
		if s.ID != "" && (mf2.SameURL(s.URL, address) || mf2.SameURL(s.URI, address) || len(found.Statuses) == 1) {
			return Ref{ID: string(s.ID), URL: firstOf(webAddress(s.URL), address), More: "@" + s.Account.Acct}, nil
		}
	}
	return Ref{}, fmt.Errorf("resolve %q: %w", address, fs.ErrNotExist)
}

// mine says what a post begins with: the handle of whom it answers, who else would not hear of
// it, unless that is the account itself.
func (m *Mastodon) mine(ctx context.Context, p Post) string {
	handle := p.ReplyTo.More
	if p.ReplyTo.ID == "" || !strings.HasPrefix(handle, "@") || len(handle) > 200 || mentionAnywhere().FindString(handle) != handle {
		return ""
	}
	me, err := m.self(ctx)
	if err == nil && strings.EqualFold(handle, "@"+me.Acct) {
		return ""
	}
	if strings.Contains(strings.ToLower(p.says().String), strings.ToLower(handle)) {
		return ""
	}
	return handle
}

// digest is a key of ours as a network may see it.
func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// pictures tells the pictures of a post from those of its earlier versions.
func pictures(p Post) string {
	return "photos " + digest(strings.Join(p.Item.URLs("photo"), "\n"))[:8]
}
