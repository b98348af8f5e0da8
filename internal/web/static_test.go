package web_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tertulia/micropub"
)

func TestFilesOfTheSite(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.write("notes.txt", "hola")
		w.write("pic.svg", "<svg/>")
		w.write("old.htm", "<p>Old</p>")
		w.write("blog/index.html", "<p>Blog</p>")
		w.write("blog/2026/index.html", "<p>2026</p>")
		w.write("ñandú/index.html", "<p>Ñandú</p>")
		w.write("bare/deep/file.txt", "deep")
		w.write(".env", "PASSWORD=x")
		w.write(".git/config", "secret")
		w.write("blog/.draft.html", "secret")
		w.write("evil.example/index.html", "<p>a directory with a misleading name</p>")
		if err := os.WriteFile(filepath.Join(w.ana().Root, "..", "secret.txt"), []byte("secret"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			path     string
			status   int
			location string
			says     string
		}{
			{path: "/notes.txt", status: 200, says: "hola"},
			{path: "/old.htm", status: 200, says: "Old"},
			{path: "/blog/", status: 200, says: "Blog"},
			{path: "/blog/index.html", status: 301, location: "/blog/"},
			{path: "/index.html", status: 301, location: "/"},
			{path: "/blog", status: 301, location: "/blog/"},
			{path: "/blog?a=1&b=%2F", status: 301, location: "/blog/?a=1&b=%2F"},
			{path: "/blog/2026", status: 301, location: "/blog/2026/"},
			{path: "/%C3%B1and%C3%BA", status: 301, location: "/%C3%B1and%C3%BA/"},
			{path: "/%C3%B1and%C3%BA/", status: 200, says: "Ñandú"},
			// No redirect leads to another host (HOSTILE 67).
			{path: "//evil.example", status: 301, location: "/evil.example/"},
			{path: "///evil.example", status: 301, location: "/evil.example/"},
			{path: "//evil.example/", status: 200, says: "misleading"},
			{path: "/%2Fevil.example", status: 301, location: "/evil.example/"},
			{path: "/%5Cevil.example", status: 404},
			{path: "/./evil.example", status: 301, location: "/evil.example/"},
			{path: "//evil.example/..", status: 301, location: "/"},
			// Directories are not listed, and files are no directories.
			{path: "/bare", status: 404}, {path: "/bare/", status: 404}, {path: "/bare/deep/", status: 404},
			{path: "/notes.txt/", status: 404}, {path: "/notes.txt/x", status: 404},
			// Hidden files stay hidden, and nothing lies above the root.
			{path: "/.env", status: 404}, {path: "/.git/config", status: 404}, {path: "/blog/.draft.html", status: 404},
			{path: "/%2eenv", status: 404}, {path: "/.git", status: 404}, {path: "/blog/../.env", status: 404},
			{path: "/../secret.txt", status: 404}, {path: "/..%2fsecret.txt", status: 404}, {path: "/blog/..%2f..%2fsecret.txt", status: 404},
			{path: "/%2e%2e/secret.txt", status: 404}, {path: "/..%5csecret.txt", status: 404}, {path: "/blog/../notes.txt", status: 200, says: "hola"},
			// Names that no file can have.
			{path: "/a%00b", status: 404}, {path: "/notes.txt%00.html", status: 404}, {path: "/" + strings.Repeat("a", 300), status: 404},
			{path: "/" + strings.Repeat("a/", 3000), status: 404}, {path: "/%FF%FE", status: 404}, {path: "/a%0Ab", status: 404},
		} {
			status, header, body := w.raw("GET", c.path)
			if status != c.status || header.Get("Location") != c.location || !strings.Contains(body, c.says) {
				t.Errorf("%s: got %d to %q, want %d to %q and %q:\n%.300s", c.path, status, header.Get("Location"), c.status, c.location, c.says, body)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "PASSWORD") {
				t.Errorf("%s shows what is hidden: %s", c.path, body)
			}
		}
		if strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("a missing file is nothing to log:\n%s", w.log)
		}
	})
}

