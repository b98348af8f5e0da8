package site_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
	"tertulia/webmention"
)

var visitor = netip.MustParseAddr("192.0.2.7")

// commenting is where people write to the site, after the start of the service.
func (w *world) commenting() *site.Comments {
	w.site.TakesComments = true
	return &site.Comments{Site: w.site, DB: w.db, Jobs: w.jobs}
}

// draft is what somebody types after a look at a page.
func draft(t *testing.T, c *site.Comments, page, text string) site.Draft {
	t.Helper()
	stamp, err := c.Stamp(t.Context(), page)
	if err != nil {
		t.Fatal(err)
	}
	pass(5 * time.Second)
	return site.Draft{Page: page, Name: "Caro", Text: text, Time: stamp}
}

func leave(t *testing.T, c *site.Comments, d site.Draft) site.Left {
	t.Helper()
	left, err := c.Leave(t.Context(), d, visitor)
	if err != nil {
		t.Fatalf("%q: %v", d.Text, err)
	}
	return left
}

// A comment waits like any mention, is shown with a permalink of its own when it is approved,
// and follows every decision.
func TestCommentIsAMention(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		d := draft(t, c, page, "First!\r\n\r\nSee https://caro.example/x?a=1&b=2 <b>")
		d.Site = "caro.example"
		left := leave(t, c, d)
		if left.Public || left.Page != page || left.Permalink != "https://me.example/-/comment/"+left.ID {
			t.Errorf("got %+v", left)
		}
		w.wantState("left", left.ID, store.Pending)
		w.wantTexts("waiting", page)
		if _, err := c.Comment(t.Context(), left.ID); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("its permalink while it waits: %v", err)
		}
		waiting, _, err := w.talk.Waiting(t.Context(), "", 10)
		if err != nil || len(waiting) != 1 || waiting[0].Why != site.WhyComment || waiting[0].Person != "" || !waiting[0].Comment || waiting[0].Author.Name != "Caro" {
			t.Fatalf("the inbox has %+v, %v", waiting, err)
		}
		if err := w.mentions.DecideAuthor(t.Context(), "me", left.ID, site.Blocked); !errors.Is(err, site.ErrUndecidable) {
			t.Errorf("a name makes nobody known: %v", err)
		}
		w.decide(w.approve, left.ID)
		text := "First!\n\nSee https://caro.example/x?a=1&b=2 <b>"
		w.wantTexts("approved", page, text)
		shown, err := c.Comment(t.Context(), left.ID)
		if err != nil || shown.Page != page || shown.Text != text || shown.Author.URL != "https://caro.example/" || shown.Signed ||
			shown.HTML != `<p>First!</p>`+"\n"+`<p>See <a rel="nofollow ugc noopener" href="https://caro.example/x?a=1&amp;b=2">https://caro.example/x?a=1&amp;b=2</a> &lt;b&gt;</p>` {
			t.Errorf("its permalink shows %+v, %v", shown, err)
		}
		feed, err := w.talk.JF2(t.Context(), site.Query{Targets: []string{page}})
		if err != nil || len(feed.Children) != 1 {
			t.Fatalf("the API has %+v, %v", feed, err)
		}
		if e := feed.Children[0]; e.WMSource != left.Permalink || e.URL != left.Permalink || e.WMProperty != "in-reply-to" || e.InReplyTo != page || e.WMID == 0 || e.Published == nil || e.Author.Name != "Caro" {
			t.Errorf("the API has %+v", e)
		}
		decisions, err := w.mentions.Decisions(t.Context(), left.ID)
		if err != nil || len(decisions) != 1 {
			t.Fatalf("the audit has %+v, %v", decisions, err)
		}
		if err := w.mentions.Undo(t.Context(), "me", decisions[0].ID); err != nil {
			t.Fatal(err)
		}
		w.wantTexts("undone", page)
		if _, err := c.Comment(t.Context(), left.ID); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("its permalink when it waits again: %v", err)
		}
		w.decide(w.approve, left.ID)
		w.decide(w.mentions.Delete, left.ID)
		if _, err := c.Comment(t.Context(), left.ID); !errors.Is(err, site.ErrGone) {
			t.Errorf("its permalink when it is deleted: %v", err)
		}
		if again := leave(t, c, d); again.ID != left.ID || again.Public {
			t.Errorf("sent again: %+v", again)
		}
		w.wantState("sent again", left.ID, store.Deleted)
	})
}

