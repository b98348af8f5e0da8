package site

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

// How long a browser may be away at another server, and how many may be at once. The
// guesses' limits let no more begin in that time than fit.
const (
	AwayLife = 10 * time.Minute
	maxAway  = 700
)

// Unvouched says why another server has not signed somebody in. Why is a word for which
// pages have a sentence; Err is for the log, and holds no secret.
type Unvouched struct {
	Why string
	Err error
}

// Error is of error: the reason and what happened, for the log.
func (e *Unvouched) Error() string { return fmt.Sprintf("not vouched for (%s): %v", e.Why, e.Err) }

// Unwrap is what happened.
func (e *Unvouched) Unwrap() error { return e.Err }

// The words of [Unvouched].
const (
	whyAddress  = "address"  // what was typed is no address of a person
	whyServer   = "server"   // the address names no server
	whyHere     = "here"     // it names this service, which would ask itself
	whyDenied   = "denied"   // the person said no
	whyAnswer   = "answer"   // the answer is not one to a sign-in of this browser
	whyIdentity = "identity" // the server may not speak for whom it named
	whyFailed   = "failed"   // the server did not confirm it
	whyNobody   = "nobody"   // who it is does not look after the site
	whyUnnamed  = "unnamed"  // the account's profile names nobody who does
	whyOneWay   = "one-way"  // their page does not link back to the account's profile
	whyPage     = "page"     // their page could not be read
)

// journey is a browser that is at another server to sign in there.
type journey struct {
	back   string // the address that it must come back to: one for each kind of server, so that none is taken for another
	how    string
	until  time.Time
	finish func(context.Context, url.Values) (Keeper, error)
}

// travellers are the browsers that are away, by the hash of a secret that each has in a
// cookie. They are in memory: strangers cause no writes, and what a flow has to keep to
// itself is in no file. A restart makes them begin anew.
type travellers struct {
	mu   sync.Mutex
	away map[string]journey
}

// leave keeps a browser's way and makes its secret.
func (t *travellers) leave(j journey) (secret string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for hash, old := range t.away {
		if now.After(old.until) {
			delete(t.away, hash)
		}
	}
	if len(t.away) >= maxAway {
		return "", &TooMany{AwayLife}
	}
	if t.away == nil {
		t.away = map[string]journey{}
	}
	secret, j.until = rand.Text()+rand.Text(), now.Add(AwayLife)
	t.away[indieauth.Hash(secret)] = j
	return secret, nil
}

// comeBack takes a browser's way, which serves once, whatever comes of it.
func (t *travellers) comeBack(secret, at string) (journey, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash := indieauth.Hash(secret)
	j, ok := t.away[hash]
	delete(t.away, hash)
	return j, ok && j.back == at && !time.Now().After(j.until)
}

// Vouches tells whether somebody's own server may be asked who they are: not where the
// only one is the owner, whose server is this service.
func (a *Access) Vouches() bool {
	return a.Client != nil && (len(a.Site.Keepers) > 0 || a.Site.Elsewhere != nil || a.Site.Root == "")
}

// Client is what the site is to the servers of those who sign in with their own address.
// It wants to know who they are and nothing else, so it gets no token.
func (s *Site) Client(strangers *http.Client, parsing *Gate) *indieauth.Client {
	return &indieauth.Client{
		ID: s.Endpoint("client"), RedirectURI: s.Endpoint("signin/back"), Name: s.Name, URI: s.Base, HTTP: strangers, Gate: parsing.Enter,
	}
}

// AskTheirServer begins a sign-in with somebody's own address, at the server that their
// page names. It returns where the browser goes, and a secret for its cookie with which
// [Access.ComeBack] ends it. The error is an [*Unvouched], or a [*TooMany]: the address is
// a stranger's choice, so asking is limited like guessing, with budgets of its own.
func (a *Access) AskTheirServer(ctx context.Context, me string, from Arrival) (to *url.URL, secret string, err error) {
	if a.Client == nil {
		return nil, "", fmt.Errorf("no other server is asked: %w", fs.ErrNotExist)
	}
	if err := a.mayAsk(ctx, "server "+spelled(me), from); err != nil {
		return nil, "", err
	}
	to, flow, err := a.Client.Begin(ctx, me)
	if errors.Is(err, indieauth.ErrNoServer) {
		return nil, "", &Unvouched{whyServer, err}
	}
	if err != nil {
		return nil, "", &Unvouched{whyAddress, err}
	}
	if a.isHere(flow.Server) {
		return nil, "", &Unvouched{whyHere, fmt.Errorf("%s names this service", flow.Me)}
	}
	secret, err = a.travellers.leave(journey{back: a.Client.RedirectURI, how: "indieauth", finish: func(ctx context.Context, query url.Values) (Keeper, error) {
		return a.theirAnswer(ctx, flow, query)
	}})
	return to, secret, err
}

