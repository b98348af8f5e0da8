package site_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/leaktest"
	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/internal/site"
	"tertulia/internal/webtest"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
	"tertulia/webmention"
)

// world is one site, https://me.example/, with a real store and a real publisher on
// a web in memory. It can be stopped and started again.
type world struct {
	t    *testing.T
	web  *webtest.Web
	site *site.Site
	data string // of the store
	root string // of the pages

	db       *store.DB
	posts    *site.Posts
	mentions *site.Mentions
	talk     *site.Conversation
	jobs     *site.Jobs
	runner   *queue.Runner
	stop     func()
}

// inWorld runs a test on a world of its own, in a bubble with its own time.
func inWorld(t *testing.T, test func(t *testing.T, w *world), settings ...func(*site.Site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, settings...)
		w.open()
		t.Cleanup(func() { w.close() })
		w.start()
		test(t, w)
	})
}

// elsewhere makes the site one whose pages this service does not serve.
func elsewhere(s *site.Site) { s.Root = "" }

func approve(a site.Approval) func(*site.Site) { return func(s *site.Site) { s.Approve = a } }

func newWorld(t *testing.T, settings ...func(*site.Site)) *world {
	t.Helper()
	w := &world{t: t, web: webtest.New(t), data: t.TempDir(), root: t.TempDir()}
	leaktest.Dir(t, w.data)
	leaktest.Dir(t, w.root)
	l := lang.For("en")
	w.site = &site.Site{
		Key: "me.example", URL: parse(t, "https://me.example/"), Base: "https://me.example/-/",
		Aliases: []*url.URL{parse(t, "https://www.me.example/")},
		Name:    "Me", Language: "en", Approve: site.ApprovePeople, Root: w.root,
		Author:  mf2.Item{Type: []string{"h-card"}, Properties: map[string][]any{"name": {"Me"}, "url": {"https://me.example/"}}},
		Publish: &publish.HTML{Dir: w.root, T: l.T, N: l.N, Date: l.Date, Day: l.Day, Month: l.Month},
	}
	for _, set := range settings {
		set(w.site)
	}
	w.web.Handle(w.site.URL.Host, http.HandlerFunc(w.serve))
	return w
}

// open opens the store and makes what stands around it.
func (w *world) open() {
	w.t.Helper()
	db, err := store.Open(w.data, store.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	client, live, hosts := w.web.Client(), &site.Arrivals{}, &site.Hosts{}
	client.Transport = guarded{client.Transport}
	w.db = db
	w.posts = &site.Posts{Site: w.site, DB: db, Live: live}
	w.mentions = &site.Mentions{Site: w.site, DB: db, Limits: &site.Limits{}}
	w.talk = &site.Conversation{Site: w.site, DB: db}
	w.jobs = &site.Jobs{
		Sites: []*site.Site{w.site}, DB: db, Own: client, Strangers: client, Live: live, Hosts: hosts,
		Verifier: &webmention.Verifier{Client: client}, Sender: &webmention.Sender{Client: client, Allow: near},
		Hopeless: func(err error) bool { return errors.Is(err, errBlocked) },
	}
	w.runner = &queue.Runner{DB: db, Handlers: w.jobs.Handlers(), Busy: hosts.Busy}
}

// near are the networks that are let in, as [fetch] allow does.
var near = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("192.168.0.0/16")}

// guarded is a client's guard: it knows one host that is not public.
type guarded struct{ next http.RoundTripper }

const inside = "inside.example"

var errBlocked = errors.New("that is no public address")

// RoundTrip is of http.RoundTripper.
func (g guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Hostname() == inside {
		return nil, errBlocked
	}
	return g.next.RoundTrip(r)
}

// approve is the owner's click on what waits now.
func (w *world) approve(ctx context.Context, by, id string) error {
	return w.mentions.Approve(ctx, by, id, "")
}

// start runs the jobs until stop.
func (w *world) start() {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan error, 1)
	runner := w.runner
	go func() { done <- runner.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			w.t.Error(err)
		}
		w.stop = nil
	}
}

func (w *world) close() {
	if w.stop != nil {
		w.stop()
	}
	if err := w.db.Close(); err != nil {
		w.t.Error(err)
	}
}

// restart ends the process and starts another on the same data.
func (w *world) restart() {
	w.close()
	w.open()
	w.start()
}

