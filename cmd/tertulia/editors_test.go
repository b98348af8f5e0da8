package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/html"

	"tertulia/internal/attach"
	"tertulia/internal/leaktest"
	"tertulia/internal/webtest"
	"tertulia/store"
)

// realEditor is how one gets its token, as its source has it (SPECS section 10).
type realEditor struct {
	id, redirect string // client_id as it sends it, and where the answer goes
	scope        string // what it asks for
	verifier     string
	metadata     bool   // it looks for indieauth-metadata, and takes micropub from there as well
	html         bool   // it reads <link> elements alone
	raw          bool   // it does not escape what it puts into addresses
	accept       string // of its request for the token
	content      string // Content-Type of that request
	me           bool   // it sends me with it
	origin       string // it runs in a browser, at this origin
	revoke       bool   // action=revoke, with the token in the form; else in the header
}

const formType = "application/x-www-form-urlencoded"

var editors = map[string]realEditor{
	// CL-1, CL-2, CL-3, CL-12.
	"Quill": {
		id: "https://quill.p3k.io/", redirect: "https://quill.p3k.io/auth/callback", scope: "create update media profile",
		verifier: strings.Repeat("0123456789abcdef", 4), content: formType, accept: "application/json, application/x-www-form-urlencoded;q=0.8", revoke: true,
	},
	// CL-13, CL-14, CL-15.
	"Micropublish": {
		id: "https://micropublish.example/", redirect: "https://micropublish.example/auth/callback", scope: "create update delete undelete",
		verifier: strings.Repeat("aB3dE", 20), content: formType, metadata: true, revoke: true,
	},
	// CL-22, CL-23, CL-24, CL-25.
	"Indigenous": {
		id: "https://indigenous.realize.be/", redirect: "https://indigenous.realize.be/indigenous-callback.php",
		scope: "create+update+delete+media+read+follow+channels+mute+block", raw: true, verifier: strings.Repeat("fedcba9876543210", 4),
		content: formType, accept: "application/json", me: true,
	},
	// CL-31, CL-32, CL-33.
	"a browser library": {
		id: "https://editor.example", redirect: "https://editor.example/", scope: "create delete update",
		verifier: strings.Repeat("v", 43), content: formType + ";charset=UTF-8", html: true, me: true, origin: "https://editor.example",
	},
}

// trip is one editor's way through the service.
type trip struct {
	*person
	realEditor
	web  *webtest.Web
	kept string // the data directory
}

// newTrip runs a service on the site's host, or on a host of its own.
func newTrip(t *testing.T, e realEditor, apart bool) *trip {
	t.Helper()
	w := webtest.New(t)
	p := &trip{realEditor: e, web: w, kept: dataDir(t)}
	set := defaults()
	set.Data = p.kept
	one := siteSettings{URL: "https://ana.example/", Name: "Ana", Language: "en", Publish: publishSettings{Preset: "html", Dir: t.TempDir()}}
	host := "ana.example"
	if apart {
		host, set.URL = "talk.example", "https://talk.example/"
	}
	set.Sites = []siteSettings{one}
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(leaktest.Log(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	svc, err := wire(set, db, clients{strangers: w.Client(), own: w.Client()}, log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- svc.run(ctx, nil, nil) }()
	t.Cleanup(func() {
		stop()
		<-done
		db.Close()
	})
	w.Handle(host, leaktest.Handler(svc.http))
	if apart {
		head, err := attach.Lines{Base: set.base(one), Publish: true}.Text("head.html")
		if err != nil {
			t.Fatal(err)
		}
		w.Handle("ana.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Access-Control-Allow-Origin", "*")
			rw.Header().Set("Content-Type", "text/html")
			rw.Write([]byte("<!doctype html><html><head>" + head + "</head>Ana"))
		}))
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := *w.Client()
	browser.Jar = jar
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	p.person = &person{t: t, home: one.URL, base: set.base(one), browser: &browser, svc: svc}
	return p
}

// ask makes a request, and fails on another answer than the one wanted.
func (p *trip) ask(want int, method, address, contentType, body string, header ...string) (*http.Response, string) {
	p.t.Helper()
	if p.origin != "" {
		header = append(header, "Origin", p.origin)
	}
	resp, said := p.do(method, address, contentType, body, header...)
	if resp.StatusCode != want {
		p.t.Fatalf("%s %s: got %s %s, want %d", method, address, resp.Status, said, want)
	}
	return resp, said
}

// readable is whether a script of the editor's origin may read an answer.
func (p *trip) readable(resp *http.Response) {
	p.t.Helper()
	if p.origin != "" && resp.Header.Get("Access-Control-Allow-Origin") != "*" {
		p.t.Errorf("%s: a browser keeps the answer from the editor: %v", resp.Request.URL, resp.Header)
	}
}

