package site_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// Fifty mentions of one source to fifty pages are one GET, and one each to read and
// to confirm its author.
// Sent again they are read again, once.
func TestASourceOfManyMentionsIsAskedOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		bea := w.host("bea.example")
		bea.says("/about", `<div class="h-card"><a class="u-url u-uid p-name" href="/about" rel="me">Bea</a></div>`)
		body := func(text string) string {
			s := `<article class="h-entry"><a rel="author" class="p-author" href="https://bea.example/about"></a><p class="e-content">` + text
			for i := range 50 {
				s += fmt.Sprintf(` <a href="https://me.example/%d/">x</a>`, i)
			}
			return s + `</p></article>`
		}
		for i := range 51 {
			w.file(fmt.Sprintf("%d/index.html", i))
		}
		bea.says("/list", body("first"))
		say := func() {
			t.Helper()
			for i := range 50 {
				if _, err := w.send("https://bea.example/list", fmt.Sprintf("https://me.example/%d/", i)); err != nil {
					t.Fatal(err)
				}
				pass(100 * time.Millisecond)
			}
			pass(5 * time.Second)
		}
		asked := map[string]int{}
		want := func(when, text string, list, author int) {
			t.Helper()
			for i := range 50 {
				w.wantTexts(when, fmt.Sprintf("https://me.example/%d/", i), text+strings50)
			}
			for path := range asked {
				delete(asked, path)
			}
			for _, r := range w.web.Requests("bea.example") {
				asked[r.URL]++
			}
			if asked["https://bea.example/list"] != list || asked["https://bea.example/about"] > 2*author {
				t.Errorf("%s: the host was asked %v, want the list %d times", when, asked, list)
			}
		}
		say()
		want("first", "first", 1, 1)
		bea.says("/list", body("second"))
		say()
		want("at once again", "second", 2, 2)
		// A page that it does not link to is no reason to believe what it said before.
		id := w.receiveFast("https://bea.example/list", "https://me.example/50/")
		w.wantState("no link", id, store.Failed)
		want("no link", "second", 3, 3)
		pass(time.Minute)
		bea.says("/list", body("third"))
		say()
		want("later", "third", 4, 4)
	}, approve(site.ApproveNone))
}

// strings50 is how the links of the list read.
var strings50 = func() (s string) {
	for range 50 {
		s += " x"
	}
	return s
}()

// HOSTILE 109: neither names below one domain nor redirects of others hide that it is
// one victim.
func TestAVictimIsLeftAloneUnderAllItsNames(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pass(5 * time.Second)
		w.mentions.Limits = unlimited()
		var mu sync.Mutex
		var asked []time.Time
		victim := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			asked = append(asked, time.Now())
			mu.Unlock()
			fmt.Fprint(rw, "nothing of it")
		})
		w.web.Handle("victim.example", victim)
		for i := range 100 {
			w.web.Handle(fmt.Sprintf("n%d.victim.example", i), victim)
			name := fmt.Sprintf("evil%d.example", i)
			w.host(name).set("/", leads(302, fmt.Sprintf("https://victim.example/?%d", i)))
			for _, source := range []string{"https://" + name + "/", fmt.Sprintf("https://n%d.victim.example/", i)} {
				if _, err := w.send(source, post); err != nil {
					t.Fatal(err)
				}
			}
		}
		pass(5 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for i := range max(0, len(asked)-10) {
			if d := asked[i+10].Sub(asked[i]); d < time.Minute {
				t.Fatalf("looks %d to %d were within %s", i, i+10, d)
			}
		}
		if n := len(asked); n < 40 || n > 60 {
			t.Errorf("the victim was asked %d times in five minutes", n)
		}
	})
}

