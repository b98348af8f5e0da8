package webmention_test

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"tertulia/webmention"
)

func yesNo(b bool) string { return map[bool]string{true: "yes", false: "no"}[b] }

func (b *bench) setVerifier(_ []string, data string) {
	b.settings(data, func(name, value string) bool {
		b.verifier.MaxBytes = b.number(value)
		return name == "max-bytes"
	})
}

func (b *bench) verify(args []string, data string) {
	v, err := b.verifier.Verify(b.Context(), mustURL(b, args[0]), mustURL(b, args[1]))
	if v.Reason == "" || err != nil && v.Outcome != webmention.Unavailable {
		b.Errorf("got %v (%q) and %v", v.Outcome, v.Reason, err)
	}
	var links []string
	for u := range v.Links() {
		links = append(links, u.String())
	}
	b.check(map[string]string{
		"outcome": v.Outcome.String(), "linked": yesNo(v.Linked), "status": strconv.Itoa(v.Status), "final": v.Final.String(),
		"permanent": strings.Join(v.Permanent, " "), "type": v.Type, "truncated": yesNo(v.Truncated),
		"links": strings.Join(links, " "), "retry-after": v.RetryAfter.String(), "error": yesNo(err != nil),
	}, data)
}

func (b *bench) linked(target, data string, want bool) {
	const source = "https://friend.example/blog/reply"
	outcome := map[bool]webmention.Outcome{true: webmention.Linked, false: webmention.Unlinked}[want]
	for _, body := range lines(b, data) {
		b.web.answers["GET "+source] = "200\nContent-Type: " + b.pageType + "\n\n" + body
		v, err := b.verifier.Verify(b.Context(), mustURL(b, source), mustURL(b, target))
		if err != nil || v.Outcome != outcome || v.Linked != want {
			b.Errorf("%s: got %v (%s), %v; want %v", body, v.Outcome, v.Reason, err, outcome)
		}
	}
}

func (b *bench) setSender(_ []string, data string) {
	b.settings(data, func(name, value string) bool {
		switch name {
		case "max-bytes":
			b.sender.MaxBytes = b.number(value)
		case "allow":
			b.sender.Allow = append(b.sender.Allow, netip.MustParsePrefix(value))
		default:
			return false
		}
		return true
	})
}

// failed are the fields of a sender's error.
func (b *bench) failed(err error) map[string]string {
	b.Helper()
	var se *webmention.SendError
	if !errors.As(err, &se) {
		b.Fatalf("got %v, want a SendError", err)
	}
	return map[string]string{"failed": "yes", "no endpoint": yesNo(errors.Is(err, webmention.ErrNoEndpoint)),
		"temporary": yesNo(se.Temporary()), "status": strconv.Itoa(se.Status), "retry-after": se.RetryAfter.String()}
}

func (b *bench) discover(args []string, data string) {
	u, err := b.sender.Discover(b.Context(), mustURL(b, args[0]))
	if err != nil {
		b.check(b.failed(err), data)
		return
	}
	b.check(map[string]string{"endpoint": u.String()}, data)
}

func (b *bench) send(args []string, data string) {
	d, err := b.sender.Send(b.Context(), mustURL(b, args[0]), mustURL(b, args[1]))
	if err != nil {
		b.check(b.failed(err), data)
		return
	}
	got := map[string]string{"failed": "no", "status": strconv.Itoa(d.Status), "endpoint": d.Endpoint.String(), "location": ""}
	if d.Location != nil {
		got["location"] = d.Location.String()
	}
	b.check(got, data)
}

func (b *bench) status(args []string, data string) {
	report, err := b.sender.Status(b.Context(), mustURL(b, args[0]))
	if err != nil {
		b.check(b.failed(err), data)
		return
	}
	b.check(map[string]string{"failed": "no", "state": report.State.String(), "status": strconv.Itoa(report.Status),
		"text": report.Text, "final": yesNo(report.State.Final()), "retry-after": report.RetryAfter.String()}, data)
}
