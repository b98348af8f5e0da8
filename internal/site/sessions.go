package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

// How long things last.
const (
	linkLife    = 15 * time.Minute
	sessionLife = 30 * 24 * time.Hour
	deviceLife  = 365 * 24 * time.Hour
	seenEvery   = time.Hour // a session's last use is written down no more often
)

// Visit is where a request comes from.
type Visit struct {
	From  netip.Addr // the zero value is not known
	Agent string     // as the browser calls itself
}

// Arrival is what a browser brings that wants to sign in; either secret may be empty.
type Arrival struct {
	Visit
	Session string // it ends: every sign-in has a session of its own
	Device  string // of a browser that has signed in before
}

// Pass is what a browser takes away when it has signed in: the secrets of its cookies,
// each with its expiry.
type Pass struct {
	Keeper        Keeper
	Session       string
	Expires       time.Time
	Device        string
	DeviceExpires time.Time
}

// Browser is a session as those who look after the site see it.
type Browser struct {
	ID      string // names it, and is no use to a thief
	Keeper  Keeper
	How     string // they signed in: link, passphrase, passkey, indieauth, or a provider's kind
	From    string // the network it was last seen from, coarse; "" when not known
	Agent   string // browser and system; "" when not known
	Since   time.Time
	Seen    time.Time // to the hour
	Current bool      // it is the one that asks
}

// NewLink makes a one-time sign-in link for the site's owner.
func (a *Access) NewLink(ctx context.Context) (string, error) { return a.NewLinkFor(ctx, "") }

// NewLinkFor makes a one-time sign-in link for somebody who looks after the site;
// fs.ErrNotExist for others. "" is the site's owner.
func (a *Access) NewLinkFor(ctx context.Context, me string) (string, error) {
	keeper, err := a.Site.Keeper(me)
	if err != nil {
		return "", err
	}
	secret := rand.Text()
	err = a.put(ctx, "link", secret, linkLife, "", keeper.Me)
	return a.Site.Endpoint("link/" + secret), err
}

// Link tells whom a sign-in link is for and until when it works; fs.ErrNotExist when it
// was used or is too old.
func (a *Access) Link(ctx context.Context, secret string) (keeper Keeper, until time.Time, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		r, err := tx.Request("link", indieauth.Hash(secret))
		if err != nil {
			return err
		}
		keeper, err = a.linked(r)
		until = r.Expires
		return err
	})
	return keeper, until, err
}

// linked is whom a link is for; one that names nobody is the site's owner's.
func (a *Access) linked(r store.Request) (Keeper, error) {
	var me string
	if len(r.Data) > 0 {
		if err := json.Unmarshal(r.Data, &me); err != nil {
			return Keeper{}, err
		}
	}
	return a.Site.Keeper(me)
}

// FollowLink trades a sign-in link for a session.
func (a *Access) FollowLink(ctx context.Context, link string, from Arrival) (pass Pass, err error) {
	err = a.update(ctx, func(tx *store.Tx) error {
		r, err := tx.TakeRequest("link", indieauth.Hash(link))
		if err != nil {
			return err
		}
		keeper, err := a.linked(r)
		if err != nil {
			return err
		}
		pass, err = begin(tx, keeper, "link", from)
		return err
	})
	return pass, err
}

// begin signs somebody in. The session that the browser had ends, so that nobody who
// has planted or seen it is signed in as well.
func begin(tx *store.Tx, keeper Keeper, how string, from Arrival) (Pass, error) {
	if err := tx.DropSession(indieauth.Hash(from.Session)); err != nil {
		return Pass{}, err
	}
	pass := Pass{
		Keeper: keeper, Session: rand.Text() + rand.Text(), Expires: tx.Now.Add(sessionLife),
		Device: from.Device, DeviceExpires: tx.Now.Add(deviceLife),
	}
	by := "by " + how
	device, err := tx.Device(indieauth.Hash(from.Device))
	if err != nil || device.Me != keeper.Me {
		by += newBrowser
		pass.Device = rand.Text() + rand.Text()
		device = store.Device{Hash: indieauth.Hash(pass.Device), Me: keeper.Me, Created: tx.Now}
	}
	device.Expires = pass.DeviceExpires
	if err := tx.PutDevice(device); err != nil {
		return Pass{}, err
	}
	s := store.Session{
		Hash: indieauth.Hash(pass.Session), Me: keeper.Me, Created: tx.Now, Expires: pass.Expires,
		How: how, Seen: tx.Now, From: Network(from.From), Agent: agentName(from.Agent),
	}
	if err := record(tx, keeper.Me, "sign in", sessionID(s.Hash), by); err != nil {
		return Pass{}, err
	}
	return pass, tx.PutSession(s)
}

