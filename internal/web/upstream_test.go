package web_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/web"
	"tertulia/mf2"
	"tertulia/micropub"
)

// here is where a page of the upstream has its conversation.
const here = `<!doctype html><title>x</title><p>before</p><tertulia-conversation>OLD</tertulia-conversation><p>after</p>`

// behind runs a test with a service that stands in front of Ana's site.
func behind(t *testing.T, up http.HandlerFunc, test func(w *world)) {
	t.Helper()
	inWorldOf(t, []house{{home: "https://ana.example/", language: "es", upstream: up, at: "#comments"}}, test)
}

// says answers with a page, whatever is asked; header lines come in twos.
func says(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		if r.Method != http.MethodHead {
			io.WriteString(w, body)
		}
	}
}

const (
	page     = "https://ana.example/a/"
	sheet    = `<link rel="stylesheet" href="https://ana.example/-/conversation.css?v=`
	filledIn = `<section class="tertulia"`
)

// A page of the upstream has a validator of its own, which changes with the page and with
// its conversation; HEAD and GET agree, and what the visitor has of the upstream's is not it.
func TestUpstreamPagesAreFilled(t *testing.T) {
	body := here
	behind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"theirs"`)
		says(body, "Last-Modified", "Sat, 21 Nov 2020 10:00:00 GMT", "X-Theirs", "yes")(w, r)
	}, func(w *world) {
		t := w.T
		b := w.visitor()
		first := b.get(page)
		before, _, _ := strings.Cut(here, "OLD")
		if first.status != 200 || !strings.HasPrefix(first.body, before+sheet) || !strings.Contains(first.body, `">`+filledIn) || !strings.HasSuffix(first.body, `</tertulia-conversation><p>after</p>`) {
			t.Fatalf("got %d %s", first.status, first.body)
		}
		tag := first.header.Get("ETag")
		if tag == `"theirs"` || tag == "" || first.header.Get("Last-Modified") != "" || first.header.Get("Cache-Control") != "no-cache" || first.header.Get("X-Theirs") != "yes" {
			t.Errorf("got %v", first.header)
		}
		if got := naive(strings.Join(first.header.Values("Link"), ", ")); cmp.Diff(endpoints, got) != "" {
			t.Errorf("links: got %v", got)
		}
		head := b.do("HEAD", page, "")
		for _, h := range []http.Header{head.header, first.header} {
			h.Del("Date")
		}
		if diff := cmp.Diff(first.header, head.header); diff != "" || head.status != 200 || head.body != "" {
			t.Errorf("HEAD: %d (-GET +HEAD):\n%s", head.status, diff)
		}
		for _, method := range []string{"GET", "HEAD"} {
			for name, c := range map[string]struct {
				key, value string
				status     int
			}{
				"ours":                 {"If-None-Match", `"x", W/` + tag, 304},
				"any":                  {"If-None-Match", "*", 304},
				"theirs":               {"If-None-Match", `"theirs"`, 200},
				"since before we came": {"If-Modified-Since", "Sat, 21 Nov 2020 10:00:00 GMT", 200},
				"a part":               {"Range", "bytes=0-14", 206},
				"parts":                {"Range", "bytes=0-1,4-5", 206},
				"a part of theirs":     {"If-Range", `"theirs"`, 200},
			} {
				a := b.do(method, page, "", c.key, c.value)
				if a.status != c.status || a.status == 304 && (a.body != "" || len(a.header.Values("Link")) == 0) {
					t.Errorf("%s, %s: got %d %q", method, name, a.status, a.body)
				}
				if c.status == 206 && method == "GET" && name == "a part" && a.body != first.body[:15] {
					t.Errorf("%s: got %q", name, a.body)
				}
			}
		}
		// Fifty at once get the same.
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if a := b.get(page); a.header.Get("ETag") != tag || a.body != first.body {
					t.Errorf("at once: got %d %s", a.status, a.body)
				}
			})
		}
		all.Wait()
		w.replied("https://bea.example/1", page, `<div class="h-entry"><a class="u-in-reply-to" href="`+page+`">x</a><p class="e-content">I agree {{with}} ñ.</p></div>`)
		second := b.get(page, "If-None-Match", tag)
		if second.status != 200 || !strings.Contains(second.body, "I agree &#123;&#123;with}} ñ.") || second.header.Get("ETag") == tag {
			t.Errorf("after a reply: got %d %s", second.status, second.body)
		}
		body = strings.Replace(here, "before", "edited", 1)
		if third := b.get(page, "If-None-Match", second.header.Get("ETag")); third.status != 200 || !strings.Contains(third.body, "edited") {
			t.Errorf("after an edit: got %d", third.status)
		}
		// The other element is chosen by the settings; ours comes first, wherever it stands.
		body = `<ol id="comments"><li>1</ol>` + here
		if a := b.get(page); !strings.HasPrefix(a.body, `<ol id="comments"><li>1</ol>`) || !strings.Contains(a.body, "I agree") {
			t.Errorf("both: got %s", a.body)
		}
		body = `<p>x</p><div id="comments">OLD</div>`
		if a := b.get(page); !strings.HasPrefix(a.body, `<p>x</p><div id="comments">`+sheet) || strings.Contains(a.body, "OLD") {
			t.Errorf("chosen: got %s", a.body)
		}
	})
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, s)
	z.Close()
	return b.String()
}

