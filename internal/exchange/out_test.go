package exchange_test

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/exchange"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// world is a site whose pages are files, with an empty store.
type world struct {
	t    *testing.T
	site *site.Site
	db   *store.DB
}

func newWorld(t *testing.T, language string) *world {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{"hola", "otra"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name, "index.html"), []byte("<p>"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	db, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &world{t, &site.Site{Key: "me.example", URL: home, Base: "https://me.example/-/", Language: language, Root: root}, db}
}

func (w *world) importer(dry bool) *site.Importer {
	return &site.Importer{
		Mentions: &site.Mentions{Site: w.site, DB: w.db, Limits: &site.Limits{}},
		Pages:    &site.Pages{Site: w.site, DB: w.db}, From: "test", Dry: dry,
	}
}

// load imports responses as a command and a service do it together.
func (w *world) load(ctx context.Context, dry bool, all ...site.Foreign) (exchange.Report, error) {
	w.t.Helper()
	var lines bytes.Buffer
	err := exchange.Send(&lines, func(yield func(site.Foreign, error) bool) {
		for _, f := range all {
			if !yield(f, nil) {
				return
			}
		}
	}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return exchange.Load(ctx, w.importer(dry), &lines)
}

func (w *world) out() exchange.Out {
	return exchange.Out{View: &site.Conversation{Site: w.site, DB: w.db}, Now: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)}
}

func (w *world) write(o exchange.Out, format string) string {
	w.t.Helper()
	var b bytes.Buffer
	if err := o.Write(w.t.Context(), format, &b); err != nil {
		w.t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

func reply(n int, text string) site.Foreign {
	return site.Foreign{
		Type: "reply", Source: "https://bea.example/" + strconv.Itoa(n), Target: "https://me.example/hola/", Number: uint64(n),
		Received: "2016-01-02T03:04:05Z", Text: text, Author: mf2.Author{Name: "Bea", URL: "https://bea.example/"},
	}
}

// evil is what a hostile author puts into each field.
var evil = []string{
	`x" onmouseover="alert(1)`, `x' onmouseover='alert(1)`, `</script><script>alert(1)</script>`, "\u202egnp.exe", "javascript:alert(1)",
	`=HYPERLINK("https://evil.example")`, "+1+1", "-2+3", "@SUM(A1)", "\t=1", " =1", "＝1", "\"=1", "a\r\n=1", "a;=1", "a\n=1", "]]>", "{{ page }}", "{% raw %}", "<!--", "\x00\x1b[31m",
}

// READ-API 6: a file of JF2 has the bytes that webmention.io writes, of all pages and of one.
func TestExportedBytes(t *testing.T) {
	w := newWorld(t, "es")
	f := reply(900, "")
	f.HTML, f.Author.Name = "<p>Yo &amp; <b>tú</b></p>", "Bea <3"
	const begin = `{"type":"feed","name":"Webmentions","children":[` + "\n"
	if got := w.write(w.out(), "jf2"); got != begin+"]}\n" {
		t.Errorf("of nothing: got %q", got)
	}
	if _, err := w.load(t.Context(), false, f); err != nil {
		t.Fatal(err)
	}
	want := begin + `{"type":"entry","author":{"type":"card","name":"Bea <3","photo":"","url":"https://bea.example/"},"url":"https://bea.example/900",` +
		`"published":null,"wm-received":"2016-01-02T03:04:05Z","wm-id":900,"wm-source":"https://bea.example/900","wm-target":"https://me.example/hola/",` +
		`"wm-protocol":"webmention","content":{"html":"<p>Yo &amp; <b>tú</b></p>","text":"Yo & tú"},"in-reply-to":"https://me.example/hola/",` +
		`"wm-property":"in-reply-to","wm-private":false}` + "\n]}\n"
	for _, page := range []string{"", "https://me.example/hola/"} {
		o := w.out()
		o.Page = page
		if d := cmp.Diff(want, w.write(o, "jf2")); d != "" {
			t.Errorf("page %q (-want +got):\n%s", page, d)
		}
	}
}

// Whatever strangers have written is inert in every output (HOSTILE 30, T-MF08): no element and
// no attribute of theirs in HTML, no formula in a cell, text as text in JSON.
func TestHostileAuthorsAreInertOnTheirWayOut(t *testing.T) {
	w := newWorld(t, "es")
	var all []site.Foreign
	for i, e := range evil {
		f := reply(i+1, e)
		f.Author = mf2.Author{Name: e, URL: "https://bea.example/?" + e, Photo: e}
		f.Name, f.URL = e+" name", "https://bea.example/"+url.PathEscape(e)
		if i%2 == 0 {
			f.HTML = `<p title="` + e + `">` + e + `<img src=x onerror=alert(1)></p>`
		}
		all = append(all, f)
	}
	if r, err := w.load(t.Context(), false, all...); err != nil || r.New != len(evil) {
		t.Fatalf("got %+v, %v", r, err)
	}
	for _, excel := range []bool{false, true} {
		o := w.out()
		o.Excel = excel
		table := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.write(o, "csv"), "\ufeff")))
		if excel {
			table.Comma = ';'
		}
		rows, err := table.ReadAll()
		if err != nil || len(rows) != len(evil)+1 {
			t.Fatalf("got %d rows, %v", len(rows), err)
		}
		for _, row := range rows {
			for _, text := range row {
				for line := range strings.SplitSeq(text, "\n") {
					if line = strings.TrimLeft(line, " \t\""); line != "" && strings.ContainsRune("=+-@＝", []rune(line)[0]) || strings.ContainsAny(text, "\x00\x1b\u202e") {
						t.Errorf("a spreadsheet computes %q", text)
					}
				}
			}
		}
	}
	doc, err := html.Parse(strings.NewReader(w.write(w.out(), "html")))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && (n.Data == "script" || n.Data == "img") {
			t.Errorf("the document has <%s>", n.Data)
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("the document has %s=%q", a.Key, a.Val)
			}
		}
	}
	for _, format := range []string{"jf2", "eleventy-cache"} {
		var feed struct {
			Children []struct {
				Author struct{ Name, URL, Photo string }
				URL    string
			}
		}
		if err := json.Unmarshal([]byte(w.write(w.out(), format)), &feed); err != nil || len(feed.Children) != len(evil) {
			t.Errorf("%s: %d entries, %v", format, len(feed.Children), err)
		}
		for _, c := range feed.Children {
			for _, address := range []string{c.URL, c.Author.URL, c.Author.Photo} {
				if u, err := url.Parse(address); err != nil || address != "" && u.Scheme != "https" {
					t.Errorf("%s: an address is %q", format, address)
				}
			}
		}
	}
	if cache := w.write(w.out(), "jekyll-cache"); strings.Contains(cache, "<script") || strings.Contains(cache, `\" onmouse`) || strings.ContainsAny(cache, "\x00\x1b") {
		t.Errorf("the cache for Jekyll has\n%s", cache)
	}
}

