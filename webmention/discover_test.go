package webmention_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/webmention"
)

// The 23 cases of webmention.rocks, in our own words. The page is
// https://rocks.example/test/N; want is relative to its host.
var rocks = []struct {
	n    string
	why  string
	link []string // Link headers
	html string
	want string
}{
	{"1", "Link header, rel unquoted, relative", []string{`</test/1/webmention>; rel=webmention`}, "", "/test/1/webmention"},
	{"2", "Link header, rel unquoted, absolute", []string{`<https://rocks.example/test/2/webmention>; rel=webmention`}, "", "/test/2/webmention"},
	{"3", "<link>, relative", nil, `<link rel="webmention" href="/test/3/webmention">`, "/test/3/webmention"},
	{"4", "<link>, absolute, href first", nil, `<link href="https://rocks.example/test/4/webmention" rel="webmention">`, "/test/4/webmention"},
	{"5", "<a>, relative", nil, `<a rel="webmention" href="/test/5/webmention">here</a>`, "/test/5/webmention"},
	{"6", "<a>, absolute", nil, `<a href="https://rocks.example/test/6/webmention" rel="webmention">here</a>`, "/test/6/webmention"},
	{"7", "header name in odd case", []string{`<https://rocks.example/test/7/webmention>; rel=webmention`}, "", "/test/7/webmention"},
	{"8", "rel quoted", []string{`<https://rocks.example/test/8/webmention>; rel="webmention"`}, "", "/test/8/webmention"},
	{"9", "several rels on <link>", nil, `<link rel="webmention somethingelse" href="/test/9/webmention">`, "/test/9/webmention"},
	{"10", "several rels in a header", []string{`<https://rocks.example/test/10/webmention>; rel="webmention somethingelse"`}, "", "/test/10/webmention"},
	{"11", "header before <link> before <a>", []string{`</test/11/webmention>; rel="webmention"`},
		`<link rel="webmention" href="/test/11/webmention/error"><a rel="webmention" href="/test/11/webmention/error">x</a>`, "/test/11/webmention"},
	{"12", "not-webmention is another rel", nil, `<link rel="not-webmention" href="/error"><a href="/test/12/webmention" rel="webmention">x</a>`, "/test/12/webmention"},
	{"13", "a comment is no element", nil, `<!-- <a href="/error" rel="webmention"></a> --><a href="/test/13/webmention" rel="webmention">x</a>`, "/test/13/webmention"},
	{"14", "escaped markup is text", nil, `<code>&lt;a href="/error" rel="webmention"&gt;</code><a href="/test/14/webmention" rel="webmention">x</a>`, "/test/14/webmention"},
	{"15", "an empty href is the page (T-WS03)", nil, `<link rel="webmention" href="">`, "/test/15"},
	{"16", "<a> before <link>", nil, `<a href="/test/16/webmention" rel="webmention">x</a><link rel="webmention" href="/error">`, "/test/16/webmention"},
	{"17", "<link> before <a>", nil, `<link rel="webmention" href="/test/17/webmention"><a href="/error" rel="webmention">x</a>`, "/test/17/webmention"},
	{"18", "two Link headers", []string{`<https://rocks.example/error>; rel="other"`, `</test/18/webmention>; rel="webmention"`}, "", "/test/18/webmention"},
	{"19", "two links in one header", []string{`</error>; rel="other", </test/19/webmention>; rel="webmention"`}, "", "/test/19/webmention"},
	{"20", "no href, no endpoint (T-WS03)", nil, `<link rel="webmention"><a href="/test/20/webmention" rel="webmention">x</a>`, "/test/20/webmention"},
	{"21", "a query is kept (T-WS04)", nil, `<link rel="webmention" href="/test/21/webmention?query=yes">`, "/test/21/webmention?query=yes"},
	{"22", "relative to the path", nil, `<link rel="webmention" href="22/webmention">`, "/test/22/webmention"},
	{"23/page", "relative after a redirect", nil, `<link rel="webmention" href="page/webmention">`, "/test/23/page/webmention"},

	{"legacy", "the rel of older days", []string{`</wm>; rel="http://webmention.org/"`}, "", "/wm"},
	{"case", "rel in upper case, header", []string{`</wm>; REL=WebMention`}, "", "/wm"},
	{"case2", "rel in upper case, element", nil, `<LINK REL="WEBMENTION" HREF="/wm">`, "/wm"},
	{"newline", "rels on lines of their own", nil, "<link rel='me\n\twebmention' href=/wm>", "/wm"},
	{"comma", "a comma in the URL", []string{`</other,rel=webmention>; rel="x", </wm?a,b>; rel="webmention"`}, "", "/wm?a,b"},
	{"quoted", "separators and escapes within quotes", []string{`</error>; title="a, <b>; rel=webmention \" "; rel=x, </wm>;rel=webmention`}, "", "/wm"},
	{"params", "parameters without a value, spaces", []string{`</wm> ; crossorigin ; rel = "webmention" ; rel=x`}, "", "/wm"},
	{"relfirst", "the first rel counts", []string{`</error>; rel=x; rel=webmention, </wm>; rel=webmention`}, "", "/wm"},
	{"anchor", "a link of another page", []string{`</error>; rel=webmention; anchor="/other", </wm>; rel=webmention; anchor=""`}, "", "/wm"},
	{"emptyheader", "an empty reference is the page", []string{`<>; rel=webmention`}, "", "/test/emptyheader"},
	{"base", "<base href>", nil, `<base href="/deep/er/"><link rel=webmention href="wm">`, "/deep/er/wm"},
	{"base2", "the first <base> counts, wherever it is", nil, `<link rel=webmention href=wm><base><base href=/a/><base href=/b/>`, "/a/wm"},
	{"base3", "a base that is none", nil, `<base href="javascript:x"><link rel=webmention href=wm>`, "/test/wm"},
	{"template", "a template is not on the page", nil, `<template><a rel=webmention href=/error></a><template></template></template><a rel=webmention href=/wm>x</a>`, "/wm"},
	{"template2", "an end that has no beginning", nil, `</template><a rel=webmention href=/wm>x</a>`, "/wm"},
	{"script", "a script has no elements", nil, `<script>"<a rel=webmention href=/error>"</script><textarea><a rel=webmention href=/error></textarea><a rel=webmention href=/wm>x</a>`, "/wm"},
	{"noscript", "we run no scripts", nil, `<noscript><link rel=webmention href=/wm></noscript>`, "/wm"},
	{"area", "only <link> and <a>", nil, `<area rel=webmention href=/error><form rel=webmention href=/error></form><a rel=webmention href=/wm>x</a>`, "/wm"},
	{"junk", "a header that begins badly", []string{`webmention; </error>, </wm>; rel=webmention`}, "", "/wm"},
	{"unclosed", "a quote that does not end", []string{`</error; rel=webmention`, `</wm>; rel="webmention`}, "", "/wm"},
	{"badanchor", "an anchor that is no URL", []string{`</error>; anchor="%zz"; rel=webmention, </wm>; rel=webmention`}, "", "/wm"},
	{"#fragment", "a target's fragment is not the endpoint's", nil, `<link rel=webmention href="">`, "/test/"},
	{"deep", "no page is too deep", nil, strings.Repeat("<div>", 5000) + `<a rel=webmention href=/wm>x</a>`, "/wm"},
	{"entity", "entities are decoded", nil, `<link rel=webmention href="/wm?a=1&amp;b=2">`, "/wm?a=1&b=2"},
}

// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-1
// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-2
// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-3
func TestSenderDiscoversTheEndpoint(t *testing.T) {
	for _, tt := range rocks {
		t.Run(tt.n, func(t *testing.T) {
			net := web{"rocks.example": func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/test/23" {
					http.Redirect(w, r, "/test/23/page", http.StatusFound)
					return
				}
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header()["Link"] = tt.link
				w.Write([]byte("<!doctype html><title>x</title>" + tt.html))
			}}
			asked := "https://rocks.example/test/" + strings.TrimSuffix(tt.n, "/page")
			got, err := (&webmention.Sender{Client: net.client()}).Discover(t.Context(), mustURL(t, asked))
			if err != nil || got.String() != "https://rocks.example"+tt.want {
				t.Errorf("%s: got %v, %v; want %s", tt.why, got, err, tt.want)
			}
		})
	}
}

func TestSenderDiscoversNothingWhereNothingIs(t *testing.T) {
	link := `<link rel="webmention" href="/wm">`
	header := []string{"Link", `</wm>; rel="webmention"`}
	tests := []struct {
		name      string
		answer    http.HandlerFunc
		found     bool
		none      bool // the error is ErrNoEndpoint
		temporary bool
	}{
		{"plain page", status(200, "<p>hello"), false, true, false},
		{"header of a 404 counts", status(404, "", header...), true, false, false},
		{"header of a 401 counts", status(401, "", header...), true, false, false},
		{"header of a 500 counts", status(500, "", header...), true, false, false},
		{"page of a 404 does not", status(404, link), false, true, false},
		{"page of a 410 does not", status(410, link), false, true, false},
		{"page of a 503", status(503, link), false, true, true},
		{"page of a 429", status(429, link), false, true, true},
		{"not HTML", page("application/json", link), false, true, false},
		{"HTML by its looks", page("", "<!doctype html>"+link), true, false, false},
		{"scheme is not http (T-WS06)", status(200, `<link rel=webmention href="mailto:me@example.com">`), false, true, false},
		{"no URL at all", status(200, `<link rel=webmention href="http://[">`), false, true, false},
		{"first one is unusable", status(200, `<link rel=webmention href="ftp://x/">`+link), false, true, false},
		{"link behind the cap", status(200, strings.Repeat(" ", 1<<20)+link), false, true, false},
		{"endless redirects", status(302, "", "Location", "/again"), false, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := (&webmention.Sender{Client: web{"t.example": tt.answer}.client()}).Discover(t.Context(), mustURL(t, "https://t.example/"))
			if found := err == nil; found != tt.found {
				t.Fatalf("got error %v, want found: %v", err, tt.found)
			}
			if err == nil {
				return
			}
			var se *webmention.SendError
			if !errors.As(err, &se) || se.Temporary() != tt.temporary || errors.Is(err, webmention.ErrNoEndpoint) != tt.none {
				t.Errorf("got %#v, want temporary %v, no endpoint %v", err, tt.temporary, tt.none)
			}
		})
	}
}