// raw sends a request target as it is: clients tidy it first. Lines of the header may follow.
func (w *world) raw(method, target string, lines ...string) (int, http.Header, string) {
	w.Helper()
	ours, theirs := net.Pipe()
	server := &http.Server{Handler: w.handler}
	go server.Serve(&single{conn: theirs})
	defer server.Close()
	go fmt.Fprintf(ours, "%s %s HTTP/1.1\r\nHost: ana.example\r\nConnection: close\r\n%s\r\n", method, target, strings.Join(append(lines, ""), "\r\n"))
	resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
	if err != nil {
		w.Fatalf("%s %s: %v", method, target, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// single is a listener with one connection.
type single struct{ conn net.Conn }

func (s *single) Accept() (net.Conn, error) {
	if s.conn == nil {
		return nil, http.ErrServerClosed
	}
	c := s.conn
	s.conn = nil
	return c, nil
}
func (s *single) Close() error   { return nil }
func (s *single) Addr() net.Addr { return &net.UnixAddr{} }

// A page keeps its validator for as long as it is the same, and gets another with
// its conversation.
func TestPagesAreValidated(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("", "The networks are loudspeakers.")
		b := w.visitor()
		before := b.get(post)
		tag := before.header.Get("ETag")
		if tag == "" || before.header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("got %v", before.header)
		}
		if again := b.get(post, "If-None-Match", tag); again.status != 304 || again.body != "" || len(again.header.Values("Link")) == 0 {
			t.Errorf("unchanged: got %d, %v", again.status, again.header)
		}
		if head := b.do("HEAD", post, "", "If-None-Match", tag); head.status != 304 {
			t.Errorf("unchanged, HEAD: got %d", head.status)
		}
		w.replied("https://bea.example/1", post, `<div class="h-entry"><a class="u-in-reply-to" href="`+post+`">x</a><p class="e-content">I agree.</p></div>`)
		after := b.get(post, "If-None-Match", tag)
		if after.status != 200 || !strings.Contains(after.body, "I agree.") || after.header.Get("ETag") == tag {
			t.Errorf("after a reply: got %d, ETag %s (before %s)", after.status, after.header.Get("ETag"), tag)
		}
		// No script is needed to see it, and it stands where the page wants it.
		if doc := after.doc(t); len(find(doc, "tertulia-conversation")) != 1 || !strings.Contains(text(find(doc, "tertulia-conversation")[0]), "I agree.") {
			t.Errorf("the conversation is not in its place:\n%s", after.body)
		}
		part := b.get(post, "Range", "bytes=0-14")
		if part.status != 206 || part.body != after.body[:15] {
			t.Errorf("range: got %d %q", part.status, part.body)
		}
	})
}

// Where nothing is filled in, a page is a file as any other, with the file's own validators;
// what is filled in has none of the file's.
func TestFilesKeepTheirCaching(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.write("plain.html", "<p>No place.</p>")
		w.write("other.html", "<meta charset=iso-8859-1><p>A\xf1o</p>")
		w.write("latin.html", "<p>A\xf1o</p><tertulia-conversation></tertulia-conversation>")
		w.write("filled.html", "<p>Año</p><tertulia-conversation></tertulia-conversation>")
		b := w.visitor()
		for name, c := range map[string]struct{ kind, body string }{
			"plain.html": {"text/html; charset=utf-8", "<p>No place.</p>"}, "other.html": {"text/html; charset=windows-1252", "<meta charset=iso-8859-1><p>A\xf1o</p>"},
		} {
			a := b.get("https://ana.example/" + name)
			changed, tag := a.header.Get("Last-Modified"), a.header.Get("ETag")
			if a.body != c.body || changed == "" || tag == "" || a.header.Get("Cache-Control") != "" || a.header.Get("Content-Type") != c.kind || len(a.header.Values("Link")) == 0 {
				t.Errorf("%s: got %q %v", name, a.body, a.header)
			}
			for _, condition := range [][2]string{{"If-Modified-Since", changed}, {"If-None-Match", tag}} {
				if a := b.get("https://ana.example/"+name, condition[0], condition[1]); a.status != 304 {
					t.Errorf("%s, %s: got %d", name, condition[0], a.status)
				}
			}
			if a := b.get("https://ana.example/"+name, "Range", "bytes=1-2", "If-Range", tag); a.status != 206 || a.body != c.body[1:3] {
				t.Errorf("%s, a part: got %d %q", name, a.status, a.body)
			}
		}
		info, err := os.Stat(filepath.Join(w.ana().Root, "filled.html"))
		if err != nil {
			t.Fatal(err)
		}
		a := b.get("https://ana.example/filled.html", "If-Modified-Since", info.ModTime().UTC().Format(http.TimeFormat))
		if a.status != 200 || a.header.Get("Last-Modified") != "" || a.header.Get("Cache-Control") != "no-cache" || !strings.Contains(a.body, "Conversación") {
			t.Errorf("filled: got %d %v %s", a.status, a.header, a.body)
		}
		if a := b.get("https://ana.example/latin.html"); a.header.Get("Content-Type") != "text/html; charset=windows-1252" || !strings.Contains(a.body, "A\xf1o") || !strings.Contains(a.body, "Conversaci&#243;n") {
			t.Errorf("Latin 1: got %q %q", a.header.Get("Content-Type"), a.body)
		}
	})
}

