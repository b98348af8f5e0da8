package sanitize_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tertulia/internal/sanitize"
)

// HOSTILE 24 and 25.
func TestTextIsOneLegibleLine(t *testing.T) {
	for _, c := range []struct {
		name, in string
		most     int
		want     string
	}{
		{"name", "  Ana \t María\n Núñez ", 200, "Ana María Núñez"},
		{"form C", "Nu\u0301n\u0303ez", 200, "Núñez"},
		{"bidi override", "Ana\u202e\u2066gro.live", 200, "Anagro.live"},
		{"controls", "A\x00n\x1ba\u0085b\u2028c", 200, "Ana b c"},
		{"zero width only", "\u200b\u200d\u2060\ufeff\u00ad", 200, ""},
		{"blank letters only", "\u3164\u2800\u115f", 200, ""},
		{"marks only", "\u0301\u0301", 200, ""},
		{"heap of accents", "e" + strings.Repeat("\u0323", 5000) + "x", 200, "ẹ\u0323\u0323\u0323x"},
		{"accents in disguise", "e\u0344\u0344\u0344\u0344", 200, "ë\u0301\u0308\u0301\u0308"},
		{"emoji", "👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e007f", 200, "👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e007f"},
		{"not UTF-8", "A\xff\xfeB", 200, "A\uFFFDB"},
		{"markup", "<b>x</b>", 200, "<b>x</b>"},
		{"long", strings.Repeat("ñ", 300), 10, strings.Repeat("ñ", 9) + "…"},
		{"exact", strings.Repeat("ñ", 10), 10, strings.Repeat("ñ", 10)},
		{"cut at a space", "abc def", 5, "abc…"},
		{"one rune", "abc", 1, "…"},
		{"no rune", "abc", 0, ""},
		{"one megabyte", strings.Repeat("a ", 1<<19), 5, "a a…"},
		{"empty", "", 200, ""},
	} {
		if got := sanitize.Text(c.in, c.most); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"Ana", "a\u202eb", "e\u0301\u0301", "\u0344", "👩\u200d👧", "\xff", "ᄀ\u1160", " a  b "} {
		f.Add(s, 5)
	}
	f.Fuzz(func(t *testing.T, in string, most int) {
		if most < 0 || most > 300 {
			t.Skip()
		}
		got := sanitize.Text(in, most)
		if again := sanitize.Text(got, most); again != got {
			t.Errorf("%q: once %q, twice %q", in, got, again)
		}
		if utf8.RuneCountInString(got) > most || !utf8.ValidString(got) || !norm.NFC.IsNormalString(got) {
			t.Errorf("%q: got %q", in, got)
		}
		if strings.ContainsAny(got, "\n\r\t\x00\u202e\u2066\u200b\ufeff") || strings.TrimSpace(got) != got {
			t.Errorf("%q: got %q", in, got)
		}
	})
}

func TestURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://a.example":                 "https://a.example/",
		" https://A.Example/x?y#z\n":        "https://a.example/x?y#z",
		"/x":                                "https://bea.example/x",
		"//c.example/":                      "https://c.example/",
		"":                                  "https://bea.example/2026/reply",
		"?q=ñ 'x'":                          "https://bea.example/2026/reply?q=%C3%B1%20%27x%27",
		"https://ñandú.example/é":           "https://xn--and-6ma2c.example/%C3%A9",
		"http://[2001:db8::1]:8080/":        "http://[2001:db8::1]:8080/",
		"https://a_b.example/":              "https://a_b.example/",
		"javascript:alert(1)":               "",
		"JaVa\tScript:alert(1)":             "",
		"\x01javascript:alert(1)":           "",
		"javascript://youtube.com/%0Aalert": "",
		"data:text/html,x":                  "",
		"vbscript:x":                        "",
		"blob:https://a.example/1":          "",
		"mailto:a@a.example":                "",
		"http:host":                         "",
		"http:///x":                         "",
		"http://xn--/":                      "",
		"https://user@a.example/":           "",
		"/\\evil.example":                   "",
		"https:\\\\a.example":               "",
		"https://a.example:99999/":          "",
		"https://a.example:0/":              "",
		"https://a.example:x/":              "",
		"https://a\u202eb.example/":         "",
		"https://[fe80::1%25eth0]/":         "",
		"https://a.example/" + strings.Repeat("x", 3000): "",
	} {
		if got := sanitize.URL(raw, source); got != want {
			t.Errorf("%.60q: got %q, want %q", raw, got, want)
		}
	}
	if got := sanitize.URL("/x", nil); got != "" {
		t.Errorf("relative without base: got %q", got)
	}
	if got := sanitize.URL("x", &url.URL{Scheme: "file", Path: "/etc/"}); got != "" {
		t.Errorf("base on disk: got %q", got)
	}
}
