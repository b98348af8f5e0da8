package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tertulia/indieauth"
	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// clientCases are the cases of the library whose requests are written as real programs send
// them, and where the program with its own pages answers otherwise than the library's
// example does, which has every ability: the request's number → status.
var clientCases = map[string]map[int]int{
	"quill-session": {}, "quill-note": {}, "quill-article": {1: 202}, "quill-photo-alt": {}, "quill-event": {}, "quill-multipart": {}, "quill-edit": {},
	"micropublish-form": {}, "micropublish-json": {}, "micropublish-update": {}, "micropublish-edit": {}, "micropublish-upload": {},
	"indigenous-note": {}, "indigenous-body-token": {}, "indigenous-checkin": {}, "indigenous-contact": {}, "indigenous-places": {3: 400}, "indigenous-queries": {},
	"browser-create": {}, "grantcodes-browser": {},
}

// Every request that real clients send, to the real program: status, Location, what an
// editor is given back, and what the page shows (SPECS section 10, by the cases
// of micropub/testdata).
func TestClients(t *testing.T) {
	t.Parallel()
	c := &counter{blog: newBlog(t, "", `preset = "html"`), tokens: map[string]string{}}
	c.tokens["quill"] = c.issue("https://quill.p3k.io/", "create update delete media")
	c.open()
	for name, scope := range map[string]string{"create": "create", "media": "media", "all": "create update delete undelete media"} {
		c.tokens[name] = c.must("token", "new", "--scope", scope)
	}
	for _, name := range slices.Sorted(maps.Keys(clientCases)) {
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(filepath.Join("../../micropub/testdata", name+".txtar"))
			if err != nil {
				t.Fatal(err)
			}
			c.t, c.mortal.t = t, t
			c.play(archive, clientCases[name])
		})
	}
	c.t, c.mortal.t = t, t
	c.fine()
}

// counter is where the clients of the cases come to.
type counter struct {
	*blog
	tokens map[string]string // by their names in the cases
	known  map[string]string // the addresses of posts: as in the case → here
}

// issue makes a token as signing in with a client does.
func (c *counter) issue(client, scope string) string {
	c.t.Helper()
	db, err := store.Open(c.mortal.dir, store.Options{})
	if err != nil {
		c.t.Fatal(err)
	}
	defer db.Close()
	home, err := url.Parse(c.home)
	if err != nil {
		c.t.Fatal(err)
	}
	server := indieauth.Server{Me: c.home, Storage: &site.Access{Site: &site.Site{Key: c.host(), URL: home}, DB: db}}
	secret, err := server.Issue(c.t.Context(), client, strings.Fields(scope))
	if err != nil {
		c.t.Fatal(err)
	}
	return secret
}

// play sends the requests of a case and holds the program to the answers.
func (c *counter) play(archive *txtar.Archive, differs map[int]int) {
	c.t.Helper()
	picture := c.newUpload(500)
	if !c.upload(picture) {
		c.t.Fatalf("an upload is not taken: %v", c.wrong)
	}
	c.known = map[string]string{"https://blog.example/media/1": picture.at}
	for address, properties := range map[string]map[string][]any{
		"https://blog.example/1":            {"content": {"hello"}, "category": {"a", "b"}, "published": {"2026-01-02T03:04:05Z"}},
		"https://blog.example/2":            {"name": {"Two"}, "content": {map[string]any{"html": "<b>Hello</b> & goodbye"}}},
		"https://blog.example/?p=5&lang=es": {"content": {"five"}},
	} {
		properties["mp-slug"] = []any{strings.ToLower(strings.ReplaceAll(c.t.Name(), "/", "-"))}
		s := &sample{kind: address, how: "json", typ: "h-entry", properties: properties}
		c.create(s)
		c.known[address] = s.at
	}
	var (
		number int
		sent   *http.Request
		got    *http.Response
		body   []byte
		made   string
	)
	for _, f := range archive.Files {
		switch where := fmt.Sprintf("request %d", number); f.Name {
		case "request":
			number++
			sent = c.readRequest(f.Data)
			got, body = c.send(sent)
			if got.StatusCode == http.StatusCreated || got.StatusCode == http.StatusAccepted {
				made = got.Header.Get("Location")
			}
		case "answer":
			c.checkAnswer(where, sent, got, body, string(f.Data), differs[number])
		case "created":
			if want := strings.TrimSpace(string(f.Data)); want != "nothing" {
				c.checkCreated(where, made, []byte(want))
			}
		case "post":
			if want := strings.TrimSpace(string(f.Data)); want != "gone" {
				c.checkCreated(where, c.known["https://blog.example/1"], []byte(want))
			} else {
				c.until(where+": the page answers 410", func() bool {
					status, _, _ := c.page(c.known["https://blog.example/1"])
					return status == http.StatusGone
				})
			}
		}
	}
}

