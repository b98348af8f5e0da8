package store_test

import (
	"errors"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

// each kind of access record, put with an expiry and read by a hash.
var access = map[string]struct {
	put func(tx *store.Tx, hash string, expires time.Time) error
	get func(tx *store.Tx, hash string) error
}{
	"token": {
		func(tx *store.Tx, h string, e time.Time) error {
			return tx.PutToken(indieauth.Token{Hash: h, Expires: e})
		},
		func(tx *store.Tx, h string) error { _, err := tx.Token(h); return err },
	},
	"refresh token": {
		func(tx *store.Tx, h string, e time.Time) error {
			return errors.Join(tx.PutToken(indieauth.Token{Hash: "of " + h}), tx.PutRefresh(indieauth.Refresh{Hash: h, Token: "of " + h, Expires: e}))
		},
		func(tx *store.Tx, h string) error { _, _, err := tx.Refresh(h); return err },
	},
	"code": {
		func(tx *store.Tx, h string, e time.Time) error {
			return tx.PutCode(indieauth.Code{Hash: h, Expires: e})
		},
		func(tx *store.Tx, h string) error { _, err := tx.Code(h); return err },
	},
	"session": {
		func(tx *store.Tx, h string, e time.Time) error {
			return tx.PutSession(store.Session{Hash: h, Expires: e})
		},
		func(tx *store.Tx, h string) error { _, err := tx.Session(h); return err },
	},
	"request": {
		func(tx *store.Tx, h string, e time.Time) error {
			return tx.PutRequest(store.Request{Hash: h, Kind: "link", Expires: e})
		},
		func(tx *store.Tx, h string) error { _, err := tx.Request("link", h); return err },
	},
}

func TestAccessExpiresWhetherSweptOrNot(t *testing.T) {
	for name, kind := range access {
		t.Run(name, func(t *testing.T) {
			db, c := openAt(t)
			expires := start.Add(time.Hour)
			update(t, db, site, func(tx *store.Tx) error {
				return errors.Join(kind.put(tx, "soon", expires), kind.put(tx, "later", expires.Add(time.Hour)), kind.put(tx, "never", time.Time{}))
			})
			look := func(when string, want map[string]bool) {
				t.Helper()
				view(t, db, site, func(tx *store.Tx) error {
					for h, there := range want {
						err := kind.get(tx, h)
						if (err == nil) != there || err != nil && !errors.Is(err, fs.ErrNotExist) {
							t.Errorf("%s, %s: got %v, want there %t", when, h, err, there)
						}
					}
					return nil
				})
			}
			sweep := func(before time.Time) {
				t.Helper()
				update(t, db, site, func(tx *store.Tx) error { return tx.SweepAccess(before) })
			}
			c.Add(time.Hour - time.Nanosecond)
			look("a nanosecond before the end", map[string]bool{"soon": true, "later": true, "never": true})
			c.Add(time.Nanosecond)
			look("at the end", map[string]bool{"soon": false, "later": true, "never": true})
			sweep(expires)
			c.Add(-time.Hour) // HOSTILE F17: a clock that goes back shows what a sweep has left
			look("swept up to the end, clock back", map[string]bool{"soon": true, "later": true, "never": true})
			sweep(expires.Add(time.Nanosecond))
			look("swept", map[string]bool{"soon": false, "later": true, "never": true})
			sweep(start.AddDate(1000, 0, 0))
			look("all swept", map[string]bool{"soon": false, "later": false, "never": true})
		})
	}
}

func TestDropOfWhatIsNotThereIsFine(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.DropToken("x"), tx.DropSession("x"), tx.DropMedia("x"), tx.PutToken(indieauth.Token{Hash: "t"}), tx.DropToken("t"))
	})
	view(t, db, site, func(tx *store.Tx) error {
		_, err := tx.Token("t")
		wantNotExist(t, "a token that was dropped", err)
		return nil
	})
}

func TestTokensListsTheValidOnes(t *testing.T) {
	db, c := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(
			tx.PutToken(indieauth.Token{Hash: "a", Expires: start.Add(time.Hour)}),
			tx.PutToken(indieauth.Token{Hash: "b"}))
	})
	c.Add(time.Hour)
	view(t, db, site, func(tx *store.Tx) error {
		got, err := tx.Tokens()
		if err != nil || len(got) != 1 || got[0].Hash != "b" {
			t.Errorf("got %v and %v, want b", got, err)
		}
		return nil
	})
}

// A code that was used is still read: its second use must be noticed.
func TestUsedCodeIsRead(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return tx.PutCode(indieauth.Code{Hash: "c", Expires: start.Add(time.Hour), Used: start})
	})
	view(t, db, site, func(tx *store.Tx) error {
		got, err := tx.Code("c")
		if err != nil || !got.Used.Equal(start) {
			t.Errorf("got %+v and %v, want the used code", got, err)
		}
		return nil
	})
}

func TestRequestIsHadOnce(t *testing.T) {
	db, _ := openAt(t)
	update(t, db, site, func(tx *store.Tx) error {
		return tx.PutRequest(store.Request{Hash: "r", Kind: "link", Expires: start.Add(time.Hour)})
	})
	err := db.Update(t.Context(), site, func(tx *store.Tx) error { _, err := tx.TakeRequest("consent", "r"); return err })
	wantNotExist(t, "a request of another kind", err)
	var (
		group sync.WaitGroup
		had   atomic.Int32
	)
	for range 50 {
		group.Go(func() {
			err := db.Update(bg, site, func(tx *store.Tx) error { _, err := tx.TakeRequest("link", "r"); return err })
			if err == nil {
				had.Add(1)
			} else if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want fs.ErrNotExist", err)
			}
		})
	}
	group.Wait()
	if had.Load() != 1 {
		t.Errorf("the request was had %d times", had.Load())
	}
}
