package web_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tertulia/indieauth"
	"tertulia/internal/leaktest"
	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/micropub"
	"tertulia/store"
)

// FuzzAPIQuery asks whatever one likes: the answer is never that something went wrong, is always
// of its kind, and never says more than is public.
func FuzzAPIQuery(f *testing.F) {
	for _, seed := range []string{
		"target=https://ana.example/", "target[]=a&target[0]=b&target[=c", "token=x", "access_token=%00", "domain=%5B::1&token=TOKEN", "token=TOKEN&since=1999-01-01T00:00:00+00:00",
		"token=TOKEN&since_id=18446744073709551615", "token=TOKEN&page=9223372036854775807&per-page=9223372036854775807", "token=TOKEN&sort-by=rsvp&sort-dir=up&wm-property[]=rsvp",
		"token=TOKEN&since=9999-12-31&sort-by=published", "target=//ana.example/&jsonp=a.b", "target=%68ttps://ana.example/%2e%2e/x#y", "a;b", "token=TOKEN&TOKEN", "%zz", "jsonp=alert(1)&target=x",
	} {
		for i := range 6 {
			f.Add(i, seed)
		}
	}
	paths := []string{"mentions", "mentions.jf2", "mentions.atom", "count", "deleted", "example/mentions.jf2"}
	handler, token := small(f)
	f.Fuzz(func(t *testing.T, path int, query string) {
		r := httptest.NewRequest("GET", api+paths[uint(path)%uint(len(paths))], nil)
		r.URL.RawQuery = strings.ReplaceAll(query, "TOKEN", token)
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		if !slices.Contains([]int{200, 400, 401}, rec.Code) {
			t.Fatalf("got %d %s", rec.Code, rec.Body)
		}
		body := strings.TrimSpace(rec.Body.String())
		asked := r.URL.Query()
		asked.Del("token")
		asked.Del("access_token")
		for _, secret := range []string{"waits.example", token} {
			if strings.Contains(body, secret) && !strings.Contains(asked.Encode(), secret) {
				t.Errorf("says what is not public: %s", body)
			}
		}
		switch kind := rec.Header().Get("Content-Type"); kind {
		case "application/atom+xml;charset=UTF-8":
			return
		case "text/javascript;charset=UTF-8":
			name := r.URL.Query().Get("jsonp")
			inner, called := strings.CutPrefix(body, name+"(")
			ended := false
			if body, ended = strings.CutSuffix(inner, ")"); !called || !ended || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.") != "" {
				t.Fatalf("calls %q: %s", name, inner)
			}
		case "application/json;charset=UTF-8":
		default:
			t.Fatalf("is %s", kind)
		}
		if !json.Valid([]byte(body)) || strings.ContainsAny(body, "<>") {
			t.Errorf("got %s", body)
		}
	})
}

// small is a service with one public mention and one that waits, in time as it is, and a
// token to read with.
func small(f *testing.F) (http.Handler, string) {
	f.Helper()
	dir := f.TempDir()
	leaktest.Dir(f, dir)
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	s := &site.Site{Key: "ana.example", URL: &url.URL{Scheme: "https", Host: "ana.example", Path: "/"}, Base: "https://ana.example/-/", Language: "es"}
	access := &site.Access{Site: s, DB: db}
	one := &web.Site{
		Site: s, Access: access, Conversation: &site.Conversation{Site: s, DB: db}, Mentions: &site.Mentions{Site: s, DB: db, Limits: &site.Limits{}},
		Posts: &site.Posts{Site: s, DB: db}, Micropub: &micropub.Handler{}, IndieAuth: &indieauth.Server{Issuer: s.Base}, Files: http.NotFoundHandler(),
	}
	err = db.Update(f.Context(), s.Key, func(tx *store.Tx) error {
		shown := &store.Version{Type: "reply", URL: "https://bea.example/", Text: "<hello>", Digest: "1"}
		return errors.Join(
			tx.PutPage(store.Page{ID: "p", URL: "https://ana.example/", Found: true}, "/"),
			tx.PutMention(store.Mention{ID: "1", Source: "https://bea.example/", Target: "https://ana.example/", Page: "p", State: store.Approved, Shown: shown, Received: tx.Now}),
			tx.PutMention(store.Mention{ID: "2", Source: "https://waits.example/", Target: "https://ana.example/", Page: "p", State: store.Pending, Shown: shown, Received: tx.Now}))
	})
	token, denied := access.NewToken(f.Context(), "fuzz", []string{"read"})
	if err := errors.Join(err, denied); err != nil {
		f.Fatal(err)
	}
	return (&web.Server{Sites: []*web.Site{one}}).Handler(), token
}
