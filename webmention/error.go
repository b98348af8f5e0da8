package webmention

import (
	"net/http"
	"time"
)

// The codes of the errors that a [Receiver] finds by itself. An [Inbox] uses its
// own beside them; a Page can translate by them.
const (
	CodeInvalidRequest = "invalid_request" // not a form, or not exactly one source and one target
	CodeInvalidSource  = "invalid_source"  // source is no http or https URL
	CodeInvalidTarget  = "invalid_target"  // target is no http or https URL
	CodeSameURL        = "same_url"        // source and target are one page
	CodeTooLarge       = "too_large"       // the body is longer than MaxBytes
	CodeMethod         = "method_not_allowed"
	CodeServer         = "server_error"
)

// Error is a refusal that the sender is told about. An [Inbox] returns it; any
// other error is answered with 500 and no details.
type Error struct {
	Status     int           // HTTP status; 0 means 400, the sender's fault
	Code       string        // a word for programs, such as "unknown_target"
	Message    string        // a sentence for people, shown to the sender
	RetryAfter time.Duration // sent as Retry-After when positive; 429 and 503 without it say one minute
	Err        error         // the cause, for the log only; may be nil
}

// Error says the message, or what stands in for it, and the cause.
func (e *Error) Error() string {
	s := e.message()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// status is the HTTP status, 400 when none was given.
//
// If the Webmention was not successful because of something the sender did, the
// receiver must return 400.
// Spec: webmention#error-responses-p-1
func (e *Error) status() int {
	if e.Status == 0 {
		return http.StatusBadRequest
	}
	return e.Status
}

func (e *Error) message() string {
	switch {
	case e.Message != "":
		return e.Message
	case e.Code != "":
		return e.Code
	}
	return http.StatusText(e.status())
}

// retryAfter is the value of the Retry-After header in seconds, 0 for none.
func (e *Error) retryAfter() int {
	if e.RetryAfter > 0 {
		return int((e.RetryAfter + time.Second - 1) / time.Second)
	}
	if s := e.status(); s == http.StatusTooManyRequests || s == http.StatusServiceUnavailable {
		return 60
	}
	return 0
}