// WS-1: the page is read only so far.
func TestSenderReadsAPageUpToMaxBytes(t *testing.T) {
	net := web{"t.example": page("text/html", strings.Repeat(" ", 100)+`<link rel=webmention href=/wm>`)}
	for limit, want := range map[int64]bool{100: false, 200: true} {
		_, err := (&webmention.Sender{Client: net.client(), MaxBytes: limit}).Discover(t.Context(), mustURL(t, "https://t.example/"))
		if found := err == nil; found != want {
			t.Errorf("MaxBytes %d: found %v, want %v", limit, found, want)
		}
	}
}

// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-7
func TestSenderSaysWhoItIs(t *testing.T) {
	var agents []string
	net := web{"t.example": func(w http.ResponseWriter, r *http.Request) {
		agents = append(agents, r.Header.Get("User-Agent"))
		w.Header().Set("Link", "</wm>; rel=webmention")
	}}
	for name, want := range map[string]string{"": webmention.DefaultUserAgent, "Me/1.0 Webmention": "Me/1.0 Webmention"} {
		agents = nil
		s := &webmention.Sender{Client: net.client(), UserAgent: name}
		if _, err := s.Send(t.Context(), mustURL(t, source), mustURL(t, "https://t.example/")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{want, want}, agents); diff != "" {
			t.Errorf("User-Agents of discovery and delivery (-want +got):\n%s", diff)
		}
	}
}

// Whatever a page and its headers say, an endpoint is an http or https URL.
func FuzzDiscover(f *testing.F) {
	for _, tt := range rocks {
		f.Add(strings.Join(tt.link, ","), tt.html)
	}
	f.Add(`<`, `<a`)
	f.Add(`<a>;rel="`, `<base href="//[">`)
	f.Fuzz(func(t *testing.T, link, body string) {
		net := web{"t.example": func(w http.ResponseWriter, r *http.Request) {
			w.Header()["Link"] = []string{link}
			w.Header().Set("Content-Type", "text/html")
			w.Write([]byte(body))
		}}
		u, err := (&webmention.Sender{Client: net.client()}).Discover(context.Background(), mustURL(t, "https://t.example/"))
		if err == nil && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			t.Errorf("Link %q, page %q: endpoint %q", link, body, u)
		}
	})
}
