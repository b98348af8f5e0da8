package store

import (
	"time"

	"tertulia/internal/failpoint"
)

// Taker works on jobs. It is asked for a place in the transaction in which a job
// is claimed, or in the very one that promises it: then no claim is needed.
type Taker struct {
	Owner string
	Lease func(kind string) time.Duration // how long a job of a kind is its own
	// Take keeps a place for a job of a lane ("" for one of our own), if there is one now.
	// Full tells that there is none for any. They are asked inside the transaction, and
	// must not wait.
	Take func(lane string) bool
	Full func() bool
	// Last tells when a lane last had a place; zero when it is not known. Lanes are served
	// in the order in which they began to wait for the next. nil: it is never known.
	Last func(lane string) time.Time
	// Start is called when a job is on disk and leased: it has the place that was kept.
	// GiveBack frees one that is not needed after all.
	Start    func(Job)
	GiveBack func(lane string)
}

// TakeJobs has a taker asked from now on whenever a job is promised that is due; nil: nobody.
func (db *DB) TakeJobs(t *Taker) { db.taker.Store(t) }

func (t *Taker) last(lane string) time.Time {
	if t.Last == nil {
		return time.Time{}
	}
	return t.Last(lane)
}

// place keeps a place for a job of a lane.
func (tx *Tx) place(lane string) bool {
	if !tx.taker.Take(lane) {
		return false
	}
	tx.places = append(tx.places, lane)
	return true
}

// lease gives a job to the taker, which has a place for it, and counts the attempt before
// the work begins.
func (tx *Tx) lease(j *Job) {
	j.Attempts++
	j.Owner, j.Until = tx.taker.Owner, tx.Now.Add(tx.taker.Lease(j.Kind))
	tx.taken = append(tx.taken, *j)
}

// takes leases a new job that is due at once, if somebody is free to work on it.
func (tx *Tx) takes(j *Job) bool {
	if failpoint.On("store.answer-early") { // the mutant would have it run before it is there
		return false
	}
	if tx.taker == nil || j.Due.After(tx.Now) || paused(tx.r) || !tx.place(j.CurrentLane()) {
		return false
	}
	tx.lease(j)
	return true
}

// giveBack frees the places of a transaction that came to nothing.
func (tx *Tx) giveBack() {
	if tx == nil {
		return
	}
	for _, lane := range tx.places {
		tx.taker.GiveBack(lane)
	}
	tx.places = nil
}
