package media_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	xdraw "golang.org/x/image/draw"

	"tertulia/internal/media"
)

func keep(t testing.TB, dir, b string) string {
	t.Helper()
	name, _, err := media.Receive(dir, strings.NewReader(b), 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, _, err := image.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestResizeMakesSmallerCopies(t *testing.T) {
	for name, test := range map[string]struct {
		bytes string
		want  []media.Variant
	}{
		"jpeg":             {cameraJPEG(t, 90, 60, 1), []media.Variant{{Name: "-30.jpg", Width: 30, Height: 20}, {Name: "-60.jpg", Width: 60, Height: 40}}},
		"jpeg on a side":   {cameraJPEG(t, 60, 90, 6), []media.Variant{{Name: "-30.jpg", Width: 30, Height: 20}, {Name: "-60.jpg", Width: 60, Height: 40}}},
		"png":              {cameraPNG(t, 90, 60, 255, 3), []media.Variant{{Name: "-30.jpg", Width: 30, Height: 20}, {Name: "-60.jpg", Width: 60, Height: 40}}},
		"png seen through": {cameraPNG(t, 90, 60, 99, 3), []media.Variant{{Name: "-30.png", Width: 30, Height: 20}, {Name: "-60.png", Width: 60, Height: 40}}},
		"webp":             {cameraWebP(61, 1, 1), []media.Variant{{Name: "-30.png", Width: 30, Height: 1}, {Name: "-60.png", Width: 60, Height: 1}}},
		"as wide":          {cameraJPEG(t, 30, 60, 1), nil},
		"one pixel wider":  {cameraJPEG(t, 31, 62, 1), []media.Variant{{Name: "-30.jpg", Width: 30, Height: 60}}},
		"gif that moves":   {movingGIF(t, ""), nil},
		"webp that moves":  {webpFile(vp8x(2, 99, 99), anmf(99, 99)), nil},
		"avif":             {ftyp("avifmif1") + sizes(ispe(99, 99)), nil},
		"film":             {ftyp("isomiso2") + box("moov"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			original := keep(t, dir, test.bytes)
			stem, _, _ := strings.Cut(original, ".")
			for i := range test.want {
				test.want[i].Name = stem + test.want[i].Name
			}
			var r media.Resizer
			made, err := r.Resize(t.Context(), dir, original, []int{60, 30, 60, 99, 0, -1})
			if diff := cmp.Diff(test.want, made, cmpopts.IgnoreFields(media.Variant{}, "Size")); diff != "" || err != nil {
				t.Fatalf("got %v (-want +got):\n%s", err, diff)
			}
			for _, v := range made {
				path := filepath.Join(dir, "sized", v.Name)
				stat, err := os.Stat(path)
				if err != nil || stat.Size() != v.Size {
					t.Errorf("%s: %v, want %d bytes", v.Name, err, v.Size)
				}
				if size := open(t, path).Bounds().Size(); size != image.Pt(v.Width, v.Height) {
					t.Errorf("%s: got %v", v.Name, size)
				}
				w := ask(media.Serve(dir), "GET", "/"+v.Name, http.Header{"Range": {"bytes=1-3"}})
				if w.Code != http.StatusPartialContent || w.Header().Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("served with %d, %v", w.Code, w.Header())
				}
			}
			if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// corner tells where the red corner of a drawing is.
func corner(img image.Image) string {
	b := img.Bounds()
	for name, p := range map[string]image.Point{
		"top left": {b.Dx() / 4, b.Dy() / 4}, "top right": {b.Dx() * 3 / 4, b.Dy() / 4},
		"bottom left": {b.Dx() / 4, b.Dy() * 3 / 4}, "bottom right": {b.Dx() * 3 / 4, b.Dy() * 3 / 4},
	} {
		r, g, bl, _ := img.At(b.Min.X+p.X, b.Min.Y+p.Y).RGBA()
		if r>>8 > 180 && g>>8 < 80 && bl>>8 < 80 {
			return name
		}
	}
	return "nowhere"
}

// Where EXIF 2.32 (table 6) says that the first row and the first column are, there
// is the corner they meet in.
func TestResizeTurnsPicturesUpright(t *testing.T) {
	for o, want := range map[uint16]string{
		1: "top left", 2: "top right", 3: "bottom right", 4: "bottom left",
		5: "top left", 6: "top right", 7: "bottom right", 8: "bottom left",
	} {
		dir := t.TempDir()
		name := keep(t, dir, cameraJPEG(t, 96, 64, o))
		var r media.Resizer
		made, err := r.Resize(t.Context(), dir, name, []int{48})
		if err != nil || len(made) != 1 {
			t.Fatalf("%d: got %v, %v", o, made, err)
		}
		if got := corner(open(t, filepath.Join(dir, "sized", made[0].Name))); got != want {
			t.Errorf("%d: got the corner %s, want %s", o, got, want)
		}
		if high := made[0].Height; (o >= 5) != (high == 72) || (o < 5) != (high == 32) {
			t.Errorf("%d: got %d pixels high", o, high)
		}
	}
}

// What is scaled row by row is what x/image/draw makes of the whole.
func TestResizeScalesAsCatmullRomDoes(t *testing.T) {
	dir := t.TempDir()
	source := drawing(97, 61, 255)
	for i := range source.Pix {
		if i%4 != 3 {
			source.Pix[i] = byte(i*i>>5&1) * 255
		}
	}
	for x := range 97 {
		source.SetNRGBA(x, x%61, color.NRGBA{255, 0, 0, 0x40})
	}
	name := keep(t, dir, encodePNG(t, source))
	var r media.Resizer
	made, err := r.Resize(t.Context(), dir, name, []int{40})
	if err != nil || len(made) != 1 {
		t.Fatalf("got %v, %v", made, err)
	}
	want := image.NewRGBA(image.Rect(0, 0, 40, made[0].Height))
	xdraw.CatmullRom.Scale(want, want.Rect, source, source.Rect, xdraw.Src, nil)
	got := open(t, filepath.Join(dir, "sized", made[0].Name))
	for y := range made[0].Height {
		for x := range 40 {
			a := color.RGBAModel.Convert(got.At(x, y)).(color.RGBA)
			b := want.RGBAAt(x, y)
			for i, d := range []int{int(a.R) - int(b.R), int(a.G) - int(b.G), int(a.B) - int(b.B), int(a.A) - int(b.A)} {
				if d < -3 || d > 3 {
					t.Fatalf("%d,%d channel %d: got %v, want %v", x, y, i, a, b)
				}
			}
		}
	}
}

func TestResizeKeepsTheColourProfile(t *testing.T) {
	head, rest := plainPNG(t, 90, 60, 99)
	for name, b := range map[string]string{
		"jpeg": cameraJPEG(t, 90, 60, 1),
		"webp": cameraWebP(90, 60, 1),
		"png":  head + chunk("iCCP", "its name\x00\x00"+deflate(profile)) + rest,
	} {
		dir := t.TempDir()
		var r media.Resizer
		made, err := r.Resize(t.Context(), dir, keep(t, dir, b), []int{30})
		if err != nil || len(made) != 1 {
			t.Fatalf("%s: got %v, %v", name, made, err)
		}
		whole, err := os.ReadFile(filepath.Join(dir, "sized", made[0].Name))
		want := chunk("iCCP", "ICC\x00\x00"+deflate(profile))
		if name == "jpeg" {
			want = segment(0xe2, "ICC_PROFILE\x00\x01\x01"+profile)
		}
		if err != nil || !bytes.Contains(whole, []byte(want)) {
			t.Errorf("%s: %v, there is no profile", name, err)
		}
		open(t, filepath.Join(dir, "sized", made[0].Name))
	}
}

func TestResizeMakesAVariantOnce(t *testing.T) {
	dir := t.TempDir()
	name := keep(t, dir, cameraJPEG(t, 90, 60, 1))
	var r media.Resizer
	first, err := r.Resize(t.Context(), dir, name, []int{30})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "sized", first[0].Name)
	long := time.Now().Add(-time.Hour).Truncate(time.Second)
	if err := os.Chtimes(path, long, long); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			again, err := r.Resize(t.Context(), dir, name, []int{60, 30})
			if err != nil || len(again) != 2 || again[0] != first[0] || again[1].Width != 60 {
				t.Errorf("got %v, %v, want %v and another", again, err, first)
			}
		})
	}
	all.Wait()
	if stat, err := os.Stat(path); err != nil || !stat.ModTime().Equal(long) {
		t.Errorf("%v: it was made again", err)
	}
	if got := len(files(t, dir)); got != 3 {
		t.Errorf("got %d files, want 3", got)
	}
}

func TestResizeRefuses(t *testing.T) {
	dir := t.TempDir()
	small := keep(t, dir, cameraJPEG(t, 90, 60, 1))
	head, rest := plainPNG(t, 90, 60, 255)
	torn := keep(t, dir, head+chunk("IDAT", "no zlib")+rest)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	full := &media.Resizer{}
	for name, test := range map[string]struct {
		r    *media.Resizer
		ctx  context.Context
		file string
		err  error
	}{
		"no file":          {full, t.Context(), strings.Repeat("a", 26) + ".jpg", fs.ErrNotExist},
		"another place":    {full, t.Context(), "../" + small, fs.ErrNotExist},
		"a variant":        {full, t.Context(), strings.Replace(small, ".", "-30.", 1), fs.ErrNotExist},
		"no picture in it": {full, t.Context(), torn, media.ErrMalformed},
		"too much memory":  {full, t.Context(), keep(t, dir, flatJPEG(sof2, 6000, 4000, 0x11, 0x11, 0x11)), media.ErrTooLarge},
		"called off":       {full, cancelled, small, context.Canceled},
	} {
		made, err := test.r.Resize(test.ctx, dir, test.file, []int{30})
		if made != nil || !errors.Is(err, test.err) {
			t.Errorf("%s: got %v, %v, want %v", name, made, err, test.err)
		}
	}
	if got := len(files(t, dir)); got != 3 {
		t.Errorf("got %d files, want 3", got)
	}
}

// HOSTILE F9: what is deleted is hidden everywhere.
func TestVariantsGoWithTheirPicture(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for range 2 {
		var r media.Resizer
		name := keep(t, dir, cameraJPEG(t, 90, 60, 1))
		made, err := r.Resize(t.Context(), dir, name, []int{30})
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name, made[0].Name)
	}
	if err := os.Remove(filepath.Join(dir, names[0])); err != nil {
		t.Fatal(err)
	}
	for name, status := range map[string]int{names[1]: 404, names[3]: 200, strings.Replace(names[3], "-30.", "-31.", 1): 404} {
		if w := ask(media.Serve(dir), "GET", "/"+name, nil); w.Code != status {
			t.Errorf("%s: got %d, want %d", name, w.Code, status)
		}
	}
	if n, err := media.Sweep(dir, time.Now().Add(-time.Hour)); n != 1 || err != nil {
		t.Errorf("swept %d, %v, want 1", n, err)
	}
	want := []string{filepath.Join(dir, names[2]), filepath.Join(dir, "sized", names[3])}
	slices.Sort(want)
	if diff := cmp.Diff(want, files(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func BenchmarkResize(b *testing.B) {
	for _, size := range []image.Point{{4000, 3000}} {
		b.Run(fmt.Sprintf("%dx%d", size.X, size.Y), func(b *testing.B) {
			picture := plainJPEG(b, size.X, size.Y)
			for b.Loop() {
				dir := b.TempDir()
				var r media.Resizer
				if _, err := r.Resize(b.Context(), dir, keep(b, dir, picture), []int{640, 1280, 1920}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
