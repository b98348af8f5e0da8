package indieauth_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/indieauth"
)

// IA-9, IA-10: what a client publishes is kept as its headers say, a failure never.
// Spec: indieauth#client-metadata-p-2
func TestClientInfoIsKeptAsTheHeadersSay(t *testing.T) {
	for name, test := range map[string]struct {
		headers []string
		kept    time.Duration
	}{
		"no headers":              {nil, 5 * time.Minute},
		"max-age":                 {[]string{"Cache-Control", "public, max-age=60"}, time.Minute},
		"in capitals":             {[]string{"Cache-Control", "Public, MAX-AGE=60"}, time.Minute},
		"quoted":                  {[]string{"Cache-Control", `max-age="60"`}, time.Minute},
		"already old":             {[]string{"Cache-Control", "max-age=60", "Age", "20"}, 40 * time.Second},
		"too old":                 {[]string{"Cache-Control", "max-age=60", "Age", "60"}, 0},
		"no-store":                {[]string{"Cache-Control", "max-age=60, no-store"}, 0},
		"no-cache, second header": {[]string{"Cache-Control", "max-age=60", "Cache-Control", "no-cache"}, 0},
		"a year":                  {[]string{"Cache-Control", "max-age=31536000"}, 24 * time.Hour},
		"nonsense":                {[]string{"Cache-Control", "max-age=soon"}, 0},
		"negative":                {[]string{"Cache-Control", "max-age=-1"}, 0},
		"Expires":                 {[]string{"Expires", "Sat, 01 Jan 2000 00:02:00 GMT"}, 2 * time.Minute},
		"Expires 0":               {[]string{"Expires", "0"}, 0},
		"max-age before Expires":  {[]string{"Expires", "0", "Cache-Control", "max-age=60"}, time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) { // begins at midnight UTC, 2000-01-01
			h, fetched := newHouse(), 0
			h.web["app.example"] = func(w http.ResponseWriter, r *http.Request) {
				fetched++
				for i := 0; i < len(test.headers); i += 2 {
					w.Header().Add(test.headers[i], test.headers[i+1])
				}
				says("application/json", metadata)(w, r)
			}
			look := func() {
				t.Helper()
				if got, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: app, RedirectURI: callback}); err != nil || got.Name != "App" {
					t.Errorf("%s: got %+v, %v", name, got, err)
				}
			}
			look()
			if test.kept > 0 {
				time.Sleep(test.kept - time.Second)
				look()
				want(t, name+": fetched while it is kept", 1, fetched)
				time.Sleep(time.Second)
			}
			look()
			want(t, name+": fetched afterwards", 2, fetched)
		})
	}
}

func TestFailuresToAskAClientAreNotKept(t *testing.T) {
	for name, bad := range map[string]http.HandlerFunc{
		"404": http.NotFound, "no answer": nil, "somebody's else": says("application/json", `{"client_id":"https://x.example/"}`),
	} {
		h := newHouse()
		h.web["app.example"] = bad
		req := indieauth.Request{ClientID: app, RedirectURI: callback}
		if got, err := h.ClientInfo(t.Context(), req); err != nil || got.Warning == "" {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
		h.web["app.example"] = says("application/json", metadata)
		if got, err := h.ClientInfo(t.Context(), req); err != nil || got.Name != "App" {
			t.Errorf("%s, afterwards: got %+v, %v", name, got, err)
		}
	}
}

// HOSTILE 61: what was shown is not enough when the owner agrees: the list is read again.
func TestApproveReadsTheListAgain(t *testing.T) {
	for name, meanwhile := range map[string]http.HandlerFunc{
		"another list":  says("application/json", strings.Replace(metadata, "app:/cb", "app:/other", 1)),
		"another owner": says("application/json", strings.Replace(metadata, `"client_id":"`+app, `"client_id":"https://x.example/`, 1)),
		"gone":          http.NotFound,
		"no answer":     nil,
	} {
		h := newHouse()
		h.web["app.example"] = func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "max-age=3600")
			says("application/json", metadata)(w, r)
		}
		req := indieauth.Request{ClientID: app, RedirectURI: "app:/cb", State: "s", Scopes: []string{"create"}}
		if shown, err := h.ClientInfo(t.Context(), req); err != nil || !shown.Listed {
			t.Fatalf("%s: got %+v, %v", name, shown, err)
		}
		h.web["app.example"] = meanwhile
		if to, err := h.Approve(t.Context(), req, req.Scopes, 0); !errors.Is(err, indieauth.ErrRedirect) || to != "" || len(h.storage.codes) != 0 {
			t.Errorf("%s: got %q, %v, want ErrRedirect and no code", name, to, err)
		}
		if _, err := h.ClientInfo(t.Context(), req); name != "another list" && !errors.Is(err, indieauth.ErrRedirect) {
			t.Errorf("%s: what is not true any more is still shown: %v", name, err)
		}
	}
}

// However many clients come, what is kept of them is bounded, and the last is known.
func TestClientsThatAreKeptAreBounded(t *testing.T) {
	h := newHouse()
	fetched := map[string]int{}
	ask := func(n int) {
		host := fmt.Sprintf("app%d.example", n)
		h.web[host] = func(w http.ResponseWriter, r *http.Request) {
			fetched[host]++
			w.Header().Set("Cache-Control", fmt.Sprintf("max-age=%d", 1000+n))
			says("application/json", `{"client_id":"https://`+host+`/"}`)(w, r)
		}
		if _, err := h.ClientInfo(t.Context(), indieauth.Request{ClientID: "https://" + host + "/", RedirectURI: "https://" + host + "/cb"}); err != nil {
			t.Error(err)
		}
	}
	for n := range 300 {
		ask(n)
	}
	ask(100)
	ask(299)
	ask(0)
	want(t, "fetched one between", 1, fetched["app100.example"])
	want(t, "fetched the last", 1, fetched["app299.example"])
	want(t, "fetched the first", 2, fetched["app0.example"])
}
