package site_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/store"
)

func (w *world) outgoing() *site.Outgoing {
	return &site.Outgoing{Site: w.site, DB: w.db, Jobs: w.jobs}
}

// tell does what "tertulia send" does, and returns who is told as "news target".
func (w *world) tell(source string, targets ...string) (told []string) {
	w.t.Helper()
	plan, err := w.outgoing().Plan(w.t.Context(), source, targets)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, t := range plan.Targets {
		told = append(told, t.News+" "+t.Target)
	}
	if len(told) > 0 {
		if err := w.outgoing().Send(w.t.Context(), plan); err != nil {
			w.t.Fatal(err)
		}
	}
	pass(5 * time.Second)
	return told
}

func (w *world) told(address string) (page store.Outgoing) {
	w.t.Helper()
	page, err := w.outgoing().Page(w.t.Context(), address)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.t.Fatal(err)
	}
	return page
}

// T-WS12, T-WS14: what a page says itself is told, and nothing else that stands on it.
func TestOnlyWhatAPageSaysItselfIsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want []string // nil: an error
	}{
		"an entry": {`<nav><a href="https://nav.example/">n</a></nav><div class="h-entry"><a class="u-in-reply-to" href="https://ana.example/1">a</a>
			<div class="e-content"><a href="https://bob.example/">b</a> <a rel="nofollow" href="https://nofollow.example/">c</a>
			<a href="/other">own</a> <nav><a href="https://toc.example/">x</a></nav><a rel="UGC nofollow" href="https://ugc.example/">x</a></div>
			<div class="u-comment h-cite"><a class="u-url" href="https://comment.example/">x</a><p class="e-content"><a href="https://spam.example/">x</a></p></div>
			<tertulia-conversation><a href="https://talk.example/">x</a></tertulia-conversation></div><footer><a href="https://foot.example/">x</a></footer>`,
			[]string{"https://ana.example/1", "https://bob.example/", "https://nofollow.example/"}},
		"comments inside the content": {`<div class="h-entry"><div class="e-content"><a href="https://bob.example/">b</a>
			<section id="comments"><a href="https://spam.example/">x</a></section><section class="tertulia"><a href="https://filled.example/">x</a></section><tertulia-conversation><a href="https://talk.example/">x</a></tertulia-conversation></div></div>`,
			[]string{"https://bob.example/"}},
		"an answer to a page of the site": {`<div class="h-entry"><a class="u-in-reply-to" href="/first">a</a><div class="e-content"><a href="/second">b</a></div></div>`,
			[]string{"https://me.example/first"}},
		"a base": {`<base href="https://bob.example/deep/"><div class="h-entry"><div class="e-content"><a href="x">b</a></div></div>`,
			[]string{"https://bob.example/deep/x"}},
		"the entry that names the page": {`<div class="h-feed"><div class="h-entry"><a class="u-url" href="/else">x</a><p class="e-content"><a href="https://else.example/">x</a></p></div>
			<div class="h-entry"><a class="u-url" href="https://www.me.example/hand/?utm_source=x">x</a><p class="e-content"><a href="https://bob.example/">x</a></p></div></div>`,
			[]string{"https://bob.example/"}},
		"a list of posts": {`<div class="h-entry"><a class="u-url" href="/a">x</a><p class="e-content"><a href="https://a.example/">x</a></p></div>`, nil},
		"an article without microformats": {`<header><a href="https://head.example/">x</a></header><main><a href="https://main.example/">x</a>
			<article><a href="https://bob.example/">b</a><footer><a href="https://share.example/">x</a></footer></article></main>`,
			[]string{"https://bob.example/"}},
		"main":             {`<a href="https://out.example/">x</a><main><a href="https://bob.example/">b</a><aside><a href="https://roll.example/">x</a></aside></main>`, []string{"https://bob.example/"}},
		"plain":            {`<p><a href="https://bob.example/">b</a><script>"<a href='https://script.example/'>"</script>`, []string{"https://bob.example/"}},
		"several articles": {`<article><a href="https://a.example/">b</a></article><article>x</article>`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.host("me.example").says("/hand", tt.body)
				plan, err := w.outgoing().Plan(t.Context(), "https://www.me.example/hand#part", nil)
				if (err != nil) != (tt.want == nil) {
					t.Fatalf("got the error %v", err)
				}
				var got []string
				for _, target := range plan.Targets {
					got = append(got, target.Target)
				}
				if d := cmp.Diff(tt.want, got); d != "" {
					t.Errorf("targets (-want +got):\n%s", d)
				}
			}, elsewhere)
		})
	}
}

