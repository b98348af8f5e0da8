package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

// The read API speaks as webmention.io does, so that its clients change one address
// (READ-API; docs/api.md). Questions about pages are anybody's; those about the whole site are
// for who has a token of the scope "read". Neither is told of anything that is not public.

// shape is one way to give an answer.
type shape struct {
	contentType string // of what make returns; "" for what is to become JSON
	page        bool   // people who open its address in a browser get a page
	make        func(p *pages, f site.Found, self string) (any, error)
}

const jsonType = "application/json;charset=UTF-8"

// shapes are the ends of the addresses below api/mentions, with what they give.
var shapes = map[string]shape{
	"":          {"", true, links},
	".json":     {"", true, links},
	".jf2":      {"", true, func(_ *pages, f site.Found, _ string) (any, error) { return f.JF2(), nil }},
	".mf2":      {"application/mf2+json;charset=UTF-8", false, func(_ *pages, f site.Found, _ string) (any, error) { return f.Microformats(), nil }},
	".jsonfeed": {"application/feed+json;charset=UTF-8", false, func(p *pages, f site.Found, self string) (any, error) { return p.JSONFeed(f, self), nil }},
	".atom":     {"application/atom+xml;charset=UTF-8", false, func(p *pages, f site.Found, self string) (any, error) { return p.Atom(f, self) }},
}

func links(_ *pages, f site.Found, _ string) (any, error) { return f.Links(), nil }

// apiRoutes are the URLs of the read API, below the site's base.
func (p *pages) apiRoutes() map[string]http.HandlerFunc {
	routes := map[string]http.HandlerFunc{
		"count": p.count, "count.json": p.count,
		"deleted": p.deleted, "deleted.jf2": p.deleted,
		"export": p.export, "export.jf2": p.export,
		"example/mentions.jf2": p.example, "example/count": p.exampleCount,
		"feed.json": p.mentions(shapes[".jsonfeed"]),
	}
	for _, name := range []string{"mentions", "links"} {
		for end, s := range shapes {
			routes[name+end] = p.mentions(s)
		}
		routes[name+".html"] = p.mentionsPage
	}
	return routes
}

// mentions answers in a shape.
func (p *pages) mentions(s shape) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.page {
			w.Header().Add("Vary", "Accept")
			if strings.Contains(r.Header.Get("Accept"), "text/html") && !calls(r) {
				p.mentionsPage(w, r)
				return
			}
		}
		q, ok := p.question(w, r)
		if !ok {
			return
		}
		p.tell(w, r, q, s.contentType, func() (any, error) {
			found, err := p.Conversation.Find(r.Context(), q.Query)
			if err != nil {
				return nil, err
			}
			return s.make(p, found, p.self(r))
		})
	}
}

// self is the address that was asked for, as its feeds name it: with what makes it this
// answer, and never with the token.
func (p *pages) self(r *http.Request) string {
	self := url.URL{Path: strings.TrimPrefix(r.URL.Path, p.base.Path)}
	q := r.URL.Query()
	for key := range q {
		if name, _, _ := strings.Cut(key, "["); !slices.Contains(parameters, name) {
			q.Del(key)
		}
	}
	self.RawQuery = q.Encode()
	return p.Endpoint(self.String())
}

// parameters are those that say which mentions are wanted.
var parameters = []string{"target", "domain", "per-page", "perPage", "page", "since", "since_id", "sort-by", "sort-dir", "wm-property"}

// count adds up public mentions by type.
func (p *pages) count(w http.ResponseWriter, r *http.Request) {
	q := p.asked(r)
	if q.secret != "" && !q.pages {
		var ok bool
		if q, ok = p.everything(w, r); !ok {
			return
		}
	}
	p.tell(w, r, q, "", func() (any, error) {
		types, err := map[string]int(nil), error(nil)
		if q.Everything {
			types, err = p.Conversation.CountAll(r.Context())
		} else {
			types, err = p.Conversation.Counts(r.Context(), q.Targets)
		}
		return counted(types), err
	})
}

func counted(types map[string]int) any {
	total := 0
	for _, n := range types {
		total += n
	}
	return map[string]any{"count": total, "type": types}
}

// deleted tells what was public and is no longer.
func (p *pages) deleted(w http.ResponseWriter, r *http.Request) {
	q, ok := p.everything(w, r)
	if !ok {
		return
	}
	p.tell(w, r, q, "", func() (any, error) { return p.Conversation.Deleted(r.Context(), q.Query) })
}

