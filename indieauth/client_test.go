package indieauth_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/indieauth"
)

// visitor is somebody of ana.example, whose server is a house, at an application that
// signs people in.
type visitor struct {
	*house
	client *indieauth.Client
	sent   []string // method, host and path of each request that the application made
	home   http.HandlerFunc
}

func newVisitor(scopes ...string) *visitor {
	v := &visitor{house: newHouse()}
	v.home = linking(`<` + base + `metadata>; rel="indieauth-metadata"`)
	v.web["ana.example"] = func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			v.home(w, r)
			return
		}
		v.ServeHTTP(w, r)
	}
	v.client = &indieauth.Client{ID: app, RedirectURI: callback, Scopes: scopes, HTTP: &http.Client{Transport: v}}
	return v
}

func (v *visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	v.sent = append(v.sent, r.Method+" "+r.URL.Host+r.URL.Path)
	return v.web.RoundTrip(r)
}

// posts are the requests in which a code could have been.
func (v *visitor) posts() (posts []string) {
	for _, sent := range v.sent {
		if strings.HasPrefix(sent, "POST") {
			posts = append(posts, sent)
		}
	}
	return posts
}

// linking is a page with Link headers.
func linking(links ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, link := range links {
			w.Header().Add("Link", link)
		}
		says("text/html", "<p>")(w, r)
	}
}

// begin types me, and answers with what the browser brings back from the server.
func (v *visitor) begin(t *testing.T, me string) (indieauth.Flow, url.Values) {
	t.Helper()
	to, flow, err := v.client.Begin(t.Context(), me)
	if err != nil {
		t.Fatalf("%s: %v", me, err)
	}
	return flow, location(t, v.do(httptest.NewRequest("GET", to.String(), nil)))
}

// IA-5, IA-18, IA-24: from what somebody types to who it is, at our own server.
// Spec: indieauth#url-canonicalization-p-3
func TestClientSignsPeopleIn(t *testing.T) {
	for _, typed := range []string{"ana.example", " https://ana.example ", "HTTPS://Ana.Example/", "ana.example/"} {
		for scope, token := range map[string]bool{"": false, "profile": false, "profile email": false, "profile create": true} {
			v := newVisitor(strings.Fields(scope)...)
			flow, back := v.begin(t, typed)
			kept, err := json.Marshal(flow)
			if err != nil {
				t.Fatal(err)
			}
			flow = indieauth.Flow{}
			if err := json.Unmarshal(kept, &flow); err != nil {
				t.Fatal(err)
			}
			who, err := v.client.Finish(t.Context(), flow, back)
			if err != nil || who.Me != me || strings.Join(who.Scopes, " ") != scope || (who.Token != nil) != token {
				t.Errorf("%s, scope %q: got %+v, %v", typed, scope, who, err)
				continue
			}
			if got := who.Profile.URL == me; got != strings.Contains(scope, "profile") {
				t.Errorf("scope %q: got profile %+v", scope, who.Profile)
			}
			if token && !v.works(t, who.Token.AccessToken) {
				t.Error("the token does not work")
			}
			want(t, "me was sent as a hint", me, v.asked[0].Me)
			if len(v.storage.tokens) > 0 != token {
				t.Errorf("scope %q: %d tokens", scope, len(v.storage.tokens))
			}
		}
	}
}

func TestClientDoesNotBeginAnywhere(t *testing.T) {
	for _, typed := range []string{"", " ", "https://", "ana", "mailto:ana@ana.example", "javascript:alert(1)", "https://user@ana.example/",
		"https://10.0.0.1/", "https://ana.example:8443/", "https://ana.example/#me", "ftp://ana.example/", "https://nobody.example/"} {
		v := newVisitor()
		if to, _, err := v.client.Begin(t.Context(), typed); err == nil {
			t.Errorf("%q: sent to %s", typed, to)
		}
	}
}

// A page that knows the older relations names no issuer. An answer that bears a name all the same
// must be by the server that was asked: else whoever was asked has passed the person on to an
// honest server, to have its code posted to themselves (RFC 9700, section 4.4).
func TestClientIsNotMixedUpByTheOlderRelations(t *testing.T) {
	for iss, good := range map[string]bool{
		"": true, base: true, "https://ana.example": true, "https://honest.example/": false, "https://ana.example.evil.example/": false,
		"http://ana.example/-/": false, "https://ana.example:8443/": false, "ana.example": false, "%zz": false,
	} {
		v := newVisitor("create")
		v.home = linking(`<`+base+`auth>; rel="authorization_endpoint"`, `<`+base+`token>; rel="token_endpoint"`)
		flow, back := v.begin(t, me)
		back.Del("iss")
		if iss != "" {
			back.Set("iss", iss)
		}
		_, err := v.client.Finish(t.Context(), flow, back)
		if good != (err == nil) || !good && (!errors.Is(err, indieauth.ErrAnswer) || len(v.posts()) > 0) {
			t.Errorf("%q: got %v, and posted %q", iss, err, v.posts())
		}
	}
}

