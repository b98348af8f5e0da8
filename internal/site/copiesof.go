package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/store"
)

// AccountView is an account as its owner sees it.
type AccountView struct {
	UID       string    `json:"uid"`
	ID        string    `json:"id"` // in addresses
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	Network   string    `json:"network,omitempty"`
	Way       string    `json:"way,omitempty"` // how it is connected: WayOAuth, WaySecret; "": there is nothing to connect
	ByHand    bool      `json:"by_hand,omitempty"`
	File      bool      `json:"file,omitempty"` // the settings name what lets us in
	Stands    string    `json:"stands"`         // open, closed (nobody has connected it), refused (it has to be connected anew)
	Since     time.Time `json:"since,omitzero"` // when it was connected, or refused
	As        string    `json:"as,omitempty"`   // whose account it is, as the network says
	Profile   string    `json:"profile,omitempty"`
	Waiting   int       `json:"waiting"`        // copies on their way
	Attention int       `json:"attention"`      // those that wait for the owner
	Rests     time.Time `json:"rests,omitzero"` // until when the network is left alone; zero: it is not
}

// The ways in which an account stands.
const (
	AccountOpen    = "open"
	AccountClosed  = "closed"
	AccountRefused = "refused"
)

// CopyView is a copy as its owner sees it.
type CopyView struct {
	ID       string          `json:"id"` // unique among all
	Post     string          `json:"post"`
	Title    string          `json:"title,omitempty"` // of the post, or how it begins
	UID      string          `json:"uid"`
	Account  string          `json:"account"` // its name
	State    store.CopyState `json:"state"`
	Note     string          `json:"note,omitempty"` // why, in English
	URL      string          `json:"url,omitempty"`
	Text     string          `json:"text,omitempty"`
	Composer string          `json:"composer,omitempty"`
	Since    time.Time       `json:"since"`
}

// CopyID names the copy of a post at an account.
func CopyID(post, uid string) string { return "copy-" + copyKey(post, uid)[:16] }

// maxCounted is up to how many copies are counted.
const maxCounted = 1000

// wanting are the states in which a copy waits for the owner.
var wanting = []store.CopyState{store.CopyUnclear, store.CopyPrepared, store.CopyParked, store.CopyRefused}

// Accounts lists the accounts of the settings.
func (n *Networks) Accounts(ctx context.Context) (all []AccountView, err error) {
	err = n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		all = nil
		for _, a := range n.Site.Accounts {
			known, err := tx.Network(a.UID)
			if err != nil {
				return err
			}
			all = append(all, n.view(tx, a, known))
		}
		return nil
	})
	return all, err
}

func (n *Networks) view(tx *store.Tx, a *Account, known store.Network) AccountView {
	v := AccountView{
		UID: a.UID, ID: AccountID(a.UID), Name: a.Name, Kind: a.Kind, Network: a.Network, Way: a.Way, ByHand: a.ByHand, File: a.Secret != nil,
		Stands: AccountOpen, Since: known.Connected, As: known.Handle, Profile: known.Profile,
		Waiting: tx.CountCopies(a.UID, store.CopyWaiting, maxCounted),
	}
	if v.As == "" {
		v.As = known.Name
	}
	if wait := n.Jobs.rests.wait(n.Site.copyLane(a.UID), tx.Now); wait > 0 {
		v.Rests = tx.Now.Add(wait)
	}
	if v.Stands = n.stands(a, known); v.Stands == AccountRefused {
		v.Since = known.RefusedAt
	}
	for _, state := range wanting {
		count := tx.CountCopies(a.UID, state, maxCounted)
		if state == store.CopyParked && v.Stands != AccountOpen {
			v.Waiting += count // for the account to be connected, and go on then
			continue
		}
		v.Attention += count
	}
	return v
}

// stands tells whether an account lets us in, as far as we know.
func (n *Networks) stands(a *Account, known store.Network) string {
	if a.Way == "" {
		return AccountOpen
	}
	switch secret, err := n.Site.secretOf(n.DB, a, known); {
	case err != nil:
		return AccountClosed
	case known.Refused == copyKey(a.UID, secret):
		return AccountRefused
	}
	return AccountOpen
}

// Attention lists copies that wait for the owner: at most limit of them, first those of which nobody
// knows whether they are there.
func (n *Networks) Attention(ctx context.Context, limit int) (all []CopyView, err error) {
	err = n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		all = nil
		for _, state := range wanting {
			for _, a := range n.Site.Accounts {
				known, err := tx.Network(a.UID)
				if err != nil {
					return err
				}
				if state == store.CopyParked && n.stands(a, known) != AccountOpen {
					continue // they wait for the account to be connected
				}
				some, _, err := tx.CopiesIn(a.UID, state, store.Range{Limit: max(limit-len(all), 1), Backward: true})
				if err != nil {
					return err
				}
				for _, c := range some[:min(len(some), limit-len(all))] {
					all = append(all, n.copyView(tx, a, c))
				}
			}
		}
		return nil
	})
	return all, err
}

// Of lists the copies of a post by any of its addresses.
func (n *Networks) Of(ctx context.Context, address string) (all []CopyView, err error) {
	err = n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		post, err := (&Posts{Site: n.Site, DB: n.DB}).find(tx, address)
		if err != nil {
			return err
		}
		copies, err := tx.CopiesOf(post.Permalink)
		for _, c := range copies {
			all = append(all, n.copyView(tx, n.Site.account(c.Target), c))
		}
		return err
	})
	return all, err
}

