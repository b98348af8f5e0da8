package micropub_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/micropub"
)

// TestProtocol runs testdata/*.txtar: after a first line that says why the case
// exists come, in any order and number,
//
//	blog      what is special about this blog: "pending", "moved ADDRESS", "plain", "single"
//	request   an HTTP request; multipart gets its CRLFs here
//	answer    status, the headers that matter, the body (JSON by value)
//	created   the item of the last create, or "nothing"
//	commands  the commands of the last create or update
//	post      the post at https://blog.example/1, or "gone"
//	files     the uploads: address, size, claimed type and name
//	asked     the last Query that a Lister got, without what is not set
func TestProtocol(t *testing.T) {
	cases, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, name := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			why, sections := parseCase(string(data))
			if why == "" {
				t.Error("the case does not say why it exists")
			}
			b := newBlog()
			h := handler(b)
			var got *httptest.ResponseRecorder
			for i, f := range sections {
				where := fmt.Sprintf("%s, part %d", f.name, i+1)
				switch f.name {
				case "blog":
					setUp(t, b, h, f.data)
				case "request":
					got = httptest.NewRecorder()
					r := readRequest(t, f.data)
					if strings.HasPrefix(r.URL.Path, "/media") {
						h.Media().ServeHTTP(got, r)
					} else {
						h.ServeHTTP(got, r)
					}
				case "answer":
					checkAnswer(t, where, got, f.data)
				case "created":
					if len(b.created) == 0 {
						checkJSON(t, where, "nothing", f.data)
					} else {
						checkJSON(t, where, b.created[len(b.created)-1].Item, f.data)
					}
				case "commands":
					checkJSON(t, where, b.commands, f.data)
				case "post":
					if it, ok := b.posts[home+"1"]; ok {
						checkJSON(t, where, it, f.data)
					} else {
						checkJSON(t, where, "gone", f.data)
					}
				case "files":
					if diff := cmp.Diff(f.data, listFiles(b)); diff != "" {
						t.Errorf("%s: (-want +got)\n%s", where, diff)
					}
				case "asked":
					checkJSON(t, where, asked(t, b), f.data)
				default:
					t.Fatalf("unknown part %q", f.name)
				}
			}
		})
	}
}

func setUp(t *testing.T, b *blog, h *micropub.Handler, data string) {
	t.Helper()
	for line := range strings.Lines(data) {
		switch word, rest, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "pending":
			b.pending = true
		case "moved":
			b.moved = rest
		case "single":
			b.single = true
		case "plain":
			h.Backend = plain{b}
		default:
			t.Fatalf("unknown line %q", line)
		}
	}
}

func asked(t *testing.T, b *blog) map[string]any {
	t.Helper()
	if len(b.listed) == 0 {
		return nil
	}
	last := b.listed[len(b.listed)-1]
	last.Values = nil
	encoded, err := json.Marshal(last)
	if err != nil {
		t.Fatal(err)
	}
	var set map[string]any
	if err := json.Unmarshal(encoded, &set); err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(set, func(_ string, v any) bool {
		switch v {
		case nil, "", 0.0, false:
			return true
		}
		return false
	})
	return set
}

type section struct{ name, data string }

// parseCase splits a txtar file into its comment and its sections.
func parseCase(text string) (comment string, sections []section) {
	for line := range strings.Lines(text) {
		name, isHead := strings.CutPrefix(strings.TrimSpace(line), "-- ")
		name, hasTail := strings.CutSuffix(name, " --")
		switch {
		case isHead && hasTail:
			sections = append(sections, section{name: name})
		case len(sections) == 0:
			comment += line
		default:
			sections[len(sections)-1].data += line
		}
	}
	return strings.TrimSpace(comment), sections
}

func listFiles(b *blog) string {
	var s strings.Builder
	for i, f := range b.claims {
		address := fmt.Sprintf("%smedia/%d", home, i+1)
		fmt.Fprintf(&s, "%s %d %q %q\n", address, len(b.files[address]), f.ContentType, f.Name)
	}
	return s.String()
}

func readRequest(t *testing.T, data string) *http.Request {
	t.Helper()
	head, body, _ := strings.Cut(data, "\n\n")
	if strings.Contains(head, "multipart/") {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	} else {
		body = strings.TrimSuffix(body, "\n")
	}
	raw := strings.ReplaceAll(strings.TrimSpace(head), "\n", "\r\n") + "\r\nHost: blog.example\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		t.Fatalf("request of the case: %v", err)
	}
	return r
}

func checkAnswer(t *testing.T, where string, got *httptest.ResponseRecorder, answer string) {
	t.Helper()
	head, body, _ := strings.Cut(answer, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	if status := strconv.Itoa(got.Code); status != lines[0] {
		t.Errorf("%s: got status %s with %s, want %s", where, status, got.Body, lines[0])
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if v := got.Header().Get(name); v != strings.TrimSpace(value) {
			t.Errorf("%s: got %s %q, want %q", where, name, v, value)
		}
	}
	switch body = strings.TrimSpace(body); {
	case body == "":
		if got.Code != 200 && got.Code < 400 && got.Body.Len() > 0 {
			t.Errorf("%s: got body %s, want none", where, got.Body)
		}
	case strings.HasPrefix(got.Header().Get("Content-Type"), "application/json"):
		checkJSON(t, where, json.RawMessage(got.Body.Bytes()), body)
	default:
		if diff := cmp.Diff(body, strings.TrimSpace(got.Body.String())); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", where, diff)
		}
	}
	if got.Code >= 400 && got.Header().Get("Location") != "" {
		t.Errorf("%s: got a Location on an error", where)
	}
}

// checkJSON compares a value with JSON; "nothing" and "gone" may stand unquoted.
func checkJSON(t *testing.T, where string, got any, want string) {
	t.Helper()
	if w := strings.TrimSpace(want); w == "nothing" || w == "gone" {
		if got != any(w) {
			t.Errorf("%s: got %v, want %s", where, got, w)
		}
		return
	}
	encoded, err := json.Marshal(got)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	var g, w any
	if err := json.Unmarshal(encoded, &g); err != nil {
		t.Fatalf("%s: got %s: %v", where, encoded, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("%s: the case: %v", where, err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s: (-want +got)\n%s", where, diff)
	}
}
