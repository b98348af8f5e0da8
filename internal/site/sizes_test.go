package site_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/media"
	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/micropub"
	"tertulia/store"
)

// darkroom is a world that makes pictures smaller, and its uploads.
type darkroom struct {
	*world
	up  *site.Uploads
	log bytes.Buffer
}

func inDarkroom(t *testing.T, test func(t *testing.T, w *darkroom), settings ...func(*site.Site)) {
	t.Helper()
	dir := t.TempDir()
	inWorld(t, func(t *testing.T, w *world) {
		d := &darkroom{world: w}
		w.stop()
		d.begin()
		test(t, d)
	}, append(settings, func(s *site.Site) { s.Uploads = dir })...)
}

// begin runs the jobs of a world that was just opened.
func (d *darkroom) begin() {
	d.jobs.Resizer, d.jobs.Log = &media.Resizer{}, slog.New(slog.NewTextHandler(&d.log, nil))
	d.up = &site.Uploads{Posts: d.posts, Dir: d.site.Uploads}
	if pages, ok := d.site.Publish.(*publish.HTML); ok {
		d.site.Publish = &site.Sized{Target: pages, Site: d.site, DB: d.db}
	} else if sized, ok := d.site.Publish.(*site.Sized); ok {
		sized.DB = d.db
	}
	d.start()
}

// reopen ends the process and starts another on the same data.
func (d *darkroom) reopen() {
	d.close()
	d.open()
	d.begin()
}

func (d *darkroom) upload(b []byte) (address string) {
	d.t.Helper()
	address, err := d.up.Upload(d.t.Context(), editor, micropub.File{Body: bytes.NewReader(b), Size: -1})
	if err != nil {
		d.t.Fatal(err)
	}
	return address
}

// copies are the smaller copies of an upload, by what follows its name.
func (d *darkroom) copies(address string) (have []string) {
	d.t.Helper()
	stem, _, _ := strings.Cut(path.Base(address), ".")
	files, err := filepath.Glob(filepath.Join(d.site.Uploads, "sized", stem+"*"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range files {
		have = append(have, strings.TrimPrefix(filepath.Base(f), stem))
	}
	slices.Sort(have)
	return have
}

// promised are the uploads that are still to be made smaller.
func (d *darkroom) promised() (names []string) {
	for _, job := range d.jobList() {
		if job.Kind == "resize" {
			names = append(names, job.Key)
		}
	}
	return names
}

func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// onItsSide is a photo of a telephone that was held upright.
func onItsSide(t *testing.T, w, h int) []byte {
	turn := "\xff\xe1\x00\x22Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	whole := photo(t, w, h)
	return slices.Concat(whole[:2], []byte(turn), whole[2:])
}

// drawn is a PNG, seen through or not.
func drawn(t *testing.T, w, h int, alpha uint8) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		img.SetNRGBA(x, 0, color.NRGBA{200, 0, 0, alpha})
	}
	if alpha == 255 {
		for i := 3; i < len(img.Pix); i += 4 {
			img.Pix[i] = alpha
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// moving is a PNG of two frames.
func moving(t *testing.T, w, h int) []byte {
	whole := drawn(t, w, h, 255)
	at, end := bytes.Index(whole, []byte("IDAT"))-4, len(whole)-12
	four := func(n ...int) (b []byte) {
		for _, n := range n {
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
		return b
	}
	frame := chunk("fcTL", string(four(0, w, h, 0, 0))+"\x00\x01\x00\x0a\x00\x00")
	return slices.Concat(whole[:at], chunk("acTL", string(four(2, 0))), frame, whole[at:end], frame, chunk("fdAT", string(four(2))), whole[end:])
}

func chunk(name, data string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(b, name+data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(name+data)))
}

// torn is a PNG whose structure is right and whose pixels cannot be read.
func torn(t *testing.T, w, h int) []byte {
	return slices.Concat(drawn(t, w, h, 255)[:33], chunk("IDAT", "no zlib"), chunk("IEND", ""))
}

// What is uploaded gets the smaller copies that the page of the post offers, upright, each
// promised with the upload itself.
func TestUploadsGetSmallerCopies(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		for name, tt := range map[string]struct {
			bytes []byte
			want  []string
			page  string // what is on the page, # for the address without its extension
		}{
			"photo": {photo(t, 2000, 1000), []string{"-1600.jpg", "-480.jpg", "-960.jpg"},
				` width="1344" height="672" srcset="#-480.jpg 480w, #-960.jpg 960w, #-1600.jpg 1600w, #.jpg 2000w" sizes="`},
			"held upright":     {onItsSide(t, 2000, 1000), []string{"-480.jpg", "-960.jpg"}, ` width="336" height="672" srcset="#-480.jpg 480w, #-960.jpg 960w, #.jpg 1000w" sizes="`},
			"drawing":          {drawn(t, 490, 2, 255), []string{"-480.jpg"}, ` width="490" height="2" srcset="#-480.png 480w, #.png 490w" sizes="`},
			"seen through":     {drawn(t, 490, 2, 9), []string{"-480.png"}, ` width="490" height="2" srcset="#-480.png 480w, #.png 490w" sizes="`},
			"small":            {photo(t, 480, 900), nil, ` width="358" height="672" loading=`},
			"small on a side":  {onItsSide(t, 900, 480), nil, ` width="358" height="672" loading=`},
			"moves":            {moving(t, 1000, 10), nil, ` width="1000" height="10" loading=`},
			"another's, as is": {nil, nil, `src="https://other.example/x.jpg" alt="" loading="lazy" decoding="async">`},
		} {
			address := "https://other.example/x.jpg"
			if tt.bytes != nil {
				address = w.upload(tt.bytes)
			}
			stem := strings.TrimSuffix(address, path.Ext(address))
			post := w.create(entry("photo", address))
			_, body := w.page(post)
			if want := strings.ReplaceAll(tt.page, "#", stem); !strings.Contains(body, want) {
				t.Errorf("%s: the page lacks %s in:\n%s", name, want, body)
			}
			pass(time.Minute)
			if _, after := w.page(post); after != body {
				t.Errorf("%s: the page is another when the copies are made:\n%s", name, after)
			}
			if diff := cmp.Diff(tt.want, w.copies(address)); diff != "" && tt.bytes != nil {
				t.Errorf("%s: copies (-want +got):\n%s", name, diff)
			}
			home, err := os.ReadFile(filepath.Join(w.root, "index.html"))
			if err != nil || !strings.Contains(string(home), strings.ReplaceAll(tt.page, "#", stem)) {
				t.Errorf("%s: %v, the home page has other sizes than the page of the post", name, err)
			}
			feed, err := os.ReadFile(filepath.Join(w.root, "feed.xml"))
			if err != nil || strings.Contains(string(feed), "srcset") {
				t.Errorf("%s: %v, or the feed has changed", name, err)
			}
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}
	})
}

// What was promised is made after a stop, before the work or when it was done and not yet
// written down; what was deleted meanwhile is no failure.
func TestSmallerCopiesAreMadeAfterAStop(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		for _, after := range []bool{false, true} {
			w.stop()
			stopped := make(chan struct{}, 1)
			kept, deleted := w.upload(photo(t, 1000, 10)), w.upload(photo(t, 1000, 10))
			if got := len(w.promised()); got != 2 {
				t.Fatalf("%d are promised, want 2", got)
			}
			if err := w.up.Discard(t.Context(), editor, deleted); err != nil {
				t.Fatal(err)
			}
			w.runner.Handlers = dieAt(w.runner.Handlers, 1, after, stopped)
			w.start()
			pass(time.Second)
			<-stopped
			w.reopen()
			pass(time.Minute)
			if diff := cmp.Diff([]string{"-480.jpg", "-960.jpg"}, w.copies(kept)); diff != "" {
				t.Errorf("copies (-want +got):\n%s", diff)
			}
			if jobs, have := w.jobList(), w.copies(deleted); len(jobs) > 0 || len(have) > 0 {
				t.Errorf("left: %+v, and of what was deleted: %v", jobs, have)
			}
		}
	})
}

