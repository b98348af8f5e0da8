package indieauth_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"

	"tertulia/indieauth"
)

// guestBook lets people sign in with their own addresses.
func guestBook(strangers *http.Client) http.Handler {
	client := &indieauth.Client{
		ID: "https://book.example/client.json", RedirectURI: "https://book.example/back",
		Name: "Guest book", Scopes: []string{"profile"}, HTTP: strangers,
	}
	var flows sync.Map // by a secret in the browser; one that is never finished should go after an hour
	mux := http.NewServeMux()
	mux.HandleFunc("/client.json", client.Document)
	mux.HandleFunc("/in", func(w http.ResponseWriter, r *http.Request) {
		to, flow, err := client.Begin(r.Context(), r.FormValue("me"))
		if err != nil {
			http.Error(w, "this address does not say who vouches for it", http.StatusBadRequest)
			return
		}
		id := rand.Text()
		flows.Store(id, flow)
		http.SetCookie(w, &http.Cookie{Name: "flow", Value: id, HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode})
		http.Redirect(w, r, to.String(), http.StatusSeeOther)
	})
	mux.HandleFunc("/back", func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("flow")
		if err != nil {
			http.Error(w, "sign in first", http.StatusForbidden)
			return
		}
		flow, _ := flows.LoadAndDelete(cookie.Value) // each serves once
		begun, _ := flow.(indieauth.Flow)
		who, err := client.Finish(r.Context(), begun, r.URL.Query())
		if err != nil {
			http.Error(w, "please sign in again", http.StatusForbidden)
			return
		}
		fmt.Fprintln(w, "Welcome,", who.Me) // from here on it is the application's session
	})
	return mux
}

func ExampleClient() {
	// The rest of the world: the book, and somebody's site with its server.
	world := web{}
	server := &indieauth.Server{Issuer: "https://ana.example/", Me: "https://ana.example/", Storage: NewMemory(), Client: &http.Client{Transport: world}}
	server.Consent, server.Endpoints = Yes{server}, indieauth.Endpoints{Authorization: "https://ana.example/auth", Token: "https://ana.example/token"}
	site := http.NewServeMux()
	site.HandleFunc("/auth", server.Authorization)
	site.HandleFunc("/metadata", server.Metadata)
	site.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", `</metadata>; rel="indieauth-metadata"`)
	})
	book := guestBook(&http.Client{Transport: world})
	world["ana.example"], world["book.example"] = site.ServeHTTP, book.ServeHTTP

	// A browser, which goes where it is sent and brings its cookie back.
	address, cookie := "https://book.example/in?me=ana.example", ""
	for {
		r := httptest.NewRequest("GET", address, nil)
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		world[r.Host](w, r)
		if w.Code != http.StatusSeeOther {
			fmt.Print(w.Body)
			return
		}
		if set := w.Header().Get("Set-Cookie"); set != "" {
			cookie = set
		}
		address = w.Header().Get("Location")
	}
	// Output:
	// Welcome, https://ana.example/
}
