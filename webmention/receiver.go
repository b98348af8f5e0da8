package webmention

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// Request is a notification that passed the checks of syntax: source says that it
// links to target. Nothing has been fetched yet.
type Request struct {
	Source, Target *url.URL   // absolute, http or https; Target keeps its fragment
	From           netip.Addr // who sent it; the zero Addr when that is not known
}

// Receipt is what an [Inbox] gives for a request that it keeps.
type Receipt struct {
	// Status is the absolute URL of a page that tells how the mention fares. With
	// it the sender is answered 201 and this Location, without it 202.
	Status string

	// Verified says that the mention was not only kept but verified before Accept
	// returned. Then the sender is answered 200, unless there is a Status.
	Verified bool
}

// Inbox takes the requests that a [Receiver] found to be well formed.
//
// Accept is called concurrently. It decides whether target is a page that takes
// Webmentions (a fragment should be ignored in that), and returns only when the
// request is kept durably: the sender is told so. It should not fetch source, which
// belongs into a queue: the sender waits for the answer, and so do others. The same
// source and target may come any number of times. A refusal is an *[Error].
// Spec: webmention#request-verification-p-3
// Spec: webmention#request-verification-p-4
type Inbox interface {
	Accept(ctx context.Context, r Request) (Receipt, error)
}

// View is what [Receiver].Page shows: an empty form, a receipt or an error.
type View struct {
	Receipt        Receipt
	Err            *Error // nil: a form was asked for, or the request was accepted
	Source, Target string // as sent, not checked: for filling the form again
}

// Receiver is a Webmention endpoint. It uses no cookies and answers every origin,
// so a form or a script on any page may post to it.
// Spec: webmention#cross-site-request-forgery-p-1
type Receiver struct {
	Inbox Inbox

	// From says who sends; nil means the peer's address. Only the application
	// knows which proxies it may believe.
	From func(*http.Request) netip.Addr

	MaxBytes int64 // of a request's body; 0 means 8 KiB
	MaxURL   int   // of source and target each, in bytes; 0 means 2,048

	// Page answers people: a GET, and a POST that prefers HTML. It writes the
	// whole answer with the given status; Location and Retry-After are set already.
	// Nil means a minimal form in English, and plain text.
	Page func(w http.ResponseWriter, r *http.Request, status int, v View)

	Log *slog.Logger // nil: nothing is logged
}

// ServeHTTP receives a Webmention (POST) or shows a form for one (GET, HEAD).
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch r.Method {
	case http.MethodPost:
		v := View{}
		receipt, err := rc.receive(w, r, &v)
		rc.answer(w, r, v, receipt, err)
	case http.MethodGet, http.MethodHead:
		q := r.URL.Query()
		rc.page(w, r, http.StatusOK, View{Source: rc.prefill(q, "source"), Target: rc.prefill(q, "target")})
	case http.MethodOptions:
		h.Set("Allow", allowed)
		h.Set("Access-Control-Allow-Methods", allowed)
		h.Set("Access-Control-Allow-Headers", "*")
		h.Set("Access-Control-Max-Age", "86400")
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("Allow", allowed)
		rc.answer(w, r, View{}, Receipt{}, &Error{Status: http.StatusMethodNotAllowed, Code: CodeMethod,
			Message: "A Webmention is sent with POST."})
	}
}

const allowed = "GET, HEAD, OPTIONS, POST"

// prefill is a field of the form as the address of the form gives it.
func (rc *Receiver) prefill(q url.Values, name string) string {
	if s := q.Get(name); len(s) <= rc.maxURL() {
		return s
	}
	return ""
}

