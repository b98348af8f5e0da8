package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// Job is work that is owed: it was promised in the transaction that enqueued it,
// and goes in the one that records its outcome.
//
//	waiting (Due) ──claim: Attempts+1, lease──▶ leased (Owner, Until) ──▶ gone
//	promised ─────take, if a worker is free────▶   │
//	   ▲  ▲                                        │        │
//	   │  └──────────── retry, lease ran out ──────┘        └──▶ parked ──▶ waiting
//	   └── enqueued anew while it ran (Again)
type Job struct {
	ID      string          `json:"id"`
	Site    string          `json:"site"`
	Kind    string          `json:"kind"`           // verify, send, publish…
	Key     string          `json:"key"`            // one job of a kind with a key at a time
	Lane    string          `json:"lane,omitempty"` // the stranger's host it goes to, where it is alone; "": a job of our own
	Args    json.RawMessage `json:"args,omitempty"`
	Due     time.Time       `json:"due"`
	Created time.Time       `json:"created"`

	Attempts int       `json:"attempts,omitempty"` // begun, counted before the work
	Panics   int       `json:"panics,omitempty"`   // attempts that ended so, or with the process
	Again    bool      `json:"again,omitempty"`    // enqueued anew while it ran
	Owner    string    `json:"owner,omitempty"`    // who works on it
	Until    time.Time `json:"until,omitzero"`     // how long it is theirs
	Parked   time.Time `json:"parked,omitzero"`    // given up until somebody says retry
	Error    string    `json:"error,omitempty"`    // of the last attempt
}

// ErrLease is returned when a job is no longer its owner's: another has it, or it is
// gone. Nothing of what was done for it may be kept.
var ErrLease = errors.New("the job is no longer ours")

const (
	jobsDue    = "jobs_due"    // time·site·id·lane → id
	jobsKey    = "jobs_key"    // site·kind·key → id
	jobsParked = "jobs_parked" // id → id
	jobsLeased = "jobs_leased" // id → id
	jobsLane   = "jobs_lane"   // lane → number of jobs that wait or run
)

var jobs = table[Job]{
	name: "jobs", kind: "job", version: 1, global: true,
	key: func(j *Job) string { return j.ID },
	indexes: func(j *Job) []indexEntry {
		entries := []indexEntry{{jobsKey, join(j.Site, j.Kind, j.Key)}}
		if !j.Parked.IsZero() {
			return append(entries, indexEntry{jobsParked, j.ID})
		}
		due := j.Due
		if j.Owner != "" {
			due = j.Until
			entries = append(entries, indexEntry{jobsLeased, j.ID})
		}
		return append(entries, indexEntry{jobsDue, join(timePart(due), j.Site, j.ID, j.CurrentLane())})
	},
}

// suspects is the lane of jobs that ran when something went badly wrong: they run one
// at a time, so that the next accident has one culprit.
const suspects = "suspects"

// CurrentLane is the lane that the job runs in, "" when it has none.
func (j Job) CurrentLane() string {
	if j.Panics > 0 {
		return suspects
	}
	return j.Lane
}

// Enqueue promises a job of the transaction's site: Kind, Key, Lane, Args and Due (zero:
// now) are the caller's. A job of that kind and key that already waits takes the new
// arguments and the earlier time; one that runs will run once more.
func (tx *Tx) Enqueue(j Job) error {
	if j.Due.IsZero() {
		j.Due = tx.Now
	}
	have, err := jobs.lookup(tx, jobsKey, tx.Site, j.Kind, j.Key)
	if errors.Is(err, fs.ErrNotExist) {
		// Nothing else of j is taken over: a follow-up made from the job that
		// runs must not inherit its lease and attempts.
		j = Job{
			ID: NewID(tx.Now), Site: tx.Site, Kind: j.Kind, Key: j.Key, Lane: j.Lane, Args: j.Args,
			Due: j.Due, Created: tx.Now,
		}
		tx.jobs = !tx.takes(&j) || tx.jobs
		if err := tx.countJob(j, +1); err != nil {
			return err
		}
		return jobs.replace(tx, nil, &j)
	}
	if err != nil {
		return err
	}
	tx.jobs = true
	have.Args = j.Args
	switch {
	case have.Owner != "":
		have.Again = true
	case !have.Parked.IsZero():
		have.Parked, have.Attempts, have.Panics, have.Due = time.Time{}, 0, 0, j.Due
		if err := tx.countJob(have, +1); err != nil {
			return err
		}
	case j.Due.Before(have.Due):
		have.Due = j.Due
	}
	return jobs.put(tx, have)
}

// Claim takes jobs that are due, of all sites, for which the taker has places, earliest
// first in each lane and the lanes in turn, counts the attempt before the work begins, and
// starts them. They are its own for the length of the lease. It tells how many. A store
// that is paused has none to give.
func (db *DB) Claim(ctx context.Context, t *Taker) (claimed int, err error) {
	err = db.updateFor(ctx, "", t, func(tx *Tx) error {
		claimed = 0
		if err := db.clock.follow(tx); err != nil {
			return err
		}
		if paused(tx.r) {
			return nil
		}
		due, err := tx.due()
		if err != nil {
			return err
		}
		for _, was := range due {
			j := was
			tx.lease(&j)
			if err := jobs.replace(tx, &was, &j); err != nil {
				return err
			}
		}
		claimed = len(due)
		return nil
	})
	return claimed, err
}

