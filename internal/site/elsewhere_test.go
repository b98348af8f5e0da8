package site_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/site"
)

// theirs is the IndieAuth server that the owner had before.
type theirs struct {
	mu     sync.Mutex
	asked  []string // method and path, with the token
	answer http.HandlerFunc
}

func (s *theirs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.Path+" "+secret)
	answer := s.answer
	s.mu.Unlock()
	answer(w, r)
}

func (s *theirs) set(answer http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *theirs) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.asked)
}

// says answers with JSON, or with a form when it does not begin like JSON.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if !strings.HasPrefix(body, "{") {
			w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// oldAndNew answers differently at the two endpoints.
func oldAndNew(introspection, token http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/introspect" {
			introspection(w, r)
			return
		}
		token(w, r)
	}
}

func inTheirWorld(t *testing.T, test func(t *testing.T, w *world, access *site.Access, server *theirs)) {
	inWorld(t, func(t *testing.T, w *world) {
		server := &theirs{}
		w.web.Handle("auth.example", server)
		w.site.Elsewhere = &site.Elsewhere{
			Authorization: "https://auth.example/auth", Token: "https://auth.example/token", Introspection: "https://auth.example/introspect",
			Me: w.site.Me(), Client: w.web.Client(),
		}
		test(t, w, &site.Access{Site: w.site, DB: w.db}, server)
	})
}

const good = `{"active":true,"me":"https://me.example/","client_id":"https://app.example","scope":"create media"}`

// SPECS D12: whatever the owner's own server says is understood as it was meant, in the
// spelling of old servers and new ones; and what is not understood lets nobody in.
func TestTheOwnersServerIsAsked(t *testing.T) {
	const no, down = "no", "down"
	inTheirWorld(t, func(t *testing.T, w *world, access *site.Access, server *theirs) {
		refused, moved := says(401, `{"error":"unauthorized"}`), http.RedirectHandler("https://auth.example/token", http.StatusTemporaryRedirect).ServeHTTP
		for name, c := range map[string]struct {
			answer http.HandlerFunc
			want   string // the scopes, or no, or down
		}{
			"active":                       {says(200, good), "create media"},
			"active in words":              {says(200, `{"active":"true","me":"https://me.example","scope":"create"}`), "create"},
			"host in capitals":             {says(200, `{"active":true,"me":"https://ME.example/","scope":"create"}`), "create"},
			"a list of scopes":             {says(200, `{"active":true,"me":"https://me.example/","scope":["create","media update"]}`), "create media update"},
			"without scopes":               {says(200, `{"active":true,"me":"https://me.example/"}`), ""},
			"not active":                   {says(200, `{"active":false}`), no},
			"not active in words":          {says(200, `{"active":"false","me":"https://me.example/","scope":"create"}`), no},
			"active as a number":           {says(200, `{"active":1,"me":"https://me.example/","scope":"create"}`), no},
			"somebody else's":              {says(200, `{"active":true,"me":"https://other.example/","scope":"create"}`), no},
			"a page of ours":               {says(200, `{"active":true,"me":"https://me.example/ana","scope":"create"}`), no},
			"nobody's":                     {says(200, `{"active":true,"scope":"create"}`), down},
			"has expired":                  {says(200, `{"active":true,"me":"https://me.example/","scope":"create","exp":900000000}`), no},
			"has expired, in words":        {says(200, `{"active":true,"me":"https://me.example/","scope":"create","exp":"900000000"}`), no},
			"token endpoint":               {oldAndNew(refused, says(200, `{"me":"https://me.example/","scope":"create"}`)), "create"},
			"token endpoint, in a form":    {oldAndNew(refused, says(200, "me=https%3A%2F%2Fme.example%2F&scope=create+update")), "create update"},
			"no introspection":             {oldAndNew(says(404, "{}"), says(200, `{"me":"https://me.example/","scope":"create"}`)), "create"},
			"refused by both":              {oldAndNew(refused, says(401, "{}")), no},
			"token endpoint says 400":      {oldAndNew(refused, says(400, "{}")), no},
			"token endpoint says 403":      {oldAndNew(refused, says(403, "{}")), no},
			"token endpoint of others":     {oldAndNew(refused, says(200, `{"me":"https://other.example/","scope":"create"}`)), no},
			"token endpoint names nobody":  {oldAndNew(refused, says(200, `{"scope":"create"}`)), down},
			"token endpoint takes no GET":  {oldAndNew(refused, says(405, "{}")), down},
			"introspection is down":        {oldAndNew(says(503, "{}"), says(200, good)), down},
			"introspection has enough":     {oldAndNew(says(429, "{}"), says(200, good)), down},
			"token endpoint is down":       {oldAndNew(refused, says(500, good)), down},
			"both redirect":                {moved, down},
			"not JSON":                     {says(200, "{active"), down},
			"a page":                       {says(200, `{"title":"welcome"}`), down},
			"more than anybody would read": {says(200, `{"active":true,"me":"https://me.example/","scope":"`+strings.Repeat("x", 70<<10)+`"}`), down},
		} {
			server.set(c.answer)
			g, err := access.Grant(t.Context(), "theirs-"+strings.ReplaceAll(name, " ", "-"))
			var later interface{ RetryAfter() time.Duration }
			switch {
			case c.want == no:
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: got %+v, %v, want fs.ErrNotExist", name, g, err)
				}
			case c.want == down:
				if !errors.As(err, &later) || later.RetryAfter() <= 0 || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: got %+v, %v, want to be told when to try again", name, g, err)
				}
			case err != nil || strings.Join(g.Scopes, " ") != c.want || g.Me != "https://me.example/":
				t.Errorf("%s: got %+v, %v, want %q", name, g, err, c.want)
			}
			if err != nil && (len(g.Scopes) > 0 || strings.Contains(err.Error(), "theirs-")) {
				t.Errorf("%s: got %+v with %v", name, g, err)
			}
			pass(2 * time.Minute)
		}
		server.set(says(200, good))
		g, err := access.Grant(t.Context(), "client")
		if err != nil || g.ClientID != "https://app.example/" || g.TokenID != indieauth.Hash("client") {
			t.Errorf("got %+v, %v", g, err)
		}
		if last := server.asked[len(server.asked)-1]; last != "POST /introspect client" {
			t.Errorf("asked %q, want the token as its own credential", last)
		}
	})
}

