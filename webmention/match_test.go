package webmention_test

import (
	"html"
	"strings"
	"testing"

	"tertulia/webmention"
)

// htmlCases are pages at https://friend.example/blog/reply, and whether they link to
// https://me.example/post-1 or to the target that is named. T-WR04, T-WR06, T-WR08,
// T-WR09, HOSTILE 41.
var htmlCases = []struct {
	name, target, html string
	linked             bool
}{
	{"a", "", `<a href="https://me.example/post-1">x</a>`, true},
	{"area", "", `<map><area href="https://me.example/post-1"></map>`, true},
	{"link", "", `<link rel="in-reply-to" href="https://me.example/post-1">`, true},
	{"img", "", `<img src="https://me.example/post-1">`, true},
	{"video", "", `<video src="https://me.example/post-1"></video>`, true},
	{"poster", "", `<video poster="https://me.example/post-1"></video>`, true},
	{"audio", "", `<audio src="https://me.example/post-1"></audio>`, true},
	{"source", "", `<video><source src="https://me.example/post-1"></video>`, true},
	{"track", "", `<video><track src="https://me.example/post-1"></video>`, true},
	{"embed", "", `<embed src="https://me.example/post-1">`, true},
	{"iframe", "", `<iframe src="https://me.example/post-1"></iframe>`, true},
	{"object", "", `<object data="https://me.example/post-1"></object>`, true},
	{"blockquote", "", `<blockquote cite="https://me.example/post-1">x</blockquote>`, true},
	{"q", "", `<q cite="https://me.example/post-1">x</q>`, true},
	{"ins", "", `<ins cite="https://me.example/post-1">x</ins>`, true},
	{"del", "", `<del cite="https://me.example/post-1">x</del>`, true},
	{"srcset", "", `<img srcset="https://x.example/a,b.png 1x, https://me.example/post-1 2x">`, true},
	{"srcset without descriptor", "", `<img srcset="https://me.example/post-1, https://x.example/b.png 2x">`, true},
	{"srcset is not prose", "", `<img srcset="https://x.example/a.png https://me.example/post-1">`, false},
	{"mf2 data", "", `<div class=h-entry><data class="p-x u-in-reply-to" value="https://me.example/post-1"></data></div>`, true},
	{"other data", "", `<data class="p-x" value="https://me.example/post-1"></data>`, false},
	{"h-cite", "", `<div class="h-entry"><div class="u-like-of h-cite"><a class="u-url" href="https://me.example/post-1">x</a></div></div>`, true},
	{"noscript", "", `<noscript><a href="https://me.example/post-1">x</a></noscript>`, true},
	{"upper-case markup", "", `<A HREF=https://me.example/post-1>x</A>`, true},
	{"white space around", "", "<a href=' \n https://me.example/post-1\t'>x</a>", true},
	{"line break within", "", "<a href='https://me.example/\npost-1'>x</a>", true},
	{"unclosed", "", `<p><b><a href="https://me.example/post-1">`, true},

	{"prose", "", `<p>https://me.example/post-1</p>`, false},
	{"comment", "", `<!-- <a href="https://me.example/post-1">x</a> -->`, false},
	{"script", "", `<script>"<a href='https://me.example/post-1'>"</script>`, false},
	{"JSON-LD", "", `<script type="application/ld+json">{"url":"https://me.example/post-1"}</script>`, false},
	{"style", "", `<style>a{background:url(https://me.example/post-1)}</style>`, false},
	{"template", "", `<template><a href="https://me.example/post-1">x</a></template>`, false},
	{"textarea", "", `<textarea><a href="https://me.example/post-1">x</a></textarea>`, false},
	{"title", "", `<title><a href="https://me.example/post-1">x</a></title>`, false},
	{"inside of an iframe", "", `<iframe><a href="https://me.example/post-1">x</a></iframe>`, false},
	{"data-href", "", `<a data-href="https://me.example/post-1" title="https://me.example/post-1">x</a>`, false},
	{"escaped", "", `&lt;a href="https://me.example/post-1"&gt;`, false},
	{"form", "", `<form action="https://me.example/post-1"></form>`, false},
	{"post-10", "", `<a href="https://me.example/post-10">x</a>`, false},
	{"prefix of", "https://me.example/post-10", `<a href="https://me.example/post-1">x</a>`, false},
	{"slash", "", `<a href="https://me.example/post-1/">x</a>`, false},
	{"scheme", "", `<a href="http://me.example/post-1">x</a>`, false},
	{"query", "", `<a href="https://me.example/post-1?a">x</a>`, false},
	{"port", "", `<a href="https://me.example:8443/post-1">x</a>`, false},
	{"path case", "", `<a href="https://me.example/Post-1">x</a>`, false},
	{"within another URL", "", `<a href="https://x.example/?u=https://me.example/post-1">x</a>`, false},
	{"host in userinfo", "", `<a href="https://me.example@x.example/post-1">x</a>`, false},
	{"unparsable", "", `<a href="https://me.example/%zz">x</a><a href="http://[">x</a>`, false},
	{"empty", "", ``, false},

	{"relative", "https://friend.example/about", `<a href="/about">x</a>`, true},
	{"relative to the path", "https://friend.example/blog/x", `<a href="x">x</a>`, true},
	{"protocol-relative", "", `<a href="//me.example/post-1">x</a>`, true},
	{"base", "", `<base href="https://me.example/"><a href="post-1">x</a>`, true},
	{"base after the link", "", `<a href="post-1">x</a><base href="//me.example/">`, true},
	{"second base", "", `<base href="/"><base href="https://me.example/"><a href="post-1">x</a>`, false},
	{"base in a template", "", `<template><base href="https://me.example/"></template><a href="post-1">x</a>`, false},
	{"base that is none", "https://friend.example/blog/x", `<base href="data:,"><a href="x">x</a>`, true},

	{"entity", "https://me.example/?a=1&b=2", `<a href="https://me.example/?a=1&amp;b=2">x</a>`, true},
	{"host case", "", `<a href="HTTPS://ME.Example/post-1">x</a>`, true},
	{"default port", "", `<a href="https://me.example:443/post-1">x</a>`, true},
	{"no path", "https://me.example/", `<a href="https://me.example">x</a>`, true},
	{"escape of an unreserved character", "https://me.example/~ana", `<a href="https://me.example/%7eana">x</a>`, true},
	{"escapes in either case", "https://me.example/a%2Fb%C3%B1", `<a href="https://me.example/a%2fb%c3%b1">x</a>`, true},
	{"unescaped", "https://me.example/espa%C3%B1a", `<a href="https://me.example/españa">x</a>`, true},
	{"emoji", "https://me.example/%F0%9F%8C%B3", `<a href="https://me.example/🌳">x</a>`, true},
	{"emoji in the query", "https://me.example/?q=%F0%9F%8C%B3", `<a href="https://me.example/?q=🌳">x</a>`, true},
	{"international host", "https://xn--espaa-rta.example/", `<a href="https://españa.example/">x</a>`, true},
	{"escaped slash is another path", "https://me.example/a/b", `<a href="https://me.example/a%2Fb">x</a>`, false},

	{"same fragment", "https://me.example/post-1#c-12", `<a href="https://me.example/post-1#c-12">x</a>`, true},
	{"no fragment in the link", "https://me.example/post-1#c-12", `<a href="https://me.example/post-1">x</a>`, true},
	{"other fragment", "https://me.example/post-1#c-12", `<a href="https://me.example/post-1#c-1">x</a>`, false},
	{"fragment in the link only", "", `<a href="https://me.example/post-1#c-12">x</a>`, false},
}

