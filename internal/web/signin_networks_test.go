package web_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tertulia/internal/leaktest"
	"tertulia/internal/site"
)

// network is a fake of one that has accounts: GitHub, as its page "Authorizing OAuth apps"
// has it, or a server of Mastodon, as its pages on the methods oauth and accounts have it.
type network struct {
	*world
	provider *site.Provider
	account  map[string]any // what it says of whose the token is
	codes    map[string]url.Values
	tokens   int
	returned int // tokens that were given back
	asked    []*http.Request
	status   int    // of its answer to a code; 0 is as it should be
	down     bool   // it takes no tokens back
	moved    string // where its answer to a code redirects, if anywhere
}

const (
	clientSecret = "the secret of the application"
	networkToken = "gho_16C7e42F292c6912E7710c838347Ae178B4a"
)

func (w *world) network(p *site.Provider, host string, account map[string]any) *network {
	p.HTTP, p.Secret = w.web.Client(), func() (string, error) { return clientSecret, nil }
	n := &network{world: w, provider: p, account: account, codes: map[string]url.Values{}}
	w.ana().Access.Providers = append(w.ana().Access.Providers, p)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login/oauth/access_token", n.token)
	mux.HandleFunc("POST /oauth/token", n.token)
	mux.HandleFunc("DELETE /applications/{client}/token", n.back)
	mux.HandleFunc("POST /oauth/revoke", n.back)
	mux.HandleFunc("GET /user", n.whose)
	mux.HandleFunc("GET /api/v1/accounts/verify_credentials", n.whose)
	w.web.Handle(host, mux)
	w.web.Handle("api."+host, mux)
	return n
}

// github is GitHub, with an account of Bea's.
func (w *world) github() *network {
	return w.network(site.GitHub("app-1"), "github.com", map[string]any{"login": "bea", "id": 1, "html_url": "https://github.com/bea", "blog": "bea.example"})
}

// mastodon is a server of Mastodon, with an account of Bea's.
func (w *world) mastodon() *network {
	return w.network(site.Mastodon(parse(w.T, "https://mastodon.example/"), "app-1"), "mastodon.example", map[string]any{
		"username": "bea", "acct": "bea", "url": "https://mastodon.example/@bea",
		"fields": []map[string]any{{"name": "Web", "value": `<a href="https://bea.example" rel="me nofollow noopener"><span class="invisible">https://</span>bea.example</a>`}},
		"source": map[string]any{"fields": []map[string]any{{"name": "Pronombre", "value": "ella"}, {"name": "Web", "value": "https://bea.example"}}},
	})
}

// token trades a code. GitHub says 200 when it refuses one, and answers with a form.
func (n *network) token(rw http.ResponseWriter, r *http.Request) {
	leaktest.Secret(networkToken)
	n.asked = append(n.asked, r)
	r.ParseForm()
	asked, ok := n.codes[r.PostForm.Get("code")]
	delete(n.codes, r.PostForm.Get("code"))
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	ok = ok && r.PostForm.Get("client_id") == "app-1" && r.PostForm.Get("client_secret") == clientSecret && r.PostForm.Get("redirect_uri") == asked.Get("redirect_uri") &&
		base64.RawURLEncoding.EncodeToString(sum[:]) == asked.Get("code_challenge") && r.Header.Get("Authorization") == ""
	github := n.provider.Kind == "github"
	switch {
	case n.moved != "":
		http.Redirect(rw, r, n.moved, http.StatusTemporaryRedirect)
	case n.status != 0:
		http.Error(rw, "no "+r.PostForm.Get("code"), n.status)
	case !ok && github:
		rw.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		io.WriteString(rw, "error=bad_verification_code&error_description=The+code+passed+is+incorrect+or+expired.")
	case !ok:
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		rw.WriteHeader(http.StatusBadRequest)
		io.WriteString(rw, `{"error":"invalid_grant","error_description":"The provided authorization grant is invalid."}`)
	case github:
		rw.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		io.WriteString(rw, "access_token="+networkToken+"&scope=&token_type=bearer")
	default:
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		io.WriteString(rw, `{"access_token":"`+networkToken+`","token_type":"Bearer","scope":"read:accounts","created_at":1573979017}`)
	}
}

// back takes a token back, as GitHub's page "Delete an app token" and Mastodon's on
// the method "Revoke a token" have it.
func (n *network) back(rw http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	var body struct {
		Token string `json:"access_token"`
	}
	if r.Method == "POST" {
		r.ParseForm()
		id, secret, body.Token = r.PostForm.Get("client_id"), r.PostForm.Get("client_secret"), r.PostForm.Get("token")
	} else if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.PathValue("client") != "app-1" {
		n.Errorf("a token comes back to %s: %v", r.URL, err)
	}
	if (r.Method == "POST") != (n.provider.Kind == "mastodon") || id != "app-1" || secret != clientSecret || body.Token != networkToken || n.down {
		http.Error(rw, `{"error":"unauthorized_client"}`, http.StatusForbidden)
		return
	}
	n.returned++
	rw.WriteHeader(map[string]int{"POST": http.StatusOK, "DELETE": http.StatusNoContent}[r.Method])
}

func (n *network) whose(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+networkToken {
		http.Error(rw, `{"message":"Requires authentication"}`, http.StatusUnauthorized)
		return
	}
	n.tokens++
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	json.NewEncoder(rw).Encode(n.account)
}

// depart presses the button of the network.
func (b *browser) depart(n *network) *url.URL {
	b.Helper()
	action := "/-/signin/at/" + n.provider.ID
	return b.leadsTo(b.post("https://ana.example"+action, formTo(b.T, b.get(signin), action)))
}

// yes is where the network sends the browser back to.
func (n *network) yes(to *url.URL) string {
	n.Helper()
	q := to.Query()
	if q.Get("code_challenge_method") != "S256" || len(q.Get("state")) < 20 || q.Get("response_type") != "code" || q.Get("client_id") != "app-1" ||
		q.Get("redirect_uri") != back+"/"+n.provider.ID || strings.Contains(to.String(), url.QueryEscape(clientSecret)) {
		n.Fatalf("it is asked %s", to)
	}
	code := fmt.Sprintf("a-code-of-the-network-%d", len(n.codes)+len(n.asked))
	n.codes[code] = q
	return q.Get("redirect_uri") + "?" + url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
}
