package main

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
)

// readTen: the ten mentions of a page, of 10,000 that are stored, against a bare handler;
// and the same when none of the answers was given before, so that each has to be made.
func readTen(b *testing.B) {
	const posts = 1000
	s, bare := serveHere(b, filled(b, posts, 10)), get(yardstick(b, hello), 200)
	compare(b, "ratio≥0.55", get(s.conversation(500), 200), bare)
	compare(b, "ratio-anew", s.anew(posts), bare)
}

// anew reads the conversations of so many posts in turn. As the service has never seen
// any of the addresses before, it does not have the answers yet.
func (p venue) anew(posts int) traffic {
	t, _ := to(p.home(), 200)
	var run atomic.Int64
	t.request = func(int64) []byte {
		n := run.Add(1)
		_, request := to(fmt.Sprintf("%s&n=%d", p.conversation(int(n*7919)%posts), n), 200)
		return []byte(request + "\r\n")
	}
	return t
}

// readThousand: a page of a thousand mentions in full against its bytes from memory.
func readThousand(b *testing.B) {
	address, _ := thousand(b)
	memory := yardstick(b, fromMemory(b, address))
	compare(b, "ratio≥0.6", get(address, 200), get(memory, 200))
}

// readUnchanged: the same for readers who have it already, against a bare handler.
func readUnchanged(b *testing.B) {
	address, tag := thousand(b)
	compare(b, "ratio≥0.7", get(address, 304, "If-None-Match: "+tag+"\r\n"), get(yardstick(b, hello), 200))
}

// thousand serves a page with a thousand mentions.
func thousand(b *testing.B) (address, tag string) {
	s := serveHere(b, filled(b, 1, 1000))
	address = s.conversation(0) + "&per-page=1000"
	resp, err := http.Head(address)
	if err != nil {
		b.Fatal(err)
	}
	resp.Body.Close()
	return address, resp.Header.Get("ETag")
}

// accept: durable accepts while nothing is verified, against a handler that only reads
// the form.
func accept(b *testing.B) {
	s := serveHere(b, filled(b, 10, 1))
	form := yardstick(b, func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("source") == "" || r.PostFormValue("target") == "" {
			w.WriteHeader(400)
			return
		}
		w.WriteHeader(202)
	})
	target := func(int64) string { return s.permalink(3) }
	compare(b, "ratio≥0.35", mentions(s.endpoint("webmention"), 201, nobody(), target), mentions(form, 202, nobody(), target))
}
