package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"tertulia/store"
)

// BenchmarkUpdate64 is 64 callers that each wait until their record is on disk.
func BenchmarkUpdate64(b *testing.B) {
	db := open(b, b.TempDir(), store.Options{})
	work := make(chan int)
	done := make(chan error, 64)
	for range 64 {
		go func() {
			var failed error
			for i := range work {
				if err := db.Update(bg, site, func(tx *store.Tx) error {
					return tx.PutMedia(store.Media{Name: fmt.Sprintf("%09d", i), Type: "image/jpeg"})
				}); err != nil {
					failed = err
				}
			}
			done <- failed
		}()
	}
	var n atomic.Int64
	for b.Loop() {
		work <- int(n.Add(1))
	}
	close(work)
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMentionsOf reads the first hundred of a thousand mentions of a page.
func BenchmarkMentionsOf(b *testing.B) {
	db := open(b, b.TempDir(), store.Options{})
	update(b, db, site, func(tx *store.Tx) error {
		if err := tx.PutPage(store.Page{ID: "p"}); err != nil {
			return err
		}
		for i := range 1000 {
			if err := tx.PutMention(public(fmt.Sprintf("m%04d", i), "p", "1")); err != nil {
				return err
			}
		}
		return nil
	})
	for b.Loop() {
		view(b, db, site, func(tx *store.Tx) error {
			got, next, err := tx.MentionsOf("p", store.Range{})
			if len(got) != 100 || next == "" {
				b.Fatalf("got %d mentions, next %q", len(got), next)
			}
			return err
		})
	}
}
