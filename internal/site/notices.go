package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

// Notices is what those who look after a site see and change of how they are told what happens
// there: mails, private feeds and web hooks.
type Notices struct {
	Site *Site
	DB   *store.DB
	Mail string // host of the mail server; "": there is none
}

// Told is what is on, and what was told lately.
type Told struct {
	Mail    string // host of the mail server
	Telling Telling
	Next    time.Time // when the next digest is made; zero: there are none
	Letters []Mailed  // the newest first
	Feed    time.Time // since when the asker has a private feed; zero: there is none
	Hooks   []Hook
}

// Mailed is a mail that was made lately.
type Mailed struct {
	Mode  string // now, digest, test
	Made  time.Time
	State string // waiting, sent, empty (there was nothing left to say), failed
	Error string // of the last attempt
}

// Hook is a web hook as its owner sees it: without its secret.
type Hook struct {
	ID, Address string
	Kinds       []string
	Made        time.Time
	Failing     time.Time  // since when nothing arrives; zero: it works
	Deliveries  []Delivery // the newest first
}

// Delivery is one thing that a hook is told.
type Delivery struct {
	ID, Hook, Kind string
	At             time.Time
	State          string    // waiting, sent, failed
	Tried, Due     time.Time // the last attempt, and the next; zero: there was, or is, none
	Status         int       // of the answer; 0: there was none
	Error          string    // why there was none
}

func delivery(d store.Delivery) Delivery {
	one := Delivery{ID: d.ID, Hook: d.Hook, Kind: d.Kind, At: d.At, State: string(d.State), Tried: d.Tried, Status: d.Status, Error: d.Error}
	if d.State == store.DeliveryWaiting {
		one.Due = d.Due
	}
	return one
}

// mailedView is what has become of a letter.
func mailedView(l store.Letter) Mailed {
	m := Mailed{Mode: l.Mode, Made: l.Made, State: "waiting", Error: l.Error}
	switch {
	case l.Empty:
		m.State = "empty"
	case !l.Sent.IsZero():
		m.State = "sent"
	case !l.Failed.IsZero():
		m.State = "failed"
	}
	return m
}

// Told reads it for somebody.
func (n *Notices) Told(ctx context.Context, me string) (told Told, err error) {
	told = Told{Mail: n.Mail, Telling: n.Site.Tell}
	err = n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		if state, err := tx.NoticeState(); err == nil && n.Mail != "" && len(n.Site.Tell.in(Digest)) > 0 {
			told.Next = n.Site.Tell.Next(state.Digest)
		}
		letters, err := tx.Letters()
		if err != nil {
			return err
		}
		for _, l := range slices.Backward(letters) {
			told.Letters = append(told.Letters, mailedView(l))
		}
		key, err := tx.FeedKey(me)
		if ignore(err, fs.ErrNotExist) != nil {
			return err
		}
		told.Feed = key.Made
		hooks, err := tx.Hooks()
		for _, h := range hooks {
			one := Hook{ID: h.ID, Address: h.Address, Kinds: h.Kinds, Made: h.Made, Failing: h.Failing}
			for _, d := range tx.Deliveries(h.ID) {
				one.Deliveries = append(one.Deliveries, delivery(d))
			}
			told.Hooks = append(told.Hooks, one)
		}
		return err
	})
	return told, err
}

// TestMail promises a mail that says that mail arrives. While one is under way there is no other.
// Without a mail server, or an address, it is fs.ErrNotExist.
func (n *Notices) TestMail(ctx context.Context) error {
	if n.Mail == "" || n.Site.Tell.To == "" {
		return fmt.Errorf("there is nowhere to send mail: %w", fs.ErrNotExist)
	}
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		letters, err := tx.Letters()
		if err != nil || slices.ContainsFunc(letters, func(l store.Letter) bool { return l.Mode == modeTest && !l.Done() }) {
			return err
		}
		l := store.Letter{ID: store.NewID(tx.Now), Mode: modeTest, Made: tx.Now}
		return cmp.Or(tx.PutLetter(l), tx.Enqueue(mailJob(l.ID)))
	})
}

// feedPrefix begins the secrets of private feeds, so that who finds one knows what it is.
const feedPrefix = "tertulia_feed_"

// NewFeed makes the address of the private feed of somebody who looks after the site, in the place
// of the one that they had. It is known this once.
func (n *Notices) NewFeed(ctx context.Context, me string) (address string, err error) {
	secret := feedPrefix + rand.Text()
	err = n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		key := store.FeedKey{Me: me, Hash: indieauth.Hash(secret), Made: tx.Now}
		return cmp.Or(record(tx, changer(ctx), "make feed", me, ""), tx.PutFeedKey(key))
	})
	return n.Site.Endpoint("feed/" + secret), err
}

// DropFeed ends the private feed of somebody; none is fine.
func (n *Notices) DropFeed(ctx context.Context, me string) error {
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		return cmp.Or(record(tx, changer(ctx), "drop feed", me, ""), tx.DropFeedKey(me))
	})
}