// WS-8, WS-9, WS-11, T-WS10, HOSTILE 105: a page by hand is told like a post: new, kept and
// removed links, nothing when nothing has changed, and its end.
func TestAPageByHandIsToldLikeAPost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana, bob, me := w.inbox("ana.example"), w.inbox("bob.example"), w.host("me.example")
		const page = "https://me.example/hand"
		says := func(text string) {
			me.says("/hand", `<div class="h-entry"><p class="e-content">`+text+`</p></div><p>`+time.Now().String())
		}
		says(`first <a href="https://ana.example/">a</a> <a href="https://bob.example/">b</a>`)
		step := func(name string, asked []string, anas, bobs int, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, w.tell(page, asked...)); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
			ana.wantHeard(name, anas)
			bob.wantHeard(name, bobs)
		}
		step("one target", []string{"https://ana.example"}, 1, 0, "new https://ana.example/")
		step("the rest", nil, 1, 1, "new https://bob.example/")
		says(`first <a  class="new-markup" href="https://ana.example/">a</a>   <a href="https://bob.example/">b</a>`)
		step("nothing has changed", nil, 1, 1)
		step("asked for all the same", []string{"https://bob.example/"}, 1, 2, "again https://bob.example/")
		says(`second <a href="https://bob.example/">b</a>`)
		step("changed, a link has gone", nil, 2, 3, "changed https://bob.example/", "removed https://ana.example/")
		if h := ana.heard()[1]; h.linked || h.status != 200 || h.source != page {
			t.Errorf("ana was told %+v", h)
		}
		w.restart()
		me.set("/hand", answer{status: 410})
		step("gone", nil, 2, 4, "removed https://bob.example/")
		if h := bob.heard()[3]; h.status != 410 {
			t.Errorf("bob was told when the page answered %d", h.status)
		}
		step("told already", nil, 2, 4)
		says(`third <a href="https://ana.example/">a</a>`)
		step("back", nil, 3, 4, "new https://ana.example/")
		if p := w.told(page); p.Revision != 5 || len(p.Sent) != 2 || !p.Gone.IsZero() {
			t.Errorf("the page: %+v", p)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		if _, err := w.outgoing().Plan(t.Context(), page, []string{"https://eve.example/"}); err == nil {
			t.Error("a target that the page does not link to was taken")
		}
		if _, err := w.outgoing().Plan(t.Context(), "https://ana.example/", nil); err == nil {
			t.Error("a page of another site was taken")
		}
	}, elsewhere)
}

// Who is told alone does not cost others, who wait, their turn.
func TestOneTargetDoesNotSilenceTheOthers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana, bob := w.inbox("ana.example"), w.inbox("bob.example")
		w.web.Down("bob.example", true)
		const page = "https://me.example/hand"
		w.host("me.example").says("/hand", `<p><a href="https://ana.example/">a</a><a href="https://bob.example/">b</a>`)
		w.tell(page)
		w.tell(page, "https://ana.example/")
		ana.wantHeard("told twice", 2)
		w.web.Down("bob.example", false)
		pass(time.Hour)
		bob.wantHeard("back again", 1)
	}, elsewhere)
}

