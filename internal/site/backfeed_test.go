package site_test

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/syndicate"
	"tertulia/micropub"
	"tertulia/store"
)

// bea, bob are people on the network.
func person(name string) syndicate.Author {
	return syndicate.Author{Name: name, Handle: strings.ToLower(name) + "@net.example", URL: "https://net.example/@" + strings.ToLower(name)}
}

func said(id, kind, by, text, parent string) syndicate.Answer {
	a := syndicate.Answer{Type: kind, Author: person(by), HTML: text, Parent: parent, Published: time.Now().Add(-time.Minute)}
	a.Ref = syndicate.Ref{ID: id, URL: a.Author.URL + "/" + id}
	if kind == "like" || kind == "repost" {
		a.Ref = syndicate.Ref{ID: id}
	}
	return a
}

// answered has a network answer to a copy.
func (n *network) answered(copied string, list ...syndicate.Answer) {
	n.set(func() {
		n.answers[copied] = syndicate.Answers{List: list, Complete: []string{"like", "repost", "reply", "mention"}}
	})
}

// out makes a post with a copy.
func (w *world) out(text string) string {
	w.t.Helper()
	post := w.chosen(text, net)
	pass(time.Minute)
	return post
}

func (w *world) waiting() []site.Waiting {
	w.t.Helper()
	list, _, err := w.talk.Waiting(w.t.Context(), "", 100)
	must(w.t, err)
	return list
}

// What is answered to a copy becomes a mention like any other: it waits for the owner, stands in
// its thread, follows edits when it may, and goes when it goes there.
func TestAnswersComeHome(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.out("Hola")
		first, second := said("a1", "reply", "Bea", `<p>Muy <b>bien</b><script>alert(1)</script></p>`, "1"), said("a2", "reply", "Bob", "<p>Sí</p>", "a1")
		n.answered("1", first, second, said("a3", "like", "Bea", "", ""), said("a4", "repost", "Bea", "", ""))
		w.minutely(4 * time.Minute)
		waiting := w.waiting()
		if len(waiting) != 4 {
			t.Fatalf("%d wait, want a reply of each, a like and a repost: %+v", len(waiting), waiting)
		}
		bea := waiting[slices.IndexFunc(waiting, func(m site.Waiting) bool { return m.URL == first.URL })]
		if got := bea; got.HTML != "<p>Muy <b>bien</b></p>" || got.Why != site.WhyPerson || got.Page != post || got.URL != first.URL {
			t.Errorf("the first: %+v", got)
		}
		w.decide(w.approve, bea.ID) // which trusts her
		pass(time.Second)
		if got := len(w.waiting()); got != 1 {
			t.Errorf("%d wait when Bea is trusted, want Bob's alone", got)
		}
		w.decide(w.approve, w.waiting()[0].ID)
		p, err := w.talk.Of(t.Context(), post)
		must(t, err)
		if p.Counts["like"] != 1 || p.Counts["repost"] != 1 || p.Counts["reply"] != 2 {
			t.Errorf("readers see %v", p.Counts)
		}
		w.wantThread("approved", post, "Sí", bea.ID)

		first.HTML = "<p>Muy mal</p>" // Bea is trusted
		second.Author.Name = "Bob"
		n.answered("1", first, second, said("a4", "repost", "Bea", "", ""))
		calls := n.count("poll")
		w.minutely(4 * time.Minute)
		w.wantSorted("edited, and the like taken back", post, "", "Muy mal", "Sí")
		if got := n.count("poll") - calls; got != 2 {
			t.Errorf("it was asked %d times in four minutes, want 2", got)
		}

		n.set(func() { n.look["a1"] = fs.ErrNotExist })
		n.answered("1") // hidden: one has gone, the other has not
		w.minutely(4 * time.Minute)
		w.wantSorted("one is deleted, the other hidden with it", post, "Sí")
		if got := n.count("look"); got != 2 {
			t.Errorf("%d were looked up, want both once", got)
		}
		n.set(func() { delete(n.look, "a1") })
		n.answered("1", first, second)
		w.minutely(4 * time.Minute)
		w.wantSorted("there again", post, "Muy mal", "Sí")
	}, n.on(net))
}

