package webmention_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"

	"github.com/google/go-cmp/cmp"

	"tertulia/webmention"
)

func (b *bench) setReceiver(_ []string, data string) {
	b.settings(data, func(name, value string) bool {
		switch name {
		case "status":
			b.inbox.receipt.Status = value
		case "verified":
			b.inbox.receipt.Verified = true
		case "max-bytes":
			b.receiver.MaxBytes = b.number(value)
		default:
			return false
		}
		return true
	})
}

func (b *bench) request(_ []string, data string) {
	head, body, _ := strings.Cut(data, "\n\n")
	body = strings.TrimSuffix(body, "\n")
	if strings.Contains(head, "multipart/") {
		body = strings.ReplaceAll(body, "\n", "\r\n") + "\r\n"
	}
	body = strings.ReplaceAll(body, "&\n", "&")
	raw := strings.ReplaceAll(strings.TrimSpace(head), "\n", "\r\n") + "\r\nHost: me.example\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		b.Fatalf("request of the case: %v", err)
	}
	b.answer = httptest.NewRecorder()
	b.receiver.ServeHTTP(b.answer, r)
}

func (b *bench) checkAnswer(_ []string, data string) {
	head, body, _ := strings.Cut(data, "\n\n")
	want := strings.Split(strings.TrimSpace(head), "\n")
	if status := strconv.Itoa(b.answer.Code); status != want[0] {
		b.Errorf("got %s with %s, want %s", status, b.answer.Body, want[0])
	}
	for _, line := range want[1:] {
		name, value, _ := strings.Cut(line, ":")
		if got := b.answer.Header().Get(name); got != strings.TrimSpace(value) {
			b.Errorf("got %s %q, want %q", name, got, strings.TrimSpace(value))
		}
	}
	if body = strings.TrimSpace(body); body != "" && !strings.Contains(b.answer.Body.String(), body) {
		b.Errorf("got the body\n%s\nwant in it %s", b.answer.Body, body)
	}
}

func (b *bench) checkInbox(_ []string, data string) {
	var got []string
	for _, r := range b.inbox.got {
		got = append(got, r.Source.String()+" "+r.Target.String())
	}
	if len(got) == 0 {
		got = []string{"nothing"}
	}
	if diff := cmp.Diff(lines(b, data), got); diff != "" {
		b.Errorf("handed on (-want +got):\n%s", diff)
	}
	b.inbox.got = nil
}

func (b *bench) urls(data string, accepted bool) {
	for _, source := range lines(b, data) {
		if u, err := webmention.ParseURL(source); (err == nil) != accepted {
			b.Errorf("ParseURL(%q) = %v, %v; want accepted: %v", source, u, err, accepted)
		}
		b.inbox.got = nil
		w := post(&b.receiver, form, encode("source", source, "target", "https://me.example/post"))
		if kept := len(b.inbox.got) == 1; kept != accepted || (w.Code == http.StatusBadRequest) == accepted {
			b.Errorf("source %q: got %d, handed on: %v", source, w.Code, kept)
		}
	}
	b.inbox.got = nil
}
