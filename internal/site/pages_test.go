package site_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// canonical is a page of the own site that says what its address is.
func canonical(address string) answer {
	return answer{body: `<!doctype html><head><link rel="stylesheet" href="/s.css"><link rel=Canonical href="` + address + `"></head><body>hello`}
}

func leads(status int, to string) answer {
	return answer{status: status, header: []string{"Location", to}}
}

// ownSite makes the own site one that is served elsewhere.
func (w *world) ownSite() *host { return w.host("me.example") }

// wantOne fails unless all addresses are one conversation, known by one of them, with so
// many replies.
func (w *world) wantOne(when, at string, replies int, addresses ...string) {
	w.t.Helper()
	for _, address := range append(addresses, at) {
		p, err := w.talk.Of(w.t.Context(), address)
		if err != nil || p.URL != at || len(p.Responses) != replies || p.Counts["reply"] != replies {
			w.t.Errorf("%s: %s is known as %q with %d responses, counts %v, %v; want %s with %d", when, address, p.URL, len(p.Responses), p.Counts, err, at, replies)
		}
	}
}

// T-WR20: a target that redirects, or says to be another page, is filed under that one.
func TestTargetsAreFiledUnderTheirPage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const post = "https://me.example/2026/post/"
		me, bea := w.ownSite(), w.host("bea.example")
		me.set("/2026/post/", canonical(post))
		me.set("/short", leads(302, "/long"))
		me.set("/long", leads(301, "https://www.me.example/2026/post"))
		me.set("/2026/post", leads(301, post))
		w.web.Handle("www.me.example", me)
		me.set("/amp/post", canonical("../2026/post/"))
		me.set("/header", answer{header: []string{"Link", `</x>; rel="next", <` + post + `>; rel="canonical"`}})
		addresses := []string{
			"https://me.example/short", "https://me.example/long", "https://www.me.example/2026/post",
			"https://me.example/amp/post", "https://me.example/header", post,
		}
		for i, target := range addresses {
			at := fmt.Sprint("/", i)
			bea.says(at, replyTo(target, at))
			id := w.receive("https://bea.example"+at, target)
			w.decide(w.approve, id)
			if m := w.mention(id); m.Target != target {
				t.Errorf("%s was made %s", target, m.Target)
			}
		}
		w.wantOne("filed", post, len(addresses), addresses...)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		// What is known is not asked again.
		asked := len(w.web.Requests("me.example"))
		bea.says("/again", replyTo(addresses[0], "again"))
		w.receive("https://bea.example/again", addresses[0])
		if n := len(w.web.Requests("me.example")) - asked; n > 0 {
			t.Errorf("our own site was asked %d times more", n)
		}
		w.restart()
		w.wantOne("after a restart", post, len(addresses)+1, addresses...)
	}, elsewhere)
}

// A site that says foolish things about its pages loses no conversation.
func TestPagesAreNotSwallowed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		me, bea := w.ownSite(), w.host("bea.example")
		me.set("/", canonical("https://me.example/"))
		me.set("/home", canonical("https://me.example/"))
		me.set("/foreign", canonical("https://other.example/x"))
		me.set("/missing", canonical("https://me.example/404"))
		me.set("/chain", canonical("https://me.example/missing"))
		me.set("/silent", canonical("https://me.example/mute"))
		me.says("/mute", "<p>it says nothing of itself")
		me.set("/round", canonical("https://me.example/redirected"))
		me.set("/redirected", leads(301, "/round"))
		me.says("/body", `<body><link rel=canonical href="/mute">`)
		me.says("/broken", `<link rel=canonical href="http://[">`)
		me.set("/login", leads(302, "/"))
		me.set("/away", leads(301, "https://other.example/"))
		me.set("/loop", leads(302, "/loop"))
		w.web.Handle("other.example", http.NotFoundHandler())
		for _, path := range []string{"/", "/home", "/foreign", "/missing", "/chain", "/silent", "/mute", "/round", "/body", "/broken"} {
			target := "https://me.example" + path
			bea.says(path, replyTo(target, "x"))
			w.receive("https://bea.example"+path, target)
			w.wantOne("foolish", target, 1)
		}
		for _, path := range []string{"/login", "/away", "/loop", "/404"} {
			target := "https://me.example" + path
			bea.says(path, replyTo(target, "x"))
			id := w.receive("https://bea.example"+path, target)
			if m, err := w.talk.Mention(t.Context(), id); err == nil {
				t.Errorf("a mention of %s is %s", target, m.State)
			}
			if p, err := w.talk.Of(t.Context(), target); err == nil {
				t.Errorf("%s has a conversation: %+v", target, p)
			}
		}
		if n := len(w.web.Requests("other.example")); n > 0 {
			t.Errorf("another site was asked %d times", n)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	}, elsewhere, approve(site.ApproveNone))
}

