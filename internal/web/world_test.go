package web_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/lang"
	"tertulia/internal/leaktest"
	"tertulia/internal/media"
	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/internal/web/theme"
	"tertulia/internal/webtest"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
	"tertulia/webmention"
)

func TestMain(m *testing.M) { os.Exit(leaktest.Of(m).Run()) }

// world is a whole service on an in-memory web, with real data and running jobs.
type world struct {
	*testing.T
	web     *webtest.Web
	db      *store.DB
	dir     string
	limits  *site.Limits
	jobs    *site.Jobs
	server  *web.Server
	handler http.Handler
	log     *logged
}

// logged is what the service wrote into its log.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// house is one site of a world.
type house struct {
	home, base, language string
	aliases              []string
	elsewhere            bool         // another server has its pages
	upstream             http.Handler // which this service stands in front of, as up.example
	at                   string       // the chosen selector
}

// inWorld runs a test with a service for Ana's site, in a bubble with a clock of its own.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	inWorldOf(t, []house{{home: "https://ana.example/", language: "es"}}, test)
}

func inWorldOf(t *testing.T, houses []house, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(newWorld(t, houses))
	})
}

func newWorld(t *testing.T, houses []house) *world {
	t.Helper()
	t.Cleanup(func() { time.Sleep(time.Second) }) // the web's servers linger for half a second
	w := &world{T: t, web: webtest.New(t), dir: t.TempDir(), limits: &site.Limits{}, log: &logged{}}
	leaktest.Dir(t, w.dir)
	log := slog.New(slog.NewTextHandler(io.MultiWriter(w.log, leaktest.Log()), nil))
	db, err := store.Open(w.dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w.db = db
	w.jobs = &site.Jobs{
		DB: db, Own: w.web.Client(), Strangers: w.web.Client(), Live: &site.Arrivals{}, Hosts: &site.Hosts{},
		Verifier: &webmention.Verifier{Client: w.web.Client()}, Sender: &webmention.Sender{Client: w.web.Client()},
		Resizer: &media.Resizer{},
	}
	w.server = &web.Server{Log: log, Probes: []web.Probe{{Name: "data", Check: db.Check}}}
	for _, h := range houses {
		w.build(h, log)
	}
	w.handler = leaktest.Handler(w.server.Handler())
	for _, s := range w.server.Sites {
		if err := s.IndieAuth.Validate(); err != nil {
			t.Fatal(err)
		}
		if s.Root != "" {
			if err := w.jobs.WriteHome(t.Context(), s.Site); err != nil {
				t.Fatal(err)
			}
		}
		for _, address := range append([]string{s.Me(), s.Base}, urls(s.Aliases)...) {
			w.web.Handle(parse(t, address).Host, w.handler)
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	runner := &queue.Runner{DB: db, Handlers: w.jobs.Handlers(), Log: log}
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		db.Close()
	})
	synctest.Wait() // the jobs run
	return w
}

func (w *world) build(h house, log *slog.Logger) {
	home := parse(w.T, h.home)
	key := strings.TrimSuffix(home.Host+home.Path, "/")
	s := &site.Site{
		Key: key, URL: home, Base: h.base, Name: "Ana", Language: h.language, Approve: site.ApprovePeople,
		Author: mf2.Item{Type: []string{"h-card"}, Properties: map[string][]any{"name": {"Ana"}, "url": {h.home}}},
	}
	if s.Base == "" {
		s.Base = h.home + "-/"
	}
	for _, alias := range h.aliases {
		s.Aliases = append(s.Aliases, parse(w.T, alias))
	}
	dir := filepath.Join(w.dir, "site", strings.NewReplacer(":", "_", "/", "_").Replace(key))
	if !h.elsewhere && h.upstream == nil {
		s.Root = dir
	}
	l := lang.For(h.language)
	css, _ := theme.Stylesheet()
	pages := &publish.HTML{Dir: dir, Style: css, T: l.T, N: l.N, Date: l.Date, Day: l.Day, Month: l.Month}
	s.Publish, s.Render = pages, pages.Page
	access := &site.Access{Site: s, DB: w.db, Client: s.Client(w.web.Client(), nil)}
	posts := &site.Posts{Site: s, DB: w.db, Live: w.jobs.Live}
	mentions := &site.Mentions{Site: s, DB: w.db, Limits: w.limits}
	uploads := filepath.Join(w.dir, "media", key)
	s.Uploads = uploads
	var up *web.Upstream
	if h.upstream != nil {
		w.web.Handle("up.example", h.upstream)
		up = &web.Upstream{URL: parse(w.T, "http://up.example"), Transport: w.web.Client().Transport}
	}
	at, err := web.ParseSelector(h.at)
	if err != nil {
		w.Fatal(err)
	}
	w.jobs.Sites = append(w.jobs.Sites, s)
	inbox := &site.Inbox{Site: s, DB: w.db, Mentions: mentions}
	w.server.Sites = append(w.server.Sites, &web.Site{
		Settings: func() theme.Settings { return theme.Settings{} },
		Upstream: up, At: at,
		Site: s, Access: access, Posts: posts, Outgoing: &site.Outgoing{Site: s, DB: w.db, Jobs: w.jobs},
		Logo:  func(ctx context.Context, address string) (string, error) { return w.jobs.Logo(ctx, s, address) },
		Files: media.Serve(uploads), Pictures: media.Serve(filepath.Join(uploads, store.Pictures)),
		Conversation: &site.Conversation{Site: s, DB: w.db},
		Networks:     &site.Networks{Site: s, DB: w.db, Jobs: w.jobs},
		Work:         &site.Work{Site: s, DB: w.db},
		Notices:      &site.Notices{Site: s, DB: w.db, Mail: "smtp.example.com"},
		Mentions:     mentions, Inbox: inbox,
		People:    &site.People{Site: s, DB: w.db, Inbox: inbox, Erasing: &site.Erasing{Site: s, DB: w.db, Jobs: w.jobs}},
		Answering: &site.Answering{Site: s, DB: w.db, Posts: posts, Mentions: mentions},
		IndieAuth: &indieauth.Server{
			Issuer: s.Base, Me: s.Me(), Storage: access, Client: w.web.Client(), Log: log,
			Endpoints: indieauth.Endpoints{
				Authorization: s.Endpoint("auth"), Token: s.Endpoint("token"), Introspection: s.Endpoint("introspect"),
				Revocation: s.Endpoint("revoke"), Userinfo: s.Endpoint("userinfo"), Metadata: s.Endpoint("metadata"),
				Micropub: s.Endpoint("micropub"),
			},
		},
		Micropub: &micropub.Handler{
			Backend: &site.Uploads{Posts: posts, Dir: uploads}, Authorize: access.Grant, MediaEndpoint: s.Endpoint("media"), Log: log,
		},
	})
}

// ana is the first site.
func (w *world) ana() *web.Site { return w.server.Sites[0] }

// write puts a file into the first site's directory.
func (w *world) write(name, body string) {
	w.Helper()
	file := filepath.Join(w.ana().Root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(body), 0o644); err != nil {
		w.Fatal(err)
	}
}

// post publishes a post of Ana's and returns its permalink once it is live.
func (w *world) post(name, content string) string {
	w.Helper()
	item := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {content}}}
	if name != "" {
		item.Properties["name"] = []any{name}
	}
	created, err := w.ana().Posts.Create(w.Context(), micropub.Grant{}, micropub.Create{Item: item, Digest: name + content})
	if err != nil || created.Pending {
		w.Fatalf("post: %+v, %v", created, err)
	}
	return created.URL
}

