package indieauth_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tertulia/indieauth"
)

// What we publish about ourselves is what our own server believes.
func TestDocumentIsBelieved(t *testing.T) {
	for scope, refreshes := range map[string]bool{"": false, "profile email": false, "create": true} {
		v := newVisitor(strings.Fields(scope)...)
		v.client.Name, v.client.URI, v.client.Logo, v.client.RedirectURI = "Guest book", app, app+"logo.png", "https://cdn.example/cb"
		if err := v.client.Validate(); err != nil {
			t.Error(err)
		}
		v.web["app.example"] = v.client.Document
		info, err := v.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: "https://cdn.example/cb"})
		want(t, "client information", indieauth.ClientInfo{ID: app, Name: "Guest book", URI: app, Logo: app + "logo.png", Listed: true}, info)
		w := httptest.NewRecorder()
		v.client.Document(w, httptest.NewRequest("GET", app, nil))
		if got := strings.Contains(w.Body.String(), "refresh_token"); err != nil || got != refreshes || w.Header().Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("%q: got %s %v, %v", scope, w.Body, w.Header(), err)
		}
	}
	w := httptest.NewRecorder()
	new(indieauth.Client).Document(w, httptest.NewRequest("POST", app, nil))
	want(t, "POST", http.StatusMethodNotAllowed, w.Code)
	for name, bad := range map[string]indieauth.Client{
		"no HTTP client":       {ID: app, RedirectURI: callback},
		"no path":              {ID: "https://app.example", RedirectURI: callback, HTTP: &http.Client{}},
		"a program":            {ID: app, RedirectURI: "javascript:x", HTTP: &http.Client{}},
		"a page about another": {ID: app, RedirectURI: callback, URI: me, HTTP: &http.Client{}},
		"nothing":              {},
	} {
		if bad.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
