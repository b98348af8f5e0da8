// Package faketest is networks to test against: small servers that behave as docs/networks.md
// says the real ones do, and a door before them that breaks in the ways networks do.
//
//	network := &faketest.Mastodon{Token: "t"}
//	door := &faketest.Door{Next: network}
//	web.Handle("social.example", door)
//	door.Break(faketest.Fault{Method: "POST", Path: "/api/v1/statuses", Cut: true})
//
// Only _test.go files use it.
package faketest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Fault is one way to fail, for the next request that it fits.
type Fault struct {
	Method string // empty: any
	Path   string // a part of it; empty: any
	Times  int    // for so many requests; 0: one, negative: all

	Cut    bool          // the request is taken, then the connection closed before the answer
	Drop   bool          // the connection is closed before the request is taken
	Slow   time.Duration // the answer comes so much later
	During func()        // is called when the request has been taken, before the answer
	Status int           // this is answered instead
	Header map[string]string
	Body   string // instead of the network's, of a request that it has taken when Status is 0
}

// Door passes requests on to a network until it is told to break.
type Door struct {
	Next http.Handler

	mu     sync.Mutex
	faults []*Fault
	seen   int
}

// Break makes the door fail. Of several faults that fit, the one that was given first happens.
func (d *Door) Break(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if f.Times == 0 {
		f.Times = 1
	}
	d.faults = append(d.faults, &f)
}

// Mend ends all faults.
func (d *Door) Mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// Seen is how many requests have come.
func (d *Door) Seen() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.seen
}

func (d *Door) fault(r *http.Request) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen++
	for _, f := range d.faults {
		if f.Times != 0 && (f.Method == "" || f.Method == r.Method) && strings.Contains(r.URL.Path, f.Path) {
			f.Times--
			return f
		}
	}
	return nil
}

// ServeHTTP answers as the network does.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := d.fault(r)
	switch {
	case f == nil:
		d.Next.ServeHTTP(w, r)
		return
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Status != 0:
		for name, value := range f.Header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(f.Status)
		_, _ = io.WriteString(w, f.Body) // whoever has gone needs no answer
		return
	}
	taken := httptest.NewRecorder()
	d.Next.ServeHTTP(taken, r)
	if f.During != nil {
		f.During()
	}
	if f.Slow > 0 {
		select {
		case <-time.After(f.Slow):
		case <-r.Context().Done():
		}
	}
	if f.Cut {
		panic(http.ErrAbortHandler)
	}
	for name, values := range taken.Header() {
		w.Header()[name] = values
	}
	for name, value := range f.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(taken.Code)
	if f.Body != "" {
		_, _ = io.WriteString(w, f.Body) // as above
		return
	}
	_, _ = w.Write(taken.Body.Bytes()) // as above
}
