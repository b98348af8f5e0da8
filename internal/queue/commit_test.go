package queue_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// DESIGN section 2, rule 1: the outcome, the follow-ups and the removal are one.
func TestCommitThatFailsIsRetriedAndKeepsNothing(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		var tries atomic.Int32
		work := func(context.Context, store.Job) (queue.Commit, error) {
			return func(tx *store.Tx) error {
				m, _ := tx.Media("outcome") // absent at first: zero
				m.Name, m.Size = "outcome", m.Size+1
				if err := errors.Join(tx.PutMedia(m), tx.Enqueue(store.Job{Kind: "next", Key: "k"})); err != nil {
					return err
				}
				if tries.Add(1) < 3 {
					return errBusy
				}
				return nil
			}, nil
		}
		next := &script{}
		h.start(queue.Runner{Handlers: map[string]queue.Handler{"first": work, "next": next.handle}})
		h.enqueue("first", "k")
		synctest.Wait()
		if j := h.only(); j.Kind != "first" || j.Attempts != 1 || j.Error != "busy" || j.Owner != "" {
			t.Errorf("after the first attempt: %+v, want it waiting with the error", j)
		}
		pass(24 * time.Hour)
		if js := h.jobs(); len(js) != 0 || len(next.at) != 1 {
			t.Errorf("in the end: jobs %+v, the follow-up ran %d times", js, len(next.at))
		}
		if err := h.db.View(t.Context(), site, func(tx *store.Tx) error {
			m, err := tx.Media("outcome")
			if m.Size != 1 {
				t.Errorf("the outcome was written %d times, want once", m.Size)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

// With an error, the commit is applied all the same: an attempt may leave a note.
func TestCommitIsAppliedBesideAnError(t *testing.T) {
	bubble(t, store.Options{}, func(t *testing.T, h *house) {
		h.start(queue.Runner{Handlers: map[string]queue.Handler{"verify": func(context.Context, store.Job) (queue.Commit, error) {
			return func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: "note"}) }, queue.Permanent(errBusy)
		}}})
		h.enqueue("verify", "k")
		synctest.Wait()
		if j := h.only(); j.Parked.IsZero() {
			t.Errorf("got %+v, want it parked", j)
		}
		if err := h.db.View(t.Context(), site, func(tx *store.Tx) error { _, err := tx.Media("note"); return err }); err != nil {
			t.Error(err)
		}
	})
}
