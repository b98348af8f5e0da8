package main

import (
	"context"
	"net/http"
	"testing"

	"tertulia/store"
)

// BenchmarkOnePut is the floor under BenchmarkAccept on this disk: the same senders, the
// same yardstick, and between them nothing but one small record kept durably.
func BenchmarkOnePut(b *testing.B) {
	s := newBench(b)
	pages := s.fill(b, 10, 1)
	form := func(w http.ResponseWriter, r *http.Request) bool {
		if r.PostFormValue("source") == "" || r.PostFormValue("target") == "" {
			w.WriteHeader(400)
			return false
		}
		return true
	}
	kept := yardstick(b, func(w http.ResponseWriter, r *http.Request) {
		if !form(w, r) {
			return
		}
		if err := s.db.Update(context.Background(), s.key, func(tx *store.Tx) error {
			return tx.Record(store.Decision{By: "bench", Action: "none", Subject: r.PostFormValue("source")})
		}); err != nil {
			w.WriteHeader(500)
			return
		}
		w.WriteHeader(201)
	})
	bare := yardstick(b, func(w http.ResponseWriter, r *http.Request) {
		if form(w, r) {
			w.WriteHeader(202)
		}
	})
	compare(b, 16, sender(kept, 201, pages[3]), sender(bare, 202, pages[3]))
}
