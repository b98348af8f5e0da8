package main

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"tertulia/mf2"
	"tertulia/store"
)

// checkAll lets the queue end and holds the program to the whole ledger.
func (w *world) checkAll() []string {
	w.t.Helper()
	w.drain()
	w.checkPosts()
	w.checkLists()
	w.checkMentions()
	w.checkUploads()
	w.checkNetwork()
	for _, bad := range []string{"DATA RACE", "panic", "level=ERROR", "SIG"} {
		if said := w.said(); strings.Contains(said, bad) {
			at := strings.Index(said, bad)
			w.complain("the program said: %s", said[max(0, at-200):min(len(said), at+1000)])
		}
	}
	w.strangers.mu.Lock()
	defer w.strangers.mu.Unlock()
	return append(w.wrong, w.strangers.wrong...)
}

// byMarker sorts what there is by what was sent. Each may be there once.
func (w *world) byMarker(posts []store.Post) map[*sentPost]store.Post {
	sent := map[string]*sentPost{}
	for _, p := range w.posts {
		sent[p.marker] = p
	}
	found := map[*sentPost]store.Post{}
	for _, is := range posts {
		marker, _, _ := strings.Cut(is.Item.Get("content"), " ")
		p := sent[marker]
		if p == nil {
			w.complain("%s is there, and nobody sent it: %v", is.Permalink, is.Item)
			continue
		}
		if was, twice := found[p]; twice {
			w.complain("%s is there twice: %s and %s", marker, was.Permalink, is.Permalink)
		}
		found[p] = is
	}
	return found
}

// checkPosts compares every post with the ledger: as it is kept, as readers see it,
// and what came of it.
func (w *world) checkPosts() {
	found := w.byMarker(listOf[store.Post](w.mortal, "post", "list", "--limit", "1000000"))
	for _, p := range w.posts {
		is, there := found[p]
		switch {
		case !there && p.at != "":
			w.complain("%s was acknowledged at %s and is not there", p.marker, p.at)
			continue
		case !there:
			continue
		case p.at != "" && p.at != is.Permalink:
			w.complain("%s was acknowledged at %s and is at %s", p.marker, p.at, is.Permalink)
		}
		p.at = is.Permalink
		w.settle(p, sentState{is.Item.Get("content"), !is.Deleted.IsZero()})
		if p.draft() && is.Draft {
			continue
		}
		w.checkPage(p, is)
		if is.Announced != is.Revision || len(is.Sent) != 1 || is.Sent[0].State != "sent" && is.Sent[0].State != "unlinked" {
			w.complain("%s has not come to its end: %+v", is.Permalink, is)
			continue
		}
		told := [2]string{is.Permalink, is.Sent[0].Target}
		w.strangers.mu.Lock()
		if w.strangers.told[told] == 0 {
			w.wrong = append(w.wrong, fmt.Sprintf("nobody told %s of %s", told[1], told[0]))
		}
		w.strangers.mu.Unlock()
	}
}

// checkPage looks at the page of a post.
func (w *world) checkPage(p *sentPost, is store.Post) {
	status, body := w.get(p.at)
	if p.may[0].deleted {
		if status != http.StatusGone {
			w.complain("%s is deleted and answers %d", p.at, status)
		}
		return
	}
	at, err := url.Parse(p.at)
	if err != nil {
		w.t.Fatal(err)
	}
	page, _, err := mf2.Parse(strings.NewReader(body), "text/html; charset=utf-8", at)
	if err != nil {
		w.t.Fatal(err)
	}
	entry, _ := page.Entry()
	revision := fmt.Sprintf(`<meta name="tertulia-revision" content="%d">`, is.Revision)
	if got := entry.Get("content"); status != http.StatusOK || got != p.may[0].content || !strings.Contains(body, revision) {
		w.complain("%s: got %d %q, want %q and %s", p.at, status, got, p.may[0].content, revision)
	}
}

var (
	inArchive = regexp.MustCompile(`<a class="u-url [^"]*" href="([^"]+)"`)
	inFeed    = regexp.MustCompile(`<id>(http[^<]+/\d{4}/[^<]+)</id>`)
)