// naiveLinks is how Indigenous reads a Link header, which knows least: it splits at commas and
// semicolons, and looks at the second piece.
func naiveLinks(headers []string, rel string) string {
	for one := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		pieces := strings.Split(one, ";")
		if len(pieces) > 1 && strings.TrimSpace(pieces[1]) == `rel="`+rel+`"` {
			return strings.Trim(strings.TrimSpace(pieces[0]), "<>")
		}
	}
	return ""
}

// elementLink finds a <link> whose rel is exactly this.
func elementLink(page, rel string) string {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "link" {
			continue
		}
		is := map[string]string{}
		for _, a := range n.Attr {
			is[a.Key] = a.Val
		}
		if is["rel"] == rel {
			return is["href"]
		}
	}
	return ""
}

// discover finds the endpoints as the editor does.
func (p *trip) discover() map[string]string {
	p.t.Helper()
	head, _ := p.ask(200, "HEAD", p.home, "", "")
	get, page := p.ask(200, "GET", p.home, "", "", "Accept", "text/html,application/xhtml+xml")
	p.readable(get)
	found := map[string]string{}
	for _, rel := range []string{"authorization_endpoint", "token_endpoint", "micropub", "indieauth-metadata"} {
		if !p.html {
			found[rel] = naiveLinks(head.Header.Values("Link"), rel)
		}
		if found[rel] == "" {
			found[rel] = elementLink(page, rel)
		}
	}
	if p.metadata {
		_, said := p.ask(200, "GET", found["indieauth-metadata"], "", "")
		var metadata map[string]any
		if err := json.Unmarshal([]byte(said), &metadata); err != nil {
			p.t.Fatal(err)
		}
		for _, rel := range []string{"authorization_endpoint", "token_endpoint", "micropub"} {
			if at, _ := metadata[rel].(string); at != found[rel] {
				p.t.Errorf("%s: the metadata have %q, the page %q", rel, at, found[rel])
			}
		}
	}
	for _, rel := range []string{"authorization_endpoint", "token_endpoint", "micropub"} {
		if !strings.HasPrefix(found[rel], p.base) || strings.Contains(found[rel], "?") {
			p.t.Fatalf("%s: found %q", rel, found[rel])
		}
	}
	return found
}