// The document of one page has that page's responses, all of them, in the site's language.
func TestEvidence(t *testing.T) {
	w := newWorld(t, "es")
	other := reply(3, "Otra")
	other.Target = "https://me.example/otra/"
	if _, err := w.load(t.Context(), false, reply(1, "Uno"), reply(2, "Dos"), other); err != nil {
		t.Fatal(err)
	}
	o := w.out()
	o.Page = "http://www.me.example/hola"
	if err := o.Write(t.Context(), "html", io.Discard); err == nil {
		t.Error("a page of another site: got no error")
	}
	o.Page = "http://me.example/hola"
	text := w.write(o, "html")
	for _, want := range []string{`lang="es"`, "Respuestas a", `id="wm-1"`, `id="wm-2"`, "https://bea.example/2", `datetime="2016-01-02T03:04:05Z"`, "2 de enero de 2016, 03:04 UTC", "Respuestas: 2", "22 de noviembre de 2026"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the document:\n%s", want, text)
		}
	}
	if strings.Contains(text, "Otra") {
		t.Error("another page's response is in it")
	}
	var feed struct{ Children []any }
	if err := json.Unmarshal([]byte(w.write(o, "jf2")), &feed); err != nil || len(feed.Children) != 2 {
		t.Errorf("got %v, %v", feed, err)
	}
}