// uploadPart is a part of a multipart body that has a file.
var uploadPart = regexp.MustCompile(`(?s)(filename="[^"]*"(?:\r\n[^\r\n]+)*\r\n\r\n).*?(\r\n--)`)

// readRequest reads a request of a case and makes it one to this program: its addresses,
// its tokens, and pictures where the case has a word for one.
func (c *counter) readRequest(data []byte) *http.Request {
	c.t.Helper()
	text := string(data)
	for theirs, ours := range c.known {
		text = strings.ReplaceAll(text, theirs, ours)
		text = strings.ReplaceAll(text, url.QueryEscape(theirs), url.QueryEscape(ours))
	}
	for name, secret := range c.tokens {
		text = strings.ReplaceAll(text, "Bearer "+name+"\n", "Bearer "+secret+"\n")
		text = strings.ReplaceAll(text, "access_token="+name, "access_token="+secret)
		text = strings.ReplaceAll(text, "name=\"access_token\"\n\n"+name+"\n", "name=\"access_token\"\n\n"+secret+"\n")
	}
	head, body, _ := strings.Cut(text, "\n\n")
	if strings.Contains(head, "multipart/") {
		body = uploadPart.ReplaceAllStringFunc(strings.ReplaceAll(body, "\n", "\r\n"), func(part string) string {
			m := uploadPart.FindStringSubmatch(part)
			return m[1] + string(c.newUpload(500).data) + m[2]
		})
	} else {
		body = strings.TrimSuffix(body, "\n")
	}
	raw := strings.ReplaceAll(strings.TrimSpace(head), "\n", "\r\n") + "\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
	if err != nil {
		c.t.Fatalf("request of the case: %v", err)
	}
	to, err := url.Parse(c.at(strings.TrimPrefix(r.RequestURI, "/")))
	if err != nil {
		c.t.Fatal(err)
	}
	r.URL, r.Host, r.RequestURI = to, "", ""
	return r
}

func (c *counter) send(r *http.Request) (*http.Response, []byte) {
	c.t.Helper()
	resp, err := noRedirects.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		c.t.Fatal(err)
	}
	return resp, b.Bytes()
}

// checkAnswer compares an answer with that of the case: the status, what is said to
// browsers, where the new post is, and what was asked about a post.
func (c *counter) checkAnswer(where string, sent *http.Request, got *http.Response, body []byte, answer string, differs int) {
	c.t.Helper()
	head, text, _ := strings.Cut(answer, "\n\n")
	lines := strings.Split(strings.TrimSpace(head), "\n")
	want, err := strconv.Atoi(lines[0])
	if err != nil {
		c.t.Fatal(err)
	}
	if differs != 0 {
		want = differs
	}
	if got.StatusCode != want {
		c.t.Errorf("%s: got %s with %s, want %d", where, got.Status, body, want)
		return
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		if v := got.Header.Get(name); name != "Location" && v != strings.TrimSpace(value) {
			c.t.Errorf("%s: got %s %q, want %q", where, name, v, value)
		}
	}
	made := want == http.StatusCreated || want == http.StatusAccepted
	if location := got.Header.Get("Location"); made != strings.HasPrefix(location, c.home) || !made && location != "" {
		c.t.Errorf("%s: got %s with Location %q", where, got.Status, location)
	}
	query := sent.URL.Query()
	if text = strings.TrimSpace(text); text == "" || differs != 0 || query.Get("url") == "" {
		return // what else is asked depends on the server
	}
	c.checkJSON(where, body, []byte(text))
}

