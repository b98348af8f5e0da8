package mf2_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
	"pgregory.net/rapid"
	"willnorris.com/go/microformats"

	"tertulia/mf2"
)

// A page within the budget is read exactly as the parser alone reads it, whatever
// its classes are and however they are mixed. SPECS MF-18
func TestReadAgreesWithTheParserOnOrdinaryPages(t *testing.T) {
	words := []string{
		"h-entry", "h-card", "h-cite", "h-x1-foo", "h-4", "h-full", "h-", "h-a-4", "H-entry",
		"p-name", "p-author", "u-url", "u-in-reply-to", "dt-start", "dt-end", "e-content", "p-4", "px-a", "p-x2-y", "u-",
		"hentry", "vcard", "hreview", "item", "fn", "author", "entry-content", "url", "adr", "geo", "value", "mx-auto",
	}
	tags := []string{"div", "p", "a", "img", "abbr", "data", "time", "template", "video"}
	attributes := []string{"", ` href="/x"`, ` src="y.png"`, ` title="2026-01-01"`, ` alt="z"`, ` value="v"`, ` rel="tag me"`, ` rel=bookmark href=b`, ` datetime="10:00"`}
	var element *rapid.Generator[string]
	element = rapid.Custom(func(t *rapid.T) string {
		tag := rapid.SampledFrom(tags).Draw(t, "tag")
		classes := rapid.SliceOfN(rapid.SampledFrom(words), 0, 4).Draw(t, "classes")
		attribute := rapid.SampledFrom(attributes).Draw(t, "attribute")
		inside := "text"
		if rapid.Bool().Draw(t, "deeper") {
			inside = strings.Join(rapid.SliceOfN(element, 0, 3).Draw(t, "inside"), " ")
		}
		return "<" + tag + attribute + ` class="` + strings.Join(classes, " ") + `">` + inside + "</" + tag + ">"
	})
	base, err := url.Parse(pageURL)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		page := strings.Join(rapid.SliceOfN(element, 1, 3).Draw(t, "page"), "")
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			return // too deep for anybody
		}
		read := mf2.Read(doc, base)
		ours, err := json.Marshal(map[string]any{"items": read.Items, "rels": read.Rels})
		if err != nil {
			t.Fatal(err)
		}
		if len(ours) > 1<<20 {
			return // so deep that it may not be ordinary any more
		}
		data := microformats.ParseNode(doc, base)
		theirs, err := json.Marshal(map[string]any{"items": data.Items, "rels": data.Rels})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(decoded(t, theirs), decoded(t, ours)); diff != "" {
			t.Fatalf("%s\nis read differently (-parser +ours):\n%s", page, diff)
		}
	})
}

func decoded(t interface{ Fatal(...any) }, data []byte) (v any) {
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