// The files of data go where they belong and nowhere else.
func TestDataIsUnpackedInItsDirectory(t *testing.T) {
	w := newWorld(t, "en")
	if _, err := w.load(t.Context(), false, reply(1, "Uno")); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := exchange.Unpack(strings.NewReader(w.write(w.out(), "data")), dir); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "hola.json")); err != nil || !strings.Contains(string(text), `"wm-id":1,`) {
		t.Errorf("got %q, %v", text, err)
	}
	for _, name := range []string{"../out.json", "/out.json", "a/../../out.json"} {
		var b bytes.Buffer
		out := tar.NewWriter(&b)
		_ = out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1})
		_, _ = out.Write([]byte("x"))
		_ = out.Close()
		_ = exchange.Unpack(&b, dir)
		for _, at := range []string{filepath.Dir(dir), "/"} {
			if _, err := os.Stat(filepath.Join(at, "out.json")); err == nil {
				t.Errorf("%s was written into %s", name, at)
			}
		}
	}
}

// An import that is broken off goes on where it was, and what came before is not done again; a
// trial says the same as the import, and writes nothing.
func TestAnImportGoesOnWhereItWasBrokenOff(t *testing.T) {
	w := newWorld(t, "en")
	var all []site.Foreign
	for i := range 350 {
		all = append(all, reply(i+1, "Texto "+strconv.Itoa(i)))
	}
	trial, err := w.load(t.Context(), true, all...)
	if err != nil || trial.New != 350 || !trial.DryRun {
		t.Fatalf("the trial: %+v, %v", trial, err)
	}
	var lines bytes.Buffer
	if err := exchange.Send(&lines, func(yield func(site.Foreign, error) bool) {
		for _, f := range all {
			yield(f, nil)
		}
	}, nil); err != nil {
		t.Fatal(err)
	}
	cut := lines.String()[:lines.Len()*2/3]
	first, err := exchange.Load(t.Context(), w.importer(false), strings.NewReader(cut))
	if err == nil || first.New != 200 {
		t.Fatalf("broken off: %+v, %v", first, err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if r, err := w.load(stopped, false, all...); err == nil || r.New != 0 {
		t.Errorf("stopped: %+v, %v", r, err)
	}
	second, err := w.load(t.Context(), false, all...)
	if err != nil || second.New != 150 || second.Known != 200 {
		t.Errorf("again: %+v, %v", second, err)
	}
	if text := w.write(w.out(), "jf2"); strings.Count(text, "wm-id") != 350 || !strings.Contains(text, `"wm-id":350,`) {
		t.Errorf("it has %d entries", strings.Count(text, "wm-id"))
	}
}

// Addresses without end that are no pages of ours do not fill a report.
func TestReportsAreBounded(t *testing.T) {
	w := newWorld(t, "en")
	var all []site.Foreign
	for i := range 10_500 {
		f := reply(i+1, "")
		f.Target = fmt.Sprintf("https://other.example/%d/%s", i, strings.Repeat("x", 1000))
		all = append(all, f)
	}
	r, err := w.load(t.Context(), true, all...)
	if err != nil || r.Skipped != 10_500 || len(r.Pages) > 10_001 || len(r.Pages[100].Page) > 210 {
		t.Errorf("got %d pages, %d skipped, %v", len(r.Pages), r.Skipped, err)
	}
}
