package store

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// What becomes of a job after its attempt. Each verb belongs into the transaction that
// records the outcome, and refuses when the job is no longer its owner's.

// mine reads the job as it is now and makes sure that it is still j's owner's.
func (tx *Tx) mine(j Job) (Job, error) {
	now, err := jobs.get(tx, j.ID)
	// Attempts begin anew when a job was enqueued again or unparked, so a lease
	// is told from a later one of the same owner by its end as well.
	if errors.Is(err, fs.ErrNotExist) || err == nil && (now.Owner != j.Owner || now.Attempts != j.Attempts || !now.Until.Equal(j.Until)) {
		return now, fmt.Errorf("%s %s: %w", j.Kind, j.ID, ErrLease)
	}
	now.Owner, now.Until = "", time.Time{}
	return now, err
}

// FinishJob removes a job that is done, or lets it run again if it was enqueued
// anew meanwhile. It belongs into the transaction that records the outcome.
func (tx *Tx) FinishJob(j Job) error {
	now, err := tx.mine(j)
	if err != nil {
		return err
	}
	if now.Again {
		now.Again, now.Attempts, now.Panics, now.Due, now.Error = false, 0, 0, tx.Now, ""
		tx.jobs = true
		return jobs.put(tx, now)
	}
	if err := tx.countJob(now, -1); err != nil {
		return err
	}
	return jobs.delete(tx, j.ID)
}

// RetryJob lets a job wait until due. counted says whether the attempt counts:
// waiting for something is not an attempt.
func (tx *Tx) RetryJob(j Job, due time.Time, cause string, counted bool) error {
	now, err := tx.mine(j)
	if err != nil {
		return err
	}
	now.Due, now.Error = due, cause
	if !counted {
		now.Attempts--
	}
	if now.Again {
		now.Again, now.Due = false, tx.Now
	}
	tx.jobs = true
	return jobs.put(tx, now)
}

// CountPanic notes that an attempt panicked and tells how many have.
func (tx *Tx) CountPanic(j Job) (int, error) {
	now, err := jobs.get(tx, j.ID)
	if err != nil {
		return 0, err
	}
	now.Panics++
	return now.Panics, jobs.put(tx, now)
}

// ParkJob sets a job aside, visible and retryable. One that was enqueued anew
// meanwhile begins anew instead, as one does that is enqueued while it is parked.
func (tx *Tx) ParkJob(j Job, cause string) error {
	now, err := tx.mine(j)
	if err != nil {
		return err
	}
	now.Parked, now.Error = tx.Now, cause
	if now.Again {
		now.Again, now.Parked, now.Attempts, now.Panics, now.Due = false, time.Time{}, 0, 0, tx.Now
		tx.jobs = true
	} else if err := tx.countJob(now, -1); err != nil {
		return err
	}
	return jobs.put(tx, now)
}

// Unpark makes a job due at once, with its attempts forgotten. A job of
// another site is reported as fs.ErrNotExist.
func (tx *Tx) Unpark(id string) error {
	j, err := jobs.get(tx, id)
	if err == nil && j.Site != tx.Site {
		err = fmt.Errorf("job %q: %w", id, fs.ErrNotExist)
	}
	if err != nil || j.Owner != "" {
		return err
	}
	if !j.Parked.IsZero() {
		if err := tx.countJob(j, +1); err != nil {
			return err
		}
	}
	j.Parked, j.Attempts, j.Panics, j.Due = time.Time{}, 0, 0, tx.Now
	tx.jobs = true
	return jobs.put(tx, j)
}