// What cannot be filled in is the upstream's to the byte, with its own headers.
func TestUpstreamAnswersThatAreLeftAlone(t *testing.T) {
	large := here + strings.Repeat("x", 8<<20)
	for name, c := range map[string]struct {
		status int
		body   string
		header []string
	}{
		"no place":              {200, "<p>x</p>", nil},
		"never closed":          {200, "<tertulia-conversation>x", nil},
		"an image":              {200, here, []string{"Content-Type", "image/png"}},
		"no type":               {200, here, []string{"Content-Type", ""}},
		"XHTML":                 {200, here, []string{"Content-Type", "application/xhtml+xml"}},
		"a download":            {200, here, []string{"Content-Disposition", `Attachment; filename="x.html"`}},
		"not to be changed":     {200, here, []string{"Cache-Control", "public, No-Transform"}},
		"an error":              {500, here, nil},
		"not found":             {404, here, nil},
		"redirect elsewhere":    {302, here, []string{"Location", "https://other.example/"}},
		"too large":             {200, large, nil},
		"in br":                 {200, here, []string{"Content-Encoding", "br"}},
		"twice compressed":      {200, zipped(zipped(here)), []string{"Content-Encoding", "gzip, gzip"}},
		"not compressed at all": {200, here, []string{"Content-Encoding", "gzip"}},
		"cut off":               {200, zipped(here)[:40], []string{"Content-Encoding", "gzip"}},
		"a bomb":                {200, zipped(large), []string{"Content-Encoding", "gzip"}},
		"UTF-16":                {200, "\xff\xfe<\x00d\x00i\x00v\x00", nil},
		"UTF-16 by its type":    {200, here, []string{"Content-Type", "text/html; charset=utf-16le"}},
		"shifting":              {200, "\x1b$B<d\x1b(B" + here, []string{"Content-Type", "text/html; charset=iso-2022-jp"}},
		"of a stranger":         {200, strings.Replace(here, "conversation>", `conversation target="https://bea.example/">`, 1), nil},
	} {
		t.Run(name, func(t *testing.T) {
			behind(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("ETag", `"theirs"`)
				for i := 0; i < len(c.header); i += 2 {
					w.Header().Set(c.header[i], c.header[i+1])
				}
				w.Header().Set("Last-Modified", "Sat, 21 Nov 2020 10:00:00 GMT")
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}, func(w *world) {
				t := w.T
				a := w.visitor().get(page, "Accept-Encoding", "gzip") // as it comes: the client decodes nothing
				if a.status != c.status || a.body != c.body || a.header.Get("ETag") != `"theirs"` || a.header.Get("Last-Modified") == "" {
					t.Errorf("got %d, %d bytes, %v", a.status, len(a.body), a.header)
				}
				if kind := a.header.Get("Content-Type"); (len(a.header.Values("Link")) > 0) != (c.status == 200 && strings.Contains(kind, "html")) {
					t.Errorf("%s %q has links %q", a.header.Get("Content-Type"), kind, a.header.Values("Link"))
				}
				for key, value := range map[string]string{"If-None-Match": `W/"theirs"`, "If-Modified-Since": "Sun, 22 Nov 2020 10:00:00 GMT"} {
					if a := w.visitor().get(page, key, value, "Accept-Encoding", "gzip"); (a.status == 304) != (c.status == 200) {
						t.Errorf("%s: got %d", key, a.status)
					}
				}
				if a := w.visitor().get(page, "If-None-Match", `"other"`, "If-Modified-Since", "Sun, 22 Nov 2020 10:00:00 GMT", "Accept-Encoding", "gzip"); a.status != c.status {
					t.Errorf("a tag counts before a date: got %d", a.status)
				}
			})
		})
	}
}