// Many uploads at once are all made smaller, and none keeps a worker waiting for another.
func TestManyUploadsDoNotHoldUpAPost(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		const n = 80 // more than there are workers
		pic := photo(t, 500, 20)
		addresses := make([]string, n)
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() { addresses[i] = w.upload(pic) })
		}
		all.Wait()
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("photo", addresses[0]), Digest: newDigest()})
		if err != nil || made.Pending {
			t.Errorf("got %+v, %v, want the post live at once", made, err)
		}
		pass(10 * time.Minute)
		for _, address := range addresses {
			if got := w.copies(address); len(got) != 1 {
				t.Errorf("%s has the copies %v, want one", address, got)
			}
		}
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("jobs are left: %+v", jobs)
		}

		// One that takes long, since it is a pipe that nobody writes to: the next steps back.
		w.stop()
		slow, next := w.upload(pic), w.upload(pic)
		file := filepath.Join(w.up.Dir, path.Base(slow))
		if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
			t.Fatal(err)
		}
		resize := func(address string) error {
			args, err := json.Marshal(path.Base(address))
			if err == nil {
				_, err = w.jobs.Handlers()["resize"](t.Context(), store.Job{Site: w.site.Key, Kind: "resize", Args: args})
			}
			return err
		}
		ended := make(chan error, 1)
		go func() { ended <- resize(slow) }()
		pipe, err := os.OpenFile(file, os.O_WRONLY, 0) // waits for who reads it
		if err != nil {
			t.Fatal(err)
		}
		if err := resize(next); err == nil || !strings.Contains(err.Error(), "another picture") {
			t.Errorf("the next: got %v, want it to come back later", err)
		}
		if err := pipe.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("what is no picture: got %v, want it done", err)
		}
	})
}

// A site that a generator builds has pages of its own, and no use for copies.
func TestOnlyPagesOfOursGetSmallerCopies(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		w.stop()
		w.upload(photo(t, 1000, 10))
		if got := w.promised(); len(got) > 0 {
			t.Errorf("promised are %v, want none", got)
		}
		w.view(func(tx *store.Tx) error {
			files, err := tx.MediaFiles()
			if len(files) != 1 || fmt.Sprint(files[0].Width, files[0].Height) != "1000 10" {
				t.Errorf("rows: %+v", files)
			}
			return err
		})
	}, func(s *site.Site) { s.Source = &publish.Source{} })
}
