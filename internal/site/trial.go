package site

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// The steps of a trial that the service does: as the sender, and as the receiver.
const (
	trialSend = "send"
	trialLook = "look"
)

type trialArgs struct {
	ID   string `json:"id"`
	Step string `json:"step"`
}

func trialJob(id, step string) store.Job { return newJob(jobTrial, id+" "+step, trialArgs{id, step}) }

// checkTime bounds a check: no job of it takes longer, those that wait before it included.
const checkTime = 3 * time.Minute

// trialSource is the address of the page of a trial.
func (s *Site) trialSource(id string) *url.URL {
	u, err := url.Parse(s.Endpoint("trial/" + id))
	if err != nil {
		panic("the base of a site was checked with the settings: " + err.Error())
	}
	return u
}

// trialOf is the id of the trial whose page an address is; false when it is none.
func (s *Site) trialOf(source *url.URL) (id string, ok bool) {
	home := s.trialSource("")
	if !strings.EqualFold(source.Host, home.Host) {
		return "", false
	}
	return strings.CutPrefix(source.Path, home.Path)
}

// acceptTrial takes the webmention of a trial, of which no mention comes: it is looked at, and
// that is all. The page is known to nobody but the owner and whom the service has asked.
func (m *Mentions) acceptTrial(ctx context.Context, id string) (webmention.Receipt, error) {
	err := m.DB.Update(ctx, m.Site.Key, func(tx *store.Tx) error {
		if _, err := theTrial(tx, id); err != nil {
			return err
		}
		return errors.Join(noteTrial(tx, id, "received", ""), tx.Enqueue(trialJob(id, trialLook)))
	})
	if errors.Is(err, fs.ErrNotExist) {
		return webmention.Receipt{}, errTrialOver
	}
	return webmention.Receipt{}, err
}

var errTrialOver = &webmention.Error{Code: webmention.CodeInvalidSource, Message: "source is the page of a test that is over"}

// trial does a step of a test webmention as strangers would: by their client, from what the
// page of the site says. It is not tried again: who looks on can say so.
func (j *Jobs) trial(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args trialArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	var now store.Trial
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		now, err = theTrial(tx, args.ID)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // another has replaced it
	}
	target, wrong := url.Parse(now.Target)
	if err != nil || wrong != nil {
		return nil, errors.Join(err, wrong)
	}
	do := map[string]func(context.Context, *Site, string, *url.URL) (stage, note string){trialSend: j.trySending, trialLook: j.tryLooking}[args.Step]
	if do == nil {
		return nil, queue.Permanent(errors.New("a trial has no step " + args.Step))
	}
	stage, note := do(ctx, s, args.ID, target)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return func(tx *store.Tx) error {
		if stage != "delivered" {
			return noteTrial(tx, args.ID, stage, note)
		}
		// It has been here before its answer was there.
		now, _, err := tx.Welcome()
		if err != nil || slices.ContainsFunc(now.Trial.Stages, func(e store.Event) bool { return e.Stage == "received" }) {
			return err
		}
		return noteTrial(tx, args.ID, "failed", "lost:")
	}, nil
}

// trySending finds the endpoint and posts there. It is posted to no other endpoint than ours:
// the page would be another service's affair.
func (j *Jobs) trySending(ctx context.Context, s *Site, id string, target *url.URL) (stage, note string) {
	sender := j.sender(s)
	endpoint, err := sender.Discover(ctx, target)
	switch {
	case errors.Is(err, webmention.ErrNoEndpoint):
		return "failed", "silent: " + err.Error()
	case err != nil:
		return "failed", "unreached: " + err.Error()
	case !sameAddress(endpoint, s.Endpoint("webmention")):
		return "failed", "foreign: " + endpoint.String()
	}
	if err := j.DB.Update(ctx, s.Key, func(tx *store.Tx) error { return noteTrial(tx, id, "endpoint", endpoint.String()) }); err != nil {
		return "failed", "broken: " + err.Error()
	}
	if _, err := sender.Deliver(ctx, endpoint, s.trialSource(id), target); err != nil {
		return "failed", "refused: " + err.Error()
	}
	return "delivered", ""
}

// tryLooking asks the source whether it links to the target.
func (j *Jobs) tryLooking(ctx context.Context, s *Site, id string, target *url.URL) (stage, note string) {
	seen, err := j.Verifier.Verify(ctx, s.trialSource(id), target)
	switch {
	case err != nil:
		return "failed", "unread: " + err.Error()
	case seen.Outcome != webmention.Linked:
		return "failed", "unread: " + seen.Reason
	}
	return "verified", ""
}

func sameAddress(u *url.URL, address string) bool {
	other, err := url.Parse(address)
	return err == nil && strings.EqualFold(u.Host, other.Host) && u.Path == other.Path && u.Scheme == other.Scheme
}

// checkup looks whether the site is attached, and writes down what it has found.
func (j *Jobs) checkup(ctx context.Context, job store.Job) (queue.Commit, error) {
	var key string
	s, err := j.begin(job, &key)
	if err != nil {
		return nil, err
	}
	if j.Check == nil {
		return nil, queue.Permanent(errors.New("nobody is there who could check"))
	}
	limited, cancel := context.WithTimeout(ctx, checkTime/2)
	defer cancel()
	points, err := j.Check(limited, s)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	found := store.Checkup{Points: points}
	switch {
	case limited.Err() != nil:
		found.Error = "it took longer than " + (checkTime / 2).String()
	case err != nil:
		found.Error = err.Error()
	}
	return func(tx *store.Tx) error {
		was, _, err := tx.Welcome()
		if err != nil {
			return err
		}
		found.Asked, found.Ended = was.Check.Asked, tx.Now
		was.Check = found
		return tx.PutWelcome(was)
	}, nil
}
