package indieauth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// fault is an error that a client is told about, with the words of OAuth.
type fault struct {
	status            int
	code, description string
}

func (f *fault) Error() string { return f.description }

func invalidRequest(description string) *fault {
	return &fault{http.StatusBadRequest, "invalid_request", description}
}

func invalidGrant(description string) *fault {
	return &fault{http.StatusBadRequest, "invalid_grant", description}
}

// succeeded tells a client which endpoint it wants, "" where nobody has said.
func succeeded(address string) *fault {
	if address == "" {
		return invalidRequest("another server has taken over: discover it from the profile URL")
	}
	return invalidRequest("another server has taken over: this endpoint is now " + address)
}

// maxForm is the largest body, in bytes, that an endpoint reads.
const maxForm = 16 << 10

// readForm reads the parameters from the body of a POST, and from nowhere else:
// a query ends up in logs. The named ones may not come twice.
func readForm(w http.ResponseWriter, r *http.Request, names ...string) (url.Values, error) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, invalidRequest("the body must be application/x-www-form-urlencoded")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxForm))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return nil, &fault{http.StatusRequestEntityTooLarge, "invalid_request", "the body is too large"}
	}
	if err != nil {
		return nil, invalidRequest("the body cannot be read")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalidRequest("the body cannot be read")
	}
	return form, once(form, names...)
}

// once refuses parameters that come twice (RFC 6749, section 3.1).
func once(values url.Values, names ...string) error {
	for _, name := range names {
		if len(values[name]) > 1 {
			return invalidRequest(name + " must come once")
		}
	}
	return nil
}

// answer writes JSON, or a form for the old clients that accept nothing else.
func answer(w http.ResponseWriter, r *http.Request, status int, body map[string]any) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if acceptsFormOnly(r.Header.Get("Accept")) {
		form := url.Values{}
		for name, value := range body {
			switch value.(type) {
			case string, int64, bool:
				form.Set(name, fmt.Sprint(value))
			}
		}
		w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
		w.WriteHeader(status)
		io.WriteString(w, form.Encode()) // the client may have gone; there is nobody to tell
		return
	}
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body) // the client may have gone; there is nobody to tell
}

// acceptsFormOnly reads an Accept header. JSON is the answer unless the client
// names forms and nothing that JSON would match.
func acceptsFormOnly(accept string) bool {
	form := false
	for part := range strings.SplitSeq(accept, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil || strings.Trim(params["q"], "0.") == "" && params["q"] != "" {
			continue
		}
		switch media {
		case "application/json", "application/*", "*/*":
			return false
		case "application/x-www-form-urlencoded":
			form = true
		}
	}
	return form
}

// fail answers with an error. What is no fault of the client's is logged and not shown.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	var known *fault
	if !errors.As(err, &known) {
		s.log().Error("authorization server failed", "endpoint", r.URL.Path, "err", err)
		known = &fault{http.StatusInternalServerError, "server_error", "something went wrong here; try again later"}
		var later interface{ RetryAfter() time.Duration }
		if errors.As(err, &later) { // no room, or no disk: it may fare better then
			known = &fault{http.StatusServiceUnavailable, "temporarily_unavailable", "nothing can be kept here now; try again later"}
			w.Header().Set("Retry-After", strconv.Itoa(int(later.RetryAfter().Seconds())))
		}
	}
	answer(w, r, known.status, map[string]any{"error": known.code, "error_description": known.description})
}

// authenticate finds the valid token that the request carries in its
// Authorization header. Without one it answers 401 and reports false; a request
// without any credentials is not told more.
// Spec: indieauth#error-responses-li-2
// Spec: indieauth#error-responses-p-2
func (s *Server) authenticate(w http.ResponseWriter, r *http.Request) (Token, bool) {
	secret := bearer(r)
	if secret == "" {
		w.Header().Set("WWW-Authenticate", "Bearer")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusUnauthorized)
		return Token{}, false
	}
	token, err := s.Check(r.Context(), secret)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		s.fail(w, r, &fault{http.StatusUnauthorized, "invalid_token", "the token is unknown, has expired or was revoked"})
		return Token{}, false
	case err != nil:
		s.fail(w, r, err)
		return Token{}, false
	}
	return token, true
}

// bearer returns the token of the Authorization header, "" if there is none or
// more than one.
func bearer(r *http.Request) string {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// allowOrigins lets scripts of any origin read the answer. They bring their
// token themselves: credentials that a browser adds are never involved.
func allowOrigins(w http.ResponseWriter) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
}

// preflight answers a browser that asks whether it may send a request.
func preflight(w http.ResponseWriter) {
	allowOrigins(w)
	w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
	w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	w.Header().Set("Access-Control-Max-Age", "86400")
	w.WriteHeader(http.StatusNoContent)
}

func notAllowed(w http.ResponseWriter, methods string) {
	w.Header().Set("Allow", methods)
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
}

func (s *Server) log() *slog.Logger {
	if s.Log != nil {
		return s.Log
	}
	return slog.New(slog.DiscardHandler)
}
