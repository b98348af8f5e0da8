package mf2_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tertulia/mf2"
)

var repeat = strings.Repeat

// nest writes n nested divs of a class around text.
func nest(n int, class, text string) string {
	return repeat(`<div class="`+class+`">`, n) + text + repeat(`</div>`, n)
}

// Pages that are small to send and dear to read. HOSTILE 20, 21, 22.
var bombs = []struct{ name, page string }{
	{"items that share their properties", nest(400, "h-entry e-content p-name", "x")},
	{"the same, with text", nest(400, "h-entry e-content p-name", repeat("text ", 43_000))},
	{"many properties an element", nest(10, "h-entry "+properties("p", 60), "x")},
	{"the same, ten deep", nest(9, "h-entry e-content p-name p-summary", repeat("text ", 43_000))},
	{"nested content with text", nest(1, "h-entry", nest(400, "e-content", repeat("text ", 43_000)))},
	{"nested names with text", nest(1, "h-entry", nest(400, "p-name", repeat("text ", 200_000)))},
	{"deep text that implies a name", nest(1, "h-card", nest(490, "x", repeat("text ", 200_000)))},
	{"deep text beside an item in a template", nest(1, "h-card", "<template><p class=h-card></template>"+nest(490, "x", repeat("text ", 200_000)))},
	{"deep text beside a lone item", nest(1, "h-entry", "<i class=item></i>"+nest(490, "x", repeat("text ", 200_000)))},
	{"deep text, item under item", nest(1, "h-entry", nest(10, "h-card", nest(470, "x", repeat("text ", 200_000))))},
	{"many classes", nest(1, "h-entry", nest(100, properties("p", 1500), "x"))},
	{"many types", nest(1, repeat("vcard ", 100_000), repeat(`<i class="`+repeat("fn ", 50)+`">x</i>`, 2000))},
	{"many items", repeat(`<a class=h-a>`, 60_000)},
	{"many properties", nest(1, "h-entry", repeat(`<a class=p-a>`, 60_000))},
	{"many dates", nest(1, "h-event", repeat(`<i class=dt-start>x</i>`, 25_000)+repeat(`<i class=dt-end>9:00</i>`, 25_000))},
	{"many relations", func() string {
		var b strings.Builder
		for i := range 40_000 {
			fmt.Fprintf(&b, "<a rel=me href=%d></a>", i)
		}
		return b.String()
	}()},
	{"many values of rel", `<a href=x rel="` + repeat("me a b c ", 100_000) + `">`},
	{"a long base", `<base href="/` + repeat("a", 400_000) + `/">` + repeat(`<a rel=me class=h-card href=b>x</a>`, 15_000)},
	{"a long base under content", `<base href="/` + repeat("a", 2000) + `/">` + nest(1, "h-entry", nest(5, "e-content", repeat(`<a href=b>`, 50_000)))},
	{"elements that include each other", `<div class=vcard itemref=b><p id=a itemref=b></p></div><div id=b class=vcard><p class=vcard itemref=a><i id=c itemref=b></i></p></div>`},
	{"links that include each other", `<div class=hentry id=a><a class=include href="#b"></a></div><div class=hentry id=b><a class=include href="#a"></a></div>`},
	{"cells with headers", `<table class=vcard><tr><td id=a headers=b><b headers=a></b></td><td id=b headers=a><i id=c></i></td></tr></table>`},
	{"cards of many people who are all me", func() string {
		var b strings.Builder
		for i := range 1990 {
			fmt.Fprintf(&b, "<a rel=me href=https://me.example/%d></a>", i)
		}
		return b.String() + repeat(`<a class=h-card href=https://you.example/>`, 900)
	}()},
	{"bold paragraphs", repeat(`<b><p>`, 120)},
	{"tables", repeat(`<table>`, 100)},
	{"only comments", repeat(`<!--->`, 170_000)},
	{"entities", repeat(`&amp;`, 200_000)},
	{"an end tag first", `</p><p class=h-entry>x`},
	{"frames", `<frameset class=h-entry><frame class=u-url>`},
	{"foreign", `<svg class=h-entry><a class=u-url xlink:href=x></a><foreignObject><p class=p-name>x`},
}

func properties(prefix string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s-%c%c%c ", prefix, 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26)
	}
	return b.String()
}

func TestParseStaysWithinItsBudget(t *testing.T) {
	base, _ := url.Parse(pageURL) // a constant
	for _, tt := range bombs {
		t.Run(tt.name, func(t *testing.T) {
			doc, err := html.Parse(strings.NewReader(tt.page))
			if err != nil {
				t.Fatalf("the case is no page: %v", err)
			}
			began := threadTime(t)
			page := mf2.Read(doc, base)
			if took := threadTime(t) - began; took > slowness*200*time.Millisecond {
				t.Errorf("reading %d bytes took %v", len(tt.page), took)
			}
			data, err := json.Marshal(page.Items)
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > 32<<20 {
				t.Errorf("%d bytes became %d", len(tt.page), len(data))
			}
			useEverything(t, page)
		})
	}
}

// slowness is what the race detector may cost.
const slowness = 10