// settle lets everything that can happen now happen, and a little time pass.
func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// say serves an HTML page on another site.
func (w *world) say(address, body string) {
	u := parse(w.T, address)
	w.web.Handle(u.Host, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(rw, body)
	}))
}

// mention sends a mention, lets it be verified, and returns its status page.
func (w *world) mention(source, target string) string {
	w.Helper()
	a := w.visitor().post(w.ana().Endpoint("webmention"), url.Values{"source": {source}, "target": {target}})
	if a.status != http.StatusCreated {
		w.Fatalf("webmention %s: %d %s", source, a.status, a.body)
	}
	settle()
	return a.header.Get("Location")
}

// replied is a public reply to target: sent, verified and approved.
func (w *world) replied(source, target, entry string) {
	w.Helper()
	w.say(source, entry)
	w.decide(w.mention(source, target), "approve")
}

// decide is the owner's decision about the mention with a status page.
func (w *world) decide(status, decision string) {
	w.Helper()
	id := status[strings.LastIndex(status, "/")+1:]
	m := w.ana().Mentions
	do := map[string]func(context.Context, string, string) error{"approve": func(ctx context.Context, by, id string) error { return m.Approve(ctx, by, id, "") }, "reject": m.Reject, "delete": m.Delete}[decision]
	if err := do(w.Context(), "test", id); err != nil {
		w.Fatalf("%s %s: %v", decision, id, err)
	}
}
