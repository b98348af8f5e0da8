package indieauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// redirects holds HOSTILE 56: addresses that a client at https://app.example/ has
// not listed.
var redirects = []struct {
	uri string
	ok  bool
}{
	{callback, true},
	{"https://app.example", true},
	{"https://app.example:443/cb", true},
	{"https://APP.example/cb", true},
	{"https://app.example/other/path", true}, // same origin needs no list
	{"https://app.example/cb?a=1&b=", true},
	{"https://app.example/a%2Fb/../c", true},
	{"http://app.example/cb", false}, // T-IA03
	{"http://app.example:443/cb", false},
	{"https://app.example:444/cb", false},
	{"https://app.example.evil.example/cb", false},
	{"https://evil.example/https://app.example/", false},
	{"https://evilapp.example/", false},
	{"https://app.example@evil.example/", false},
	{"https://user:pw@app.example/cb", false},
	{"https://app.example\\@evil.example/", false},
	{"https://app.example%2eevil.example/", false},
	{"https://app.example%00/", false},
	{"https://app.example/cb#frag", false},
	{"https://app.example/cb#", false},
	{"https://app.example/c b", false},
	{"https://app.example/\r\nSet-Cookie:x", false},
	{"https:/app.example/cb", false},
	{"https:app.example/cb", false},
	{"https:///app.example/cb", false},
	{"//app.example/cb", false},
	{"/cb", false},
	{"https://app.example:/cb", false},
	{"https://app.example:0/cb", false},
	{"https://app.example./cb", false},
	{"https://[::1]/cb", false},
	{"https://ａpp.example/cb", false},
	{"javascript:alert(1)//https://app.example/", false},
	{"JaVaScRiPt:alert(1)", false},
	{"data:text/html,hello", false},
	{"app:/cb", false},
	{"com.example.app:/cb", false},
	{"https://app.example/cb?code=mine", false},
	{"https://app.example/cb?a=1&iss=https://honest.example/", false},
	{"https://app.example/" + strings.Repeat("c", 2048), false},
}

func TestRedirectURIMustBeTheClients(t *testing.T) {
	for _, test := range redirects {
		h := newHouse()
		w := h.get("auth?" + with(asking(), "redirect_uri", test.uri).Encode())
		to := w.Header().Get("Location")
		if test.ok != (w.Code == http.StatusSeeOther) || test.ok != strings.HasPrefix(to, test.uri) {
			t.Errorf("%s: got %d %q, want accepted %v", test.uri, w.Code, to, test.ok)
		}
		if !test.ok && to != "" {
			t.Errorf("%s: sent to %s", test.uri, to)
		}
	}
}

// origin is an independent reading of a redirect_uri: a scheme, a host of plain
// characters and a port, and then the rest.
func origin(uri string) string {
	scheme, rest, ok := strings.Cut(uri, "://")
	scheme = strings.ToLower(scheme)
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	host, port, hasPort := strings.Cut(strings.ToLower(host), ":")
	if !hasPort {
		port = map[string]string{"https": "443", "http": "80"}[scheme]
	}
	if !ok || strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return ""
	}
	return scheme + "://" + host + ":" + port
}

// Nobody is sent anywhere but to the client's own origin, with exactly the
// redirect_uri that was asked for.
func FuzzRedirectMatch(f *testing.F) {
	for _, test := range redirects {
		f.Add(app, test.uri)
	}
	f.Add("http://localhost:4000", "http://localhost:4000/cb")
	f.Add("https://app.example:443/", callback)
	f.Add("https://xn--80ak6aa92e.example/", "https://xn--80ak6aa92e.example/cb")
	f.Fuzz(func(t *testing.T, client, redirect string) {
		h := newHouse()
		values := with(with(asking(), "client_id", client), "redirect_uri", redirect)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", base+"auth?"+values.Encode(), nil))
		to := w.Header().Get("Location")
		if to == "" {
			return
		}
		// http.Redirect escapes what is not ASCII; nothing such gets this far.
		if !strings.HasPrefix(to, redirect) || len(h.asked) != 1 || origin(to) == "" || origin(to) != origin(h.asked[0].ClientID) {
			t.Errorf("client_id %q, redirect_uri %q: sent to %q", client, redirect, to)
		}
	})
}