// wantThread fails unless a response stands below another.
func (w *world) wantThread(when, post, text, parent string) {
	w.t.Helper()
	p, err := w.talk.Of(w.t.Context(), post)
	must(w.t, err)
	for _, r := range p.Responses {
		if r.Text == text && r.Parent == parent {
			return
		}
	}
	w.t.Errorf("%s: %q does not stand below %s: %+v", when, text, parent, p.Responses)
}

// A changed text of somebody who is not trusted waits; what the owner has rejected, muted, blocked
// or erased stays so, however often it is heard.
func TestAnswersUnderTheSameRules(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		post := w.out("Hola")
		n.answered("1", said("a1", "reply", "Bea", "one", "1"), said("a2", "reply", "Bob", "spam", "1"), said("a3", "reply", "Eve", "x", "1"))
		w.minutely(4 * time.Minute)
		for _, m := range w.waiting() {
			switch m.Author.Name {
			case "Bea":
				w.decide(w.approve, m.ID)
				must(t, w.mentions.UndoPerson(ctx, "me", "https://net.example/@bea"))
				w.decide(w.approve, m.ID)
			case "Bob":
				w.decide(w.mentions.Reject, m.ID)
			case "Eve":
				w.decide(w.mentions.Delete, m.ID)
			}
		}
		_, err := w.mentions.Decide(ctx, "me", "@mal@net.example", store.Blocked)
		must(t, err)
		_, err = w.mentions.Decide(ctx, "me", "https://net.example/@bea", store.Unknown)
		must(t, err)
		n.answered("1", said("a1", "reply", "Bea", "two", "1"), said("a2", "reply", "Bob", "spam spam", "1"), said("a3", "reply", "Eve", "y", "1"), said("a5", "reply", "Mal", "z", "1"))
		w.minutely(6 * time.Minute)
		w.restart()
		w.minutely(20 * time.Minute)
		for _, m := range w.waiting() {
			if m.Author.Name != "Bea" || m.Text != "two" {
				t.Errorf("waits: %s %q", m.Author.Name, m.Text)
			}
		}
		w.wantSorted("readers keep what was approved", post, "one")
	}, n.on(net))
}

// TRAPS T-PR, HOSTILE 36: somebody's own server says where their profile is, and is believed of
// itself alone.
func TestNobodyIsSomebodyElseOnANetwork(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		_, err := w.mentions.Decide(t.Context(), "me", "https://ana.example/", store.Trusted)
		must(t, err)
		post := w.out("Hola")
		liar := said("a1", "reply", "Ana", "believe me", "1")
		liar.Author.URL, liar.Author.Handle, liar.Ref.URL = "https://ana.example/", "ana@evil.example", "https://evil.example/1"
		n.answered("1", liar)
		w.minutely(4 * time.Minute)
		w.wantSorted("of a liar", post)
		if waiting := w.waiting(); len(waiting) != 1 {
			t.Errorf("waiting: %+v", waiting)
		}
	}, n.on(net))
}

// What people on a network do with a copy is shown of them as the owner has set the dial.
func TestAnswersAreVeiledAsTheDialSays(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.out("Hola")
		like := said("a1", "like", "Bea", "", "")
		like.Author.Name = "Bea Díaz"
		n.answered("1", like)
		w.minutely(4 * time.Minute)
		p, err := w.talk.Of(t.Context(), post)
		must(t, err)
		if len(p.Responses) != 1 || p.Responses[0].Author.Name != "Bea" || p.Responses[0].Author.URL != "" || p.Responses[0].Source != "" {
			t.Errorf("readers see %+v", p.Responses)
		}
	}, n.on(net), approve(site.ApproveNone))
}

