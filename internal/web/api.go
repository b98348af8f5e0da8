package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"tertulia/internal/site"
)

// The read API speaks as webmention.io does, so that its clients change one address.

// jf2 lists the public mentions of pages.
func (p *pages) jf2(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	query := site.Query{
		Targets: p.targets(q), Property: values(q, "wm-property"),
		PerPage: number(q, "perPage", number(q, "per-page", 20)), Page: number(q, "page", 0),
		SortBy: q.Get("sort-by"), Upwards: q.Get("sort-dir") != "" && q.Get("sort-dir") != "down",
		Since: since(q.Get("since")),
	}
	if len(query.Targets) == 0 {
		p.answer(w, r, http.StatusBadRequest, apiError{"invalid_input", "Either a token or a target URL is required"})
		return
	}
	if id, err := strconv.ParseUint(q.Get("since_id"), 10, 64); err == nil {
		query.SinceID = id
	}
	p.public(w, r, query.Targets, func() (any, error) { return p.Conversation.JF2(r.Context(), query) })
}

// count adds up the public mentions of pages by type.
func (p *pages) count(w http.ResponseWriter, r *http.Request) {
	targets := p.targets(r.URL.Query())
	p.public(w, r, targets, func() (any, error) {
		types, err := p.Conversation.Counts(r.Context(), targets)
		total := 0
		for _, n := range types {
			total += n
		}
		return map[string]any{"count": total, "type": types}, err
	})
}

// apiError is what a client of the read API is told.
type apiError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (p *pages) brokenAPI(w http.ResponseWriter, r *http.Request, err error) {
	p.logFailure(r, err)
	p.answer(w, r, http.StatusInternalServerError, apiError{"server_error", "Something went wrong here; try again later"})
}

// answer writes a value that nobody keeps.
func (p *pages) answer(w http.ResponseWriter, r *http.Request, status int, value any) {
	w.Header().Set("Cache-Control", "no-store")
	contentType, body, err := encode(r, value)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	send(w, r, status, contentType, body)
}

// encode makes JSON of a value, or where the client names a function, a script that
// calls it: pages from before CORS load their mentions so.
func encode(r *http.Request, value any) (contentType string, body []byte, err error) {
	if body, err = json.Marshal(value); err != nil {
		return "", nil, err
	}
	name := r.URL.Query().Get("jsonp")
	if len(name) > 128 || !function.MatchString(name) {
		return "application/json;charset=UTF-8", append(body, '\n'), nil
	}
	// encoding/json escapes what would end a script or one of its lines.
	return "text/javascript;charset=UTF-8", fmt.Appendf(nil, "%s(%s)\n", name, body), nil
}

// function is the name of a JavaScript function, also one inside objects.
var function = regexp.MustCompile(`^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$`)

// since reads a time as clients write it; zero when it cannot be read. A plus sign
// that nobody escaped has become a space.
func since(s string) time.Time {
	if strings.Contains(s, "T") {
		s = strings.Replace(s, " ", "+", 1)
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// maxTargets bounds how many pages one request may ask for.
const maxTargets = 50

// targets are the pages that a client asks for. One may lack its scheme: with https
// and with http it is the same page.
func (p *pages) targets(q url.Values) []string {
	targets := values(q, "target")
	for i, t := range targets {
		if strings.HasPrefix(t, "//") {
			targets[i] = p.URL.Scheme + ":" + t
		}
	}
	return targets
}

// maxTarget is the longest address, in bytes, that is looked for.
const maxTarget = 512

// values reads a parameter that may come once, as name[] or as name[0].
func values(q url.Values, name string) []string {
	var found []string
	for _, key := range slices.Sorted(maps.Keys(q)) {
		if key == name || strings.HasPrefix(key, name+"[") && strings.HasSuffix(key, "]") {
			found = append(found, q[key]...)
		}
	}
	found = slices.DeleteFunc(found, func(s string) bool { return s == "" || len(s) > maxTarget })
	return found[:min(len(found), maxTargets)]
}

// number reads a number from 0; one that is too large is the largest.
func number(q url.Values, name string, otherwise int) int {
	n, err := strconv.Atoi(q.Get(name))
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return otherwise
	}
	return max(n, 0)
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	send(w, r, status, "application/json;charset=UTF-8", append(body, '\n'))
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

func pathVar(r *http.Request, name string) string { return mux.Vars(r)[name] }
