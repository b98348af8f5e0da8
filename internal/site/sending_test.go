package site_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/micropub"
)

// WS-8, WS-9, WS-11, T-WS10, F7, F9, HOSTILE 105: those a post links to hear of each
// of its revisions once it can be read, and one last time when the link has gone.
func TestTargetsHearOfEachRevision(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana, bob, eve := w.inbox("ana.example"), w.inbox("bob.example"), w.inbox("eve.example")
		eve.deaf = true
		post := w.create(entry("in-reply-to", "https://ana.example/", "content", "see https://bob.example/#x and https://eve.example/"))
		pass(5 * time.Second)
		ana.wantHeard("created", 1)
		bob.wantHeard("created", 1)
		if h := bob.heard()[0]; h.source != post || h.target != "https://bob.example/#x" || h.status != 200 || !h.linked {
			t.Errorf("bob was told %+v", h)
		}
		for target, want := range map[string]string{"https://ana.example/": "sent", "https://bob.example/#x": "sent", "https://eve.example/": "no endpoint"} {
			if s := w.sent(post, target); s.State != want || !s.Linked || s.Revision != 1 {
				t.Errorf("%s: got %+v, want %s", target, s, want)
			}
		}

		w.update(post, micropub.Update{Replace: map[string][]any{"content": {"see https://new.example/"}}})
		fresh := w.inbox("new.example")
		pass(5 * time.Second)
		ana.wantHeard("updated", 2)
		bob.wantHeard("the link removed", 2)
		fresh.wantHeard("a link added", 1)
		if h := bob.heard()[1]; h.status != 200 || h.linked {
			t.Errorf("bob was told %+v of a link that has gone", h)
		}
		if s := w.sent(post, "https://bob.example/#x"); s.State != "unlinked" || s.Linked {
			t.Errorf("bob: %+v", s)
		}
		asked := eve.asked
		w.update(post, micropub.Update{Add: map[string][]any{"category": {"a"}}})
		pass(5 * time.Second)
		ana.wantHeard("updated again", 3)
		bob.wantHeard("told already", 2)
		if eve.asked != asked {
			t.Error("a page without an endpoint and without a link to it is still asked")
		}

		w.remove(post)
		pass(5 * time.Second)
		ana.wantHeard("deleted", 4)
		fresh.wantHeard("deleted", 3)
		bob.wantHeard("deleted", 2)
		if h := ana.heard()[3]; h.status != 410 {
			t.Errorf("ana was told of the deletion when the page answered %d", h.status)
		}
		if _, err := w.posts.Undelete(t.Context(), editor, post); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		ana.wantHeard("undeleted", 5)
		bob.wantHeard("undeleted", 2)
		if h := ana.heard()[4]; h.status != 200 || !h.linked {
			t.Errorf("ana was told %+v", h)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// F7, T-WS11: nothing is said before the page can be read, however long that takes.
func TestNothingIsSentBeforeThePageIsLive(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		w.web.Down("me.example", true)
		post := w.create(entry("content", "https://ana.example/"))
		pass(2 * time.Hour)
		w.restart()
		pass(4 * time.Hour)
		ana.wantHeard("while our site is down", 0)
		w.web.Down("me.example", false)
		pass(2 * time.Minute)
		ana.wantHeard("up again", 1)
		if h := ana.heard()[0]; h.status != 200 {
			t.Errorf("told when the page answered %d", h.status)
		}
		w.web.Down("me.example", true)
		w.remove(post)
		pass(2 * time.Hour)
		ana.wantHeard("deleted, but nobody can see it", 1)
		w.web.Down("me.example", false)
		pass(2 * time.Minute)
		ana.wantHeard("deleted and seen", 2)
	})
}