// Session tells who a session's secret stands for; fs.ErrNotExist when it has ended, or
// when its person does not look after the site any more.
func (a *Access) Session(ctx context.Context, secret string, at Visit) (keeper Keeper, err error) {
	if secret == "" {
		return Keeper{}, fmt.Errorf("no session: %w", fs.ErrNotExist)
	}
	hash, stale := indieauth.Hash(secret), false
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		s, err := tx.Session(hash)
		if err != nil {
			return err
		}
		stale = tx.Now.Sub(cmp.Or(s.Seen, s.Created)) >= seenEvery
		keeper, err = a.holder(s)
		return err
	})
	if err == nil && stale {
		// Nobody is shut out because the disk is too full to remember the visit.
		_ = a.update(ctx, func(tx *store.Tx) error {
			s, err := tx.Session(hash)
			if err != nil {
				return err
			}
			s.Seen, s.From, s.Agent = tx.Now, Network(at.From), agentName(at.Agent)
			return tx.PutSession(s)
		})
	}
	return keeper, err
}

// holder is whose session it is. A record that names nobody is nobody's.
func (a *Access) holder(s store.Session) (Keeper, error) {
	if s.Me == "" {
		return Keeper{}, fmt.Errorf("a session of nobody: %w", fs.ErrNotExist)
	}
	return a.Site.Keeper(s.Me)
}

// SignOut ends a session.
func (a *Access) SignOut(ctx context.Context, secret string) error {
	hash := indieauth.Hash(secret)
	return a.update(ctx, func(tx *store.Tx) error {
		s, err := tx.Session(hash)
		if err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		if err := record(tx, s.Me, "sign out", sessionID(hash), ""); err != nil {
			return err
		}
		return tx.DropSession(hash)
	})
}

// Browsers lists the sessions of a person, or with "" of everybody, the latest first.
// secret is that of the session that asks, "" for none.
func (a *Access) Browsers(ctx context.Context, of, secret string) (list []Browser, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		list = nil
		sessions, err := tx.Sessions()
		for _, s := range sessions {
			keeper, gone := a.holder(s)
			if gone != nil || of != "" && of != s.Me {
				continue
			}
			list = append(list, Browser{
				ID: sessionID(s.Hash), Keeper: keeper, How: cmp.Or(s.How, "link"), From: s.From, Agent: s.Agent,
				Since: s.Created, Seen: cmp.Or(s.Seen, s.Created), Current: secret != "" && s.Hash == indieauth.Hash(secret),
			})
		}
		return err
	})
	slices.SortStableFunc(list, func(a, b Browser) int { return b.Since.Compare(a.Since) })
	return list, err
}

// EndBrowser ends the one session of a person, or with "" of anybody, whose ID begins
// with id; fs.ErrNotExist when there is not exactly one.
func (a *Access) EndBrowser(ctx context.Context, of, id string) error {
	return a.update(ctx, func(tx *store.Tx) error {
		sessions, err := tx.Sessions()
		if err != nil {
			return err
		}
		sessions = slices.DeleteFunc(sessions, func(s store.Session) bool {
			return !strings.HasPrefix(s.Hash, id) || of != "" && of != s.Me
		})
		if len(sessions) != 1 || len(id) < 6 {
			return fmt.Errorf("%d sessions begin with %q: %w", len(sessions), id, fs.ErrNotExist)
		}
		if err := record(tx, changer(ctx), "end session", sessionID(sessions[0].Hash), "of "+sessions[0].Me); err != nil {
			return err
		}
		return tx.DropSession(sessions[0].Hash)
	})
}

// EndBrowsers ends all sessions of a person, or with "" of everybody, but for the one
// with the secret keep, and forgets the browsers that they are known by.
func (a *Access) EndBrowsers(ctx context.Context, of, keep string) error {
	return a.update(ctx, func(tx *store.Tx) error {
		if err := record(tx, changer(ctx), "end sessions", cmp.Or(of, "all"), ""); err != nil {
			return err
		}
		return endBrowsers(tx, of, keep)
	})
}

func endBrowsers(tx *store.Tx, of, keep string) error {
	sessions, err := tx.Sessions()
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if of != "" && of != s.Me || keep != "" && s.Hash == indieauth.Hash(keep) {
			continue
		}
		if err := tx.DropSession(s.Hash); err != nil {
			return err
		}
	}
	return tx.DropDevices(of)
}

// Unclaimed tells whether nobody is signed in to the site: then its owner needs a link.
func (a *Access) Unclaimed(ctx context.Context) (bool, error) {
	browsers, err := a.Browsers(ctx, "", "")
	return len(browsers) == 0, err
}

// Network is an address as it is kept: no closer than it takes to recognise one's own
// network, /24 or /48; "" when it is not known.
func Network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	switch {
	case err != nil, !a.IsValid():
		return ""
	case a.IsLoopback():
		return a.String()
	}
	return p.String()
}

// agents are the words in a User-Agent that tell browsers and systems, the telling ones first.
var agents, systems = [][2]string{
	{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
	{"Chrome/", "Chrome"}, {"CriOS/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"},
}, [][2]string{
	{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
	{"CrOS", "ChromeOS"}, {"Linux", "Linux"}, {"BSD", "BSD"},
}

// agentName makes a few words of our own of what a browser calls itself; "" when it is
// not known.
func agentName(agent string) string {
	var words []string
	for _, list := range [][][2]string{agents, systems} {
		if i := slices.IndexFunc(list, func(w [2]string) bool { return strings.Contains(agent, w[0]) }); i >= 0 {
			words = append(words, list[i][1])
		}
	}
	return strings.Join(words, ", ")
}
