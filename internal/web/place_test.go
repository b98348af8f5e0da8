package web_test

import (
	"bytes"
	"strings"
	"testing"

	"tertulia/internal/web"
)

func TestSelectors(t *testing.T) {
	for text, good := range map[string]bool{
		"": true, "div": true, "DIV": true, "#comments": true, ".comments": true, "div#a.b.c": true, "*": true, "*.x": true, "[data-talk]": true,
		`section[data-talk="a b]c"].x`: true, "[data-talk=x]": true, "#comentários": true, "x-talk": true, ".a[b][c=d]#e": true,
		"div p": false, "a > b": false, "div,p": false, "#": false, ".": false, "[": false, "[]": false, "[a": false, "[a=]": false, `[a="b]`: false,
		"a:hover": false, "#a b": false, " #a": false, `.a\:b`: false, `[a="b"c"]`: false, "[a~=b]": false, "div..a": false, "**": false,
		// Elements without an inside, or with one where a section cannot stand.
		"p": false, "br": false, "script": false, "table": false, "template": false, "body": true,
	} {
		if _, err := web.ParseSelector(text); (err == nil) != good {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// The place is the first element that is chosen and whose end the page itself shows; what
// browsers would have to guess is left alone.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct{ selector, page, want string }{
		"by id":                   {"#c", `<div id=a>x</div><div id="c">OLD</div>`, "OLD"},
		"ids keep their case":     {"#C", `<div id=c>x</div><div ID="C">OLD</div>`, "OLD"},
		"by class":                {".c", `<div class="cc">x</div><div class=" b	c d">OLD</div><div class=c>x</div>`, "OLD"},
		"by tag, any case":        {"SECTION", `<div>x</div><Section>OLD</SECTION >`, "OLD"},
		"by attribute":            {"[data-t]", `<div data-tt>x</div><div DATA-T>OLD</div>`, "OLD"},
		"by its value":            {`div[data-t="a&b"]`, `<p data-t="a&amp;b">x</p><div data-t="a">x</div><div data-t="a&amp;b">OLD</div>`, "OLD"},
		"by all of them":          {"div#c.x[y]", `<div id=c>x</div><div id=c class=x>x</div><div y class=x id=c>OLD</div>`, "OLD"},
		"the first of two values": {"#c", `<div id=x id=c>x</div><div id=c id=x>OLD</div>`, "OLD"},
		"nested":                  {"#c", `<div><div id=c>O<div>L</div><div><br>D</div></div></div>`, `O<div>L</div><div><br>D</div>`},
		"unclosed within":         {"#c", `<div id=c><p>O<li>L<b>D</div>after</div>`, "<p>O<li>L<b>D"},
		"stray ends within":       {"#c", `<div id=c>O</span>LD</div>`, "O</span>LD"},
		"slashes say nothing":     {"#c", `<div id=c><div/>OLD</div></div>`, "<div/>OLD</div>"},
		"but in SVG":              {"#c", `<div id=c><svg><g/></svg>OLD</div>`, "<svg><g/></svg>OLD"},
		"never closed":            {"#c", `<div id=c>x`, ""},
		"closed from around":      {"#c", `<section><div id=c>x</section><footer><div>y</div></div></footer>`, ""},
		"then another":            {".c", `<section><div class=c>x</section><div class=c>OLD</div>`, "OLD"},
		"void":                    {"#c", `<img id=c><div id=c>OLD</div>`, "OLD"},
		"a paragraph":             {"#c", `<p id=c>x</p><div id=c>OLD</div>`, "OLD"},
		"in a template":           {"#c", `<template><div id=c>x</div></template><div id=c>OLD</div>`, "OLD"},
		"in SVG":                  {"#c", `<svg><desc id=c>x</desc></svg><div id=c>OLD</div>`, "OLD"},
		"in noscript":             {"#c", `<noscript><div id=c>x</div></noscript><div id=c>OLD</div>`, "OLD"},
		"in a script":             {"#c", `<script>"<div id=c>x</div>"</script><div id=c>OLD</div>`, "OLD"},
		"in a comment":            {"#c", `<!--<div id=c>x</div>--><div id=c>OLD</div>`, "OLD"},
		"in an attribute":         {"#c", `<p title="<div id=c>x</div>">x</p><div id=c>OLD</div>`, "OLD"},
		"nothing is chosen":       {"x-none", `<div id=c>x</div>`, ""},
	} {
		s, err := web.ParseSelector(c.selector)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		from, to, ok := web.FindPlace([]byte(c.page), s)
		if got := c.page[from:to]; got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, ok, c.want)
		}
	}
}

// A page of nothing but elements takes time in proportion to its length, however they nest.
func TestPlacesOfDeepPages(t *testing.T) {
	s, err := web.ParseSelector("#c")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.Repeat("<b>", 200_000) + strings.Repeat("</i>", 200_000) + "<div id=c>x</div>"
	if _, _, ok := web.FindPlace([]byte(page), s); !ok {
		t.Error("the place was not found")
	}
}

// Whatever a page is, the place that is found lies in it, between the tags of the element.
func FuzzFindPlace(f *testing.F) {
	for _, s := range []string{
		`<tertulia-conversation>x</tertulia-conversation>`, `<!--<tertulia-conversation>--></tertulia-conversation>`,
		"<tertulia-conversation target=\"a&amp;b\" target=c>\r\n\x00</TERTULIA-conversation\n>", `</tertulia-conversation><tertulia-conversation>`,
		`<script><!--<script></script><tertulia-conversation></tertulia-conversation>`, `<svg><![CDATA[<tertulia-conversation>]]></tertulia-conversation>`,
		`<tertulia-conversation/><tertulia-conversation></tertulia-conversation>`, `<tertulia-conversation><tertulia-conversation></tertulia-conversation>`,
		`<section><div id=c>x</section><div id=c class="x y"><div/></div></div>`,
	} {
		f.Add([]byte(s), "tertulia-conversation")
		f.Add([]byte(s), "#c")
		f.Add([]byte(s), `div.x[id="c"]`)
	}
	f.Fuzz(func(t *testing.T, page []byte, selector string) {
		s, err := web.ParseSelector(selector)
		if err != nil {
			return
		}
		before := bytes.Clone(page)
		from, to, ok := web.FindPlace(page, s)
		if !bytes.Equal(before, page) {
			t.Fatal("the page was changed")
		}
		if !ok {
			return
		}
		if from > to || from < 1 || to > len(page) || page[from-1] != '>' || !bytes.HasPrefix(page[to:], []byte("</")) {
			t.Fatalf("%q: got %d to %d", page, from, to)
		}
		// What stands there can be exchanged, and the place is the same one.
		other := append(append(bytes.Clone(page[:from]), "<section>new</section>"...), page[to:]...)
		if again, end, ok := web.FindPlace(other, s); !ok || again != from || string(other[again:end]) != "<section>new</section>" {
			t.Errorf("%q, %s: got %d, then %d to %d, %v", page, selector, from, again, end, ok)
		}
	})
}