// isHere tells whether a server is the one of this site.
func (a *Access) isHere(server indieauth.Authority) bool {
	return server.Authorization == a.Site.Endpoint("auth")
}

// unvouchedFor are the words for what indieauth says.
var unvouchedFor = []struct {
	err error
	why string
}{
	{indieauth.ErrDenied, whyDenied}, {indieauth.ErrAnswer, whyAnswer}, {indieauth.ErrIdentity, whyIdentity},
}

// theirAnswer is who signed in at the server of a flow.
func (a *Access) theirAnswer(ctx context.Context, flow indieauth.Flow, query url.Values) (Keeper, error) {
	who, err := a.Client.Finish(ctx, flow, query)
	for _, r := range unvouchedFor {
		if errors.Is(err, r.err) {
			return Keeper{}, &Unvouched{r.why, err}
		}
	}
	if err != nil {
		return Keeper{}, &Unvouched{whyFailed, err}
	}
	keeper, err := a.Site.vouched(who.Me)
	if err != nil {
		return Keeper{}, &Unvouched{whyNobody, err}
	}
	// Which server speaks for the site's own address is said in the settings where they
	// name one: a changed page does not change it.
	if e := a.Site.Elsewhere; e != nil && keeper.Me == a.Site.Me() && who.Server.Authorization != e.Authorization {
		return Keeper{}, &Unvouched{whyIdentity, fmt.Errorf("%s is not the server of the settings", who.Server.Authorization)}
	}
	return keeper, nil
}

// vouched finds who looks after the site by an address that was proven. Unlike one that
// is typed it must be theirs to the letter: the page at the same place without TLS is
// anybody's who sits in between.
func (s *Site) vouched(me string) (Keeper, error) {
	for _, k := range s.Everybody() {
		if canonical, err := indieauth.CheckProfileURL(k.Me); err == nil && canonical == me {
			return k, nil
		}
	}
	return Keeper{}, fmt.Errorf("nobody looks after %s as %q: %w", s.Me(), me, fs.ErrNotExist)
}

// ComeBack ends what began with secret, when the browser comes back to the address at
// with a query. It is to be called once: whatever comes of it, secret is used up. The
// error is an [*Unvouched] when nobody is signed in.
func (a *Access) ComeBack(ctx context.Context, secret, at string, query url.Values, from Arrival) (pass Pass, err error) {
	begun, ok := a.travellers.comeBack(secret, at)
	if !ok {
		return Pass{}, &Unvouched{whyAnswer, errors.New("this browser has begun nothing here, or too long ago")}
	}
	keeper, err := begun.finish(ctx, query)
	if err != nil {
		return Pass{}, err
	}
	err = a.update(ctx, func(tx *store.Tx) (err error) {
		pass, err = begin(tx, keeper, begun.how, from)
		return err
	})
	return pass, err
}

// mayAsk takes a request to another server from those who have some left. These budgets
// are not the passphrases': who uses up one has not used up the other. whom is whose server
// it is, "" for one that the settings name.
func (a *Access) mayAsk(ctx context.Context, whom string, from Arrival) error {
	known := false
	err := a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		device, err := tx.Device(indieauth.Hash(from.Device))
		if err == nil {
			_, err = a.Site.Keeper(device.Me)
			known = err == nil && device.Me != ""
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if known {
		return a.guesses.take(spend{"asking device: " + from.Device, perDevice})
	}
	budgets := []spend{{"asking from: " + one(from.From), perNetwork}, {"asking site", perSite}}
	if whom != "" {
		budgets = append(budgets, spend{"asking: " + whom, perPerson})
	}
	return a.guesses.take(budgets...)
}
