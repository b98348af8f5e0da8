package mf2_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
)

// The cases of authorship.rocks and their neighbours. T-MF01, SPECS MF-1 to MF-8.
func TestAuthor(t *testing.T) {
	const ana = "https://ana.example/"
	card := `<a class="p-author h-card" href="https://ana.example/"><img src="/ana.jpg" alt="Ana"></a>`
	elsewhere := `<p class=h-card><a class="p-name u-url" href="https://ana.example">Ana</a></p>`
	entry := func(s string) string { return `<div class=h-entry>` + s + `<p class=p-name>x</p></div>` }
	uid := `<p class=h-card><a class="p-name u-url u-uid" href="https://ana.example/">Ana at home</a></p>`
	stranger := `<p class=h-card><a class="p-name u-url" href="https://other.example/">Other</a></p>`
	tests := []struct {
		name, page, home string
		want             mf2.Author
	}{
		{"a card in the entry", entry(card), uid, mf2.Author{Name: "Ana", URL: ana, Photo: "https://site.example/ana.jpg"}},
		{"a name", entry(`<i class=p-author>Ana</i>`), uid, mf2.Author{Name: "Ana"}},
		{"nothing", entry(``) + stranger, uid, mf2.Author{}},
		{"an empty author", entry(`<i class=p-author></i>`), uid, mf2.Author{}},
		{"the feed's card", `<div class=h-feed>` + card + entry(``) + `</div>`, uid, mf2.Author{Name: "Ana", URL: ana, Photo: "https://site.example/ana.jpg"}},
		{"the feed's card, entry not the first", `<div class=h-feed>` + card + entry(`<i class=p-author>B</i>`) + entry(``) + `</div>`, uid, mf2.Author{Name: "B"}},
		{"another feed's card is not ours", entry(``) + `<div class=h-feed>` + card + entry(`<p class=p-x>y</p>`) + `</div>`, uid, mf2.Author{}},
		{"address, url and uid at home", entry(`<a class=u-author href="https://ana.example">a</a>`), stranger + elsewhere + uid, mf2.Author{Name: "Ana at home", URL: "https://ana.example"}},
		{"address, rel=me at home", entry(`<a class=u-author href="https://ana.example/">a</a>`), `<link rel=me href="https://ana.example/about">` + stranger + `<p class=h-card><a class="p-name u-url" href="https://ana.example/about">Ana about</a></p>`, mf2.Author{Name: "Ana about", URL: "https://ana.example/about"}},
		{"address, card on the entry's page", entry(`<a class=u-author href="https://ana.example/">a</a>`) + elsewhere, stranger, mf2.Author{Name: "Ana", URL: ana}},
		{"address, home is down", entry(`<a class=u-author href="https://ana.example/">a</a>`) + elsewhere, "", mf2.Author{Name: "Ana", URL: ana}},
		{"address, no card", entry(`<a class=u-author href="https://ana.example/">a</a>`) + stranger, stranger, mf2.Author{URL: ana}},
		{"address and name, no card", entry(`<a class=u-author href="https://ana.example/">a</a><i class=p-author>Ana</i>`), "", mf2.Author{Name: "Ana", URL: ana}},
		{"address as a name", entry(`<i class=p-author>https://ana.example/</i>`), uid, mf2.Author{Name: "Ana at home", URL: ana}},
		{"rel=author", entry(``) + `<a rel=author href="https://ana.example/">a</a>`, uid, mf2.Author{Name: "Ana at home", URL: ana}},
		{"rel=author of a feed is nobody's", `<a rel=author href="https://ana.example/">a</a><div class=h-feed>` + entry(``) + entry(`y`) + `</div>`, uid, mf2.Author{}},
		{"rel=author that is mail", entry(``) + `<a rel=author href="mailto:a@b">a</a>`, uid, mf2.Author{}},
		{"own page is home", entry(`<a class=u-author href="/notes/2026/1">a</a>`) + `<p class=h-card><a class="p-name u-url u-uid" href="">Own</a></p>`, uid, mf2.Author{Name: "Own", URL: pageURL}},
		{"schemes that are none", entry(`<p class="p-author h-card"><a class="p-name u-url" href="javascript:alert(1)">Ana</a><img class=u-photo src="data:x"></p>`), uid, mf2.Author{Name: "Ana"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page := parse(t, tt.page)
			it, ok := page.Entry()
			if !ok {
				t.Fatal("no entry")
			}
			got := page.Author(t.Context(), it, func(_ context.Context, u *url.URL) (mf2.Page, error) {
				if u.Host != "ana.example" {
					t.Errorf("fetched %s, which nobody named as the author", u)
				}
				if tt.home == "" {
					return mf2.Page{}, errors.New("down")
				}
				home, _, err := mf2.Parse(strings.NewReader(tt.home), "text/html", u)
				return home, err
			})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s\n(-want +got):\n%s", tt.page, diff)
			}
			page.Author(t.Context(), it.Clone(), nil)
		})
	}
}