// Bridgy's Webmention for an answer and ours are one entry, whichever comes first.
func TestABridgesAnswerAndOursAreOne(t *testing.T) {
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprint(first), func(t *testing.T) {
			n := newNetwork(syndicate.Header)
			n.at = "https://mastodon.social/"
			inWorld(t, func(t *testing.T, w *world) {
				post := w.out("Hola")
				reply := said("a1", "reply", "Bea", "Sí", "1")
				reply.Author.URL, reply.Author.Handle = "https://mastodon.social/@bea", "bea@mastodon.social"
				reply.URL = "https://mastodon.social/@bea/1"
				like := said("a2", "like", "Bea", "", "1")
				like.Author, like.URL = reply.Author, "https://mastodon.social/@me/1#favorited-by-7"
				bridgy := func() {
					w.host("brid.gy").says("/comment/1", fmt.Sprintf(`<div class="h-entry"><a class="u-url" href="%s">x</a><a class="u-in-reply-to" href="%s">y</a>
						<a class="p-author h-card" href="https://mastodon.social/@bea">Bea</a><div class="e-content">Sí</div></div>`, reply.URL, post))
					w.host("brid.gy").says("/like/1", fmt.Sprintf(`<div class="h-entry"><a class="u-url" href="https://mastodon.social/@me/1#favorited-by-99">x</a><a class="u-like-of" href="%s">y</a>
						<a class="p-author h-card" href="https://mastodon.social/@bea">Bea</a></div>`, post))
					w.receive("https://brid.gy/comment/1", post)
					w.receive("https://brid.gy/like/1", post)
				}
				if first {
					bridgy()
				}
				n.answered("1", reply, like)
				w.minutely(4 * time.Minute)
				if !first {
					bridgy()
				}
				p, err := w.talk.Of(t.Context(), post)
				must(t, err)
				if len(p.Responses) != 2 || p.Counts["reply"] != 1 || p.Counts["like"] != 1 {
					t.Errorf("readers see %v: %+v", p.Counts, p.Responses)
				}
			}, n.on(net), approve(site.ApproveNone))
		})
	}
}

// A post that answers somebody on a network is an answer there, without being asked for; so are
// likes and reposts. What the account says there itself is the owner's, but its copies are not.
func TestAnsweringBack(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		must(t, w.networks().Connect(t.Context(), "me", net, "a password"))
		post := w.out("Hola")
		question := said("a1", "reply", "Bea", "¿Y tú?", "1")
		n.answered("1", question)
		w.minutely(4 * time.Minute)
		w.create(entry("content", "Yo también", "in-reply-to", question.URL))
		w.create(entry("like-of", question.URL))
		w.create(entry("content", "Y más", "in-reply-to", "https://net.example/@me/1"))
		w.create(entry("content", "No es de aquí", "in-reply-to", "https://elsewhere.example/1"))
		pass(time.Minute)
		there := n.there()
		if len(there) != 4 {
			t.Fatalf("%d posts are on the network, want the copy, two replies and a like", len(there))
		}
		for i, want := range []string{"", "a1", "a1", "1"} {
			if got := there[i].replyTo.ID; got != want {
				t.Errorf("%q answers %q, want %q", there[i].text, got, want)
			}
		}
		mine := said("2", "reply", "Me", "Yo también", "a1") // the copy itself, as the thread has it
		mine.URL = "https://net.example/@me/2"
		byHand := said("a9", "reply", "Me", "escrito allí", "a1")
		byHand.URL = "https://net.example/@me/a9"
		n.answered("1", question, mine, byHand)
		w.minutely(4 * time.Minute)
		w.wantSorted("what the owner has written there", post, "escrito allí")
		p, err := w.talk.Of(t.Context(), post)
		must(t, err)
		if r := p.Responses[0]; r.Author.URL != "https://me.example/" || r.Author.Name != "Me" {
			t.Errorf("it is by %+v, want the owner", r.Author)
		}
	}, n.on(net), withSecret)
}

// TRAPS T-PO04: a reaction to what the network does not know is nothing there; an answer that was
// asked for there is a post like any other.
func TestAReactionToSomethingElsewhere(t *testing.T) {
	n := newNetwork(syndicate.Look)
	n.knows["https://remote.example/1"] = syndicate.Ref{ID: "r1", URL: "https://remote.example/1"}
	inWorld(t, func(t *testing.T, w *world) {
		create := func(pairs ...any) string {
			made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry(pairs...), Digest: newDigest(), Commands: map[string][]any{"mp-syndicate-to": {net}}})
			must(t, err)
			pass(time.Minute)
			return made.URL
		}
		like := create("like-of", "https://blog.example/1")
		w.wantCopy("a like", like, net, store.CopyRefused, n)
		reply := create("content", "Sí", "in-reply-to", "https://blog.example/1")
		w.wantCopy("a reply", reply, net, store.CopyPublished, n, "Sí")
		create("content", "No", "in-reply-to", "https://remote.example/1")
		if got := n.there()[1].replyTo.ID; got != "r1" {
			t.Errorf("it answers %q, want what the network has found", got)
		}
	}, n.on(net))
}

