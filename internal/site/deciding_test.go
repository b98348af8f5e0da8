package site_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// entrust decides about a person or a host, and returns the decision.
func (w *world) entrust(who string, trust store.Trust) string {
	w.t.Helper()
	id, err := w.mentions.Decide(w.t.Context(), "me", who, trust)
	if err != nil {
		w.t.Fatalf("%s %s: %v", trust, who, err)
	}
	pass(time.Second)
	return id
}

func (w *world) undo(decision string) {
	w.t.Helper()
	if err := w.mentions.Undo(w.t.Context(), "me", decision); err != nil {
		w.t.Fatal(err)
	}
	pass(5 * time.Second)
}

// last is the newest decision about a mention or a person.
func (w *world) last(about string) string {
	w.t.Helper()
	list, err := w.mentions.Decisions(w.t.Context(), about)
	if err != nil || len(list) == 0 {
		w.t.Fatalf("decisions about %s: %v %v", about, list, err)
	}
	return list[0].ID
}

func (w *world) wantStates(when string, ids []string, want ...store.State) {
	w.t.Helper()
	for i, id := range ids {
		if m := w.mention(id); m.State != want[i] {
			w.t.Errorf("%s: number %d is %s (%s), want %s", when, i+1, m.State, m.Why, want[i])
		}
	}
}

// Blocks and mutes hide what is public, and hold up what comes; lifted, each mention stands where
// it would have stood. What the owner rejected stays so, what the source took back as well.
func TestBlocksAndMutesAreLiftedWithoutATrace(t *testing.T) {
	for who, trust := range map[string]store.Trust{"https://bea.example/": store.Blocked, "bea.example": store.Muted, "host:bea.example": store.Blocked, "host:example": store.Muted} {
		t.Run(who, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				post := w.create(entry("content", "hello"))
				bea := w.host("bea.example")
				var ids []string
				for i := range 4 {
					at := fmt.Sprint("/", i)
					bea.says(at, replyTo(post, "text "+at))
					ids = append(ids, w.receive("https://bea.example"+at, post))
				}
				w.decide(w.approve, ids[0]) // the others follow, for the person is trusted
				w.wantStates("trusted", ids, store.Approved, store.Approved, store.Approved, store.Approved)
				w.decide(w.mentions.Reject, ids[1])
				number := w.mention(ids[0]).Number

				hidden := store.Rejected
				if trust == store.Muted {
					hidden = store.Silent
				}
				who := who
				if strings.HasPrefix(who, "host:") {
					// What is decided about the person counts before what is about the host.
					w.entrust(who, trust)
					w.wantTexts("the person is trusted", post, "text /0", "text /2", "text /3")
					w.entrust("bea.example", store.Unknown)
					w.wantStates("the person is unknown", ids, hidden, store.Rejected, hidden, hidden)
					w.undo(w.last(w.mention(ids[0]).Shown.Person))
					who = "bea.example"
				}
				decision := w.entrust(who, trust)
				hidden = store.Rejected
				if trust == store.Muted {
					hidden = store.Silent
				}
				w.wantStates("hidden", ids, hidden, store.Rejected, hidden, hidden)
				w.wantTexts("hidden", post)
				if list, _, _ := w.talk.Waiting(t.Context(), "", 10); len(list) > 0 {
					t.Errorf("the owner is asked about %+v", list)
				}
				if s, err := w.talk.Status(t.Context(), ids[0]); err != nil || s.State != store.Pending {
					t.Errorf("its sender is told %v %v", s, err)
				}
				if err := w.mentions.Approve(t.Context(), "me", ids[0], ""); !errors.Is(err, site.ErrUndecidable) {
					t.Errorf("approve one of theirs: got %v", err)
				}
				bea.says("/4", replyTo(post, "text /4"))
				ids = append(ids, w.receive("https://bea.example/4", post))
				bea.set("/2", answer{status: 410})
				w.receive("https://bea.example/2", post)
				w.receive("https://bea.example/3", post)
				w.wantStates("sent meanwhile", ids, hidden, store.Rejected, store.Withdrawn, hidden, hidden)

				w.restart()
				w.undo(decision)
				w.wantStates("undone", ids, store.Approved, store.Rejected, store.Withdrawn, store.Approved, store.Approved)
				w.wantTexts("undone", post, "text /0", "text /3", "text /4")
				if m := w.mention(ids[0]); m.Number != number || m.Behind != "" {
					t.Errorf("wm-id was %d: %+v", number, m)
				}
				if err := w.mentions.Undo(t.Context(), "me", decision); !errors.Is(err, site.ErrUndecidable) {
					t.Errorf("undo it twice: got %v", err)
				}
			})
		})
	}
}

