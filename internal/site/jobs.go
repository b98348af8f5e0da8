package site

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"tertulia/internal/media"
	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// Jobs are the handlers of the durable work: publish → announce → send for posts,
// verify and picture for mentions, merge for pages, resize for uploads. Each may run twice:
// publishing writes the same files, a look at a page or a source changes nothing but what it finds, a
// picture is kept under the name that follows from it, and a Webmention that arrives twice
// is one.
type Jobs struct {
	Sites     []*Site
	DB        *store.DB
	Own       *http.Client // to the site's own pages
	Strangers *http.Client // to wherever outsiders point
	Verifier  *webmention.Verifier
	Sender    *webmention.Sender
	Live      *Arrivals
	Resizer   *media.Resizer // of pictures; nil: uploaded ones are shown as they are, those of authors not kept
	Log       *slog.Logger

	Mail    func(context.Context, Letter) error // sends a letter to the owner; nil: there is no mail server
	Settled func(*url.URL) bool                 // whether the settings name a host, so that Own goes there; nil: none

	Hosts   *Hosts   // strangers' hosts that are to be left alone for a while; must be set
	Parsing *Gate    // for the pages of strangers; nil: open
	Never   []string // hosts that take no Webmentions, and those below them: they are not asked
	// Check looks whether a site is attached; nil: nobody can. ctx bounds it.
	Check    func(context.Context, *Site) ([]CheckPoint, error)
	Hopeless func(error) bool // whether an error of Strangers is one that another attempt cannot mend; may be nil

	Numbers Numbers // what they have come to

	turns    turns      // of requests to the hosts that Webmentions go to
	resizing sync.Mutex // pictures are made smaller one at a time
	pictures sync.Mutex // of authors: written, or swept
	asked    rates      // for them, by host
	heard    hearsay    // what sources have just said
	rests    rests      // of accounts that copies go to
	opened   opened     // the same accounts
}

// The kinds of jobs. A released name is never given another meaning.
const (
	jobPublish  = "publish"  // key: permalink
	jobLists    = "lists"    // key: month, such as 2026-11
	jobAnnounce = "announce" // key: permalink
	jobSend     = "send"     // key: permalink and target
	jobVerify   = "verify"   // key: id of the mention
	jobDeploy   = "deploy"   // key: the site
	jobAdopt    = "adopt"    // key: the site
	jobBatch    = "batch"    // key: the site
	jobResize   = "resize"   // key: name of the file
	jobTrust    = "trust"    // key: id of the person
	jobStatus   = "status"   // key: source and target
	jobPage     = "page"     // key: address of a page that is no post
	jobWatch    = "watch"    // key: the site
	jobHub      = "hub"      // key: address of the feed
	jobPicture  = "picture"  // key: address of an author's picture
	jobAgain    = "again"    // key: the site
	jobMerge    = "merge"    // key: id of the page that was merged
	jobFaces    = "faces"    // key: the site
	jobCheck    = "check"    // key: the site
	jobTrial    = "trial"    // key: id of the trial and its step
	jobMail     = "mail"     // key: id of the letter
	jobHook     = "hook"     // key: id of the hook
	jobAnswer   = "answer"   // key: permalink; the store promises it

	jobSyndicate = "syndicate" // key: permalink and uid of the account
	jobPoll      = "poll"      // key: the same
	jobCopied    = "copied"    // key: permalink
)

// Handlers is what a queue.Runner runs.
func (j *Jobs) Handlers() map[string]queue.Handler {
	return map[string]queue.Handler{
		jobPublish:  j.publish,
		jobLists:    j.lists,
		jobAnnounce: j.announce,
		jobSend:     j.send,
		jobVerify:   j.verify,
		jobDeploy:   j.deploy,
		jobAdopt:    j.adopt,
		jobBatch:    j.batch,
		jobResize:   j.resize,
		jobTrust:    j.trust,
		jobStatus:   j.follow,
		jobPage:     j.page,
		jobWatch:    j.watch,
		jobHub:      j.ping,
		jobPicture:  j.picture,
		jobAgain:    j.again,
		jobMerge:    j.merge,
		jobFaces:    j.faces,
		jobCheck:    j.checkup,
		jobTrial:    j.trial,
		jobMail:     j.mail,
		jobHook:     j.hook,
		jobAnswer:   j.answer,

		jobSyndicate: j.syndicate,
		jobPoll:      j.poll,
		jobCopied:    j.copied,
	}
}

