package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// theirs is Bea's own server, at her own host: a page, metadata, and an endpoint that
// gives a code for one request and says whose it is.
type theirs struct {
	*world
	page     string // what her page is instead; "" is one that names the metadata
	issuer   string // instead of the right one
	me       any    // whom it names
	status   int    // of its answer to a code; 0 is 200
	moved    string // where its answer to a code redirects, if anywhere
	answer   string // what it answers instead
	codes    map[string]url.Values
	redeemed []url.Values
}

func (w *world) bea() *theirs {
	s := &theirs{world: w, me: bea, codes: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /", func(rw http.ResponseWriter, r *http.Request) {
		if r.TLS == nil {
			http.Redirect(rw, r, bea, http.StatusMovedPermanently)
			return
		}
		rw.Header().Set("Content-Type", "text/html")
		if s.page != "" {
			io.WriteString(rw, s.page)
			return
		}
		io.WriteString(rw, `<link rel="indieauth-metadata" href="/metadata"><h1>Bea</h1>`)
	})
	mux.HandleFunc("GET /metadata", func(rw http.ResponseWriter, r *http.Request) {
		issuer := bea
		if s.issuer != "" {
			issuer = s.issuer
		}
		json.NewEncoder(rw).Encode(map[string]any{"issuer": issuer, "authorization_endpoint": bea + "auth", "token_endpoint": bea + "token", "code_challenge_methods_supported": []string{"S256"}})
	})
	mux.HandleFunc("POST /auth", func(rw http.ResponseWriter, r *http.Request) {
		code := r.PostFormValue("code")
		s.redeemed = append(s.redeemed, r.PostForm)
		asked, ok := s.codes[code]
		delete(s.codes, code)
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !ok || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") || r.PostFormValue("client_id") != asked.Get("client_id") || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") {
			http.Error(rw, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		switch {
		case s.moved != "":
			http.Redirect(rw, r, s.moved, http.StatusTemporaryRedirect)
		case s.status != 0:
			http.Error(rw, "no", s.status)
		case s.answer != "":
			io.WriteString(rw, s.answer)
		default:
			json.NewEncoder(rw).Encode(map[string]any{"me": s.me})
		}
	})
	w.web.Handle("bea.example", mux)
	return s
}

// leadsTo is where the page that leads on sends a browser.
func (b *browser) leadsTo(a answer) *url.URL {
	b.Helper()
	if a.status != 200 || a.cookie("away") == nil {
		b.Fatalf("leave: got %d: %s", a.status, a.body)
	}
	_, address, _ := strings.Cut(a.header.Get("Refresh"), "url=")
	if !strings.Contains(a.body, `href="`+html.EscapeString(address)+`"`) && !strings.Contains(html.UnescapeString(a.body), `href="`+address+`"`) {
		b.Errorf("without Refresh the page does not lead on to %s: %s", address, a.body)
	}
	return parse(b.T, address)
}

// leave types an address and goes to its server.
func (b *browser) leave(me string) *url.URL {
	b.Helper()
	return b.leadsTo(b.post(atSite, url.Values{"site": {me}}))
}

// yes is where Bea's server sends the browser back to when she says yes.
func (s *theirs) yes(to *url.URL) string {
	s.Helper()
	q := to.Query()
	if q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || q.Get("redirect_uri") != back || q.Get("client_id") != "https://ana.example/-/client" || q.Has("scope") {
		s.Fatalf("she is asked %v", q)
	}
	code := fmt.Sprintf("code-%d", len(s.codes)+len(s.redeemed))
	s.codes[code] = q
	return back + "?" + url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {bea}}.Encode()
}

// refused checks that nobody was signed in, and that a page says why.
func (b *browser) refused(a answer, why string) {
	b.Helper()
	if a.status == 303 {
		if to := a.header.Get("Location"); to != "/-/signin?unvouched="+why {
			b.Errorf("got sent to %q, want the reason %q", to, why)
		}
		a = b.get("https://ana.example"+a.header.Get("Location"), "Accept-Language", "en")
	} else if a.status != 400 {
		b.Errorf("%s: got %d", why, a.status)
	}
	if !strings.Contains(a.body, `id="unvouched"`) || !strings.Contains(a.body, `role="alert"`) {
		b.Errorf("%s: the page says nothing: %s", why, a.body)
	}
	if a.cookie("session") != nil || b.get(admin).status == 200 {
		b.Errorf("%s: somebody is signed in", why)
	}
}

// hides checks that none of the secrets is in a file of the service or in its log
// (HOSTILE 115); and that one would be found, since the address who is in the session is.
func (w *world) hides(who string, secrets map[string]string) {
	w.Helper()
	found := false
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		found = found || strings.Contains(string(raw), who)
		for name, secret := range secrets {
			if len(secret) < 16 || strings.Contains(string(raw), secret) {
				w.Errorf("%s is in %s, or too short to be one: %q", name, filepath.Base(path), secret)
			}
		}
		return err
	})
	if err != nil || !found {
		w.Errorf("the files were not searched: %v", err)
	}
	for name, secret := range secrets {
		if strings.Contains(w.log.String(), secret) {
			w.Errorf("%s is in the log", name)
		}
	}
}

// cookies are the values that a browser holds, by what they are for.
func (b *browser) cookies() map[string]string {
	held := map[string]string{}
	for _, c := range b.client.Jar.Cookies(parse(b.T, "https://ana.example/")) {
		if kind := strings.Split(strings.TrimPrefix(c.Name, "__Host-"), "-")[1]; kind == "session" || kind == "device" || kind == "away" {
			held["the cookie "+kind] = c.Value
		}
	}
	return held
}
