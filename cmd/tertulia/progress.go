package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// progress shows on a terminal how far a long run has come.
type progress struct {
	io    stdio
	total int // 0: nobody knows
	shown time.Time
	said  bool
}

const (
	progressAfter = time.Second // what is over sooner needs no bar
	progressEvery = 200 * time.Millisecond
	barWidth      = 30
)

// newProgress is silent where nobody looks at a terminal, or a program reads what is printed.
func newProgress(io stdio, total int, silent bool) *progress {
	if silent || !isTerminal(os.Stderr) {
		return &progress{}
	}
	return &progress{io: io, total: total, shown: time.Now().Add(progressAfter - progressEvery)}
}

// at says that n are done.
func (p *progress) at(n int) {
	if p.shown.IsZero() || time.Since(p.shown) < progressEvery {
		return
	}
	p.shown, p.said = time.Now(), true
	if p.total == 0 {
		fmt.Fprintf(p.io.err, "\r%d", n)
		return
	}
	done := barWidth * n / p.total
	fmt.Fprintf(p.io.err, "\r[%s%s] %d of %d", strings.Repeat("#", done), strings.Repeat(" ", barWidth-done), n, p.total)
}

// end takes the bar away.
func (p *progress) end() {
	if p.said {
		fmt.Fprint(p.io.err, "\r\033[K")
	}
}
