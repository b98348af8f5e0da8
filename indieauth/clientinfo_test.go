package indieauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"tertulia/indieauth"

	"github.com/google/go-cmp/cmp"
)

// says is a client's web server that answers everything in one way.
func says(contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Write([]byte(body))
	}
}

const (
	metadata = `{"client_id":"https://app.example/","client_name":"App","client_uri":"https://app.example/","logo_uri":"/logo.png",
		"redirect_uris":["https://cdn.example/cb?a=1","app:/cb"]}`
	appPage = `<!doctype html><title>x</title><link rel="x REDIRECT_URI" href="/native"><link rel=redirect_uri href="https://cdn.example/cb?a=1">
		<a rel="redirect_uri" href="https://comment.example/">a visitor's link</a>
		<div class="h-app"><img class="u-logo" src="/logo.png"><a class="u-url p-name" href="/">App</a></div>`
)

// IA-8 to IA-11, HOSTILE 61: what is believed, for a redirect_uri of the client's own.
func TestClientInfo(t *testing.T) {
	known := indieauth.ClientInfo{ID: app, Name: "App", URI: app, Logo: app + "logo.png"}
	bare := func(warning indieauth.Warning) indieauth.ClientInfo {
		return indieauth.ClientInfo{ID: app, Name: "app.example", Warning: warning}
	}
	replace := func(old, changed string) http.HandlerFunc {
		return says("application/json", strings.Replace(metadata, old, changed, 1))
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    indieauth.ClientInfo
	}{
		"metadata":                  {says("application/json", metadata), known},
		"metadata with a charset":   {says("application/json; charset=utf-8", metadata), known},
		"metadata of another type":  {says("application/ld+json", metadata), known},
		"h-app":                     {says("text/html", appPage), known},
		"h-x-app":                   {says("text/html; charset=utf-8", strings.Replace(appPage, "h-app", "h-x-app", 1)), known},
		"host in capitals":          {replace(`"client_id":"https://app.example/"`, `"client_id":"https://APP.example"`), known},
		"another client_id":         {replace(`"client_id":"https://app.example/"`, `"client_id":"https://app.example/x"`), bare(indieauth.WarnUntrusted)},
		"no client_id":              {says("application/json", `{"client_name":"App"}`), bare(indieauth.WarnUntrusted)},
		"CLIENT_ID":                 {replace("client_id", "CLIENT_ID"), bare(indieauth.WarnUntrusted)},
		"client_id a list":          {replace(`"client_id":"https://app.example/"`, `"client_id":["https://app.example/"]`), bare(indieauth.WarnUntrusted)},
		"redirect_uris a string":    {replace(`["https://cdn.example/cb?a=1","app:/cb"]`, `"app:/cb"`), bare(indieauth.WarnUntrusted)},
		"not JSON":                  {says("application/json", "<html>"), bare(indieauth.WarnUntrusted)},
		"two documents":             {says("application/json", metadata+metadata), bare(indieauth.WarnUntrusted)},
		"6 KB":                      {replace("App", strings.Repeat("A", 6000)), bare(indieauth.WarnUntrusted)},
		"a picture":                 {says("image/png", metadata), bare(indieauth.WarnUntrusted)},
		"no type":                   {says("", metadata), bare(indieauth.WarnUntrusted)},
		"client_uri elsewhere":      {replace(`"client_uri":"https://app.example/"`, `"client_uri":"https://other.example/"`), indieauth.ClientInfo{ID: app, Name: "App", Logo: app + "logo.png", Warning: indieauth.WarnURI}},
		"client_uri of half a name": {replace(`"client_uri":"https://app.example/"`, `"client_uri":"https://app.exam"`), indieauth.ClientInfo{ID: app, Name: "App", Logo: app + "logo.png", Warning: indieauth.WarnURI}},
		"logo javascript:":          {replace("/logo.png", "javascript:alert(1)"), indieauth.ClientInfo{ID: app, Name: "App", URI: app}},
		"name is markup":            {replace(`"App"`, `"<b>App</b>"`), indieauth.ClientInfo{ID: app, Name: "<b>App</b>", URI: app, Logo: app + "logo.png"}}, // text; the template escapes it
		"name is a number":          {replace(`"App"`, `7`), indieauth.ClientInfo{ID: app, Name: "app.example", URI: app, Logo: app + "logo.png"}},
		"h-app of somebody else":    {says("text/html", strings.Replace(appPage, `href="/">App`, `href="https://famous.example/">App`, 1)), bare("")},
		"a page without h-app":      {says("text/html", "<p>hello"), bare("")},
		"404":                       {http.NotFound, bare(indieauth.WarnUnfetched)},
		"204":                       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, bare(indieauth.WarnUnfetched)},
		"no answer":                 {nil, bare(indieauth.WarnUnfetched)},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/moved" {
				says("application/json", metadata)(w, r)
				return
			}
			http.Redirect(w, r, "/moved", http.StatusFound)
		}, bare(indieauth.WarnUnfetched)},
	} {
		h := newHouse()
		h.web["app.example"] = test.handler
		got, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback})
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
	}
}

