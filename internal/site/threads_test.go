package site_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// When a parent is taken away its answers stay, and when it comes back they are below it
// again.
func TestThreadsOutliveTheirParents(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, cid := w.host("bea.example"), w.host("cid.example")
		bea.says("/1", replyTo(post, "parent"))
		cid.says("/2", strings.Replace(replyTo(post, "child"), "</article>", `<a class="u-in-reply-to" href="https://bea.example/1"></a></article>`, 1))
		parent := w.receive("https://bea.example/1", post)
		w.receive("https://cid.example/2", post)
		nested := func(when string, want bool) {
			t.Helper()
			lines := w.tree(post)
			if last := lines[len(lines)-1]; !strings.Contains(last, "child") || strings.HasPrefix(last, " ") != want {
				t.Errorf("%s: %q", when, lines)
			}
		}
		nested("both are there", true)
		bea.set("/1", answer{status: 410})
		w.receive("https://bea.example/1", post)
		nested("the parent is withdrawn", false)
		bea.says("/1", replyTo(post, "parent"))
		w.receive("https://bea.example/1", post)
		nested("it is back", true)
		w.decide(w.mentions.Reject, parent)
		nested("it is rejected", false)
		w.decide(w.approve, parent)
		w.restart()
		nested("it is approved after all", true)
	}, approve(site.ApproveNone))
}

// T-WR19: a response stands below another because its source says so. Whoever sends it with the
// anchor of another response moves nothing, neither before it is known nor afterwards.
func TestOutsidersCannotMoveAResponse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, cid := w.host("bea.example"), w.host("cid.example")
		bea.says("/1", replyTo(post, "first"))
		first := w.receive("https://bea.example/1", post)
		there := post + "#tertulia-" + first
		cid.says("/2", replyTo(post, "second"))
		cid.says("/3", by("https://cid.example/", "not-microformats", there, "third"))
		if err := w.mentions.Replay(t.Context(), w.receive("https://cid.example/2", there)); err != nil {
			t.Fatal(err)
		}
		w.receive("https://cid.example/3", there)
		cid.set("/2", answer{status: 503}) // nobody can tell now
		w.receive("https://cid.example/2", there)
		want := []string{"first", "  third", "second"}
		lines := w.tree(post)
		for i, line := range lines {
			if i >= len(want) || strings.HasPrefix(line, " ") != strings.HasPrefix(want[i], " ") || !strings.HasSuffix(line, strings.TrimSpace(want[i])) {
				t.Errorf("got %q, want %q", lines, want)
				break
			}
		}
	}, approve(site.ApproveNone))
}

// T-WR20: an answer to a response that has become one with another, because their pages have,
// is an answer to that.
func TestThreadsOutliveMergedPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("old/index.html")
		w.file("new/index.html")
		const old, now = "https://me.example/old/", "https://me.example/new/"
		bea, cid := w.host("bea.example"), w.host("cid.example")
		bea.says("/1", replyTo(old, "parent")+`<a href="`+now+`">x</a>`)
		w.receive("https://bea.example/1", now)
		second := w.receive("https://bea.example/1", old)
		cid.says("/2", replyTo(old+"#tertulia-"+second, "child"))
		w.receive("https://cid.example/2", old+"#tertulia-"+second)
		w.remap(old, now, site.Remap{})
		if lines := w.tree(now); len(lines) != 2 || !strings.HasPrefix(lines[1], " ") {
			t.Errorf("got %q, want one below the other", lines)
		}
	}, approve(site.ApproveNone))
}

// A thousand in one chain, and a thousand in one circle, are shown, each once.
func TestThreadsHaveAnEnd(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		pass(time.Second)
		const n = 1000
		err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			folded, _ := w.site.Fold(parse(t, post))
			page, err := tx.PageAt(folded)
			for i := 0; i < n && err == nil; i++ {
				at := func(i int) string { return fmt.Sprintf("https://bea.example/%d", i%n) }
				err = tx.PutMention(store.Mention{ID: store.NewID(tx.Now), Source: at(i), Target: post, Page: page.ID, State: store.Approved, Received: tx.Now,
					Shown: &store.Version{Type: "reply", URL: at(i), Text: "x", Digest: at(i), InReplyTo: []string{at(i), at(i + 1)}}})
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		page, err := w.talk.Of(t.Context(), post)
		if err != nil || len(page.Responses) != n {
			t.Fatal(len(page.Responses), err)
		}
		roots := 0
		for _, r := range page.Responses {
			if r.Parent == "" {
				roots++
			}
		}
		if roots != 1 {
			t.Errorf("%d of them answer nobody, want 1", roots)
		}
	})
}

