package hostile_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/fetch"
	"tertulia/internal/site"
	"tertulia/internal/webtest"
	"tertulia/store"
	"tertulia/webmention"
)

// inside is a machine with something to hide, and all that goes out from it.
type inside struct {
	t       *testing.T
	port    string // of the canary, on every address of this machine
	page    string // host:port of honest pages
	six     bool   // there is IPv6 here
	visits  int
	refused atomic.Int64
	met     atomic.Int64 // requests for honest pages
	names   *webtest.Names

	mentions *site.Mentions
	jobs     *site.Jobs
	auth     *indieauth.Server
}

func newInside(t *testing.T) *inside {
	w := &inside{t: t, names: &webtest.Names{Answers: map[string][][]string{
		"four.example.":     {{"127.0.0.1"}},
		"both.example.":     {{"127.0.0.1", "::1"}},
		"many.example.":     {slices.Repeat([]string{"127.0.0.1"}, 1000)},
		"any.example.":      {{"0.0.0.0"}},
		"metadata.example.": {{"169.254.169.254"}},
		"azure.example.":    {{"168.63.129.16"}},
	}}}
	everywhere := "0.0.0.0:0"
	if l, err := net.Listen("tcp", "[::1]:0"); err == nil {
		_ = l.Close() // it was only to see whether there is IPv6
		everywhere, w.six = "[::]:0", true
		w.names.Answers["six.example."] = [][]string{{"::1", "::"}}
		w.names.Answers["mapped.example."] = [][]string{{"::ffff:127.0.0.1"}}
		w.names.Answers["nat64.example."] = [][]string{{"64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::"}}
	}
	w.port = portOf(t, webtest.Canary(t, everywhere))
	w.page = webtest.Serve(t, "127.0.2.7:0", w.honest)

	db, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "index.html"), []byte("<p>Hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	me := &site.Site{Key: "me.example", URL: parse(t, mine), Base: mine + "-/", Name: "Me", Language: "en", Root: root}
	w.mentions = &site.Mentions{Site: me, DB: db, Limits: &site.Limits{PerSender: 1 << 20, PerHost: 1 << 20}}
	w.jobs = &site.Jobs{Sites: []*site.Site{me}, DB: db, Own: fetch.Owner(nil, fetch.Options{}), Live: &site.Arrivals{}}
	w.auth = &indieauth.Server{}
	return w
}

// mine is the page that strangers mention.
const mine = "https://me.example/"

// resolve gives everybody a client with the resolver; nil is the system's.
func (w *inside) resolve(r *net.Resolver) {
	client := fetch.Strangers(fetch.Options{
		Allow: []netip.Prefix{webtest.Street}, Timeout: 5 * time.Second, Resolver: r, Log: slog.New(counting{slog.DiscardHandler, &w.refused}),
	})
	w.jobs.Strangers, w.auth.Client = client, client
	w.jobs.Verifier, w.jobs.Sender = &webmention.Verifier{Client: client}, &webmention.Sender{Client: client, Allow: everywhere}
}

// everywhere is what the sender may be told, so that its own look at the hosts of
// endpoints does not stand before the guard.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// counting is a log that counts how often the guard has refused an address.
type counting struct {
	slog.Handler
	refused *atomic.Int64
}

func (counting) Enabled(context.Context, slog.Level) bool { return true }

func (c counting) Handle(_ context.Context, r slog.Record) error {
	if r.Message == "address refused" {
		c.refused.Add(1)
	}
	return nil
}

// finder is where the honest page is that leads on to a place, in the way of its path.
type finder func(path, to string) string

// pages finds the honest pages of a server, which lead on.
func pages(server string) finder {
	return func(path, to string) string { return server + "/" + path + "?to=" + url.QueryEscape(to) }
}

// honest is the server of these pages.
func (w *inside) honest(rw http.ResponseWriter, r *http.Request) {
	w.met.Add(1)
	to, path := r.FormValue("to"), strings.TrimPrefix(r.URL.Path, "/")
	if code, err := strconv.Atoi(path); err == nil {
		rw.Header().Set("Location", to)
		rw.WriteHeader(code)
		return
	}
	href := html.EscapeString(to)
	body := map[string]string{
		"rel":    `<a rel=author href="` + href + `"></a><p class=h-entry>`,
		"author": `<p class=h-entry><a class=u-author href="` + href + `"></a>`,
		"link":   `<link rel=webmention href="` + href + `">`,
		"a":      `<a rel=webmention href="` + href + `"></a>`,
		"base":   `<base href="` + href + `"><link rel=webmention href="end">`,
	}[path]
	if path == "header" {
		rw.Header().Set("Link", "<"+to+">; rel=webmention")
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	post := cmp.Or(r.FormValue("mine"), mine)
	fmt.Fprintf(rw, `<!doctype html>%s<a class="u-in-reply-to" href="%s">A post</a> is right.`, body, html.EscapeString(post))
}

// verify looks at a source.
func (w *inside) verify(source string) error {
	got, err := w.jobs.Verifier.Verify(w.t.Context(), parse(w.t, source), parse(w.t, mine))
	if err == nil || got.Outcome != webmention.Unavailable || got.Status != 0 {
		return fmt.Errorf("got %s (%d), %v, want no answer", got.Outcome, got.Status, err)
	}
	return nil
}

// mention takes in a mention from a good source and reads who its author is.
func (w *inside) mention(source string) error {
	source += fmt.Sprintf("&visit=%d", w.visits)
	receipt, err := w.mentions.Accept(w.t.Context(), webmention.Request{Source: parse(w.t, source), Target: parse(w.t, mine)})
	if err != nil {
		return err
	}
	w.jobs.Hosts = &site.Hosts{} // no host is left alone for what others were led to
	id := path.Base(receipt.Status)
	var job store.Job
	if err := w.jobs.DB.View(w.t.Context(), "me.example", func(tx *store.Tx) error {
		jobs, err := tx.Jobs()
		for _, j := range jobs {
			if j.Key == id {
				job = j
			}
		}
		return err
	}); err != nil {
		return err
	}
	for state := store.Received; state == store.Received; { // the first look of all is at our own page
		commit, err := w.jobs.Handlers()[job.Kind](w.t.Context(), job)
		if err != nil || commit == nil {
			return fmt.Errorf("got %v, want a mention, whoever has written it", err)
		}
		if err := w.jobs.DB.Update(w.t.Context(), "me.example", func(tx *store.Tx) error {
			if err := commit(tx); err != nil {
				return err
			}
			m, err := tx.Mention(id)
			state = m.State
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// send tells a target that we have linked to it.
func (w *inside) send(target string) error {
	d, err := w.jobs.Sender.Send(w.t.Context(), parse(w.t, mine), parse(w.t, target))
	if err == nil {
		return fmt.Errorf("delivered to %v", d.Endpoint)
	}
	return nil
}

// client asks an application who it is, because of a redirect_uri elsewhere.
func (w *inside) client(id string) error {
	id, err := indieauth.CheckClientID(id)
	if err != nil {
		return nil // refused before anything is fetched
	}
	w.auth = &indieauth.Server{Client: w.auth.Client} // which remembers nobody
	got, err := w.auth.ClientInfo(w.t.Context(), indieauth.Request{ClientID: id, RedirectURI: "https://elsewhere.example/"})
	if !errors.Is(err, indieauth.ErrRedirect) {
		return fmt.Errorf("got %+v, %v, want %v", got, err, indieauth.ErrRedirect)
	}
	return nil
}