// threadTime is the processor time of the test's thread, which it keeps to: what others
// do on the machine does not count.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	runtime.LockOSThread()
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		t.Skipf("SKIPPED: the time of a thread cannot be read here: %v", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// useEverything calls all that can be asked of a page.
func useEverything(t testing.TB, page mf2.Page) {
	t.Helper()
	entry, _ := page.Entry()
	page.EntryAt(pageURL)
	page.Author(t.Context(), entry, nil)
	page.RepresentativeCard()
	for _, it := range append(page.Items, entry) {
		it.Kind()
		it.ResponseKind(func(string) bool { return true })
		if _, err := mf2.FromJF2(it.JF2()); err != nil {
			t.Errorf("our own JF2 is not understood: %v", err)
		}
		it = it.Clone()
		for name := range it.Properties {
			it.Get(name)
			it.Strings(name)
			it.URLs(name)
			it.HTML(name)
		}
	}
}

// T-MF01, HOSTILE 22
func TestParseRefusesWhatIsNestedTooDeeply(t *testing.T) {
	page, doc, err := mf2.Parse(strings.NewReader(nest(600, "x", "x")), "text/html", nil)
	if !errors.Is(err, mf2.ErrTooDeep) || doc != nil || page.Items != nil {
		t.Errorf("600 elements deep: got %v, %v, %v, want ErrTooDeep and nothing else", page, doc, err)
	}
}

func TestReadCutsTheOuterLast(t *testing.T) {
	page := parse(t, nest(1, "h-entry", `<a class=u-in-reply-to href=https://ana.example/>x</a>`+
		nest(400, "p-comment h-cite", "x")+`<p class=p-name>late`))
	entry, _ := page.Entry()
	if got := entry.URLs("in-reply-to"); len(got) != 1 || entry.Get("name") != "late" {
		t.Errorf("got in-reply-to %v and name %q, want both that stand in the outer item", got, entry.Get("name"))
	}
	depth := 0
	for it, ok := entry, true; ok; depth++ {
		if len(it.Properties["comment"]) == 0 {
			break
		}
		it, ok = mf2.AsItem(it.Properties["comment"][0])
	}
	if depth != 9 {
		t.Errorf("got %d items inside the first, want 9", depth)
	}
}

// Two thousand properties are read, whoever has them; what follows is cut.
func TestReadCutsManyProperties(t *testing.T) {
	page := parse(t, `<div class=h-entry><p class=p-name>first</p>`+repeat(`<a class=p-category>x</a>`, 3000)+`</div>`)
	entry, _ := page.Entry()
	if n := len(entry.Strings("category")); entry.Get("name") != "first" || n < 1900 || n > 2000 {
		t.Errorf("got name %q and %d categories, want the name and some 2,000", entry.Get("name"), n)
	}
}

func TestReadSurvivesTreesMadeByHand(t *testing.T) {
	root := &html.Node{Type: html.DocumentNode}
	n := root
	for range 100_000 {
		child := &html.Node{Type: html.ElementNode, Data: "p", Attr: []html.Attribute{{Key: "class", Val: "h-x \xff"}, {Key: "CLASS", Val: "p-name"}}}
		n.AppendChild(child)
		n = child
	}
	page := mf2.Read(root, nil)
	checkRoundTrip(t, page.Items)
	useEverything(t, page)
}

// HOSTILE 24
func TestParseDecodesOnceIntoValidUTF8(t *testing.T) {
	entry := `<div class=h-entry><p class=p-name>`
	utf16 := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, r := range s {
			b = append(b, byte(r), byte(r>>8))
		}
		return string(b)
	}
	ascii := repeat(" ", 2000)
	tests := []struct{ name, contentType, page, want string }{
		{"header", "text/html; charset=iso-8859-1", entry + "caf\xe9", "café"},
		{"meta", "text/html", `<meta charset=iso-8859-15>` + entry + "\xa4", "€"},
		{"meta that is wrong", "text/html", `<meta charset=iso-8859-1>` + entry + "café", "café"},
		{"header before meta", "text/html; charset=utf-8", `<meta charset=iso-8859-1>` + entry + "café", "café"},
		{"nothing, late", "", ascii + entry + "café", "café"},
		{"nothing, cut in a character", "", ascii + entry + "café ca\xc3", "café ca\ufffd"},
		{"nothing, not UTF-8", "", ascii + entry + "caf\xe9", "café"},
		{"mark before header", "text/html; charset=utf-8", utf16(entry + "café"), "café"},
		{"utf-7 is nothing", "text/html; charset=utf-7", entry + "+ADw-script+AD4-", "+ADw-script+AD4-"},
		{"escapes of iso-2022-jp", "text/html; charset=iso-2022-jp", entry + "\x1b$B$\"\x1b(B", "あ"},
		{"in meta", "text/html", "<meta charset=iso-2022-jp>" + entry + "\x1b$B$\"\x1b(B", "あ"},
		{"NUL", "text/html; charset=utf-8", entry + "a\x00b<scr\x00ipt>c", "a\ufffdb" + "c"},
		{"surrogate and overlong", "text/html; charset=utf-8", entry + "a\xed\xa0\x80b\xc0\xbcc&#xd800;&#0;", "a\ufffd\ufffdb\ufffd\ufffdc\ufffd\ufffd"},
		{"not UTF-8 after all", "text/html; charset=utf-8", entry + "a\xffb", "a\ufffdb"},
		{"empty", "text/html", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			page, _, err := mf2.Parse(strings.NewReader(tt.page), tt.contentType, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := page.Entry()
			name := strings.NewReplacer("\ufffd\ufffd\ufffd", "\ufffd\ufffd").Replace(got.Get("name"))
			if name != tt.want {
				t.Errorf("got %q, want %q", got.Get("name"), tt.want)
			}
		})
	}
}

func TestParseReportsABrokenReader(t *testing.T) {
	broken := errors.New("connection lost")
	if _, _, err := mf2.Parse(failing{broken}, "", nil); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
