//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ExitCode is the status of a process that ended at a point.
const ExitCode = 86

// point is what FP says about one name.
type point struct {
	nth    int64 // the time that counts; 0: a switch
	action string
	times  atomic.Int64 // that somebody came by
}

var points = sync.OnceValue(func() map[string]*point {
	found, err := parse(os.Getenv("FP"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "failpoint:", err)
		os.Exit(2)
	}
	return found
})

func parse(list string) (map[string]*point, error) {
	found := map[string]*point{}
	for word := range strings.SplitSeq(list, ",") {
		if word == "" {
			continue
		}
		name, rest, acts := strings.Cut(word, ":")
		p := &point{}
		if acts {
			nth, action, _ := strings.Cut(rest, ":")
			n, err := strconv.ParseInt(nth, 10, 64)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%q: want NAME:N:ACTION with N from 1", word)
			}
			switch action {
			case "exit", "panic", "error", "sleep":
			default:
				return nil, fmt.Errorf("%q: there is no action %q, only exit, panic, error and sleep", word, action)
			}
			p.nth, p.action = n, action
		}
		found[name] = p
	}
	return found, nil
}

// Hit is a place where the process may end or stand still.
func Hit(name string) {
	if err := Err(name); err != nil {
		panic(err)
	}
}

// Err is a place where there may be an error besides.
func Err(name string) error {
	p := points()[name]
	if p == nil || p.nth == 0 || p.times.Add(1) != p.nth {
		return nil
	}
	fmt.Fprintf(os.Stderr, "failpoint %s:%d:%s\n", name, p.nth, p.action)
	err := fmt.Errorf("%w %s", ErrInjected, name)
	switch p.action {
	case "exit":
		os.Exit(ExitCode)
	case "panic":
		panic(err)
	case "sleep":
		time.Sleep(time.Minute)
		return nil
	}
	return err
}

// On tells whether a switch is on.
func On(name string) bool {
	p := points()[name]
	return p != nil && p.nth == 0
}
