package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/failpoint"
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
	kept     = "kept back"   // the target could not read the source
)

// maxSends is after how many attempts a target is given up: more than 72 hours.
const maxSends = 18

// sendWait is the wait before the next attempt. Chance takes up to half of the
// queue's wait, which a promise of hours does not allow.
func sendWait(attempt int) time.Duration { return 2 * queue.Backoff(attempt) }

// send tells one target, with its endpoint discovered anew (SPECS WS-9). The
// outcome stands on the post. A target that was told of the revision is not told
// again, however often the job runs.
func (j *Jobs) send(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args sendArgs
	s, err := j.begin(job, &args)
	if err != nil {
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
	var promise store.Sent
	var newer bool // another revision is on its way, and tells the target itself
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		post, err := tx.Post(args.Permalink)
		if i := sentTo(post, args.Target); i >= 0 {
			promise, newer = post.Sent[i], post.Revision > post.Sent[i].Revision
		}
		return ignore(err, fs.ErrNotExist)
	}); err != nil {
		return nil, err
	}
	if promise.State != waiting || newer {
		return nil, nil
	}
	delivery, err := j.sender(s).Send(ctx, source, target)
	failpoint.Hit("send.post")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	outcome, err := judge(delivery, err, j.hopeless(err), job.Attempts)
	outcome.Revision = promise.Revision
	j.log().Info("webmention sent", "source", args.Permalink, "target", args.Target, "outcome", outcome.State, "status", outcome.Status, "attempt", job.Attempts)
	return func(tx *store.Tx) error { return noteSent(tx, args, outcome) }, err
}

// sentTo finds what became of the Webmention to a target; -1 is nothing.
func sentTo(post store.Post, target string) int {
	return slices.IndexFunc(post.Sent, func(s store.Sent) bool { return s.Target == target })
}

// judge says what an attempt has come to, and returns an error when there is to be
// another (TRAPS T-WS08). An address that is blocked stays so.
func judge(d webmention.Delivery, err error, blocked bool, attempt int) (store.Sent, error) {
	outcome := store.Sent{State: sent, Status: d.Status}
	if d.Endpoint != nil {
		outcome.Endpoint = d.Endpoint.String()
	}
	if d.Location != nil {
		outcome.Location = d.Location.String()
	}
	if err == nil {
		return outcome, nil
	}
	wait := sendWait(attempt)
	final := false
	if failure := (*webmention.SendError)(nil); errors.As(err, &failure) {
		outcome.Status, final = failure.Status, blocked || !failure.Temporary()
		wait = min(max(wait, failure.RetryAfter), longestWait)
	}
	outcome.Note = err.Error()
	switch {
	case errors.Is(err, errAway):
		outcome.State, outcome.Note = kept, "nobody but this machine can read a site on localhost"
	case final && errors.Is(err, webmention.ErrNoEndpoint):
		outcome.State, outcome.Note = deaf, ""
	case final:
		outcome.State = refused
	case attempt >= maxSends:
		outcome.State, outcome.Note = hopeless, fmt.Sprintf("given up after %d attempts: %v", attempt, err)
	default:
		outcome.State = waiting
		return outcome, queue.Retry(wait, err)
	}
	return outcome, nil
}

// noteSent writes the outcome of one attempt on the post. When a newer revision was
// announced meanwhile the job runs once more, and its outcome is the one that counts.
func noteSent(tx *store.Tx, args sendArgs, outcome store.Sent) error {
	post, err := tx.Post(args.Permalink)
	if err != nil {
		return err
	}
	i := sentTo(post, args.Target)
	if i < 0 || post.Sent[i].Revision != outcome.Revision {
		return nil
	}
	before := post.Sent[i]
	if outcome.State == sent && !before.Linked {
		outcome.State = gone
	}
	outcome.Target, outcome.Linked, outcome.At = before.Target, before.Linked, tx.Now
	post.Sent[i] = outcome
	if outcome.State != before.State {
		note := outcome.Target + ": " + outcome.State
		if outcome.Note != "" {
			note += " (" + outcome.Note + ")"
		}
		post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "webmention", Note: note})
	}
	return cmp.Or(tx.PutPost(post), failpoint.Err("send.commit"))
}

// sender is the sender for a site. One on localhost reaches only its own machine
// and network: nobody else could verify what it says (TRAPS T-WS11).
func (j *Jobs) sender(s *Site) *webmention.Sender {
	if !loopback(s.URL) {
		return j.Sender
	}
	sender, client := *j.Sender, *j.Sender.Client
	client.Transport = nearby{client.Transport}
	sender.Client = &client
	return &sender
}

// nearby refuses requests to public hosts.
type nearby struct{ next http.RoundTripper }

var errAway = errors.New("a site on localhost does not ask public hosts")

// RoundTrip is of http.RoundTripper.
func (n nearby) RoundTrip(r *http.Request) (*http.Response, error) {
	if at, err := netip.ParseAddr(r.URL.Hostname()); !loopback(r.URL) && (err != nil || !at.Unmap().IsPrivate()) {
		return nil, errAway
	}
	return n.next.RoundTrip(r)
}

// loopback tells whether a host is this machine, by its name alone.
func loopback(u *url.URL) bool {
	if at, err := netip.ParseAddr(u.Hostname()); err == nil {
		return at.Unmap().IsLoopback()
	}
	name := hostName(u)
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
