package site_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/syndicate"
	"tertulia/micropub"
	"tertulia/store"
)

const net = "net:me@net.example"

// chosen makes a post for which copies were asked for.
func (w *world) chosen(text string, uids ...any) string {
	w.t.Helper()
	made, err := w.posts.Create(w.t.Context(), editor, micropub.Create{
		Item: entry("content", text), Digest: newDigest(), Commands: map[string][]any{"mp-syndicate-to": uids},
	})
	must(w.t, err)
	return made.URL
}

func saying(text string) micropub.Update {
	return micropub.Update{Replace: map[string][]any{"content": {text}}}
}

// TRAPS T-PO03, HOSTILE 105: the copy follows the original, whose page says where it is; nobody
// is told of that anew.
func TestACopyFollowsItsPost(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		ana := w.inbox("ana.example")
		post := w.chosen("Hola https://ana.example/", net)
		pass(time.Minute)
		w.wantCopy("published", post, net, store.CopyPublished, n, "Hola https://ana.example/")
		w.wantCopies("published", post, "https://net.example/@me/1")
		if got := len(ana.heard()); got != 1 {
			t.Errorf("others were told %d times, want once", got)
		}
		w.writeBack(post, "https://elsewhere.example/1")
		pass(time.Minute)
		if n.count("update") != 0 {
			t.Error("a write-back is no news on the network")
		}
		w.update(post, saying("Adiós https://ana.example/"))
		pass(time.Minute)
		w.wantCopy("updated", post, net, store.CopyPublished, n, "Adiós https://ana.example/")
		w.remove(post)
		pass(time.Minute)
		w.wantCopy("deleted", post, net, store.CopyDeleted, n)
		_, err := w.posts.Undelete(t.Context(), editor, post)
		must(t, err)
		pass(time.Minute)
		w.wantCopy("undeleted", post, net, store.CopyPublished, n, "Adiós https://ana.example/")
		w.wantCopies("undeleted", post, "https://elsewhere.example/1", "https://net.example/@me/2")
	}, n.on(net))
}

// HOSTILE F8, F6: whenever the program dies, and whatever the network can tell, there is one copy;
// where it can tell nothing there are no two, and the owner is asked.
func TestADeathAtAnyStepDoublesNoCopy(t *testing.T) {
	for _, kind := range []syndicate.Idempotency{syndicate.NaturalKey, syndicate.Header, syndicate.Look, syndicate.None} {
		for _, after := range []bool{false, true} {
			for n := 1; ; n++ {
				crashed := false
				t.Run(fmt.Sprintf("%s %d after work %t", kind, n, after), func(t *testing.T) {
					there := newNetwork(kind)
					inWorld(t, func(t *testing.T, w *world) {
						pass(time.Second)
						w.stop()
						stopped := make(chan struct{}, 1)
						w.runner.Handlers = dieAt(w.runner.Handlers, n, after, stopped)
						w.start()
						post := w.chosen("Hola", net)
						pass(5 * time.Second)
						select {
						case <-stopped:
							crashed = true
							w.restart()
						default:
						}
						pass(10 * time.Minute)
						if c := w.copyOf(post, net); c.State == store.CopyUnclear && kind == syndicate.None {
							if c.Begun.IsZero() || len(there.there()) > 1 {
								t.Errorf("unclear: %+v, %d on the network", c, len(there.there()))
							}
							return
						}
						w.wantCopy("in the end", post, net, store.CopyPublished, there, "Hola")
						w.wantCopies("in the end", post, "https://net.example/@me/1")
						if jobs := w.jobList(); len(jobs) > 0 {
							t.Errorf("left: %+v", jobs)
						}
					}, there.on(net))
				})
				if !crashed {
					if n < 6 {
						t.Errorf("the story has only %d steps", n-1)
					}
					break
				}
			}
		}
	}
}

