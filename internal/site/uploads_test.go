package site_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"tertulia/internal/site"
	"tertulia/micropub"
	"tertulia/store"
)

func picture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// MP-18, F5, HOSTILE 80, 82: a file is kept whole, typed by its bytes and under a name
// that nobody can guess, or not at all.
func TestUploadsAreKeptWholeOrNotAtAll(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		dir := t.TempDir()
		up := &site.Uploads{Posts: w.posts, Dir: dir, Max: 1 << 10}
		pic := picture(t)
		send := func(name, kind string, body io.Reader) (string, error) {
			return up.Upload(t.Context(), editor, micropub.File{Name: name, ContentType: kind, Body: body, Size: -1})
		}
		for name, tt := range map[string]struct {
			body   io.Reader
			status int // 0: any error
		}{
			"a page":     {strings.NewReader("<!doctype html><script>alert(1)</script>"), 415},
			"a drawing":  {strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>`), 415},
			"too large":  {io.MultiReader(bytes.NewReader(pic), strings.NewReader(strings.Repeat("x", 1<<10))), 413},
			"nothing":    {strings.NewReader(""), 0},
			"broken off": {io.MultiReader(bytes.NewReader(pic[:20]), iotest.ErrReader(io.ErrUnexpectedEOF)), 0},
		} {
			address, err := send("x.png", "image/png", tt.body)
			var e *micropub.Error
			if err == nil || tt.status != 0 && (!errors.As(err, &e) || e.Status != tt.status) {
				t.Errorf("%s: got %q, %v, want %d", name, address, err, tt.status)
			}
		}
		if files, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || len(files) > 1 {
			t.Errorf("files are left: %v %v", files, err)
		}
		var mu sync.Mutex
		addresses := map[string]bool{}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				address, err := send([]string{"", "../../x.png\x00.html", strings.Repeat("n", 5000), "\u202egnp.exe"}[i%4], "text/html", bytes.NewReader(pic))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				addresses[address] = true
				mu.Unlock()
			})
		}
		wg.Wait()
		if len(addresses) != 20 {
			t.Errorf("20 uploads have %d addresses", len(addresses))
		}
		for address := range addresses {
			name := path.Base(address)
			if address != "https://me.example/-/media/"+name || path.Ext(name) != ".png" || len(name) < 20 {
				t.Errorf("the address is %q", address)
			}
			if b, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(b, pic) {
				t.Errorf("%s: %d bytes, %v", name, len(b), err)
			}
			w.view(func(tx *store.Tx) error {
				files, err := tx.MediaFiles()
				if len(files) != 20 || files[0].Type != "image/png" || files[0].Width != 3 || files[0].Size != int64(len(pic)) {
					t.Errorf("rows: %d %+v", len(files), files[0])
				}
				return err
			})
			break
		}
	})
}

// The quota holds however many files come at once.
func TestUploadsAtOnceStayWithinTheQuota(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		pic := picture(t)
		up := &site.Uploads{Posts: w.posts, Dir: t.TempDir(), Quota: 3*int64(len(pic)) + 1}
		var sent, met sync.WaitGroup // each body ends when all have begun: they are all let in
		var kept, refused atomic.Int32
		met.Add(10)
		for range 10 {
			sent.Go(func() {
				body := io.MultiReader(bytes.NewReader(pic), readerFunc(func([]byte) (int, error) {
					met.Done()
					met.Wait()
					return 0, io.EOF
				}))
				_, err := up.Upload(t.Context(), editor, micropub.File{Name: "x.png", ContentType: "image/png", Body: body, Size: -1})
				var e *micropub.Error
				switch {
				case err == nil:
					kept.Add(1)
				case errors.As(err, &e) && e.Status == 413:
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		sent.Wait()
		if kept.Load() != 3 || refused.Load() != 7 {
			t.Errorf("%d of 10 were kept and %d refused, want 3 and 7", kept.Load(), refused.Load())
		}
		if files, err := filepath.Glob(filepath.Join(up.Dir, "*.png")); err != nil || len(files) != int(kept.Load()) {
			t.Errorf("%d files are there, %v", len(files), err)
		}
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// MX-23: an editor asks for the newest, page by page; what was refused is taken back.
func TestUploadsAreListedAndTakenBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		up := &site.Uploads{Posts: w.posts, Dir: t.TempDir()}
		var all []string
		for range 5 {
			address, err := up.Upload(t.Context(), editor, micropub.File{Body: bytes.NewReader(picture(t)), Size: -1})
			if err != nil {
				t.Fatal(err)
			}
			all = append([]string{address}, all...)
			pass(time.Second)
		}
		for _, tt := range []struct {
			limit, offset int
			want          []string
		}{{0, 0, all}, {2, 0, all[:2]}, {2, 4, all[4:]}, {1, 99, nil}, {1, -1, all[:1]}} {
			items, err := up.ListMedia(t.Context(), editor, tt.limit, tt.offset)
			got := []string{}
			for _, i := range items {
				got = append(got, i.URL)
				if i.MimeType != "image/png" || i.Published.IsZero() {
					t.Errorf("%+v", i)
				}
			}
			if err != nil || items == nil || fmt.Sprint(got) != fmt.Sprint(append([]string{}, tt.want...)) {
				t.Errorf("%d from %d: got %v, %v, want %v", tt.limit, tt.offset, got, err, tt.want)
			}
		}
		if err := up.Discard(t.Context(), editor, all[0]); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(up.Dir, path.Base(all[0]))); !os.IsNotExist(err) {
			t.Errorf("the file is still there: %v", err)
		}
		if items, err := up.ListMedia(t.Context(), editor, 0, 0); err != nil || len(items) != 4 {
			t.Errorf("%d are left, %v", len(items), err)
		}
		outside := filepath.Join(filepath.Dir(up.Dir), "mine")
		if err := os.WriteFile(outside, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{"https://evil.test/" + path.Base(all[1]), "https://me.example/-/media/../mine", "https://me.example/-/media/..", ""} {
			_ = up.Discard(t.Context(), editor, address) // an error or not: nothing may go
		}
		if _, err := os.Stat(outside); err != nil {
			t.Error(err)
		}
		if items, err := up.ListMedia(t.Context(), editor, 0, 0); err != nil || len(items) != 4 {
			t.Errorf("%d are left, %v", len(items), err)
		}
	})
}

// HOSTILE R2: a file whose row was never written is swept after a day, one that has its
// row never, whatever its age.
func TestSweepRemovesFilesWithoutARow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		dir := t.TempDir()
		up := &site.Uploads{Posts: w.posts, Dir: dir}
		address, err := up.Upload(t.Context(), micropub.Grant{}, micropub.File{Name: "a.png", Body: bytes.NewReader(picture(t))})
		if err != nil {
			t.Fatal(err)
		}
		kept, orphan, fresh := path.Base(address), "abcdefghijklmnopqrstuvwxyz.png", "zyxwvutsrqponmlkjihgfedcba.png"
		for _, name := range []string{orphan, fresh} {
			if err := os.WriteFile(filepath.Join(dir, name), picture(t), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		long := time.Now().Add(-48 * time.Hour)
		for _, name := range []string{kept, orphan} {
			if err := os.Chtimes(filepath.Join(dir, name), long, long); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(filepath.Join(dir, fresh), time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := up.Sweep(t.Context(), time.Now().Add(-24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]bool{kept: true, orphan: false, fresh: true} {
			if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != want {
				t.Errorf("%s: there %t, want %t", name, err == nil, want)
			}
		}
	})
}