// HOSTILE 47: a block of a host hits all its spellings, the hosts below it, and whatever leads to it
// or comes from it; not its neighbours.
func TestBlockedHosts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		if _, err := w.mentions.Decide(t.Context(), "me", "host:CO.uk", store.Blocked); !errors.Is(err, site.ErrEverybody) {
			t.Errorf("block everybody: got %v", err)
		}
		w.entrust("host:Evil.example.", store.Blocked)
		w.entrust("host:xn--espaa-rta.example", store.Blocked)
		page := `<div class="h-entry"><a class="u-in-reply-to" href="` + post + `">x</a><p class="e-content">x</p></div>`
		for _, h := range []string{"evil.example", "sub.evil.example", "evil.example:8443", "xn--espaa-rta.example", "notevil.example", "example"} {
			w.host(h).says("/1", page)
		}
		w.host("elsewhere.example").set("/1", answer{status: 302, header: []string{"Location", "https://sub.evil.example/1"}})
		w.web.Handle("evil.example.", w.host("evil.example.x"))
		for source, want := range map[string]store.State{
			"https://EVIL.example/1": store.Rejected, "https://sub.evil.example/1": store.Rejected, "https://evil.example:443/1": store.Rejected,
			"http://evil.example/1": store.Rejected, "https://evil.example:8443/1": store.Rejected, "https://xn--espaa-rta.example/1": store.Rejected,
			"https://elsewhere.example/1": store.Rejected, "https://notevil.example/1": store.Pending,
		} {
			w.wantState(source, w.receive(source, post), want)
		}
	})
}

// Trust in a host lets in what speaks from it, a page without an author included, but nobody who claims to
// be somebody else; approving one mention trusts its person and not the host.
func TestTrustInAHostAndInAPerson(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		tilde := w.host("tilde.example")
		tilde.says("/~bea/", "x")
		tilde.says("/~bea/1", signed("/~bea/", post))
		tilde.says("/~mallory/1", signed("/~mallory/", post))
		tilde.says("/~mallory/2", signed("/~bea/", post))
		tilde.says("/plain", `<a href="`+post+`">x</a>`)
		var ids []string
		for _, at := range []string{"/~bea/1", "/~mallory/1", "/~mallory/2", "/plain"} {
			ids = append(ids, w.receive("https://tilde.example"+at, post))
		}
		w.decide(w.approve, ids[0])
		w.wantStates("one is approved", ids, store.Approved, store.Pending, store.Pending, store.Pending)
		w.decide(w.approve, ids[3])
		decision := w.entrust("host:tilde.example", store.Trusted)
		w.wantStates("the host is trusted", ids, store.Approved, store.Approved, store.Pending, store.Approved)
		w.undo(decision)
		w.wantStates("and no more", ids, store.Approved, store.Pending, store.Pending, store.Approved)
	})
}

// Each decision about a mention can be undone once, the last first, back to how it stood.
func TestDecisionsAreUndone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "first"))
		bea.says("/2", replyTo(post, "other"))
		id, other := w.receive("https://bea.example/1", post), w.receive("https://bea.example/2", post)
		w.decide(w.mentions.Reject, id)
		w.undo(w.last(id))
		w.wantState("rejection undone", id, store.Pending)
		w.decide(w.approve, id)
		approval := w.last(id)
		w.wantTexts("approved", post, "first", "other")
		w.decide(w.mentions.Delete, id)
		if err := w.mentions.Undo(t.Context(), "me", approval); !errors.Is(err, site.ErrUndecidable) {
			t.Errorf("undo what another decision stands on: got %v", err)
		}
		w.receive("https://bea.example/1", post)
		w.wantState("deleted", id, store.Deleted)
		w.undo(w.last(id))
		w.wantTexts("deletion undone", post, "first", "other")
		w.undo(approval)
		w.wantState("approval undone", id, store.Pending)
		w.wantState("and what it let in", other, store.Pending)
		if p, _, _, err := w.mentions.Person(t.Context(), "bea.example", 10); err != nil || p.Trust != store.Unknown {
			t.Errorf("the person is %q, %v", p.Trust, err)
		}

		// What its source did since then counts.
		w.decide(w.approve, id)
		bea.set("/1", answer{status: 410})
		w.receive("https://bea.example/1", post)
		w.undo(w.last(id))
		w.wantState("undone and gone", id, store.Withdrawn)
		bea.says("/1", replyTo(post, "second"))
		w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		w.decide(w.mentions.Reject, id)
		bea.says("/1", replyTo(post, "third"))
		w.receive("https://bea.example/1", post)
		w.undo(w.last(id))
		w.wantTexts("what it says now", post, "third", "other")
		for _, m := range []string{id, other} {
			if h := w.mention(m).History; h[len(h)-1].Stage == "" {
				t.Errorf("its history: %+v", h)
			}
		}
	})
}