// A host that is down is left alone for a growing while, which costs what waits for it no
// attempts; then one look is tried, and when that is answered all go on.
func TestAHostThatIsDownIsLeftAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		pass(5 * time.Second)
		for i := range 40 {
			bea.set(fmt.Sprint("/", i), answer{status: 503})
		}
		for i := range 40 {
			if _, err := w.send(fmt.Sprint("https://bea.example/", i), post); err != nil {
				t.Fatal(err)
			}
		}
		pass(10 * time.Minute)
		if n := len(w.web.Requests("bea.example")); n < 4 || n > 10 {
			t.Errorf("a host that is down was asked %d times in ten minutes", n)
		}
		pass(2 * time.Hour)
		used := 0
		for _, j := range w.jobList() {
			used = max(used, j.Attempts)
		}
		if n := len(w.web.Requests("bea.example")); n > 25 || used > 5 {
			t.Errorf("asked %d times in two hours, %d attempts of one mention used up", n, used)
		}
		for i := range 40 {
			at := fmt.Sprint("/", i)
			bea.says(at, replyTo(post, at))
		}
		pass(16 * time.Minute)
		if got := len(w.texts(post)); got < 20 {
			t.Errorf("a quarter of an hour after it is back %d of 40 are there", got)
		}
		pass(2 * time.Hour)
		if got := len(w.texts(post)); got != 40 {
			t.Errorf("hours after it is back %d of 40 are there", got)
		}
	}, approve(site.ApproveNone))
}

// HOSTILE 108: five hundred mentions of a host that hangs hold up nobody else's.
func TestASlowHostHoldsUpNobody(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pass(5 * time.Second)
		w.mentions.Limits = unlimited()
		w.web.Handle("slow.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			select {
			case <-time.After(9 * time.Second):
			case <-r.Context().Done():
			}
			fmt.Fprint(rw, "nothing")
		}))
		for i := range 500 {
			if _, err := w.send(fmt.Sprint("https://slow.example/", i), post); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.send("https://slow.example/late", post); status(t, err) != 429 {
			t.Errorf("the 501st: got %v, want 429", err)
		}
		bea := w.host("bea.example")
		for i := range 10 {
			at := fmt.Sprint("/", i)
			bea.says(at, replyTo(post, at))
			id, err := w.send("https://bea.example"+at, post)
			if err != nil {
				t.Fatal(err)
			}
			pass(time.Second)
			w.wantState("an honest one", id, store.Approved)
		}
	}, approve(site.ApproveNone))
}

// HOSTILE 112: after a restart with hundreds of mentions waiting at hosts that hang, those of
// others are looked at first thing, and nothing is lost.
func TestARestartIsFairToThoseWhoWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pass(5 * time.Second)
		w.mentions.Limits = unlimited()
		w.stop()
		const hosts, each = 5, 60
		for h := range hosts {
			name := fmt.Sprintf("slow%d.example", h)
			w.web.Handle(name, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(9 * time.Second):
				case <-r.Context().Done():
				}
				fmt.Fprint(rw, replyTo(post, "late"))
			}))
			for i := range each {
				if _, err := w.send(fmt.Sprintf("https://%s/%d", name, i), post); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.host("bea.example").says("/1", replyTo(post, "honest"))
		if _, err := w.send("https://bea.example/1", post); err != nil {
			t.Fatal(err)
		}
		w.start()
		w.restart() // while the first of them are looked at
		pass(5 * time.Second)
		w.wantTexts("right after the start", post, "honest")
		pass(15 * time.Minute)
		if n := len(w.texts(post)); n != hosts*each+1 {
			t.Errorf("%d are shown in the end, want %d", n, hosts*each+1)
		}
	}, approve(site.ApproveNone))
}

// T-WR26: a pair that is sent again and again while it waits is looked at once, and
// while it is looked at once more.
func TestStormsOfOnePairAreOneLook(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pass(5 * time.Second)
		w.mentions.Limits = unlimited()
		w.web.Handle("bea.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(2 * time.Second)
			rw.Header().Set("Content-Type", "text/html")
			fmt.Fprint(rw, replyTo(post, "x"))
		}))
		ids := map[string]bool{}
		for range 1000 {
			id, err := w.send("https://bea.example/1", post)
			if err != nil {
				t.Fatal(err)
			}
			ids[id] = true
		}
		pass(time.Minute)
		if n := len(w.web.Requests("bea.example")); n > 2 || len(ids) != 1 {
			t.Errorf("%d looks at %d mentions", n, len(ids))
		}
		w.wantTexts("in the end", post, "x")
	}, approve(site.ApproveNone))
}
