package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tertulia/internal/fetch"
	"tertulia/internal/lang"
	"tertulia/internal/web"
	"tertulia/store"
)

// demo shows the main job in one go: Ana posts through Micropub, Bruno answers on
// his own site, his answer arrives as a Webmention, Ana approves it, and it stands
// under her post. Both sites are this program, on loopback ports, in a temporary
// directory; everything between them goes over HTTP.
func demo(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	dir, err := os.MkdirTemp("", "tertulia-demo-")
	if err != nil {
		return io.fail(err, "")
	}
	defer os.RemoveAll(dir)
	log := slog.New(slog.DiscardHandler)
	if f.verbose {
		log = logger(io, true)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	language := set.Sites[0].Language
	network, err := startDemoNetwork(dir, lang.For(language).T("demo.network"))
	if err != nil {
		return io.fail(err, "")
	}
	defer network.server.Close()
	ana, err := startDemoSite(ctx, filepath.Join(dir, "ana"), "Ana", language, log, network.account)
	if err != nil {
		return io.fail(err, "")
	}
	defer ana.stop()
	bruno, err := startDemoSite(ctx, filepath.Join(dir, "bruno"), "Bruno", language, log)
	if err != nil {
		return io.fail(err, "")
	}
	defer bruno.stop()

	d := newDemonstration(ana, bruno, language, io)
	d.network = network
	permalink, err := d.play(ctx)
	if err != nil {
		return io.fail(err, "tertulia demo --once --verbose shows each step")
	}
	if f.once {
		return 0
	}
	link, err := ana.site.Access.NewLink(ctx)
	if err != nil {
		return io.fail(err, "")
	}
	fmt.Fprint(io.out, "\n", d.l.T("demo.open", permalink), "\n", d.l.T("demo.admin", link), "\n", d.l.T("demo.stop"), "\n")
	<-ctx.Done()
	return 0
}

// demoSite is one running service with one site.
type demoSite struct {
	site   *web.Site
	cancel context.CancelFunc
	done   chan error
	db     *store.DB
}

// startDemoSite runs a service on a free port, with accounts that copies of its posts go to.
func startDemoSite(ctx context.Context, dir, name, language string, log *slog.Logger, accounts ...syndicateSettings) (*demoSite, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	set, err := loadSettings(globals{Config: os.DevNull, Data: dir, Listen: l.Addr().String()}, func(string) (string, bool) { return "", false })
	if err != nil {
		l.Close()
		return nil, err
	}
	one := &set.Sites[0]
	one.Name, one.Author.Name, one.Language = name, name, language
	one.Syndicate = accounts
	one.Conversation.Comments = true // whoever looks at it has no site there to reply from
	db, err := store.Open(dir, store.Options{Log: log})
	if err != nil {
		l.Close()
		return nil, err
	}
	svc, err := wire(set, db, newClients(set, log), log.With("site", name))
	if err != nil {
		l.Close()
		db.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	s := &demoSite{site: svc.app.sites[0], cancel: cancel, done: make(chan error, 1), db: db}
	go func() { s.done <- svc.run(ctx, []net.Listener{l}, nil) }()
	return s, nil
}

func (s *demoSite) stop() {
	s.cancel()
	<-s.done
	s.db.Close()
}

// demonstration is the play.
type demonstration struct {
	l          lang.Lang
	io         stdio
	ana, bruno *demoSite
	network    *demoNetwork // nil: copies go nowhere
	client     *http.Client // to the two sites and nowhere else
}

func newDemonstration(ana, bruno *demoSite, language string, io stdio) *demonstration {
	return &demonstration{
		l: lang.For(language), io: io, ana: ana, bruno: bruno,
		client: fetch.Owner([]string{ana.site.URL.Host, bruno.site.URL.Host}, fetch.Options{}),
	}
}

func (d *demonstration) say(key string, args ...any) { fmt.Fprintln(d.io.out, d.l.T(key, args...)) }

// demoPatience is how long a step may take.
const demoPatience = 20 * time.Second

func (d *demonstration) play(ctx context.Context) (permalink string, err error) {
	form := url.Values{
		"h": {"entry"}, "name": {d.l.T("demo.post.name")}, "content": {d.l.T("demo.post.content")}, "category[]": {"indieweb", "tertulia"},
	}
	if d.network != nil {
		form.Set("mp-syndicate-to", d.network.account.uid())
	}
	permalink, err = d.post(ctx, d.ana, form)
	if err != nil {
		return "", fmt.Errorf("post through Micropub: %w", err)
	}
	d.say("demo.posted", permalink)
	if d.network != nil {
		if err := d.waits(ctx, permalink); err != nil {
			return "", err
		}
		d.say("demo.waits")
	}

	reply := d.l.T("demo.reply")
	answer, err := d.post(ctx, d.bruno, url.Values{"h": {"entry"}, "in-reply-to": {permalink}, "content": {reply}})
	if err != nil {
		return "", fmt.Errorf("reply through Micropub: %w", err)
	}
	d.say("demo.replied", answer)

	var id string
	err = until(ctx, "the reply has not arrived", func() (bool, error) {
		waiting, _, err := d.ana.site.Conversation.Waiting(ctx, "", 1)
		if err != nil || len(waiting) == 0 {
			return false, err
		}
		id = waiting[0].ID
		return true, nil
	})
	if err != nil {
		return "", err
	}
	d.say("demo.arrived")
	if err := d.ana.site.Mentions.Approve(ctx, d.ana.site.Me(), id, ""); err != nil {
		return "", fmt.Errorf("approve: %w", err)
	}
	d.say("demo.approved")

	page, err := d.get(ctx, permalink)
	if err != nil {
		return "", err
	}
	if !strings.Contains(page, reply) || !strings.Contains(page, answer) {
		return "", errors.New("the reply is approved, but does not stand under the post")
	}
	d.say("demo.shown")
	if d.network != nil {
		err = d.comesBack(ctx, permalink)
	}
	return permalink, err
}

// post makes a post as an editor does, with a token of its own.
func (d *demonstration) post(ctx context.Context, s *demoSite, form url.Values) (string, error) {
	token, err := s.site.Access.NewToken(ctx, "demo", []string{"create"})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.site.Endpoint("micropub"), strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, body, err := d.do(req)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("the endpoint answers %s: %s", resp.Status, body)
	}
	return resp.Header.Get("Location"), nil
}

func (d *demonstration) get(ctx context.Context, address string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, body, err := d.do(req)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", address, resp.Status)
	}
	return body, err
}

// do sends a request to one of the two sites.
func (d *demonstration) do(req *http.Request) (*http.Response, string, error) {
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp, string(body), err
}

// until asks again and again whether something has happened.
func until(ctx context.Context, complaint string, happened func() (bool, error)) error {
	deadline := time.NewTimer(demoPatience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := happened(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("%s after %s", complaint, demoPatience)
		case <-tick.C:
		}
	}
}