// T-WR16: a changed text that was rejected is not asked about again, however often it is sent; another
// is, and so is the rejected one once that is undone.
func TestRejectedChangesAreNotAskedAboutAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		says := func(text string) { bea.says("/1", replyTo(post, text)); w.receive("https://bea.example/1", post) }
		waits := func(when, want string) {
			t.Helper()
			list, _, err := w.talk.Waiting(t.Context(), "", 10)
			got := ""
			for _, m := range list {
				got += m.Text
			}
			if err != nil || got != want {
				t.Errorf("%s: %q waits (%v), want %q", when, got, err, want)
			}
			w.wantTexts(when, post, "first")
		}
		bea.says("/1", replyTo(post, "first"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		says("worse")
		waits("changed", "worse")
		w.decide(w.mentions.Reject, id)
		says("worse")
		waits("the same again", "")
		says("other")
		waits("another", "other")
		w.decide(w.mentions.Reject, id)
		says("worse")
		says("other")
		says("first")
		waits("both again", "")
		says("other")
		w.undo(w.last(id))
		waits("undone", "other")
	}, approve(site.ApproveAll))
}

// Of somebody who has said thousands of things, what is decided about them comes through as well, a batch
// at a time, restart in between.
func TestDecisionsReachThousands(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		w.host("bea.example").says("/", replyTo(post, "hello"))
		first := w.receive("https://bea.example/", post)
		who, page := w.mention(first).Shown.Person, w.mention(first).Page
		const many = 1050
		err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			for i := range many {
				m := store.Mention{ID: store.NewID(tx.Now), Source: fmt.Sprintf("https://bea.example/%d", i), Page: page, State: store.Pending, Why: site.WhyPerson, Received: tx.Now,
					Shown: &store.Version{Type: "like", Person: who, URL: fmt.Sprintf("https://bea.example/%d", i), Digest: fmt.Sprint(i)}}
				if err := tx.PutMention(m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		likes := func() (n int) {
			w.view(func(tx *store.Tx) error { n = tx.Counts(page)["like"]; return nil })
			return n
		}
		w.stop()
		trusted, err := w.mentions.Decide(t.Context(), "me", who, store.Trusted)
		if n := likes(); err != nil || n == 0 || n == many {
			t.Fatalf("at once: %d, %v", n, err)
		}
		w.restart()
		pass(10 * time.Second)
		if n := likes(); n != many {
			t.Errorf("trusted: %d are shown, want %d", n, many)
		}
		blocked := w.entrust("host:bea.example", store.Blocked)
		if n := likes(); n != many {
			t.Errorf("the host is blocked, the person trusted: %d are shown", n)
		}
		w.undo(trusted)
		pass(10 * time.Second)
		if n := likes(); n != 0 {
			t.Errorf("the host is blocked: %d are shown", n)
		}
		w.undo(blocked)
		pass(10 * time.Second)
		w.view(func(tx *store.Tx) error {
			if n := tx.CountIn(store.Pending, 2*many); n != many+1 {
				t.Errorf("all undone: %d wait, want %d", n, many+1)
			}
			return nil
		})
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// Pages that link to dozens of strangers are quarantined: kept, but neither shown nor put before the owner.
func TestLinkFarmsAreQuarantined(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		links := func(n int, around string) (s string) {
			for i := range n {
				s += fmt.Sprintf(`<a href="https://stranger%d.example/">x</a>`, i)
			}
			return strings.ReplaceAll(around, "LINKS", s)
		}
		page := `<div class="h-entry"><a class="u-in-reply-to" href="` + post + `">x</a>LINKS</div>`
		for name, tt := range map[string]struct {
			body string
			want store.State
		}{
			"26 sites":           {links(26, page), store.Quarantined},
			"25 sites":           {links(25, page), store.Approved},
			"no entry":           {links(30, `<a href="`+post+`">x</a>LINKS`), store.Quarantined},
			"one site":           {page + strings.Repeat(`<a href="https://one.example/">x</a>`, 40), store.Approved},
			"outside the entry":  {page + links(40, "LINKS"), store.Approved},
			"navigation":         {links(40, `<nav>LINKS</nav><a href="`+post+`">x</a><footer>LINKS</footer>`), store.Approved},
			"those who answered": {links(40, strings.Replace(page, "LINKS", `<div class="u-comment h-cite">LINKS</div>`, 1)), store.Approved},
			"our own pages":      {page + strings.Repeat(`<a href="https://www.me.example/1">x</a>`, 40), store.Approved},
		} {
			h := strings.ReplaceAll(strings.ReplaceAll(name, " ", "-"), "26", "twentysix") + ".test"
			w.host(h).says("/", tt.body)
			m := w.mention(w.receive("https://"+h+"/", post))
			if m.State != tt.want || tt.want == store.Quarantined && m.Why != site.WhyLinks {
				t.Errorf("%s: got %s (%s), want %s", name, m.State, m.Why, tt.want)
			}
		}
		if list, _, err := w.talk.Waiting(t.Context(), "", 10); err != nil || len(list) > 0 {
			t.Errorf("the owner is asked about %+v %v", list, err)
		}
		// The owner can have it all the same, and a trusted person may link to whomever they want.
		bea := w.host("bea.example")
		farm := links(40, strings.Replace(page, "<a", `<a class="p-author h-card" href="https://bea.example/">Bea</a><a`, 1))
		bea.says("/1", farm)
		bea.says("/2", farm)
		id := w.receive("https://bea.example/1", post)
		w.wantState("unknown", id, store.Quarantined)
		w.decide(w.approve, id)
		w.wantState("approved", id, store.Approved)
		w.entrust("bea.example", store.Trusted)
		w.wantState("trusted", w.receive("https://bea.example/2", post), store.Approved)
	}, approve(site.ApproveNone))
}

// What its source has taken back is not made public by an approval, also when it was rejected
// then; when it comes back the owner can have it.
func TestWhatHasGoneIsNotApproved(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(post, "hi"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.mentions.Reject, id)
		bea.set("/1", answer{status: 410})
		w.receive("https://bea.example/1", post)
		if err := w.approve(t.Context(), "me", id); !errors.Is(err, site.ErrUndecidable) {
			t.Errorf("approved what has gone: got %v", err)
		}
		w.wantState("rejected, and gone", id, store.Rejected)
		bea.says("/1", replyTo(post, "hi again"))
		w.receive("https://bea.example/1", post)
		w.wantState("back, but rejected", id, store.Rejected)
		w.decide(w.approve, id)
		w.wantTexts("approved after all", post, "hi again")
	})
}