// The settings may choose another element, here too.
func TestFilesWithAChosenPlace(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", language: "es", at: "div.talk"}}, func(w *world) {
		w.write("a.html", `<div class="x talk">OLD</div><p>after</p>`)
		if a := w.visitor().get("https://ana.example/a.html"); !strings.HasPrefix(a.body, `<div class="x talk">`+sheet) || !strings.HasSuffix(a.body, "</section>\n</div><p>after</p>") {
			w.Errorf("got %s", a.body)
		}
	})
}

// Nothing has to be edited for a conversation to look like one; a page that has seen to that
// itself, or wants no stylesheet, gets none.
func TestFilledPagesHaveAStylesheet(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", language: "es"}}, func(w *world) {
		const place = "<tertulia-conversation></tertulia-conversation>"
		for name, c := range map[string]struct {
			page string
			want int
		}{
			"plain":    {place, 1},
			"linked":   {`<link rel="stylesheet" href="/-/conversation.css">` + place, 0},
			"theme":    {`<link rel="stylesheet" href="/tertulia.css">` + place, 0},
			"widget":   {place + `<script src="/-/widget.js" type="module"></script>`, 0},
			"unstyled": {"<style>:root { --tertulia: none }</style>" + place, 0},
		} {
			w.write(name+".html", c.page)
			a := w.visitor().get("https://ana.example/" + name + ".html")
			if got := strings.Count(a.body, sheet); got != c.want || !strings.Contains(a.body, filledIn) {
				w.Errorf("%s: got %d stylesheets, want %d:\n%s", name, got, c.want, a.body)
			}
		}
	})
}

// Files that are no pages are served as they are, however large.
func TestLargeFiles(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		large := bytes.Repeat([]byte("0123456789abcdef"), 1<<16*9)
		w.write("film.bin", string(large))
		page := "<p>" + strings.Repeat("x", 9<<20) + `<tertulia-conversation>here</tertulia-conversation>`
		w.write("large/index.html", page)
		b := w.visitor()
		a := b.get("https://ana.example/film.bin")
		if a.status != 200 || a.body != string(large) || a.header.Get("Last-Modified") == "" {
			t.Errorf("film: got %d, %d bytes, %v", a.status, len(a.body), a.header)
		}
		if a := b.get("https://ana.example/film.bin", "If-Modified-Since", a.header.Get("Last-Modified")); a.status != 304 {
			t.Errorf("film again: got %d", a.status)
		}
		if a := b.get("https://ana.example/film.bin", "Range", "bytes=9437168-9437171"); a.status != 206 || a.body != "0123" {
			t.Errorf("part of the film: got %d %q", a.status, a.body)
		}
		if a := b.do("HEAD", "https://ana.example/film.bin", ""); a.status != 200 || a.header.Get("Content-Length") != fmt.Sprint(len(large)) {
			t.Errorf("film, HEAD: got %d, %v", a.status, a.header)
		}
		if a := b.get("https://ana.example/large/"); a.status != 200 || a.body != page || len(a.header.Values("Link")) == 0 {
			t.Errorf("large page: got %d, %d bytes", a.status, len(a.body))
		}
	})
}

// A deleted post answers 410, an unknown page 404, in every spelling.
// Spec: webmention#sending-webmentions-for-deleted-posts-p-1
func TestDeletedPostsAreGone(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		b := w.visitor()
		if err := w.ana().Posts.Delete(t.Context(), micropub.Grant{}, post); err != nil {
			t.Fatal(err)
		}
		settle()
		for _, address := range []string{post, strings.TrimSuffix(post, "/"), post + "?utm_source=x", post + "index.html"} {
			for _, method := range []string{"GET", "HEAD"} {
				if a := b.do(method, address, ""); a.status != 410 || len(a.header.Values("Link")) != 0 {
					t.Errorf("%s %s: got %d", method, address, a.status)
				}
			}
		}
		if a := b.get(w.ana().ConversationURL(post)); a.status != 410 {
			t.Errorf("its conversation: got %d", a.status)
		}
		if a := b.get(post + "x/"); a.status != 404 {
			t.Errorf("its neighbour: got %d", a.status)
		}
		if _, err := w.ana().Posts.Undelete(t.Context(), micropub.Grant{}, post); err != nil {
			t.Fatal(err)
		}
		settle()
		if a := b.get(post); a.status != 200 {
			t.Errorf("undeleted: got %d", a.status)
		}
	})
}

