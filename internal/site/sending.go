package site

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// What became of the Webmention to a target.
const (
	waiting  = "waiting"     // promised, or between two attempts
	sent     = "sent"        // the endpoint took it
	gone     = "unlinked"    // the endpoint took the news that the link has gone
	deaf     = "no endpoint" // the page takes no Webmentions
	refused  = "refused"     // the endpoint said no for good
	hopeless = "failed"      // no answer in all attempts
)

// maxSends is after how many attempts a target is given up: more than 72 hours.
const maxSends = 18

// send tells one target, with its endpoint discovered anew (SPECS WS-9). The
// outcome stands on the post.
func (j *Jobs) send(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args sendArgs
	if _, err := j.begin(job, &args); err != nil {
		return nil, err
	}
	source, err := url.Parse(args.Permalink)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	target, err := url.Parse(args.Target)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	delivery, err := j.Sender.Send(ctx, source, target)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	outcome := store.Sent{State: sent, Status: delivery.Status}
	if delivery.Endpoint != nil {
		outcome.Endpoint = delivery.Endpoint.String()
	}
	if delivery.Location != nil {
		outcome.Location = delivery.Location.String()
	}
	var failure *webmention.SendError
	switch {
	case err == nil:
	case errors.Is(err, webmention.ErrNoEndpoint):
		outcome.State, err = deaf, nil
	case errors.As(err, &failure) && !failure.Temporary():
		outcome.State, outcome.Status, outcome.Note, err = refused, failure.Status, err.Error(), nil
	case job.Attempts >= maxSends:
		outcome.State, outcome.Note, err = hopeless, fmt.Sprintf("given up after %d attempts: %v", job.Attempts, err), nil
	default:
		outcome.State, outcome.Note = waiting, err.Error()
	}
	if failure != nil && err != nil && failure.RetryAfter > 0 {
		err = queue.Retry(failure.RetryAfter, err)
	}
	j.log().Info("webmention sent", "source", args.Permalink, "target", args.Target, "outcome", outcome.State, "status", outcome.Status, "attempt", job.Attempts)
	return func(tx *store.Tx) error { return noteSent(tx, args, outcome) }, err
}

// noteSent writes the outcome of one attempt on the post.
func noteSent(tx *store.Tx, args sendArgs, outcome store.Sent) error {
	post, err := tx.Post(args.Permalink)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(post.Sent, func(s store.Sent) bool { return s.Target == args.Target })
	if i < 0 {
		return nil
	}
	before := post.Sent[i]
	if outcome.State == sent && !before.Linked {
		outcome.State = gone
	}
	outcome.Target, outcome.Revision, outcome.Linked, outcome.At = before.Target, before.Revision, before.Linked, tx.Now
	post.Sent[i] = outcome
	if outcome.State != before.State || outcome.State != waiting {
		note := outcome.Target + ": " + outcome.State
		if outcome.Note != "" {
			note += " (" + outcome.Note + ")"
		}
		post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "webmention", Note: note})
	}
	return tx.PutPost(post)
}
