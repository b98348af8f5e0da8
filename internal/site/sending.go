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
	accepted = "accepted"    // and its status page says that the mention was taken
	rejected = "rejected"    // or that it was not
	gone     = "unlinked"    // the endpoint took the news that the link has gone
	deaf     = "no endpoint" // the page takes no Webmentions
	refused  = "refused"     // the endpoint said no for good
	hopeless = "failed"      // no answer in all attempts
	kept     = "kept back"   // the target could not read the source
	unasked  = "never asked" // the settings say that its host takes none
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
		all, err := tellingOf(tx, args.Permalink)
		if i := sentTo(all.sent, args.Target); i >= 0 {
			promise, newer = all.sent[i], all.revision > all.sent[i].Revision
		}
		return ignore(err, fs.ErrNotExist)
	}); err != nil {
		return nil, err
	}
	if promise.State != waiting || newer {
		return nil, nil
	}
	if j.never(target) {
		outcome := store.Sent{State: unasked, Revision: promise.Revision}
		return func(tx *store.Tx) error { return noteSent(tx, args, outcome) }, nil
	}
	delivery, err := j.deliver(ctx, s, source, target)
	failpoint.Hit("send.post")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, errTurn) {
		return nil, queue.After(queue.Backoff(1), err)
	}
	outcome, err := judge(delivery, err, j.hopeless(err), job.Attempts)
	outcome.Revision = promise.Revision
	j.Numbers.sent.Add(outcome.State)
	j.log().Info("webmention sent", "source", args.Permalink, "target", args.Target, "outcome", outcome.State, "status", outcome.Status, "attempt", job.Attempts)
	return func(tx *store.Tx) error { return noteSent(tx, args, outcome) }, err
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
	all, err := tellingOf(tx, args.Permalink)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the post has moved away meanwhile
	}
	if err != nil {
		return err
	}
	i := sentTo(all.sent, args.Target)
	if i < 0 || all.sent[i].Revision != outcome.Revision {
		return nil
	}
	before := all.sent[i]
	if outcome.State == sent && !before.Linked {
		outcome.State = gone
	}
	outcome.Target, outcome.Linked, outcome.At = before.Target, before.Linked, tx.Now
	all.sent[i] = outcome
	if outcome.State != before.State {
		all.note(tx, "webmention", outcomeNote(outcome))
	}
	if outcome.State == sent && outcome.Location != "" {
		if err := tx.Enqueue(statusJob(args, outcome.Location, tx.Now)); err != nil {
			return err
		}
	}
	return cmp.Or(all.keep(all.sent, all.history), failpoint.Err("send.commit"))
}

// outcomeNote is an outcome in a line of the history.
func outcomeNote(outcome store.Sent) string {
	note := outcome.Target + ": " + outcome.State
	if outcome.Note != "" {
		note += " (" + outcome.Note + ")"
	}
	return note
}

// never tells whether the settings say that a host takes no Webmentions: it is not asked.
func (j *Jobs) never(target *url.URL) bool {
	host := hostName(target)
	return slices.ContainsFunc(j.Never, func(name string) bool {
		return host == name || strings.HasSuffix(host, "."+name)
	})
}

// deliver asks the target for its endpoint and posts there, one request at a time to each of
// the two hosts: many targets share one endpoint.
func (j *Jobs) deliver(ctx context.Context, s *Site, source, target *url.URL) (webmention.Delivery, error) {
	sender := j.sender(s)
	leave, err := j.turns.take(ctx, hostName(target))
	if err != nil {
		return webmention.Delivery{}, err
	}
	endpoint, err := sender.Discover(ctx, target)
	leave()
	if err != nil {
		return webmention.Delivery{}, err
	}
	if leave, err = j.turns.take(ctx, hostName(endpoint)); err != nil {
		return webmention.Delivery{}, err
	}
	defer leave()
	return sender.Deliver(ctx, endpoint, source, target)
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
