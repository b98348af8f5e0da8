package webmention_test

import (
	"fmt"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"tertulia/webmention"
)

// bench runs one case: a web in memory, a receiver with an inbox, a verifier, a sender.
type bench struct {
	*testing.T
	web      pages
	inbox    *inbox
	receiver webmention.Receiver
	answer   *httptest.ResponseRecorder
	verifier webmention.Verifier
	sender   webmention.Sender
	pageType string
}

// parts are what a case is made of after its first line, which says why it exists
// and names the rules that it shows. They run in their order.
//
//	page [METHOD] URL       what a URL answers: status, headers, an empty line, the body
//	receiver                what is special about it: "status URL", "verified", "max-bytes N"
//	request                 an HTTP request to the receiver, its body without line ends
//	answer                  status, the headers that matter, an empty line, the body
//	inbox                   the "SOURCE TARGET" lines that were handed on since the last look, or "nothing"
//	accepted, refused       URLs, one per line, as a source that is sent and as ParseURL takes it
//	verifier                what is special about it: "max-bytes N"
//	type                    the Content-Type of the pages of the next two
//	linked TARGET           pages, one per line, at https://friend.example/blog/reply, that link to it
//	not linked TARGET       pages that do not
//	verify SOURCE TARGET    fields of the Verification, "outcome: linked"
//	sender                  what is special about it: "max-bytes N", "allow NETWORK"
//	discover TARGET         fields of what is found, "endpoint: …", or of the error
//	send SOURCE TARGET      fields of the Delivery, or of the error
//	status URL              fields of the StatusReport, or of the error
//	requests                "METHOD URL BODY" of all that the web was asked since the last look, or "nothing"
//
// A line that begins with a quote is a Go string, and ⟦3×ab⟧ is "ababab".
var parts = map[string]func(b *bench, args []string, data string){
	"page": (*bench).page, "requests": (*bench).requests,
	"receiver": (*bench).setReceiver, "request": (*bench).request, "answer": (*bench).checkAnswer, "inbox": (*bench).checkInbox,
	"accepted": func(b *bench, _ []string, data string) { b.urls(data, true) },
	"refused":  func(b *bench, _ []string, data string) { b.urls(data, false) },
	"verifier": (*bench).setVerifier, "verify": (*bench).verify,
	"type":   func(b *bench, _ []string, data string) { b.pageType = strings.TrimSpace(data) },
	"linked": func(b *bench, args []string, data string) { b.linked(args[0], data, true) },
	"not":    func(b *bench, args []string, data string) { b.linked(args[1], data, false) },
	"sender": (*bench).setSender, "discover": (*bench).discover, "send": (*bench).send, "status": (*bench).status,
}

// TestConformance runs testdata/*.txtar.
func TestConformance(t *testing.T) {
	for name, archive := range cases(t) {
		t.Run(name, func(t *testing.T) {
			if strings.TrimSpace(string(archive.Comment)) == "" {
				t.Error("the case does not say why it exists")
			}
			b := newBench(t)
			for i, f := range archive.Files {
				words := strings.Fields(f.Name)
				run, ok := parts[words[0]]
				if !ok {
					t.Fatalf("unknown part %q", f.Name)
				}
				t.Run(fmt.Sprintf("%d %s", i+1, words[0]), func(t *testing.T) {
					b.T = t
					run(b, words[1:], expand(string(f.Data)))
				})
			}
		})
	}
}

// cases are the files of testdata by the names of their subtests.
func cases(t testing.TB) map[string]*txtar.Archive {
	t.Helper()
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	all := map[string]*txtar.Archive{}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(name), ".txtar")] = archive
	}
	return all
}

// seeds are the lines, or with whole the bodies, of the parts that have one of the
// names, for fuzzing.
func seeds(f *testing.F, whole bool, names ...string) []string {
	f.Helper()
	var out []string
	for _, archive := range cases(f) {
		for _, file := range archive.Files {
			if !slices.Contains(names, strings.Fields(file.Name)[0]) {
				continue
			}
			data := expand(string(file.Data))
			if whole {
				_, body, _ := strings.Cut(data, "\n\n")
				out = append(out, body)
			} else {
				out = append(out, lines(f, data)...)
			}
		}
	}
	return out
}

func newBench(t *testing.T) *bench {
	b := &bench{T: t, inbox: &inbox{host: "me.example"}, pageType: "text/html; charset=utf-8"}
	b.web.answers = map[string]string{}
	b.receiver.Inbox = b.inbox
	b.verifier.Client, b.sender.Client = b.web.client(), b.web.client()
	return b
}

var repeated = regexp.MustCompile(`⟦(\d+)×([^⟧]*)⟧`)

func expand(s string) string {
	return repeated.ReplaceAllStringFunc(s, func(m string) string {
		parts := repeated.FindStringSubmatch(m)
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			panic(err)
		}
		return strings.Repeat(parts[2], n)
	})
}

// lines are the lines of data, unquoted where they are quoted; empty ones are none.
func lines(t testing.TB, data string) []string {
	t.Helper()
	var out []string
	for _, line := range strings.Split(strings.TrimSuffix(data, "\n"), "\n") {
		if strings.HasPrefix(line, `"`) {
			unquoted, err := strconv.Unquote(line)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			line = unquoted
		} else if line == "" {
			continue
		}
		out = append(out, line)
	}
	return out
}

// settings calls set for each "name value" line of data.
func (b *bench) settings(data string, set func(name, value string) bool) {
	b.Helper()
	for _, line := range lines(b, data) {
		name, value, _ := strings.Cut(line, " ")
		if !set(name, value) {
			b.Fatalf("unknown setting %q", line)
		}
	}
}

func (b *bench) number(s string) int64 {
	b.Helper()
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// check compares the fields that data names, in "name: value" lines.
func (b *bench) check(got map[string]string, data string) {
	b.Helper()
	for _, line := range lines(b, data) {
		name, want, _ := strings.Cut(line, ":")
		want = strings.TrimSpace(want)
		if value, known := got[name]; !known || value != want {
			b.Errorf("got %s %q, want %q; all: %v", name, value, want, got)
		}
	}
}

func (b *bench) page(args []string, data string) {
	if len(args) == 1 {
		args = append([]string{"GET"}, args...)
	}
	b.web.answers[args[0]+" "+args[1]] = data
}

func (b *bench) requests(_ []string, data string) {
	got := "nothing"
	if len(b.web.seen) > 0 {
		got = strings.Join(b.web.seen, "\n")
	}
	if want := strings.TrimSpace(data); got != want {
		b.Errorf("the web was asked\n%s\nwant\n%s", got, want)
	}
	b.web.seen = nil
}
