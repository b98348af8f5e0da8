package store_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tertulia/store"
)

const lease = time.Minute

// taker has places for most jobs, one of each lane, and keeps what it is given.
func taker(owner string, most int, got *[]store.Job) *store.Taker {
	lanes, places := map[string]bool{}, most
	return &store.Taker{
		Owner: owner, Lease: func(string) time.Duration { return lease },
		Take: func(lane string) bool {
			if places == 0 || lane != "" && lanes[lane] {
				return false
			}
			places, lanes[lane] = places-1, true
			return true
		},
		Full:     func() bool { return places == 0 },
		GiveBack: func(lane string) { places, lanes[lane] = places+1, false },
		Start:    func(j store.Job) { *got = append(*got, j) },
	}
}

func claim(t failer, db *store.DB, owner string, most int) (got []store.Job) {
	t.Helper()
	n, err := db.Claim(bg, taker(owner, most, &got))
	if err != nil || n != len(got) {
		t.Fatalf("claim: got %d jobs, %d started, and %v", n, len(got), err)
	}
	return got
}

func enqueue(t failer, db *store.DB, site string, js ...store.Job) {
	t.Helper()
	update(t, db, site, func(tx *store.Tx) error {
		for _, j := range js {
			if err := tx.Enqueue(j); err != nil {
				return err
			}
		}
		return nil
	})
}

func listJobs(t failer, db *store.DB, site string) (found []store.Job) {
	t.Helper()
	view(t, db, site, func(tx *store.Tx) (err error) { found, err = tx.Jobs(); return err })
	return found
}

func keys(js []store.Job) []string {
	found := []string{}
	for _, j := range js {
		found = append(found, j.Site+" "+j.Key)
	}
	return found
}

func TestEnqueueCoalesces(t *testing.T) {
	first := store.Job{Kind: "send", Key: "k", Args: []byte(`1`), Due: start.Add(time.Hour)}
	anew := func(due time.Time) store.Job {
		return store.Job{Kind: "send", Key: "k", Args: []byte(`2`), Due: due}
	}
	settle := func(fn func(*store.Tx, store.Job) error) func(*testing.T, *store.DB, *clock) {
		return func(t *testing.T, db *store.DB, c *clock) {
			c.Add(time.Hour)
			got := claim(t, db, "me", 1)
			update(t, db, site, func(tx *store.Tx) error { return fn(tx, got[0]) })
		}
	}
	park := func(tx *store.Tx, j store.Job) error { return tx.ParkJob(j, "refused") }
	want := store.Job{Site: site, Kind: "send", Key: "k", Args: []byte(`2`), Due: start.Add(time.Hour), Created: start}
	with := func(change func(*store.Job)) store.Job {
		j := want
		change(&j)
		return j
	}
	for _, tt := range []struct {
		name   string
		before func(*testing.T, *store.DB, *clock)
		second store.Job
		want   store.Job
	}{
		{"later: the earlier time stays", nil, anew(start.Add(2 * time.Hour)), want},
		{"earlier: it is taken", nil, anew(start.Add(time.Minute)), with(func(j *store.Job) { j.Due = start.Add(time.Minute) })},
		{"no time: now", nil, anew(time.Time{}), with(func(j *store.Job) { j.Due = start })},
		{"leased: once more afterwards", settle(func(*store.Tx, store.Job) error { return nil }), anew(time.Time{}), with(func(j *store.Job) {
			j.Again, j.Attempts, j.Owner, j.Until = true, 1, "me", start.Add(time.Hour+lease)
		})},
		{"parked: begins anew", settle(park), anew(time.Time{}), with(func(j *store.Job) { j.Error = "refused" })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, c := openAt(t)
			enqueue(t, db, site, first)
			if tt.before != nil {
				tt.before(t, db, c)
			}
			enqueue(t, db, site, tt.second)
			got := listJobs(t, db, site)
			if d := cmp.Diff([]store.Job{tt.want}, got, cmpopts.IgnoreFields(store.Job{}, "ID")); d != "" {
				t.Errorf("jobs (-want +got):\n%s", d)
			}
			if n := jobCount(t, db); n != 1 {
				t.Errorf("count: got %d, want 1", n)
			}
		})
	}
}

func jobCount(t failer, db *store.DB) (n int) {
	t.Helper()
	view(t, db, site, func(tx *store.Tx) error { n = tx.JobCount(); return nil })
	return n
}