// In whatever encoding a page is, the conversation is readable in it (HOSTILE 24).
func TestUpstreamPagesInOtherEncodings(t *testing.T) {
	var kind string
	body := ""
	behind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", kind)
		io.WriteString(w, body)
	}, func(w *world) {
		t := w.T
		b := w.visitor()
		kind, body = "text/html; charset=utf-8", here
		w.replied("https://bea.example/1", page, `<meta charset=utf-8><div class="h-entry"><a class="u-in-reply-to" href="`+page+`">x</a><p class="e-content">año 年 &lt;b&gt;</p></div>`)
		for name, c := range map[string]struct {
			kind, before string
			wide         bool
		}{
			"UTF-8":           {"text/html; charset=UTF-8", "ñ", true},
			"UTF-8 by a mark": {"text/html", "\xef\xbb\xbfñ", true},
			"UTF-8 by meta":   {"text/html", "<meta charset=utf-8>ñ", true},
			"Latin 1":         {"text/html; charset=iso-8859-1", "\xf1", false},
			"by meta":         {"text/html", "<meta charset=windows-1252>\xf1", false},
			"nobody knows":    {"text/html", "<p>x", false},
			"Shift JIS":       {`text/html; charset="shift_jis"`, "\x83\x5c", false},
			"unknown":         {"text/html; charset=x-klingon", "\xf1", false},
		} {
			kind, body = c.kind, c.before+here
			a := b.get(page)
			want := "a&#241;o &#24180; &lt;b&gt;"
			if c.wide {
				want = "año 年 &lt;b&gt;"
			}
			if !strings.HasPrefix(a.body, c.before) || !strings.Contains(a.body, want) || a.header.Get("Content-Type") != c.kind {
				t.Errorf("%s: got %q %s", name, a.header.Get("Content-Type"), a.body)
			}
			if strings.IndexFunc(strings.TrimPrefix(a.body, c.before), func(r rune) bool { return r >= 0x80 }) >= 0 != c.wide {
				t.Errorf("%s: got %s", name, a.body)
			}
		}
	})
}