func (c *counter) checkJSON(where string, got, want []byte) {
	c.t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		c.t.Errorf("%s: got %s: %v", where, got, err)
		return
	}
	if err := json.Unmarshal(want, &w); err != nil {
		c.t.Fatal(err)
	}
	if asked, ok := g.(map[string]any); ok {
		if properties, ok := asked["properties"].(map[string]any); ok && !bytes.Contains(want, []byte(`"published":`)) {
			delete(properties, "published") // which every post gets
		}
	}
	if diff := cmp.Diff(w, g); diff != "" {
		c.t.Errorf("%s: (-want +got)\n%s", where, diff)
	}
}

// checkCreated compares what an editor is given of a post with that of the case, and looks
// at the page.
func (c *counter) checkCreated(where, address string, want []byte) {
	c.t.Helper()
	is := c.source(address)
	// Uploads have other names here.
	var item mf2.Item
	if err := json.Unmarshal(want, &item); err != nil {
		c.t.Fatal(err)
	}
	theirs, ours := item.URLs("photo"), is.URLs("photo")
	if len(theirs) != len(ours) {
		c.t.Errorf("%s: got photos %q, want %q", where, ours, theirs)
		return
	}
	for i := range theirs {
		if strings.HasPrefix(theirs[i], "https://blog.example/media/") {
			want = bytes.ReplaceAll(want, []byte(strconv.Quote(theirs[i])), []byte(strconv.Quote(ours[i])))
		}
	}
	raw, err := json.Marshal(is)
	if err != nil {
		c.t.Fatal(err)
	}
	c.checkJSON(where, raw, want)
	if slices.Contains(is.Type, "h-card") {
		if status, _, _ := c.page(address); status != http.StatusNotFound {
			c.t.Errorf("%s: the editor's address book answers a reader %d, want 404", where, status)
		}
		return
	}
	c.checkPage(where, address, is)
}

// checkPage looks whether a page shows what a post says.
func (c *counter) checkPage(where, address string, is mf2.Item) {
	c.t.Helper()
	c.until(where+": "+address+" is live", func() bool { p := c.posts()[address]; return p.Announced == p.Revision || p.Draft })
	status, entry, body := c.page(address)
	if is.Get("post-status") == "draft" {
		if status != http.StatusNotFound {
			c.t.Errorf("%s: a draft answers %d, want 404", where, status)
		}
		return
	}
	if status != http.StatusOK {
		c.t.Errorf("%s: %s answers %d", where, address, status)
		return
	}
	for _, name := range []string{"category", "photo", "in-reply-to"} {
		if diff := cmp.Diff(is.Strings(name), entry.Strings(name)); diff != "" && name == "category" {
			c.t.Errorf("%s: %s on the page (-want +got):\n%s\n%s", where, name, diff, body)
		}
		if diff := cmp.Diff(is.URLs(name), entry.URLs(name)); diff != "" && name != "category" {
			c.t.Errorf("%s: %s on the page (-want +got):\n%s\n%s", where, name, diff, body)
		}
	}
	if name := is.Get("name"); name != "" && !strings.Contains(entry.Get("name"), name) {
		c.t.Errorf("%s: the page has the name %q, want %q", where, entry.Get("name"), name)
	}
	for _, word := range regexp.MustCompile(`\pL+`).FindAllString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(is.Get("content"), " "), -1) {
		if !strings.Contains(entry.Get("content"), word) {
			c.t.Errorf("%s: the page says %q, without %q", where, entry.Get("content"), word)
		}
	}
	for _, photo := range is.URLs("photo") {
		if !strings.HasPrefix(photo, c.home) {
			continue
		}
		if resp, raw, err := c.request("GET", photo, "", nil); err != nil || resp.StatusCode != http.StatusOK || !bytes.HasPrefix(raw, []byte("\x89PNG")) {
			c.t.Errorf("%s: the picture %s: %v, %v", where, photo, resp, err)
		}
	}
}

// Which cases there are is decided by their names, so that no client is forgotten.
func TestNoClientIsForgotten(t *testing.T) {
	names, err := os.ReadDir("../../micropub/testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range names {
		name := strings.TrimSuffix(entry.Name(), ".txtar")
		client, _, _ := strings.Cut(name, "-")
		if _, played := clientCases[name]; !played && slices.Contains([]string{"quill", "micropublish", "indigenous", "browser", "grantcodes"}, client) {
			t.Errorf("%s is not played to the program", name)
		}
	}
}