// Leases are how long the jobs may take that take long: a generator builds a large site in
// minutes, whoever needs the source first has it cloned, and a small machine makes a large
// picture smaller in a minute.
func (j *Jobs) Leases() map[string]time.Duration {
	const build, clone, scan = 15 * time.Minute, 15 * time.Minute, 15 * time.Minute
	return map[string]time.Duration{
		jobDeploy: build, jobAdopt: clone, jobPublish: clone, jobWatch: scan, jobResize: 5 * time.Minute, jobAgain: 5 * time.Minute, jobCheck: checkTime,
		jobSyndicate: 10 * time.Minute,
	}
}

// Begin promises what has to be done once after the start: to look through the source of a
// site, at what was collected there, for the settings may be others, and at the lists of its
// pages; and to make the copies of pictures that are missing.
func (j *Jobs) Begin(ctx context.Context, s *Site) error {
	if err := j.reviveAccounts(ctx, s); err != nil {
		return err
	}
	var jobs []store.Job
	if s.Source != nil {
		jobs = append(jobs, adoptJob(s))
	}
	if s.Watch != nil {
		jobs = append(jobs, watchJob(s))
	}
	if missing, err := j.missingCopies(ctx, s, ""); err != nil {
		return err
	} else if missing != "" {
		jobs = append(jobs, againJob(s, ""))
	}
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		for _, person := range s.newKeepers(tx) {
			jobs = append(jobs, trustJob(trustArgs{Person: person}))
		}
		return nil
	}); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return nil // a start writes nothing that need not be
	}
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		waiting, err := tx.CollectedPosts()
		if len(waiting) > 0 && s.Source != nil {
			err = cmp.Or(err, tx.Enqueue(batchJob(s)))
		}
		for _, job := range jobs {
			err = cmp.Or(err, tx.Enqueue(job))
		}
		return err
	})
}

// sendArgs are the arguments of a send.
type sendArgs struct {
	Permalink string `json:"permalink"`
	Target    string `json:"target"`
}

// publishJob goes one at a time where posts go into a source: one with a slow disk or a long
// history holds up nobody else's.
func (s *Site) publishJob(permalink string) store.Job {
	j := newJob(jobPublish, permalink, permalink)
	if s.Source != nil {
		j.Lane = "source of " + s.Key
	}
	return j
}

func watchJob(s *Site) store.Job             { return newJob(jobWatch, s.Key, s.Key) }
func listsJob(month string) store.Job        { return newJob(jobLists, month, month) }
func deployJob(s *Site) store.Job            { return newJob(jobDeploy, s.Key, s.Key) }
func adoptJob(s *Site) store.Job             { return newJob(jobAdopt, s.Key, s.Key) }
func batchJob(s *Site) store.Job             { return newJob(jobBatch, s.Key, s.Key) }
func resizeJob(name string) store.Job        { return newJob(jobResize, name, name) }
func mergeJob(page string) store.Job         { return newJob(jobMerge, page, page) }
func announceJob(permalink string) store.Job { return newJob(jobAnnounce, permalink, permalink) }

// verifyJob and sendJob go to a stranger's host, one at a time to each.
func verifyJob(m store.Mention) store.Job {
	j := newJob(jobVerify, m.ID, m.ID)
	j.Lane = lane(m.Source)
	return j
}

func sendJob(permalink, target string) store.Job {
	j := newJob(jobSend, permalink+" "+target, sendArgs{permalink, target})
	j.Lane = lane(target)
	return j
}

func pictureJob(photo string) store.Job {
	j := newJob(jobPicture, photo, photo)
	j.Lane = lane(photo)
	return j
}

// lane is the host of an address.
func lane(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "?"
	}
	return cmp.Or(hostName(u), "?")
}

func newJob(kind, key string, args any) store.Job {
	raw, err := json.Marshal(args)
	if err != nil {
		panic(err) // strings, and structs of strings, always encode
	}
	return store.Job{Kind: kind, Key: key, Args: raw}
}

// begin reads what a job is about.
func (j *Jobs) begin(job store.Job, args any) (*Site, error) {
	if err := json.Unmarshal(job.Args, args); err != nil {
		return nil, queue.Permanent(fmt.Errorf("read the arguments of %s: %w", job.Kind, err))
	}
	for _, s := range j.Sites {
		if s.Key == job.Site {
			return s, nil
		}
	}
	return nil, queue.Permanent(fmt.Errorf("the site %s is not in the settings", job.Site))
}

// hopeless tells whether another attempt cannot mend an error of Strangers.
func (j *Jobs) hopeless(err error) bool { return err != nil && j.Hopeless != nil && j.Hopeless(err) }

func (j *Jobs) log() *slog.Logger {
	if j.Log != nil {
		return j.Log
	}
	return slog.New(slog.DiscardHandler)
}