// Spec: webmention#webmention-verification-p-3
// Spec: webmention#preventing-abuse-li-2
func TestVerifierWantsAnExactLinkInHTML(t *testing.T) {
	for _, tt := range htmlCases {
		t.Run(tt.name, func(t *testing.T) {
			dst, want := tt.target, webmention.Unlinked
			if dst == "" {
				dst = "https://me.example/post-1"
			}
			if tt.linked {
				want = webmention.Linked
			}
			got := verify(t, web{"friend.example": page("text/html; charset=utf-8", tt.html)}, "https://friend.example/blog/reply", dst)
			if got.Outcome != want || got.Linked != tt.linked || got.Type != "html" {
				t.Errorf("got %v (%s), want %v", got.Outcome, got.Reason, want)
			}
		})
	}
}

// Spec: webmention#webmention-verification-p-3
func TestVerifierWantsAnExactLinkInOtherTypes(t *testing.T) {
	const dst = "https://me.example/post-1"
	tests := []struct {
		name, contentType, body string
		want                    webmention.Outcome
	}{
		{"JSON value", "application/json", `{"a":[1e400,{"b":"https://me.example/post-1"}]}`, webmention.Linked},
		{"JSON alone", "application/json", `"https://ME.example/post-1"`, webmention.Linked},
		{"JSON with a mark", "application/json", "\ufeff" + `["https:\/\/me.example\/post-1"]`, webmention.Linked},
		{"mf2 JSON", "application/mf2+json; charset=utf-8", `{"x":{"y":[]},"in-reply-to":["https://me.example/post-1"]}`, webmention.Linked},
		{"JSON name", "application/json", `{"https://me.example/post-1":1,"x":{"https://me.example/post-1":[]}}`, webmention.Unlinked},
		{"JSON part of a string", "application/json", `["see https://me.example/post-1"]`, webmention.Unlinked},
		{"JSON post-10", "application/json", `["https://me.example/post-10"]`, webmention.Unlinked},
		{"JSON that is none", "application/json", `{"x":`, webmention.Unavailable},
		{"JSON twice", "application/json", `{}{}`, webmention.Unavailable},
		{"JSON empty", "application/json", ``, webmention.Unavailable},
		{"JSON deep", "application/json", strings.Repeat("[", 1<<19), webmention.Unavailable},
		{"text", "text/plain", "Look: https://me.example/post-1!", webmention.Linked},
		{"text in brackets", "text/plain", "(https://me.example/post-1).", webmention.Linked},
		{"text in Markdown", "text/markdown", "[a](https://me.example/post-1)and", webmention.Linked},
		{"text in angles", "text/plain", "<https://me.example/post-1>", webmention.Linked},
		{"text in UTF-16", "text/plain; charset=utf-16le", "\xff\xfeh\x00t\x00t\x00p\x00s\x00:\x00/\x00/\x00m\x00e\x00.\x00e\x00x\x00a\x00m\x00p\x00l\x00e\x00/\x00p\x00o\x00s\x00t\x00-\x001\x00", webmention.Linked},
		{"text post-10", "text/plain", "https://me.example/post-10", webmention.Unlinked},
		{"text in a URL", "text/plain", "https://x.example/?u=https://me.example/post-1", webmention.Unlinked},
		{"text in a word", "text/plain", "xhttps://me.example/post-1", webmention.Unlinked},
		{"text by its looks", "", "https://me.example/post-1", webmention.Linked},
		{"HTML by its looks", "", "<!doctype html><a href=https://me.example/post-1>x</a>", webmention.Linked},
		{"bad parameter", "text/html; charset", "<a href=https://me.example/post-1>x</a>", webmention.Linked},
		{"xhtml", "application/xhtml+xml", "<a href='https://me.example/post-1'>x</a>", webmention.Linked},
		{"PDF", "application/pdf", "https://me.example/post-1", webmention.Unavailable},
		{"picture", "image/svg+xml", "<a href='https://me.example/post-1'/>", webmention.Unavailable},
		{"too deep", "text/html", strings.Repeat("<div>", 600) + "<a href=https://me.example/post-1>x</a>", webmention.Unavailable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := verify(t, web{"friend.example": page(tt.contentType, tt.body)}, source, dst)
			if got.Outcome != tt.want || got.Reason == "" {
				t.Errorf("got %v (%s), want %v", got.Outcome, got.Reason, tt.want)
			}
		})
	}
}

