// Package queue runs the durable jobs that store keeps.
//
//	r := queue.Runner{DB: db, Handlers: map[string]queue.Handler{"verify": verify}}
//	err := r.Run(ctx)
//
// A handler does its work on the network first and returns a [Commit]; the runner
// applies it and removes the job in one transaction. A job that was interrupted
// simply runs again, so a handler is idempotent. DESIGN section 2, rule 1.
package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/store"
)

// Handler does the work of one job outside any transaction. Its Commit, which may
// be nil, is applied whether or not there is an error: with nil the job is done,
// with an error it is retried, waits ([After], [Retry]) or is parked ([Permanent]). ctx ends
// before the lease does.
type Handler func(ctx context.Context, job store.Job) (Commit, error)

// Commit writes the outcome of a job. Follow-up jobs are enqueued in it.
type Commit func(*store.Tx) error

// Runner runs jobs until it is stopped. Its fields are set before Run.
type Runner struct {
	DB       *store.DB
	Handlers map[string]Handler

	Workers     int                             // jobs at once; 0 means 64
	Reserved    int                             // of them, those that strangers' hosts leave free for jobs without a lane; 0 means 8
	Lease       time.Duration                   // 0 means two minutes
	Leases      map[string]time.Duration        // of kinds of jobs that take longer
	MaxAttempts int                             // 0 means 30: with the default waits, the shortest that chance gives, more than 72 hours
	Wait        func(attempt int) time.Duration // before the next attempt; nil means [Backoff]
	Busy        func(lane string) bool          // lanes that are to be left alone for now; may be nil
	Beat        func()                          // called each time it looks for jobs: once a minute at least; may be nil
	Log         *slog.Logger
}

// maxPanics parks a job whose handler panicked so often, or that ran when the
// process died so often: it must not take the others with it.
const maxPanics = 3

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent marks an error that another attempt cannot mend: the job is parked.
func Permanent(err error) error { return permanentError{err} }

type afterError struct {
	error
	wait    time.Duration
	counted bool
}

func (e afterError) Unwrap() error { return e.error }

// After says that a job has to wait for something else. That is not an attempt.
func After(wait time.Duration, err error) error { return afterError{err, wait, false} }

// Retry says when to try again, because the other side did.
func Retry(wait time.Duration, err error) error { return afterError{err, wait, true} }

// Backoff is the wait before the next attempt: half a minute that becomes four
// times as much with each, six hours at most, and up to half of it taken off by
// chance so that jobs that failed together do not come back together.
func Backoff(attempt int) time.Duration {
	const most = 6 * time.Hour
	wait := 30 * time.Second
	for range attempt - 1 {
		if wait *= 4; wait >= most {
			wait = most
			break
		}
	}
	return wait/2 + rand.N(wait/2)
}

// Run works until ctx is done, then waits for what is under way. Jobs that a
// process before us had claimed become due at once.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.DB.Release(ctx); err != nil {
		if ctx.Err() != nil {
			return nil // stopped before it began
		}
		return err
	}
	busy := &underway{Runner: r, lanes: map[string]bool{}, ended: make(chan struct{}, 1)}
	taker := &store.Taker{
		Owner: store.NewID(time.Now()), Lease: r.lease, Take: busy.take, Full: busy.full, GiveBack: busy.giveBack, Last: busy.last,
		Start: func(job store.Job) {
			go func() {
				defer busy.giveBack(job.CurrentLane())
				failpoint.Hit("job.claimed")
				r.work(ctx, job)
			}()
		},
	}
	r.DB.TakeJobs(taker)
	defer busy.drain()
	defer r.DB.TakeJobs(nil)
	for ctx.Err() == nil {
		if r.Beat != nil {
			r.Beat()
		}
		n, err := r.DB.Claim(ctx, taker)
		if err != nil && ctx.Err() == nil {
			r.log().Error("jobs cannot be claimed", "error", err)
		}
		if n == 0 {
			r.rest(ctx, busy, err)
		}
	}
	return nil
}

