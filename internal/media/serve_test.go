package media_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/media"
)

func ask(h http.Handler, method, path string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/", nil)
	r.URL.Path = path
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestServeShowsOnlyWhatIsOurs(t *testing.T) {
	dir := t.TempDir()
	whole := picture(t, "png")
	name, _, err := media.Receive(dir, strings.NewReader(whole), limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, other := range []string{"index.html", strings.Repeat("a", 26) + ".html", strings.Repeat("a", 26) + ".svg", "tmp/x.png"} {
		if err := os.WriteFile(filepath.Join(dir, other), []byte("<script>"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, strings.Repeat("b", 26)+".png"), 0o700); err != nil {
		t.Fatal(err)
	}
	h := media.Serve(dir)

	w := ask(h, "GET", "/"+name, nil)
	if w.Code != http.StatusOK || w.Body.String() != whole {
		t.Errorf("got %d with %d bytes, want 200 with %d", w.Code, w.Body.Len(), len(whole))
	}
	want := map[string]string{
		"Content-Type":            "image/png",
		"X-Content-Type-Options":  "nosniff",
		"Content-Security-Policy": "sandbox; default-src 'none'",
		"Cache-Control":           "public, max-age=31536000, immutable",
	}
	got := map[string]string{}
	for key := range want {
		got[key] = w.Header().Get(key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("header (-want +got):\n%s", diff)
	}

	for _, path := range []string{
		"", "/", "/index.html", "/tmp", "/tmp/", "/tmp/x.png", "/../" + name, "/./" + name, "/" + name + "/", "//" + name,
		"/" + strings.ToUpper(name), "/" + name + "\x00.html", "/" + name + "\n",
		"/" + strings.Repeat("a", 26) + ".html", "/" + strings.Repeat("a", 26) + ".svg",
		"/" + strings.Repeat("b", 26) + ".png", "/" + strings.Repeat("c", 26) + ".png",
	} {
		w := ask(h, "GET", path, nil)
		if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "" {
			t.Errorf("%q: got %d, Cache-Control %q, want 404 and none", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
}

func TestServeSpeaksHTTP(t *testing.T) {
	dir := t.TempDir()
	whole := picture(t, "gif")
	name, _, err := media.Receive(dir, strings.NewReader(whole), limit)
	if err != nil {
		t.Fatal(err)
	}
	h := media.Serve(dir)
	for _, test := range []struct {
		method string
		header http.Header
		status int
		body   string
	}{
		{"HEAD", nil, 200, ""},
		{"GET", http.Header{"Range": {"bytes=0-5"}}, 206, "GIF89a"},
		{"GET", http.Header{"If-None-Match": {`"` + name + `"`}}, 304, ""},
		{"POST", nil, 405, "method not allowed\n"},
		{"DELETE", nil, 405, "method not allowed\n"},
	} {
		w := ask(h, test.method, "/"+name, test.header)
		if w.Code != test.status || w.Body.String() != test.body {
			t.Errorf("%s %v: got %d %q, want %d %q", test.method, test.header, w.Code, w.Body, test.status, test.body)
		}
	}
}

// A page may offer smaller copies before they are made: their addresses are never broken,
// and nobody keeps for ever what stands in for them.
func TestServeAnswersWithThePictureUntilItsVariantIsMade(t *testing.T) {
	dir := t.TempDir()
	h := media.Serve(dir)
	for kind, test := range map[string]struct{ bytes, made string }{
		"jpeg":             {cameraJPEG(t, 500, 20, 1), "image/jpeg"},
		"png":              {cameraPNG(t, 500, 20, 255, 1), "image/jpeg"},
		"png seen through": {cameraPNG(t, 500, 20, 99, 1), "image/png"},
		"webp":             {cameraWebP(500, 1, 1), "image/png"},
	} {
		name := keep(t, dir, test.bytes)
		whole := ask(h, "GET", "/"+name, nil)
		offers := media.Smaller(name, 500)
		if len(offers) != 1 || offers[0].Width != 480 {
			t.Fatalf("%s: got %v, want one of 480 pixels", kind, offers)
		}
		path := "/" + offers[0].Name
		before := ask(h, "GET", path, nil)
		if before.Code != 200 || before.Body.String() != whole.Body.String() || before.Header().Get("Cache-Control") != "no-cache" ||
			before.Header().Get("Content-Type") != whole.Header().Get("Content-Type") || before.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: got %d, %d bytes, %v, want the picture", kind, before.Code, before.Body.Len(), before.Header())
		}
		tag := http.Header{"If-None-Match": {before.Header().Get("ETag")}}
		if w := ask(h, "GET", path, tag); w.Code != http.StatusNotModified {
			t.Errorf("%s: asked again: got %d, want 304", kind, w.Code)
		}
		var r media.Resizer
		made, err := r.Resize(t.Context(), dir, name, media.Widths())
		if err != nil || len(made) != 1 {
			t.Fatalf("%s: got %v, %v", kind, made, err)
		}
		after := ask(h, "GET", path, tag)
		if after.Code != 200 || after.Header().Get("Content-Type") != test.made || int64(after.Body.Len()) != made[0].Size ||
			!strings.HasSuffix(after.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: made: got %d, %d bytes, %v, want the smaller copy", kind, after.Code, after.Body.Len(), after.Header())
		}
		stem, ext, _ := strings.Cut(name, ".")
		for _, other := range []string{stem + "-481." + ext, stem + "-0480." + ext, stem + "-480.gif", stem + "-480.mp4", stem + "-480", stem + "-480-480." + ext} {
			if w := ask(h, "GET", "/"+other, nil); w.Code != http.StatusNotFound {
				t.Errorf("%s: got %d, want 404", other, w.Code)
			}
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if w := ask(h, "GET", path, nil); w.Code != http.StatusNotFound {
			t.Errorf("%s: with the picture deleted: got %d, want 404", kind, w.Code)
		}
	}
}
