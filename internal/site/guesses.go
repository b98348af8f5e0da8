package site

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"sync"
	"time"

	"tertulia/indieauth"
	"tertulia/store"
)

// TooMany is returned when nobody may guess any more for a while.
type TooMany struct{ After time.Duration }

// Error is of error: how long to wait, in English.
func (e *TooMany) Error() string {
	return fmt.Sprintf("too many guesses; the next in %s", e.After.Round(time.Second))
}

// RetryAfter is how long to wait.
func (e *TooMany) RetryAfter() time.Duration { return e.After }

// budget is so many guesses, which come back one by one within a time.
type budget struct {
	most int
	per  time.Duration
}

// How much may be guessed (HOSTILE 66). A browser that has signed in before draws on its
// own budget, so that nobody can use up its person's.
var (
	perDevice  = budget{10, 15 * time.Minute}
	perNetwork = budget{10, 15 * time.Minute} // an IPv4 address, or a /64
	perPerson  = budget{30, time.Hour}        // whether or not there is such a person
	perSite    = budget{60, time.Minute}
)

// guesses counts guesses. Each budget is one moment, that at which it is whole again: a guess
// moves it a step into the future. They are kept by slots, four letters of a hash, so that they
// say nothing of whom they are about, and that there are only so many of them; strangers who
// share one share a budget. Wrong guesses are written down before they are answered, so
// that a restart gives nobody a fresh allowance; right ones are not.
type guesses struct {
	mu     sync.Mutex
	whole  map[string]time.Time
	recall sync.Mutex // while what was written down is read
	known  bool       // it has been read
}

// spend is one budget to draw on.
type spend struct {
	key string
	budget
}

// slot is where a budget is kept: of whose it is only the kind can be read.
func (s spend) slot() string {
	kind, whose, _ := strings.Cut(s.key, ": ")
	return kind + " " + indieauth.Hash(whose)[:4]
}

// take takes a guess from each budget, and stops at the first that has none left.
func (g *guesses) take(from ...spend) error {
	now := time.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.whole) >= maxKeys {
		maps.DeleteFunc(g.whole, func(_ string, at time.Time) bool { return !now.Before(at) })
	}
	for _, s := range from {
		if latest := now.Add(s.per); g.whole[s.slot()].After(latest) { // the clock has gone back
			g.put(s.slot(), latest)
		}
	}
	for _, s := range from {
		at := g.whole[s.slot()]
		if at.Before(now) {
			at = now
		}
		at = at.Add(s.per / time.Duration(s.most))
		if wait := at.Sub(now) - s.per; wait > 0 {
			return &TooMany{wait}
		}
		g.put(s.slot(), at)
	}
	return nil
}

func (g *guesses) put(slot string, at time.Time) {
	if g.whole == nil {
		g.whole = map[string]time.Time{}
	}
	g.whole[slot] = at
}

// recallGuesses reads, once, what was guessed wrongly before the service began.
func (a *Access) recallGuesses(ctx context.Context) error {
	g := &a.guesses
	g.recall.Lock()
	defer g.recall.Unlock()
	if g.known {
		return nil
	}
	var before []store.Guesses
	err := a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) (err error) {
		before, err = tx.Guesses()
		return err
	})
	if err != nil {
		return fmt.Errorf("recall guesses: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range before {
		g.put(b.Slot, b.Whole)
	}
	g.known = true
	return nil
}

// guessedWrong writes down what was taken for a guess that was wrong.
func (a *Access) guessedWrong(ctx context.Context, from []spend) error {
	a.guesses.mu.Lock()
	var now []store.Guesses
	for _, s := range from {
		now = append(now, store.Guesses{Slot: s.slot(), Whole: a.guesses.whole[s.slot()]})
	}
	a.guesses.mu.Unlock()
	err := a.update(context.WithoutCancel(ctx), func(tx *store.Tx) error { // whoever hangs up has guessed nevertheless
		for _, g := range now {
			if err := tx.PutGuesses(g); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("write down a wrong guess: %w", err)
	}
	return nil
}

// one is the network that counts as one guesser: an IPv4 address, or the /64 that every
// IPv6 customer has at least.
func one(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