// What the server said is believed for a minute, what it refused for seconds, and that it
// did not answer only as long as it takes to ask; fifty at once ask once.
func TestTheOwnersServerIsAskedOnceAMinute(t *testing.T) {
	inTheirWorld(t, func(t *testing.T, w *world, access *site.Access, server *theirs) {
		server.set(func(rw http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Second)
			says(200, good)(rw, r)
		})
		asked := func(want int) {
			t.Helper()
			if got := server.count(); got != want {
				t.Errorf("asked %d times, want %d: %q", got, want, server.asked)
			}
		}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if g, err := access.Grant(t.Context(), "one"); err != nil || !slices.Contains(g.Scopes, "create") {
					t.Errorf("got %+v, %v", g, err)
				}
			})
		}
		wg.Wait()
		asked(1)
		pass(58 * time.Second)
		server.set(says(200, `{"active":false}`)) // it is revoked there
		if _, err := access.Grant(t.Context(), "one"); err != nil {
			t.Errorf("within the minute: %v", err)
		}
		asked(1)
		pass(3 * time.Second)
		for range 3 {
			if _, err := access.Grant(t.Context(), "one"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("after the minute: %v", err)
			}
		}
		asked(2)
		pass(11 * time.Second)
		server.set(says(503, "{}"))
		if _, err := access.Grant(t.Context(), "one"); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("down: %v", err)
		}
		asked(3)
		pass(2 * time.Second)
		server.set(says(200, good))
		if _, err := access.Grant(t.Context(), "one"); err != nil {
			t.Errorf("up again: %v", err)
		}
		asked(4)
		// Tokens from here are not told to anybody.
		secret, err := access.NewToken(t.Context(), "script", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := access.Grant(t.Context(), secret); err != nil {
			t.Error(err)
		}
		// Nor is what is no token.
		for _, junk := range []string{"", "two words", "ñ", strings.Repeat("x", 3000), "line\nbreak"} {
			if _, err := access.Grant(t.Context(), junk); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%.20q: %v", junk, err)
			}
		}
		asked(4)
	})
}

