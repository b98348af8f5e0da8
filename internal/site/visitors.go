package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/mf2"
	"tertulia/store"
)

// A visitor who replies signs in with their own site, for this one comment. No cookie and no
// account is made; what they have typed waits here, in a handover (handovers.go):
//
//	form ──SignIn──▶ their server ──ComeBack──▶ what they are about to say, and as whom ──Confirm──▶ kept
//	                      └─ no, or not them ──▶ the form, with all that was typed
//
// The last step is there because no cookie ties the browser that comes back to the one that left:
// whoever leads somebody else to their server makes them read what they would be saying.

const (
	handoverLife = time.Hour
	handoverKind = "comment"
)

// How often visitors are sent to their servers, which strangers name.
var (
	perVisitor = budget{10, 15 * time.Minute} // a network
	perAsked   = budget{20, time.Hour}        // an address that was typed
	perTrips   = budget{100, time.Hour}       // a site: as many handovers at a time at the most
)

// VisitorClient is what the site is to the servers of those who reply. It is another
// application than the one that those who look after the site sign in with, so that no answer is taken for
// one to the other.
func (s *Site) VisitorClient(strangers *http.Client, parsing *Gate) *indieauth.Client {
	c := s.Client(strangers, parsing)
	c.ID, c.RedirectURI = s.Endpoint("comment/client"), s.Endpoint("comment/back")
	return c
}

// SignIn keeps what somebody has typed, and tells where their browser goes to say who they
// are: to the server that their own page, d.Site, names. The errors are those of Leave, and of an address
// that will not do an [*Unvouched].
func (c *Comments) SignIn(ctx context.Context, d Draft, from netip.Addr) (to *url.URL, err error) {
	if c.Client == nil {
		return nil, fmt.Errorf("visitors do not sign in: %w", fs.ErrNotExist)
	}
	me := strings.TrimSpace(d.Site) // it may lack its scheme, which the client knows how to add
	if me == "" {
		return nil, &Unfit{"site", "site"}
	}
	at, err := c.take(ctx, &d, from)
	if err != nil {
		return nil, err
	}
	return c.depart(ctx, me, from, handover{Draft: d, Place: at})
}

// TakeBack begins to withdraw a comment: its author signs in once more. The errors are those of
// Comment and SignIn.
func (c *Comments) TakeBack(ctx context.Context, id string, from netip.Addr) (to *url.URL, err error) {
	view, err := c.Comment(ctx, id)
	if err != nil {
		return nil, err
	}
	if !view.Signed || c.Client == nil {
		return nil, fmt.Errorf("nobody has signed in for comment %s: %w", id, fs.ErrNotExist)
	}
	return c.depart(ctx, view.Author.URL, from, handover{Withdraw: id})
}

// depart finds the server of an address and keeps what the visitor leaves here.
func (c *Comments) depart(ctx context.Context, me string, from netip.Addr, h handover) (*url.URL, error) {
	err := c.spent.take(spend{"asking from " + one(from), perVisitor}, spend{"asking " + indieauth.Hash(spelled(me)), perAsked}, spend{"asking", perTrips})
	if err != nil {
		return nil, err
	}
	to, flow, err := c.Client.Begin(ctx, me)
	if errors.Is(err, indieauth.ErrNoServer) {
		return nil, &Unvouched{whyServer, err}
	}
	if err != nil {
		return nil, &Unvouched{whyAddress, err}
	}
	secret := flow.State
	flow.State = "" // whoever brings it back has it
	h.Flow = &flow
	return to, c.DB.Update(ctx, c.Site.Key, func(tx *store.Tx) error {
		return h.put(tx, secret)
	})
}