// Values that only JSON can have. T-MF01, HOSTILE 22
func TestAuthorOfEveryType(t *testing.T) {
	for values, want := range map[string]mf2.Author{
		`null`:                           {},
		`7`:                              {Name: "7"},
		`[]`:                             {},
		`{}`:                             {},
		`["Ana"]`:                        {},
		`{"value":"Ana"}`:                {Name: "Ana"},
		`{"value":"https://a.example/"}`: {URL: "https://a.example/"},
		`{"type":["h-card"]}`:            {},
		`{"type":"h-card","properties":{"name":"Ana","url":[null,{},"https://a.example/"],"photo":{"value":"https://a.example/p","alt":"x"}}}`: {Name: "Ana", URL: "https://a.example/", Photo: "https://a.example/p"},
		`{"type":["h-card"],"properties":{"name":[{"type":["h-card"],"properties":{"name":["Ana"]}}],"url":7}}`:                                {Name: "Ana"},
	} {
		it := item(t, `{"type":["h-entry"],"properties":{"author":[`+values+`]}}`)
		if diff := cmp.Diff(want, mf2.Page{Items: []mf2.Item{it}}.Author(t.Context(), it, nil)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", values, diff)
		}
	}
}

// SPECS MF-9
func TestRepresentativeCard(t *testing.T) {
	card := func(name, classes, href string) string {
		return `<p class=h-card><b class=p-name>` + name + `</b><a class="` + classes + `" href="` + href + `"></a></p>`
	}
	const own = "https://SITE.example:443/notes/2026/1"
	tests := []struct{ name, page, want string }{
		{"none", `<p class=h-entry>x</p>`, ""},
		{"url and uid", card("a", "u-url", own) + card("b", "u-url u-uid", own), "b"},
		{"url and uid before rel=me", `<a rel=me href="https://me.example"></a>` + card("a", "u-url", "https://me.example/") + card("b", "u-url u-uid", own), "b"},
		{"rel=me", `<a rel=me href="https://me.example"></a>` + card("x", "u-url", "https://x.example/") + card("a", "u-url", "https://me.example/"), "a"},
		{"the only one", card("a", "u-url", own), "a"},
		{"the only one, but of another page", card("a", "u-url", "https://x.example/"), ""},
		{"two", card("a", "u-url", own) + card("b", "u-url", own), ""},
		{"nested", `<div class=h-entry><div class="p-author h-card"><b class=p-name>a</b><a class=u-url href="` + own + `"></a></div></div>`, "a"},
		{"nested, one element as two properties", `<div class=h-entry><div class="p-author u-maker h-card"><b class=p-name>a</b><a class=u-url href="` + own + `"></a></div></div>`, "a"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := parse(t, tt.page).RepresentativeCard()
			if ok != (tt.want != "") || ok && got.Get("name") != tt.want {
				t.Errorf("got %q (%v), want %q", got.Get("name"), ok, tt.want)
			}
		})
	}
}
