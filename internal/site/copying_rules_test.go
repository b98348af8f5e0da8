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
