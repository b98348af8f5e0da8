package site

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"tertulia/internal/sanitize"
	"tertulia/internal/syndicate"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// Account is an account on a network that copies of posts go to: [[site.syndicate]].
type Account struct {
	UID     string // what mp-syndicate-to and the store call it
	Name    string // what people call it
	Kind    string // mastodon, bluesky, x…
	Service string // the network's name: Mastodon, Bluesky, X…
	Network string // where it is, for editors: its address
	User    string // "" where the settings do not say
	Default []string

	// ByHand says that the network lets no program in: texts are prepared, and its owner posts them.
	ByHand bool
	// Way is how it is connected, so that the owner's pages can ask for the right thing: WayOAuth,
	// WaySecret, or "" where there is nothing to connect.
	Way string
	// Secret is what the settings have to let us in; nil: the account is connected by its owner.
	Secret func() (string, error)
	// Open makes the target; nil where ByHand is. kept is what it has asked to be kept for it.
	Open func(secret string, keep Keeping) syndicate.Target
	// OAuth begins and ends a connection; nil where Way is another.
	OAuth OAuth
}

// The ways to connect an account.
const (
	WayOAuth  = "oauth"
	WaySecret = "secret" // an app password, or a token that the network shows
)

// Keeping is where a target keeps what it wants to know again, such as a session. It is sealed.
type Keeping interface {
	// Load returns fs.ErrNotExist when there is nothing.
	Load(ctx context.Context) ([]byte, error)
	Save(ctx context.Context, kept []byte) error
}

// account finds one by its uid; nil when the settings do not have it any more.
func (s *Site) account(uid string) *Account {
	if i := slices.IndexFunc(s.Accounts, func(a *Account) bool { return a.UID == uid }); i >= 0 {
		return s.Accounts[i]
	}
	return nil
}

// targets are the accounts as editors are offered them.
func (s *Site) targets() (all []micropub.Target) {
	for _, a := range s.Accounts {
		t := micropub.Target{UID: a.UID, Name: a.Name, Service: &micropub.Account{Name: cmp.Or(a.Service, a.Kind), URL: a.Network}, Defaults: a.defaults()}
		if a.User != "" {
			t.User = &micropub.Account{Name: a.User}
		}
		all = append(all, t)
	}
	return all
}

// alone are the kinds of posts that mean something without what they are about; "all" as a
// default means these.
var alone = []string{"note", "article", "photo", "video", "audio", "event", "checkin", "bookmark", "read", "watch", "listen"}

// defaults are the kinds of posts that go to the account by default, one by one.
func (a *Account) defaults() (kinds []string) {
	for _, kind := range a.Default {
		if kind == "all" {
			kinds = append(kinds, alone...)
		} else {
			kinds = append(kinds, kind)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(kinds)))
}

// CopyKinds are the kinds of posts that can go to an account by default, and "all".
func CopyKinds() []string {
	return append(slices.Clone(alone), "reply", "like", "repost", "rsvp", "all")
}

// byDefault are the accounts that a new post goes to of whose copies nobody has said anything.
// What is dated back is an old post that is brought along: it is no news on a network.
func (s *Site) byDefault(post *store.Post) (uids []string) {
	if v := visibility(post.Item); v == private || v == unlisted || post.Created.Sub(post.Date) > longestNews {
		return nil
	}
	for _, a := range s.Accounts {
		if slices.Contains(a.defaults(), post.Kind) {
			uids = append(uids, a.UID)
		}
	}
	return uids
}

// copyKey is what a network knows the copy of a post by. It follows from the post alone, so that
// it is the same after anything that happens in between.
func copyKey(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// errNotConnected says that nobody has connected an account, or that its network takes what it
// was connected with no longer.
var errNotConnected = errors.New("it has to be connected")

// reached is an account with its target.
type reached struct {
	*Account
	to     syndicate.Target // nil where it is ByHand
	digest string           // of the secret
}

// reach opens an account. The error is errNotConnected where that would be in vain.
func (j *Jobs) reach(ctx context.Context, s *Site, a *Account) (r reached, err error) {
	if r.Account = a; a.ByHand {
		return r, nil
	}
	secret := ""
	var kept store.Network
	if a.Way != "" {
		if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
			kept, err = tx.Network(a.UID)
			return err
		}); err != nil {
			return r, err
		}
		if secret, err = s.secretOf(j.DB, a, kept); err != nil {
			return r, err
		}
		if r.digest = copyKey(a.UID, secret); r.digest == kept.Refused {
			return r, fmt.Errorf("%s takes us no longer: %w anew", a.Name, errNotConnected)
		}
	}
	r.to = j.opened.target(s.Key+" "+a.UID+" "+r.digest, func() syndicate.Target { return a.Open(secret, keeping{j.DB, s.Key, a.UID}) })
	return r, nil
}

// opened are the targets in use, each opened once: what they know of their network they need not
// ask again.
type opened struct {
	mu sync.Mutex
	by map[string]syndicate.Target
}