// A conversation is shown for a minute at most without being asked for, and no answer is
// made more public than it was.
func TestUpstreamCaching(t *testing.T) {
	var header []string
	behind(t, func(w http.ResponseWriter, r *http.Request) { says(here, header...)(w, r) }, func(w *world) {
		t := w.T
		later := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
		sooner := time.Now().Add(10 * time.Second).UTC().Format(http.TimeFormat)
		for name, c := range map[string]struct {
			header  []string
			cookie  string
			want    string
			expires string
		}{
			"nothing is said":    {nil, "", "no-cache", ""},
			"a long time":        {[]string{"Cache-Control", "public, max-age=3600, immutable, stale-while-revalidate=86400, stale-if-error=86400"}, "", "public, max-age=60, stale-while-revalidate=60, stale-if-error=86400", ""},
			"a short one":        {[]string{"Cache-Control", "public,max-age=5"}, "", "public, max-age=5", ""},
			"for shared caches":  {[]string{"Cache-Control", `s-maxage="600"`}, "", "s-maxage=60", ""},
			"nobody can tell":    {[]string{"Cache-Control", "max-age=soon, foo=\"b\""}, "", "max-age=60, foo=\"b\"", ""},
			"private":            {[]string{"Cache-Control", "private, max-age=600"}, "", "private, max-age=60", ""},
			"not to be kept":     {[]string{"Cache-Control", "no-store"}, "", "no-store", ""},
			"without a time":     {[]string{"Cache-Control", "public"}, "", "public, no-cache", ""},
			"expires late":       {[]string{"Expires", later}, "", "max-age=60", ""},
			"expires soon":       {[]string{"Expires", sooner}, "", "", sooner},
			"has expired":        {[]string{"Expires", "0"}, "", "", "0"},
			"says both":          {[]string{"Expires", later, "Cache-Control", "max-age=7"}, "", "max-age=7", ""},
			"sets a cookie":      {[]string{"Set-Cookie", "a=b"}, "", "private, no-cache", ""},
			"came with a cookie": {nil, "a=b", "private, no-cache", ""},
			"and is public":      {[]string{"Cache-Control", "public, max-age=600"}, "a=b", "public, max-age=60", ""},
		} {
			header = c.header
			header = append(slices.Clone(header), "Vary", "Cookie", "Age", "3000")
			a := w.visitor().get(page, "Cookie", c.cookie)
			if got := strings.Join(a.header.Values("Cache-Control"), ", "); got != c.want || a.header.Get("Expires") != c.expires {
				t.Errorf("%s: got %q, expires %q, want %q", name, got, a.header.Get("Expires"), c.want)
			}
			if a.header.Get("Vary") != "Cookie" || a.header.Get("Age") != "" || !strings.Contains(a.body, filledIn) {
				t.Errorf("%s: got %v", name, a.header)
			}
			private := strings.Contains(name, "private") || strings.Contains(name, "cookie") && c.cookie == "" || strings.Contains(name, "kept")
			if got := a.header.Get("Access-Control-Allow-Origin"); (got == "") != private {
				t.Errorf("%s: scripts of other origins: %q", name, got)
			}
		}
	})
}

// A page that names an endpoint itself keeps it; the others are added.
func TestUpstreamLinks(t *testing.T) {
	link := ""
	behind(t, func(w http.ResponseWriter, r *http.Request) { says("<p>x", "Link", link)(w, r) }, func(w *world) {
		t := w.T
		for header, own := range map[string]string{
			`</feed>; rel="alternate"`: "", `<https://other.example/wm>; rel="webmention"`: "webmention", `</wm>; title="a, b"; REL=WebMention`: "webmention",
			`</a>; rel="me authorization_endpoint"`: "authorization_endpoint", `</webmention>; rel=alternate`: "",
		} {
			link = header
			for _, method := range []string{"GET", "HEAD"} {
				a := w.visitor().do(method, page, "")
				all := a.header.Values("Link")
				var got []string
				for rel, address := range endpoints {
					if slices.Contains(all, "<"+address+`>; rel="`+rel+`"`) {
						got = append(got, rel)
					}
				}
				want := len(endpoints)
				if own != "" {
					want--
				}
				if all[0] != header || len(got) != want || slices.Contains(got, own) {
					t.Errorf("%s %s: got %q", method, header, all)
				}
			}
		}
	})
}