// receive reads, checks and hands on one request. It leaves the fields as they
// were sent in v. What it accepts is looked at later.
// Spec: webmention#receiving-webmentions-p-1
func (rc *Receiver) receive(w http.ResponseWriter, r *http.Request, v *View) (Receipt, error) {
	form, err := readForm(w, r, rc.maxBytes())
	if err != nil {
		return Receipt{}, err
	}
	v.Source, v.Target = form.Get("source"), form.Get("target")
	if len(form["source"]) != 1 || len(form["target"]) != 1 {
		return Receipt{}, &Error{Code: CodeInvalidRequest,
			Message: "A Webmention has exactly one source and one target."}
	}
	source, err := parseURL(v.Source, rc.maxURL())
	if err != nil {
		return Receipt{}, &Error{Code: CodeInvalidSource, Message: "source " + err.Error()}
	}
	target, err := parseURL(v.Target, rc.maxURL())
	if err != nil {
		return Receipt{}, &Error{Code: CodeInvalidTarget, Message: "target " + err.Error()}
	}
	// The receiver must reject the request if source and target are the same URL.
	// Spec: webmention#request-verification-p-2
	if samePage(source, target) {
		return Receipt{}, &Error{Code: CodeSameURL, Message: "source and target are the same page"}
	}
	return rc.Inbox.Accept(r.Context(), Request{Source: source, Target: target, From: rc.from(r)})
}

// answer is the one place that turns what became of a request into a response.
func (rc *Receiver) answer(w http.ResponseWriter, r *http.Request, v View, receipt Receipt, err error) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	h.Set("Access-Control-Expose-Headers", "Location, Retry-After")
	status, text := http.StatusAccepted, "Accepted: the source will be looked at soon."
	switch v.Err = rc.refusal(r, err); {
	case v.Err != nil:
		status, text = v.Err.status(), v.Err.message()
		if n := v.Err.retryAfter(); n > 0 {
			h.Set("Retry-After", strconv.Itoa(n))
		}
	case receipt.Status != "":
		// With a status page the answer must be 201 and its Location.
		// Spec: webmention#receiving-webmentions-p-2
		status, text = http.StatusCreated, text+" See "+receipt.Status
		h.Set("Location", receipt.Status)
		v.Receipt = receipt
	case receipt.Verified:
		// What was processed before the answer must be answered 200.
		// Spec: webmention#receiving-webmentions-p-8
		status, text = http.StatusOK, "Accepted: the source links to the target."
		v.Receipt = receipt
	default:
		// Without one, processed later, it must be 202.
		// Spec: webmention#receiving-webmentions-p-5
		v.Receipt = receipt
	}
	if rc.Page != nil && prefersHTML(r.Header.Values("Accept")) {
		rc.Page(w, r, status, v)
		return
	}
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // a sender that went away has its answer anyway
}

// refusal is err as the sender may see it, nil for none. What is our own fault is
// logged here and answered without details.
// Spec: webmention#error-responses-p-6
func (rc *Receiver) refusal(r *http.Request, err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Status: http.StatusInternalServerError, Code: CodeServer,
			Message: "The Webmention could not be kept. Please send it again later."}
		var later interface{ RetryAfter() time.Duration }
		if errors.As(err, &later) { // no room, or no disk: it may fare better then
			e.Status, e.RetryAfter = http.StatusServiceUnavailable, later.RetryAfter()
		}
	}
	if e.status() >= 500 && r.Context().Err() == nil {
		logger(rc.Log).Error("webmention not accepted", "status", e.status(), "err", err)
	}
	return e
}

func (rc *Receiver) page(w http.ResponseWriter, r *http.Request, status int, v View) {
	if rc.Page != nil {
		rc.Page(w, r, status, v)
		return
	}
	minimalForm(w, status, v)
}

func (rc *Receiver) maxBytes() int64 {
	if rc.MaxBytes > 0 {
		return rc.MaxBytes
	}
	return 8 << 10
}

func (rc *Receiver) maxURL() int {
	if rc.MaxURL > 0 {
		return rc.MaxURL
	}
	return maxURL
}

func (rc *Receiver) from(r *http.Request) netip.Addr {
	if rc.From != nil {
		return rc.From(r)
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}

func logger(l *slog.Logger) *slog.Logger {
	if l == nil {
		return slog.New(slog.DiscardHandler)
	}
	return l
}

func tooLarge(limit int64) error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge,
		Message: fmt.Sprintf("A Webmention has at most %d bytes.", limit)}
}