// A follow-up that a handler makes from its own job is a job of its own.
func TestEnqueueTakesOverOnlyWhatIsTheCallers(t *testing.T) {
	db, _ := openAt(t)
	enqueue(t, db, site, store.Job{Kind: "publish", Key: "k"})
	j := claim(t, db, "me", 1)[0]
	next := j
	next.Kind, next.Error, next.Panics, next.Parked, next.Again = "announce", "x", 2, start, true
	update(t, db, site, func(tx *store.Tx) error { return errors.Join(tx.Enqueue(next), tx.FinishJob(j)) })
	want := []store.Job{{Site: site, Kind: "announce", Key: "k", Due: start, Created: start}}
	if d := cmp.Diff(want, listJobs(t, db, site), cmpopts.IgnoreFields(store.Job{}, "ID")); d != "" {
		t.Errorf("jobs (-want +got):\n%s", d)
	}
}

func TestClaimTakesWhatIsDueOfAllSitesEarliestFirst(t *testing.T) {
	db, c := openAt(t)
	at := func(key string, minutes int) store.Job {
		return store.Job{Kind: "verify", Key: key, Due: start.Add(time.Duration(minutes) * time.Minute)}
	}
	enqueue(t, db, "b.example", at("3", 3), at("1", 1), at("late", 60))
	enqueue(t, db, "a.example", at("2", 2), at("4", 4))
	if next, ok, err := db.NextDue(); err != nil || !ok || !next.Equal(start.Add(time.Minute)) {
		t.Errorf("next due: got %v %v %v", next, ok, err)
	}
	if got := claim(t, db, "me", 10); len(got) != 0 {
		t.Errorf("claimed %v before their time", keys(got))
	}
	c.Add(10 * time.Minute)
	got := claim(t, db, "me", 3)
	if d := cmp.Diff([]string{"b.example 1", "a.example 2", "b.example 3"}, keys(got)); d != "" {
		t.Errorf("first claim (-want +got):\n%s", d)
	}
	for _, j := range got {
		if j.Attempts != 1 || j.Owner != "me" || !j.Until.Equal(c.Now().Add(lease)) {
			t.Errorf("claimed %+v, want one attempt under a lease of ours", j)
		}
	}
	if d := cmp.Diff([]string{"a.example 4"}, keys(claim(t, db, "other", 10))); d != "" {
		t.Errorf("second claim (-want +got):\n%s", d)
	}
	if next, ok, _ := db.NextDue(); !ok || !next.Equal(c.Now().Add(lease)) {
		t.Errorf("next due: got %v, want the end of the leases", next)
	}
	c.Add(lease)
	if d := cmp.Diff([]string{"a.example 2", "a.example 4", "b.example 1", "b.example 3"}, slices.Sorted(slices.Values(keys(claim(t, db, "other", 10))))); d != "" {
		t.Errorf("claim of leases that ran out (-want +got):\n%s", d)
	}
}

