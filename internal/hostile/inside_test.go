package hostile_test

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/webtest"
)

// HOSTILE 1, 4, 5, 6, 10, 13 and 14; T-WR22, T-WS06: nobody is led to where outsiders
// must not go, whichever way they come in, however the place is written, with either
// resolver, and whatever proxy the environment names.
func TestNobodyIsLedInside(t *testing.T) {
	const mark = "TERTULIA_TEST_INSIDE"
	if resolver := os.Getenv(mark); resolver != "" {
		leadInside(t, resolver)
		return
	}
	// The environment is read once in a process, so each way to set it takes a new one.
	for _, resolver := range []string{"go", "cgo"} {
		t.Run(resolver, func(t *testing.T) {
			proxy := "http://" + webtest.Canary(t, "127.0.0.1:0")
			cmd := exec.Command(os.Args[0], "-test.run=^TestNobodyIsLedInside$", "-test.v="+fmt.Sprint(testing.Verbose()))
			cmd.Env = append(os.Environ(), mark+"="+resolver, "GODEBUG=netdns="+resolver)
			for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
				cmd.Env = append(cmd.Env, name+"="+proxy, strings.ToLower(name)+"="+proxy)
			}
			cmd.Env = append(cmd.Env, "NO_PROXY=", "no_proxy=")
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			} else if testing.Verbose() {
				t.Logf("%s", out)
			}
		})
	}
}

// entries are the ways by which an outsider's URL comes in. Each makes us go to the
// place `to`, at once or by way of honest pages, which page finds.
var entries = []struct {
	name string
	lead func(w *inside, page finder, to string) error
}{
	{"source", func(w *inside, _ finder, to string) error { return w.verify(to) }},
	{"target", func(w *inside, _ finder, to string) error { return w.send(to) }},
	{"client_id", func(w *inside, _ finder, to string) error { return w.client(to) }},

	{"source that redirects with 301", func(w *inside, page finder, to string) error { return w.verify(page("301", to)) }},
	{"source that redirects with 303", func(w *inside, page finder, to string) error { return w.verify(page("303", to)) }},
	{"source that redirects with 307", func(w *inside, page finder, to string) error { return w.verify(page("307", to)) }},
	{"source that redirects twice", func(w *inside, page finder, to string) error {
		return w.verify(page("302", page("308", to)))
	}},
	{"rel=author", func(w *inside, page finder, to string) error { return w.mention(page("rel", to)) }},
	{"u-author", func(w *inside, page finder, to string) error { return w.mention(page("author", to)) }},
	{"author that redirects", func(w *inside, page finder, to string) error {
		return w.mention(page("author", page("302", to)))
	}},
	{"target that redirects", func(w *inside, page finder, to string) error { return w.send(page("302", to)) }},
	{"endpoint in a header", func(w *inside, page finder, to string) error { return w.send(page("header", to)) }},
	{"endpoint in a link", func(w *inside, page finder, to string) error { return w.send(page("link", to)) }},
	{"endpoint in an a", func(w *inside, page finder, to string) error { return w.send(page("a", to)) }},
	{"endpoint below a base", func(w *inside, page finder, to string) error { return w.send(page("base", to)) }},
	{"endpoint that says see there", func(w *inside, page finder, to string) error {
		return w.send(page("header", page("303", to)))
	}},

	// What is found by these could not be believed: nobody goes there at all.
	{still + "endpoint that redirects with 302", func(w *inside, page finder, to string) error {
		return w.send(page("header", page("302", to)))
	}},
	{still + "endpoint that redirects with 307", func(w *inside, page finder, to string) error {
		return w.send(page("header", page("307", to)))
	}},
	{still + "client_id that redirects", func(w *inside, page finder, to string) error { return w.client(page("302", to)) }},
}

const still = "unfollowed "

