package indieauth_test

import (
	"strings"
	"testing"

	"tertulia/indieauth"
)

// identifiers holds IA-1 to IA-3, T-IA01, T-IA02 and D10: a URL and its canonical
// form as client_id and as profile URL, "" where it is refused.
var identifiers = []struct{ raw, client, profile string }{
	{"https://app.example/", "https://app.example/", "https://app.example/"},
	{"https://teacup.p3k.io", "https://teacup.p3k.io/", "https://teacup.p3k.io/"},
	{"http://app.example/jo", "http://app.example/jo", "http://app.example/jo"},
	{"HTTPS://APP.example/Jo", "https://app.example/Jo", "https://app.example/Jo"},
	{"https://app.example/client.json", "https://app.example/client.json", "https://app.example/client.json"},
	{"https://app.example/v1.2/id", "https://app.example/v1.2/id", "https://app.example/v1.2/id"},
	{"https://app.example/~jo.doe", "https://app.example/~jo.doe", "https://app.example/~jo.doe"},
	{"https://app.example/.../..a/b..", "https://app.example/.../..a/b..", "https://app.example/.../..a/b.."},
	{"https://app.example/?id=1&b=", "https://app.example/?id=1&b=", "https://app.example/?id=1&b="},
	{"https://app.example?id=..", "https://app.example/?id=..", "https://app.example/?id=.."},
	{"https://señor.example/ñ", "https://xn--seor-hqa.example/%C3%B1", "https://xn--seor-hqa.example/%C3%B1"},
	{"https://my_app.example/", "https://my_app.example/", "https://my_app.example/"},
	{"https://app.example:8443/", "https://app.example:8443/", ""},
	{"https://app.example:443/", "https://app.example:443/", ""},
	{"http://localhost/", "http://localhost/", "http://localhost/"},
	{"http://localhost:8080", "http://localhost:8080/", "http://localhost:8080/"},
	{"http://blog.localhost:8080/", "http://blog.localhost:8080/", "http://blog.localhost:8080/"},
	{"http://127.0.0.1:4000/", "http://127.0.0.1:4000/", "http://127.0.0.1:4000/"},
	{"http://[::1]:4000/", "http://[::1]:4000/", "http://[::1]:4000/"},
	{"http://[0:0:0:0:0:0:0:1]/", "http://[::1]/", "http://[::1]/"},
	{"", "", ""},
	{"app.example", "", ""},
	{"//app.example/", "", ""},
	{"mailto:jo@app.example", "", ""},
	{"ftp://app.example/", "", ""},
	{"javascript://app.example/", "", ""},
	{"https:app.example/", "", ""},
	{"https:///app.example/", "", ""},
	{"https://", "", ""},
	{"https://:443/", "", ""},
	{"https://app.example/#me", "", ""},
	{"https://app.example/#", "", ""},
	{"https://user@app.example/", "", ""},
	{"https://user:pass@app.example/", "", ""},
	{"https://@app.example/", "", ""},
	{"https://app.example/foo/../bar", "", ""},
	{"https://app.example/.", "", ""},
	{"https://app.example/%2E%2e/bar", "", ""},
	{"https://app.example/.%2e", "", ""},
	{"https://app.example:/", "", ""},
	{"https://app.example:0/", "", ""},
	{"https://app.example:99999/", "", ""},
	{"https://app.example:x/", "", ""},
	{"https://172.28.92.51/", "", ""},
	{"https://127.0.0.2/", "", ""},
	{"https://127.1/", "", ""},
	{"https://0x7f.1/", "", ""},
	{"https://0x7f000001/", "", ""},
	{"https://2130706433/", "", ""},
	{"https://99999999999999999999999/", "", ""},
	{"https://[fd00::1]/", "", ""},
	{"https://[::ffff:127.0.0.1]/", "", ""},
	{"https://[::1%25lo]/", "", ""},
	{"https://app..example/", "", ""},
	{"https://.example/", "", ""},
	{"https://app.example./", "", ""},
	{"https://app.example\\@evil.example/", "", ""},
	{"https://app.example/a b", "", ""},
	{"https://app.example/\n", "", ""},
	{" https://app.example/", "", ""},
	{"https://app%2eexample/", "", ""},
	{"https://app.example/%zz", "", ""},
	{"https://app\u2024example／x/", "", ""},
	{"https://app.example/" + strings.Repeat("a", 2048), "", ""},
	{"https://app.example/" + strings.Repeat("`", 1000), "", ""}, // escaped it is longer
	{"https://app.example/\xff", "", ""},
}

func TestIdentifiers(t *testing.T) {
	for _, test := range identifiers {
		if got, err := indieauth.CheckClientID(test.raw); got != test.client || (err == nil) != (test.client != "") {
			t.Errorf("client_id %q: got %q, %v, want %q", test.raw, got, err, test.client)
		}
		if got, err := indieauth.CheckProfileURL(test.raw); got != test.profile || (err == nil) != (test.profile != "") {
			t.Errorf("profile URL %q: got %q, %v, want %q", test.raw, got, err, test.profile)
		}
	}
}

// A canonical form is its own canonical form, has no byte that HTML or a header
// would trip over, and every profile URL could be a client_id.
func FuzzIdentifiers(f *testing.F) {
	for _, test := range identifiers {
		f.Add(test.raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		client, err := indieauth.CheckClientID(raw)
		if err != nil {
			if _, err := indieauth.CheckProfileURL(raw); err == nil {
				t.Errorf("%q: a profile URL, but no client_id", raw)
			}
			return
		}
		again, err := indieauth.CheckClientID(client)
		if err != nil || again != client {
			t.Errorf("%q: got %q, and of that %q, %v", raw, client, again, err)
		}
		if strings.ContainsFunc(client, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q: got %q", raw, client)
		}
	})
}