// rest waits until something may have to be done. What is due is judged by the store's
// clock, as it is when jobs are claimed. What is due already and was not claimed waits
// for room, which comes when a job ends, or when a lane is not busy any more.
func (r *Runner) rest(ctx context.Context, busy *underway, failed error) {
	wait := time.Minute
	if next, ok, err := r.DB.NextDue(); err == nil && ok {
		if wait = min(wait, next.Sub(r.DB.Now())); wait <= 0 {
			wait = 500 * time.Millisecond
		}
		wait = max(wait, 10*time.Millisecond)
	}
	if failed != nil {
		wait = max(wait, time.Second) // a full disk is not emptied by asking
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	ready, ended := r.DB.JobsReady(), (<-chan struct{})(busy.ended)
	if failed != nil {
		ready, ended = nil, nil // whatever they say, the next claim would fail as well
	}
	select {
	case <-ctx.Done():
	case <-ready:
	case <-ended:
	case <-timer.C:
	}
}

func (r *Runner) work(ctx context.Context, job store.Job) {
	commit, err := r.handle(ctx, job)
	failpoint.Hit("job.settle")
	// The outcome is written even when we are being stopped.
	write := context.WithoutCancel(ctx)
	failed := r.DB.Update(write, job.Site, func(tx *store.Tx) error {
		if commit != nil {
			if err := r.apply(tx, job, commit); err != nil {
				return err
			}
		}
		return cmp.Or(r.settle(ctx, tx, job, err), failpoint.Err("job.commit"))
	})
	failpoint.Hit("job.settled")
	switch {
	case failed == nil:
	case errors.Is(failed, store.ErrLease), errors.Is(failed, store.ErrClosed):
		r.log().Warn("the outcome of a job was not kept", "kind", job.Kind, "job", job.ID, "error", failed)
	default:
		r.log().Error("the outcome of a job could not be written", "kind", job.Kind, "job", job.ID, "error", failed)
		if again := r.DB.Update(write, job.Site, func(tx *store.Tx) error {
			return r.settle(ctx, tx, job, failed)
		}); again != nil {
			r.log().Error("the job waits for the end of its lease", "job", job.ID, "error", again)
		}
	}
}

type panicError struct{ value any }

func (e panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// handle runs the handler; a panic becomes an error of this one job.
func (r *Runner) handle(ctx context.Context, job store.Job) (commit Commit, err error) {
	h := r.Handlers[job.Kind]
	if h == nil {
		return nil, Permanent(fmt.Errorf("this version knows no job %q", job.Kind))
	}
	if job.Panics >= maxPanics {
		return nil, Permanent(fmt.Errorf("the process died %d times while it ran", job.Panics))
	}
	ctx, cancel := context.WithTimeout(ctx, r.lease(job.Kind)*9/10)
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			commit, err = nil, r.panicked(job, v)
		}
	}()
	return h(ctx, job)
}

// apply runs the commit of a job; its panic is an error of this one job as well.
func (r *Runner) apply(tx *store.Tx, job store.Job, commit Commit) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = r.panicked(job, v)
		}
	}()
	return commit(tx)
}

func (r *Runner) panicked(job store.Job, v any) error {
	r.log().Error("a job panicked", "kind", job.Kind, "job", job.ID, "panic", v, "stack", string(debug.Stack()))
	return panicError{v}
}

// settle decides what becomes of a job after its attempt ended with err.
func (r *Runner) settle(ctx context.Context, tx *store.Tx, job store.Job, err error) error {
	var (
		permanent permanentError
		after     afterError
		panicked  panicError
	)
	switch {
	case err == nil:
		return tx.FinishJob(job)
	case errors.As(err, &after) && (!after.counted || job.Attempts < r.maxAttempts()):
		return tx.RetryJob(job, tx.Now.Add(after.wait), err.Error(), after.counted)
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return tx.RetryJob(job, tx.Now, "", false)
	case errors.As(err, &panicked):
		panics, failed := tx.CountPanic(job)
		if failed != nil {
			return failed
		}
		if panics >= maxPanics {
			return tx.ParkJob(job, err.Error())
		}
	case errors.As(err, &permanent), job.Attempts >= r.maxAttempts():
		return tx.ParkJob(job, err.Error())
	}
	return tx.RetryJob(job, tx.Now.Add(r.wait(job.Attempts)), err.Error(), true)
}

func (r *Runner) workers() int {
	if r.Workers > 0 {
		return r.Workers
	}
	return 64
}

// reserved leaves at least one worker to each side.
func (r *Runner) reserved() int {
	if r.Reserved > 0 {
		return min(r.Reserved, r.workers()-1)
	}
	return min(8, r.workers()/2)
}

func (r *Runner) lease(kind string) time.Duration {
	return cmp.Or(r.Leases[kind], r.Lease, 2*time.Minute)
}

func (r *Runner) maxAttempts() int {
	if r.MaxAttempts > 0 {
		return r.MaxAttempts
	}
	return 30
}

func (r *Runner) wait(attempt int) time.Duration {
	if r.Wait != nil {
		return r.Wait(attempt)
	}
	return Backoff(attempt)
}

func (r *Runner) log() *slog.Logger {
	if r.Log != nil {
		return r.Log
	}
	return slog.New(slog.DiscardHandler)
}