// Nobody ever asks the permalink of a comment what it says: not by a review, a replay, an undo
// or a merge, nor because somebody sends it as a Webmention.
func TestCommentsAreNeverFetched(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		left := leave(t, c, draft(t, c, page, "First!"))
		w.decide(w.approve, left.ID)
		w.decide(w.mentions.Reject, left.ID)
		decisions, err := w.mentions.Decisions(t.Context(), left.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.mentions.Undo(t.Context(), "me", decisions[0].ID); err != nil {
			t.Fatal(err)
		}
		for _, source := range []string{left.Permalink, "http://me.example/-/comment/" + left.ID, "https://WWW.me.example/-/comment/" + left.ID + "?x#y", "https://me.example/-/%63omment/x"} {
			var refused *webmention.Error
			if id, err := w.send(source, page); !errors.As(err, &refused) {
				t.Errorf("%s: taken as %s, %v", source, id, err)
			}
		}
		if err := w.mentions.Replay(t.Context(), left.ID); !errors.Is(err, site.ErrUndecidable) {
			t.Errorf("replay: %v", err)
		}
		for range 3 {
			pass(40 * 24 * time.Hour)
			if err := w.jobs.Review(t.Context()); err != nil {
				t.Fatal(err)
			}
			pass(time.Hour)
		}
		w.wantTexts("a season later", page, "First!")
		for _, r := range w.web.Requests("me.example") {
			if strings.Contains(r.URL, "comment") {
				t.Errorf("asked for %s", r.URL)
			}
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// Who is let in: names are nobody, whatever they are; links are counted; and a blocked host is
// blocked here too.
func TestCommentsWaitByPolicy(t *testing.T) {
	const spam = "https://a.example/ https://b.example/ https://c.example/ https://d.example/ https://me.example/ https://www.a.example/x"
	for name, c := range map[string]struct {
		approve site.Approval
		text    string
		state   store.State
		why     string
	}{
		"people":            {site.ApprovePeople, "hi", store.Pending, site.WhyComment},
		"all":               {site.ApproveAll, "hi", store.Pending, site.WhyAll},
		"none":              {site.ApproveNone, "hi", store.Approved, ""},
		"links":             {site.ApprovePeople, spam, store.Quarantined, site.WhyCrowded},
		"links, none":       {site.ApproveNone, spam, store.Quarantined, site.WhyCrowded},
		"three links, none": {site.ApproveNone, strings.Replace(spam, "https://d.example/", "", 1), store.Approved, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				page, comments := w.create(entry("content", "hello")), w.commenting()
				trusted, err := w.mentions.Decide(t.Context(), "me", "https://caro.example/", store.Trusted)
				if err != nil || trusted == "" {
					t.Fatal(err)
				}
				for _, host := range []string{"host:caro.example", "host:me.example"} {
					if _, err := w.mentions.Decide(t.Context(), "me", host, store.Trusted); err != nil {
						t.Fatal(err)
					}
				}
				d := draft(t, comments, page, c.text)
				d.Site = "https://caro.example/"
				left := leave(t, comments, d)
				m := w.mention(left.ID)
				if m.State != c.state || m.Why != c.why || left.Public != (c.state == store.Approved) {
					t.Errorf("got %s (%q), %+v, want %s (%q)", m.State, m.Why, left, c.state, c.why)
				}
				if _, err := w.mentions.Decide(t.Context(), "me", "host:caro.example", store.Blocked); err != nil {
					t.Fatal(err)
				}
				w.wantTexts("blocked", page)
				d.Text += " more"
				if left := leave(t, comments, d); left.Public || w.mention(left.ID).State == store.Approved {
					t.Errorf("of a blocked host: %+v", left)
				}
				if _, err := w.mentions.Decide(t.Context(), "me", "host:caro.example", store.Unknown); err != nil {
					t.Fatal(err)
				}
				w.wantState("not blocked any more", left.ID, c.state)
			}, approve(c.approve))
		})
	}
}

