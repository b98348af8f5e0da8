package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

// Welcome leads a newcomer through the first steps with a site, and remembers how far they are.
type Welcome struct {
	Site *Site
	DB   *store.DB
	Jobs *Jobs
}

// Steps are the first steps, in their order: is the site attached, does a webmention come
// through, can an application post, who is shown.
func Steps() []string { return []string{"check", "trial", "app", "moderation"} }

// FirstSteps is how far they are.
type FirstSteps struct {
	Done    map[string]bool
	Skipped map[string]bool
	Ended   bool // somebody has seen enough of them
	Left    bool // there is something left to do of them
	Lead    bool // a newcomer is led here: nothing else waits
	Paused  bool // nothing is done until the owner says so: the store is a restored one

	Asked, Checked time.Time // when a check was asked for last, and when it ended; zero: not
	Checking       bool
	CheckError     string // why it came to no end; in English
	Points         []CheckPoint

	Trial  TrialState
	Newest string // address of the newest page that a trial can be about
}

// CheckPoint is one thing that a check has looked at, in the site's language.
type CheckPoint = store.CheckPoint

// TrialState is how a test webmention fares.
type TrialState struct {
	Target string
	Began  time.Time // zero: there was none
	Stages []TrialStage
	Ended  bool
	Well   bool
}

// TrialStage is something that a trial has come to: begun, endpoint, received, verified, failed.
type TrialStage struct {
	At          time.Time
	Stage, Note string // a note may quote what others say; that of failed begins with a word for why
}

// State tells how far the first steps are.
func (w *Welcome) State(ctx context.Context) (steps FirstSteps, err error) {
	var tokens []indieauth.Token
	var was store.Welcome
	var begun, waiting bool
	err = w.DB.View(ctx, w.Site.Key, func(tx *store.Tx) error {
		if was, begun, err = tx.Welcome(); err != nil {
			return err
		}
		if tokens, err = tx.Tokens(); err != nil {
			return err
		}
		waiting = tx.CountIn(store.Pending, 1) > 0
		posts, _, err := tx.Posts(store.Range{Limit: 20, Backward: true}, false)
		for _, p := range posts {
			if steps.Newest == "" && p.Visible() && p.Live > 0 {
				steps.Newest = p.Permalink
			}
		}
		return err
	})
	if err != nil {
		return steps, err
	}
	if _, steps.Paused, err = w.DB.Paused(); err != nil {
		return steps, err
	}
	if steps.Newest == "" {
		steps.Newest = w.Site.Me()
	}
	app := slices.ContainsFunc(tokens, func(t indieauth.Token) bool { return t.ClientID != "" })
	steps.judge(was, app)
	// Who had applications before there were first steps is no newcomer, and what others say
	// comes first.
	steps.Lead = steps.Left && !steps.Ended && (begun || !app) && !waiting
	return steps, nil
}

// judge says how far each step is by what is remembered, and whether an application has a token.
func (steps *FirstSteps) judge(was store.Welcome, app bool) {
	ended, well := was.Trial.Ended()
	fails := slices.ContainsFunc(was.Check.Points, func(p CheckPoint) bool { return p.State == "fails" })
	steps.Asked, steps.Checked, steps.Points, steps.CheckError = was.Check.Asked, was.Check.Ended, was.Check.Points, was.Check.Error
	steps.Checking = !was.Check.Asked.IsZero() && was.Check.Ended.IsZero()
	steps.Trial = TrialState{Target: was.Trial.Target, Began: was.Trial.Began, Ended: ended, Well: well}
	for _, e := range was.Trial.Stages {
		steps.Trial.Stages = append(steps.Trial.Stages, TrialStage{e.At, e.Stage, e.Note})
	}
	steps.Done = map[string]bool{"check": !was.Check.Ended.IsZero() && !fails && was.Check.Error == "", "trial": well, "app": app}
	steps.Skipped = map[string]bool{}
	open := false
	for _, step := range Steps() {
		_, skipped := was.Skipped[step]
		steps.Skipped[step] = skipped && !steps.Done[step]
		open = open || !skipped && !steps.Done[step]
	}
	steps.Left = open
	steps.Ended = !was.Ended.IsZero()
}

