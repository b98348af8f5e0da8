package site_test

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/queue"
	"tertulia/micropub"
	"tertulia/store"
)

// After a restore there are the uploads and no copies of them: these are made again, by
// one job, which those who use the queue do not notice.
func TestCopiesThatAreMissingAreMadeAgain(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		var all []string
		for range 5 {
			all = append(all, w.upload(photo(t, 1000, 10)))
		}
		small, moves := w.upload(photo(t, 100, 10)), w.upload(moving(t, 1000, 10))
		torn := w.upload(torn(t, 1000, 10))
		pass(time.Minute)
		sized := filepath.Join(w.site.Uploads, "sized")
		// One has lost one of its copies, the others all.
		for i, address := range all {
			for _, copied := range w.copies(address) {
				if i > 0 || copied == "-480.jpg" {
					stem := strings.TrimSuffix(path.Base(address), ".jpg")
					if err := os.Remove(filepath.Join(sized, stem+copied)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		w.stop()
		for range 2 { // the same start twice
			if err := w.jobs.Begin(t.Context(), w.site); err != nil {
				t.Fatal(err)
			}
		}
		if jobs := w.jobList(); len(jobs) != 1 {
			t.Errorf("jobs: %+v, want one", jobs)
		}
		stopped := make(chan struct{}, 1)
		w.runner.Handlers = dieAt(w.runner.Handlers, 2, true, stopped)
		w.start()
		pass(time.Second)
		<-stopped
		w.reopen()
		pass(10 * time.Minute)
		for _, address := range all {
			if diff := cmp.Diff([]string{"-480.jpg", "-960.jpg"}, w.copies(address)); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
		}
		for _, address := range []string{small, moves, torn} {
			if got := w.copies(address); got != nil {
				t.Errorf("%s has the copies %v", address, got)
			}
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// A picture that cannot be decoded has its pages written again, which offered copies of it,
// and is said once in the log.
func TestPagesOfferNoCopiesThatNeverCome(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		address := w.upload(torn(t, 1000, 10))
		w.stop() // the post is there before anybody looks at the picture
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			row, err := tx.Media(path.Base(address))
			row.Whole = false
			return errors.Join(err, tx.PutMedia(row))
		}); err != nil {
			t.Fatal(err)
		}
		post := w.create(entry("photo", address, "published", "1999-11-05T10:00:00Z"))
		w.log.Reset()
		handlers := w.jobs.Handlers()
		w.runner.Handlers = map[string]queue.Handler{"publish": handlers["publish"], "lists": handlers["lists"], "announce": handlers["announce"],
			"resize": func(context.Context, store.Job) (queue.Commit, error) {
				return nil, queue.After(time.Minute, errors.New("later"))
			}}
		w.start()
		pass(3 * time.Second)
		offers := func(where string, want bool) {
			t.Helper()
			for _, name := range []string{"index.html", strings.TrimPrefix(post, "https://me.example/") + "index.html"} {
				page, err := os.ReadFile(filepath.Join(w.root, name))
				if err != nil || strings.Contains(string(page), "srcset") != want {
					t.Errorf("%s, %s: %v, copies are offered: not %t", where, name, err, want)
				}
			}
		}
		offers("before", true)
		w.stop()
		w.runner.Handlers = w.jobs.Handlers()
		w.start()
		if err := w.jobs.Begin(t.Context(), w.site); err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Minute)
		offers("after", false)
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
		if n := strings.Count(w.log.String(), "an upload has no smaller copies"); n != 1 {
			t.Errorf("%d lines in the log, want one:\n%s", n, w.log.String())
		}
	})
}

// Copies count as uploads do, and go with them.
func TestCopiesCountAndGoWithTheirUpload(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		address := w.upload(photo(t, 1000, 10))
		pass(time.Minute)
		var row store.Media
		w.view(func(tx *store.Tx) (err error) {
			row, err = tx.Media(path.Base(address))
			return err
		})
		var onDisk int64
		files, err := filepath.Glob(filepath.Join(w.site.Uploads, "sized", "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			stat, err := os.Stat(f)
			if err != nil {
				t.Fatal(err)
			}
			onDisk += stat.Size()
		}
		if onDisk == 0 || row.Copies != onDisk {
			t.Errorf("counted are %d bytes, on disk %d", row.Copies, onDisk)
		}
		next := photo(t, 100, 10)
		w.up.Quota = row.Size + int64(len(next))
		upload := func() error {
			_, err := w.up.Upload(t.Context(), editor, micropub.File{Body: strings.NewReader(string(next)), Size: -1})
			return err
		}
		if err := upload(); err == nil || !strings.Contains(err.Error(), "used up") {
			t.Errorf("with copies there is no room, got %v", err)
		}
		if w.up.Quota += row.Copies + 1; upload() != nil {
			t.Error("there is room, and it is refused")
		}
		if err := w.up.Discard(t.Context(), editor, address); err != nil {
			t.Fatal(err)
		}
		if left := w.copies(address); left != nil {
			t.Errorf("left are %v", left)
		}
	})
}
