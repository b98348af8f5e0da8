package site_test

import (
	"testing"

	"tertulia/internal/site"
	"tertulia/store"
)

// T-WR14, T-WR16: an approved mention stays while it is looked at again; its changed
// text waits while the old stays, unless its person is trusted.
func TestChangedTextWaits(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		w.receive("https://bea.example/1", post)
		w.wantTexts("the same again", post, "first")
		if m := w.mention(id); m.Held != nil {
			t.Errorf("the same text waits: %+v", m.Held)
		}

		bea.says("/1", replyTo(post, "second"))
		w.receive("https://bea.example/1", post)
		w.wantTexts("changed", post, "first")
		list, _, err := w.talk.Waiting(t.Context(), "", 10)
		if err != nil || len(list) != 1 || list[0].Text != "second" || list[0].Why != site.WhyChanged || list[0].Page != post {
			t.Errorf("what waits: %+v %v", list, err)
		}
		w.decide(w.mentions.Reject, id)
		w.wantTexts("the change was rejected", post, "first")
		if list, _, _ := w.talk.Waiting(t.Context(), "", 10); len(list) != 0 {
			t.Errorf("what waits: %+v", list)
		}

		bea.says("/1", replyTo(post, "third"))
		w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		w.wantTexts("the change was approved", post, "third")

		bea.says("/1", replyTo(post, "fourth"))
		w.receive("https://bea.example/1", post)
		bea.says("/1", replyTo(post, "third"))
		w.receive("https://bea.example/1", post)
		if m := w.mention(id); m.Held != nil || m.Why != "" {
			t.Errorf("the old text is back and still something waits: %+v", m)
		}

		// What the source has taken back is not shown again because it says something new.
		bea.set("/1", answer{status: 410})
		w.receive("https://bea.example/1", post)
		bea.says("/1", replyTo(post, "fifth"))
		for range 2 {
			w.receive("https://bea.example/1", post)
			w.wantTexts("back with another text", post)
			w.wantState("back with another text", id, store.Pending)
		}
		w.decide(w.approve, id)
		w.wantTexts("approved again", post, "fifth")
	}, approve(site.ApproveAll))
}

// A trusted person's mentions and changes show at once; trust hangs on the profile
// that was confirmed, never on what a page says of itself (HOSTILE 36).
func TestTrustNeedsAConfirmedPerson(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		famous, evil, bea := w.host("famous.example"), w.host("evil.example"), w.host("bea.example")
		famous.says("/1", by("https://famous.example/", "u-in-reply-to", post, "I am famous"))
		w.decide(w.approve, w.receive("https://famous.example/1", post))
		famous.says("/2", by("https://famous.example/", "u-in-reply-to", post, "still famous"))
		w.receive("https://famous.example/2", post)
		famous.says("/1", by("https://famous.example/", "u-in-reply-to", post, "more famous"))
		w.receive("https://famous.example/1", post)
		w.wantTexts("trusted", post, "more famous", "still famous")

		evil.says("/1", `<article class="h-entry"><a class="u-url u-uid" href="https://famous.example/9">x</a>
			<a class="p-author h-card" href="https://famous.example/"><img class="u-photo" src="https://famous.example/p.jpg">Famous</a>
			<a class="u-in-reply-to" href="`+post+`">x</a><p class="e-content">buy</p></article>`)
		id := w.receive("https://evil.example/1", post)
		w.wantState("a foreign author", id, store.Pending)
		m := w.mention(id)
		if m.Shown.URL != "https://evil.example/1" || m.Shown.Person != "" {
			t.Errorf("a foreign author: readers are led to %s, person %q", m.Shown.URL, m.Shown.Person)
		}
		w.decide(w.approve, id)
		evil.says("/2", by("https://famous.example/", "u-in-reply-to", post, "buy more"))
		w.wantState("nobody was trusted by that", w.receive("https://evil.example/2", post), store.Pending)
		page, err := w.talk.Of(t.Context(), post)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Responses {
			if r.Text == "buy" && (r.Host != "evil.example" || r.URL != "https://evil.example/1") {
				t.Errorf("it is shown as from %s at %s", r.Host, r.URL)
			}
		}

		// A redirect to a trusted person's page lends nobody their name.
		evil.set("/3", answer{status: 302, header: []string{"Location", "https://famous.example/1"}})
		id = w.receive("https://evil.example/3", post)
		w.wantState("a redirect to a trusted person", id, store.Pending)
		if m := w.mention(id); m.Why != site.WhyMoved {
			t.Errorf("it waits because %q", m.Why)
		}
		// Without an author nobody is behind it.
		bea.says("/1", `<a href="`+post+`">x</a>`)
		id = w.receive("https://bea.example/1", post)
		if m := w.mention(id); m.State != store.Pending || m.Shown.Author.Name != "bea.example" || m.Shown.Type != "mention" {
			t.Errorf("without an entry: %s %+v", m.State, m.Shown)
		}
	})
}