// T-WR17: one entry that comes by two sources is one in the conversation; when the first has gone the other takes its place.
func TestTheSameEntryIsOne(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, www := w.host("bea.example"), w.host("www.bea.example")
		body := strings.Replace(replyTo(post, "first"), `<a class="p-author`, `<a class="u-url" href="/1">x</a><a class="p-author`, 1)
		bea.says("/1", body)
		bea.says("/1.html", body)
		www.says("/1", body)
		var ids []string
		for _, source := range []string{"https://bea.example/1", "http://bea.example/1", "https://www.bea.example/1", "https://bea.example/1.html"} {
			ids = append(ids, w.receive(source, post))
		}
		w.decide(w.approve, ids[0])
		w.wantStates("one of four", ids, store.Approved, store.Duplicate, store.Duplicate, store.Duplicate)
		w.wantTexts("one of four", post, "first")
		if s, err := w.talk.Status(t.Context(), ids[1]); err != nil || s.State != store.Approved {
			t.Errorf("the sender of a duplicate is told %+v %v", s, err)
		}
		if err := w.mentions.Replay(t.Context(), ids[1]); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		w.wantState("looked at again", ids[1], store.Duplicate)
		bea.says("/1", "<p>nothing")
		w.receive("https://bea.example/1", post)
		w.wantStates("the first has gone", ids, store.Withdrawn, store.Approved, store.Duplicate, store.Duplicate)
		w.wantTexts("the first has gone", post, "first")
		w.decide(w.mentions.Reject, ids[1])
		w.receive("https://www.bea.example/1", post)
		w.wantTexts("the second is rejected", post)
		bea.says("/1", body)
		w.receive("https://bea.example/1", post)
		w.wantTexts("the first is back", post)
	})
}
