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