func TestApproveNoneLetsEverybodyIn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, evil := w.host("bea.example"), w.host("evil.example")
		bea.says("/1", replyTo(post, "first"))
		evil.set("/1", answer{status: 302, header: []string{"Location", "https://bea.example/1"}})
		id := w.receive("https://bea.example/1", post)
		w.wantState("nobody waits", id, store.Approved)
		w.wantState("but who moved", w.receive("https://evil.example/1", post), store.Pending)
		w.decide(w.mentions.Reject, id)
		w.receive("https://bea.example/1", post)
		w.wantState("the owner has the last word", id, store.Rejected)
	}, approve(site.ApproveNone))
}

// DESIGN 3: a redirect to another domain keeps the old text and asks the owner.
func TestMovedSourcesAskTheOwner(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, casino := w.host("bea.example"), w.host("casino.test")
		for _, path := range []string{"/1", "/2", "/3", "/4"} {
			bea.says(path, replyTo(post, "text of "+path))
			w.decide(w.approve, w.receive("https://bea.example"+path, post))
		}
		to := func(u string) answer { return answer{status: 301, header: []string{"Location", u}} }
		casino.says("/1", by("https://casino.test/", "u-in-reply-to", post, "play"))
		casino.says("/2", "<p>play")
		casino.set("/3", answer{status: 410})
		bea.set("/1", to("https://casino.test/1"))
		bea.set("/2", to("https://casino.test/2"))
		bea.set("/3", to("https://casino.test/3"))
		bea.set("/4", to("https://www.bea.example/4")) // the same domain is the same owner, whom an approval has made trusted
		w.host("www.bea.example").says("/4", by("https://www.bea.example/", "u-in-reply-to", post, "moved house"))
		for _, path := range []string{"/1", "/2", "/3", "/4"} {
			w.receive("https://bea.example"+path, post)
		}
		w.wantTexts("moved", post, "text of /1", "text of /2", "text of /3", "moved house")
		list, _, err := w.talk.Waiting(t.Context(), "", 10)
		if err != nil || len(list) != 1 || list[0].Why != site.WhyMoved || list[0].Text != "play" {
			t.Errorf("what waits: %+v %v", list, err)
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// Who is blocked is rejected unseen, also what of theirs was public; when they are not
// any more their mentions wait again.
func TestBlockedPeopleAreRejected(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		bea.says("/2", replyTo(post, "second"))
		known := w.receive("https://bea.example/1", post)
		w.decide(w.approve, known)
		trust := func(to store.Trust) {
			t.Helper()
			err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
				p, err := tx.Person(w.mention(known).Shown.Person)
				if err != nil {
					return err
				}
				p.Trust = to
				return tx.PutPerson(p)
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		trust(store.Blocked)
		fresh := w.receive("https://bea.example/2", post)
		w.wantState("new", fresh, store.Rejected)
		w.receive("https://bea.example/1", post)
		w.wantState("public before", known, store.Rejected)
		w.wantTexts("blocked", post)
		trust(store.Unknown)
		w.receive("https://bea.example/2", post)
		w.wantState("not blocked any more", fresh, store.Pending)
	})
}
