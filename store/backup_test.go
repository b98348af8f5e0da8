package store_test

import (
	"fmt"
	"io"
	"os"
	"sync"
	"testing"

	"tertulia/store"
)

// HOSTILE F15: a copy made while writers go on is one moment's picture and opens.
func TestBackupIsAConsistentCopyWhileWritersRun(t *testing.T) {
	db := open(t, t.TempDir(), store.Options{})
	write := func(i int) {
		update(t, db, site, func(tx *store.Tx) error {
			// Two records and a job that are true together or not at all.
			for _, name := range []string{"left", "right"} {
				if err := tx.PutMedia(store.Media{Name: name, Size: int64(i)}); err != nil {
					return err
				}
			}
			return tx.Enqueue(store.Job{Kind: "k", Key: fmt.Sprint(i)})
		})
	}
	write(1)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	writers.Go(func() {
		for i := 2; ; i++ {
			select {
			case <-stop:
				return
			default:
				write(i)
			}
		}
	})
	for range 5 {
		dir := t.TempDir()
		f, err := os.Create(database(dir))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Backup(f); err != nil {
			t.Errorf("backup: %v", err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		copied := open(t, dir, store.Options{})
		view(t, copied, site, func(tx *store.Tx) error {
			left, err := tx.Media("left")
			if err != nil {
				return err
			}
			right, err := tx.Media("right")
			if left.Size != right.Size || left.Size == 0 || tx.JobCount() != int(left.Size) {
				t.Errorf("the copy has left %d, right %d, %d jobs", left.Size, right.Size, tx.JobCount())
			}
			return err
		})
	}
	close(stop)
	writers.Wait()
}

func TestBackupReportsAWriterThatFails(t *testing.T) {
	db, _ := openAt(t)
	r, w := io.Pipe()
	r.CloseWithError(io.ErrShortWrite)
	if err := db.Backup(w); err == nil {
		t.Error("got no error from a backup that could not be written")
	}
	update(t, db, site, func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: "a"}) })
}
