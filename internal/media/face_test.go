package media_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"tertulia/internal/media"
)

func face(t testing.TB, dir, b string) (name string, info media.Info, err error) {
	t.Helper()
	return new(media.Resizer).Face(t.Context(), dir, strings.NewReader(b), 1<<20)
}

// What is kept is a small square that we have drawn, whatever came.
func TestFaceKeepsASmallSquare(t *testing.T) {
	for name, tt := range map[string]struct {
		bytes, ext string
		side       int
	}{
		"JPEG":             {cameraJPEG(t, 400, 300, 1), ".jpg", 128},
		"JPEG on its side": {cameraJPEG(t, 400, 300, 6), ".jpg", 128},
		"PNG":              {plain(t, 300, 400, 255), ".jpg", 128},
		"transparent PNG":  {plain(t, 300, 400, 90), ".png", 128},
		"small":            {plain(t, 16, 20, 255), ".jpg", 16},
		"a line":           {plain(t, 1, 900, 255), ".jpg", 1},
		"a broad line":     {plain(t, 900, 1, 255), ".jpg", 1},
		"exactly":          {plain(t, 128, 128, 255), ".jpg", 128},
		"moving GIF":       {movingGIF(t, ""), "", 0},
		"WebP":             {keptWebP(8, 6, 1), "", 0},
	} {
		dir := t.TempDir()
		kept, info, err := face(t, dir, tt.bytes)
		if tt.side == 0 { // the picture is of the fixture; what matters is that it is one
			if err != nil && !errors.Is(err, media.ErrMalformed) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img := open(t, filepath.Join(dir, kept))
		if img.Bounds().Dx() != tt.side || img.Bounds().Dy() != tt.side || filepath.Ext(kept) != tt.ext || info.Width != tt.side {
			t.Errorf("%s: got %s, %v, %+v, want a square of %d in %s", name, kept, img.Bounds(), info, tt.side, tt.ext)
		}
		raw, err := os.ReadFile(filepath.Join(dir, kept))
		if err != nil || strings.Contains(string(raw), "GEHEIM") || int64(len(raw)) != info.Size {
			t.Errorf("%s: %v, or it gives something away, or has another size", name, err)
		}
		again, _, err := face(t, dir, tt.bytes)
		if err != nil || again != kept || len(files(t, dir)) != 1 {
			t.Errorf("%s a second time: %s, %v, files %q", name, again, err, files(t, dir))
		}
	}
}

func plain(t testing.TB, w, h int, alpha uint8) string {
	head, rest := plainPNG(t, w, h, alpha)
	return head + rest
}

// HOSTILE 33, 34: what is no picture, or says it is a giant, is refused before it is
// decoded, and leaves nothing.
func TestFaceRefuses(t *testing.T) {
	broken := errors.New("the line broke")
	jpeg := cameraJPEG(t, 64, 64, 1)
	before, after := avif()
	for name, tt := range map[string]struct {
		src  io.Reader
		want error
	}{
		"nothing":         {strings.NewReader(""), media.ErrEmpty},
		"HTML":            {strings.NewReader("<!doctype html><p>hello"), media.ErrType},
		"SVG":             {strings.NewReader(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), media.ErrType},
		"AVIF":            {strings.NewReader(before + after), media.ErrType},
		"a film":          {strings.NewReader(ftyp("isom") + "x"), media.ErrType},
		"cut short":       {strings.NewReader(jpeg[:len(jpeg)/2]), media.ErrMalformed},
		"a giant":         {strings.NewReader(hugePNG(65535, 65535)), media.ErrTooLarge},
		"a large one":     {strings.NewReader(encodePNG(t, image.NewPaletted(image.Rect(0, 0, 5000, 5000), color.Palette{color.White}))), media.ErrTooLarge},
		"overflowing":     {strings.NewReader(hugePNG(1<<31-1, 1<<31-1)), media.ErrTooLarge},
		"too many bytes":  {strings.NewReader(jpeg + strings.Repeat("x", 1<<20)), media.ErrTooLarge},
		"a magic and end": {strings.NewReader("\x89PNG\r\n\x1a\n"), media.ErrMalformed},
		"a broken line":   {io.MultiReader(strings.NewReader(jpeg[:100]), iotest.ErrReader(broken)), broken},
	} {
		dir := t.TempDir()
		kept, _, err := new(media.Resizer).Face(t.Context(), dir, tt.src, 1<<20)
		if !errors.Is(err, tt.want) || kept != "" || len(files(t, dir)) != 0 {
			t.Errorf("%s: got %q, %v, files %q, want %v", name, kept, err, files(t, dir), tt.want)
		}
	}
}

// HOSTILE 34: of ten thousand frames one is looked at.
func TestFaceOfAPictureThatMoves(t *testing.T) {
	g := &gif.GIF{}
	for i := range 10_000 {
		g.Image = append(g.Image, image.NewPaletted(image.Rect(0, 0, 4, 4), color.Palette{color.White, color.Black}))
		g.Image[i].SetColorIndex(i%4, 0, 1)
		g.Delay = append(g.Delay, 1)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	kept, info, err := face(t, dir, b.String())
	if err != nil || info.Width != 4 {
		t.Fatalf("%+v, %v", info, err)
	}
	w := httptest.NewRecorder()
	media.Serve(dir).ServeHTTP(w, httptest.NewRequest("GET", "/"+kept, nil))
	h := w.Header()
	if w.Code != 200 || h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") ||
		!strings.Contains(h.Get("Cache-Control"), "immutable") || h.Get("Content-Type") != "image/jpeg" {
		t.Errorf("it is served as %d %v", w.Code, h)
	}
}

// Whatever bytes come, what is kept is a square of ours, or nothing.
func FuzzFace(f *testing.F) {
	for _, seed := range []string{
		cameraJPEG(f, 9, 7, 6), plain(f, 9, 7, 90), movingGIF(f, ""), keptWebP(8, 6, 1), hugePNG(9, 1<<31-1), "GIF89a", "<p>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		name, info, err := face(t, dir, string(b))
		if err != nil {
			if name != "" {
				t.Errorf("%s and %v", name, err)
			}
			return
		}
		file, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		config, format, err := image.DecodeConfig(file)
		if err != nil || format != "jpeg" && format != "png" || config.Width != config.Height || config.Width > 128 || config.Width != info.Width {
			t.Errorf("%s %dx%d, %v", format, config.Width, config.Height, err)
		}
	})
}