func leadInside(t *testing.T, resolver string) {
	w := newInside(t)
	places := w.literals()
	if resolver == "cgo" && cgo() {
		// The C library reads these as this machine and asks nobody.
		for _, host := range []string{"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0"} {
			places = append(places, "http://"+host+":"+w.port+"/")
		}
	}
	w.resolve(nil)
	for _, place := range places {
		w.leadAll(place)
	}
	// From here on Go's own resolver asks a name system of ours.
	w.resolve(w.names.Resolver())
	for name := range w.names.Answers {
		w.leadAll("http://" + strings.TrimSuffix(name, ".") + ":" + w.port + "/")
	}
	w.rebind()
	t.Logf("%d visits, %d dials refused, %d requests for honest pages", w.visits, w.refused.Load(), w.met.Load())
	if w.met.Load() < 100 {
		t.Error("the honest pages were not even seen")
	}
}

// cgo reports whether the C library's resolver is in this binary.
func cgo() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "1"})
}

// literals are the addresses of this machine, in many spellings, and some of others
// that are nobody's business.
func (w *inside) literals() []string {
	hosts := []string{"127.0.0.1", "127.8.9.10", "0.0.0.0", "169.254.169.254", "168.63.129.16", "10.0.0.1", "localhost", "LOCALHOST"}
	if w.six {
		hosts = append(hosts, "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]",
			"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fd00:ec2::254]", "[fe80::1%25lo]")
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range own {
		p, err := netip.ParsePrefix(a.String())
		switch {
		case err != nil:
		case p.Addr().Is4():
			hosts = append(hosts, p.Addr().String())
		case w.six:
			hosts = append(hosts, "["+p.Addr().String()+"]")
		}
	}
	places := []string{"https://127.0.0.1:" + w.port + "/"}
	for _, host := range hosts {
		places = append(places, "http://"+host+":"+w.port+"/")
	}
	return places
}

// leadAll tries a place by every entry.
func (w *inside) leadAll(place string) {
	for _, e := range entries {
		tries := !strings.HasPrefix(e.name, still)
		if e.name == "client_id" {
			tries = asked(place)
		}
		w.lead(e.name+" → "+place, tries, func() error {
			return e.lead(w, pages("http://"+w.page), place)
		})
	}
}

// asked reports whether a client_id is fetched at all: not when it is none, nor when
// the client runs on somebody's own machine.
func asked(id string) bool {
	canonical, err := indieauth.CheckClientID(id)
	if err != nil {
		return false
	}
	u, err := url.Parse(canonical)
	if err != nil {
		return false
	}
	_, literal := netip.ParseAddr(u.Hostname())
	return literal != nil && u.Hostname() != "localhost"
}

// rebind tries names that lead to an honest page once, and then inside (HOSTILE 5).
func (w *inside) rebind() {
	_, port, err := net.SplitHostPort(w.page)
	if err != nil {
		w.t.Fatal(err)
	}
	webtest.Canary(w.t, "127.0.0.1:"+port)
	for i, e := range entries {
		name := fmt.Sprintf("rebind%d.example", i)
		w.names.Answers[name+"."] = [][]string{{"127.0.2.7"}, {"127.0.0.1"}}
		place := "http://" + name + ":" + port
		if direct := !strings.Contains(e.name, " ") && !strings.Contains(e.name, "author"); direct {
			_ = e.lead(w, pages(place), place+"/") // the visit that is let in
		}
		w.lead(e.name+" after rebinding", e.name != still+"client_id that redirects", func() error {
			return e.lead(w, pages(place), place+"/")
		})
	}
}

// lead makes one visit, which must come to nothing, soon, and if it tries anything
// at all be stopped by the guard.
func (w *inside) lead(what string, tries bool, visit func() error) {
	w.visits++
	begin, refused := time.Now(), w.refused.Load()
	if err := visit(); err != nil {
		w.t.Errorf("%s: %v", what, err)
	}
	if tried := w.refused.Load() > refused; tried != tries {
		w.t.Errorf("%s: the guard was met: %t, want %t", what, tried, tries)
	}
	if took := time.Since(begin); took > 10*time.Second {
		w.t.Errorf("%s: took %v", what, took)
	}
}