// checkLists looks for every post in the lists that it stands in, and for nothing
// else: the editors' list, the archive and the feed.
func (w *world) checkLists() {
	listed, shown, months := map[string]int{}, map[string]int{}, map[string]bool{}
	for after := ""; ; {
		_, body := w.get(w.at("micropub?q=source&limit=100&after=" + url.QueryEscape(after)))
		page := decode[struct {
			Items  []mf2.Item
			Paging struct{ After string }
		}](w.t, body)
		for _, item := range page.Items {
			listed[item.Get("url")]++
		}
		if after = page.Paging.After; after == "" {
			break
		}
	}
	for _, p := range w.posts {
		if p.at != "" && !p.draft() {
			months[strings.Join(strings.Split(p.at, "/")[:5], "/")+"/"] = true
		}
	}
	for month := range months {
		_, body := w.get(month)
		for _, found := range inArchive.FindAllStringSubmatch(body, -1) {
			shown[found[1]]++
		}
	}
	visible := 0
	for _, p := range w.posts {
		want := map[bool]int{true: 1}[p.at != "" && !p.may[0].deleted]
		if listed[p.at] != want {
			w.complain("%s is %d times in the editors' list, want %d", p.at, listed[p.at], want)
		}
		if p.draft() {
			want = 0
		}
		if shown[p.at] != want {
			w.complain("%s is %d times in the archive, want %d", p.at, shown[p.at], want)
		}
		visible += want
		delete(listed, p.at)
		delete(shown, p.at)
	}
	if len(listed) > 0 || len(shown) > 0 {
		w.complain("listed, and nobody sent them: %v %v", listed, shown)
	}
	_, feed := w.get(w.home + "feed.xml")
	entries := inFeed.FindAllStringSubmatch(feed, -1)
	once := map[string]bool{}
	for _, e := range entries {
		once[e[1]] = true
	}
	if len(entries) != len(once) || len(entries) != min(20, visible) {
		w.complain("the feed has %d entries, %d of them different; want %d", len(entries), len(once), min(20, visible))
	}
}

// checkMentions compares every mention with the ledger, and the numbers that readers
// see with the mentions.
func (w *world) checkMentions() {
	found, approved, comments := map[string]int{}, map[string]int{}, 0
	for _, state := range states() {
		for _, is := range listOf[store.Mention](w.mortal, "mention", "list", "--state", state, "--limit", "1000000") {
			found[is.Source]++
			if is.Kind == store.Answer {
				w.checkAnswer(is)
				continue
			}
			if is.Kind == store.Comment {
				comments++
				continue
			}
			m := w.mentions[is.Source]
			if m == nil {
				w.complain("%s is there, and nobody sent it", is.Source)
				continue
			}
			w.checkMention(m, is)
			want := store.Failed
			switch {
			case is.Decision != "":
				want = is.Decision
			case m.verifiable():
				want = store.Pending
			}
			if is.State != want {
				w.complain("mention %s: it is %s in the end, want %s", m.source, is.State, want)
			}
			if want == store.Approved {
				approved[m.target]++
			}
		}
	}
	if comments != w.comments {
		w.complain("%d comments are there, %d were left", comments, w.comments)
	}
	for source, m := range w.mentions {
		if n := found[source]; n > 1 || n == 0 && m.at != "" {
			w.complain("mention %s, acknowledged at %q, is there %d times", source, m.at, n)
		}
		if m.at == "" {
			continue
		}
		if status, body := w.get(m.at); status != http.StatusOK || decode[map[string]any](w.t, body)["source"] != source {
			w.complain("status page %s: got %d %s", m.at, status, body)
		}
	}
	for _, target := range w.anchors {
		_, body := w.get(w.at("api/count?target=" + url.QueryEscape(target)))
		if got := decode[struct{ Count int }](w.t, body).Count; got != approved[target] {
			w.complain("%s: readers see %d mentions, and %d are approved", target, got, approved[target])
		}
	}
}
