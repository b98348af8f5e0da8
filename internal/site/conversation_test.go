package site_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// show makes a public mention of a post, as if it had gone the whole way.
func (w *world) show(post, source, target string, v store.Version) (id string) {
	w.t.Helper()
	err := w.db.Update(w.t.Context(), w.site.Key, func(tx *store.Tx) error {
		folded, _ := w.site.Fold(parse(w.t, post))
		page, err := tx.PageAt(folded)
		if err != nil {
			return err
		}
		v.URL, v.Digest = source, source
		id = store.NewID(tx.Now)
		return tx.PutMention(store.Mention{ID: id, Source: source, Target: target, Page: page.ID,
			State: store.Approved, Shown: &v, Received: tx.Now})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	pass(time.Second)
	return id
}

func (w *world) feed(q site.Query) site.Feed {
	w.t.Helper()
	feed, err := w.talk.JF2(w.t.Context(), q)
	if err != nil {
		w.t.Fatal(err)
	}
	return feed
}

func sources(f site.Feed) (list []string) {
	for _, c := range f.Children {
		list = append(list, strings.TrimPrefix(c.WMSource, "https://bea.example/"))
	}
	return list
}

// READ-API 3: the shape, the names and their order.
func TestJF2Shape(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		pass(5*time.Second - time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
		at := time.Date(2026, 11, 21, 18, 5, 0, 0, time.FixedZone("", -5*3600))
		w.show(post, "https://bea.example/1", post+"?utm_source=x#c12", store.Version{
			Type: "reply", Author: mf2.Author{Name: "Bea", URL: "https://bea.example/"}, Name: "Re", HTML: "<b>x</b>", Text: "x", Published: at,
		})
		w.show(post, "https://bea.example/2", strings.TrimSuffix(post, "/"), store.Version{Type: "rsvp", RSVP: "yes"})
		got, err := json.Marshal(w.feed(site.Query{Targets: []string{post}, Upwards: true}))
		if err != nil {
			t.Fatal(err)
		}
		want := `{"type":"feed","name":"Webmentions","children":[` +
			`{"type":"entry","author":{"type":"card","name":"Bea","photo":"","url":"https://bea.example/"},"url":"https://bea.example/1",` +
			`"published":"2026-11-21T18:05:00-05:00","wm-received":"2000-01-01T00:00:05Z","wm-id":1,"wm-source":"https://bea.example/1","wm-target":"POST",` +
			`"wm-protocol":"webmention","name":"Re","content":{"html":"\u003cb\u003ex\u003c/b\u003e","text":"x"},"in-reply-to":"POST",` +
			`"wm-property":"in-reply-to","wm-private":false,"wm-fragment":"c12"},` +
			`{"type":"entry","author":{"type":"card","name":"","photo":"","url":""},"url":"https://bea.example/2",` +
			`"published":null,"wm-received":"2000-01-01T00:00:06Z","wm-id":2,"wm-source":"https://bea.example/2","wm-target":"POST",` +
			`"wm-protocol":"webmention","rsvp":"yes","in-reply-to":"POST","wm-property":"rsvp","wm-private":false}],` +
			`"paging":{"per-page":20,"page":0,"total":2,"total-pages":1}}`
		if diff := cmp.Diff(strings.ReplaceAll(want, "POST", post), string(got)); diff != "" {
			t.Errorf("feed (-want +got):\n%s", diff)
		}
		if empty, err := json.Marshal(w.feed(site.Query{Targets: []string{"https://evil.test/"}})); err != nil ||
			string(empty) != `{"type":"feed","name":"Webmentions","children":[],"paging":{"per-page":20,"page":0,"total":0,"total-pages":0}}` {
			t.Errorf("a page that is not ours: %s, %v", empty, err)
		}
	})
}

// READ-API 2: order, filters and pages.
func TestJF2Queries(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post, other := w.create(entry("content", "x")), w.create(entry("content", "y"))
		day := func(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }
		for i, v := range []store.Version{
			{Type: "reply", Published: day(3)}, {Type: "like", Published: day(9)}, {Type: "repost", Published: day(1)},
			{Type: "rsvp", RSVP: "yes", Published: day(5)}, {Type: "rsvp", RSVP: "no", Published: day(5)}, {Type: "rsvp", RSVP: "maybe"},
			{Type: "rsvp", RSVP: "interested", Published: day(7)}, {Type: "mention", Published: day(2)}, {Type: "bookmark", Published: day(2)},
		} {
			w.show(post, fmt.Sprint("https://bea.example/", i+1), post, v)
		}
		w.show(other, "https://bea.example/other", other, store.Version{Type: "like"})
		third := w.feed(site.Query{Targets: []string{post}, Upwards: true}).Children[2]
		thirdAt, err := time.Parse(time.RFC3339, third.WMReceived)
		if err != nil {
			t.Fatal(err)
		}
		here := []string{post}
		for name, tt := range map[string]struct {
			q    site.Query
			want string
		}{
			"newest first":            {site.Query{}, "9 8 7 6 5 4 3 2 1"},
			"oldest first":            {site.Query{Upwards: true}, "1 2 3 4 5 6 7 8 9"},
			"an order that is none":   {site.Query{SortBy: "random"}, "9 8 7 6 5 4 3 2 1"},
			"by date":                 {site.Query{SortBy: "published", Upwards: true}, "6 3 8 9 1 4 5 7 2"},
			"by date, latest first":   {site.Query{SortBy: "published"}, "2 7 5 4 1 9 8 3 6"},
			"by answer":               {site.Query{SortBy: "rsvp", Upwards: true, Property: []string{"rsvp"}}, "5 7 6 4"},
			"one property":            {site.Query{Property: []string{"in-reply-to"}}, "1"},
			"two properties":          {site.Query{Property: []string{"like-of", "mention-of"}}, "8 2"},
			"a property that is none": {site.Query{Property: []string{"follow-of"}}, ""},
			"since the third":         {site.Query{SinceID: third.WMID}, "9 8 7 6 5 4"},
			"since its time":          {site.Query{Since: thirdAt}, "9 8 7 6 5 4"},
			"since all":               {site.Query{SinceID: 1 << 60}, ""},
			"the first page":          {site.Query{PerPage: 4}, "9 8 7 6"},
			"the last page":           {site.Query{PerPage: 4, Page: 2}, "1"},
			"beyond the last page":    {site.Query{PerPage: 4, Page: 99}, ""},
			"a page below the first":  {site.Query{PerPage: 4, Page: -7}, "9 8 7 6"},
			"as many as nobody has":   {site.Query{PerPage: 90001}, "9 8 7 6 5 4 3 2 1"},
			"pages of one page":       {site.Query{Targets: []string{post, strings.TrimSuffix(post, "/"), "http://www.me.example" + strings.TrimPrefix(post, "https://me.example")}}, "9 8 7 6 5 4 3 2 1"},
			"two pages":               {site.Query{Targets: []string{other, post}, PerPage: 2}, "other 9"},
		} {
			if tt.q.Targets == nil {
				tt.q.Targets = here
			}
			if got := strings.Join(sources(w.feed(tt.q)), " "); got != tt.want {
				t.Errorf("%s: got %s, want %s", name, got, tt.want)
			}
		}
		if p := w.feed(site.Query{Targets: here, PerPage: 4, Page: 2}).Paging; p != (site.Paging{PerPage: 4, Page: 2, Total: 9, TotalPages: 3}) {
			t.Errorf("paging: %+v", p)
		}
		if p := w.feed(site.Query{Targets: here, PerPage: 90001}).Paging; p.PerPage != 1000 {
			t.Errorf("paging: %+v", p)
		}
		counts, err := w.talk.Counts(t.Context(), []string{post, other, post})
		want := map[string]int{"reply": 1, "like": 2, "repost": 1, "rsvp-yes": 1, "rsvp-no": 1, "rsvp-maybe": 1, "rsvp-interested": 1, "mention": 1, "bookmark": 1}
		if diff := cmp.Diff(want, counts); err != nil || diff != "" {
			t.Errorf("counts: %v (-want +got):\n%s", err, diff)
		}
	})
}