// HOSTILE R3: who has lost the lease can write nothing.
func TestLostLeaseKeepsNothing(t *testing.T) {
	finish := func(tx *store.Tx, j store.Job) error { return tx.FinishJob(j) }
	for _, tt := range []struct {
		name string
		lose func(*testing.T, *store.DB, *clock, store.Job)
	}{
		{"another has it", func(t *testing.T, db *store.DB, c *clock, _ store.Job) { c.Add(lease); claim(t, db, "other", 1) }},
		{"it was claimed anew by the same owner", func(t *testing.T, db *store.DB, c *clock, _ store.Job) { c.Add(lease); claim(t, db, "me", 1) }},
		{"it is done", func(t *testing.T, db *store.DB, _ *clock, j store.Job) {
			update(t, db, site, func(tx *store.Tx) error { return finish(tx, j) })
		}},
		{"it was released", func(t *testing.T, db *store.DB, _ *clock, _ store.Job) {
			if err := db.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		{"it began anew and is at its first attempt again", func(t *testing.T, db *store.DB, c *clock, _ store.Job) {
			c.Add(lease)
			second := claim(t, db, "me", 1)[0]
			enqueue(t, db, site, store.Job{Kind: "verify", Key: "k"})
			update(t, db, site, func(tx *store.Tx) error { return finish(tx, second) })
			claim(t, db, "me", 1)
		}},
	} {
		for verb, settle := range map[string]func(*store.Tx, store.Job) error{
			"finish": finish,
			"retry":  func(tx *store.Tx, j store.Job) error { return tx.RetryJob(j, tx.Now, "x", true) },
			"park":   func(tx *store.Tx, j store.Job) error { return tx.ParkJob(j, "x") },
		} {
			t.Run(tt.name+"/"+verb, func(t *testing.T) {
				db, c := openAt(t)
				enqueue(t, db, site, store.Job{Kind: "verify", Key: "k"})
				j := claim(t, db, "me", 1)[0]
				tt.lose(t, db, c, j)
				before := listJobs(t, db, site)
				err := db.Update(t.Context(), site, func(tx *store.Tx) error {
					return errors.Join(tx.PutMedia(store.Media{Name: "outcome"}), settle(tx, j))
				})
				if !errors.Is(err, store.ErrLease) {
					t.Errorf("got %v, want ErrLease", err)
				}
				if d := cmp.Diff(before, listJobs(t, db, site)); d != "" {
					t.Errorf("the job was touched:\n%s", d)
				}
				view(t, db, site, func(tx *store.Tx) error {
					_, err := tx.Media("outcome")
					wantNotExist(t, "what was done under the lost lease", err)
					return nil
				})
			})
		}
	}
}

func TestSettlingAJob(t *testing.T) {
	retry := func(counted bool) func(*store.Tx, store.Job) error {
		return func(tx *store.Tx, j store.Job) error {
			return tx.RetryJob(j, start.Add(time.Hour), "busy", counted)
		}
	}
	park := func(tx *store.Tx, j store.Job) error { return tx.ParkJob(j, "gone") }
	finish := func(tx *store.Tx, j store.Job) error { return tx.FinishJob(j) }
	want := store.Job{Site: site, Kind: "verify", Key: "k", Due: start, Created: start, Attempts: 1}
	with := func(change func(*store.Job)) []store.Job {
		j := want
		change(&j)
		return []store.Job{j}
	}
	for _, tt := range []struct {
		name   string
		again  bool // enqueued anew while it ran
		settle func(*store.Tx, store.Job) error
		want   []store.Job
	}{
		{"finish", false, finish, nil},
		{"finish, again", true, finish, with(func(j *store.Job) { j.Attempts = 0 })},
		{"retry counts", false, retry(true), with(func(j *store.Job) { j.Due, j.Error = start.Add(time.Hour), "busy" })},
		{"waiting does not", false, retry(false), with(func(j *store.Job) { j.Due, j.Error, j.Attempts = start.Add(time.Hour), "busy", 0 })},
		{"retry, again: at once", true, retry(true), with(func(j *store.Job) { j.Error = "busy" })},
		{"park", false, park, with(func(j *store.Job) { j.Parked, j.Error = start, "gone" })},
		{"park, again: begins anew", true, park, with(func(j *store.Job) { j.Error, j.Attempts = "gone", 0 })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db, _ := openAt(t)
			enqueue(t, db, site, store.Job{Kind: "verify", Key: "k"})
			j := claim(t, db, "me", 1)[0]
			if tt.again {
				enqueue(t, db, site, store.Job{Kind: "verify", Key: "k"})
			}
			update(t, db, site, func(tx *store.Tx) error { return tt.settle(tx, j) })
			if d := cmp.Diff(tt.want, listJobs(t, db, site), cmpopts.IgnoreFields(store.Job{}, "ID"), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("jobs (-want +got):\n%s", d)
			}
			wait := 0
			for _, j := range tt.want {
				if j.Parked.IsZero() {
					wait++
				}
			}
			if n := jobCount(t, db); n != wait {
				t.Errorf("count: got %d, want %d", n, wait)
			}
		})
	}
}

func TestUnparkIsForTheJobsOfTheSite(t *testing.T) {
	db, _ := openAt(t)
	enqueue(t, db, site, store.Job{Kind: "verify", Key: "k"})
	j := claim(t, db, "me", 1)[0]
	update(t, db, site, func(tx *store.Tx) error { return tx.ParkJob(j, "gone") })
	if _, ok, err := db.NextDue(); ok || err != nil {
		t.Errorf("a parked job is due: %v", err)
	}
	err := db.Update(t.Context(), "other.example", func(tx *store.Tx) error { return tx.Unpark(j.ID) })
	wantNotExist(t, "unpark from another site", err)
	err = db.Update(t.Context(), site, func(tx *store.Tx) error { return tx.Unpark("nothing") })
	wantNotExist(t, "unpark of nothing", err)
	update(t, db, site, func(tx *store.Tx) error { return tx.Unpark(j.ID) })
	if got := claim(t, db, "me", 1); len(got) != 1 || got[0].Attempts != 1 {
		t.Errorf("claimed %+v, want the job at its first attempt", got)
	}
	// One that runs is left alone.
	update(t, db, site, func(tx *store.Tx) error { return tx.Unpark(j.ID) })
	if got := claim(t, db, "other", 1); len(got) != 0 {
		t.Errorf("claimed %+v that another works on", got)
	}
}
