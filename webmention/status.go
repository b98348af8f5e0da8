package webmention

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// State is how a mention fares, as its status page says.
type State int

// A receiver owes its senders no word that programs understand: many status pages
// are for people, and many receivers have none.
const (
	StateUnknown  State = iota // nothing that a program understands
	StatePending               // not looked at yet, or waiting for a person
	StateAccepted              // verified and taken
	StateRejected              // looked at and not taken
	StateGone                  // taken away again, or its status page was
)

var states = [...]string{"unknown", "pending", "accepted", "rejected", "gone"}

// String is the state in one lower-case word.
func (s State) String() string {
	if s < 0 || int(s) >= len(states) {
		return "state " + strconv.Itoa(int(s))
	}
	return states[s]
}

// Final reports whether asking again is of no use.
func (s State) Final() bool { return s == StateAccepted || s == StateRejected || s == StateGone }

// StatusReport is what a status page said.
type StatusReport struct {
	State      State
	Status     int           // HTTP status of the answer
	Text       string        // what it said to people, in one line of at most 200 runes, not escaped; "" for HTML
	RetryAfter time.Duration // when it asks to be asked again; 0: it does not say
}

const (
	maxStatus     = 64 << 10 // bytes of a status page that are read
	maxStatusText = 200      // runes
)

// words are what receivers write into "status". Most are those of webmention.io, whose
// status pages other receivers imitate.
var words = map[string]State{
	"queued": StatePending, "pending": StatePending, "received": StatePending, "processing": StatePending,
	"in_progress": StatePending, "moderation": StatePending, "waiting": StatePending,

	"success": StateAccepted, "approved": StateAccepted, "published": StateAccepted, "verified": StateAccepted,
	"complete": StateAccepted, "completed": StateAccepted,

	"no_link_found": StateRejected, "source_not_found": StateRejected, "target_not_found": StateRejected,
	"target_not_supported": StateRejected, "invalid_source": StateRejected, "invalid_target": StateRejected,
	"invalid": StateRejected, "already_registered": StateRejected, "access_token_error": StateRejected,
	"blocked": StateRejected, "spam": StateRejected, "rejected": StateRejected, "refused": StateRejected,
	"failed": StateRejected, "failure": StateRejected, "error": StateRejected,

	"deleted": StateGone, "withdrawn": StateGone, "removed": StateGone, "gone": StateGone, "expired": StateGone,
}

// Status asks the status page that came with a delivery ([Delivery].Location) how the
// mention fares, and follows its redirects. What the common receivers answer:
//
//   - webmention.io, and this package's applications: 200 with JSON, "status" as in
//     words, and "summary" for people. Its pages last for three days, then 404.
//   - JSON with "error" (and "error_description") for what was refused: rejected.
//   - 202: pending. 404, 410: gone. 400, 409 and 422, the fault of what was sent: rejected.
//   - A page of HTML, or the copy that a bridge has made: unknown.
//
// The error is a *[SendError]: after a 429, a 5xx or a failure of the network it is
// temporary, and says nothing of the mention.
// Spec: webmention#sender-notifies-receiver-p-3
func (s *Sender) Status(ctx context.Context, location *url.URL) (StatusReport, error) {
	report, err := s.status(ctx, location)
	if err != nil {
		return StatusReport{}, sendError("ask the status page", location, err)
	}
	return report, nil
}

func (s *Sender) status(ctx context.Context, location *url.URL) (StatusReport, error) {
	if !isHTTP(location) {
		return StatusReport{}, fmt.Errorf("%w: no http or https URL", errRefused)
	}
	if err := s.outside(location); err != nil {
		return StatusReport{}, err
	}
	req, err := newGet(ctx, location, s.UserAgent, "application/json, text/plain;q=0.9, text/html;q=0.5, */*;q=0.1")
	if err != nil {
		return StatusReport{}, err
	}
	resp, err := following(s.Client, nil).Do(req)
	if err != nil {
		return StatusReport{}, err
	}
	defer resp.Body.Close()
	failure := &SendError{Status: resp.StatusCode, RetryAfter: retryAfter(resp.Header),
		Err: fmt.Errorf("answered %d", resp.StatusCode)}
	if failure.Temporary() {
		return StatusReport{}, failure
	}
	body, _, err := readUpTo(resp.Body, maxStatus)
	if err != nil {
		return StatusReport{}, err
	}
	report := StatusReport{State: stateOf(resp.StatusCode), Status: resp.StatusCode, RetryAfter: failure.RetryAfter}
	if encoded(resp.Header) {
		return report, nil
	}
	switch kind := resp.Header.Get("Content-Type"); kindOf(kind) {
	case "json":
		said, text := readStatus(body)
		report.Text = text
		if said != StateUnknown && report.State != StateGone {
			report.State = said
		}
	case "text":
		report.Text = oneLine(string(decodeText(body, kind)))
	}
	return report, nil
}

// stateOf is what the bare HTTP status says.
func stateOf(code int) State {
	switch code {
	case http.StatusAccepted:
		return StatePending
	case http.StatusNotFound, http.StatusGone:
		return StateGone
	case http.StatusBadRequest, http.StatusConflict, http.StatusUnprocessableEntity:
		return StateRejected
	}
	return StateUnknown
}

// readStatus reads the JSON of a status page. Values of other types than strings say
// nothing.
func readStatus(body []byte) (State, string) {
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return StateUnknown, ""
	}
	text := ""
	for _, name := range []string{"summary", "error_description", "message", "description", "error", "result"} {
		if s, ok := fields[name].(string); ok && text == "" {
			text = oneLine(s)
		}
	}
	status, _ := fields["status"].(string)
	status = strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(status)))
	state := words[status]
	if failed, _ := fields["error"].(string); state == StateUnknown && failed != "" {
		state = StateRejected
	}
	return state, text
}

// oneLine is what a stranger says, in one line of bounded length: without control
// characters and marks that turn the text around.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	runes := []rune(strings.Join(strings.Fields(s), " "))
	return string(runes[:min(len(runes), maxStatusText)])
}
