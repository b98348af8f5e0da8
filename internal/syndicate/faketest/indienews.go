package faketest

import (
	"net/http"
	"strings"
	"sync"
)

// IndieNews is a list at https://HOST/es that takes Webmentions of pages that link there.
type IndieNews struct {
	Host  string
	Links func(source string) bool // whether a page links to the list; nil: all do

	mu      sync.Mutex
	entries map[string]int // source → how often it was told
}

// Entries is how often each page was told.
func (n *IndieNews) Entries() map[string]int {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := map[string]int{}
	for source, times := range n.entries {
		all[source] = times
	}
	return all
}

// ServeHTTP answers as the network does.
func (n *IndieNews) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case r.URL.Path == "/es" && r.Method == http.MethodGet:
		w.Header().Set("Link", `</other>; rel="hub", <https://`+n.Host+`/es/webmention>; rel="webmention"`)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!DOCTYPE html><title>IndieNews</title>")) // whoever has gone needs no answer
	case r.URL.Path != "/es/webmention" || r.Method != http.MethodPost:
		refuse(w, http.StatusNotFound, "not_found")
	case r.FormValue("target") != "https://"+n.Host+"/es":
		refuse(w, http.StatusBadRequest, "target_not_supported")
	case n.Links != nil && !n.Links(r.FormValue("source")):
		answer(w, http.StatusBadRequest, map[string]string{"error": "no_link_found", "error_description": "Could not find a syndication or category link for this entry"})
	default:
		if n.entries == nil {
			n.entries = map[string]int{}
		}
		source := r.FormValue("source")
		n.entries[source]++
		w.Header().Set("Location", "https://"+n.Host+"/es/"+strings.TrimPrefix(source, "https://"))
		answer(w, http.StatusCreated, map[string]string{"result": "success"})
	}
}