func (o *opened) target(name string, open func() syndicate.Target) syndicate.Target {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.by == nil {
		o.by = map[string]syndicate.Target{}
	}
	if o.by[name] == nil {
		o.by[name] = open()
	}
	return o.by[name]
}

// close forgets the targets whose names begin so.
func (o *opened) close(prefix string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	maps.DeleteFunc(o.by, func(name string, _ syndicate.Target) bool { return strings.HasPrefix(name, prefix) })
}

// secretOf is what lets us in: what the settings name, else what it was connected with.
func (s *Site) secretOf(db *store.DB, a *Account, kept store.Network) (string, error) {
	if a.Secret != nil {
		secret, err := a.Secret()
		if err != nil {
			return "", fmt.Errorf("%s: %w: %w", a.Name, errNotConnected, err)
		}
		return secret, nil
	}
	if len(kept.Secret) == 0 {
		return "", fmt.Errorf("%s: %w", a.Name, errNotConnected)
	}
	secret, err := db.Unseal(sealedFor(s.Key, a.UID, "secret"), kept.Secret)
	if err != nil {
		return "", fmt.Errorf("%s: %w anew: %w", a.Name, errNotConnected, err)
	}
	return string(secret), nil
}

// sealedFor is what a secret is sealed for, so that none can stand in another's place.
func sealedFor(site, uid, what string) string {
	return strings.Join([]string{"network", site, uid, what}, " ")
}

// keeping keeps a target's session with its account.
type keeping struct {
	db        *store.DB
	site, uid string
}

// Load is of [Keeping]. A session that cannot be opened is none.
func (k keeping) Load(ctx context.Context) (kept []byte, err error) {
	var n store.Network
	if err := k.db.View(ctx, k.site, func(tx *store.Tx) error {
		n, err = tx.Network(k.uid)
		return err
	}); err != nil {
		return nil, err
	}
	if kept, err = k.db.Unseal(sealedFor(k.site, k.uid, "session"), n.Session); len(n.Session) == 0 || errors.Is(err, store.ErrUnsealed) {
		return nil, fs.ErrNotExist
	}
	return kept, err
}

// Save is of [Keeping].
func (k keeping) Save(ctx context.Context, kept []byte) error {
	var sealed []byte
	if len(kept) > 0 {
		var err error
		if sealed, err = k.db.Seal(sealedFor(k.site, k.uid, "session"), kept); err != nil {
			return err
		}
	}
	return k.db.Update(ctx, k.site, func(tx *store.Tx) error {
		n, err := tx.Network(k.uid)
		if err != nil {
			return err
		}
		n.Session = sealed
		return tx.PutNetwork(n)
	})
}

// outgoingPost is a post as a network is given it.
func (j *Jobs) outgoingPost(ctx context.Context, s *Site, c store.Copy, post store.Post) (syndicate.Post, error) {
	html := postHTML(post.Item, post.Permalink)
	p := syndicate.Post{
		Key: c.Key, Permalink: post.Permalink, Item: post.Item, HTML: html, Kind: post.Kind,
		Language: cmp.Or(languageTag(post.Item.Get("lang")), s.Language), Date: dateOf(c, post),
		Summary: post.Item.Get("summary"), ReplyTo: syndicate.Ref(c.ReplyTo),
	}
	if p.Summary == "" && post.Kind == "article" {
		_, text := sanitize.Options{}.Read(html, nil)
		p.Summary = shortly(text)
	}
	var err error
	p.Photos, err = j.photosOf(ctx, s, post.Item)
	return p, err
}

// dateOf is the date that a copy has as long as it is the same one: a network may know it by that,
// whatever the post's has become meanwhile.
func dateOf(c store.Copy, post store.Post) time.Time {
	if c.Dated.IsZero() {
		return post.Date
	}
	return c.Dated
}

// answersWhat are the addresses elsewhere that a post answers or reacts to.
func (s *Site) answersWhat(item mf2.Item) (addresses []string) {
	for _, property := range []string{"in-reply-to", "like-of", "repost-of"} {
		for _, address := range item.URLs(property) {
			if u, err := url.Parse(address); err == nil && u.Host != "" && len(addresses) < maxAnswers {
				addresses = append(addresses, address)
			}
		}
	}
	return addresses
}

// backTo finds the account through which what a post answers has come here, and what it is
// there: an answer on a network, or a copy of ours.
func (s *Site) backTo(tx *store.Tx, item mf2.Item) (uid string, ref store.Ref, err error) {
	for _, address := range s.answersWhat(item) {
		m, err := tx.AnswerAt(address)
		if err == nil && m.Origin != nil && s.account(m.Origin.Target) != nil {
			return m.Origin.Target, m.Origin.Ref, nil
		}
		if err = ignore(err, fs.ErrNotExist); err != nil {
			return "", ref, err
		}
		c, err := tx.CopyAt(address)
		if err == nil && s.account(c.Target) != nil {
			return c.Target, c.Ref, nil
		}
		if err = ignore(err, fs.ErrNotExist); err != nil {
			return "", ref, err
		}
	}
	return "", ref, nil
}