// DESIGN 4: who polls by since or since_id misses nothing, also of more than one page
// of mentions, and what was hidden and comes back keeps its id.
func TestJF2PollersMissNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		ids := w.many(post, 1200)
		all := w.feed(site.Query{Targets: []string{post}, PerPage: 1000})
		if all.Paging.Total != 1200 || len(all.Children) != 1000 || all.Children[0].WMSource != "https://bea.example/1199" {
			t.Errorf("got %d of %+v, first %s", len(all.Children), all.Paging, all.Children[0].WMSource)
		}
		second := w.feed(site.Query{Targets: []string{post}, PerPage: 1000, Page: 1})
		if len(second.Children) != 200 {
			t.Errorf("the second page has %d", len(second.Children))
		}
		seen := all.Children[0].WMID
		pass(time.Second)
		w.decide(w.mentions.Reject, ids[3])
		w.decide(w.approve, ids[3])
		fresh := w.show(post, "https://bea.example/new", post, store.Version{Type: "reply"})
		got := w.feed(site.Query{Targets: []string{post}, SinceID: seen})
		if len(got.Children) != 1 || got.Children[0].WMSource != "https://bea.example/new" || got.Children[0].WMID <= seen {
			t.Errorf("since %d: %v", seen, sources(got))
		}
		if m := w.mention(ids[3]); m.Number != 4 {
			t.Errorf("what came back has id %d, want the 4 it had", m.Number)
		}
		if counts, err := w.talk.Counts(t.Context(), []string{post}); err != nil || counts["like"] != 1200 || counts["reply"] != 1 {
			t.Errorf("counts: %v %v", counts, err)
		}
		w.decide(w.mentions.Delete, fresh)
		if page, err := w.talk.Of(t.Context(), post); err != nil || len(page.Responses) != 1000 || page.Counts["reply"] != 0 {
			t.Errorf("the page shows %d, %v", len(page.Responses), err)
		}
	})
}

