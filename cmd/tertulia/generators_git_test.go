package main

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/store"
)

const gitToken = "s3cret-tökén/+%" // of whom may push over http

// origin is a bare repository that the site's source is pushed to.
type origin struct {
	t    *testing.T
	dir  string
	http string                                                               // its address over http
	gate atomic.Pointer[func(http.ResponseWriter, *http.Request) (ours bool)] // may answer instead
}

// gitAs runs the real program as a person would, and gives what it prints.
func gitAs(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.DevNull, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.com",
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// newOrigin makes a repository of the source of a blog, which becomes a tree of it.
func newOrigin(b *blog) *origin {
	b.t.Helper()
	needProgram(b.t, "git")
	o := &origin{t: b.t, dir: filepath.Join(b.t.TempDir(), "site.git")}
	gitAs(b.t, "/", "init", "--quiet", "--bare", "--initial-branch=main", o.dir)
	gitAs(b.t, o.dir, "config", "http.receivepack", "true")
	b.put(".gitignore", "/public/\n/resources/\n.hugo_build.lock\n")
	gitAs(b.t, b.dir, "init", "--quiet", "--initial-branch=main")
	gitAs(b.t, b.dir, "add", "--all")
	gitAs(b.t, b.dir, "commit", "--quiet", "-m", "first")
	gitAs(b.t, b.dir, "remote", "add", "origin", "file://"+o.dir)
	gitAs(b.t, b.dir, "push", "--quiet", "-u", "origin", "main")
	backend := &cgi.Handler{
		Path: filepath.Join(gitAs(b.t, "/", "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(o.dir), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + os.DevNull},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if gate := o.gate.Load(); gate != nil && (*gate)(w, r) {
			return
		}
		if user, password, _ := r.BasicAuth(); user != "ana" || password != gitToken {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	b.t.Cleanup(server.Close)
	o.http = server.URL + "/site.git"
	return o
}

// history lists the subjects of the commits, newest first.
func (o *origin) history() string {
	o.t.Helper()
	return strings.ReplaceAll(gitAs(o.t, o.dir, "log", "--format=%s", "main", "--"), "\n", ", ")
}

// theirs has somebody else push a file.
func (o *origin) theirs(name, text string) {
	o.t.Helper()
	dir := filepath.Join(o.t.TempDir(), "theirs")
	gitAs(o.t, "/", "clone", "--quiet", o.dir, dir)
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		o.t.Fatal(err)
	}
	gitAs(o.t, dir, "add", "--all")
	gitAs(o.t, dir, "commit", "--quiet", "-m", "theirs")
	gitAs(o.t, dir, "push", "--quiet", "origin", "main")
}

// hook has a hook of the repository run a script.
func (o *origin) hook(name, script string) {
	o.t.Helper()
	if err := os.WriteFile(filepath.Join(o.dir, "hooks", name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		o.t.Fatal(err)
	}
}

// has waits until the remote has these commits and nothing else.
func (b *blog) has(o *origin, history string) {
	b.t.Helper()
	b.until("a push, so that the remote has "+history, func() bool { return o.history() == history })
}

// newGitBlog is a site that Hugo builds, with a remote, in the owner's tree or in a clone
// of the program's own over http.
func newGitBlog(t *testing.T, clone bool) (*blog, *origin) {
	t.Helper()
	needProgram(t, "hugo")
	b := newBlog(t, "hugo", "preset = \"hugo\"\nbuild = [\"hugo\", \"--quiet\"]\n")
	o := newOrigin(b)
	settings := fmt.Sprintf("dir = %q\n[site.publish.git]\ncommit = true\n", b.dir)
	if clone {
		token := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(token, []byte(gitToken+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		settings = fmt.Sprintf("[site.publish.git]\nclone = true\nremote = %q\nuser = \"ana\"\ntoken_file = %q\n", o.http, token)
		b.dir = filepath.Join(b.mortal.dir, "source", store.DirName(b.host()))
	}
	f, err := os.OpenFile(b.config(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(settings); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return b, o
}

// note is a post that is named.
func (b *blog) note(slug string) *sample {
	b.t.Helper()
	s := &sample{kind: "note", how: "form", typ: "h-entry", properties: map[string][]any{"content": {"Hola " + slug}, "mp-slug": {slug}}}
	b.create(s)
	return s
}

// The same lives of posts as TestGenerators has, with the source in git: in the owner's own
// tree with a remote that is a path, and in a clone with a remote over http that wants a
// token. What the owner has not committed is left alone.
func TestHugoThroughGit(t *testing.T) {
	t.Parallel()
	for name, clone := range map[string]bool{"file": false, "http": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, o := newGitBlog(t, clone)
			if !clone {
				b.put("content/posts/mio.txt", "not yet")
			}
			b.open()
			b.until("adoption", func() bool { return len(b.posts()) == 1 })
			posts := samples(b.strangers.homes[0])
			if clone {
				posts = posts[:4] // the kinds make no difference to git
			}
			b.everyKind(posts)
			b.adopted("content/posts/mano.md", b.home+"2019/mano/", len(posts)+1)
			b.until("the last push", func() bool { return gitAs(t, o.dir, "rev-parse", "main") == gitAs(t, b.dir, "rev-parse", "main") })
			if got, want := gitAs(t, b.dir, "status", "--porcelain"), map[bool]string{true: "", false: "?? content/posts/mio.txt"}[clone]; got != want {
				t.Errorf("got status %q, want %q", got, want)
			}
			counts := map[string]int{}
			for subject := range strings.SplitSeq(o.history(), ", ") {
				verb, _, _ := strings.Cut(subject, " ")
				counts[verb]++
			}
			if n := len(posts); counts["create"] != n || counts["update"] != n+1 || counts["delete"] != n+1 || counts["undelete"] != n+1 || counts["first"] != 1 {
				t.Errorf("the history of %d posts: %v", n, counts)
			}
			b.fine()
		})
	}
}

// Somebody else has pushed meanwhile: ours goes on top, once, and both are in the tree
// (HOSTILE 101, F19).
func TestPushAfterSomebodyElse(t *testing.T) {
	t.Parallel()
	b, o := newGitBlog(t, true)
	b.open()
	b.note("uno")
	b.has(o, "create note content/notes/uno.md, first")
	o.theirs("theirs.md", "theirs")
	b.note("dos")
	b.has(o, "create note content/notes/dos.md, theirs, create note content/notes/uno.md, first")
	b.announced(3)
	if b.file("theirs.md") != "theirs" {
		t.Error("what was pushed is not in the tree")
	}
	b.fine()
}

// The remote refuses: the job waits for the owner with the reason, and nothing is lost
// (HOSTILE 101).
func TestPushIsRefused(t *testing.T) {
	t.Parallel()
	b, o := newGitBlog(t, false)
	o.hook("pre-receive", "echo 'no posts on a Sunday' >&2; exit 1")
	b.open()
	b.note("uno")
	b.until("the refusal", func() bool { return len(b.parked()) == 1 })
	if why := b.parked()[0]; !strings.HasPrefix(why, "deploy: push: ") || !strings.Contains(why, "no posts on a Sunday") {
		t.Errorf("the reason is %q", why)
	}
	if list := b.must("job", "list"); !strings.Contains(list, "parked") || !strings.Contains(list, "no posts on a Sunday") {
		t.Errorf("job list: %s", list)
	}
	if err := os.Remove(filepath.Join(o.dir, "hooks", "pre-receive")); err != nil {
		t.Fatal(err)
	}
	for _, j := range listOf[store.Job](b.mortal, "job", "list") {
		if !j.Parked.IsZero() {
			b.must("job", "retry", j.ID)
		}
	}
	b.has(o, "create note content/notes/uno.md, first")
	b.announced(2)
}

// A first clone that cannot be made waits for the owner with the reason, and so do posts; no
// secret is in it. When it is mended they are published (HOSTILE 84, 101).
func TestFirstCloneIsRefused(t *testing.T) {
	t.Parallel()
	for name, wrong := range map[string]struct{ was, is, why string }{
		"password":  {"", "", "the remote does not let us in"},
		"no branch": {"clone = true", "clone = true\nbranch = \"mian\"", "the branch is not there"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, o := newGitBlog(t, true)
			settings, err := os.ReadFile(b.config())
			if err != nil {
				t.Fatal(err)
			}
			token := regexp.MustCompile(`token_file = "(.*)"`).FindSubmatch(settings)
			write := func(name, text string) {
				if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if wrong.was == "" {
				write(string(token[1]), gitToken+"x\n")
			}
			write(b.config(), strings.Replace(string(settings), wrong.was, wrong.is, 1))
			b.open()
			b.note("uno")
			b.until("the refusal", func() bool { return strings.Contains(strings.Join(b.parked(), "\n"), "publish: ") })
			list := b.must("job", "list")
			if !strings.Contains(list, wrong.why) || strings.Contains(list, gitToken) {
				t.Errorf("job list: %s, want %q", list, wrong.why)
			}
			b.stop()
			write(string(token[1]), gitToken+"\n")
			write(b.config(), string(settings))
			b.start()
			for _, j := range listOf[store.Job](b.mortal, "job", "list") {
				if !j.Parked.IsZero() {
					b.must("job", "retry", j.ID)
				}
			}
			b.has(o, "create note content/notes/uno.md, first")
			b.announced(2)
			b.fine()
		})
	}
}

// A remote that never answers: editors and readers do not notice, and the program ends in
// time. When it answers again the remote gets everything (HOSTILE 101, F22).
func TestPushHangs(t *testing.T) {
	t.Parallel()
	b, o := newGitBlog(t, true)
	b.open()
	one := b.note("uno")
	b.announced(2)
	b.has(o, "create note content/notes/uno.md, first")
	asked := make(chan struct{}, 100)
	hang := func(_ http.ResponseWriter, r *http.Request) bool {
		asked <- struct{}{}
		<-r.Context().Done()
		return true
	}
	o.gate.Store(&hang)
	began := time.Now()
	var wg sync.WaitGroup
	for _, slug := range []string{"dos", "tres", "cuatro", "cinco"} {
		wg.Go(func() { b.note(slug) })
	}
	<-asked
	b.act(map[string]any{"action": "update", "url": one.at, "replace": map[string]any{"content": []any{"Adiós"}}})
	if status, _, _ := b.page(one.at); status != http.StatusOK || b.source(one.at).Get("content") != "Adiós" {
		t.Errorf("a reader gets %d, an editor %v", status, b.source(one.at))
	}
	wg.Wait()
	if took := time.Since(began); took > 10*time.Second { // creates wait two seconds for their pages
		t.Errorf("four posts, an update and a page took %s", took)
	}
	began = time.Now()
	b.stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the end took %s, want at most 10s", took)
	}
	o.gate.Store(nil)
	b.start()
	b.announced(6)
	b.until("the push of what was kept", func() bool {
		return gitAs(t, o.dir, "rev-parse", "main") == gitAs(t, b.dir, "rev-parse", "main") && strings.Count(o.history(), "create note") == 5
	})
}

// The program is killed between commit and push, and at other moments: after the restart
// the remote has each post once, also when the push that it has left behind comes
// through after all (HOSTILE 90, 101, F18).
func TestKillBeforePush(t *testing.T) {
	t.Parallel()
	b, o := newGitBlog(t, true)
	b.open()
	b.note("uno")
	b.has(o, "create note content/notes/uno.md, first")
	asked, held := make(chan struct{}, 100), make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	defer release()
	hold := func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "git-receive-pack") && r.ContentLength != 4 {
			asked <- struct{}{}
			<-held
		}
		return false
	}
	o.gate.Store(&hold)
	created := make(chan struct{})
	go func() {
		defer close(created)
		_, _, _ = b.request("POST", b.at("micropub"), "application/x-www-form-urlencoded", []byte("h=entry&content=Hola+dos&mp-slug=dos"))
	}()
	<-asked
	<-created // it has its 202
	b.kill()
	if o.history() != "create note content/notes/uno.md, first" || !strings.HasPrefix(gitAs(t, b.dir, "log", "--format=%s", "-1"), "create note content/notes/dos.md") {
		t.Fatalf("it was not killed between commit and push: %s", o.history())
	}
	o.gate.Store(nil)
	b.start()
	b.has(o, "create note content/notes/dos.md, create note content/notes/uno.md, first")
	release() // the push of the dead program comes in
	b.announced(3)
	for i := range 3 {
		go func() {
			_, _, _ = b.request("POST", b.at("micropub"), "application/x-www-form-urlencoded", fmt.Appendf(nil, "h=entry&content=Hola+%d&mp-slug=otro-%d", i, i))
		}()
		<-time.After(time.Duration(i*40+10) * time.Millisecond)
		b.kill()
		b.start()
	}
	n := len(b.announced(len(b.posts())))
	b.until("the push of everything", func() bool {
		return gitAs(t, o.dir, "rev-parse", "main") == gitAs(t, b.dir, "rev-parse", "main") && strings.Count(o.history(), "create note") == n-1
	})
	if names := gitAs(t, o.dir, "ls-tree", "--name-only", "main:content/notes"); len(strings.Fields(names)) != n-1 {
		t.Errorf("of %d posts the remote has %q", n-1, names)
	}
	b.fine()
}