// HOSTILE F8: the network takes the post, and the connection is cut before it says so.
func TestACutConnectionDoublesNoCopy(t *testing.T) {
	for _, kind := range []syndicate.Idempotency{syndicate.NaturalKey, syndicate.Header, syndicate.Look, syndicate.None} {
		for _, taken := range []bool{true, false} {
			t.Run(fmt.Sprint(kind, taken), func(t *testing.T) {
				there := newNetwork(kind)
				once := true
				fail := func(doing string) error {
					if doing != "publish" || !once {
						return nil
					}
					once = false
					return netCut
				}
				if there.fails = fail; taken {
					there.fails, there.cuts = nil, fail
				}
				inWorld(t, func(t *testing.T, w *world) {
					post := w.chosen("Hola", net)
					pass(10 * time.Minute)
					if kind == syndicate.None {
						if c := w.copyOf(post, net); c.State != store.CopyUnclear {
							t.Errorf("got %s, want the owner asked", c.State)
						}
						if taken {
							must(t, w.networks().Found(t.Context(), post, net, "https://net.example/@me/1"))
						} else {
							must(t, w.networks().Retry(t.Context(), post, net))
						}
						pass(time.Minute)
					}
					w.wantCopy("in the end", post, net, store.CopyPublished, there, "Hola")
					w.wantCopies("in the end", post, "https://net.example/@me/1")
				}, there.on(net), func(s *site.Site) {
					there.knows["https://net.example/@me/1"] = syndicate.Ref{ID: "1", URL: "https://net.example/@me/1"}
				})
			})
		}
	}
}

// HOSTILE F8, 104: a network that is down for days gets the copy when it is back, and is not asked
// all the while; what others get does not wait.
func TestAnOutageCostsNothing(t *testing.T) {
	down, up := newNetwork(syndicate.Header), newNetwork(syndicate.Look)
	up.at = "https://up.example/"
	down.fails = func(string) error { return netDown }
	inWorld(t, func(t *testing.T, w *world) {
		var posts []string
		for i := range 20 {
			posts = append(posts, w.chosen(fmt.Sprintf("Post %d", i), net, "up"))
		}
		pass(time.Minute)
		if got := len(up.there()); got != 20 {
			t.Errorf("the other network has %d copies after a minute, want all", got)
		}
		pass(3 * 24 * time.Hour)
		if got := down.count(""); got > 3*24*4+20 {
			t.Errorf("it was asked %d times in three days: that is hammering", got)
		}
		w.restart()
		down.set(func() { down.fails = nil })
		pass(7 * time.Hour)
		if got := len(down.there()); got != 20 {
			t.Errorf("%d copies are there when it is back, want all", got)
		}
		w.wantCopies("in the end", posts[0], "https://up.example/@me/1", w.copyOf(posts[0], net).Ref.URL)
	}, down.on(net), up.on("up"))
}

// After seven days a copy is parked, and its owner can have it tried again.
func TestACopyIsGivenUpAfterSevenDays(t *testing.T) {
	n := newNetwork(syndicate.Header)
	n.fails = func(string) error { return netDown }
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola", net)
		pass(6 * 24 * time.Hour)
		w.wantCopy("after six days", post, net, store.CopyWaiting, n)
		pass(2 * 24 * time.Hour)
		w.wantCopy("after eight", post, net, store.CopyParked, n)
		if jobs := w.jobList(); len(jobs) != 1 || jobs[0].Parked.IsZero() || !strings.Contains(jobs[0].Error, "seven days") {
			t.Errorf("left: %+v, want it parked", jobs)
		}
		other := w.chosen("Adiós", net)
		pass(8 * 24 * time.Hour)
		must(t, w.networks().Leave(t.Context(), other, net))
		n.set(func() { n.fails = nil })
		must(t, w.networks().Retry(t.Context(), post, net))
		pass(time.Minute)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("left: %+v", jobs)
		}
		w.wantCopy("after a retry", post, net, store.CopyPublished, n, "Hola")
	}, n.on(net))
}

// HOSTILE 104: a network that wants to be left alone for an hour is.
func TestRetryAfterHoldsForTheWholeAccount(t *testing.T) {
	n := newNetwork(syndicate.Header)
	n.fails = func(string) error { return &syndicate.Error{Doing: "publish", Status: 429, After: time.Hour} }
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 10 {
			w.chosen(fmt.Sprint(i), net)
		}
		pass(59 * time.Minute)
		if got := n.count(""); got != 1 {
			t.Errorf("it was asked %d times in its hour, want once", got)
		}
		n.set(func() { n.fails = nil })
		pass(2 * time.Hour)
		if got := len(n.there()); got != 10 {
			t.Errorf("%d copies are there, want all", got)
		}
	}, n.on(net))
}