// DESIGN 3: a page that answers all the while and never shows the revision is
// announced after half an hour, with the links that it really has.
func TestPagesWithoutATraceAreAnnouncedInTheEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana, bob := w.inbox("ana.example"), w.inbox("bob.example")
		me := w.host("me.example")
		pass(time.Second)
		w.stop()
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{
			Item: entry("content", "see https://ana.example/ and https://bob.example/"), Digest: newDigest(),
		})
		if err != nil {
			t.Fatal(err)
		}
		path := strings.TrimPrefix(made.URL, "https://me.example")
		me.says(path, `<nav><a href="https://bob.example/">nav</a></nav><div class="h-entry"><div class="e-content">an old text
			<a href="https://ana.example/">a</a></div></div>`)
		w.start()
		pass(25 * time.Minute)
		ana.wantHeard("an old page", 0)
		pass(10 * time.Minute)
		ana.wantHeard("after half an hour", 1)
		bob.wantHeard("whom only the navigation links to (T-WS12)", 0)

		// Without a marker the text is the proof.
		w.update(made.URL, micropub.Update{Replace: map[string][]any{"content": {"a new text https://bob.example/"}}})
		me.says(path, `<div class="h-entry"><div class="e-content"><p>a  new text <a href="https://bob.example/">https://bob.example/</a></div></div>`)
		pass(5 * time.Second)
		bob.wantHeard("the text is there", 1)
		ana.wantHeard("the link has gone", 2)

		// With a marker nothing else is: a page of the revision before is not live.
		page := func(revision int) string {
			return fmt.Sprintf(`<meta name="tertulia-revision" content="%d"><div class="h-entry"><div class="e-content">
				a new text <a href="https://bob.example/">b</a></div></div>`, revision)
		}
		w.update(made.URL, micropub.Update{Add: map[string][]any{"category": {"a"}}})
		me.says(path, page(2))
		pass(20 * time.Minute)
		bob.wantHeard("the revision before", 1)
		me.says(path, page(3))
		pass(2 * time.Minute)
		bob.wantHeard("the revision", 2)

		// Deleted, and yet its page stays: after half an hour it is said all the same.
		w.remove(made.URL)
		pass(20 * time.Minute)
		bob.wantHeard("deleted, the page is still there", 2)
		pass(15 * time.Minute)
		bob.wantHeard("deleted half an hour ago", 3)
		if s := w.sent(made.URL, "https://bob.example/"); s.State != "unlinked" {
			t.Errorf("bob: %+v", s)
		}
	}, elsewhere)
}

// T-WS14: links within the site are news to nobody, except when they are answers.
func TestLinksWithinTheSite(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		first := w.create(entry("content", "first"))
		second := w.create(entry("in-reply-to", first, "content", "and https://www.me.example/about https://me.example/"))
		pass(5 * time.Second)
		var targets []string
		for _, s := range w.post(second).Sent {
			targets = append(targets, s.Target)
		}
		if !slices.Equal(targets, []string{first}) {
			t.Errorf("sent to %v, want only the post that it answers", targets)
		}
	})
}

// T-WS08, F6: what may pass is tried for three days and more, what is final once.
func TestSendsAreRetried(t *testing.T) {
	const target = "https://ana.example/"
	always := func(a answer) func(*inbox) { return func(in *inbox) { in.answers = func(int) answer { return a } } }
	for name, tt := range map[string]struct {
		set   func(in *inbox)
		state string
		retry bool
	}{
		"500":                    {always(answer{status: 500}), "failed", true},
		"429":                    {always(answer{status: 429, header: []string{"Retry-After", "1"}}), "failed", true},
		"503 for ten years":      {always(answer{status: 503, header: []string{"Retry-After", "315360000"}}), "failed", true},
		"408":                    {always(answer{status: 408}), "failed", true},
		"host down":              {func(in *inbox) { in.w.web.Down("ana.example", true) }, "failed", true},
		"target 502":             {func(in *inbox) { in.page.status = 502 }, "failed", true},
		"400":                    {always(answer{status: 400, body: "no"}), "refused", false},
		"404":                    {always(answer{status: 404}), "refused", false},
		"410":                    {always(answer{status: 410}), "refused", false},
		"307 elsewhere":          {always(answer{status: 307, header: []string{"Location", "https://evil.test/"}}), "refused", false},
		"no endpoint":            {func(in *inbox) { in.deaf = true }, "no endpoint", false},
		"no page":                {func(in *inbox) { in.deaf, in.page.status = true, 404 }, "no endpoint", false},
		"endpoint of a 404 page": {func(in *inbox) { in.page.status = 404 }, "sent", false},
		"200":                    {always(answer{}), "sent", false},
		"201":                    {always(answer{status: 201, header: []string{"Location", "/status/1"}}), "sent", false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ana := w.inbox("ana.example")
				tt.set(ana)
				post := w.create(entry("content", target))
				pass(5 * time.Second)
				if tt.retry {
					if s := w.sent(post, target); s.State != "waiting" || s.Note == "" {
						t.Errorf("after the first attempt: %+v", s)
					}
					pass(72 * time.Hour)
					w.restart()
					if s := w.sent(post, target); s.State != "waiting" {
						t.Errorf("after 72 hours: %+v", s)
					}
					if strings.Contains(name, "years") { // it is made to wait a day each time, and no longer
						if n := len(ana.heard()); n < 3 {
							t.Errorf("it was told %d times in three days", n)
						}
						return
					}
					pass(80 * time.Hour)
				}
				s := w.sent(post, target)
				if s.State != tt.state {
					t.Errorf("got %+v, want %s", s, tt.state)
				}
				if n := len(w.web.Requests("ana.example")); n > 2*18 || !tt.retry && n > 2 {
					t.Errorf("it was asked %d times", n)
				}
				if name == "201" && s.Location != "https://ana.example/status/1" {
					t.Errorf("the status page is %q", s.Location)
				}
				if jobs := w.jobList(); len(jobs) > 0 && name != "201" { // whose status page is followed
					t.Errorf("jobs are left: %+v", jobs)
				}
				if h := w.post(post).History; len(h) > 6 || !strings.Contains(h[len(h)-1].Note, tt.state) {
					t.Errorf("history: %+v", h)
				}
			})
		})
	}
}

