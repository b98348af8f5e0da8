package site_test

import (
	"strings"
	"testing"
	"time"

	"tertulia/store"
)

// WR-12, HOSTILE 1, 15, 43: the first look at what cannot become a mention is the last;
// what may pass is looked at again. A mention that was verified survives either.
func TestFirstLooks(t *testing.T) {
	typed := func(kind string) answer { return answer{header: []string{"Content-Type", kind}} }
	coded := func(status int) answer { return answer{status: status} }
	for name, tt := range map[string]struct {
		fail  answer
		final bool
	}{
		"401":              {coded(401), true},
		"403":              {coded(403), true},
		"405":              {coded(405), true},
		"picture":          {typed("image/png"), true},
		"large picture":    {answer{header: []string{"Content-Type", "image/png"}, body: strings.Repeat("\x89PNG ", 1<<18)}, true},
		"program":          {typed("application/octet-stream"), true},
		"strange encoding": {answer{header: []string{"Content-Encoding", "br"}}, true},
		"408":              {coded(408), false},
		"425":              {coded(425), false},
		"429":              {coded(429), false},
		"500":              {coded(500), false},
		"503":              {answer{status: 503, header: []string{"Retry-After", "600"}}, false},
		"long":             {answer{body: strings.Repeat("long ", 1<<18)}, false},
		"torn":             {answer{header: []string{"Content-Length", "9999"}, body: "<p>half of"}, false},
		"down":             {answer{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				post := w.create(entry("content", "hello"))
				bea := w.host("bea.example")
				bea.says("/known", replyTo(post, "known"))
				known := w.receive("https://bea.example/known", post)
				w.decide(w.approve, known)
				asked := len(w.web.Requests("bea.example"))

				bea.set("/new", tt.fail)
				w.web.Down("bea.example", name == "down")
				id := w.receive("https://bea.example/new", post)
				m := w.mention(id)
				if tt.final {
					if m.State != store.Failed || m.Why == "" || len(w.jobList()) > 0 {
						t.Errorf("got %s (%s), jobs %v, want it failed for a reason", m.State, m.Why, w.jobList())
					}
					pass(24 * time.Hour)
					if n := len(w.web.Requests("bea.example")) - asked; n != 1 {
						t.Errorf("the source was asked %d times, want once", n)
					}
				} else if m.State != store.Received || len(w.jobList()) != 1 {
					t.Errorf("got %s (%s), jobs %v, want it looked at again", m.State, m.Why, w.jobList())
				}

				bea.set("/known", tt.fail)
				w.receive("https://bea.example/known", post)
				if jobs := w.jobList(); len(jobs) == 0 {
					t.Error("nobody looks at the known one again")
				}
				w.wantTexts("known", post, "known")
				w.web.Down("bea.example", false)
				bea.says("/known", replyTo(post, "known"))
				bea.says("/new", replyTo(post, "new"))
				pass(8 * time.Hour)
				want := []string{"known", "new"}
				if tt.final {
					want = want[:1]
				}
				w.wantTexts("it answers again", post, want...)
			})
		})
	}
}

// HOSTILE 1: an address that is not public stays so: asked once, failed for good, unless
// the mention is known, for a name may be wrong for an hour.
func TestBlockedSourcesFailAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		id := w.receive("https://"+inside+"/1", post)
		w.wantState("blocked", id, store.Failed)
		if m := w.mention(id); m.Why == "" || strings.Contains(m.Why, errBlocked.Error()) || len(w.jobList()) > 0 {
			t.Errorf("it says %q, jobs %v", m.Why, w.jobList())
		}
		known := w.show(post, "https://"+inside+"/2", post, store.Version{Type: "reply", Text: "known"})
		if again := w.receive("https://"+inside+"/2", post); again != known {
			t.Fatal("it is another mention")
		}
		if len(w.jobList()) == 0 {
			t.Error("nobody looks at the known one again")
		}
		pass(7 * 24 * time.Hour)
		w.wantTexts("after a week", post, "known")
	})
}
