package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

const day = 24 * time.Hour

// jumps are the wrong clocks of HOSTILE 100 and F17.
var jumps = map[string]time.Duration{
	"a day back":       -day,
	"ten years back":   -3652 * day,
	"1970":             time.Unix(0, 0).Sub(start),
	"before 1970":      time.Unix(-1e9, 0).Sub(start),
	"ten years on":     3652 * day,
	"a thousand years": 292 * 365 * day, // as much as a Duration holds
}

// keepsAccess writes what can expire, and what was used.
func keepsAccess(t *testing.T, db *store.DB) {
	t.Helper()
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutSession(store.Session{Hash: "session", Expires: start.Add(30 * day)}),
			tx.PutToken(indieauth.Token{Hash: "token", Expires: start.Add(365 * day)}),
			tx.PutToken(indieauth.Token{Hash: "forever"}),
			tx.PutCode(indieauth.Code{Hash: "code", Expires: start.Add(10 * time.Minute), Used: start}))
	})
}

// sweep does what the service does every hour.
func sweep(db *store.DB) error {
	return db.Update(bg, site, func(tx *store.Tx) error { return tx.SweepAccess(tx.Now.Add(-day)) })
}

// accessIsThere reads what keepsAccess wrote, with the clock set right.
func accessIsThere(t *testing.T, db *store.DB) {
	t.Helper()
	view(t, db, site, func(tx *store.Tx) error {
		_, session := tx.Session("session")
		_, token := tx.Token("token")
		_, forever := tx.Token("forever")
		code, err := tx.Code("code")
		if err != nil || code.Used.IsZero() {
			t.Errorf("the used code: got %+v and %v, want it used", code, err)
		}
		if err := errors.Join(session, token, forever); err != nil {
			t.Errorf("gone for good: %v", err)
		}
		return nil
	})
}

// HOSTILE 100, F17: a clock that jumps while the service runs, or was wrong when it
// started, and is set right within the hour, has cost nothing.
func TestWrongClockRemovesNothing(t *testing.T) {
	for name, jump := range jumps {
		for _, boot := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, at boot %t", name, boot), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					dir := t.TempDir()
					c := &clock{now: start}
					db := open(t, dir, store.Options{Now: c.Now})
					keepsAccess(t, db)
					claim(t, db, "me", 1) // the runner asks every minute at least
					if boot {
						db.Close()
						c.Add(jump)
						db = open(t, dir, store.Options{Now: c.Now})
					} else {
						c.Add(jump)
					}
					for range 5 { // almost an hour
						err := sweep(db)
						if want := jump > 30*day; errors.Is(err, store.ErrClock) != want || err != nil && !want {
							t.Errorf("sweep: got %v, want refused %t", err, want)
						}
						claim(t, db, "me", 1)
						c.Add(10 * time.Minute)
						time.Sleep(10 * time.Minute)
					}
					c.Set(start.Add(time.Minute))
					// To who believed the year 1970 for a while, ours is a leap.
					if err := sweep(db); err != nil && !(jump < -30*day && errors.Is(err, store.ErrClock)) {
						t.Errorf("sweep with the clock set right: %v", err)
					}
					accessIsThere(t, db)
				})
			})
		}
	}
}

// A leap that lasts an hour of uptime is believed: a machine may have been off for long.
func TestClockIsBelievedAfterAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		c := &clock{now: start}
		db := open(t, dir, store.Options{Now: c.Now})
		keepsAccess(t, db)
		claim(t, db, "me", 1)
		db.Close()
		c.Add(60 * day)
		db = open(t, dir, store.Options{Now: c.Now})
		for i := range 7 {
			if err := sweep(db); errors.Is(err, store.ErrClock) != (i < 6) {
				t.Errorf("after %d minutes: got %v", i*10, err)
			}
			c.Add(10 * time.Minute)
			time.Sleep(10 * time.Minute)
		}
		view(t, db, site, func(tx *store.Tx) error {
			if _, err := tx.Session("session"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the session: got %v, want it swept", err)
			}
			return nil
		})
		// What was believed is remembered.
		claim(t, db, "me", 1)
		db.Close()
		c.Add(20 * day)
		if err := sweep(open(t, dir, store.Options{Now: c.Now})); err != nil {
			t.Errorf("after a restart 20 days later: %v", err)
		}
	})
}

