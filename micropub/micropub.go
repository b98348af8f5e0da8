// Package micropub is a Micropub server and its media endpoint.
//
// An application implements [Backend], five methods about posts, and gets an
// [http.Handler] that speaks the protocol: tokens, forms, uploads, JSON, queries
// and errors. What else it can do it says by implementing an add-on interface
// such as [MediaBackend], [Lister] or [Syndicator]; the answer to q=config follows
// from that.
//
//	h := &micropub.Handler{Backend: blog, Authorize: tokens.Check, MediaEndpoint: "https://example.com/media"}
//	http.Handle("/micropub", h)
//	http.Handle("/media", h.Media())
//
// It follows W3C Micropub (https://www.w3.org/TR/2017/REC-micropub-20170523/),
// RFC 6750 for tokens, and the extensions that clients in use rely on.
package micropub

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
)

// Handler is the Micropub endpoint. Set the fields before the first request;
// after that it may serve any number of requests at once.
type Handler struct {
	Backend Backend

	// Authorize says what a token allows. An unknown, expired or revoked token is
	// fs.ErrNotExist (401 invalid_token); an *Error, say a 429, is answered as it is.
	// Like Backend it must be set, and is called concurrently.
	Authorize func(ctx context.Context, token string) (Grant, error)

	// MediaEndpoint is the absolute URL where Media is mounted. It is advertised
	// when Backend is a MediaBackend.
	MediaEndpoint string

	// TokensPage is where the owner can let a client send its token twice in a request:
	// who does is told. "" for nowhere.
	TokensPage string

	// Limits of one request; zero means the default. What is larger is answered 413.
	MaxBody  int64 // bytes of a form or JSON body, or of all text fields of a multipart one: 1 MiB
	MaxFile  int64 // bytes of one uploaded file: 64 MiB
	MaxFiles int   // files in one request: 32
	MaxParts int   // fields and files in one request: 1,000

	Log *slog.Logger // nil: nothing is logged
}

func (h *Handler) maxBody() int64 { return cmp.Or(h.MaxBody, 1<<20) }
func (h *Handler) maxFile() int64 { return cmp.Or(h.MaxFile, 64<<20) }
func (h *Handler) maxFiles() int  { return cmp.Or(h.MaxFiles, 32) }
func (h *Handler) maxParts() int  { return cmp.Or(h.MaxParts, 1000) }

func (h *Handler) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}

// ServeHTTP answers queries (GET, HEAD), actions (POST) and browsers' pre-flight
// requests (OPTIONS) at the Micropub endpoint.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.serve(w, r, h.query, h.post)
}

// Media is the media endpoint: it answers 201 with the address of one uploaded
// file, q=source with the files that were uploaded last, and action=delete.
func (h *Handler) Media() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.serve(w, r, h.mediaQuery, h.postMedia)
	})
}

// answer is what a request that went well is told.
type answer struct {
	status   int
	location string // absolute; "" for none
	body     any    // sent as JSON; nil for none
}

func (h *Handler) serve(w http.ResponseWriter, r *http.Request, get, post func(*http.Request) (answer, error)) {
	header := w.Header()
	// Any page may call us: a token is needed, and a cookie is never looked at.
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "Location, Link, WWW-Authenticate")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")

	var do func(*http.Request) (answer, error)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		do = get
	case http.MethodPost:
		do = post
	case http.MethodOptions:
		// A browser asks without credentials what it may send.
		header.Set("Allow", allowed)
		header.Set("Access-Control-Allow-Methods", allowed)
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		header.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		header.Set("Allow", allowed)
		h.fail(w, r, &Error{Code: InvalidRequest, Status: http.StatusMethodNotAllowed, Description: "the method must be GET, HEAD, POST or OPTIONS"})
		return
	}
	a, err := do(r)
	if err == nil {
		err = a.write(w)
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

const allowed = "GET, HEAD, POST, OPTIONS"

// write sends the answer, or returns an error and has sent nothing.
func (a answer) write(w http.ResponseWriter) error {
	var body bytes.Buffer
	if a.body != nil {
		enc := json.NewEncoder(&body)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(a.body); err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
	}
	if a.location != "" {
		w.Header().Set("Location", a.location)
	}
	w.WriteHeader(a.status)
	// The client may have gone; there is nobody left to tell.
	_, _ = w.Write(body.Bytes())
	return nil
}

// absolute is a URL of the backend's as it may stand in a Location header.
func absolute(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return "", fmt.Errorf("address from the backend: %w", err)
	}
	if !u.IsAbs() || u.Host == "" {
		return "", fmt.Errorf("address from the backend is not absolute: %q", raw)
	}
	return u.String(), nil
}
