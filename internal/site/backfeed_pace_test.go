package site_test

import (
	"fmt"
	"testing"
	"time"

	"tertulia/internal/syndicate"
)

// How often a copy is asked follows its age: many times in its first hour, once a day after a
// month, not at all after a year and a bit; whatever fails, it is not asked more often.
func TestCopiesAreAskedByTheirAge(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.out("Hola")
		last := 0
		for _, c := range []struct {
			until, step time.Duration
			least, most int
		}{
			{time.Hour, time.Minute, 28, 31},
			{24 * time.Hour, time.Minute, 90, 93},
			{7 * 24 * time.Hour, 30 * time.Minute, 70, 73},
			{30 * 24 * time.Hour, time.Hour, 90, 94},
			{60 * 24 * time.Hour, 12 * time.Hour, 28, 31},
		} {
			out := w.copyOf(post, net).Out
			for time.Since(out) < c.until {
				must(t, w.jobs.NoticeAnswers(t.Context()))
				pass(c.step)
			}
			if got := n.count("poll") - last; got < c.least || got > c.most {
				t.Errorf("until %s it was asked %d times, want %d to %d", c.until, got, c.least, c.most)
			}
			last = n.count("poll")
		}
		pass(400 * 24 * time.Hour)
		must(t, w.jobs.NoticeAnswers(t.Context()))
		pass(time.Minute)
		if c := w.copyOf(post, net); !c.Next.IsZero() {
			t.Errorf("after more than a year it is asked again at %s", c.Next)
		}
	}, n.on(net))
}

// A network that is down, or wants to be left alone, is: for all copies of the account.
func TestQuestionsAreNotHammeredEither(t *testing.T) {
	n := newNetwork(syndicate.Header)
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 20 {
			w.out(fmt.Sprint(i))
		}
		n.set(func() {
			n.fails = func(string) error { return &syndicate.Error{Doing: "poll", Status: 429, After: 2 * time.Hour} }
			n.calls = nil
		})
		w.minutely(119 * time.Minute)
		if got := n.count("poll"); got != 1 {
			t.Errorf("it was asked %d times in two hours, want once", got)
		}
		n.set(func() { n.fails = nil; n.calls = nil })
		w.minutely(3 * time.Hour)
		if got := n.count("poll"); got < 20 {
			t.Errorf("it was asked %d times when it may be, want for each copy", got)
		}
	}, n.on(net))
}
