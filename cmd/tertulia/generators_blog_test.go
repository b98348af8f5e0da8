package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tertulia/mf2"
	"tertulia/store"
)

// blog is the real program beside a site of the owner's, into whose source it writes.
type blog struct {
	*world
	t   *testing.T
	dir string // of the source
}

// newBlog unpacks a site of testdata/generators, or an empty one for "", and writes
// settings with these below [site.publish], where DIR is the source.
func newBlog(t *testing.T, archive, publish string) *blog {
	t.Helper()
	b := &blog{t: t, world: &world{mortal: newMortal(t, tertulia(t)), strangers: newStrangers(t), mentions: map[string]*sentMention{}}, dir: t.TempDir()}
	t.Cleanup(func() { // a build that goes on would write into directories that are being removed
		if b.cmd != nil && b.alive() {
			b.stop()
		}
	})
	if archive != "" {
		b.unpack(archive)
	}
	settings := fmt.Sprintf("listen = %q\ndata = %q\n[[site]]\nurl = %q\nname = \"Ana\"\n[site.publish]\n%s\n",
		b.host(), b.mortal.dir, b.home, strings.ReplaceAll(publish, "DIR", b.dir))
	if err := os.WriteFile(b.config(), []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *blog) host() string { return strings.Trim(strings.TrimPrefix(b.home, "http:"), "/") }

// unpack writes the files of an archive; SITE in them is the site's address.
func (b *blog) unpack(name string) {
	b.t.Helper()
	archive, err := txtar.ParseFile("testdata/generators/" + name + ".txtar")
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range archive.Files {
		b.put(f.Name, strings.ReplaceAll(string(f.Data), "SITE", b.home))
	}
}

func (b *blog) put(name, text string) {
	b.t.Helper()
	name = filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// file reads a file of the source; "" when there is none.
func (b *blog) file(name string) string {
	b.t.Helper()
	data, err := os.ReadFile(filepath.Join(b.dir, filepath.FromSlash(name)))
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	return string(data)
}

// open starts the program with an editor's token.
func (b *blog) open() {
	b.t.Helper()
	b.start()
	if err := b.signIn(); err != nil {
		b.t.Fatalf("%v\n%s", err, b.said())
	}
}

// until waits for something; what the program knows is told when it does not happen.
func (b *blog) until(what string, happened func() bool) {
	b.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(40 * time.Second); !happened(); <-tick.C {
		if time.Now().After(deadline) {
			jobs, _, _ := b.command("job", "list")
			posts, _, _ := b.command("post", "list")
			b.t.Fatalf("%s does not happen\n%s\n%s\n%s", what, jobs, posts, b.said())
		}
	}
}

func (b *blog) posts() map[string]store.Post {
	b.t.Helper()
	all := map[string]store.Post{}
	for _, p := range listOf[store.Post](b.mortal, "post", "list", "--limit", "1000") {
		all[p.Permalink] = p
	}
	return all
}

// announced waits until everybody knows of the newest revision of all posts.
func (b *blog) announced(n int) (all map[string]store.Post) {
	b.t.Helper()
	b.until(fmt.Sprintf("the announcement of %d posts", n), func() bool {
		all = b.posts()
		for _, p := range all {
			if p.Announced < p.Revision {
				return false
			}
		}
		return len(all) == n
	})
	return all
}

// parked is why jobs wait for the owner.
func (b *blog) parked() (why []string) {
	b.t.Helper()
	for _, j := range listOf[store.Job](b.mortal, "job", "list") {
		if !j.Parked.IsZero() {
			why = append(why, j.Kind+": "+j.Error)
		}
	}
	return why
}

// fine fails when jobs wait for the owner, or the program has said that something is wrong.
func (b *blog) fine() {
	b.t.Helper()
	if why := b.parked(); len(why) > 0 {
		b.t.Errorf("jobs wait for the owner: %q", why)
	}
	for _, bad := range []string{"DATA RACE", "panic", "level=ERROR", gitToken} {
		if said := b.said(); strings.Contains(said, bad) {
			b.t.Errorf("the program said %s: %s", bad, said)
		}
	}
}

// page reads the h-entry at an address.
func (b *blog) page(address string) (status int, entry mf2.Item, body string) {
	b.t.Helper()
	resp, raw, err := b.request("GET", address, "", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	page, _, err := mf2.Parse(bytes.NewReader(raw), resp.Header.Get("Content-Type"), u)
	if err != nil {
		b.t.Fatal(err)
	}
	entry, _ = page.Entry()
	return resp.StatusCode, entry, string(raw)
}

// source is what an editor is given of a post.
func (b *blog) source(address string) (it mf2.Item) {
	b.t.Helper()
	resp, raw, err := b.request("GET", b.at("micropub?q=source&url=")+url.QueryEscape(address), "", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		b.t.Errorf("q=source of %s: %v, %s", address, err, raw)
		return it
	}
	if err := json.Unmarshal(raw, &it); err != nil {
		b.t.Errorf("q=source of %s: %v in %s", address, err, raw)
	}
	return it
}

// act has an editor do something to a post.
func (b *blog) act(do map[string]any) {
	b.t.Helper()
	resp, raw, err := b.request("POST", b.at("micropub"), "application/json", encode(do))
	if err != nil || resp.StatusCode/100 != 2 {
		b.t.Errorf("%v: got %v, %v: %s", do, resp, err, raw)
	}
}

// create sends a post and knows its address from then on.
func (b *blog) create(s *sample) {
	b.t.Helper()
	contentType, body := s.body(b.newUpload(1000).data)
	resp, raw, err := b.request("POST", b.at("micropub"), contentType, body)
	if err != nil {
		b.t.Fatalf("%s: %v", s.kind, err)
	}
	if s.at = resp.Header.Get("Location"); resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusAccepted || !strings.HasPrefix(s.at, b.home) {
		b.t.Fatalf("%s: got %s, Location %q: %s", s.kind, resp.Status, s.at, raw)
	}
}

// unmarked is a file without the line that has our revision.
func unmarked(file string) string {
	return regexp.MustCompile(`(?m)^tertulia: .*\n`).ReplaceAllString(file, "")
}

// check compares what the page of a post says, and what an editor is given, with what was
// sent.
func (b *blog) check(s *sample, revision int) {
	b.t.Helper()
	status, entry, body := b.page(s.at)
	if status != http.StatusOK || !strings.Contains(body, fmt.Sprintf(`<meta name="tertulia-revision" content="%d">`, revision)) {
		b.t.Errorf("%s at %s answers %d without revision %d:\n%s", s.kind, s.at, status, revision, body)
		return
	}
	is := b.source(s.at)
	if !slices.Equal(is.Type, []string{s.typ}) {
		b.t.Errorf("%s: got type %q, want %s", s.kind, is.Type, s.typ)
	}
	want := map[string][]any{}
	for name, values := range s.properties {
		want[name] = values
	}
	if s.properties["published"] == nil {
		delete(is.Properties, "published")
	}
	if s.how == "multipart" {
		want["photo"] = is.Properties["photo"]
		b.checkPicture(s, is, entry)
	}
	if diff := cmp.Diff(want, is.Properties); diff != "" {
		b.t.Errorf("%s: q=source (-sent +got):\n%s\n%s", s.kind, diff, b.file(b.posts()[s.at].File))
	}
	sent := mf2.Item{Properties: s.properties}
	for _, name := range []string{"in-reply-to", "like-of", "repost-of", "bookmark-of"} {
		if diff := cmp.Diff(sent.URLs(name), entry.URLs(name)); diff != "" {
			b.t.Errorf("%s: %s on the page (-sent +got):\n%s\n%s", s.kind, name, diff, body)
		}
	}
	if diff := cmp.Diff(sent.Strings("category"), entry.Strings("category")); diff != "" {
		b.t.Errorf("%s: categories on the page (-sent +got):\n%s", s.kind, diff)
	}
	for _, word := range regexp.MustCompile(`[\pL\d]+`).FindAllString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(sent.Get("content"), " "), -1) {
		if !strings.Contains(entry.Get("content"), word) {
			b.t.Errorf("%s: the page says %q, without %q", s.kind, entry.Get("content"), word)
		}
	}
}

// checkPicture looks at an upload: it lies in the site, and its first address leads there.
func (b *blog) checkPicture(s *sample, is, entry mf2.Item) {
	b.t.Helper()
	shown := entry.URLs("photo")
	if len(shown) != 1 || len(is.URLs("photo")) != 1 {
		b.t.Errorf("the page shows %v, q=source %v", entry.Properties["photo"], is.Properties["photo"])
		return
	}
	if alt, ok := is.Properties["photo"][0].(map[string]any); !ok || alt["alt"] != "Un camino" {
		b.t.Errorf("the picture's description is lost: %v", is.Properties["photo"])
	}
	resp, err := http.Get(shown[0])
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	head, _ := io.ReadAll(io.LimitReader(resp.Body, 4))
	if resp.StatusCode != http.StatusOK || string(head) != "\x89PNG" || strings.HasPrefix(shown[0], b.at("")) {
		b.t.Errorf("the picture at %s of %s answers %s with %q", shown[0], s.at, resp.Status, head)
	}
	for _, row := range b.copies() {
		if resp, raw, err := b.request("GET", row, "", nil); err != nil || resp.StatusCode/100 != 3 || resp.Header.Get("Location") != shown[0] {
			b.t.Errorf("%s: got %v, %v %.50s, want a redirect to %s", row, resp, err, raw, shown[0])
		}
	}
}

// copies are the first addresses of uploads.
func (b *blog) copies() (addresses []string) {
	b.t.Helper()
	_, raw, err := b.request("GET", b.at("media?q=source"), "", nil)
	var list struct{ Items []struct{ URL string } }
	if err := json.Unmarshal(raw, &list); err != nil {
		b.t.Errorf("%s: %v", raw, err)
	}
	if err != nil {
		b.t.Error(err)
	}
	for _, item := range list.Items {
		addresses = append(addresses, item.URL)
	}
	return addresses
}
