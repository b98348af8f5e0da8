package indieauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"tertulia/indieauth"
)

// HOSTILE 64, IA-5: where a page leads, and where it does not.
// Spec: indieauth#discovery-by-clients-p-1
// Spec: indieauth#discovery-by-clients-p-5
func TestClientDiscovery(t *testing.T) {
	page := func(html string) http.HandlerFunc { return says("text/html; charset=utf-8", html) }
	const metadataElement = `<link rel="indieauth-metadata" href="/-/metadata">`
	const older = `<link rel=authorization_endpoint href="https://old.example/auth"><link rel=token_endpoint href="https://old.example/token">`
	for name, test := range map[string]struct {
		home http.HandlerFunc
		want string // the authorization endpoint; "" where there is none
	}{
		"header":                          {linking(`<` + base + `metadata>; rel="indieauth-metadata"`), base + "auth"},
		"relative header":                 {linking(`</-/metadata>; rel=indieauth-metadata`), base + "auth"},
		"rel in capitals, among others":   {linking(`</-/metadata>; rel="me IndieAuth-Metadata"`), base + "auth"},
		"header without HTML":             {headed("image/png", `</-/metadata>; rel=indieauth-metadata`), base + "auth"},
		"element":                         {page(metadataElement), base + "auth"},
		"element with base":               {page(`<base href="/-/">` + `<link rel=indieauth-metadata href=metadata>`), base + "auth"},
		"element and older ones":          {page(older + metadataElement), base + "auth"},
		"header before element":           {both(`</-/metadata>; rel=indieauth-metadata`, `<link rel=indieauth-metadata href=/evil>`), base + "auth"},
		"first of two":                    {page(metadataElement + `<link rel=indieauth-metadata href=/evil>`), base + "auth"},
		"older relations":                 {page(older), "https://old.example/auth"},
		"older relations in headers":      {linking(`<https://old.example/auth?a=1>; rel=authorization_endpoint`), "https://old.example/auth?a=1"},
		"5 MB of page":                    {page(metadataElement + strings.Repeat("<p>x", 5<<20/4)), base + "auth"},
		"after 1 MB":                      {page("<!--" + strings.Repeat("x", 1<<20) + "-->" + metadataElement), ""},
		"a visitor's link":                {page(`<a rel="indieauth-metadata authorization_endpoint" href="https://old.example/auth">x</a>`), ""},
		"in a comment":                    {page("<!--" + metadataElement + "-->"), ""},
		"in a template":                   {page("<template>" + metadataElement + "</template>"), ""},
		"in plain text":                   {says("text/plain", metadataElement), ""},
		"404":                             {func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(404) }, ""},
		"nothing":                         {page("<p>"), ""},
		"a token endpoint alone":          {page(`<link rel=token_endpoint href="https://old.example/token">`), ""},
		"metadata gone, older ones there": {page(older + `<link rel=indieauth-metadata href="/-/gone">`), ""},
		"http":                            {page(`<link rel=authorization_endpoint href="http://old.example/auth">`), ""},
		"javascript:":                     {page(`<link rel=authorization_endpoint href="javascript:alert(1)">`), ""},
		"a private address":               {page(`<link rel=authorization_endpoint href="https://10.0.0.1/auth">`), ""},
		"this machine":                    {page(`<link rel=authorization_endpoint href="http://localhost/auth">`), ""},
		"this machine, by address":        {page(`<link rel=authorization_endpoint href="https://[::1]/auth">`), ""},
		"cloud metadata":                  {page(`<link rel=indieauth-metadata href="http://169.254.169.254/">`), ""},
		"a password":                      {page(`<link rel=authorization_endpoint href="https://a:b@old.example/auth">`), ""},
		"a fragment":                      {page(`<link rel=authorization_endpoint href="https://old.example/auth#x">`), ""},
		"a bad token endpoint":            {page(`<link rel=authorization_endpoint href="https://old.example/auth"><link rel=token_endpoint href="http://old.example/">`), ""},
		"empty":                           {page(`<link rel=authorization_endpoint href="">`), me}, // the page itself, as HTML has it
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://www.ana.example/home/", http.StatusFound)
		}, "https://www.ana.example/home/auth"},
		"a circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, ""},
	} {
		v := newVisitor()
		v.home = test.home
		v.web["www.ana.example"] = linking(`<auth>; rel=authorization_endpoint`)
		inner := v.web["ana.example"]
		v.web["ana.example"] = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/-/gone" || r.URL.Path == "/evil" {
				http.NotFound(w, r)
				return
			}
			inner(w, r)
		}
		to, flow, err := v.client.Begin(t.Context(), me)
		if test.want == "" {
			if !errors.Is(err, indieauth.ErrNoServer) || to != nil {
				t.Errorf("%s: got %v, %v, want ErrNoServer", name, to, err)
			}
			continue
		}
		if err != nil || flow.Server.Authorization != test.want || !strings.HasPrefix(to.String(), test.want) {
			t.Errorf("%s: got %v, %+v, %v", name, to, flow, err)
		}
	}
}

