package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"tertulia/store"
)

// Work is what is owed for a site, as its owner sees it: the jobs, to be tried again or dropped.
type Work struct {
	Site *Site
	DB   *store.DB
}

// WorkKind says how many jobs of a kind there are.
type WorkKind struct {
	Kind                     string
	Waiting, Running, Parked int
}

// Task is a job as it is shown.
type Task struct {
	ID, Kind string
	About    string    // what it is about: an address, or two; of strangers
	State    string    // waiting, running, parked
	Why      string    // why it is parked: attempts, final, panic, died, unknown; of one that waits: again, when the last attempt failed; else ""
	Due      time.Time // when it is tried next, or was
	Since    time.Time // when it was promised
	Attempts int
	Error    string // of the last attempt, in English; may quote strangers
}

// The states and the words for all of them, as [Work.Tasks] takes them.
const (
	TaskWaiting = string(store.JobWaiting)
	TaskRunning = string(store.JobRunning)
	TaskParked  = string(store.JobParked)
)

// ErrRunning is for a job that is under way: it is left to end.
var ErrRunning = store.ErrRunning

// errTask is for what is no state of a task.
var errTask = fmt.Errorf("there is no such state of a job: %w", fs.ErrNotExist)

func taskState(word string) (store.JobState, error) {
	switch s := store.JobState(word); s {
	case store.AnyJob, store.JobWaiting, store.JobRunning, store.JobParked:
		return s, nil
	}
	return "", errTask
}

// Kinds counts the site's jobs, by kind in alphabetical order, from indexes.
func (w *Work) Kinds(ctx context.Context) (kinds []WorkKind, err error) {
	err = w.DB.View(ctx, w.Site.Key, func(tx *store.Tx) error {
		kinds = nil
		for _, n := range tx.JobNumbers() {
			kinds = append(kinds, WorkKind{n.Kind, n.Waiting, n.Running, n.Parked})
		}
		return nil
	})
	return kinds, err
}

// Tasks lists limit jobs of a kind ("" for all) in a state ("" for any), the oldest first, and the
// cursor of the rest; "" when there is none. Another word for a state is fs.ErrNotExist.
func (w *Work) Tasks(ctx context.Context, kind, state, from string, limit int) (tasks []Task, next string, err error) {
	in, err := taskState(state)
	if err != nil {
		return nil, "", err
	}
	err = w.DB.View(ctx, w.Site.Key, func(tx *store.Tx) error {
		var found []store.Job
		tasks = nil
		found, next = tx.JobsOf(kind, in, store.Range{From: from, Limit: limit})
		for _, j := range found {
			tasks = append(tasks, taskOf(tx, j))
		}
		return nil
	})
	return tasks, next, err
}

// Paused tells whether all jobs wait for the owner's word, as after a restore, and since when.
func (w *Work) Paused() (since time.Time, yes bool, err error) { return w.DB.Paused() }

// taskOf is a job as it is shown. A job that is about a mention is about its source.
func taskOf(tx *store.Tx, j store.Job) Task {
	t := Task{
		ID: j.ID, Kind: j.Kind, About: strings.ReplaceAll(j.Key, "\x00", " "), State: string(j.State()), Why: whyParked(j),
		Due: j.Due, Since: j.Created, Attempts: j.Attempts, Error: j.Error,
	}
	switch j.Kind {
	case jobVerify:
		if m, err := tx.Mention(j.Key); err == nil {
			t.About = m.Source
		}
	case jobTrust:
		if p, err := tx.Person(j.Key); err == nil {
			t.About = p.Name
		}
	case jobMerge:
		if p, err := tx.Page(j.Key); err == nil {
			t.About = p.URL
		}
	}
	return t
}

// whyParked says why a job was set aside, or has to be tried again.
func whyParked(j store.Job) string {
	switch {
	case j.State() == store.JobWaiting && j.Attempts > 0 && j.Error != "":
		return "again"
	case j.State() != store.JobParked:
		return ""
	case strings.HasPrefix(j.Error, "this version knows no job"):
		return "unknown"
	case strings.HasPrefix(j.Error, "the process died"):
		return "died"
	case strings.HasPrefix(j.Error, "panic: "):
		return "panic"
	case j.Attempts >= manyAttempts:
		return "attempts"
	}
	return "final"
}

// manyAttempts is after how many it is the number that has ended a job, and no single answer.
const manyAttempts = 10

// KindOf is the kind of a job.
func (w *Work) KindOf(ctx context.Context, id string) (kind string, err error) {
	err = w.DB.View(ctx, w.Site.Key, func(tx *store.Tx) error {
		j, err := tx.Job(id)
		kind = j.Kind
		return err
	})
	return kind, err
}

