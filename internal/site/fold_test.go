package site_test

import (
	"net/url"
	"testing"

	"tertulia/internal/site"
)

// HOSTILE 39, T-WR03, T-WR06, T-WR19, T-WR20
func TestFoldKnowsThePagesOfTheSite(t *testing.T) {
	w := &site.Site{URL: parse(t, "https://me.example/"), Root: t.TempDir()}
	w.Aliases = append(w.Aliases, parse(t, "https://www.me.example/"), parse(t, "https://old.example/blog/"), parse(t, "https://xn--caf-dma.example/"))
	const hello = "/2026/11/21/hello"
	tests := []struct{ address, want string }{
		{"https://me.example/2026/11/21/hello/", hello},
		{"https://me.example/2026/11/21/hello", hello},
		{"https://me.example/2026/11/21/hello/index.html", hello},
		{"http://me.example/2026/11/21/hello/", hello},
		{"http://me.example:80/2026/11/21/hello/", hello},
		{"https://me.example:443/2026/11/21/hello/", hello},
		{"HTTPS://ME.Example/2026/11/21/hello/", hello},
		{"https://me.example./2026/11/21/hello/", hello},
		{"https://www.me.example/2026/11/21/hello/", hello},
		{"https://old.example/blog/2026/11/21/hello/", hello},
		{"https://me.example/2026/11/21/hello/#comment-12", hello},
		{"https://me.example/2026/11/21/hello/?utm_source=x&fbclid=y", hello},
		{"https://me.example/2026/11/21/hello/?x=17", hello}, // a file is the same file whatever is asked of it (HOSTILE 110)
		{"https://me.example/2026/11/21/%68ello/", hello},
		{"https://me.example//2026/11/./21/x/../hello/", hello},
		{"https://me.example/%7Eana/", "/~ana"},
		{"https://me.example/~ana/", "/~ana"},
		{"https://café.example/x", "/x"},
		{"https://me.example", "/"},
		{"https://me.example/index.html", "/"},
		{"https://old.example/blog", "/"},
		{"https://me.example/a%3Fb", "/a%3Fb"},

		{"https://evil.test/?x=me.example", ""},
		{"https://evil.test/me.example/", ""},
		{"https://me.example.evil.test/", ""},
		{"https://notme.example/", ""},
		{"https://sub.me.example/", ""},
		{"https://me.example@evil.test/", ""},
		{"https://me.example:8443/", ""},
		{"https://old.example/", ""},
		{"https://old.example/blogger/x", ""},
		{"https://old.example/blog/../secret", ""},
		{"javascript://me.example/%0aalert(1)", ""},
		{"ftp://me.example/2026/11/21/hello/", ""},
		{"//me.example/x", ""},
		{"/x", ""},
		{"", ""},
	}
	for _, tt := range tests {
		got, ok := w.Fold(parse(t, tt.address))
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Fold(%q): got %q, %t, want %q", tt.address, got, ok, tt.want)
		}
	}
}

// Elsewhere a query may tell pages apart, but those that only track do not.
func TestFoldKeepsTheQueryOfPagesElsewhere(t *testing.T) {
	w := &site.Site{URL: parse(t, "http://localhost:8080/blog/")}
	for address, want := range map[string]string{
		"http://localhost:8080/blog/?p=7":                      "/?p=7",
		"http://localhost:8080/blog?p=7&utm_source=x&fbclid=1": "/?p=7",
		"http://localhost:8080/blog/?b=1&a=2":                  "/?a=2&b=1",
		"http://localhost:8080/blog/%3Fp=7":                    "/%3Fp=7",
		"http://localhost:8080/blog/x?":                        "/x",
		"http://localhost:9000/blog/x":                         "",
		"http://localhost/blog/x":                              "",
		"http://localhost:8080/":                               "",
	} {
		if got, ok := w.Fold(parse(t, address)); got != want || ok != (want != "") {
			t.Errorf("Fold(%q): got %q, %t, want %q", address, got, ok, want)
		}
	}
}

// HOSTILE 72: no address leads to a file outside the root or to a hidden one.
func TestFileStaysInTheRoot(t *testing.T) {
	w := &site.Site{URL: parse(t, "https://me.example/"), Root: "/srv/root"}
	for address, want := range map[string]string{
		"https://me.example/":                      "/srv/root",
		"https://me.example/a/b/":                  "/srv/root/a/b",
		"https://me.example/caf%C3%A9":             "/srv/root/café",
		"https://me.example/a%3Fb":                 "/srv/root/a?b",
		"https://me.example/a%25b":                 "/srv/root/a%b",
		"https://me.example/../../etc/passwd":      "/srv/root/etc/passwd",
		"https://me.example/%2e%2e%2fetc%2fpasswd": "/srv/root/etc/passwd",
		"https://me.example/.git/config":           "",
		"https://me.example/a/%2egit/config":       "",
	} {
		folded, ok := w.Fold(parse(t, address))
		if !ok {
			t.Fatalf("Fold(%q) is not ours", address)
		}
		if got, ok := w.File(folded); got != want || ok != (want != "") {
			t.Errorf("File of %q: got %q, %t, want %q", address, got, ok, want)
		}
	}
	if name, ok := (&site.Site{URL: w.URL}).File("/a"); ok {
		t.Errorf("File without a root: got %q", name)
	}
}

// FuzzFold: what is folded is folded for good, and no file lies outside the root.
func FuzzFold(f *testing.F) {
	for _, s := range []string{"/", "/a/../b?x=1", "/%2e%2e/%00", "//x", "/a%3Fb#c", "/index.html/index.html", "/\\..\\x", "/%25%33%46"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		for _, root := range []string{"", "/srv/root"} {
			w := &site.Site{URL: parse(t, "https://me.example/"), Root: root}
			u := &url.URL{Scheme: "https", Host: "me.example", Path: rest}
			if parsed, err := w.URL.Parse(rest); err == nil {
				u = parsed
			}
			folded, ok := w.Fold(u)
			if !ok {
				return
			}
			again, ok := w.Fold(parse(t, "https://me.example"+folded))
			if !ok || again != folded {
				t.Errorf("Fold(%q): got %q, and folded again %q", u, folded, again)
			}
			if name, ok := w.File(folded); ok && name != root && (len(name) <= len(root) || name[:len(root)+1] != root+"/") {
				t.Errorf("File(%q) is %q, outside %s", folded, name, root)
			}
		}
	})
}