// No page makes Verify panic or fail, and what is only text in a page is no link.
func FuzzVerifyHTML(f *testing.F) {
	for _, tt := range htmlCases {
		f.Add(tt.html)
	}
	for _, s := range []string{`</p>`, strings.Repeat("<b><p>", 300), `<base href="//[">`, `<img srcset=", ,,a">`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := verify(t, web{"friend.example": page("text/html; charset=utf-8", s)}, source, target)
		if got.Linked != (got.Outcome == webmention.Linked) {
			t.Errorf("linked %v, outcome %v for %q", got.Linked, got.Outcome, s)
		}
		quoted := verify(t, web{"friend.example": page("text/html; charset=utf-8", html.EscapeString(s))}, source, target)
		if quoted.Linked {
			t.Errorf("linked from the mere text %q", s)
		}
	})
}

// The same for what is no HTML: nothing is linked without the target's last word.
func FuzzVerifyOther(f *testing.F) {
	for _, s := range []string{`{"a":["` + target + `"]}`, "see (" + target + ").", "https://[", "{", `"\ud800"`, "[1,"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, isJSON bool) {
		kind := "text/plain; charset=utf-8"
		if isJSON {
			kind = "application/json"
		}
		got := verify(t, web{"friend.example": page(kind, s)}, source, target)
		if got.Linked && !strings.Contains(s, "post") && !strings.ContainsAny(s, "%\\") {
			t.Errorf("linked from %q", s)
		}
	})
}
