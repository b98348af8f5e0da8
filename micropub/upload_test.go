package micropub_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/micropub"
)

// field is a part of a multipart body; with a filename it is a file.
type field struct{ name, filename, value string }

// body writes a multipart body and returns its content type.
func body(t testing.TB, fields ...field) (contentType, text string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		var part io.Writer
		var err error
		if f.filename != "" {
			part, err = w.CreateFormFile(f.name, f.filename)
		} else {
			part, err = w.CreateFormField(f.name)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(part, f.value); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

// HOSTILE 82, T-MP26: at the limit it passes, one byte over it is 413 in JSON and nothing is kept.
func TestLimits(t *testing.T) {
	many := func(n int, filename string) []field {
		fields := make([]field, n)
		for i := range fields {
			fields[i] = field{fmt.Sprintf("p%d", i), filename, "x"}
		}
		return fields
	}
	for _, tt := range []struct {
		name   string
		media  bool
		status int
		fields []field
	}{
		{"file at the limit", true, 201, []field{{"file", "a", strings.Repeat("x", 1000)}}},
		{"file over the limit", true, 413, []field{{"file", "a", strings.Repeat("x", 1001)}}},
		{"file far over the limit", true, 413, []field{{"file", "a", strings.Repeat("x", 300_000)}}},
		{"file of a post over the limit", false, 413, []field{{"content", "", "x"}, {"photo", "a", "x"}, {"photo", "a", strings.Repeat("x", 1001)}}},
		{"fields at the limit", false, 201, []field{{"content", "", strings.Repeat("x", 400)}, {"name", "", strings.Repeat("x", 100)}}},
		{"fields over the limit", false, 413, []field{{"content", "", strings.Repeat("x", 400)}, {"name", "", strings.Repeat("x", 101)}}},
		{"fields of an upload over the limit", true, 413, []field{{"content", "", strings.Repeat("x", 501)}, {"file", "a", "x"}}},
		{"parts at the limit", false, 201, many(20, "")},
		{"parts over the limit", false, 413, many(21, "")},
		{"files at the limit", false, 201, many(3, "a")},
		{"files over the limit", false, 413, many(4, "a")},
		{"parts after an upload", true, 413, append([]field{{"file", "a", "x"}}, many(21, "")...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBlog()
			h := handler(b)
			h.MaxBody, h.MaxFile, h.MaxFiles, h.MaxParts = 500, 1000, 3, 20
			contentType, text := body(t, tt.fields...)
			var to http.Handler = h
			if tt.media {
				to = h.Media()
			}
			w := post(to, "all", contentType, text)
			want(t, w, tt.status)
			if tt.status == 413 {
				if !strings.Contains(w.Body.String(), `"error":"invalid_request"`) {
					t.Errorf("got %s, want a JSON error", w.Body)
				}
				if len(b.files) > 0 || len(b.created) > 0 {
					t.Errorf("got files %v and %d posts, want nothing kept", b.files, len(b.created))
				}
			}
		})
	}
	h := handler(newBlog())
	h.MaxBody, h.MaxParts = 30, 3
	want(t, post(h, "all", form, "content="+strings.Repeat("x", 22)), 201)
	want(t, post(h, "all", form, "content="+strings.Repeat("x", 23)), 413)
	want(t, post(h, "", form, "content="+strings.Repeat("x", 23)), 401)
	want(t, post(h, "all", form, "a=1&a=1&a=1&&"), 201)
	want(t, post(h, "all", form, "a=1&a=1&a=1&a=1"), 413)
	want(t, post(h, "all", js, `{"properties":{"a":["`+strings.Repeat("x", 20)+`"]}}`), 413)
	r := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("content="), strings.NewReader(strings.Repeat("x", 23))))
	r.Header.Set("Content-Type", form)
	r.Header.Set("Authorization", "Bearer all")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r) // no Content-Length
	want(t, w, 413)
}

// HOSTILE 68: depth, far over what a stack likes and just over what is allowed.
func TestCreateRefusesDeepJSON(t *testing.T) {
	h := handler(newBlog())
	nest := func(n int) string {
		return `{"properties":{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}}`
	}
	want(t, post(h, "all", js, nest(10_000)), 400)
	want(t, post(h, "all", js, nest(31)), 400)
	want(t, post(h, "all", js, nest(30)), 201)
	want(t, post(h, "all", form, "content=x&a"+strings.Repeat("[b]", 3000)+"=x"), 400)
}