// What readers, senders and the owner are shown, each no more than is theirs.
func TestConversationViews(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("about/index.html")
		page, err := w.talk.Of(t.Context(), "http://www.me.example/about/index.html?utm_source=x#y")
		if err != nil || page.URL != "https://me.example/about/" || page.Revision != 0 || len(page.Responses) != 0 {
			t.Errorf("a page of the owner's: %+v, %v", page, err)
		}
		post := w.create(entry("name", "A title", "content", "x"))
		before, err := w.talk.Of(t.Context(), post)
		if err != nil || before.Title != "A title" || before.Gone {
			t.Errorf("a post: %+v, %v", before, err)
		}
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "hello"))
		id := w.receive("https://bea.example/1", post)
		list, next, err := w.talk.Waiting(t.Context(), "", 10)
		if err != nil || len(list) != 1 || next != "" || list[0].ID != id || list[0].Title != "A title" || list[0].Page != post || list[0].Host != "bea.example" {
			t.Errorf("what waits: %+v %q %v", list, next, err)
		}
		if p, err := w.talk.Of(t.Context(), post); err != nil || p.Revision != before.Revision {
			t.Errorf("what waits changed the page: %+v", p)
		}
		w.decide(w.approve, id)
		shown, err := w.talk.Of(t.Context(), post)
		if err != nil || shown.Revision <= before.Revision || len(shown.Responses) != 1 || shown.Responses[0].Number == 0 || shown.Responses[0].Received.IsZero() {
			t.Errorf("approved: %+v, %v", shown, err)
		}
		if s, err := w.talk.Status(t.Context(), id); err != nil || s.State != store.Approved || s.Source != "https://bea.example/1" || s.Target != post {
			t.Errorf("status: %+v, %v", s, err)
		}
		if _, err := w.talk.Status(t.Context(), "nonsense"); err == nil {
			t.Error("there is a status of nothing")
		}
	})
}