// Whoever tries tokens at random neither floods the owner's server nor fills our memory,
// and a server that hangs keeps nobody for long.
func TestTheOwnersServerIsNotFlooded(t *testing.T) {
	inTheirWorld(t, func(t *testing.T, w *world, access *site.Access, server *theirs) {
		var mu sync.Mutex
		now, most := 0, 0
		server.set(func(rw http.ResponseWriter, r *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(20 * time.Second)
			mu.Lock()
			now--
			mu.Unlock()
		})
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				if _, err := access.Grant(t.Context(), fmt.Sprint("guess", i)); err == nil || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("got %v, want to be told to come back", err)
				}
			})
		}
		wg.Wait()
		mu.Lock()
		if took := time.Since(began); most > 4 || took > 9*time.Second {
			t.Errorf("asked %d at once, and it took %v", most, took)
		}
		mu.Unlock()
		pass(time.Minute)
		server.set(says(401, "{}"))
		for i := range 3000 {
			if _, err := access.Grant(t.Context(), fmt.Sprint("more", i)); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("guess %d: %v", i, err)
			}
		}
	})
}

// An owner whose server knows them by another address than the settings reads why their editor
// is refused.
func TestTokensForAnotherAddressAreNamedInTheLog(t *testing.T) {
	inTheirWorld(t, func(t *testing.T, w *world, access *site.Access, server *theirs) {
		var log bytes.Buffer
		w.site.Elsewhere.Log = slog.New(slog.NewTextHandler(&log, nil))
		for me, named := range map[string]string{"https://www.me.example/": "me=https://www.me.example/", "http://me.example/": "me=http://me.example/", "no address": `me=""`} {
			log.Reset()
			server.set(says(200, `{"active":true,"me":"`+me+`","scope":"create"}`))
			secret := "theirs-for-" + indieauth.Hash(me)
			for range 2 { // the second time it is known
				if _, err := access.Grant(t.Context(), secret); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v", me, err)
				}
			}
			if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, named) || !strings.Contains(text, w.site.Me()) || strings.Contains(text, secret) {
				t.Errorf("%s: the log says %s", me, text)
			}
		}
	})
}

// The pages name the owner's server, and nothing of ours that would lead to another.
func TestPagesNameTheOwnersServer(t *testing.T) {
	inTheirWorld(t, func(t *testing.T, w *world, _ *site.Access, _ *theirs) {
		links := w.site.Links()
		if links["authorization_endpoint"] != "https://auth.example/auth" || links["token_endpoint"] != "https://auth.example/token" || links["micropub"] != "https://me.example/-/micropub" {
			t.Errorf("got %v", links)
		}
		if at, ok := links["indieauth-metadata"]; ok {
			t.Errorf("metadata at %q", at)
		}
		w.site.Elsewhere.Metadata = "https://auth.example/metadata"
		if at := w.site.Links()["indieauth-metadata"]; at != "https://auth.example/metadata" {
			t.Errorf("metadata at %q", at)
		}
	})
}

// roundTrip is a client's transport.
type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip is of http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whatever a server answers, it opens the door only with the owner's own address in it.
func FuzzTheOwnersServer(f *testing.F) {
	f.Add(200, "application/json", good)
	f.Add(200, "application/json", `{"active":"true","me":"https://me.example","scope":["create",1,null],"exp":"99999999999"}`)
	f.Add(200, "application/x-www-form-urlencoded", "me=https%3A%2F%2Fme.example%2F&scope=create")
	f.Add(200, "text/html", "<html>")
	f.Add(401, "", `{"active":true}`)
	f.Add(200, "application/json", `{"active":true,"me":{"a":[]},"exp":1e400}`)
	f.Add(200, "application/json", `[true]`)
	f.Fuzz(func(t *testing.T, status int, contentType, body string) {
		e := &site.Elsewhere{
			Token: "https://auth.example/token", Introspection: "https://auth.example/introspect", Me: "https://me.example/",
			Client: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
				}, nil
			})},
		}
		token, err := e.Check(t.Context(), "secret")
		if err == nil && (token.Me != "https://me.example/" || status != 200) {
			t.Errorf("%d %q lets in as %+v", status, body, token)
		}
		if err != nil && len(token.Scopes) > 0 {
			t.Errorf("got %+v with %v", token, err)
		}
	})
}
