package micropub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Code is the word a client is given for what went wrong.
//
// Spec: micropub#error-response-p-1
type Code string

// The codes of Micropub, of RFC 6750 (invalid_token), and two for our own failures.
const (
	Forbidden              Code = "forbidden"
	Unauthorized           Code = "unauthorized"
	InvalidToken           Code = "invalid_token"
	InsufficientScope      Code = "insufficient_scope"
	InvalidRequest         Code = "invalid_request"
	ServerError            Code = "server_error"
	TemporarilyUnavailable Code = "temporarily_unavailable"
)

// The Recommendation gives insufficient_scope 401; the 403 of later drafts is not used.
//
// Spec: micropub#error-response-li-1
// Spec: micropub#error-response-li-2
// Spec: micropub#error-response-li-3
// Spec: micropub#error-response-li-4
var status = map[Code]int{
	Forbidden:              http.StatusForbidden,
	Unauthorized:           http.StatusUnauthorized,
	InvalidToken:           http.StatusUnauthorized,
	InsufficientScope:      http.StatusUnauthorized,
	InvalidRequest:         http.StatusBadRequest,
	ServerError:            http.StatusInternalServerError,
	TemporarilyUnavailable: http.StatusServiceUnavailable,
}

// Error is a refusal that the client is told about. Code, Description and Scope
// are shown; Err is for the log only.
type Error struct {
	Code        Code
	Description string        // one sentence a person can act on; "" for none
	Scope       string        // with InsufficientScope: the scope that is missing
	Err         error         // the cause; may be nil
	Status      int           // 0: as the code says; else for example 413, 415, 429
	RetryAfter  time.Duration // 0: no Retry-After header

	plain bool // Description alone, as text/plain, for clients that show the body as it is
}

// Error is for logs, not for clients.
func (e *Error) Error() string {
	s := "micropub: " + string(e.Code)
	if e.Description != "" {
		s += ": " + e.Description
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func (e *Error) status() int {
	if e.Status != 0 {
		return e.Status
	}
	if s, ok := status[e.Code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// invalid is a 400 with a reason.
func invalid(format string, args ...any) error {
	return &Error{Code: InvalidRequest, Description: fmt.Sprintf(format, args...)}
}

// tooLarge is a 413 with a reason.
func tooLarge(format string, args ...any) error {
	return &Error{Code: InvalidRequest, Status: http.StatusRequestEntityTooLarge, Description: fmt.Sprintf(format, args...)}
}

// asError turns whatever a backend returned into what the client is told.
func asError(err error) *Error {
	var e *Error
	var later interface{ RetryAfter() time.Duration }
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &later): // no room, or no disk: it may fare better then
		return &Error{Code: TemporarilyUnavailable, RetryAfter: later.RetryAfter(), Err: err}
	case errors.Is(err, fs.ErrNotExist):
		return &Error{Code: InvalidRequest, Description: "there is no post at that url", Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &Error{Code: Forbidden, Description: "this is not allowed", Err: err}
	case errors.Is(err, errors.ErrUnsupported):
		return &Error{Code: InvalidRequest, Description: "this server cannot do that", Err: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: TemporarilyUnavailable, Err: err}
	}
	return &Error{Code: ServerError, Err: err}
}

// fail answers with an error. It never sets Location, which some clients take
// for success whatever the status.
//
// Spec: micropub#error-response-p-1
// Spec: micropub#media-endpoint-error-response-p-1
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := asError(err)
	code := e.status()
	if code >= 500 && !errors.Is(err, context.Canceled) {
		h.log().Error("micropub request failed", "method", r.Method, "status", code, "error", err)
	}
	header := w.Header()
	if code == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", e.challenge())
	}
	if e.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if e.plain {
		header.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(code)
		_, _ = fmt.Fprintln(w, e.Description) // the client may have gone
		return
	}
	body := map[string]string{"error": string(e.Code)}
	if e.Description != "" {
		body["error_description"] = e.Description
	}
	if e.Scope != "" {
		body["scope"] = e.Scope
	}
	// A map of strings always encodes.
	_ = answer{status: code, body: body}.write(w)
}

// challenge is the WWW-Authenticate header that RFC 6750 section 3 asks for. A
// request without credentials gets no error code there.
//
// Spec: rfc6750#section-3
func (e *Error) challenge() string {
	switch {
	case e.Code == Unauthorized:
		return "Bearer"
	case e.Scope != "":
		return fmt.Sprintf("Bearer error=%q, scope=%q", e.Code, e.Scope)
	}
	return fmt.Sprintf("Bearer error=%q", e.Code)
}
