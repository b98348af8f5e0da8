package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// JobState is where a job stands.
type JobState string

// A job waits for its time or a free worker, runs, or was set aside. [AnyJob] is all of them.
const (
	AnyJob     JobState = ""
	JobWaiting JobState = "waiting"
	JobRunning JobState = "running"
	JobParked  JobState = "parked"
)

// State is where the job stands.
func (j Job) State() JobState {
	switch {
	case !j.Parked.IsZero():
		return JobParked
	case j.Owner != "":
		return JobRunning
	}
	return JobWaiting
}

// JobNumbers says how many jobs of a kind a site has.
type JobNumbers struct {
	Site, Kind               string
	Waiting, Running, Parked int
	Due                      time.Time // of the one that waits for the longest; in the future where none is late; zero: none waits
}

// ErrRunning is returned for a job that is under way: it is left to end.
var ErrRunning = errors.New("the job is running")

// jobEntry is a job as the indexes know it.
type jobEntry struct {
	site, kind, key, id string
	state               JobState
	due                 time.Time
}

// jobEntries reads the jobs of a site from the indexes alone, by kind and key; of "" those of
// all sites. What is parked or leased is known by its own index, however damaged its record.
func (tx *Tx) jobEntries(site string) []jobEntry {
	states := map[string]JobState{}
	for index, state := range map[string]JobState{jobsLeased: JobRunning, jobsParked: JobParked} {
		for _, id := range tx.r.scan(prefix("", index), nil, false) {
			states[string(id)] = state
		}
	}
	due := map[string]time.Time{}
	pre := prefix("", jobsDue)
	for k, id := range tx.r.scan(pre, nil, false) {
		if at, ok := timeAt(k, pre); ok {
			due[string(id)] = at
		}
	}
	all := prefix("", jobsKey)
	pre = all
	if site != "" {
		pre = prefix("", jobsKey, site)
	}
	var found []jobEntry
	for k, id := range tx.r.scan(pre, nil, false) {
		parts := strings.SplitN(string(bytes.TrimPrefix(k, all)), "\x00", 3)
		if len(parts) < 3 {
			tx.log.Error("record passed over", "error", damaged(k, "its key is cut off"))
			continue
		}
		one := jobEntry{site: parts[0], kind: parts[1], key: parts[2], id: string(id), due: due[string(id)]}
		if one.state = states[one.id]; one.state == AnyJob {
			one.state = JobWaiting
		}
		found = append(found, one)
	}
	return found
}

// JobNumbers counts the site's jobs, by kind. It reads indexes only.
func (tx *Tx) JobNumbers() []JobNumbers { return numbersOf(tx.jobEntries(tx.Site)) }

// JobNumbers counts the jobs of all sites, by site and kind.
func (db *DB) JobNumbers(context.Context) (found []JobNumbers, err error) {
	err = db.engine.view(func(r reader) error {
		found = numbersOf((&Tx{r: r, log: db.log}).jobEntries(""))
		return nil
	})
	return found, err
}

func numbersOf(entries []jobEntry) (found []JobNumbers) {
	for _, e := range entries {
		if n := len(found); n == 0 || found[n-1].Site != e.site || found[n-1].Kind != e.kind {
			found = append(found, JobNumbers{Site: e.site, Kind: e.kind})
		}
		of := &found[len(found)-1]
		switch e.state {
		case JobRunning:
			of.Running++
		case JobParked:
			of.Parked++
		default:
			of.Waiting++
			if of.Due.IsZero() || e.due.Before(of.Due) {
				of.Due = e.due
			}
		}
	}
	return found
}

// JobsOf lists some of the site's jobs of a kind ("" for all) in a state, in the order in which
// they were promised, and the cursor of the rest; "" when there is none. One whose record is
// damaged is among them, with what the indexes know and the damage as its Error.
func (tx *Tx) JobsOf(kind string, state JobState, r Range) (found []Job, next string) {
	entries := slices.DeleteFunc(tx.jobEntries(tx.Site), func(e jobEntry) bool {
		return kind != "" && e.kind != kind || state != AnyJob && e.state != state || e.id < r.From
	})
	slices.SortFunc(entries, func(a, b jobEntry) int { return strings.Compare(a.id, b.id) })
	for _, e := range entries {
		if len(found) == r.limit() {
			return found, e.id
		}
		j, err := jobs.get(tx, e.id)
		if err != nil {
			j = Job{ID: e.id, Site: e.site, Kind: e.kind, Key: e.key, Due: e.due, Created: idTime(e.id), Error: err.Error()}
			if e.state == JobParked {
				j.Parked = j.Created
			}
		}
		found = append(found, j)
	}
	return found, ""
}

// Job reads a job of the site by its id.
func (tx *Tx) Job(id string) (Job, error) {
	j, err := jobs.get(tx, id)
	if err == nil && j.Site != tx.Site {
		return Job{}, fmt.Errorf("job %q: %w", id, fs.ErrNotExist)
	}
	return j, err
}

// DropJob forgets a job that waits or is parked: what it was to do is not done. It is
// [ErrRunning] for one that is under way, and fs.ErrNotExist for one of another site.
func (tx *Tx) DropJob(id string) error {
	j, err := tx.Job(id)
	if err != nil {
		return err
	}
	if j.Owner != "" {
		return fmt.Errorf("%s %s: %w", j.Kind, id, ErrRunning)
	}
	tx.w.relief()
	if j.Parked.IsZero() {
		if err := tx.countJob(j, -1); err != nil {
			return err
		}
	}
	return jobs.delete(tx, id)
}
