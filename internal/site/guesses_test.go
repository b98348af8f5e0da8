package site_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// Whoever has the service restarted has not guessed less: wrong guesses are written down before
// they are answered, those that came at once as well. An honest sign-in costs nothing, and of
// nobody it is written down where they are (HOSTILE 66, 115).
func TestWrongGuessesSurviveARestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const phrase = "caballo grapa correcta"
		access := &site.Access{Site: w.site, DB: w.db}
		if err := access.SetPassphrase(t.Context(), "", phrase, ""); err != nil {
			t.Fatal(err)
		}
		from := func(address string) site.Arrival {
			return site.Arrival{Visit: site.Visit{From: netip.MustParseAddr(address)}}
		}
		counted := func() (n int) {
			t.Helper()
			err := w.db.View(t.Context(), w.site.Key, func(tx *store.Tx) error {
				all, err := tx.Guesses()
				n = len(all)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		honest, err := access.TryPassphrase(t.Context(), "", phrase, from("192.0.2.1"))
		if err != nil || counted() != 0 {
			t.Fatalf("an honest sign-in: %v, %d guesses are written down", err, counted())
		}
		var many *site.TooMany
		var wrong atomic.Int32
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				switch _, err := access.TryPassphrase(t.Context(), "", fmt.Sprint("guess number ", i), from("198.51.100.7")); {
				case errors.Is(err, site.ErrWrong):
					wrong.Add(1)
				case !errors.As(err, new(*site.TooMany)):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if wrong.Load() != 10 || counted() != 3 {
			t.Errorf("%d of 20 were tried, and %d budgets are written down", wrong.Load(), counted())
		}
		for i := range 3 {
			w.restart()
			access = &site.Access{Site: w.site, DB: w.db}
			if _, err := access.TryPassphrase(t.Context(), "", phrase, from("198.51.100.7")); !errors.As(err, &many) {
				t.Errorf("after restart %d: got %v", i+1, err)
			}
		}
		if _, err := access.TryPassphrase(t.Context(), "", "known", site.Arrival{Device: honest.Device}); !errors.Is(err, site.ErrWrong) {
			t.Errorf("from a known device: %v", err)
		}
		raw, err := os.ReadFile(filepath.Join(w.data, "tertulia.db"))
		if err != nil || strings.Contains(string(raw), "198.51.100.7") {
			t.Errorf("where they were is written down, %v", err)
		}
		pass(16 * time.Minute)
		if _, err := access.TryPassphrase(t.Context(), "", phrase, from("198.51.100.7")); err != nil {
			t.Errorf("a quarter of an hour later: %v", err)
		}
		pass(26 * time.Hour)
		if err := access.Sweep(t.Context(), 24*time.Hour); err != nil {
			t.Fatal(err)
		}
		if counted() != 0 {
			t.Errorf("after a day %d budgets are kept", counted())
		}
	})
}

// A clock that was ahead when somebody guessed shuts nobody out for longer than a guess costs.
func TestGuessesOfAClockThatWasAhead(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		access := &site.Access{Site: w.site, DB: w.db}
		if err := access.SetPassphrase(t.Context(), "", "caballo grapa correcta", ""); err != nil {
			t.Fatal(err)
		}
		from := site.Arrival{Visit: site.Visit{From: netip.MustParseAddr("198.51.100.7")}}
		if _, err := access.TryPassphrase(t.Context(), "", "no", from); !errors.Is(err, site.ErrWrong) {
			t.Fatal(err)
		}
		err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			all, err := tx.Guesses()
			for _, g := range all {
				g.Whole = g.Whole.AddDate(10, 0, 0)
				err = errors.Join(err, tx.PutGuesses(g))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		access = &site.Access{Site: w.site, DB: w.db}
		var many *site.TooMany
		if _, err := access.TryPassphrase(t.Context(), "", "no", from); !errors.As(err, &many) || many.After > 2*time.Minute {
			t.Errorf("got %v", err)
		}
		pass(2 * time.Minute)
		if _, err := access.TryPassphrase(t.Context(), "", "caballo grapa correcta", from); err != nil {
			t.Errorf("two minutes later: %v", err)
		}
	})
}
