package site_test

import (
	"cmp"
	"testing"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/micropub"
	"tertulia/store"
)

// A network that tells copies apart by the date of their posts is told the same one at every
// attempt, although the owner has changed the post's meanwhile (TRAPS T-PO01).
func TestTheDateOfACopyIsTheSameAtEveryAttempt(t *testing.T) {
	n := newNetwork(syndicate.NaturalKey)
	n.dated = true
	n.cuts = func(string) error { return netCut }
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola", net)
		pass(time.Second)
		w.update(post, micropub.Update{Replace: map[string][]any{"published": {"2020-01-01T00:00:00Z"}}})
		n.set(func() { n.cuts = nil })
		pass(time.Hour)
		w.wantCopy("in the end", post, net, store.CopyPublished, n, "Hola")
	}, n.on(net))
}

// A text that is prepared once more after a restore goes to nobody but its owner.
func TestAPreparedTextIsPreparedAgainAfterARestore(t *testing.T) {
	n := newNetwork(syndicate.Look)
	n.at = "https://x.example/"
	inWorld(t, func(t *testing.T, w *world) {
		w.site.Accounts[0].ByHand, w.site.Accounts[0].Kind, w.site.Accounts[0].Open = true, "x", nil
		post := w.chosen("Hola", net)
		pass(time.Minute)
		must(t, w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			c, err := tx.Copy(post, net)
			c.State, c.Begun = store.CopyParked, c.Since // as a restore leaves it
			return cmp.Or(err, tx.PutCopy(c))
		}))
		must(t, w.networks().Retry(t.Context(), post, net))
		pass(time.Minute)
		w.wantCopy("again", post, net, store.CopyPrepared, n)
	}, n.on(net))
}

// A copy that somebody has taken away on its network is nowhere: the post does not lead to it.
func TestAPostLeadsToNoCopyThatHasGone(t *testing.T) {
	n := newNetwork(syndicate.Look)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola", net)
		pass(time.Minute)
		w.wantCopies("published", post, "https://net.example/@me/1")
		away := func(gone bool) { n.set(func() { n.posts[0].gone = gone }) }
		away(true)
		w.minutely(10 * time.Minute)
		away(false) // its server was being mended
		w.minutely(2 * time.Hour)
		w.wantCopies("back", post, "https://net.example/@me/1")
		away(true)
		w.minutely(3 * time.Hour)
		w.wantCopy("taken away there", post, net, store.CopyGone, n)
		w.wantCopies("taken away there", post)
		w.update(post, saying("Adiós"))
		pass(time.Minute)
		w.wantCopy("after an edit", post, net, store.CopyGone, n)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("left: %+v", jobs)
		}
	}, n.on(net))
}

// A copy that somebody has taken away goes with a post that goes as well.
func TestACopyThatHasGoneHoldsNoDeletedPost(t *testing.T) {
	n := newNetwork(syndicate.Look)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola", net)
		pass(time.Minute)
		n.set(func() { n.posts[0].gone = true })
		w.stop()
		w.remove(post)
		must(t, w.jobs.NoticeAnswers(t.Context()))
		w.start()
		w.minutely(3 * time.Hour)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("left: %+v", jobs)
		}
	}, n.on(net))
}

// An account that is chosen later, by an update, has its copy.
func TestAnAccountChosenLater(t *testing.T) {
	n := newNetwork(syndicate.Look)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola")
		pass(time.Minute)
		w.update(post, micropub.Update{Commands: map[string][]any{"mp-syndicate-to": {net}}})
		pass(time.Minute)
		w.wantCopy("chosen later", post, net, store.CopyPublished, n, "Hola")
	}, n.on(net))
}