func headed(contentType, link string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", link)
		says(contentType, "x")(w, r)
	}
}

func both(link, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", link)
		says("text/html", body)(w, r)
	}
}

// HOSTILE 64: which metadata are believed.
// Spec: indieauth#discovery-by-clients-p-3
// Spec: indieauth#issuer-identifier-p-1
func TestClientReadsMetadata(t *testing.T) {
	for name, test := range map[string]struct {
		property string
		value    any // nil takes the property away
		ok       bool
	}{
		"as they are":                   {"service_documentation", me, true},
		"issuer of the host":            {"issuer", "https://ana.example/", true},
		"issuer without a slash":        {"issuer", "https://ana.example", true},
		"issuer is the address":         {"issuer", base + "metadata", true},
		"no issuer":                     {"issuer", nil, false},
		"issuer empty":                  {"issuer", "", false},
		"issuer a list":                 {"issuer", []string{base}, false},
		"issuer no prefix":              {"issuer", "https://ana.example/auth", false},
		"issuer longer":                 {"issuer", base + "metadata/", false},
		"issuer of half a host":         {"issuer", "https://ana.exam", false},
		"issuer elsewhere":              {"issuer", "https://evil.example/", false},
		"issuer in http":                {"issuer", "http://ana.example/-/", false},
		"issuer in capitals":            {"issuer", "https://ANA.example/-/", false}, // strings are compared, nothing else
		"issuer with query":             {"issuer", base + "?", false},
		"no authorization endpoint":     {"authorization_endpoint", nil, false},
		"authorization endpoint a list": {"authorization_endpoint", []string{base}, false},
		"relative endpoint":             {"authorization_endpoint", "/-/auth", false},
		"endpoint elsewhere":            {"token_endpoint", "https://auth.example/token", true},
		"endpoint on a private address": {"token_endpoint", "https://192.168.0.1/token", false},
		"endpoint on this machine":      {"token_endpoint", "http://127.0.0.1/token", false},
		"no token endpoint":             {"token_endpoint", nil, true}, // who it is can still be asked
		"no word of PKCE":               {"code_challenge_methods_supported", nil, true},
		"PKCE in plain":                 {"code_challenge_methods_supported", []string{"plain"}, false},
		"PKCE is a string":              {"code_challenge_methods_supported", "S256", false},
		"64 KB":                         {"pad", strings.Repeat("x", 64<<10), false},
	} {
		v := newVisitor()
		var properties map[string]any
		if err := json.Unmarshal(v.get("metadata").Body.Bytes(), &properties); err != nil {
			t.Fatal(err)
		}
		properties[test.property] = test.value
		if test.value == nil {
			delete(properties, test.property)
		}
		body, err := json.Marshal(properties)
		if err != nil {
			t.Fatal(err)
		}
		inner := v.web["ana.example"]
		v.web["ana.example"] = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/-/metadata" {
				says("application/json", string(body))(w, r)
				return
			}
			inner(w, r)
		}
		_, flow, err := v.client.Begin(t.Context(), me)
		if test.ok != (err == nil) || !test.ok && !errors.Is(err, indieauth.ErrNoServer) {
			t.Errorf("%s: got %+v, %v", name, flow, err)
		}
		v.client.Scopes = []string{"create"}
		if _, _, err := v.client.Begin(t.Context(), me); name == "no token endpoint" && !errors.Is(err, indieauth.ErrNoServer) {
			t.Errorf("%s, and a token is wanted: got %v", name, err)
		}
	}
}