// A post that answers several pages of ours is a mention of each, each by itself.
func TestSeveralTargetsAreSeveralMentions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		one, two := w.create(entry("content", "one")), w.create(entry("content", "two"))
		w.host("bea.example").says("/1", `<div class="h-entry"><a class="u-in-reply-to" href="`+one+`"></a><a class="u-like-of" href="`+two+`"></a><p class="e-content">x</p></div>`)
		w.receive("https://bea.example/1", one)
		w.receive("https://bea.example/1", two)
		for post, want := range map[string]string{one: "reply", two: "like"} {
			if got := w.tree(post); len(got) != 1 || !strings.HasPrefix(got[0], want) {
				t.Errorf("%s: got %q, want a %s", post, got, want)
			}
		}
	}, approve(site.ApproveNone))
}

// READ-API 3 and 5: clients of the API know the new types by names that they know.
func TestTheAPIKnowsEveryType(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		pass(time.Second)
		for i, typ := range []string{"reply", "reaction", "follow", "tag", "mention", "like"} {
			w.show(post, fmt.Sprint("https://bea.example/", i), post, store.Version{Type: typ, Text: "👍"})
		}
		want := []string{"in-reply-to", "in-reply-to", "mention-of", "mention-of", "mention-of", "like-of"}
		for i, c := range w.feed(site.Query{Targets: []string{post}, Upwards: true}).Children {
			if c.WMProperty != want[i] || want[i] == "in-reply-to" && c.InReplyTo != post {
				t.Errorf("%d: got %s (%s), want %s", i, c.WMProperty, c.InReplyTo, want[i])
			}
		}
		if n := w.feed(site.Query{Targets: []string{post}, Property: []string{"in-reply-to"}}).Paging.Total; n != 2 {
			t.Errorf("%d replies, want 2", n)
		}
		counts, err := w.talk.Counts(t.Context(), []string{post})
		if err != nil || counts["reply"] != 2 || counts["mention"] != 3 || counts["like"] != 1 || len(counts) != 3 {
			t.Errorf("counts: %v, %v", counts, err)
		}
		page, err := w.talk.Of(t.Context(), post)
		if err != nil || page.Counts["reaction"] != 1 || page.Counts["follow"] != 1 || page.Counts["tag"] != 1 {
			t.Errorf("the page counts %v, %v", page.Counts, err)
		}
	})
}

// T-MF07: a long text is shown by its summary, or by how it begins, and kept whole.
func TestLongTextsAreShownByTheirBeginning(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		bea := w.host("bea.example")
		long := strings.Repeat("ñandú ", 2000)
		for i, tt := range []struct{ body, want string }{
			{`<p class="e-content">` + long + `</p>`, strings.TrimSpace(strings.Repeat("ñandú ", 100)) + "…"},
			{`<p class="e-content">` + strings.Repeat("ñ", 4000) + `</p>`, strings.Repeat("ñ", 400) + "…"},
			{`<p class="p-summary">in short</p><p class="e-content">` + long + `</p>`, "in short"},
			{`<p class="p-summary">in short</p><p class="e-content">short</p>`, ""},
		} {
			at := fmt.Sprint("https://bea.example/", i)
			bea.says(fmt.Sprint("/", i), `<div class="h-entry"><a class="u-in-reply-to" href="`+post+`"></a>`+tt.body+`</div>`)
			w.receive(at, post)
			page, err := w.talk.Of(t.Context(), post)
			if err != nil {
				t.Fatal(err)
			}
			if got := page.Responses[i].Excerpt; got != tt.want {
				t.Errorf("%d: got %q, want %q", i, got, tt.want)
			}
		}
		if c := w.feed(site.Query{Targets: []string{post}, Upwards: true}).Children[0].Content; len(c.Text) < 10_000 {
			t.Errorf("the API gives %d bytes", len(c.Text))
		}
	}, approve(site.ApproveNone))
}

// What is seen at a glance is what would come of the long way.
func FuzzNameOf(f *testing.F) {
	for _, seed := range []string{
		"https://a.example/", "https://a.example/x?y=z&#q", `https://a.example/"<>|^{}`, "https://a.example/[x]", "https://a.example/x?",
		"https://a.example/x#", "https://a.example/../x", "https://a.example/a#b#c", `https://a.example/\x`, "https://a-.example/!$&'()*+,;=:@",
		"https://A.example/", "https://a.example:443/", "https://u@a.example/", "http://a.example/", "https://a.example", "https:///x", "//a.example/x", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		want := ""
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			want = strings.TrimPrefix(strings.TrimPrefix(mf2.NormalizeURL(u), "https:"), "http:")
		}
		if got := site.NameOf(address); got != want {
			t.Errorf("%q: got %q, want %q", address, got, want)
		}
	})
}