// A site that moves its pages takes their conversations along, hundreds of mentions too,
// when a mention makes us look again. An outage of it changes nothing.
func TestConversationsFollowASiteThatMoves(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const old, now = "https://me.example/old", "https://me.example/new/"
		me, bea := w.ownSite(), w.host("bea.example")
		me.says("/old", "hello")
		w.mentions.Limits = unlimited()
		const n = 250
		for i := range n {
			at := fmt.Sprint("/", i)
			bea.says(at, replyTo(old, at))
			if _, err := w.send("https://bea.example"+at, old); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Minute)
		w.wantOne("before", old, n)
		me.set("/old", leads(301, now))
		me.set("/new/", canonical(now))
		bea.says("/twin", replyTo(now, "twin"))
		bea.says("/0", replyTo(now, "/0"))
		w.receive("https://bea.example/twin", now)
		w.receive("https://bea.example/0", now) // its page is not known to be the same yet
		w.wantOne("known too recently", old, n)
		pass(31 * 24 * time.Hour)
		w.web.Down("me.example", true)
		w.receive("https://bea.example/1", old)
		w.wantOne("while the site is down", old, n)
		w.web.Down("me.example", false)
		pass(31 * 24 * time.Hour)
		w.receive("https://bea.example/2", old)
		w.wantOne("moved", now, n+1, old)
		// The sources follow: their new links are as good, and nobody is taken back.
		bea.says("/3", replyTo(now, "/3"))
		id := w.receive("https://bea.example/3", old)
		if m := w.mention(id); m.State != store.Approved || m.Target != now || m.Shown.Type != "reply" {
			t.Errorf("a source that follows is %s (%s), to %s", m.State, m.Why, m.Target)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	}, elsewhere, approve(site.ApproveNone))
}

// Where we serve the files they say it themselves; a file that goes takes nothing along.
func TestFilesSayTheirCanonicalAddress(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		put := func(name, head string) {
			w.file(name)
			if err := os.WriteFile(filepath.Join(w.root, name), []byte("<head>"+head+"</head><p>x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		put("post/index.html", `<link rel="canonical" href="https://me.example/post/">`)
		put("print/post.html", `<base href="https://me.example/print/"><link rel="shortlink canonical" href="../post/#top">`)
		put("lost.html", `<link rel="canonical" href="/nowhere/">`)
		bea := w.host("bea.example")
		for _, target := range []string{"https://me.example/print/post.html", "https://me.example/post/", "https://me.example/lost.html"} {
			path := strings.TrimPrefix(target, "https://me.example")
			bea.says(path, replyTo(target, path))
			w.receive("https://bea.example"+path, target)
		}
		w.wantOne("by file", "https://me.example/post/", 2, "https://me.example/print/post.html")
		w.wantOne("lost", "https://me.example/lost.html", 1)
		if err := os.Remove(filepath.Join(w.root, "print/post.html")); err != nil {
			t.Fatal(err)
		}
		w.wantOne("its file is gone", "https://me.example/post/", 2, "https://me.example/print/post.html")
		if _, err := w.send("https://bea.example/late", "https://me.example/print/post.html"); err != nil {
			t.Errorf("a former address: %v", err)
		}
		if now := w.talk.Moved(t.Context(), parse(t, "https://me.example/print/post.html")); now != "https://me.example/post/" {
			t.Errorf("readers are led to %q", now)
		}
	}, approve(site.ApproveNone))
}

// Fifty mentions of one unknown page are not fifty pages, whatever happens in between.
func TestManyMentionsOfOneAliasAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		me := w.ownSite()
		me.set("/a", leads(301, "/b"))
		me.set("/b", canonical("https://me.example/b"))
		w.stop()
		var hosts []string
		for i := range 50 {
			name := fmt.Sprintf("h%d.example", i)
			target := []string{"https://me.example/a", "https://me.example/b"}[i%2]
			w.host(name).says("/", replyTo(target, name))
			hosts = append(hosts, name)
			if _, err := w.send("https://"+name+"/", target); err != nil {
				t.Fatal(err)
			}
		}
		w.start()
		pass(time.Minute)
		w.wantOne("all", "https://me.example/b", 50, "https://me.example/a")
		seen := w.texts("https://me.example/b")
		slices.Sort(seen)
		slices.Sort(hosts)
		if !slices.Equal(seen, hosts) {
			t.Errorf("got %q", seen)
		}
	}, elsewhere, approve(site.ApproveNone))
}

// FuzzPagesOfOurOwn: whatever a page of ours says of itself, it has a conversation.
func FuzzPagesOfOurOwn(f *testing.F) {
	f.Add("", `<link rel=canonical href=/b>`)
	f.Add(`<https://me.example/b>; rel=canonical`, "")
	f.Add(`<<>;rel="canonical`, `<base href=":"><link rel="canonical" href="http://[::1]:namedport/">`)
	f.Fuzz(func(t *testing.T, link, head string) {
		if strings.ContainsFunc(link, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			t.Skip() // no answer has it
		}
		inWorld(t, func(t *testing.T, w *world) {
			me := w.ownSite()
			me.set("/a", answer{header: []string{"Link", link}, body: head})
			me.set("/b", canonical("https://me.example/b"))
			w.host("bea.example").says("/", replyTo("https://me.example/a", "x"))
			w.receive("https://bea.example/", "https://me.example/a")
			if p, err := w.talk.Of(t.Context(), "https://me.example/a"); err != nil || len(p.Responses) != 1 {
				t.Errorf("%q, %q: got %+v, %v", link, head, p, err)
			}
		}, elsewhere, approve(site.ApproveNone))
	})
}