// D8, D10: on one machine everything is on loopback, with ports and without TLS.
func TestClientTriesThingsOutOnLoopback(t *testing.T) {
	for _, typed := range []string{"localhost:8080", "http://127.0.0.1:8080/", "blog.localhost:8080"} {
		v := newVisitor()
		for _, host := range []string{"localhost:8080", "127.0.0.1:8080", "blog.localhost:8080"} {
			v.web[host] = linking(`</auth>; rel=authorization_endpoint`)
		}
		to, _, err := v.client.Begin(t.Context(), typed)
		if err != nil || to.Scheme != "http" || to.Path != "/auth" || to.Port() != "8080" {
			t.Errorf("%s: got %v, %v", typed, to, err)
		}
	}
}

// An endpoint's own query stays, and the HTTP client is left as it was handed in.
func TestClientKeepsWhatIsNotItsOwn(t *testing.T) {
	v := newVisitor("create")
	v.home = linking(`<https://old.example/?a=auth&b=%7e>; rel=authorization_endpoint`, `<https://old.example/?a=token>; rel=token_endpoint`)
	to, flow, err := v.client.Begin(t.Context(), me)
	if err != nil || !strings.HasPrefix(to.RawQuery, "a=auth&b=%7e&") || to.Query().Get("state") != flow.State || to.Query().Get("scope") != "create" || to.Query().Get("code_challenge_method") != "S256" {
		t.Errorf("got %v, %v", to, err)
	}
	// The older relations name no issuer: none is asked for.
	v.web["old.example"] = func(w http.ResponseWriter, r *http.Request) {
		want(t, "query of the token endpoint", "a=token", r.URL.RawQuery)
		says("application/json", `{"access_token":"x","token_type":"bearer","me":"`+me+`"}`)(w, r)
	}
	who, err := v.client.Finish(t.Context(), flow, map[string][]string{"state": {flow.State}, "code": {"c"}, "iss": {"https://old.example/"}})
	if err != nil || who.Me != me || len(who.Scopes) != 1 {
		t.Errorf("got %+v, %v", who, err)
	}
	if v.client.HTTP.CheckRedirect != nil || v.client.HTTP.Transport != http.RoundTripper(v) {
		t.Error("the HTTP client was changed")
	}
	refuses := errors.New("no redirects here")
	v.client.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return refuses }
	v.home = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://www.ana.example/", http.StatusFound)
	}
	if _, _, err := v.client.Begin(t.Context(), me); !errors.Is(err, refuses) {
		t.Errorf("got %v, want what the application's client says", err)
	}
}

// FuzzDiscover reads what strangers publish: nobody is sent anywhere but to https.
func FuzzDiscover(f *testing.F) {
	f.Add("text/html", `<link rel="indieauth-metadata" href="/m">`, "", `{"issuer":"https://ana.example/","authorization_endpoint":"https://ana.example/a"}`)
	f.Add("text/html", `<base href="//x"><link rel=authorization_endpoint href="?a">`, `<%zz>; rel=token_endpoint`, "")
	f.Add("", "", `</m>; rel="indieauth-metadata", <a`, `{"issuer":["x"],"code_challenge_methods_supported":1}`)
	f.Fuzz(func(t *testing.T, contentType, body, link, metadata string) {
		v := newVisitor()
		v.web["ana.example"] = func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/" {
				says("application/json", metadata)(w, r)
				return
			}
			w.Header().Set("Link", link)
			says(contentType, body)(w, r)
		}
		to, flow, err := v.client.Begin(t.Context(), me)
		if err != nil {
			return
		}
		if to.Scheme != "https" || to.Host == "" || to.User != nil || to.Fragment != "" || to.Query().Get("state") == "" {
			t.Errorf("sent to %s, %+v", to, flow)
		}
	})
}

// FuzzFinish reads what a server answers to a code: it speaks for nobody but its own.
func FuzzFinish(f *testing.F) {
	f.Add("application/json", `{"me":"https://ana.example/","access_token":"x"}`)
	f.Add("application/json", `{"me":["https://ana.example/"],"profile":{"name":1}}`)
	f.Add(form, "me=https://ana.example/&access_token=x&expires_in=-1")
	f.Add("text/plain", "me=%zz")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		for _, scope := range []string{"profile", "create"} {
			v := newVisitor(scope)
			flow, back := v.begin(t, me)
			v.web["ana.example"] = says(contentType, body)
			who, err := v.client.Finish(t.Context(), flow, back)
			if err == nil && who.Me != me || err != nil && (who.Me != "" || who.Token != nil) {
				t.Errorf("got %+v, %v", who, err)
			}
		}
	})
}