// copyView is a copy with what is known of its post and its account, which may be nil.
func (n *Networks) copyView(tx *store.Tx, a *Account, c store.Copy) CopyView {
	v := CopyView{
		ID:   CopyID(c.Post, c.Target),
		Post: c.Post, UID: c.Target, Account: c.Target, State: c.State, Note: c.Note, URL: c.Ref.URL, Text: c.Text, Composer: c.Composer, Since: c.Since,
	}
	if a != nil {
		v.Account = a.Name
	}
	if post, err := tx.Post(c.Post); err == nil {
		if v.Title = post.Item.Get("name"); v.Title == "" {
			v.Title = shortly(strings.Join(strings.Fields(post.Item.Get("content")), " "))
		}
	}
	return v
}

// ErrNoCopy is returned for an address that is not that of a copy at the account.
var ErrNoCopy = errors.New("no copy can be found there")

// Ask asks a network for the answers to a copy now. A copy that is not there is ErrUndecidable.
func (n *Networks) Ask(ctx context.Context, post, uid string) error {
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		c, err := tx.Copy(post, uid)
		if err != nil {
			return err
		}
		if c.Next.IsZero() {
			return fmt.Errorf("nobody can be asked about the copy of %s: %w", post, ErrUndecidable)
		}
		c.Next = tx.Now
		if err := tx.PutCopy(c); err != nil {
			return err
		}
		return tx.Enqueue(n.Site.pollJob(post, uid))
	})
}

// Retry has a copy made again now. Of one that is unclear the owner says so that there is none.
func (n *Networks) Retry(ctx context.Context, post, uid string) error {
	n.Jobs.rests.answered(n.Site.copyLane(uid))
	return n.decide(ctx, post, uid, func(tx *store.Tx, c *store.Copy) error {
		if c.State == store.CopyUnclear {
			c.Begun = time.Time{}
		}
		return retryCopy(tx, n.Site, *c)
	}, store.CopyWaiting)
}

// Leave gives a copy up: the post stays without.
func (n *Networks) Leave(ctx context.Context, post, uid string) error {
	return n.decide(ctx, post, uid, func(tx *store.Tx, c *store.Copy) error {
		c.State, c.Note, c.Begun, c.Text, c.Composer, c.Next = store.CopyGone, "the owner wants none", time.Time{}, "", "", time.Time{}
		c.History = store.AddEvent(c.History, store.Event{At: tx.Now, Stage: "given up"})
		return n.put(tx, c)
	})
}

// Found takes the address at which the owner has found, or made, a copy. Where the network can be
// asked it is asked what is there.
func (n *Networks) Found(ctx context.Context, post, uid, address string) error {
	a, err := n.account(uid)
	if err != nil {
		return err
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(address) > maxAddress {
		return ErrNoCopy
	}
	ref, polls := syndicate.Ref{ID: u.String(), URL: u.String()}, false
	at, err := n.Jobs.reach(ctx, n.Site, a)
	if err != nil {
		return err
	}
	if !a.ByHand {
		can, asked := at.to.Abilities(ctx)
		if polls, err = can.Poll, asked; polls {
			ref, err = at.to.Resolve(ctx, u.String())
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syndicate.ErrUnsupported) {
		return ErrNoCopy
	}
	if err != nil {
		return err
	}
	return n.decide(ctx, post, uid, func(tx *store.Tx, c *store.Copy) error {
		if other, err := tx.CopyAt(ref.URL); err == nil && (other.Post != c.Post || other.Target != c.Target) {
			return fmt.Errorf("%w: that is the copy of %s", ErrNoCopy, other.Post)
		}
		c.Ref, c.State, c.Note, c.Begun, c.Out = store.Ref(ref), store.CopyPublished, "", time.Time{}, tx.Now
		if p, err := tx.Post(c.Post); err == nil {
			c.Said, c.Revision = digestOfPost(p), p.Revision
		}
		if c.Text, c.Composer = "", ""; polls {
			c.Next = tx.Now.Add(pollFirst)
		}
		c.History = store.AddEvent(c.History, store.Event{At: tx.Now, Stage: string(c.State), Note: "by the owner: " + ref.URL})
		if err := n.put(tx, c); err != nil {
			return err
		}
		return tx.Enqueue(copiedJob(c.Post))
	})
}

// put writes a copy of which the owner has decided. Its job, which may be parked, sees that there
// is nothing left to do, and goes.
func (n *Networks) put(tx *store.Tx, c *store.Copy) error {
	if err := tx.PutCopy(*c); err != nil {
		return err
	}
	return tx.Enqueue(n.Site.syndicateJob(c.Post, c.Target))
}

// decide changes a copy that waits for its owner; one that does not is left alone, since somebody
// was quicker: ErrUndecidable. too are other states in which it can be changed.
func (n *Networks) decide(ctx context.Context, post, uid string, change func(*store.Tx, *store.Copy) error, too ...store.CopyState) error {
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		c, err := tx.Copy(post, uid)
		if err != nil {
			return err
		}
		if slices.Contains(slices.Concat(wanting, too), c.State) {
			return change(tx, &c)
		}
		return fmt.Errorf("the copy of %s is %s: %w", post, c.State, ErrUndecidable)
	})
}