// HOSTILE 100, F17: whatever the clock said when jobs were scheduled, they move when it
// is right; those that wait by a right clock go on waiting.
func TestJobsMoveWhenTheClockIsSetRight(t *testing.T) {
	for name, jump := range jumps {
		for _, boot := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, at boot %t", name, boot), func(t *testing.T) {
				dir := t.TempDir()
				c := &clock{now: start.Add(jump)}
				db := open(t, dir, store.Options{Now: c.Now})
				enqueue := func(key string, wait time.Duration) {
					update(t, db, site, func(tx *store.Tx) error {
						return tx.Enqueue(store.Job{Kind: "k", Key: key, Due: tx.Now.Add(wait)})
					})
				}
				claim(t, db, "me", 1)
				enqueue("soon", time.Minute)
				enqueue("later", 36*time.Hour)
				if boot {
					db.Close()
				}
				c.Set(start)
				if boot {
					db = open(t, dir, store.Options{Now: c.Now})
				}
				enqueue("new", 0)
				keys := func() (keys []string) {
					for _, j := range claim(t, db, "me", 10) {
						keys = append(keys, j.Key)
						update(t, db, site, func(tx *store.Tx) error { return tx.FinishJob(j) })
					}
					slices.Sort(keys)
					return keys
				}
				first := keys()
				if !slices.Contains(first, "new") {
					t.Errorf("at once: got %v, want new", first)
				}
				// A clock that is turned on makes what waits due, which does no harm.
				if jump > 0 && slices.Contains(first, "soon") {
					t.Errorf("at once: got %v, want the others to go on waiting", first)
				}
				c.Add(time.Minute)
				second := append(keys(), first...)
				if !slices.Contains(second, "soon") {
					t.Errorf("after a minute: got %v, want soon", second)
				}
				if jump > 0 && slices.Contains(second, "later") {
					t.Errorf("after a minute: got %v, want later to go on waiting", second)
				}
				c.Add(36 * time.Hour)
				if third := append(keys(), second...); !slices.Contains(third, "later") {
					t.Errorf("after 36 hours: got %v, want later", third)
				}
			})
		}
	}
}

// Where nothing has seen the clock before, no job waits longer than any may.
func TestNoJobWaitsForYears(t *testing.T) {
	db, c := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(
			tx.Enqueue(store.Job{Kind: "k", Key: "years", Due: start.AddDate(10, 0, 0)}),
			tx.Enqueue(store.Job{Kind: "k", Key: "a day", Due: start.Add(day)}))
	})
	if got := claim(t, db, "me", 10); len(got) != 1 || got[0].Key != "years" {
		t.Errorf("got %v, want the job that would have waited for years", got)
	}
	c.Add(day)
	if got := claim(t, db, "me", 10); !slices.ContainsFunc(got, func(j store.Job) bool { return j.Key == "a day" }) {
		t.Errorf("got %v, want the other a day later", got)
	}
}

// HOSTILE F17: ids stay unique under any clock, and in order while it goes on.
func TestIDsUnderAnyClock(t *testing.T) {
	seen := map[string]bool{}
	var last string
	for _, at := range []time.Time{time.Unix(-1e9, 0), time.Unix(0, 0), start.AddDate(-10, 0, 0), start, start.Add(time.Millisecond), start.AddDate(10, 0, 0), start.AddDate(5000, 0, 0)} {
		for range 1000 {
			id := store.NewID(at)
			if seen[id] || len(id) != 26 {
				t.Fatalf("%s: %q was given before, or is not 26 long", at, id)
			}
			seen[id] = true
		}
		id := store.NewID(at)[:9] // the time, but for its last bits
		if id < last {
			t.Errorf("%s: %q comes before %q", at, id, last)
		}
		last = id
	}
}
