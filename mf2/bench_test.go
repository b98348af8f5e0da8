package mf2_test

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"willnorris.com/go/microformats"

	"tertulia/mf2"
)

// blog is a page of about 20 KB, as a blog's post with its comments is.
var blog = `<!doctype html><meta charset=utf-8><body><main class=h-entry><h1 class=p-name>Title</h1>
<a class="p-author h-card" href=/>Ana</a><div class=e-content>` +
	strings.Repeat(`<p>Some text with <a href="/link">a link</a>, <em>stress</em> and an <img src=pic.png alt=image>.</p>`, 120) + `</div>` +
	strings.Repeat(`<div class="p-comment h-cite"><a class="p-author h-card" href="https://b.example/">B</a><p class=p-content>Well said.</p><a class=u-url href=https://b.example/1>1</a></div>`, 50) +
	`</main>`

func BenchmarkParse(b *testing.B) {
	base, _ := url.Parse(pageURL) // a constant
	b.SetBytes(int64(len(blog)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := mf2.Parse(strings.NewReader(blog), "text/html", base); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkParserAlone is what BenchmarkParse stands on: the difference is ours.
func BenchmarkParserAlone(b *testing.B) {
	base, _ := url.Parse(pageURL) // a constant
	b.SetBytes(int64(len(blog)))
	b.ReportAllocs()
	for b.Loop() {
		doc, err := html.Parse(strings.NewReader(blog))
		if err != nil {
			b.Fatal(err)
		}
		microformats.ParseNode(doc, base)
	}
}
