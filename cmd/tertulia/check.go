package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tertulia/internal/attach"
	"tertulia/internal/fetch"
	"tertulia/internal/lang"
	"tertulia/internal/web"
	"tertulia/store"
)

// point is one thing that check has looked at.
type point struct {
	Site  string `json:"site,omitempty"`
	Point string `json:"point"`
	State string `json:"state"` // ok, warning or fails
	Seen  string `json:"seen"`
	Do    string `json:"do,omitempty"`

	Paste []pasted `json:"paste,omitempty"` // what would mend it
}

// checker looks at one site and says what it has found, in the site's language.
type checker struct {
	set     *settings
	one     siteSettings
	web     *web.Site    // nil where there is no data yet
	running bool         // the service runs, and this is it
	own     *http.Client // to where the settings point
	outside *http.Client // as strangers come
	home    attach.Home  // once it was looked at
	l       lang.Lang
	points  []point
}

// checkTime bounds a whole check.
const checkTime = 5 * time.Minute

// check says point by point what works: in the service, where one runs, for there it sees
// what the service sees.
func check(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	set, err := load()
	if err != nil {
		k := &checker{l: f.told.lang()}
		if several := (problems{}); errors.As(err, &several) {
			for _, one := range several {
				k.fail("settings", "settings.key", one.key, one.what, cmp.Or(one.hint, "docs/config.md"))
			}
		} else {
			k.fail("settings", "settings.wrong", err.Error())
		}
		return ended(io, show(k.points, k.l, f.json, io))
	}
	args := append([]string{"check"}, f.words...)
	if f.json {
		args = append(args, "--json")
	}
	if code, ok := callService(ctx, set.Data, args, io); ok {
		return code
	}
	a := &app{settings: set}
	if _, err := os.Stat(filepath.Join(set.Data, "tertulia.db")); err == nil {
		db, err := store.Open(set.Data, store.Options{})
		if err != nil {
			return io.fail(err, otherData)
		}
		defer db.Close()
		log := slog.New(slog.DiscardHandler)
		svc, err := wire(set, db, newClients(set, log), log)
		if err != nil {
			return io.fail(err, "")
		}
		a = svc.app
	} else if !errors.Is(err, fs.ErrNotExist) {
		return io.fail(err, otherData)
	}
	points, l, err := a.check(ctx, f.words, false)
	if err != nil {
		return io.fail(err, "")
	}
	return ended(io, show(points, l, f.json, io))
}

// ended is the exit status of a check.
func ended(io stdio, err error) int {
	if err != nil {
		return io.fail(err, "")
	}
	return 0
}

// errFails is a check that has found something that does not work. It was said already.
var errFails = errors.New("not everything works")

// checkNow is check inside the running service.
func checkNow(ctx context.Context, c call) error {
	points, l, err := c.app.check(ctx, c.words, true)
	if err != nil {
		return err
	}
	return show(points, l, c.flags.json, c.io)
}

// show prints what was found; it is errFails when something does not work.
func show(points []point, l lang.Lang, asJSON bool, io stdio) (err error) {
	for _, p := range points {
		if p.State == "fails" {
			err = errFails
		}
	}
	if asJSON {
		return cmp.Or((call{io: io}).json(points), err)
	}
	site := ""
	for _, p := range points {
		if p.Site != site {
			site = p.Site
			fmt.Fprintln(io.out, site)
		}
		fmt.Fprintf(io.out, "  %-8s %-14s %s\n", l.T("check.state."+p.State), l.T("check.name."+p.Point), p.Seen)
		if p.Do != "" {
			fmt.Fprintf(io.out, "  %-8s %-14s → %s\n", "", "", p.Do)
		}
	}
	for _, p := range points {
		for _, one := range p.Paste {
			one.show(io.out)
		}
	}
	return err
}

// check looks at the site that is meant, or at all there are.
func (a *app) check(ctx context.Context, words []string, running bool) (all []point, l lang.Lang, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	found := false
	for _, one := range a.settings.Sites {
		if len(words) > 0 && place(one.URL) != place(bareAddress(words[0])) {
			continue
		}
		k := &checker{set: a.settings, one: one, running: running, l: lang.For(one.Language)}
		for _, s := range a.sites {
			if s.Me() == one.URL {
				k.web = s
			}
		}
		k.own, k.outside = a.settings.checking(one), fetch.Strangers(a.settings.strangers(slog.New(slog.DiscardHandler)))
		if err := k.check(ctx); err != nil {
			return nil, l, err
		}
		if !found {
			found, l = true, k.l
		}
		all = append(all, k.points...)
	}
	if !found {
		var known []string
		for _, one := range a.settings.Sites {
			known = append(known, one.URL)
		}
		return nil, l, fmt.Errorf("the settings have no site %s, only: %s", words[0], strings.Join(known, ", "))
	}
	return all, l, nil
}

// bareAddress is an address as [place] takes it.
func bareAddress(s string) string {
	if !strings.Contains(s, "://") {
		return "https://" + s
	}
	return s
}

// checking is the client of a check: to where the settings point and nowhere else, with
// time for an upload.
func (s *settings) checking(one siteSettings) *http.Client {
	o := s.owner(slog.New(slog.DiscardHandler))
	o.Timeout = 2 * time.Minute
	hosts := s.ownHosts()
	if u, err := url.Parse(s.base(one)); err == nil {
		hosts = append(hosts, fetch.HostPort(u))
	}
	return fetch.Owner(hosts, o)
}

// check is the order in which things are looked at: what others build on comes first.
func (k *checker) check(ctx context.Context) error {
	k.ok("settings", "settings.ok")
	if k.running {
		k.ok("service", "service.ok")
	} else {
		k.warn("service", "service.down", k.set.Data)
	}
	k.directories()
	k.build()
	k.git(ctx)
	k.mail(ctx)
	if !k.look(ctx) && sameServer(k.one.URL, k.set.base(k.one)) {
		return nil // all else is there, too
	}
	k.elsewhere(ctx)
	if k.endpoints(ctx) {
		if err := k.uploads(ctx); err != nil {
			return err
		}
	}
	return k.live(ctx)
}

func (k *checker) ok(name, key string, args ...any) { k.note("ok", name, key, args) }

func (k *checker) warn(name, key string, args ...any) { k.note("warning", name, key, args) }

func (k *checker) fail(name, key string, args ...any) { k.note("fails", name, key, args) }

// note keeps what was seen, and what to do about it where the catalogue has that. What
// strangers wrote is among the arguments.
func (k *checker) note(state, name, key string, args []any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = line(s)
		}
	}
	p := point{Site: k.one.URL, Point: name, State: state, Seen: k.l.T("check."+key, args...)}
	if do := "check." + key + "-do"; k.l.Has(do) {
		p.Do = k.l.T(do, args...)
	}
	k.points = append(k.points, p)
}