// The conversation is filled in at the element, not where its name only occurs.
func TestConversationStandsInItsPlace(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		const here = `<tertulia-conversation>OLD</tertulia-conversation>`
		b := w.visitor()
		for name, c := range map[string]struct {
			page   string
			filled bool
		}{
			"plain":              {`<p>x</p>` + here + `<p>after</p>`, true},
			"upper case":         {`<TERTULIA-Conversation class=x>OLD</Tertulia-CONVERSATION ><p>after</p>`, true},
			"in a comment":       {`<!-- ` + here + ` --><p>x</p>` + here + `<p>after</p>`, true},
			"only in a comment":  {`<!-- ` + here + ` --><p>after</p>`, false},
			"in a script":        {`<script>var s = "` + here + `"</script>` + here + `<p>after</p>`, true},
			"only in a script":   {`<script>var s = "` + here + `"</script><p>after</p>`, false},
			"in a style":         {`<style>/* ` + here + ` */</style>` + here + `<p>after</p>`, true},
			"in a textarea":      {`<textarea>` + here + `</textarea>` + here + `<p>after</p>`, true},
			"in the title":       {`<title>` + here + `</title>` + here + `<p>after</p>`, true},
			"in an attribute":    {`<p title="` + strings.ReplaceAll(here, `"`, "'") + `">x</p>` + here + `<p>after</p>`, true},
			"after a stray end":  {`</tertulia-conversation><p>x</p>` + here + `<p>after</p>`, true},
			"never closed":       {`<tertulia-conversation>OLD<p>after</p>`, false},
			"a longer name":      {`<tertulia-conversation-x>OLD</tertulia-conversation-x><p>after</p>`, false},
			"of the home page":   {`<tertulia-conversation target="https://ana.example/">OLD</tertulia-conversation><p>after</p>`, true},
			"as links name it":   {`<tertulia-conversation target="..//./">OLD</tertulia-conversation><p>after</p>`, true},
			"of another site":    {`<tertulia-conversation target="https://bea.example/">OLD</tertulia-conversation><p>after</p>`, false},
			"of nothing":         {`<tertulia-conversation target="https://ana.example/nothing">OLD</tertulia-conversation><p>after</p>`, false},
			"of no address":      {`<tertulia-conversation target="%zz:">OLD</tertulia-conversation><p>after</p>`, false},
			"with CR and NUL":    {"<p>\r\n\x00x\r</p>" + here + "<p>after</p>", true},
			"with children":      {`<tertulia-conversation><p>OLD</p><a href="x">OLD</a></tertulia-conversation><p>after</p>`, true},
			"not UTF-8":          {"<p>\xff\xfe</p>" + here + "<p>after</p>", true},
			"in a noscript text": {`<plaintext>` + here + `<p>after</p>`, false},
		} {
			file := strings.ReplaceAll(name, " ", "-") + ".html"
			w.write(file, c.page)
			a := b.get("https://ana.example/" + file)
			filled := strings.Contains(a.body, `<section class="tertulia"`)
			if a.status != 200 || filled != c.filled || !strings.HasSuffix(a.body, `<p>after</p>`) {
				t.Errorf("%s: got %d, filled %v, want %v:\n%s", name, a.status, filled, c.filled, a.body)
			}
			if !c.filled && a.body != c.page {
				t.Errorf("%s: the page was changed:\n%q", name, a.body)
			}
			if before, _, _ := strings.Cut(c.page, "OLD"); c.filled && name != "with children" && strings.Count(c.page, "OLD") == 1 && !strings.HasPrefix(a.body, before) {
				t.Errorf("%s: what stands before was changed:\n%q", name, a.body)
			}
			if got, want := strings.Count(a.body, "OLD"), strings.Count(c.page, "OLD")-1; c.filled && name != "with children" && got != want {
				t.Errorf("%s: OLD stands %d times, want %d:\n%s", name, got, want, a.body)
			}
		}
	})
}