func writeSite(t *testing.T, pages map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range pages {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(full), 0o755), os.WriteFile(full, []byte(body), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// F7, T-WS10, T-WS11: what two builds of a site differ in is told when it is live.
func TestTheDifferenceOfTwoBuildsIsToldWhenItIsLive(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := func(text string) string {
			return `<article class="h-entry"><div class="e-content">` + text + `</div></article>`
		}
		link := func(host string) string { return `<a href="https://` + host + `.example/">x</a>` }
		inboxes := map[string]*inbox{}
		for _, name := range []string{"ana", "bob", "eve", "gil"} {
			inboxes[name] = w.inbox(name + ".example")
		}
		old := map[string]string{
			"same/index.html": post("same " + link("ana")), "hand.html": post("old " + link("ana") + link("bob")),
			"gone/index.html": post("gone " + link("eve")), "index.html": post(link("ana")), ".git/x.html": post(link("ana")), "a.txt": "x",
		}
		now := map[string]string{
			"same/index.html": "<!-- other markup -->" + post("same  "+link("ana")), "hand.html": post("new " + link("bob")),
			"fresh/index.html": post("fresh " + link("gil")), "index.html": post(link("ana")),
		}
		me := w.host("me.example")
		put := func(pages map[string]string) {
			for name, body := range pages {
				me.says("/"+strings.TrimSuffix(name, "index.html"), body)
			}
		}
		put(old)
		all, err := w.outgoing().Compare(t.Context(), writeSite(t, old), writeSite(t, now))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range all {
			for _, target := range d.Targets {
				got = append(got, d.News+" "+strings.TrimPrefix(d.Page, "https://me.example")+" "+target.News+" "+target.Target)
			}
		}
		want := []string{"new /fresh/ new https://gil.example/", "removed /gone/ removed https://eve.example/",
			"changed /hand.html changed https://bob.example/", "changed /hand.html removed https://ana.example/"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("differences (-want +got):\n%s", d)
		}
		if err := w.outgoing().Build(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		pass(20 * time.Minute)
		w.restart()
		for name, in := range inboxes {
			in.wantHeard(name+" before it is live", 0)
		}
		put(now)
		me.set("/gone/", answer{status: 404})
		if err := w.outgoing().Built(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		for name, in := range inboxes {
			in.wantHeard(name+" when it is live", 1)
		}
		if h := inboxes["eve"].heard()[0]; h.status != 404 {
			t.Errorf("eve was told when the page answered %d", h.status)
		}
		if err := w.outgoing().Build(t.Context(), all); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		for name, in := range inboxes {
			in.wantHeard(name+" after the same command once more", 1)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	}, elsewhere)
}

// What was removed from the build and stays on the site is not told.
func TestAPageThatStaysIsNotToldAsGone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		page := map[string]string{"a.html": `<div class="h-entry"><p class="e-content"><a href="https://ana.example/">a</a></p></div>`}
		w.host("me.example").says("/a.html", page["a.html"])
		all, err := w.outgoing().Compare(t.Context(), writeSite(t, page), writeSite(t, map[string]string{"b.html": "x"}))
		if err == nil {
			err = w.outgoing().Build(t.Context(), all)
		}
		if err != nil {
			t.Fatal(err)
		}
		pass(48 * time.Hour)
		ana.wantHeard("while it is still there", 0)
		if h := w.told("https://me.example/a.html").History; len(h) != 1 || h[0].Stage != "not told" {
			t.Errorf("history: %+v", h)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	}, elsewhere)
}

// F6: stopped before or after the work of any step, and started again, everybody is told what
// is true in the end.
func TestAStopBetweenAnyTwoStepsLosesNoPage(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			crashed := false
			inWorld(t, func(t *testing.T, w *world) {
				ana, bob, me := w.inbox("ana.example"), w.inbox("bob.example"), w.host("me.example")
				stopped := make(chan struct{}, 1)
				w.stop()
				w.runner.Handlers = dieAt(w.runner.Handlers, n, after, stopped)
				w.start()
				build := func(was, is string) {
					t.Helper()
					before, now := map[string]string{"x.html": "x"}, map[string]string{"x.html": "x"}
					if was != "" {
						before["hand.html"] = was
					}
					if me.set("/hand.html", answer{status: 404}); is != "" {
						now["hand.html"] = is
						me.says("/hand.html", is)
					}
					all, err := w.outgoing().Compare(t.Context(), writeSite(t, before), writeSite(t, now))
					if err == nil {
						err = w.outgoing().Build(t.Context(), all)
					}
					if err != nil {
						t.Fatal(err)
					}
					pass(5 * time.Second)
					select {
					case <-stopped:
						crashed = true
						w.restart()
						pass(5 * time.Second)
					default:
					}
				}
				first := `<p>one <a href="https://ana.example/">a</a> <a href="https://bob.example/">b</a>`
				second := `<p>two <a href="https://bob.example/">b</a>`
				build("", first)
				build(first, second)
				build(second, "")
				for _, in := range []*inbox{ana, bob} {
					h := in.heard()
					if len(h) < 2 || !h[0].linked || h[len(h)-1].linked {
						t.Errorf("step %d, after %t: told %+v", n, after, h)
					}
				}
				if jobs := w.jobList(); len(jobs) > 0 {
					t.Errorf("jobs are left: %+v", jobs)
				}
			}, elsewhere)
			if !crashed {
				if n < 8 {
					t.Errorf("the story has only %d steps", n-1)
				}
				break
			}
		}
	}
}

// A post announces itself, whichever of its addresses somebody names: it is not told a second time
// under another.
func TestAPostIsNoPageByHandUnderAnyAddress(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		friend := w.inbox("friend.example")
		post := w.create(entry("content", "see https://friend.example/"))
		pass(time.Minute)
		friend.wantHeard("the post", 1)
		bare := strings.TrimSuffix(post, "/")
		for _, address := range []string{post, bare, strings.Replace(bare, "https://", "http://www.", 1), post + "index.html", bare + "?utm_source=x#top"} {
			if plan, err := w.outgoing().Plan(t.Context(), address, nil); err == nil {
				t.Errorf("%s is planned as %s: %+v", address, plan.Source, plan.Targets)
			}
		}
		name := strings.TrimPrefix(post, "https://me.example/")
		page := `<article class="h-entry"><a class="u-url" href="/` + name + `"></a><p class="e-content"><a href="https://friend.example/2">x</a>`
		all, err := w.outgoing().Compare(t.Context(), t.TempDir(), writeSite(t, map[string]string{name + "index.html": page}))
		if err != nil || len(all) > 0 {
			t.Errorf("the difference of two builds has %+v %v", all, err)
		}
	}, elsewhere)
}