// What visitors ask for arrives as they have asked, but for what says who they are.
func TestUpstreamRequestsArrive(t *testing.T) {
	var seen *http.Request
	var body string
	behind(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen, body = r, string(b)
		w.Header().Set("Content-Type", "text/plain")
		w.Header().Set("X-Content-Type-Options", "theirs")
		if r.Method == http.MethodOptions {
			w.Header().Set("Allow", "GET, PROPFIND")
		}
		w.WriteHeader(203)
	}, func(w *world) {
		t := w.T
		for target, want := range map[string]string{
			"/a/../b": "", "//evil.example/x": "", "/a%2Fb/%2e%2e/c": "", "/a%2fb%7Cc|d": "/a%2fb%7Cc%7Cd", "/a//b/": "", "/?a=1&b=%2F;c": "",
			"/a?%zz;x=1&&=": "", "/%00": "", "/ñ": "/%C3%B1", "/a%5Cb\\c": "/a%5Cb%5Cc", "/.git/config": "", "/a[1]!$&'()*+,;=:@~": "", "/%C3%B1?ñ=^": "",
			"/-x": "", "/..": "", "/a?": "", "http://ana.example/abs%2Fx?y": "/abs%2Fx?y",
		} {
			if want == "" {
				want = target
			}
			status, header, _ := w.raw("GET", target)
			if status != 203 || seen.RequestURI != want || seen.Host != "ana.example" || header.Get("X-Content-Type-Options") != "theirs" {
				t.Errorf("%s: got %d, %q for %s", target, status, seen.RequestURI, seen.Host)
			}
		}
		b := w.visitor()
		for _, method := range []string{"POST", "PUT", "DELETE", "PROPFIND", "PATCH", "OPTIONS"} {
			sent := ""
			if method != "OPTIONS" {
				sent = "a\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
			}
			a := b.do(method, "https://ana.example/api", sent, "If-None-Match", `"x"`)
			if a.status != 203 || seen.Method != method || body != sent || seen.Header.Get("If-None-Match") != `"x"` {
				t.Errorf("%s: got %d, %s with %q", method, a.status, seen.Method, body)
			}
		}
		for _, method := range []string{"TRACE", "CONNECT"} {
			if status, _, _ := w.raw(method, map[string]string{"TRACE": "/a", "CONNECT": "ana.example:80"}[method]); status != 405 && status != 404 {
				t.Errorf("%s: got %d", method, status)
			}
		}
		w.raw("GET", "/x.css", "X-Forwarded-For: 192.0.2.9", "X_Forwarded-For: 192.0.2.9", "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http",
			"X-Real-IP: 192.0.2.9", "X-Forwarded-Prefix: /x", "Forwarded: for=192.0.2.9", "Connection: X-Secret, close", "X-Secret: hop", "Keep-Alive: 1",
			"Proxy-Authorization: x", "Upgrade: h2c", "HTTP2-Settings: AA", "If-None-Match: \"x\"", "Accept-Encoding: br, gzip", "Authorization: Bearer theirs",
			"Cookie: a=b; __Host-tertulia-session-1=secret; tertulia-lang-2=es; c=d", "Cookie: tertulia-x=1")
		got := seen.Header.Clone()
		got.Del("User-Agent")
		want := http.Header{"X-Forwarded-Host": {"ana.example"}, "X-Forwarded-Proto": {"https"}, "If-None-Match": {`"x"`}, "Accept-Encoding": {"br, gzip"},
			"Authorization": {"Bearer theirs"}, "Cookie": {"a=b; c=d"}, "Connection": got["Connection"], "Http2-Settings": {"AA"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		// What may be a page is asked for whole, in an encoding that can be read here.
		for accept, want := range map[string]string{"br, gzip": "gzip", "gzip;q=0, br": "identity", "GZIP; Q=0.5": "gzip", "": "identity", "x-gzip, *": "identity", "gzip;q=0.000": "identity"} {
			w.raw("GET", "/x", "Accept-Encoding: "+accept, "If-None-Match: \"x\"", "If-Modified-Since: Sat, 21 Nov 2020 10:00:00 GMT", "Range: bytes=1-2")
			if got := seen.Header; got.Get("Accept-Encoding") != want || got.Get("If-None-Match") != "" || got.Get("If-Modified-Since") != "" || got.Get("Range") == "" {
				t.Errorf("%q: got %v", accept, got)
			}
		}
	})
}

// Where the upstream knows nothing, we may: of our posts that are gone, or have moved.
// Spec: webmention#sending-webmentions-for-deleted-posts-p-1
func TestUpstreamDoesNotKnowOurPosts(t *testing.T) {
	behind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there/" {
			says(here)(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(404)
		io.WriteString(w, "their own page")
	}, func(w *world) {
		t := w.T
		created, err := w.ana().Posts.Create(t.Context(), micropub.Grant{}, micropub.Create{Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"x"}}}})
		if err != nil {
			t.Fatal(err)
		}
		post := created.URL
		settle()
		if a := w.visitor().get(post); a.status != 404 || a.body != "their own page" || a.header.Get("X-Content-Type-Options") != "" {
			t.Errorf("not built yet: got %d %s", a.status, a.body)
		}
		if err := w.ana().Posts.Delete(t.Context(), micropub.Grant{}, post); err != nil {
			t.Fatal(err)
		}
		settle()
		for _, method := range []string{"GET", "HEAD"} {
			a := w.visitor().do(method, post, "")
			if a.status != 410 || a.header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(a.body, "their own") {
				t.Errorf("%s: got %d %v", method, a.status, a.header)
			}
		}
		if a := w.visitor().get("https://ana.example/nothing"); a.status != 404 || a.body != "their own page" {
			t.Errorf("nobody's: got %d %s", a.status, a.body)
		}
	})
}