// serve answers for the site as internal/web does: its files, 410 for what was deleted.
func (w *world) serve(rw http.ResponseWriter, r *http.Request) {
	page, err := os.ReadFile(filepath.Join(w.root, filepath.FromSlash(path.Clean("/"+r.URL.Path)), "index.html"))
	if err != nil {
		address, status := *w.site.URL, http.StatusNotFound
		address.Path = r.URL.Path
		if w.site.Root != "" && w.talk.Gone(r.Context(), &address) {
			status = http.StatusGone
		}
		rw.WriteHeader(status)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = rw.Write(page)
}

// file puts a page of the owner's own on the site.
func (w *world) file(name string) {
	w.t.Helper()
	full := filepath.Join(w.root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte("<p>by hand"), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// pass lets time pass, and everything happen that is due by then.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func parse(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (w *world) view(fn func(tx *store.Tx) error) {
	w.t.Helper()
	if err := w.db.View(w.t.Context(), w.site.Key, fn); err != nil {
		w.t.Fatal(err)
	}
}

var editor = micropub.Grant{ClientID: "https://editor.example/"}

var digests = struct {
	sync.Mutex
	n int
}{}

// newDigest is that of a request unlike any other.
func newDigest() string {
	digests.Lock()
	defer digests.Unlock()
	digests.n++
	return fmt.Sprintf("digest-%d", digests.n)
}

// entry makes an h-entry of property, value, property, value…
func entry(pairs ...any) mf2.Item {
	it := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		name := pairs[i].(string)
		it.Properties[name] = append(it.Properties[name], pairs[i+1])
	}
	return it
}

// create makes a post and returns its permalink.
func (w *world) create(it mf2.Item, slug ...any) string {
	w.t.Helper()
	made, err := w.posts.Create(w.t.Context(), editor, micropub.Create{
		Item: it, Digest: newDigest(), Commands: map[string][]any{"mp-slug": slug},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return made.URL
}

func (w *world) update(permalink string, u micropub.Update) {
	w.t.Helper()
	if _, err := w.posts.Update(w.t.Context(), editor, permalink, u); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) remove(permalink string) {
	w.t.Helper()
	if err := w.posts.Delete(w.t.Context(), editor, permalink); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) post(permalink string) (post store.Post) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		post, err = tx.Post(permalink)
		return err
	})
	return post
}

// sent is what became of the Webmention to a target.
func (w *world) sent(permalink, target string) store.Sent {
	for _, s := range w.post(permalink).Sent {
		if s.Target == target {
			return s
		}
	}
	return store.Sent{}
}

func (w *world) jobList() (jobs []store.Job) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		jobs, err = tx.Jobs()
		return err
	})
	return jobs
}

func (w *world) send(source, target string) (id string, err error) {
	w.t.Helper()
	receipt, err := w.mentions.Accept(w.t.Context(), webmention.Request{
		Source: parse(w.t, source), Target: parse(w.t, target), From: netip.MustParseAddr("192.0.2.1"),
	})
	return path.Base(receipt.Status), err
}

// receive takes a mention in and lets it be looked at.
func (w *world) receive(source, target string) (id string) {
	w.t.Helper()
	id, err := w.send(source, target)
	if err != nil {
		w.t.Fatalf("accept %s → %s: %v", source, target, err)
	}
	pass(5 * time.Second)
	return id
}

func (w *world) mention(id string) store.Mention {
	w.t.Helper()
	m, err := w.talk.Mention(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// wantState fails unless a mention stands where it should.
func (w *world) wantState(when, id string, want store.State) {
	w.t.Helper()
	if m := w.mention(id); m.State != want {
		w.t.Errorf("%s: got %s (%s), want %s", when, m.State, m.Why, want)
	}
}

// texts are those that readers see under a page.
func (w *world) texts(address string) (texts []string) {
	w.t.Helper()
	p, err := w.talk.Of(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range p.Responses {
		texts = append(texts, r.Text)
	}
	return texts
}

func (w *world) wantTexts(when, address string, want ...string) {
	w.t.Helper()
	if got := w.texts(address); strings.Join(got, "|") != strings.Join(want, "|") {
		w.t.Errorf("%s: readers see %q, want %q", when, got, want)
	}
}

func (w *world) decide(decide func(ctx context.Context, by, id string) error, id string) {
	w.t.Helper()
	if err := decide(w.t.Context(), "me", id); err != nil {
		w.t.Fatal(err)
	}
}