// request is the address that the editor sends the person to.
func (p *trip) request(endpoint string) string {
	sum := sha256.Sum256([]byte(p.verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if p.raw {
		return endpoint + "?code_challenge_method=S256&code_challenge=" + challenge + "&response_type=code&redirect_uri=" + p.redirect +
			"&client_id=" + p.id + "&me=" + p.home + "&scope=" + p.scope + "&state=8f3a"
	}
	return endpoint + "?" + url.Values{
		"response_type": {"code"}, "me": {p.home}, "redirect_uri": {p.redirect}, "client_id": {p.id}, "state": {"8f3a"},
		"scope": {p.scope}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}.Encode()
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// signIn is what the owner does: the link, the page, delete unticked, the button. It
// returns the code.
func (p *trip) signIn(address string) string {
	p.t.Helper()
	p.ask(401, "GET", address, "", "")
	link, err := p.svc.app.sites[0].Access.NewLink(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	origin := p.origin
	p.origin = "" // the owner's own browser, on our pages
	defer func() { p.origin = origin }()
	back, _ := p.ask(303, "POST", link, formType, "")
	p.ask(410, "GET", link, "", "")
	at, err := back.Location()
	if err != nil {
		p.t.Fatal(err)
	}
	_, page := p.ask(200, "GET", at.String(), "", "")
	form := url.Values{"decision": {"approve"}, "life": {"revoked"}}
	for _, field := range hiddenField.FindAllStringSubmatch(page, -1) {
		form.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	leaktest.Secret(form.Get("form"), p.verifier)
	for scope := range strings.FieldsFuncSeq(p.scope, func(r rune) bool { return r == ' ' || r == '+' }) {
		if !strings.Contains(page, `value="`+scope+`" checked`) {
			p.t.Errorf("the page does not offer %s", scope)
		}
		if scope != "delete" {
			form.Add("scope", scope)
		}
	}
	answer, _ := p.ask(303, "POST", p.base+"auth/decide", formType, form.Encode())
	p.ask(403, "POST", p.base+"auth/decide", formType, form.Encode())
	to, err := answer.Location()
	if err != nil {
		p.t.Fatal(err)
	}
	if q := to.Query(); !strings.HasPrefix(to.String(), p.redirect+"?") || q.Get("state") != "8f3a" || q.Get("iss") != p.base {
		p.t.Errorf("the browser is sent to %s", to)
	}
	return to.Query().Get("code")
}

// redeem trades the code for a token as the editor does.
func (p *trip) redeem(endpoint, code string) (token string) {
	p.t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.redirect}, "client_id": {p.id}, "code_verifier": {p.verifier}}
	if p.me {
		form.Set("me", p.home)
	}
	var header []string
	if p.accept != "" {
		header = []string{"Accept", p.accept}
	}
	wrong := url.Values{}
	for name, values := range form {
		wrong[name] = values
	}
	wrong.Set("redirect_uri", "https://evil.example/")
	p.ask(400, "POST", endpoint, p.content, wrong.Encode(), header...)
	resp, said := p.ask(200, "POST", endpoint, p.content, form.Encode(), header...)
	p.readable(resp)
	var got struct {
		Token string `json:"access_token"`
		Me    string `json:"me"`
		Scope string `json:"scope"`
		Type  string `json:"token_type"`
	}
	if err := json.Unmarshal([]byte(said), &got); err != nil || resp.Header.Get("Cache-Control") != "no-store" {
		p.t.Fatalf("got %s, %v", said, err)
	}
	if got.Token == "" || got.Me != p.home || got.Type != "Bearer" || got.Scope == "" || slices.Contains(strings.Fields(got.Scope), "delete") {
		p.t.Errorf("got %s", said)
	}
	return got.Token
}

// use is what the editor does with its token, until it gives it back.
func (p *trip) use(at map[string]string, token string) {
	p.t.Helper()
	bearer := []string{"Authorization", "Bearer " + token}
	if p.origin != "" {
		for _, endpoint := range []string{at["micropub"], at["token_endpoint"]} {
			asked, _ := p.ask(204, "OPTIONS", endpoint, "", "", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization, content-type")
			p.readable(asked)
			if allowed := strings.ToLower(asked.Header.Get("Access-Control-Allow-Headers")); !strings.Contains(allowed, "authorization") || !strings.Contains(allowed, "content-type") {
				p.t.Errorf("%s: a browser would not send the token: %q", endpoint, allowed)
			}
		}
	}
	for _, query := range []string{"", "?q=config"} {
		resp, _ := p.ask(200, "GET", at["micropub"]+query, formType, "", bearer...)
		p.readable(resp)
	}
	_, said := p.ask(200, "GET", at["token_endpoint"], "", "", append(bearer, "Accept", "application/json")...)
	if !strings.Contains(said, `"me":"`+p.home+`"`) {
		p.t.Errorf("the token says of itself: %s", said)
	}
	note := url.Values{"h": {"entry"}, "content": {"Hola de " + p.id}}
	if p.id == "https://quill.p3k.io/" { // CL-5
		note.Set("access_token", token)
	}
	made, said := p.do("POST", at["micropub"], p.content, note.Encode(), bearer...)
	if location := made.Header.Get("Location"); made.StatusCode/100 != 2 || !strings.HasPrefix(location, p.home) {
		p.t.Errorf("a note: got %s to %q, %s", made.Status, location, said)
	}
	p.ask(401, "POST", at["micropub"], formType, url.Values{"action": {"delete"}, "url": {p.home}}.Encode(), bearer...)
	if p.revoke {
		p.ask(200, "POST", at["token_endpoint"], formType, url.Values{"action": {"revoke"}, "token": {token}}.Encode())
	} else {
		p.ask(200, "POST", at["token_endpoint"], formType, "action=revoke", bearer...)
	}
	p.ask(401, "GET", at["micropub"]+"?q=config", "", "", bearer...)
	p.ask(401, "GET", at["token_endpoint"], "", "", bearer...)
}

// backUp puts a backup where the data is, all of which is searched for secrets.
func (p *trip) backUp() {
	p.t.Helper()
	if _, err := p.svc.app.db.Backup(p.t.Context(), filepath.Join(p.kept, "all.tar")); err != nil {
		p.t.Fatal(err)
	}
}

// What real editors do to get a token, to use it and to give it back, works on the
// site's own host and beside it, and leaves no secret behind.
func TestEditorsSignIn(t *testing.T) {
	for name, e := range editors {
		for place, apart := range map[string]bool{"on the site's host": false, "on a host of its own": true} {
			t.Run(name+" "+place, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					t.Cleanup(func() { time.Sleep(time.Second) }) // the web's servers linger for half a second
					p := newTrip(t, e, apart)
					synctest.Wait() // the home page is written
					at := p.discover()
					code := p.signIn(p.request(at["authorization_endpoint"]))
					token := p.redeem(at["token_endpoint"], code)
					settle()
					p.use(at, token)
					settle()
					p.backUp()
				})
			})
		}
	}
}
