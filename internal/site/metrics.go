package site

import (
	"cmp"
	"context"
	"strings"

	"tertulia/internal/metrics"
	"tertulia/store"
	"tertulia/webmention"
)

// Numbers counts what jobs come to while the program runs. The zero value is empty.
type Numbers struct {
	looked, sent metrics.Tally
}

// cause is what a look at a source can come to, as [Reason] has it, by the words behind the
// dot of its keys; a look that found the link has none.
func cause(seen webmention.Verification, hopeless bool) string {
	switch {
	case seen.Outcome == webmention.Linked:
		return ""
	case hopeless:
		return "blocked"
	}
	for _, r := range reasons {
		if r.said.MatchString(seen.Reason) {
			return strings.TrimPrefix(r.key, "reason.")
		}
	}
	return "other"
}

// Write adds the jobs of all sites, what waits for the owners, and what was counted to a page
// of numbers. The labels are kinds of jobs that have a handler, the settings' sites, and words of
// our own.
func (j *Jobs) Write(ctx context.Context, page *metrics.Page) error {
	numbers, err := j.DB.JobNumbers(ctx)
	if err != nil {
		return err
	}
	known := j.Handlers()
	type sum struct {
		store.JobNumbers
		late float64
	}
	sums, order := map[string]*sum{}, []string{}
	for _, n := range numbers {
		if known[n.Kind] == nil {
			n.Kind = "other"
		}
		of := sums[n.Kind]
		if of == nil {
			of = &sum{}
			sums[n.Kind], order = of, append(order, n.Kind)
		}
		of.Waiting, of.Running, of.Parked = of.Waiting+n.Waiting, of.Running+n.Running, of.Parked+n.Parked
		if n.Waiting > 0 {
			of.late = max(of.late, j.DB.Now().Sub(n.Due).Seconds())
		}
	}
	page.Family("tertulia_jobs", metrics.Gauge, "Jobs by kind and state: waiting, running, or parked until the owner says what to do.")
	for _, kind := range order {
		page.Sample(float64(sums[kind].Waiting), "kind", kind, "state", TaskWaiting)
		page.Sample(float64(sums[kind].Running), "kind", kind, "state", TaskRunning)
		page.Sample(float64(sums[kind].Parked), "kind", kind, "state", TaskParked)
	}
	page.Family("tertulia_jobs_oldest_seconds", metrics.Gauge, "For how long the oldest job of a kind has been due and waits.")
	for _, kind := range order {
		page.Sample(sums[kind].late, "kind", kind)
	}
	_, paused, err := j.DB.Paused()
	if err != nil {
		return err
	}
	page.Family("tertulia_jobs_paused", metrics.Gauge, "1 while all jobs wait for the owner's word, as after a restore.")
	page.Sample(map[bool]float64{true: 1}[paused])
	if err := j.writeSites(ctx, page); err != nil {
		return err
	}
	page.Family("tertulia_webmentions_looked_at_total", metrics.Counter, "Looks at the sources of mentions, by what they came to and why.")
	page.Samples(&j.Numbers.looked, "outcome", "cause")
	page.Family("tertulia_webmentions_sent_total", metrics.Counter, "Attempts to send a Webmention, by what they came to.")
	page.Samples(&j.Numbers.sent, "outcome")
	return nil
}

// mostWritten is up to how many of a site are counted for a page of numbers.
const mostWritten = 10_000

// writeSites adds what waits at each site.
func (j *Jobs) writeSites(ctx context.Context, page *metrics.Page) error {
	each := func(count func(s *Site, tx *store.Tx)) (err error) {
		for _, s := range j.Sites {
			err = cmp.Or(err, j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
				count(s, tx)
				return nil
			}))
		}
		return err
	}
	page.Family("tertulia_decisions_waiting", metrics.Gauge, "Mentions that wait for the owner, by site; counted up to 10000.")
	err := each(func(s *Site, tx *store.Tx) {
		page.Sample(float64(tx.CountIn(store.Pending, mostWritten)), "site", s.Key)
	})
	page.Family("tertulia_unanswered", metrics.Gauge, "Responses that the owner has not answered or set aside, by site; counted up to 10000.")
	err = cmp.Or(err, each(func(s *Site, tx *store.Tx) {
		page.Sample(float64(tx.CountOpen(store.Unanswered, mostWritten)), "site", s.Key)
	}))
	page.Family("tertulia_copies", metrics.Gauge, "Copies on networks that are on their way or want the owner, by site, account and state; counted up to 10000.")
	return cmp.Or(err, each(func(s *Site, tx *store.Tx) {
		for _, a := range s.Accounts {
			for _, state := range append([]store.CopyState{store.CopyWaiting}, wanting...) {
				page.Sample(float64(tx.CountCopies(a.UID, state, mostWritten)), "site", s.Key, "account", a.UID, "state", string(state))
			}
		}
	}))
}