// MX-21: a number far off makes no list as long (photos and their texts keep places).
func TestNumbersFarOffCostLittle(t *testing.T) {
	h := handler(newBlog())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	want(t, post(h, "all", form, "photo[999999]=https://p.example/1&mp-photo-alt[999999]=x"), 201)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("got %d bytes allocated, want less than 1 MiB", used)
	}
}

// MP-1: bytes that are not UTF-8 are refused in every kind of body.
func TestCreateRefusesOtherEncodings(t *testing.T) {
	h := handler(newBlog())
	want(t, post(h, "all", js, "{\"properties\":{\"content\":[\"caf\xe9\"]}}"), 400)
	want(t, post(h, "all", form, "content=caf\xe9"), 400)
	contentType, text := body(t, field{"content", "", "caf\xe9"})
	want(t, post(h, "all", contentType, text), 400)
}

// Somebody else's smaller limit on the body is a 413 too.
func TestOuterLimit(t *testing.T) {
	h := handler(newBlog())
	outer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, 10)
		h.ServeHTTP(w, r)
	})
	want(t, post(outer, "all", form, "content=more+than+ten"), 413)
	contentType, text := body(t, field{"content", "", "hi"})
	want(t, post(outer, "all", contentType, text), 413)
}

// A body that ends early leaves no file, wherever it ends (HOSTILE 82).
func TestTruncatedUploadKeepsNothing(t *testing.T) {
	contentType, text := body(t, field{"content", "", "hi"}, field{"photo", "a", "first"}, field{"photo", "b", "second"})
	fileType, file := body(t, field{"file", "a", "first"})
	for cut := range len(text) - 2 { // the last line end may be missing
		b := newBlog()
		w := post(handler(b), "all", contentType, text[:cut])
		want(t, w, 400)
		if len(b.files) > 0 || len(b.created) > 0 {
			t.Fatalf("cut at %d: got files %v and %d posts, want nothing kept", cut, b.files, len(b.created))
		}
	}
	for cut := range len(file) - 2 {
		b := newBlog()
		want(t, post(handler(b).Media(), "all", fileType, file[:cut]), 400)
		if len(b.claims) > 0 {
			t.Fatalf("cut at %d: the backend saw a whole file", cut)
		}
	}
	want(t, post(handler(newBlog()), "all", contentType, text[:len(text)-2]), 201)
	want(t, post(handler(newBlog()).Media(), "all", fileType, file[:len(file)-2]), 201)
}

// What comes before the first boundary, and the headers of a part, are bounded.
func TestMultipartNoiseIsBounded(t *testing.T) {
	h := handler(newBlog())
	noise := strings.Repeat("noise\r\n", 100_000)
	want(t, post(h, "all", "multipart/form-data; boundary=x", noise+"--x\r\nContent-Disposition: form-data; name=\"content\"\r\n\r\nhi\r\n--x--\r\n"), 413)
	want(t, post(h, "all", "multipart/form-data; boundary=x", "--x\r\nX-Long: "+strings.Repeat("n", 700_000)+"\r\n\r\nhi\r\n--x--\r\n"), 413)
	want(t, post(h, "all", "multipart/form-data; boundary=x", "--x\r\n\r\nhi\r\n--x--\r\n"), 400)
	want(t, post(h, "all", "multipart/form-data", "hi"), 400)
}

// Names that are commands or reserved are not for files; actions take none.
func TestFilesWhereNoneBelong(t *testing.T) {
	for _, fields := range [][]field{
		{{"mp-slug", "a", "x"}}, {{"access_token", "a", "x"}}, {{"h", "a", "x"}}, {{"action", "a", "x"}}, {{"url", "a", "x"}},
		{{"photo[", "a", "x"}}, {{"a\x01b", "a", "x"}}, {{"photo", "a", ""}},
		{{"action", "", "delete"}, {"url", "", home + "1"}, {"photo", "a", "x"}},
		{{"photo", "a", "x"}, {"a[b]", "", "x"}, {"a[b][c]", "", "x"}},
	} {
		b := newBlog()
		contentType, text := body(t, fields...)
		want(t, post(handler(b), "all", contentType, text), 400)
		if len(b.files) > 0 || len(b.created) > 0 || len(b.posts) != 3 {
			t.Errorf("%v: got files %v, want nothing kept", fields, b.files)
		}
	}
	contentType, text := body(t, field{"photo", "a", "x"})
	want(t, post(handler(plain{newBlog()}), "all", contentType, text), 400)
	contentType, text = body(t, field{"file", "a", "x"})
	want(t, post(handler(plain{newBlog()}).Media(), "all", contentType, text), 404)

	// A file at all only for those who may upload, and a post's only for those who may post.
	for token, status := range map[string]int{"update": 401, "media": 401, "draft": 201, "": 401} {
		b := newBlog()
		contentType, text := body(t, field{"photo", "a", "x"}, field{"content", "", "x"})
		want(t, post(handler(b), token, contentType, text), status)
		if status == 401 && len(b.claims) > 0 {
			t.Errorf("token %q: the file reached the backend", token)
		}
	}
	// The file of somebody who may upload but not post is taken back.
	b := newBlog()
	contentType, text = body(t, field{"file", "a", "x"}, field{"content", "", "x"})
	want(t, post(handler(b), "media", contentType, text), 401)
	if diff := cmp.Diff([]string{home + "media/1"}, b.dropped); diff != "" {
		t.Errorf("taken back (-want +got)\n%s", diff)
	}
}