// What is typed is cleaned, or refused with a word for it (HOSTILE 29, 30; WIDGET, section 6).
func TestCommentsAreCleaned(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		stamp, err := c.Stamp(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		for name, x := range map[string]struct {
			d                     site.Draft
			why, who, where, text string
		}{
			"plain":           {d: site.Draft{Name: " Ñandú\u202e  X ", Text: "a\u202eb\u200b\r\n\n\n\n c\td ", Site: " Caro.Example/a "}, who: "Ñandú X", where: "https://caro.example/a", text: "ab\n\nc d"},
			"decomposed":      {d: site.Draft{Name: "n\u0303", Text: "a\u0301"}, who: "ñ", text: "á"},
			"accents":         {d: site.Draft{Name: "x", Text: "h" + strings.Repeat("\u0300", 500)}, who: "x", text: "h" + strings.Repeat("\u0300", 4)},
			"markup":          {d: site.Draft{Name: `"><script>`, Text: `<img src=x onerror=alert(1)>`}, who: `"><script>`, text: `<img src=x onerror=alert(1)>`},
			"no text":         {d: site.Draft{Name: "x", Text: " \u200b\n\u2060 "}, why: "text"},
			"no name":         {d: site.Draft{Name: "\u200b \u3164", Text: "x"}, why: "name"},
			"a long text":     {d: site.Draft{Name: "x", Text: strings.Repeat("ñ", 8001)}, why: "long"},
			"as long as may":  {d: site.Draft{Name: "x", Text: strings.Repeat("ñ", 8000)}, who: "x", text: strings.Repeat("ñ", 8000)},
			"a long name":     {d: site.Draft{Name: strings.Repeat("ñ", 101), Text: "x"}, why: "name-long"},
			"a script":        {d: site.Draft{Name: "x", Text: "x", Site: "javascript:alert(1)"}, why: "site"},
			"a script, coded": {d: site.Draft{Name: "x", Text: "x", Site: "javascript://x.example/%0aalert(1)"}, why: "site"},
			"a user":          {d: site.Draft{Name: "x", Text: "x", Site: "https://me.example@evil.example/"}, why: "site"},
			"a long address":  {d: site.Draft{Name: "x", Text: "x", Site: "https://x.example/" + strings.Repeat("x", 2048)}, why: "site"},
			"words":           {d: site.Draft{Name: "x", Text: "x", Site: "not a site"}, why: "site"},
			"a trap":          {d: site.Draft{Name: "x", Text: "x", Trap: "buy"}, why: "trap"},
			"another's page":  {d: site.Draft{Name: "x", Text: "x", Page: "https://evil.example/?" + page}, why: "nowhere"},
			"no page":         {d: site.Draft{Name: "x", Text: "x", Page: page + "x"}, why: "nowhere"},
			"no address":      {d: site.Draft{Name: "x", Text: "x", Page: "%"}, why: "nowhere"},
		} {
			pass(20 * time.Minute)
			d := x.d
			if d.Time = stamp; d.Page == "" {
				d.Page = page
			}
			left, err := c.Leave(t.Context(), d, visitor)
			if x.why != "" {
				var unfit *site.Unfit
				if !(errors.Is(err, fs.ErrNotExist) && x.why == "nowhere") && !(errors.As(err, &unfit) && unfit.Why == x.why) {
					t.Errorf("%s: got %v, want %s", name, err, x.why)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			v := w.mention(left.ID).Shown
			if v.Author.Name != x.who || v.Author.URL != x.where || v.Text != x.text || v.Author.Photo != "" {
				t.Errorf("%s: got %q, %q, %q", name, v.Author.Name, v.Author.URL, v.Text)
			}
		}
	})
}

// A form says when it was made and for what page: posted at once, too late, or with another
// time than we gave it, it is not taken; a restart does not matter.
func TestCommentFormsHaveATime(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.commenting()
		page, other := w.create(entry("content", "hello")), w.create(entry("content", "another"))
		stamp := func(page string) string {
			s, err := c.Stamp(t.Context(), page)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		late, good, elsewhere := stamp(page), "", stamp(other)
		pass(24*time.Hour - time.Minute)
		good = stamp(page)
		pass(time.Minute + time.Second)
		forged := []byte(good)
		forged[3]++
		for name, x := range map[string]struct{ time, why string }{
			"none":           {"", "old"},
			"garbage":        {"%%%", "old"},
			"late":           {late, "old"},
			"of another":     {elsewhere, "old"},
			"forged":         {string(forged), "old"},
			"cut":            {good[:20], "old"},
			"longer":         {good + "AAAA", "old"},
			"at once":        {stamp(page), "fast"},
			"good":           {good, ""},
			"good, replayed": {good, ""},
		} {
			_, err := c.Leave(t.Context(), site.Draft{Page: page, Name: name, Text: "hi", Time: x.time}, visitor)
			var unfit *site.Unfit
			if x.why == "" && err != nil || x.why != "" && (!errors.As(err, &unfit) || unfit.Why != x.why) {
				t.Errorf("%s: got %v, want %q", name, err, x.why)
			}
		}
		w.restart()
		if _, err := w.commenting().Leave(t.Context(), site.Draft{Page: page, Name: "after", Text: "hi", Time: good}, visitor); err != nil {
			t.Errorf("after a restart: %v", err)
		}
	})
}

// The same form is one comment, however often and however fast it comes (TRAPS T-WR26); other
// words, another name, another page or another response is another.
func TestSameCommentIsOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		d := draft(t, c, page, "First!")
		ids := make(chan string, 50)
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				left, err := c.Leave(t.Context(), d, netip.AddrFrom4([4]byte{198, 51, 100, byte(i)}))
				if err != nil {
					t.Error(err)
				}
				ids <- left.ID
			})
		}
		wg.Wait()
		close(ids)
		first := <-ids
		for id := range ids {
			if id != first {
				t.Errorf("got %s and %s", first, id)
			}
		}
		w.restart()
		c = w.commenting()
		if again := leave(t, c, d); again.ID != first {
			t.Error("after a restart it is another")
		}
		d.Text = "First! "
		if again := leave(t, c, d); again.ID != first {
			t.Error("with a space at its end it is another")
		}
		d.Text = "Second!"
		if other := leave(t, c, d); other.ID == first {
			t.Error("other words are the same comment")
		}
	})
}