// The owner pages through what waits, oldest first; a page that is gone or was never
// there has no conversation.
func TestConversationsOfTheOwnerAndOfNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("about/index.html")
		post := w.create(entry("content", "x"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "hello"))
		w.decide(w.approve, w.receive("https://bea.example/1", post))
		for i := range 5 {
			bea.says(fmt.Sprint("/w", i), by("", "u-in-reply-to", post, "waits"))
			w.receive(fmt.Sprint("https://bea.example/w", i), post)
		}
		var order []string
		for cursor := ""; ; {
			list, next, err := w.talk.Waiting(t.Context(), cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				order = append(order, strings.TrimPrefix(one.Source, "https://bea.example/"))
			}
			if cursor = next; next == "" {
				break
			}
		}
		if !slices.Equal(order, []string{"w0", "w1", "w2", "w3", "w4"}) {
			t.Errorf("what waits, two at a time: %v", order)
		}
		w.remove(post)
		if p, err := w.talk.Of(t.Context(), post); err != nil || !p.Gone || len(p.Responses) != 0 || len(p.Counts) != 0 {
			t.Errorf("deleted: %+v, %v", p, err)
		}
		if f := w.feed(site.Query{Targets: []string{post}}); len(f.Children) != 0 {
			t.Errorf("deleted, the API still has %v", sources(f))
		}
		if counts, err := w.talk.Counts(t.Context(), []string{post}); err != nil || len(counts) != 0 {
			t.Errorf("deleted, counts: %v %v", counts, err)
		}
		if !w.talk.Gone(t.Context(), parse(t, strings.TrimSuffix(post, "/")+"?x#y")) || w.talk.Gone(t.Context(), parse(t, "https://me.example/about/")) ||
			w.talk.Gone(t.Context(), parse(t, "https://evil.test/")) {
			t.Error("Gone is wrong")
		}
		if _, err := w.posts.Undelete(t.Context(), editor, post); err != nil {
			t.Fatal(err)
		}
		if p, err := w.talk.Of(t.Context(), post); err != nil || len(p.Responses) != 1 {
			t.Errorf("undeleted: %+v, %v", p, err)
		}
		for _, address := range []string{"", "::", "https://me.example/never/", "https://evil.test/", "javascript://me.example/%0aalert(1)", "/about/"} {
			if p, err := w.talk.Of(t.Context(), address); err == nil {
				t.Errorf("Of(%q): got %+v", address, p)
			}
		}
	})
}

// Every decision is on record, and who made it.
func TestDecisionsAreRecorded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "x"))
		w.host("bea.example").says("/1", replyTo(post, "hello"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		pass(time.Second)
		w.decide(w.mentions.Reject, id)
		pass(time.Second)
		w.decide(w.mentions.Delete, id)
		var got []string
		w.view(func(tx *store.Tx) error {
			list, err := tx.Decisions()
			for _, d := range list {
				got = append(got, d.Action+" "+d.Note)
				if d.By != "me" || d.Subject != id || d.At.IsZero() {
					t.Errorf("decision: %+v", d)
				}
			}
			return err
		})
		if want := []string{"approve was pending", "reject was approved", "delete was rejected"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		for _, decide := range []func() error{
			func() error { return w.mentions.Approve(t.Context(), "me", "nonsense", "") },
			func() error { return w.mentions.Replay(t.Context(), "nonsense") },
		} {
			if err := decide(); err == nil {
				t.Error("there is a decision about nothing")
			}
		}
		if list, err := w.talk.Mentions(t.Context(), store.Deleted, 10); err != nil || len(list) != 1 {
			t.Errorf("deleted ones: %v %v", list, err)
		}
	})
}