// HOSTILE 64, IA-18: each parameter of the answer, changed in each way. The code leaves
// the house only when state and iss are right.
// Spec: indieauth#authorization-response-p-3
func TestClientRefusesAnswersThatAreNotItsOwn(t *testing.T) {
	for _, name := range []string{"code", "state", "iss"} {
		for kind, change := range mutations {
			v := newVisitor("create")
			flow, back := v.begin(t, me)
			_, other := v.begin(t, me)
			if name == "iss" {
				other.Set("iss", "https://evil.example/")
			}
			changed := change(back, other, name)
			if changed == nil {
				continue
			}
			who, err := v.client.Finish(t.Context(), flow, changed)
			if err == nil || who.Me != "" || who.Token != nil {
				t.Errorf("%s %s: got %+v", name, kind, who)
			}
			if name != "code" && len(v.posts()) > 0 {
				t.Errorf("%s %s: the code was sent: %v", name, kind, v.posts())
			}
			if name != "code" && !errors.Is(err, indieauth.ErrAnswer) {
				t.Errorf("%s %s: got %v, want ErrAnswer", name, kind, err)
			}
		}
	}
	// State replay: the same answer a second time.
	v := newVisitor("create")
	flow, back := v.begin(t, me)
	first, err := v.client.Finish(t.Context(), flow, back)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := v.client.Finish(t.Context(), flow, back); err == nil {
		t.Errorf("replayed: got %+v", who)
	}
	if v.works(t, first.Token.AccessToken) {
		t.Error("the token of a code that came twice still works")
	}
	// A flow that is none.
	for _, nothing := range []url.Values{{}, {"state": {""}, "code": {"x"}}, back} {
		if _, err := v.client.Finish(t.Context(), indieauth.Flow{}, nothing); !errors.Is(err, indieauth.ErrAnswer) {
			t.Errorf("no flow: got %v, want ErrAnswer", err)
		}
	}
}

func TestClientWaitsAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVisitor()
		v.CodeLife = 2 * time.Hour
		for wait, want := range map[time.Duration]error{time.Hour: nil, time.Hour + time.Second: indieauth.ErrAnswer} {
			flow, back := v.begin(t, me)
			time.Sleep(wait)
			if _, err := v.client.Finish(t.Context(), flow, back); !errors.Is(err, want) {
				t.Errorf("after %v: got %v, want %v", wait, err, want)
			}
		}
	})
}

func TestClientHearsNo(t *testing.T) {
	v := newVisitor()
	v.deny = true
	flow, back := v.begin(t, me)
	if _, err := v.client.Finish(t.Context(), flow, back); !errors.Is(err, indieauth.ErrDenied) {
		t.Errorf("got %v, want ErrDenied", err)
	}
	back.Set("error", "server_error\u202e"+strings.Repeat("x", 1000))
	if _, err := v.client.Finish(t.Context(), flow, back); !errors.Is(err, indieauth.ErrAnswer) || len(err.Error()) > 200 {
		t.Errorf("got %v, want a short ErrAnswer", err)
	}
	back.Set("state", "x")
	if _, err := v.client.Finish(t.Context(), flow, back); !errors.Is(err, indieauth.ErrAnswer) {
		t.Errorf("of somebody else: got %v, want ErrAnswer", err)
	}
}

// HOSTILE 64: what a server may say of me, at either endpoint.
func TestClientBelievesNoStrangeMe(t *testing.T) {
	for _, scope := range []string{"", "create"} {
		for said, want := range map[string]string{
			`"https://ana.example/"`:             me,
			`"https://ANA.example"`:              me,
			`["https://ana.example/"]`:           "",
			`{"url":"https://ana.example/"}`:     "",
			`null`:                               "",
			`1`:                                  "",
			`""`:                                 "",
			`"ana.example"`:                      "",
			`"https://other.example/"`:           "", // names no server
			`"https://bea.example/"`:             "", // names another
			`"https://ana.example@bea.example/"`: "",
			`"https://ana.example:8443/"`:        "",
			`"https://ana.example/#x"`:           "",
			`"https://ana.example/../"`:          "",
			`"javascript:alert(1)"`:              "",
			`"https://ana.example/","me":"https://b.example/"`: "",
		} {
			v := newVisitor(strings.Fields(scope)...)
			v.web["other.example"] = says("text/html", "<p>")
			v.web["bea.example"] = linking(`<https://bea.example/auth>; rel=authorization_endpoint`, `<https://bea.example/token>; rel=token_endpoint`)
			flow, back := v.begin(t, me)
			answer := says("application/json", `{"access_token":"tt_x","token_type":"Bearer","scope":"create","me":`+said+`}`)
			v.web["ana.example"] = func(w http.ResponseWriter, r *http.Request) { answer(w, r) }
			who, err := v.client.Finish(t.Context(), flow, back)
			if who.Me != want || (err == nil) != (want != "") || want == "" && who.Token != nil {
				t.Errorf("scope %q, me %s: got %+v, %v", scope, said, who, err)
			}
		}
	}
}