// Retry has a job tried again now, with its attempts forgotten. One that runs goes on.
func (w *Work) Retry(ctx context.Context, by, id string) error {
	return w.DB.Update(ctx, w.Site.Key, func(tx *store.Tx) error {
		j, err := tx.Job(id)
		if err != nil {
			return err
		}
		return errors.Join(tx.Unpark(id), recordJob(tx, by, "retry job", j))
	})
}

// Drop forgets a job: what it was to do is not done. store.ErrRunning is for one that runs.
func (w *Work) Drop(ctx context.Context, by, id string) error {
	return w.DB.Update(ctx, w.Site.Key, func(tx *store.Tx) error { return dropTask(tx, by, id) })
}

func dropTask(tx *store.Tx, by, id string) error {
	j, err := tx.Job(id)
	if err != nil {
		return err
	}
	if err := tx.DropJob(id); err != nil {
		return err
	}
	if give := givenUp[j.Kind]; give != nil {
		if err := give(tx, j); err != nil {
			return err
		}
	}
	return recordJob(tx, by, "drop job", j)
}

func recordJob(tx *store.Tx, by, action string, j store.Job) error {
	return tx.Record(store.Decision{By: by, Action: action, Subject: j.ID, Note: j.Kind})
}

// tasksAtOnce is how many jobs are changed in one transaction: others wait for no more.
const tasksAtOnce = 100

// RetryKind has all jobs of a kind tried again now that are parked, or wait after an attempt that
// failed, and tells how many. What waits for its time goes on waiting.
func (w *Work) RetryKind(ctx context.Context, by, kind string) (int, error) {
	return w.each(ctx, kind, store.AnyJob, func(tx *store.Tx, j store.Job) (bool, error) {
		if j.State() != store.JobParked && whyParked(j) == "" {
			return false, nil
		}
		return true, errors.Join(tx.Unpark(j.ID), recordJob(tx, by, "retry job", j))
	})
}

// DropKind forgets all jobs of a kind in a state ("" for any) that do not run, and tells how many.
func (w *Work) DropKind(ctx context.Context, by, kind, state string) (int, error) {
	in, err := taskState(state)
	if err != nil {
		return 0, err
	}
	return w.each(ctx, kind, in, func(tx *store.Tx, j store.Job) (bool, error) {
		err := dropTask(tx, by, j.ID)
		if errors.Is(err, store.ErrRunning) {
			return false, nil
		}
		return true, err
	})
}

// each changes the jobs of a kind that there are now, some in each transaction.
func (w *Work) each(ctx context.Context, kind string, in store.JobState, change func(*store.Tx, store.Job) (bool, error)) (changed int, err error) {
	until := store.NewID(w.DB.Now().Add(time.Millisecond)) // what is promised from here on is left alone
	for from, last := "", false; !last && err == nil; {
		var did int
		var next string
		err = w.DB.Update(ctx, w.Site.Key, func(tx *store.Tx) error {
			did = 0
			var found []store.Job
			found, next = tx.JobsOf(kind, in, store.Range{From: from, Limit: tasksAtOnce})
			for _, j := range found {
				if j.ID > until {
					break
				}
				yes, err := change(tx, j)
				if errors.As(err, new(*store.DamagedError)) {
					continue // it is repair's
				}
				if err != nil {
					return err
				}
				if yes {
					did++
				}
			}
			return nil
		})
		if err == nil {
			changed += did
		}
		from, last = next, next == "" || next > until
	}
	return changed, err
}

// givenUp says where it stands, of what a job was about, that it is not done any more: a thing
// that waits for a job that nobody does would wait for ever.
var givenUp = map[string]func(*store.Tx, store.Job) error{
	jobVerify: func(tx *store.Tx, j store.Job) error {
		m, err := tx.Mention(j.Key)
		if err != nil || m.State != store.Received {
			return ignore(err, fs.ErrNotExist)
		}
		m.State = store.Failed
		m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "dropped", Note: "the owner wants no look at its source"})
		return tx.PutMention(m)
	},
	jobSend: func(tx *store.Tx, j store.Job) error {
		var args sendArgs
		if err := json.Unmarshal(j.Args, &args); err != nil {
			return nil // it said nothing, and nothing waits for it
		}
		all, err := tellingOf(tx, args.Permalink)
		if err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		i := sentTo(all.sent, args.Target)
		if i < 0 || all.sent[i].State != waiting {
			return nil
		}
		return noteSent(tx, args, store.Sent{State: hopeless, Revision: all.sent[i].Revision, Note: "the owner has dropped it"})
	},
}