// ComeBack takes the query with which a browser comes back from a server, and returns the
// secret of the page that it is shown next ([Comments.Handover]), which has all that was typed whatever came of it. The error is an
// [*Unvouched] when nothing is known of this journey, or it ended too long ago.
func (c *Comments) ComeBack(ctx context.Context, query url.Values) (secret string, err error) {
	state := query.Get("state")
	var flow *indieauth.Flow
	var h handover
	err = c.DB.Update(ctx, c.Site.Key, func(tx *store.Tx) error {
		if h, err = readHandover(tx, state); err != nil {
			return err
		}
		// It serves once: when we are interrupted, the text is still there.
		flow, h.Flow = h.Flow, nil
		if flow != nil {
			h.Problem = whyFailed
		}
		return h.put(tx, state)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return "", &Unvouched{whyAnswer, errors.New("nothing was begun here, or too long ago")}
	}
	if err != nil || flow == nil {
		return state, err
	}
	flow.State = state
	h.Problem = c.learn(ctx, *flow, query, &h)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	secret = rand.Text() + rand.Text()
	return secret, c.DB.Update(ctx, c.Site.Key, func(tx *store.Tx) error {
		_, err := tx.TakeRequest(handoverKind, indieauth.Hash(state))
		return cmp.Or(ignore(err, fs.ErrNotExist), h.put(tx, secret))
	})
}

// learn finds out who has come back, and what they are called; the word is why that came to
// nothing.
func (c *Comments) learn(ctx context.Context, flow indieauth.Flow, query url.Values, h *handover) (problem string) {
	who, err := c.Client.Finish(ctx, flow, query)
	if err != nil {
		c.Jobs.log().Info("visitor not vouched for", "site", c.Site.Key, "reason", err)
		for _, r := range unvouchedFor {
			if errors.Is(err, r.err) {
				return r.why
			}
		}
		return whyFailed
	}
	// Which server speaks for the site's own address is said in the settings where they name one.
	if e := c.Site.Elsewhere; e != nil && who.Me == c.Site.Me() && who.Server.Authorization != e.Authorization {
		return whyIdentity
	}
	h.Me, h.Author = who.Me, c.profile(ctx, who.Me, h.Draft.Name)
	return ""
}

// profile is how somebody is shown: as the h-card of their own page says, or as the site's
// settings do of its owner.
func (c *Comments) profile(ctx context.Context, me, typed string) mf2.Author {
	at, err := url.Parse(me)
	if err != nil {
		return mf2.Author{Name: typed, URL: me}
	}
	var author mf2.Author
	if c.keeps(me) && me == c.Site.Me() {
		author = mf2.AuthorOf(c.Site.Author)
	} else if seen, _, err := c.Jobs.lookAt(ctx, at, at, ""); err == nil && seen.Status == http.StatusOK {
		if card, ok := seen.Page.RepresentativeCard(); ok {
			author = mf2.AuthorOf(card)
		}
	}
	author.Name, author.URL = cmp.Or(author.Name, typed), me
	return harmless(author, at)
}

// keeps tells whether an address that was proven is that of somebody who looks after the site.
func (c *Comments) keeps(me string) bool {
	_, err := c.Site.vouched(me)
	return err == nil
}

// identities are what an address that was proven makes known. What comes without TLS anybody
// may have said who sits in between: where the site itself has it, that makes nobody known.
func (c *Comments) identities(me string) []string {
	u, err := url.Parse(me)
	if err != nil || u.Scheme != "https" && c.Site.URL.Scheme == "https" {
		return nil
	}
	return identitiesOf(u)
}

// Handover is what somebody who has come back is asked.
type Handover struct {
	Draft    Draft
	Author   mf2.Author // as whom it would be said, without a picture; no URL: they are not signed in
	Withdraw string     // id of the comment that they would take back; "": they would leave one
	Problem  string     // why they are not signed in: a word that "unvouched" has a sentence for
	Left     *Left      // it has been done
}

// Handover reads what a browser with a secret is to be shown; fs.ErrNotExist when there is
// nothing, or not any more.
func (c *Comments) Handover(ctx context.Context, secret string) (Handover, error) {
	var h handover
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) (err error) {
		h, err = readHandover(tx, secret)
		return err
	})
	if err == nil && h.Flow != nil {
		err = fs.ErrNotExist // they have not come back
	}
	author := mf2.Author{Name: h.Author.Name, URL: h.Author.URL}
	return Handover{Draft: h.Draft, Author: author, Withdraw: h.Withdraw, Problem: h.Problem, Left: h.Left}, err
}

// Confirm does what a visitor who has signed in was asked: it keeps their comment, or takes it
// back. Done twice it is done once.
func (c *Comments) Confirm(ctx context.Context, secret string) (left Left, err error) {
	err = c.DB.Update(ctx, c.Site.Key, func(tx *store.Tx) error {
		h, err := readHandover(tx, secret)
		switch {
		case err != nil:
			return err
		case h.Me == "":
			return fs.ErrNotExist
		case h.Left != nil:
			left = *h.Left
			return nil
		case h.Withdraw != "":
			left, err = c.withdraw(tx, h)
		default:
			left, err = c.add(tx, h.Draft, h.Place, commenter{author: h.Author, identities: c.identities(h.Me), keeper: c.keeps(h.Me)})
		}
		h.Left, h.Draft.Text = &left, ""
		return cmp.Or(err, h.put(tx, secret))
	})
	return left, unfitErased(err)
}

// withdraw takes a comment back for its author. As with a source that has gone, the owner's
// decision is remembered, and what it said for as long as a tombstone stands.
func (c *Comments) withdraw(tx *store.Tx, h handover) (Left, error) {
	m, err := tx.Mention(h.Withdraw)
	if err != nil {
		return Left{}, err
	}
	page, err := tx.Page(m.Page)
	if err != nil {
		return Left{}, err
	}
	if m.Kind != store.Comment || m.Shown == nil || !c.theirs(tx, m.Shown.Person, h.Me) {
		return Left{}, fmt.Errorf("comment %s is not by %s: %w", m.ID, h.Me, ErrUndecidable)
	}
	if m.State == store.Deleted || !m.Gone.IsZero() {
		return c.left(m, page), nil
	}
	if m.State = m.Stands(); m.State != store.Rejected {
		m.State = store.Withdrawn
	}
	m.Behind, m.Held, m.Why, m.Gone = "", nil, "", tx.Now
	m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "withdrawn", Note: "by its author"})
	if err := c.Site.standDown(tx, &m); err != nil {
		return Left{}, err
	}
	return c.left(m, page), tx.PutMention(m)
}

// theirs tells whether somebody with a proven address is a person.
func (c *Comments) theirs(tx *store.Tx, person, me string) bool {
	ids := c.identities(me)
	p, err := tx.Person(person)
	return err == nil && len(ids) > 0 && slices.Contains(p.Identities, ids[0])
}