func (w *Welcome) change(ctx context.Context, fn func(*store.Tx, *store.Welcome) error) error {
	return w.DB.Update(ctx, w.Site.Key, func(tx *store.Tx) error {
		was, _, err := tx.Welcome()
		if err != nil {
			return err
		}
		if err := fn(tx, &was); err != nil {
			return err
		}
		return tx.PutWelcome(was)
	})
}

// Skip passes a step over, or takes that back. Another word than those of [Steps] is
// fs.ErrNotExist.
func (w *Welcome) Skip(ctx context.Context, step string, skip bool) error {
	if !slices.Contains(Steps(), step) {
		return fmt.Errorf("step %q: %w", step, fs.ErrNotExist)
	}
	return w.change(ctx, func(tx *store.Tx, was *store.Welcome) error {
		if !skip {
			delete(was.Skipped, step)
			return nil
		}
		if was.Skipped == nil {
			was.Skipped = map[string]time.Time{}
		}
		was.Skipped[step] = tx.Now
		return nil
	})
}

// End leads nobody here any more.
func (w *Welcome) End(ctx context.Context) error {
	return w.change(ctx, func(tx *store.Tx, was *store.Welcome) error {
		was.Ended = tx.Now
		return nil
	})
}

// Check has the service look whether the site is attached, in its own time. One that is under
// way goes on.
func (w *Welcome) Check(ctx context.Context) error {
	return w.change(ctx, func(tx *store.Tx, was *store.Welcome) error {
		if was.Check.Ended.IsZero() && tx.Now.Sub(was.Check.Asked) < checkTime {
			return nil
		}
		was.Check = store.Checkup{Asked: tx.Now, Points: was.Check.Points}
		return tx.Enqueue(newJob(jobCheck, w.Site.Key, w.Site.Key))
	})
}

// trialTime is how long the page of a trial is there.
const trialTime = time.Hour

// ErrTrial is for an address that no trial can be about: it is not on the site.
var ErrTrial = errors.New("that is not a page of this site")

// Try sends a test webmention to a page of the site. A trial before it is forgotten, and what
// is still on its way of that one comes to nothing.
func (w *Welcome) Try(ctx context.Context, target string) error {
	u, err := url.Parse(strings.TrimSpace(target))
	if err != nil || u.Host == "" || len(target) > 2048 {
		return ErrTrial
	}
	if _, ok := w.Site.Fold(u); !ok {
		return ErrTrial
	}
	id := store.NewID(w.DB.Now()) // nobody guesses it, and it opens nothing but a page for an hour
	return w.change(ctx, func(tx *store.Tx, was *store.Welcome) error {
		was.Trial = store.Trial{ID: id, Target: u.String(), Began: tx.Now, Stages: []store.Event{{At: tx.Now, Stage: "begun"}}}
		return tx.Enqueue(trialJob(id, trialSend))
	})
}

// TrialPage tells what the source of a trial links to; fs.ErrNotExist when there is no such
// page, or no more.
func (w *Welcome) TrialPage(ctx context.Context, id string) (target string, err error) {
	err = w.DB.View(ctx, w.Site.Key, func(tx *store.Tx) error {
		trial, err := theTrial(tx, id)
		target = trial.Target
		return err
	})
	return target, err
}

// theTrial reads the trial that is under way, if it has that id.
func theTrial(tx *store.Tx, id string) (store.Trial, error) {
	was, _, err := tx.Welcome()
	if err != nil {
		return store.Trial{}, err
	}
	ended, _ := was.Trial.Ended()
	if id == "" || was.Trial.ID != id || ended || tx.Now.Sub(was.Trial.Began) > trialTime {
		return store.Trial{}, fmt.Errorf("trial: %w", fs.ErrNotExist)
	}
	return was.Trial, nil
}

// noteTrial adds what a trial has come to. One that has ended, or that another has replaced,
// stays as it is.
func noteTrial(tx *store.Tx, id, stage, note string) error {
	was, _, err := tx.Welcome()
	if err != nil {
		return err
	}
	if ended, _ := was.Trial.Ended(); ended || was.Trial.ID != id {
		return nil
	}
	if n := len(was.Trial.Stages); n > 0 && was.Trial.Stages[n-1].Stage == stage {
		return nil // a job that ran twice
	}
	was.Trial.Stages = store.AddEvent(was.Trial.Stages, store.Event{At: tx.Now, Stage: stage, Note: note})
	return tx.PutWelcome(was)
}
