package site

import (
	"cmp"
	"net/url"

	"tertulia/mf2"
	"tertulia/store"
)

// Bridged says how much is shown of people who never came here: of those whom a bridge has
// brought, because they did something on a network with a copy of a post.
//
//	              a gesture: like, repost, bookmark,      words: reply, mention
//	              follow, reaction, RSVP
//	full          name, picture, link                     name, picture, link
//	first-name    the given name, no picture, no link     name, picture, link
//	anonymous     counted, and nothing else               text and given name, no picture, no link
//
// Words are one step more open than gestures, because they were said to the owner, in public,
// and whoever says something wants to be named; no text stands without its author before a
// gesture is a number. The owner's own pages show everything: what nobody may look at, nobody
// can decide about.
type Bridged string

// The zero value is BridgedFirstName.
const (
	BridgedFull      Bridged = "full"
	BridgedFirstName Bridged = "first-name"
	BridgedAnonymous Bridged = "anonymous"
)

// words are the types of responses that are more than a gesture.
var words = map[string]bool{"reply": true, "mention": true, "tag": true}

// shows is how much of its author is shown of a version of a mention. Who speaks from a place
// of their own is shown in full: they have sent it here.
func (s *Site) shows(m *store.Mention, v *store.Version) Bridged {
	dial := cmp.Or(s.Bridged, BridgedFirstName)
	switch {
	case dial == BridgedFull, !broughtHere(m, v):
		return BridgedFull
	case !words[v.Type]:
		return dial
	case dial == BridgedAnonymous:
		return BridgedFirstName
	}
	return BridgedFull
}

// broughtHere tells whether a bridge has brought a mention, for whatever network, or we have it
// from a network ourselves. What the owner says there is the owner's.
func broughtHere(m *store.Mention, v *store.Version) bool {
	if m.Kind == store.Answer && !v.Own {
		return true
	}
	for _, address := range []string{m.Source, v.URL} {
		if u, err := url.Parse(address); err == nil {
			if _, ok := bridgeFor(hostName(u)); ok {
				return true
			}
		}
	}
	return v.Bridge != ""
}

// veiled is what only we know of a response that is not shown in full: the addresses that
// others mean it by and those that it answers, so that threads hold together.
type veiled struct {
	names   []string
	answers []string
	here    string // its permalink in our own conversation
}

// veil takes from a response what readers are not shown. It is called in the one place where
// a mention becomes what readers see, so that no output can forget it.
func (s *Site) veil(tx *store.Tx, r *Response, dial Bridged, page string) {
	if dial == BridgedFull {
		return
	}
	switch here := s.placeOf(tx, page, r.ID); dial {
	case BridgedAnonymous:
		*r = Response{ID: r.ID, Type: r.Type, RSVP: r.RSVP, Number: r.Number, Received: r.Received, Counted: true, plain: true, veiled: veiled{here: here}}
	case BridgedFirstName:
		r.veiled = veiled{names: []string{r.Source, r.URL}, answers: r.InReplyTo, here: here}
		r.Author, r.InReplyTo, r.Name, r.HTML = mf2.Author{Name: givenName(r.Author.Name)}, nil, "", ""
		r.URL, r.Source, r.Host, r.Bridge = "", "", "", ""
		if !words[r.Type] && r.Type != "reaction" {
			r.Text, r.Excerpt, r.Language = "", "", ""
		}
		if r.plain = true; r.Text != "" {
			r.HTML = plainHTML(r.Text)
		}
	}
}

// placeOf is where a response stands in our own conversation of a page.
func (s *Site) placeOf(tx *store.Tx, page, id string) string {
	p, err := tx.Page(page)
	if err != nil {
		return "" // a damaged row costs an address, not the page
	}
	return s.ConversationURL(p.URL) + "#tertulia-" + id
}

// hidesSource tells whether readers are not to learn where a mention came from. Of one that
// was not read yet nobody knows what it is: then it is taken for a gesture.
func (s *Site) hidesSource(m *store.Mention) bool {
	versions := []*store.Version{m.Shown, m.Held}
	if m.Shown == nil && m.Held == nil {
		versions[0] = &store.Version{}
	}
	for _, v := range versions {
		if v != nil && s.shows(m, v) != BridgedFull {
			return true
		}
	}
	return false
}
