package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/attach"
	"tertulia/internal/fetch"
	"tertulia/internal/lang"
)

// told is what a command was told besides its own words.
type told struct {
	globals globals
	env     func(string) (string, bool)
}

// file is the name of the settings file.
func (t told) file() string {
	named, _ := t.env("TERTULIA_CONFIG")
	return cmp.Or(t.globals.Config, named, settingsFile)
}

// lang is the language of whoever sits at the terminal.
func (t told) lang() lang.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if tag, _ := t.env(name); tag != "" {
			return lang.For(tag)
		}
	}
	return lang.Lang{}
}

// initPresets are the answers to who makes the pages of a site.
func initPresets() []string {
	return []string{"hugo", "jekyll", "eleventy", "astro", "zola", "html", "none"}
}

// plan is what init has seen at a site, was told about it, and makes of it.
type plan struct {
	site   *url.URL // with a slash at its end
	home   attach.Home
	failed error               // why the home page could not be looked at
	here   bool                // the site's name leads to this machine
	theirs indieauth.Authority // the IndieAuth server that its pages name, the zero value for none

	preset string
	dir    string // absolute, "" where it is not known
	at     string // the service's address
	l      lang.Lang
}

// initSite looks at a site, asks what it cannot see, writes the settings and prints what
// the owner has to paste elsewhere.
func initSite(ctx context.Context, _ func() (*settings, error), f given, io stdio) int {
	address := f.words[0]
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	canonical, err := homeAddress(address)
	if err != nil {
		return io.misused(fmt.Errorf("%q: %w", f.words[0], err), `write it like "https://example.com/"`)
	}
	site, err := url.Parse(canonical)
	if err != nil {
		return io.misused(err, "")
	}
	p := &plan{site: site}
	p.look(ctx)
	p.l = f.told.lang()
	if p.home.Lang != "" {
		p.l = lang.For(p.home.Lang)
	}
	p.tell(io)
	ask := &asker{in: os.Stdin, out: io.err, l: p.l}
	if f.yes || !isTerminal(os.Stdin) {
		ask.in = nil
	}
	if err := p.decide(ask, f); err != nil {
		return io.misused(err, "tertulia help init says how it is used")
	}
	if p.theirs.Token != "" {
		fmt.Fprintln(io.out, p.l.T("init.stays", line(p.theirs.Authorization)))
	}
	if p.preset != "none" && f.preset == "" && ask.in == nil {
		fmt.Fprintln(io.out, p.l.T("init.made", p.preset))
	}
	return p.write(f.told, io)
}

// look asks for the home page as strangers do: on this machine only where the site is.
func (p *plan) look(ctx context.Context) {
	o := defaults().strangers(slog.New(slog.DiscardHandler))
	if isLoopback(p.site.Hostname()) {
		o.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		p.here = true
	}
	strangers := fetch.Strangers(o)
	p.home, p.failed = attach.Look(ctx, strangers, p.site)
	if p.failed == nil {
		p.theirs = findTheirs(ctx, strangers, p.site)
	}
	if !p.here {
		p.here = leadsHere(ctx, p.site.Hostname())
	}
}

// leadsHere tells whether a name is this machine's, as far as the machine can know.
func leadsHere(ctx context.Context, host string) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return false
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	var own []netip.Addr
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, prefix.Addr())
		}
	}
	return attach.LeadsHere(found, own)
}

// tell says what was seen.
func (p *plan) tell(io stdio) {
	say := func(key string, args ...any) { fmt.Fprintln(io.out, p.l.T(key, args...)) }
	switch {
	case p.failed != nil:
		say("init.down", p.site.String(), line(why(p.failed)))
	case p.home.Status != 200 || !p.home.Page:
		say("init.nopage", p.site.String(), fmt.Sprint(p.home.Status))
	default:
		say("init.looked", p.site.String(), cmp.Or(line(p.home.Title), "-"))
	}
	if p.failed == nil && p.home.URL.String() != p.site.String() {
		say("init.leads", line(p.home.URL.String()))
	}
	if p.here {
		say("init.here")
	} else {
		say("init.away")
	}
}

// decide asks what is not known. What was said with a flag is not asked.
func (p *plan) decide(ask *asker, f given) (err error) {
	p.dir = f.dir
	if here, err := os.Getwd(); err == nil && p.dir == "" && attach.GuessFiles(os.DirFS(here)) != "" {
		p.dir = here
	}
	var source fs.FS
	if p.dir != "" {
		source = os.DirFS(p.dir)
	}
	guess := attach.Guess(source, p.home)
	if guess == attach.Dynamic {
		guess = "none"
	}
	p.preset, err = ask.word(f.preset, "init.question.preset", cmp.Or(guess, "none"), func(s string) (string, error) {
		if s = strings.ToLower(s); !slices.Contains(initPresets(), s) {
			return "", fmt.Errorf("%q: %s", s, strings.Join(initPresets(), ", "))
		}
		return s, nil
	})
	if err != nil {
		return err
	}
	if p.preset == "none" {
		p.dir = ""
	} else if p.dir, err = ask.word(f.dir, "init.question.dir", p.dir, directory); err != nil {
		return err
	}
	if p.at, err = ask.word(f.at, "init.question.at", p.usual(), endpointAddress); err != nil {
		return err
	}
	return p.keepTheirs(ask)
}

// directory checks a directory, "" for none, and makes its name absolute.
func directory(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(abs)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%q is no directory", name)
	}
	return abs, err
}

// usual is the address of the service that suits most sites of the kind: the site's own
// where the service can serve it, a path of it where a program serves it here, else a
// name beside it.
func (p *plan) usual() string {
	const first = "http://localhost:8080/"
	switch {
	case isLoopback(p.site.Hostname()) && (p.failed != nil || p.site.String() == first):
		return p.site.String()
	case isLoopback(p.site.Hostname()):
		return first
	case p.here && p.dir != "":
		return p.site.String()
	case p.here:
		return p.site.JoinPath("-/").String()
	}
	return "https://talk." + strings.TrimPrefix(p.site.Host, "www.") + "/"
}

// serves says whether the service serves the whole site.
func (p *plan) serves() bool { return p.at == p.site.String() }

// publishes says whether posts have somewhere to go.
func (p *plan) publishes() bool {
	switch p.preset {
	case "none":
		return false
	case "html":
		return p.serves() || p.dir != ""
	}
	return p.dir != ""
}

// built says whether the site is built on this machine.
func (p *plan) built() bool {
	command := attach.Build(p.preset)
	if command == nil || p.dir == "" || !p.here {
		return false
	}
	_, err := exec.LookPath(command[0])
	return err == nil
}

// pushes tells whether the source has a history with a remote, from which something else
// builds the site.
func (p *plan) pushes() bool {
	if p.dir == "" || p.preset == "html" {
		return false
	}
	for dir := p.dir; ; dir = filepath.Dir(dir) {
		config, err := os.ReadFile(filepath.Join(dir, ".git", "config"))
		if err == nil {
			return strings.Contains(string(config), "[remote ")
		}
		if dir == filepath.Dir(dir) {
			return false
		}
	}
}

// why is the reason of a failed request, without the words of the packages around it.
func why(err error) string {
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns.Name + ": " + dns.Err
	}
	return strings.TrimPrefix(err.Error(), "fetch: ")
}