// IA-12, T-IA03: a redirect_uri elsewhere must be listed, to the letter, and a list
// that cannot be read lists nothing.
func TestRedirectURIElsewhereMustBeListed(t *testing.T) {
	link := func(value string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", value)
			says("text/html", "<p>")(w, r)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		uri     string
		ok      bool
	}{
		"listed":                 {says("application/json", metadata), "https://cdn.example/cb?a=1", true},
		"custom scheme":          {says("application/json", metadata), "app:/cb", true},
		"another query":          {says("application/json", metadata), "https://cdn.example/cb?a=2", false},
		"without its query":      {says("application/json", metadata), "https://cdn.example/cb", false},
		"another host":           {says("application/json", metadata), "https://cdn.example.evil.example/cb?a=1", false},
		"another port":           {says("application/json", metadata), "https://cdn.example:443/cb?a=1", false},
		"in capitals":            {says("application/json", metadata), "https://CDN.example/cb?a=1", false},
		"escaped otherwise":      {says("application/json", metadata), "https://cdn.example/%63b?a=1", false},
		"not listed":             {says("application/json", metadata), "other:/cb", false},
		"a program, and listed":  {says("application/json", strings.Replace(metadata, "app:/cb", "javascript:alert(1)", 1)), "javascript:alert(1)", false},
		"metadata not believed":  {says("application/json", strings.Replace(metadata, "client_id", "id", 1)), "app:/cb", false},
		"nobody there":           {nil, "app:/cb", false},
		"link element":           {says("text/html", appPage), "https://cdn.example/cb?a=1", true},
		"a visitor's link":       {says("text/html", appPage), "https://comment.example/", false},
		"link header":            {link(`<https://cdn.example/cb>; rel="redirect_uri"`), "https://cdn.example/cb", true},
		"second in one header":   {link(`<https://x.example/a,b>; rel=next; title="a, <b>", <app:/cb>; title=";"; rel="x redirect_uri"`), "app:/cb", true},
		"quoted in another link": {link(`</>; title="<app:/cb>; rel=redirect_uri"`), "app:/cb", false},
		"second rel":             {link(`<app:/cb>; rel=next; rel=redirect_uri`), "app:/cb", false},
		"broken header":          {link(`<app:/cb; rel=redirect_uri`), "app:/cb", false},
	} {
		h := newHouse()
		h.web["app.example"] = test.handler
		req := indieauth.Request{ClientID: app, RedirectURI: test.uri}
		client, err := h.ClientInfo(t.Context(), req)
		if test.ok != (err == nil) || test.ok != client.Listed || err != nil && !errors.Is(err, indieauth.ErrRedirect) {
			t.Errorf("%s: got %+v, %v, want accepted %v", name, client, err, test.ok)
		}
		if _, err := h.Approve(t.Context(), req, nil, 0); test.ok != (err == nil) {
			t.Errorf("%s: approving: got %v", name, err)
		}
	}
}

// A relative redirect URL is resolved against the document, and its base.
func TestListedRedirectURIsAreResolved(t *testing.T) {
	for body, uri := range map[string]string{
		`<base href="https://cdn.example/x/"><link rel=redirect_uri href=" cb ">`:                  "https://cdn.example/x/cb",
		`<base href="//cdn.example/x/"><base href="/y"><link rel=redirect_uri href="?a">`:          "https://cdn.example/x/?a",
		`<link rel=redirect_uri href="//cdn.example/cb">`:                                          "https://cdn.example/cb",
		`<svg><base href="https://evil.example"/></svg><link rel=redirect_uri href="//b.example">`: "https://b.example",
	} {
		h := newHouse()
		h.web["app.example"] = says("text/html", body)
		client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app + "v1/id", RedirectURI: uri})
		if err != nil || !client.Listed {
			t.Errorf("%s: got %+v, %v", body, client, err)
		}
	}
}

// IA-9: client_uri is a prefix of client_id that ends where a name ends.
func TestClientURIIsAPrefixOfWholeNames(t *testing.T) {
	for uri, want := range map[string]string{
		app:                                 app,
		app + "a":                           app + "a",
		app + "a/":                          app + "a/",
		app + "a/client":                    app + "a/client",
		app + "a/cl":                        "",
		app + "a/client/":                   "",
		"http://app.example/":               "",
		"https://app.example:8443/":         "",
		"https://app.example.evil.example/": "",
	} {
		h := newHouse()
		h.web["app.example"] = says("application/json", `{"client_id":"`+app+`a/client?v=1","client_uri":"`+uri+`"}`)
		client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app + "a/client?v=1", RedirectURI: callback})
		if err != nil || client.URI != want || (client.Warning == indieauth.WarnURI) != (want == "") {
			t.Errorf("%s: got %+v, %v, want %q", uri, client, err, want)
		}
	}
	h := newHouse()
	h.web["app.example.evil.example"] = says("application/json", `{"client_id":"https://app.example.evil.example/","client_uri":"https://app.example"}`)
	client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: "https://app.example.evil.example/", RedirectURI: "https://app.example.evil.example/cb"})
	if err != nil || client.URI != "" {
		t.Errorf("got %+v, %v, want no URI", client, err)
	}
}