// A death between two steps of a poll loses no answer and doubles none.
func TestADeathWhileAnswersComeHome(t *testing.T) {
	for _, after := range []bool{false, true} {
		for n := 1; n <= 8; n++ {
			t.Run(fmt.Sprint(n, after), func(t *testing.T) {
				there := newNetwork(syndicate.Header)
				inWorld(t, func(t *testing.T, w *world) {
					post := w.out("Hola")
					var list []syndicate.Answer
					for i := range 250 {
						list = append(list, said(fmt.Sprint("a", i), "reply", fmt.Sprint("P", i), "x", "1"))
					}
					there.answered("1", list...)
					w.stop()
					stopped := make(chan struct{}, 1)
					w.runner.Handlers = dieAt(w.runner.Handlers, n, after, stopped)
					w.start()
					w.minutely(5 * time.Minute)
					w.restart()
					w.minutely(10 * time.Minute)
					if p, err := w.talk.Of(t.Context(), post); err != nil || p.Counts["reply"] != 250 {
						t.Errorf("readers see %v, %v", p.Counts, err)
					}
				}, there.on(net), approve(site.ApproveNone))
			})
		}
	}
}

// wantSorted is wantTexts, in the order of the alphabet: what comes at once has no other.
func (w *world) wantSorted(when, address string, want ...string) {
	w.t.Helper()
	got := w.texts(address)
	slices.Sort(got)
	if strings.Join(got, "|") != strings.Join(want, "|") {
		w.t.Errorf("%s: readers see %q, want %q", when, got, want)
	}
}

// What the owner answers on the network itself is an answer: whatever comes first, what it answers
// is unanswered no more, and is again when it has gone there.
func TestOwnAnswersThereAreAnswers(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.out("Hola")
		ask, mine := said("a1", "reply", "Bea", "Why?", "1"), said("o1", "reply", "me", "Because.", "a1")
		late, mineToo := said("a2", "reply", "Bob", "When?", "1"), said("o2", "reply", "me", "Today.", "a2")
		n.answered("1", ask, late)
		w.minutely(4 * time.Minute)
		bob := ""
		for _, m := range w.waiting() {
			if m.Author.Name == "Bea" {
				w.decide(w.approve, m.ID)
			} else {
				bob = m.ID
			}
		}
		w.wantOpen("Bea is shown", "Why?")
		n.answered("1", ask, late, mine, mineToo)
		w.minutely(4 * time.Minute)
		w.wantOpen("it is answered there")
		w.wantThread("answered there", post, "Because.", w.responseID(post, "Why?"))
		if len(w.waiting()) != 1 {
			t.Errorf("what we say ourselves waits: %+v", w.waiting())
		}
		w.decide(w.approve, bob)
		w.wantOpen("it was answered before it was shown")
		n.set(func() { n.look["o1"] = fs.ErrNotExist })
		n.answered("1", ask, late, mineToo)
		w.minutely(10 * time.Minute)
		w.wantOpen("our answer has gone there", "Why?")
		people := &site.People{Site: w.site, DB: w.db, Inbox: &site.Inbox{Site: w.site, DB: w.db, Mentions: w.mentions}}
		heard, _, err := people.Heard(t.Context(), "")
		must(t, err)
		for _, p := range heard {
			if p.Name != "Bea" && p.Name != "Bob" {
				t.Errorf("%q is among the people who talk here: %+v", p.Name, p)
			}
		}
	}, n.on(net))
}

// responseID is the id of the response to a post that says something.
func (w *world) responseID(post, text string) string {
	w.t.Helper()
	p, err := w.talk.Of(w.t.Context(), post)
	must(w.t, err)
	for _, r := range p.Responses {
		if r.Text == text {
			return r.ID
		}
	}
	return ""
}
