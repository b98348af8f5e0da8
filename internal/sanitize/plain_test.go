package sanitize_test

import (
	"strings"
	"testing"

	"tertulia/internal/sanitize"
)

func TestPlainText(t *testing.T) {
	for in, want := range map[string]string{
		"<p>One\n two</p><p>Three<br>four</p>":   "One two\nThree\nfour",
		"<ul><li>a<li>b</ul>":                    "a\nb",
		"a &lt;b&gt; &amp;amp;":                  "a <b> &amp;",
		"a<script>x</script><style>y</style>b":   "ab",
		"a<svg><svg>x</svg>y</svg>b<!-- c -->":   "ab",
		"<table><tr><td>a<td>b<tr><td>c</table>": "a b\nc",
		"a <b>b</b>c":                            "a bc",
		"</svg>a":                                "a",
		"a\u202eb":                               "ab",
		"":                                       "",
		"<div><div>\n<p> </p>" + "</div>x</div>\n\n": "x",
	} {
		if got := sanitize.PlainText(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// SPECS D11, T-MP07.
var texts = map[string]string{
	"hello":                         `<p>hello</p>`,
	"a\nb\r\n\r\n\n c":              "<p>a<br/>\nb</p>\n<p>c</p>",
	"a < b & c > \"d\"":             `<p>a &lt; b &amp; c &gt; &#34;d&#34;</p>`,
	"<script>alert(1)</script>":     `<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>`,
	"see https://a.example.":        `<p>see <a href="https://a.example/">https://a.example</a>.</p>`,
	"(https://a.example/x_(y)) ok":  `<p>(<a href="https://a.example/x_(y)">https://a.example/x_(y)</a>) ok</p>`,
	"https://a.example/?a=1&b=2":    `<p><a href="https://a.example/?a=1&amp;b=2">https://a.example/?a=1&amp;b=2</a></p>`,
	`https://a.example/"onclick=x`:  `<p><a href="https://a.example/">https://a.example/</a>&#34;onclick=x</p>`,
	"javascript:alert(1) xhttps://": `<p>javascript:alert(1) xhttps://</p>`,
	"https://user@a.example/":       `<p>https://user@a.example/</p>`,
	"https://... http://":           `<p>https://... http://</p>`,
	"":                              ``,
	" \n\n ":                        ``,
}

func TestFromPlain(t *testing.T) {
	for in, want := range texts {
		if got := sanitize.FromPlain(in); got != want {
			t.Errorf("%q:\ngot  %s\nwant %s", in, got, want)
		}
	}
}

// What FromPlain writes is already as clean as the owner's HTML has to be.
func FuzzFromPlain(f *testing.F) {
	for in := range texts {
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		own := sanitize.Options{Own: true, MaxBytes: 1 << 20}
		got := sanitize.FromPlain(in)
		inspect(t, own, in, got)
		if again := own.HTML(got, nil); again != got {
			t.Errorf("%q:\ngot     %q\ncleaned %q", in, got, again)
		}
		if strings.Contains(sanitize.PlainText(got), "\u202e") {
			t.Errorf("%q: override survives", in)
		}
	})
}

// SPECS D11, T-MP07.
func TestLooksHTML(t *testing.T) {
	for in, want := range map[string]bool{
		"<p>Hello</p>":                            true,
		" <p>One</p>\n<p>Two<br>three</p> ":       true,
		"<div><p>a <b>b</b></p><img src=x></div>": true,
		"<h1>x</h1>tail":                          true,
		"<ul><li>a</li></ul>":                     true,
		"<P>x</P>":                                true,
		"":                                        false,
		"hello":                                   false,
		"hello <p>x</p>":                          false,
		"<b>x</b>":                                false,
		"<p>x":                                    false,
		"<p>x</b></p>":                            false,
		"<p><b>x</p></b>":                         false,
		"<p>x</p></p>":                            false,
		"<p>x</p><b":                              false,
		"<div/>":                                  false,
		"<pre":                                    false,
		"<3 you":                                  false,
		"<https://a.example/>":                    false,
		"<!-- x --><p>y</p>":                      false,
		"<hr>x":                                   false,
	} {
		if got := sanitize.LooksHTML(in); got != want {
			t.Errorf("%q: got %t, want %t", in, got, want)
		}
	}
}
