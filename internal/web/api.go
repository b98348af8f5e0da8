package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"tertulia/internal/site"
)

// The read API speaks as webmention.io does, so that its clients change one address.

// jf2 lists the public mentions of pages.
func (p *pages) jf2(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	q := r.URL.Query()
	query := site.Query{
		Targets: list(q, "target"), Property: list(q, "wm-property"),
		PerPage: number(q, "perPage", number(q, "per-page", 20)), Page: number(q, "page", 0),
		SortBy: q.Get("sort-by"), Upwards: q.Get("sort-dir") != "" && q.Get("sort-dir") != "down",
	}
	if len(query.Targets) == 0 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_input","error_description":"Either a token or a target URL is required"}` + "\n")) // the client may have gone
		return
	}
	if id, err := strconv.ParseUint(q.Get("since_id"), 10, 64); err == nil {
		query.SinceID = id
	}
	if t, err := time.Parse(time.RFC3339, q.Get("since")); err == nil {
		query.Since = t
	}
	feed, err := p.Conversation.JF2(r.Context(), query)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	writeJSON(w, "application/json", feed)
}

// count adds up the public mentions of pages by type.
func (p *pages) count(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	types, err := p.Conversation.Counts(r.Context(), list(r.URL.Query(), "target"))
	if err != nil {
		p.broken(w, r, err)
		return
	}
	total := 0
	for _, n := range types {
		total += n
	}
	writeJSON(w, "application/json", map[string]any{"count": total, "type": types})
}

// maxTargets bounds how many pages one request may ask for.
const maxTargets = 50

// list reads a parameter that may come once, as name[] or as name[0].
func list(q url.Values, name string) []string {
	var values []string
	for key, vs := range q {
		if key == name || strings.HasPrefix(key, name+"[") && strings.HasSuffix(key, "]") {
			values = append(values, vs...)
		}
	}
	return values[:min(len(values), maxTargets)]
}

func number(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil {
		return otherwise
	}
	return max(n, 0)
}

func writeJSON(w http.ResponseWriter, contentType string, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType+";charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

func pathVar(r *http.Request, name string) string { return mux.Vars(r)[name] }