// example gives mentions of every shape that there is, to those who write a client.
func (p *pages) example(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Query().Get("target")
	if u, err := url.Parse(target); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || len(target) > maxTarget {
		target = p.Me()
	}
	seed, err := strconv.Atoi(r.URL.Query().Get("seed"))
	if err != nil {
		seed = 0
	}
	p.always(w, r, site.Example(target, seed))
}

func (p *pages) exampleCount(w http.ResponseWriter, r *http.Request) {
	p.always(w, r, counted(site.ExampleCounts()))
}

// always answers with what depends on nothing but the question.
func (p *pages) always(w http.ResponseWriter, r *http.Request, value any) {
	contentType, body, err := encode(r, value, "")
	if err != nil {
		p.brokenAPI(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	send(w, r, http.StatusOK, contentType, body)
}

// tell answers a question: who asks about pages may keep the answer for a moment, and is
// told with 304 that it is still the one; who has shown a token keeps nothing.
func (p *pages) tell(w http.ResponseWriter, r *http.Request, q question, contentType string, read func() (any, error)) {
	if q.secret == "" {
		p.public(w, r, q.Targets, contentType, read)
		return
	}
	value, err := read()
	if err != nil {
		p.brokenAPI(w, r, err)
		return
	}
	contentType, body, err := encode(r, value, contentType)
	if err != nil {
		p.brokenAPI(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	send(w, r, http.StatusOK, contentType, body)
}

// apiError is what a client of the read API is told.
type apiError struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

var (
	errNoTarget  = apiError{"invalid_input", "Either a token or a target URL is required"}
	errNoToken   = apiError{"invalid_input", "A token is required"}
	errBadToken  = apiError{"forbidden", "Access token was not valid"}
	errNotToRead = apiError{"insufficient_scope", "The token has not the scope read: tertulia token new --scope read"}
	errTooOften  = apiError{"rate_limit_exceeded", "Everything can be exported once in five minutes"}
	errServer    = apiError{"server_error", "Something went wrong here; try again later"}
)

func (p *pages) brokenAPI(w http.ResponseWriter, r *http.Request, err error) {
	p.logFailure(r, err)
	var later interface{ RetryAfter() time.Duration }
	if errors.As(err, &later) { // the owner's IndieAuth server does not answer, or there is no room
		w.Header().Set("Retry-After", strconv.Itoa(int(later.RetryAfter().Seconds())))
		p.answer(w, r, http.StatusServiceUnavailable, errServer)
		return
	}
	p.answer(w, r, http.StatusInternalServerError, errServer)
}

// answer writes a value that nobody keeps.
func (p *pages) answer(w http.ResponseWriter, r *http.Request, status int, value any) {
	w.Header().Set("Cache-Control", "no-store")
	contentType, body, err := encode(r, value, "")
	if err != nil {
		p.broken(w, r, err)
		return
	}
	send(w, r, status, contentType, body)
}

// encode makes JSON of a value, or where the client names a function, a script that
// calls it: pages from before CORS load their mentions so. Bytes are what they are.
func encode(r *http.Request, value any, contentType string) (_ string, body []byte, err error) {
	if body, ok := value.([]byte); ok {
		return contentType, body, nil
	}
	if body, err = json.Marshal(value); err != nil {
		return "", nil, err
	}
	if !calls(r) {
		if contentType == "" {
			contentType = jsonType
		}
		return contentType, append(body, '\n'), nil
	}
	// encoding/json escapes what would end a script or one of its lines.
	return "text/javascript;charset=UTF-8", fmt.Appendf(nil, "%s(%s)\n", r.URL.Query().Get("jsonp"), body), nil
}

// calls tells whether the answer is to be a script that calls a function.
func calls(r *http.Request) bool {
	name := r.URL.Query().Get("jsonp")
	return len(name) <= 128 && function.MatchString(name)
}

// function is the name of a JavaScript function, also one inside objects.
var function = regexp.MustCompile(`^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$`)

// mayRead finds out whether a token is good for reading what is the owner's. The error is
// ours or the owner's own server's; refused is what the client is told, nil if it may.
func (p *pages) mayRead(r *http.Request, secret string) (id string, status int, refused *apiError, err error) {
	grant, err := p.Access.Grant(site.WithSender(r.Context(), p.server.sender(r)), secret)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		return "", http.StatusUnauthorized, &errBadToken, nil
	case err != nil:
		return "", 0, nil, err
	case !slices.Contains(grant.Scopes, "read"):
		return "", http.StatusForbidden, &errNotToRead, nil
	}
	return grant.TokenID, 0, nil, nil
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	send(w, r, status, jsonType, append(body, '\n'))
}

func wantsJSON(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "json") && !strings.Contains(accept, "text/html")
}

func pathVar(r *http.Request, name string) string { return mux.Vars(r)[name] }