// IA-25: a server speaks for the address that was typed, for those that it led to, and
// for those that name it, by the endpoint that vouches, too.
// Spec: indieauth#authorization-server-confirmation-p-2
func TestClientConfirmsTheServer(t *testing.T) {
	named := `<` + base + `metadata>; rel=indieauth-metadata`
	theft := []string{`<` + base + `auth>; rel=authorization_endpoint`, `<https://evil.example/token>; rel=token_endpoint`}
	for name, test := range map[string]struct {
		typed string
		home  http.HandlerFunc // of ana.example
		evil  http.HandlerFunc // of evil.example
		scope string
		ok    bool
	}{
		"typed":                            {me, linking(named), nil, "create", true},
		"another page that names it":       {"https://evil.example/", linking(named), linking(named), "create", true},
		"that page by the older relations": {"https://evil.example/", linking(named), linking(`<`+base+`auth>; rel=authorization_endpoint`, `<`+base+`token>; rel=token_endpoint`), "create", true},
		"redirected to it": {"https://evil.example/", linking(named), func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, me, http.StatusFound)
		}, "create", true},
		"a page that does not say so":                      {"https://evil.example/", linking(), linking(named), "create", false},
		"a page that names another":                        {"https://evil.example/", linking(`<https://bea.example/auth>; rel=authorization_endpoint`), linking(named), "create", false},
		"an honest endpoint, with a token endpoint of his": {"https://evil.example/", linking(named), linking(theft...), "create", false},
	} {
		v := newVisitor(test.scope)
		v.home = test.home
		if test.evil != nil {
			v.web["evil.example"] = func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost { // vouches for anybody
					says("application/json", `{"access_token":"x","token_type":"Bearer","me":"`+me+`","scope":"create"}`)(w, r)
					return
				}
				test.evil(w, r)
			}
		}
		flow, back := v.begin(t, test.typed)
		who, err := v.client.Finish(t.Context(), flow, back)
		if test.ok && (err != nil || who.Me != me) || !test.ok && (!errors.Is(err, indieauth.ErrIdentity) || who.Me != "" || who.Token != nil) {
			t.Errorf("%s: got %+v, %v", name, who, err)
		}
		// What was read before is not read again.
		known := name == "typed" || name == "redirected to it"
		if last := v.sent[len(v.sent)-1]; known != strings.HasPrefix(last, "POST") {
			t.Errorf("%s: the last request was %s", name, last)
		}
	}
}

// A page may lead from http to https, and not back: who sits in between could name a
// server of his own for an address that is read over TLS.
func TestClientStaysWithTLS(t *testing.T) {
	for from, want := range map[string]error{"https://ana.example/": indieauth.ErrNoServer, "http://ana.example/": nil} {
		v := newVisitor()
		home, other := v.home, map[string]string{"https": "http://ana.example/", "http": "https://ana.example/"}
		v.home = func(w http.ResponseWriter, r *http.Request) {
			if !strings.HasPrefix(from, r.URL.Scheme+"://") {
				home(w, r)
				return
			}
			http.Redirect(w, r, other[r.URL.Scheme], http.StatusFound)
		}
		if _, _, err := v.client.Begin(t.Context(), from); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", from, err, want)
		}
	}
}

// Each page that a stranger chose is parsed behind the gate, and none is waited for there.
func TestClientAsksTheGate(t *testing.T) {
	v := newVisitor()
	inside, passed := 0, 0
	v.client.Gate = func() func() {
		inside, passed = inside+1, passed+1
		return func() { inside-- }
	}
	home := v.home
	v.home = func(w http.ResponseWriter, r *http.Request) {
		if inside != 0 {
			t.Error("a place is taken while the page is fetched")
		}
		home(w, r)
	}
	if _, _, err := v.client.Begin(t.Context(), "ana.example"); err != nil || passed != 1 || inside != 0 {
		t.Errorf("%d passed, %d are inside, %v", passed, inside, err)
	}
}
