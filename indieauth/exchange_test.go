package indieauth_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"tertulia/indieauth"
)

// HOSTILE 64, RFC 6749 3.2: code and verifier go to the endpoint that was found, once,
// and nowhere else; no answer is read beyond its size, or believed when it is broken.
func TestClientSendsTheCodeNowhereElse(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"307": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusTemporaryRedirect)
		},
		"308": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusPermanentRedirect)
		},
		"302": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example/", http.StatusFound)
		},
		"5 MB":       says("application/json", `{"me":"`+me+`","access_token":"x","pad":"`+strings.Repeat("x", 5<<20)+`"}`),
		"5 MB form":  says(form, "me="+url.QueryEscape(me)+"&access_token=x&pad="+strings.Repeat("x", 5<<20)),
		"not JSON":   says("application/json", "me"),
		"an array":   says("application/json", "[]"),
		"500":        func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("<b>", 1000), 500) },
		"error, 200": says("application/json", `{"error":"invalid_grant","me":"`+me+`","access_token":"x"}`),
		"MAC":        says("application/json", `{"me":"`+me+`","access_token":"x","token_type":"mac"}`),
	} {
		for _, scope := range []string{"", "create"} {
			if name == "MAC" && scope == "" {
				continue // nobody gets a token
			}
			v := newVisitor(strings.Fields(scope)...)
			v.web["evil.example"] = says("application/json", `{"me":"`+me+`","access_token":"x"}`)
			flow, back := v.begin(t, me)
			v.web["ana.example"] = answer
			who, err := v.client.Finish(t.Context(), flow, back)
			endpoint := map[string]string{"": "POST ana.example/-/auth", "create": "POST ana.example/-/token"}[scope]
			if err == nil || who.Me != "" || fmt.Sprint(v.posts()) != "["+endpoint+"]" {
				t.Errorf("%s, scope %q: got %+v, %v after %v", name, scope, who, err, v.posts())
				continue
			}
			if text := err.Error(); len(text) > 300 || strings.Contains(text, back.Get("code")) || strings.Contains(text, flow.Verifier) {
				t.Errorf("%s: the error says too much: %.400s", name, text)
			}
		}
	}
}

// What a server says of a person's looks is shown, and is no more than it can be.
// Spec: indieauth#profile-information-p-8
func TestClientCleansProfiles(t *testing.T) {
	for said, want := range map[string]indieauth.Profile{
		`{"name":"Ana","url":"https://elsewhere.example/","photo":"/ana.jpg","email":"ana@ana.example"}`: {Name: "Ana", URL: "https://elsewhere.example/", Photo: me + "ana.jpg", Email: "ana@ana.example"},
		`{"name":"A\u202e\na","url":"javascript:alert(1)","photo":"data:,x","email":"ana"}`:              {Name: "A a"},
		`{"name":["Ana"],"url":{},"photo":1,"email":null}`:                                               {},
		`{"email":"a@b <script>"}`: {},
		`"Ana"`:                    {},
		`[]`:                       {},
		`null`:                     {},
	} {
		for _, scope := range []string{"profile", "create"} {
			v := newVisitor(scope)
			flow, back := v.begin(t, me)
			v.web["ana.example"] = says("application/json", `{"access_token":"x","me":"`+me+`","profile":`+said+`}`)
			who, err := v.client.Finish(t.Context(), flow, back)
			if err != nil || who.Me != me || who.Profile != want {
				t.Errorf("%s: got %+v, %v, want %+v", said, who, err, want)
			}
		}
	}
}

// IA-26: the application's own token is refreshed at the server that gave it.
func TestClientRefreshesItsToken(t *testing.T) {
	v := newVisitor("create")
	v.web["app.example"] = v.client.Document
	flow, back := v.begin(t, me)
	who, err := v.client.Finish(t.Context(), flow, back)
	if err != nil || who.Token == nil || who.Token.RefreshToken == "" {
		t.Fatalf("got %+v, %v, want a token that can be refreshed", who, err)
	}
	old := who.Token.AccessToken
	who.Token.Expiry = time.Now().Add(-time.Second)
	token, err := v.client.TokenSource(t.Context(), who).Token()
	if err != nil || token.AccessToken == old || !v.works(t, token.AccessToken) {
		t.Errorf("got %+v, %v", token, err)
	}
}
