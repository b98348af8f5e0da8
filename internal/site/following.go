package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// statusArgs are the arguments of the looks at a status page.
type statusArgs struct {
	sendArgs
	Location string `json:"location"`
}

// looks are the pauses before each look at a status page: as long as it has nothing final to
// say they grow, and after the last it is left alone (T-WS07).
var looks = []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 24 * time.Hour}

// statusJob follows the status page that came with an answer. Its attempts are the looks.
func statusJob(args sendArgs, location string, now time.Time) store.Job {
	j := newJob(jobStatus, args.Permalink+" "+args.Target+" "+location, statusArgs{args, location})
	j.Lane, j.Due = lane(location), now.Add(looks[0])
	return j
}

var errStatus = errors.New("the status page says nothing final yet")

// follow looks at a status page and writes down what it says. It comes to its end whatever
// the page answers: nothing hangs on it but what the owner is shown.
// Spec: webmention#sender-notifies-receiver-p-3
func (j *Jobs) follow(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args statusArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	location, err := url.Parse(args.Location)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	wanted := false
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		_, i, err := following(tx, args)
		wanted = i >= 0
		return err
	}); err != nil || !wanted {
		return nil, err
	}
	leave, err := j.turns.take(ctx, hostName(location))
	if err != nil {
		return nil, queue.After(queue.Backoff(1), err)
	}
	report, err := j.sender(s).Status(ctx, location)
	leave()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	failure := (*webmention.SendError)(nil)
	hopeless := j.hopeless(err) || errors.As(err, &failure) && !failure.Temporary()
	commit := func(tx *store.Tx) error { return noteStatus(tx, args, report) }
	if hopeless || report.State.Final() || job.Attempts >= len(looks) {
		return commit, nil
	}
	return commit, queue.Retry(max(looks[job.Attempts], min(report.RetryAfter, longestWait)), cmp.Or(err, errStatus))
}

// following reads what became of a Webmention whose status page is followed; i is -1 when
// there is another answer by now.
func following(tx *store.Tx, args statusArgs) (all telling, i int, err error) {
	all, err = tellingOf(tx, args.Permalink)
	if i = sentTo(all.sent, args.Target); i >= 0 && (all.sent[i].State != sent || all.sent[i].Location != args.Location) {
		i = -1
	}
	return all, i, ignore(err, fs.ErrNotExist)
}

// noteStatus writes what a status page says beside the answer that named it.
func noteStatus(tx *store.Tx, args statusArgs, report webmention.StatusReport) error {
	all, i, err := following(tx, args)
	if err != nil || i < 0 || report.State == webmention.StateUnknown {
		return err
	}
	now := all.sent[i]
	switch report.State {
	case webmention.StateAccepted:
		now.State = accepted
	case webmention.StateRejected:
		now.State = rejected
	}
	if now.Note = report.Text; now.Note == "" && now.State == sent {
		now.Note = report.State.String()
	}
	if now == all.sent[i] {
		return nil
	}
	now.At = tx.Now
	all.sent[i] = now
	all.note(tx, "webmention", outcomeNote(now))
	return all.keep(all.sent, all.history)
}