// IA-8: clients on somebody's own machine are not asked.
// Spec: indieauth#client-information-discovery-p-4
func TestLoopbackClientsAreNotFetched(t *testing.T) {
	for _, host := range []string{"localhost", "localhost:4000", "app.localhost", "127.0.0.1", "127.0.0.1:4000", "[::1]", "[::1]:4000"} {
		h := newHouse()
		h.web[host] = func(http.ResponseWriter, *http.Request) { t.Errorf("%s was fetched", host) }
		id := "http://" + host + "/"
		client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: id, RedirectURI: id + "cb"})
		if err != nil || client.Warning != indieauth.WarnLocal || client.Name == "" {
			t.Errorf("%s: got %+v, %v", host, client, err)
		}
		if _, err = h.ClientInfo(t.Context(), indieauth.Request{ClientID: id, RedirectURI: "app:/cb"}); !errors.Is(err, indieauth.ErrRedirect) {
			t.Errorf("%s: got %v, want ErrRedirect", host, err)
		}
	}
}

// The application's own client keeps its redirect policy, and nil asks nobody.
func TestClientInfoLeavesTheHTTPClientAlone(t *testing.T) {
	h := newHouse()
	h.web["app.example"] = says("text/html", appPage)
	h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback})
	if h.Client.CheckRedirect != nil {
		t.Error("CheckRedirect was changed")
	}
	h = newHouse()
	h.Client = nil
	client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback})
	if err != nil || client.Warning != indieauth.WarnUnfetched {
		t.Errorf("got %+v, %v", client, err)
	}
}

// slow answers when the request is given up.
type slow struct{}

func (slow) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// T-IA12: the owner does not wait for a client that never answers.
func TestClientInfoIsTimeBoxed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse()
		h.Client = &http.Client{Transport: slow{}}
		start := time.Now()
		client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback})
		if err != nil || client.Warning != indieauth.WarnUnfetched || time.Since(start) > 10*time.Second {
			t.Errorf("got %+v, %v after %v", client, err, time.Since(start))
		}
	})
}

// HOSTILE 61, 25: whatever the name is, it is one short line that a person can read.
func TestClientNameIsMadeHarmless(t *testing.T) {
	for name, want := range map[string]string{
		"  My\n\tApp ":                     "My App",
		"App\u202eevil\u2066\u200b":        "Appevil",
		"\u200b\u200d\ufeff":               "app.example",
		"\x01\x7f":                         "app.example",
		"a" + strings.Repeat("\u0301", 99): "a\u0301\u0301",
		strings.Repeat("ñ", 1000):          strings.Repeat("ñ", 80),
		"Añadir 📝":                         "Añadir 📝",
	} {
		h := newHouse()
		document, err := json.Marshal(map[string]string{"client_id": app, "client_name": name})
		if err != nil {
			t.Fatal(err)
		}
		h.web["app.example"] = says("application/json", string(document))
		client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback})
		if err != nil || client.Name != want {
			t.Errorf("%q: got %q, %v, want %q", name, client.Name, err, want)
		}
	}
}

// FuzzClientInfo reads what strangers publish: it never fails for an own
// redirect_uri, and never shows what a page could not.
func FuzzClientInfo(f *testing.F) {
	f.Add("application/json", metadata, "")
	f.Add("text/html", appPage, `<app:/cb>; title="a, <b>"; rel="x redirect_uri", <`)
	f.Add("text/html", `<div class=h-app><div class="p-name h-card">`, `<>;rel=redirect_uri,<a>;rel`)
	f.Add("application/json", `{"client_id":"https://app.example/","redirect_uris":["%zz",":","//"]}`, `"\`)
	f.Fuzz(func(t *testing.T, contentType, body, link string) {
		h := newHouse()
		h.web["app.example"] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", link)
			says(contentType, body)(w, r)
		}
		client, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback})
		if err != nil || client.ID != app || client.Name == "" || utf8.RuneCountInString(client.Name) > 80 ||
			strings.ContainsFunc(client.Name, func(r rune) bool { return !unicode.IsGraphic(r) }) {
			t.Errorf("got %+v, %v", client, err)
		}
		if client.URI != "" && client.URI != app || client.Logo != "" && !strings.HasPrefix(client.Logo, "http") {
			t.Errorf("got %+v", client)
		}
		_, err = h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: "https://app.example:444/never-listed"})
		if err == nil && !strings.Contains(body+link, "never-listed") {
			t.Error("a redirect_uri that nobody listed was accepted")
		}
	})
}
