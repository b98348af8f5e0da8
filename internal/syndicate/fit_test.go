package syndicate_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tertulia/internal/syndicate"
	"tertulia/mf2"
)

const home = "https://ana.example/2026/11/22/hola/"

func entry(kv ...any) mf2.Item {
	it := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{}}
	for i := 0; i < len(kv); i += 2 {
		it.Properties[kv[i].(string)] = append(it.Properties[kv[i].(string)], kv[i+1])
	}
	return it
}

func post(item mf2.Item) syndicate.Post {
	return syndicate.Post{Key: "k-1", Permalink: home, Item: item, Kind: item.Kind(), Language: "es"}
}

func clustersOf(s string) []string { return slices.Collect(syndicate.Clusters(s)) }

// What readers take for one character (UAX #29); the cases are those of its test file that say
// something about scripts people here write in.
func TestClustersAreWhatReadersSee(t *testing.T) {
	for _, want := range [][]string{
		{"H", "o", "l", "a"}, {"ñ", "a"}, {"n\u0303", "a"}, {"a\u0308\u0323", "b"}, {"\r\n", "\n", "\r"},
		{"👩‍👩‍👧", "👍🏽", "🏳️‍🌈", "❤️"}, {"🇪🇸", "🇲🇽", "🇦"}, {"1\ufe0f\u20e3", "2"}, {"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "!"},
		{"각", "한"}, {"\u1100\u1161\u11a8", "\u1100"}, {"नि", "กำ"}, {"a\u200d", "🛑"}, {"\u0600a"}, {"a", "\u200b", "b"},
		{"☎️", "a"}, {"©", "🙂"}, {"👶🏿‍🛑"}, {"e\u0301\u200d", "e"},
	} {
		if diff := cmp.Diff(want, clustersOf(strings.Join(want, ""))); diff != "" {
			t.Errorf("clusters of %+q: %s", want, diff)
		}
	}
}

func TestEachNetworkCountsItsOwnWay(t *testing.T) {
	const text = "Ñandú 👩‍👩‍👧 日本"
	for name, c := range map[string]struct {
		measure syndicate.Measure
		want    int
	}{
		"graphemes": {syndicate.Graphemes, 10}, "code points": {syndicate.CodePoints, 14}, "UTF-16": {syndicate.UTF16, 17},
		"bytes": {syndicate.Bytes, 33}, "X": {syndicate.Weighted, 13}, "Threads": {syndicate.EmojiBytes, 27},
	} {
		if got := c.measure(text); got != c.want {
			t.Errorf("%s of %q: got %d, want %d", name, text, got, c.want)
		}
	}
}

var mastodonLike = syndicate.Rules{Max: 60, Measure: syndicate.CodePoints, LinkSize: 23, Tags: 5}

func TestFit(t *testing.T) {
	for name, c := range map[string]struct {
		post  syndicate.Post
		rules syndicate.Rules
		want  string
	}{
		"a note stays as it is": {post(entry("content", "Pan recién hecho")), mastodonLike, "Pan recién hecho"},
		"accents in hashtags, words joined, none twice": {post(entry("content", "Nueva #Educación", "category", "educación", "category", "pan y bicis",
			"category", "C++", "category", "2026", "category", "https://ana.example/tag/x", "category", "col·lecció")), mastodonLike,
			"Nueva #Educación\n\n#PanYBicis #C #col·lecció"},
		"a category within a word is no hashtag yet": {post(entry("content", "panadería", "category", "pan")), mastodonLike, "panadería\n\n#pan"},
		"too long: between words, with the permalink": {post(entry("content", "En un lugar de la Mancha, de cuyo nombre no quiero acordarme, no ha mucho tiempo")), mastodonLike,
			"En un lugar de la Mancha, de cuyo…\n\n" + home},
		"no comma before the ellipsis": {post(entry("content", "En un lugar de la Mancha, decuyonombrenoquieroacordarmenuncamás")), mastodonLike, "En un lugar de la Mancha…\n\n" + home},
		"no opening sign before the ellipsis": {post(entry("content", "¿Vienes a la mesa hoy o no? ¡Venga ya, hombre, que se enfría la sopa!")),
			syndicate.Rules{Max: 53, LinkSize: 23}, "¿Vienes a la mesa hoy o no?…\n\n" + home},
		"an article is its title and the link": {post(entry("name", "El pan & la bici", "content", "Erase una vez")), mastodonLike, "El pan & la bici\n\n" + home},
		"hashtags go before the text does":     {post(entry("content", strings.Repeat("hola ", 10)+"fin", "category", "uno", "category", "dos")), mastodonLike, strings.Repeat("hola ", 10) + "fin\n\n#uno"},
		"a link is not cut": {post(entry("content", "Mira esto que he leído: https://otro.example/"+strings.Repeat("largo/", 20)+" y dime qué te parece todo")), mastodonLike,
			"Mira esto que he leído…\n\n" + home},
		"a word without end": {post(entry("content", strings.Repeat("ja", 50))), mastodonLike, strings.Repeat("ja", 17) + "…\n\n" + home},
		"a family is not torn apart": {post(entry("content", strings.Repeat("👩‍👩‍👧", 50))), syndicate.Rules{Max: 30, LinkSize: 23},
			strings.Repeat("👩‍👩‍👧", 4) + "…\n\n" + home},
		"scripts without spaces": {post(entry("content", strings.Repeat("日本語", 20))), syndicate.Rules{Max: 30, LinkSize: 23}, "日本語日…\n\n" + home},
		"paragraphs, lists, quotations": {post(entry("content", map[string]any{"html": "<p>Uno <b>dos</b>\n tres</p><ul><li>pan</li><li>vino<ol><li>tinto</li></ol></li></ul>" +
			"<blockquote><p>dicho</p><p>hecho</p></blockquote><p>fin<br>y fin</p><script>no()</script>"})), syndicate.Rules{},
			"Uno dos tres\n\n• pan\n• vino\n  1. tinto\n\n> dicho\n>\n> hecho\n\nfin\ny fin"},
		"links are written out where they fit": {post(entry("content", map[string]any{"html": `Lee <a href="/pan">esto</a>`})), mastodonLike, "Lee esto (https://ana.example/pan)"},
		"and their words stay where not": {post(entry("content", map[string]any{"html": `Lee <a href="/pan">esto que escribí ayer</a> por la mañana`})),
			syndicate.Rules{Max: 64, LinkSize: 23}, "Lee esto que escribí ayer por la mañana\n\n" + home},
		"links behind their words": {post(entry("content", map[string]any{"html": `Lee <a href="/pan">esto</a>`})), syndicate.Rules{Links: true}, "Lee esto"},
		"entities":                 {post(entry("content", map[string]any{"html": "a &lt;b&gt; &amp;amp; c"})), mastodonLike, "a <b> &amp; c"},
		"a bookmark has its address": {post(entry("name", "Un libro", "bookmark-of", "https://otro.example/libro")), mastodonLike,
			"Un libro\nhttps://otro.example/libro"},
		"a like has nothing to say":   {post(entry("like-of", "https://otro.example/")), mastodonLike, ""},
		"no room for a permalink":     {post(entry("content", strings.Repeat("hola ", 10))), syndicate.Rules{Max: 10}, ""},
		"a name is an address on X":   {post(entry("content", "Compra en pan.es hoy")), syndicate.Rules{Max: 35, LinkSize: 23, BareLinks: true}, "Compra en…\n\n" + home},
		"bytes besides":               {post(entry("content", "ñññññ ñññññ ñññññ")), syndicate.Rules{Max: 300, MaxBytes: 70, Links: true}, "ñññññ ñññññ ñññññ"},
		"the permalink always":        {post(entry("content", "Hola")), syndicate.Rules{Permalink: true}, "Hola\n\n" + home},
		"controls leave, emoji stay":  {post(entry("content", "a\u202eb\x00c 👍🏽")), mastodonLike, "abc 👍🏽"},
		"whom it answers comes first": {post(entry("content", "Sí")), syndicate.Rules{Before: "@bea@otro.example"}, "@bea@otro.example Sí"},
	} {
		if diff := cmp.Diff(c.want, syndicate.Fit(c.post, c.rules).String); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestFitSaysWhereItsPartsLead(t *testing.T) {
	p := post(entry("category", "pan", "content", map[string]any{"html": `Hola <a href="https://social.example/@bea">@bea</a>: <a href="/x">mira, ñandú</a> ` +
		`<a href="https://www.largo.example/una/direccion/muy/larga">https://www.largo.example/una/…</a> #año <a href="javascript:x">no</a>`}))
	mention := func(words, address string) string {
		u, _ := url.Parse(address)
		return "@" + strings.TrimPrefix(words, "@") + "@" + u.Host
	}
	type part struct{ Words, Leads string }
	got := syndicate.Fit(p, syndicate.Rules{Links: true, Tags: 3, Mention: mention, Permalink: true})
	var parts []part
	for _, s := range got.Spans {
		parts = append(parts, part{got.String[s.Start:s.End], s.URL + s.Tag + s.Mention})
	}
	want := []part{{"@bea@social.example", "bea@social.example"}, {"mira, ñandú", "https://ana.example/x"},
		{"largo.example/una/direccion/m…", "https://www.largo.example/una/direccion/muy/larga"}, {"#año", "año"},
		{"ana.example/2026/11/22/hola", home}, {"#pan", "pan"}}
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("%q: %s", got.String, diff)
	}
	if p.Item = entry("content", map[string]any{"html": `<a href="https://x.example/bea">@bea</a>`}); syndicate.Fit(p, syndicate.Rules{
		Mention: func(string, string) string { return "" }}).String != "bea (https://x.example/bea)" {
		t.Error("who is on another network keeps the @, which names somebody else here")
	}
}

var addresses = regexp.MustCompile(`https?://[^\s]+`)

// holds checks what is true of every result, counting the text anew as a network does.
func holds(t interface{ Fatalf(string, ...any) }, p syndicate.Post, r syndicate.Rules) {
	got := syndicate.Fit(p, r)
	if !utf8.ValidString(got.String) {
		t.Fatalf("not UTF-8: %q", got.String)
	}
	counted := got.String
	if r.LinkSize > 0 {
		counted = addresses.ReplaceAllStringFunc(counted, func(a string) string {
			if n := r.Measure(a); n > r.LinkSize {
				return strings.Repeat("x", r.LinkSize)
			}
			return a
		})
	}
	if n := r.Measure(counted); r.Max > 0 && n > r.Max {
		t.Fatalf("%d of %d: %q", n, r.Max, got.String)
	}
	at := 0
	for _, s := range got.Spans {
		if s.Start < at || s.End <= s.Start || s.End > len(got.String) {
			t.Fatalf("span %+v after %d in %d bytes", s, at, len(got.String))
		}
		at = s.End
		if words := got.String[s.Start:s.End]; !utf8.ValidString(words) {
			t.Fatalf("span cuts a character: %q", words)
		}
	}
	if !got.Shortened || got.String == "" {
		return
	}
	if !slices.ContainsFunc(got.Spans, func(s syndicate.Span) bool { return s.URL == p.Permalink }) {
		t.Fatalf("shortened without the permalink: %q", got.String)
	}
	text, cut := "", false
	for i := strings.LastIndex(got.String, "…"); i >= 0; i = strings.LastIndex(got.String[:i], "…") {
		if strings.HasPrefix(got.String[i:], "…\n\nhttp") {
			text, cut = got.String[:i], true
			break
		}
	}
	if !cut || p.HTML != "" {
		return
	}
	whole := clustersOf(strings.TrimSpace(p.Item.Get("content")))
	kept := clustersOf(text)
	if len(kept) > len(whole) || strings.Join(whole[:len(kept)], "") != text {
		t.Fatalf("the text %q is no beginning of %q, cluster by cluster", text, whole)
	}
}

var measures = []syndicate.Measure{syndicate.Graphemes, syndicate.CodePoints, syndicate.UTF16, syndicate.Bytes, syndicate.Weighted, syndicate.EmojiBytes}

// The result is never over the limit, never cuts a character, and leads home when there is more.
func TestFitHoldsForEveryText(t *testing.T) {
	words := rapid.SampledFrom([]string{"pan", "educación", "¿qué", "tal?", "👩‍👩‍👧", "🇪🇸🇲🇽", "#año", "@bea", "n\u0303", "(sí)", "https://otro.example/a_(b)?c=d#e", "日本語",
		"https://x.example/" + strings.Repeat("z", 80), strings.Repeat("ja", 60), "—dijo—", "\n\n", "1️⃣", "http://localhost:8080/", "e\u0301"})
	rapid.Check(t, func(t *rapid.T) {
		content := strings.Join(rapid.SliceOfN(words, 0, 40).Draw(t, "words"), rapid.SampledFrom([]string{" ", "", "\n"}).Draw(t, "between"))
		content = strings.TrimSpace(regexp.MustCompile(`\n{3,}`).ReplaceAllString(regexp.MustCompile(` +\n`).ReplaceAllString(content, "\n"), "\n\n"))
		p := post(entry("content", content, "category", "pan y vino", "category", rapid.String().Draw(t, "category")))
		p.Kind = "note"
		holds(t, p, syndicate.Rules{Max: rapid.IntRange(1, 400).Draw(t, "max"), Measure: rapid.SampledFrom(measures).Draw(t, "measure"),
			LinkSize: rapid.SampledFrom([]int{0, 23}).Draw(t, "link"), Tags: 4, Permalink: rapid.Bool().Draw(t, "always")})
	})
}

func FuzzFit(f *testing.F) {
	f.Add("Hola, mundo", "pan", 40, 0)
	f.Add("<p>Uno</p><ul><li>dos <a href='/x'>tres</a></ul>", "educación", 60, 1)
	f.Add("<blockquote><a href=https://a.example><p>@a</p></a><pre>\n x\n", "#", 90, 5)
	f.Add(strings.Repeat("👩‍👩‍👧", 40), "🇪🇸", 70, 2)
	f.Fuzz(func(t *testing.T, content, category string, most, measure int) {
		p := post(entry("content", content, "category", category))
		p.Kind, p.HTML = "note", content
		for _, links := range []bool{false, true} {
			holds(t, p, syndicate.Rules{Max: 1 + abs(most)%600, Measure: measures[abs(measure)%len(measures)], Tags: 2, Links: links,
				Mention: func(string, string) string { return "@a@b.example" }})
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }

// A text of nothing but links, as long as anybody lets it become, takes no time to speak of.
func TestFitTakesItsTimeOnce(t *testing.T) {
	long := strings.Repeat("https://a.es/ #a @a ", 5_000)
	began := time.Now()
	if got := syndicate.Fit(post(entry("content", long)), mastodonLike); !got.Shortened {
		t.Error("a hundred kilobytes are not shortened")
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