// TRAPS T-PO05, HOSTILE 104: who is locked out is told, and knocks no more; what waited goes on
// when the account is connected anew.
func TestALockedOutAccountIsNotHammered(t *testing.T) {
	n := newNetwork(syndicate.Header)
	n.fails = func(string) error { return netClosed }
	inWorld(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		must(t, w.networks().Connect(ctx, "me", net, "the first password"))
		var posts []string
		for i := range 10 {
			posts = append(posts, w.chosen(fmt.Sprint(i), net))
		}
		pass(time.Minute)
		w.restart()
		must(t, w.jobs.Begin(ctx, w.site))
		w.minutely(2 * time.Hour)
		if got := n.count(""); got != 1 {
			t.Errorf("it was asked %d times, want once", got)
		}
		c := w.copyOf(posts[9], net)
		if c.State != store.CopyParked || !strings.Contains(c.Note, "connect") {
			t.Errorf("got %+v, want it parked with a message", c)
		}
		if accounts, err := w.networks().Accounts(ctx); err != nil || accounts[0].Stands != site.AccountRefused || accounts[0].Waiting != 10 {
			t.Errorf("the owner sees %+v %v", accounts, err)
		}
		n.set(func() { n.fails = nil })
		must(t, w.networks().Connect(ctx, "me", net, "the second password"))
		pass(time.Minute)
		if got := len(n.there()); got != 10 {
			t.Errorf("%d copies are there, want all", got)
		}
		for _, j := range w.jobList() {
			t.Errorf("left: %+v", j)
		}
	}, n.on(net), withSecret)
}

// withSecret makes the account one that is connected.
func withSecret(s *site.Site) { s.Accounts[0].Way = site.WaySecret }

// A network that refuses a text is not asked about it again, until there is another.
func TestARefusedCopyWaitsForAnotherText(t *testing.T) {
	n := newNetwork(syndicate.Look)
	n.fails = func(string) error { return &syndicate.Error{Doing: "publish", Status: 422, Refused: true} }
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("bad", net)
		pass(24 * time.Hour)
		w.wantCopy("refused", post, net, store.CopyRefused, n)
		if got := n.count(""); got != 1 {
			t.Errorf("it was asked %d times", got)
		}
		n.set(func() { n.fails = nil })
		w.update(post, saying("good"))
		pass(time.Minute)
		w.wantCopy("another text", post, net, store.CopyPublished, n, "good")
	}, n.on(net))
}

// What somebody has taken away on the network stays away.
func TestACopyThatWasTakenAwayThereIsNotMadeAgain(t *testing.T) {
	n := newNetwork(syndicate.NaturalKey)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("one", net)
		pass(time.Minute)
		n.set(func() { n.posts[0].gone = true })
		w.update(post, saying("two"))
		pass(time.Minute)
		w.update(post, saying("three"))
		pass(time.Minute)
		w.wantCopy("taken away", post, net, store.CopyGone, n)
	}, n.on(net))
}

// A thousand copies to five networks, of which one takes ten seconds to say nothing for an hour: the
// others have theirs as soon as they would without it, and it has them when it is back.
func TestOneNetworkThatIsDownDelaysNoOther(t *testing.T) {
	const posts = 200
	var networks []*network
	var settings []func(*site.Site)
	var uids []any
	for i := range 5 {
		n := newNetwork(syndicate.Look)
		n.at, n.can.Poll = fmt.Sprintf("https://net%d.example/", i), false
		n.takes = 100 * time.Millisecond
		networks, settings, uids = append(networks, n), append(settings, n.on(n.at)), append(uids, n.at)
	}
	down := networks[4]
	down.takes = 10 * time.Second
	down.fails = func(string) error { return netDown }
	inWorld(t, func(t *testing.T, w *world) {
		began := time.Now()
		for i := range posts {
			w.chosen(fmt.Sprint("Post ", i), uids...)
		}
		all := func(n *network) time.Duration {
			for len(n.there()) < posts {
				if time.Since(began) > 6*time.Hour {
					t.Fatalf("%s has %d copies, want %d", n.at, len(n.there()), posts)
				}
				pass(time.Second)
			}
			return time.Since(began).Round(time.Second)
		}
		for _, n := range networks[:4] {
			took := all(n)
			if took > 30*time.Second { // 200 calls of a tenth of a second
				t.Errorf("%s has all its copies after %s", n.at, took)
			}
			t.Logf("%s: %d copies after %s", n.at, posts, took)
		}
		pass(time.Hour - time.Since(began))
		asked := down.count("")
		down.set(func() { down.fails, down.takes = nil, 100*time.Millisecond })
		took := all(down)
		if asked > 12 || took > 100*time.Minute {
			t.Errorf("it was asked %d times in its hour, and has all after %s", asked, took)
		}
		t.Logf("%s, down for an hour and asked %d times in it: %d copies after %s", down.at, asked, posts, took)
	}, settings...)
}