// Without the upstream the reader is told, in their language, and the service goes on.
func TestUpstreamIsDown(t *testing.T) {
	behind(t, says(here), func(w *world) {
		t := w.T
		w.web.Down("up.example", true)
		for accept, want := range map[string]string{"en": "The site does not answer", "es": "El sitio no responde"} {
			a := w.visitor().get(page, "Accept-Language", accept)
			if a.status != 502 || !strings.Contains(a.body, want) || strings.Contains(a.body, "up.example") || a.header.Get("Cache-Control") != "no-store" || a.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: got %d %v %s", accept, a.status, a.header, a.body)
			}
		}
		if a := w.visitor().get("https://ana.example/-/metadata"); a.status != 200 {
			t.Errorf("the service: got %d", a.status)
		}
		w.web.Down("up.example", false)
		if a := w.visitor().get(page); a.status != 200 || !strings.Contains(a.body, filledIn) {
			t.Errorf("back again: got %d", a.status)
		}
	})
}

// A page that is slow in coming, or never ends, goes through as it comes.
func TestUpstreamPagesThatTakeTheirTime(t *testing.T) {
	behind(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/drips":
			for range 30 {
				io.WriteString(w, "<p>")
				http.NewResponseController(w).Flush()
				time.Sleep(time.Second)
			}
			io.WriteString(w, here)
		case "/endless":
			for {
				if _, err := io.WriteString(w, strings.Repeat("x", 64<<10)); err != nil {
					return
				}
			}
		case "/short":
			w.Header().Set("Content-Length", "10000")
			io.WriteString(w, here)
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/steady":
			io.WriteString(w, here[:20])
			http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Second)
			io.WriteString(w, here[20:])
		}
	}, func(w *world) {
		t := w.T
		ask := func(path string) *http.Response {
			t.Helper()
			resp, err := w.web.Client().Get("https://ana.example" + path)
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		begun := time.Now()
		resp := ask("/drips")
		if waited := time.Since(begun); waited > 11*time.Second {
			t.Errorf("the first byte came after %s", waited)
		}
		if all, err := io.ReadAll(resp.Body); err != nil || string(all) != strings.Repeat("<p>", 30)+here {
			t.Errorf("drips: got %d bytes, %v", len(all), err)
		}
		resp = ask("/endless")
		if n, err := io.CopyN(io.Discard, resp.Body, 20<<20); err != nil {
			t.Errorf("endless: got %d bytes, %v", n, err)
		}
		resp.Body.Close()
		// The visitor's program sees that it is not whole.
		if resp, err := w.web.Client().Get("https://ana.example/short"); err == nil {
			if all, err := io.ReadAll(resp.Body); err == nil {
				t.Errorf("short: got %q, %v", all, err)
			}
		}
		if all, err := io.ReadAll(ask("/steady").Body); err != nil || !strings.Contains(string(all), filledIn) {
			t.Errorf("steady: got %q, %v", all, err)
		}
	})
}

// The body of a request may come slowly, but it has to come; who does not send it is told so,
// and nobody has to act.
func TestUpstreamTakesSlowBodies(t *testing.T) {
	got := ""
	behind(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if got = string(b); err != nil {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(203)
	}, func(w *world) {
		t := w.T
		for pause, status := range map[time.Duration]int{40 * time.Second: 203, 2 * time.Minute: 400} {
			ours, theirs := net.Pipe()
			server := &http.Server{Handler: w.handler}
			go server.Serve(&single{conn: theirs})
			var sending sync.WaitGroup
			sending.Go(func() {
				io.WriteString(ours, "POST /api HTTP/1.1\r\nHost: ana.example\r\nContent-Length: 4\r\nConnection: close\r\n\r\n")
				for range 4 {
					time.Sleep(pause)
					io.WriteString(ours, "x")
				}
			})
			resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
			if err != nil || resp.StatusCode != status || status == 203 && got != "xxxx" {
				t.Errorf("pauses of %s: got %v, %v, %q", pause, resp, err, got)
			}
			ours.Close()
			server.Close()
			sending.Wait()
		}
		if strings.Contains(w.log.String(), "level=ERROR") {
			t.Errorf("somebody is to act:\n%s", w.log)
		}
	})
}