// F6: an endpoint that was down for half an hour is told when it is back, once.
func TestEndpointsThatComeBackAreTold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		w.web.Down("ana.example", true)
		post := w.create(entry("content", "https://ana.example/"))
		pass(30 * time.Minute)
		w.web.Down("ana.example", false)
		pass(3 * time.Hour)
		ana.wantHeard("back again", 1)
		if s := w.sent(post, "https://ana.example/"); s.State != "sent" || s.Note != "" {
			t.Errorf("got %+v", s)
		}
	})
}

// T-WS13: who hangs holds up nobody else.
func TestOneTargetThatHangsHoldsUpNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		hang := make(chan struct{})
		t.Cleanup(func() { close(hang) })
		w.web.Handle("slow.example", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}))
		ana := w.inbox("ana.example")
		w.create(entry("content", "https://slow.example/ https://ana.example/"))
		pass(5 * time.Second)
		ana.wantHeard("beside one that hangs", 1)
		w.stop() // which does not wait for it either
	})
}

// T-WS11: a site on localhost tells only those on this machine and network.
func TestASiteOnLocalhostSendsNothingToPublicHosts(t *testing.T) {
	for _, home := range []string{"http://localhost:8080/", "http://127.0.0.1:8080/", "http://[::1]:8080/", "http://me.localhost:8080/"} {
		t.Run(home, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				public := w.inbox("ana.example")
				near := w.inbox("localhost:9001")
				private := w.inbox("192.168.1.7")
				trap := w.inbox("127.0.0.1:9002")
				trap.page.header = []string{"Link", `<https://ana.example/wm>; rel="webmention"`}
				post := w.create(entry("content", "https://ana.example/ http://localhost:9001/ http://192.168.1.7/ http://127.0.0.1:9002/ https://93.184.216.34/"))
				pass(time.Minute)
				near.wantHeard("a neighbour", 1)
				private.wantHeard("the same network", 1)
				if n := len(w.web.Requests("ana.example")); n > 0 || len(public.heard()) > 0 {
					t.Errorf("the public host was asked %d times", n)
				}
				for _, target := range []string{"https://ana.example/", "http://127.0.0.1:9002/", "https://93.184.216.34/"} {
					if s := w.sent(post, target); s.State != "kept back" || s.Note == "" {
						t.Errorf("%s: got %+v, want it kept back", target, s)
					}
				}
				if jobs := w.jobList(); len(jobs) > 0 {
					t.Errorf("jobs are left: %+v", jobs)
				}
			}, func(s *site.Site) { s.URL = parse(t, home); s.Base = home + "-/"; s.Key = s.URL.Host; s.Aliases = nil })
		})
	}
}
