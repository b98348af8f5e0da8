package site

import "runtime"

// Gate lets a few through at once. Strangers' pages are parsed behind one, so that a flood
// of large ones costs neither the memory of all of them nor the readers' processors.
type Gate struct{ places chan struct{} }

// NewGate makes a gate for parsing: half of the processors go through it, four at the most.
func NewGate() *Gate {
	return &Gate{make(chan struct{}, min(4, max(1, runtime.NumCPU()/2)))}
}

// Enter waits for a place and returns what gives it back. A nil Gate is open.
func (g *Gate) Enter() (leave func()) {
	if g == nil {
		return func() {}
	}
	g.places <- struct{}{}
	return func() { <-g.places }
}