// A site may be a path of its host; what is beside it is somebody else's.
func TestUpstreamOfAPath(t *testing.T) {
	last := ""
	up := func(w http.ResponseWriter, r *http.Request) {
		last = r.Host + r.RequestURI
		says(here)(w, r)
	}
	inWorldOf(t, []house{{home: "https://ana.example/blog/", language: "es", upstream: http.HandlerFunc(up), aliases: []string{"https://www.ana.example/b/"}}}, func(w *world) {
		for address, want := range map[string]string{
			"https://ana.example/blog/a/": "ana.example/blog/a/", "https://ana.example/blog": "ana.example/blog", "https://ana.example/blogs/": "", "https://www.ana.example/b/a/?b": "www.ana.example/b/a/?b",
		} {
			last = ""
			a := w.visitor().get(address)
			if last != want || (a.status == 200) != (want != "") {
				w.Errorf("%s: got %d, %q", address, a.status, last)
			}
			if page, _, _ := strings.Cut(strings.TrimPrefix(last, "www."), "?"); want != "" {
				target := "https://" + strings.Replace(page, "ana.example/b/a/", "ana.example/blog/a/", 1)
				if !strings.Contains(a.body, `name="target" value="`+target) {
					w.Errorf("%s: it is not the page %s:\n%s", address, target, a.body)
				}
			}
		}
	})
}

// A home page may be asked for with a token by scripts of other origins, if the upstream has
// no mind of its own about that (SPECS CL-31).
func TestUpstreamPreflight(t *testing.T) {
	theirs := ""
	behind(t, func(w http.ResponseWriter, r *http.Request) {
		if theirs != "" {
			w.Header().Set("Access-Control-Allow-Origin", theirs)
		}
		w.WriteHeader(405)
	}, func(w *world) {
		t := w.T
		ask := func(path string) answer {
			return w.visitor().do("OPTIONS", "https://ana.example"+path, "", "Origin", "https://x.example", "Access-Control-Request-Method", "GET")
		}
		if a := ask("/"); a.status != 204 || a.header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("home: got %d %v", a.status, a.header)
		}
		if a := ask("/api"); a.status != 405 || a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("elsewhere: got %d %v", a.status, a.header)
		}
		theirs = "https://y.example"
		if a := ask("/"); a.status != 405 || a.header.Get("Access-Control-Allow-Origin") != theirs {
			t.Errorf("theirs: got %d %v", a.status, a.header)
		}
	})
}

// Whatever path a visitor writes, the upstream gets that path, and what could stand in one
// as it was written.
func FuzzPathsArrive(f *testing.F) {
	for _, s := range []string{"/", "//evil.example/", "/a%2Fb", "/a%2fb|c", "/%00", "/ñ%C3%B1", "/a b", "/%25%7C^", "/[x]", "/a\\..\\b", "/;a=1", "/\"<>`{}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		if !strings.HasPrefix(target, "/") || strings.ContainsAny(target, "?#") {
			return
		}
		u, err := url.ParseRequestURI(target)
		if err != nil {
			return
		}
		got := web.AsItCame(u)
		if plain, err := url.PathUnescape(got); err != nil || plain != u.Path {
			t.Fatalf("%q: got %q, which is %q, want %q", target, got, plain, u.Path)
		}
		out := url.URL{Scheme: "http", Host: "up.example", Path: u.Path, RawPath: got}
		if out.RequestURI() != got {
			t.Fatalf("%q: got %q, sent %q", target, got, out.RequestURI())
		}
		const legal = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/%[]"
		if strings.Trim(target, legal) == "" && got != target {
			t.Errorf("%q: got %q", target, got)
		}
	})
}