// HOSTILE 80: the client's claims are passed on as claims, whatever they are.
func TestUploadClaims(t *testing.T) {
	b := newBlog()
	for _, name := range []string{"x.svg", "x.png%00.html", "\u202egpj.exe", strings.Repeat("n", 5000), "../../etc/passwd"} {
		contentType, text := body(t, field{"file", name, "<svg/>"})
		want(t, post(handler(b).Media(), "all", contentType, text), 201)
		if got := b.claims[len(b.claims)-1]; got.Name != name || got.Size != -1 {
			t.Errorf("got claim %q of %d bytes, want %q", got.Name, got.Size, name)
		}
	}
}

// A backend that stops reading early must not turn a bad upload into a good one.
func TestLazyBackend(t *testing.T) {
	b := newBlog()
	b.lazy = true
	h := handler(b)
	h.MaxFile = 10
	contentType, text := body(t, field{"file", "a", strings.Repeat("x", 11)})
	want(t, post(h.Media(), "all", contentType, text), 413)
	if len(b.files) != 0 {
		t.Errorf("got files %v, want the upload taken back", b.files)
	}
	contentType, text = body(t, field{"photo", "a", strings.Repeat("x", 10)})
	want(t, post(h, "all", contentType, text), 201)
}

// T-MP22, HOSTILE 79: a repeated request has the digest of the first, by form or
// JSON, with the same files under other addresses; anything else has another.
func TestDigest(t *testing.T) {
	b := newBlog()
	h := handler(b)
	digest := func(token, contentType, text string) string {
		want(t, post(h, token, contentType, text), 201)
		return b.created[len(b.created)-1].Digest
	}
	upload := func(bytes string) string {
		contentType, text := body(t, field{"content", "", "hi"}, field{"photo", "a", bytes})
		return digest("all", contentType, text)
	}
	first := digest("create", form, "h=entry&content=hi&category[]=a&category[]=b&mp-slug=s")
	if len(first) != 64 {
		t.Errorf("got digest %q, want 64 hex digits", first)
	}
	for name, same := range map[string]string{
		"again":         digest("create", form, "h=entry&content=hi&category[]=a&category[]=b&mp-slug=s"),
		"other order":   digest("create", form, "mp-slug=s&category=a&category=b&content=hi"),
		"token in body": digest("", form, "access_token=create&content=hi&category[]=a&category[]=b&mp-slug=s"),
		"other token":   digest("all", form, "content=hi&category[]=a&category[]=b&mp-slug=s"),
		"json":          digest("create", js, `{"mp-slug":"s","properties":{"category":["a","b"],"content":["hi"]}}`),
	} {
		if same != first {
			t.Errorf("%s: got another digest, want the same", name)
		}
	}
	for name, other := range map[string]string{
		"other client":  digest("other", form, "content=hi&category[]=a&category[]=b&mp-slug=s"),
		"other order":   digest("create", form, "content=hi&category[]=b&category[]=a&mp-slug=s"),
		"other command": digest("create", form, "content=hi&category[]=a&category[]=b&mp-slug=t"),
		"other type":    digest("create", form, "h=event&content=hi&category[]=a&category[]=b&mp-slug=s"),
		"only a draft":  digest("draft", form, "content=hi&category[]=a&category[]=b&mp-slug=s"),
	} {
		if other == first {
			t.Errorf("%s: got the same digest, want another", name)
		}
	}
	if again := upload("x"); again != upload("x") {
		t.Error("the same file twice: got another digest, want the same")
	}
	if upload("x") == upload("y") {
		t.Error("another file: got the same digest, want another")
	}
}

var _ micropub.Backend = plain{}
