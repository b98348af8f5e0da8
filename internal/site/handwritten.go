package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// Pages that somebody has written by hand are told of like posts: when they have changed,
// and when they can be read.

// pageArgs are the arguments of a look at a page.
type pageArgs struct {
	URL    string    `json:"url"`
	Expect string    `json:"expect,omitempty"` // the digest that it has when it is live; "": whatever it says
	Gone   bool      `json:"gone,omitempty"`   // it was taken away, as its owner says
	Tell   bool      `json:"tell,omitempty"`   // it is of the backlog: tell of it though it has not changed
	Since  time.Time `json:"since"`            // when the look was asked for
}

// pageJob goes one at a time: a site of thousands of pages is not asked for all at once.
func (s *Site) pageJob(args pageArgs) store.Job {
	j := newJob(jobPage, args.URL, args)
	j.Lane = "pages of " + s.Key
	return j
}

const (
	believed = 24 * time.Hour // how long a page is missing before that is believed
	giveUp   = 24 * time.Hour // how long it is waited for what was built to be live
)

// sight is what the address of a page answers.
type sight struct {
	reading
	gone bool  // 404 or 410
	err  error // it is there and says nothing that could be told
}

// see reads a page of the site. The error says that nothing can be known of it now.
func (j *Jobs) see(ctx context.Context, s *Site, address string) (sight, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return sight{}, queue.Permanent(err)
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	req.Header.Set("Cache-Control", "no-cache")
	resp, err := j.Own.Do(req)
	if err != nil {
		return sight{}, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return sight{gone: true}, nil
	default:
		return sight{}, fmt.Errorf("the page answers %s", resp.Status)
	}
	read, err := s.readPage(resp.Body, resp.Header.Get("Content-Type"), resp.Request.URL)
	return sight{reading: read, err: err}, nil
}

// page looks at a page that somebody has written, and tells those it links to, or linked to,
// when there is news. It waits for what was built to be live (T-WS11).
func (j *Jobs) page(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args pageArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	seen, err := j.see(ctx, s, args.URL)
	waited := j.DB.Now().Sub(args.Since)
	again := args.again(seen, err, waited)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case again != nil:
		return nil, again
	case err != nil:
		return j.pageNote(args, "given up: "+err.Error()), nil
	case args.Gone && !seen.gone:
		return j.pageNote(args, "it was taken away, and is still there after a day"), nil
	case seen.gone && !args.Gone:
		return j.missing(ctx, s, args, waited)
	}
	return func(tx *store.Tx) error { return s.noted(tx, args, seen) }, nil
}

// again says whether a page is to be looked at once more before its sight is believed, which
// it was waited for so long already: the error of the job.
func (a pageArgs) again(seen sight, err error, waited time.Duration) error {
	wait := min(max(waited/4, time.Second), time.Hour)
	switch {
	case waited >= giveUp:
		return nil
	case err != nil:
		return queue.After(wait, err)
	case a.Gone && !seen.gone:
		return queue.After(wait, errors.New("the page is still there"))
	case seen.err == nil && a.Expect != "" && seen.digest != a.Expect && waited < patience:
		return queue.After(min(wait, time.Minute), errors.New("what was built is not live yet"))
	case seen.gone && (a.Expect != "" || a.Tell):
		return queue.After(wait, errMissing)
	}
	return nil
}

var errMissing = errors.New("the page is not there")

// missing is what becomes of a page that answers 404 or 410 though nobody has said that it was
// taken away. It is believed when it is still so a day later; one that was never there is
// waited for as long.
func (j *Jobs) missing(ctx context.Context, s *Site, args pageArgs, waited time.Duration) (queue.Commit, error) {
	var page store.Outgoing
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		page, err = tx.Outgoing(args.URL)
		return ignore(err, fs.ErrNotExist)
	}); err != nil {
		return nil, err
	}
	switch {
	case page.Seen.IsZero() && waited < giveUp:
		return nil, queue.After(min(max(waited/4, time.Second), time.Hour), errMissing)
	case page.Seen.IsZero():
		return j.pageNote(args, "it never came"), nil
	case !page.Missing.IsZero() && j.DB.Now().Sub(page.Missing) >= believed:
		return func(tx *store.Tx) error { return s.noted(tx, args, sight{gone: true}) }, nil
	}
	return func(tx *store.Tx) error { // the watch looks again when its time has come
		page, err := tx.Outgoing(args.URL)
		if err != nil || !page.Missing.IsZero() {
			return err
		}
		page.Missing = tx.Now
		return tx.PutOutgoing(page)
	}, nil
}

// pageNote writes into the history of a page why nobody is told.
func (j *Jobs) pageNote(args pageArgs, note string) queue.Commit {
	return func(tx *store.Tx) error {
		page, err := tx.Outgoing(args.URL)
		if err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		page.Seen = tx.Now
		page.History = store.AddEvent(page.History, store.Event{At: tx.Now, Stage: "not told", Note: note})
		return tx.PutOutgoing(page)
	}
}

// noted writes down what a page says now and promises to tell it, if it is news.
func (s *Site) noted(tx *store.Tx, args pageArgs, seen sight) error {
	if _, err := tx.Post(args.URL); !errors.Is(err, fs.ErrNotExist) {
		return err // it is a post by now, and announces itself
	}
	page, err := tx.Outgoing(args.URL)
	if errors.Is(err, fs.ErrNotExist) {
		page, err = store.Outgoing{URL: args.URL}, nil
	}
	if err != nil {
		return err
	}
	first := page.Quiet && page.Seen.IsZero() && !args.Tell
	same := !(args.Tell && page.Quiet) && page.Digest == seen.digest && page.Gone.IsZero() == !seen.gone
	page.Seen, page.Missing = tx.Now, time.Time{}
	if seen.err == nil {
		page.Answers = seen.answers
	}
	switch {
	case seen.err != nil: // it says nothing of its own, which is nothing to tell
		return tx.PutOutgoing(page)
	case first:
		page.Digest, page.Links = seen.digest, seen.links
		return tx.PutOutgoing(page)
	case same:
		return tx.PutOutgoing(page)
	}
	return s.tell(tx, page, seen, nil)
}

// tell writes down a page as it is now and promises the sends: to those that there is news
// for, or to those of only.
func (s *Site) tell(tx *store.Tx, page store.Outgoing, seen sight, only []string) error {
	if only == nil || page.Revision == 0 { // else those who wait would wait for another's turn
		page.Revision++
	}
	all := telling{sent: page.Sent, history: page.History}
	what := news{
		source: page.URL, revision: page.Revision, links: seen.links, was: page.Links,
		changed: page.Digest == "" || page.Digest != seen.digest, only: only,
	}
	page.Answers = seen.answers
	switch page.Seen = tx.Now; {
	case only == nil:
		page.Digest, page.Links, page.Quiet = seen.digest, seen.links, false
	case len(page.Sent) == 0:
		page.Digest = seen.digest // else there is news left for the others
	}
	stage := "live"
	if page.Gone = (time.Time{}); seen.gone {
		page.Gone, stage = tx.Now, "gone"
	}
	all.note(tx, stage, "")
	if err := what.promise(tx, &all); err != nil {
		return err
	}
	page.Sent, page.History = all.sent, all.history
	return tx.PutOutgoing(page)
}