// FeedOf is whose private feed has a secret; fs.ErrNotExist when it is nobody's, or theirs who do
// not look after the site any more.
func (n *Notices) FeedOf(ctx context.Context, secret string) (keeper Keeper, err error) {
	err = n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		key, err := tx.FeedKeyBy(indieauth.Hash(secret))
		if err == nil {
			keeper, err = n.Site.Keeper(key.Me)
		}
		return err
	})
	return keeper, err
}

// ErrHook is returned for what cannot be a hook: an address that is none or not https, no kinds, or
// too many hooks.
var ErrHook = errors.New("that cannot be a web hook")

const (
	maxHooks   = 20
	hookPrefix = "tertulia_hook_"
)

// newHookSecret makes the secret that a hook's deliveries are signed with. It is kept as it is, as
// the key of the forms is: nothing can be signed with a hash.
func newHookSecret() string { return hookPrefix + rand.Text() }

// AddHook has an address told of some kinds of what happens from now on, and returns the secret with
// which that is signed; it is known this once. Where the address leads is judged when it is called.
func (n *Notices) AddHook(ctx context.Context, address string, kinds []string) (secret string, err error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || !hookable(u) || len(address) > 2048 {
		return "", fmt.Errorf("%w: %q is not an address with https", ErrHook, address)
	}
	known := Kinds()
	if len(kinds) == 0 || slices.ContainsFunc(kinds, func(kind string) bool { return !slices.Contains(known, kind) }) {
		return "", fmt.Errorf("%w: of what it is told is one of %s", ErrHook, strings.Join(known, ", "))
	}
	secret = newHookSecret()
	err = n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		hooks, err := tx.Hooks()
		if err != nil {
			return err
		}
		if len(hooks) >= maxHooks {
			return fmt.Errorf("%w: there are %d", ErrHook, len(hooks))
		}
		h := store.Hook{
			ID: store.NewID(tx.Now), Address: u.String(), Secret: secret, Kinds: slices.Compact(slices.Sorted(slices.Values(kinds))),
			Made: tx.Now, By: changer(ctx),
		}
		err = cmp.Or(n.skipPast(tx, hooks), tx.PutHook(h), record(tx, h.By, "make hook", h.ID, u.Host))
		// What happened before is no news to it.
		for more := true; more && err == nil; {
			var l lookout
			if l, err = n.Site.lookAround(tx); err == nil {
				err, more, h.UpTo = l.keep(tx), l.more, l.state.Last
			}
		}
		return cmp.Or(err, tx.PutHook(h))
	})
	return secret, err
}

// skipPast forgets what happened while there was nobody to tell.
func (n *Notices) skipPast(tx *store.Tx, hooks []store.Hook) error {
	state, err := tx.NoticeState()
	if err != nil || len(hooks) > 0 || n.Site.Tell.To != "" {
		return ignore(err, fs.ErrNotExist)
	}
	state.Changes, state.Audit = tx.LastChange(), tx.LastDecision()
	return tx.PutNoticeState(state)
}

// hookable tells whether an address can be a hook: what goes there holds a secret, so it is https, but
// for this machine and for private networks by their numbers.
func hookable(u *url.URL) bool {
	if u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || err == nil && (ip.IsLoopback() || ip.IsPrivate())
}

// DropHook takes a hook away, with its deliveries; none is fine.
func (n *Notices) DropHook(ctx context.Context, id string) error {
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		return cmp.Or(record(tx, changer(ctx), "drop hook", id, ""), tx.DropHook(id))
	})
}

// TestHook has a hook told that it is a hook. It is tried once, at once, and if that works what waited
// for the hook goes on.
func (n *Notices) TestHook(ctx context.Context, id string) error {
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		if _, err := tx.Hook(id); err != nil {
			return err
		}
		d := store.Delivery{ID: store.NewID(tx.Now), Hook: id, Kind: kindTest, At: tx.Now, Asked: tx.Now, State: store.DeliveryWaiting}
		return cmp.Or(tx.PutDelivery(d), tx.Enqueue(hookJob(id)))
	})
}

// Resend has a delivery sent again, once, at once: as things are now.
func (n *Notices) Resend(ctx context.Context, hook, id string) error {
	return n.DB.Update(ctx, n.Site.Key, func(tx *store.Tx) error {
		d, err := tx.Delivery(hook, id)
		if err != nil {
			return err
		}
		d.State, d.Asked = store.DeliveryWaiting, tx.Now
		return cmp.Or(tx.PutDelivery(d), tx.Enqueue(hookJob(hook)))
	})
}

// Body is what a delivery says now, with the secret masked; "" when it has nothing to say any more.
func (n *Notices) Body(ctx context.Context, hook, id string) (d Delivery, body string, err error) {
	err = n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		h, err := tx.Hook(hook)
		if err != nil {
			return err
		}
		kept, err := tx.Delivery(hook, id)
		if err != nil {
			return err
		}
		h.Secret, d = "…", delivery(kept)
		raw, err := n.Site.hookBody(tx, h, kept)
		body = string(raw)
		return err
	})
	return d, body, err
}