// due reads the jobs whose time has come and for which there is a place: those without a
// lane in their order, and the first of each lane, the lanes in turn. However much waits
// for one host, the next one's turn comes after one job of each (HOSTILE 108). A job that
// cannot be read is parked, so that it cannot hold up the others, nor have the runner
// come back for it again and again.
func (tx *Tx) due() ([]Job, error) {
	var found []Job
	damaged := map[string]string{} // key of the entry → id
	take := func(lane string, entry pair) {
		if !tx.place(lane) {
			return
		}
		j, err := jobs.get(tx, string(entry.value))
		if err == nil {
			found = append(found, j)
			return
		}
		tx.log.Error("job parked that cannot be read", "error", err)
		damaged[string(entry.key)] = string(entry.value)
		last := len(tx.places) - 1
		tx.taker.GiveBack(tx.places[last])
		tx.places = tx.places[:last]
	}
	type waiting struct {
		lane  string
		since time.Time // for a place: since its job is due, or the lane had its last one
		first pair
	}
	var lanes []waiting
	seen := map[string]bool{}
	pre := prefix("", jobsDue)
	for k, id := range tx.r.scan(pre, nil, false) {
		at, ok := timeAt(k, pre)
		if !ok {
			damaged[string(k)] = string(id)
			continue
		}
		if at.After(tx.Now) || tx.taker.Full() {
			break
		}
		lane := k[bytes.LastIndexByte(k, 0)+1:]
		if len(lane) == 0 {
			take("", pair{k, id})
			continue
		}
		if seen[string(lane)] {
			continue
		}
		name := string(lane)
		seen[name] = true
		since := at
		if last := tx.taker.last(name); !last.Before(at) {
			since = last.Add(1) // after those that are due since then
		}
		lanes = append(lanes, waiting{name, since, pair{bytes.Clone(k), bytes.Clone(id)}})
	}
	slices.SortStableFunc(lanes, func(a, b waiting) int { return a.since.Compare(b.since) })
	for _, w := range lanes {
		take(w.lane, w.first)
	}
	for k, id := range damaged {
		if err := errors.Join(tx.w.delete([]byte(k)), tx.w.put(key("", jobsParked, id), []byte(id))); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// NextDue tells when the next job is due; false when none waits, or all of them for
// the end of a pause.
func (db *DB) NextDue() (next time.Time, ok bool, err error) {
	err = db.engine.view(func(r reader) error {
		if paused(r) {
			return nil
		}
		pre := prefix("", jobsDue)
		for k := range r.scan(pre, nil, false) {
			if next, ok = timeAt(k, pre); !ok {
				return damaged(k, "its key is cut off")
			}
			break
		}
		return nil
	})
	return next, ok, err
}

// JobsReady holds a token after a commit that brought or freed a job.
func (db *DB) JobsReady() <-chan struct{} { return db.ready }

// Release makes every leased job due at once. The one process that holds the data
// says so when it starts: whoever had the leases is gone, and died with the job in
// hand, which counts as a panic. (Who is stopped in good order gives its jobs back.)
func (db *DB) Release(ctx context.Context) error {
	return db.update(ctx, "", func(tx *Tx) error {
		tx.w.relief() // a service must be able to start on a full disk
		var ids []string
		for _, id := range tx.r.scan(prefix("", jobsLeased), nil, false) {
			ids = append(ids, string(id))
		}
		for _, id := range ids {
			j, err := jobs.get(tx, id)
			if err != nil {
				tx.log.Error("job passed over", "error", err)
				continue
			}
			j.Owner, j.Until, j.Due = "", time.Time{}, tx.Now
			j.Panics++
			if err := jobs.put(tx, j); err != nil {
				return err
			}
		}
		tx.jobs = true
		return nil
	})
}

// Jobs lists the site's jobs in the order they were promised.
func (tx *Tx) Jobs() ([]Job, error) {
	return jobs.all(tx, func(j *Job) bool { return j.Site == tx.Site })
}

var jobsCount = key("", "meta", "jobs_count")

// countJob keeps the numbers of jobs that wait or run. Parked ones do not count:
// they are in nobody's way.
func (tx *Tx) countJob(j Job, by int) error {
	if err := tx.add(jobsCount, by); err != nil || j.Lane == "" {
		return err
	}
	return tx.add(key("", jobsLane, j.Lane), by)
}

// JobCount is how many jobs of all sites wait or run.
func (tx *Tx) JobCount() int { return tx.number(jobsCount) }

// LaneCount is how many jobs of all sites wait or run in a lane.
func (tx *Tx) LaneCount(lane string) int { return tx.number(key("", jobsLane, lane)) }
