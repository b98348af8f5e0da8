package gitree_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish/gitree"
)

func TestPushReachesEveryKindOfRemote(t *testing.T) {
	for name, address := range map[string]func(t *testing.T, dir string) string{
		"path": func(_ *testing.T, dir string) string { return dir },
		"file": func(_ *testing.T, dir string) string { return "file://" + dir },
		"http": func(t *testing.T, dir string) string { return served(t, dir, nil) },
		"ssh":  func(t *testing.T, dir string) string { fakeSSH(t); return "ssh://git@example.com" + dir },
		"scp":  func(t *testing.T, dir string) string { fakeSSH(t); return "git@example.com:" + dir },
	} {
		t.Run(name, func(t *testing.T) {
			dir := bare(t, "a.md", "a")
			r := open(t, &gitree.Repo{
				Clone: true, Dir: filepath.Join(t.TempDir(), "the owner's clone"), Remote: address(t, dir), SSHKey: "/keys/it's mine",
			})
			must(t, apply(t.Context(), r, "Post", "x.md", "x"))
			must(t, r.Push(t.Context()))
			must(t, r.Push(t.Context()))
			if got := history(t, dir, "main"); got != "Post, first" {
				t.Errorf("got %s", got)
			}
			push(t, dir, "theirs", "a.md", "-", "b.md", "b")
			changed, err := r.Pull(t.Context())
			if diff := cmp.Diff([]string{"a.md", "b.md"}, changed); err != nil || diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if got := history(t, r.Dir, "main") + git(t, r.Dir, "status", "--porcelain"); got != "theirs, Post, first" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// fakeSSH is a program called ssh that checks its options and does here what it is
// told to do there.
func fakeSSH(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "ssh", `#!/bin/sh
case "$*" in *"-o BatchMode=yes "*"-i /keys/it's mine"*) ;; *) echo "options: $*" >&2; exit 9;; esac
for last; do :; done
eval "exec $last"
`)
	must(t, os.Chmod(filepath.Join(dir, "ssh"), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

const token = "s3cret-tökén/+%"

// The token is shown to the remote, and nowhere else.
func TestTokenIsSeenByTheRemoteAlone(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	var mu sync.Mutex
	var asked int
	var seen []string
	address := served(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, processesThatShow(token)...)
		if user, password, ok := r.BasicAuth(); ok && user == "ana" && password == token {
			return false
		}
		asked++
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	r := open(t, &gitree.Repo{
		Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: strings.Replace(address, "://", "://ana@", 1), Branch: "main",
		Token: func() (string, error) { return token + "\n", nil },
	})
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	must(t, r.Push(t.Context()))
	if _, err := r.Pull(t.Context()); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if got := history(t, dir, "main"); got != "Post, first" || asked == 0 {
		t.Errorf("got %s, asked for the token %d times", got, asked)
	}
	if seen != nil {
		t.Errorf("the token is shown by %q", seen)
	}
	must(t, filepath.WalkDir(r.Dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(read(t, "", name), token) {
			t.Errorf("the token is in %s", name)
		}
		return err
	}))
}

// processesThatShow looks where every user of the machine could, and where we could.
func processesThatShow(text string) (found []string) {
	for _, kind := range []string{"cmdline", "environ"} {
		names, _ := filepath.Glob("/proc/[0-9]*/" + kind)
		for _, name := range names {
			if data, err := os.ReadFile(name); err == nil && strings.Contains(string(data), text) {
				found = append(found, name)
			}
		}
	}
	return found
}

// A remote that sends us elsewhere is not followed with the token.
func TestTokenDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	var stolen atomic.Bool
	thief := served(t, bare(t, "a.md", "a"), func(w http.ResponseWriter, r *http.Request) bool {
		if _, _, ok := r.BasicAuth(); ok {
			stolen.Store(true)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	address := served(t, bare(t), func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, strings.TrimSuffix(thief, "site.git")+r.URL.RequestURI()[1:], http.StatusFound)
		return true
	})
	r := &gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: address, Token: func() (string, error) { return token, nil }}
	if err := r.Open(t.Context()); !errors.Is(err, gitree.ErrAuth) || stolen.Load() {
		t.Errorf("got %v, want ErrAuth; stolen: %t", err, stolen.Load())
	}
}

// HOSTILE 101, F18: push rejected, refused, hanging, remote gone. What was committed
// stays, and goes out with the next push.
func TestPushThatFailsIsDoneByTheNext(t *testing.T) {
	t.Parallel()
	answer := func(status int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
			http.Error(w, "no", status)
			return true
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		want   error
	}{
		"401":       {answer(401), gitree.ErrAuth},
		"403":       {answer(403), gitree.ErrAuth},
		"404":       {answer(404), gitree.ErrAuth},
		"429":       {answer(429), gitree.ErrUnreachable},
		"502":       {answer(502), gitree.ErrUnreachable},
		"cut off":   {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, gitree.ErrUnreachable},
		"no answer": {func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }, gitree.ErrUnreachable},
		"half": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodGet {
				return false
			}
			w.Header().Set("Content-Type", "application/x-git-receive-pack-result")
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}, gitree.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			dir := bare(t, "a.md", "a")
			var broken atomic.Bool
			r := &gitree.Repo{
				Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Timeout: 5 * time.Second,
				Token: func() (string, error) { return token, nil },
				Remote: served(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
					return broken.Load() && c.answer(w, r)
				}),
			}
			r.SetGrace(50 * time.Millisecond)
			open(t, r)
			must(t, apply(t.Context(), r, "Post", "x.md", "x"))
			broken.Store(true)
			if name == "no answer" || name == "half" {
				r.Timeout = 300 * time.Millisecond
			}
			err := r.Push(t.Context())
			if !errors.Is(err, c.want) || strings.Contains(err.Error(), token) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if left := gitProcesses(r.Remote); left != nil {
				t.Errorf("processes that were left: %q", left)
			}
			broken.Store(false)
			r.Timeout = 5 * time.Second
			must(t, apply(t.Context(), r, "Another", "y.md", "y"))
			must(t, r.Push(t.Context()))
			if got := history(t, dir, "main"); got != "Another, Post, first" {
				t.Errorf("got %s", got)
			}
		})
	}
}

func gitProcesses(mention string) (found []string) {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil && strings.Contains(string(data), mention) && strings.Contains(string(data), "git") {
			found = append(found, strings.ReplaceAll(string(data), "\x00", " "))
		}
	}
	return found
}

// Posts are kept while the remote makes us wait.
func TestApplyDoesNotWaitForTheRemote(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	var hang atomic.Bool
	arrived := make(chan struct{}, 9)
	r := &gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: served(t, dir, func(_ http.ResponseWriter, r *http.Request) bool {
		if hang.Load() {
			arrived <- struct{}{}
			<-r.Context().Done()
		}
		return hang.Load()
	})}
	r.SetGrace(50 * time.Millisecond)
	open(t, r)
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	hang.Store(true)
	ctx, cancel := context.WithCancel(t.Context())
	pushed := make(chan error)
	go func() { pushed <- r.Push(ctx) }()
	<-arrived
	must(t, apply(t.Context(), r, "Another", "y.md", "y"))
	cancel()
	if err := <-pushed; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if got := history(t, r.Dir, "main"); got != "Another, Post, first" {
		t.Errorf("got %s", got)
	}
}

func TestPushThatNobodyHears(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	r := owned(t, bare(t, "a.md", "a"))
	git(t, r.Dir, "remote", "set-url", "origin", "http://"+listener.Addr().String()+"/site.git")
	r = open(t, &gitree.Repo{Dir: r.Dir})
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	if err := r.Push(t.Context()); !errors.Is(err, gitree.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
	if _, err := r.Pull(t.Context()); !errors.Is(err, gitree.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

// A hook at the remote says no: its words reach the owner.
func TestPushRefusedByAHook(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	hook := filepath.Join(dir, "hooks", "pre-receive")
	put(t, dir, "hooks/pre-receive", "#!/bin/sh\necho 'no posts on a Sunday' >&2\nexit 1\n")
	must(t, os.Chmod(hook, 0o755))
	for _, remote := range []string{dir, served(t, dir, nil)} {
		r := cloned(t, remote)
		must(t, apply(t.Context(), r, "Post", "x.md", "x"))
		var failed *gitree.CommandError
		err := r.Push(t.Context())
		if !errors.Is(err, gitree.ErrRejected) || !errors.As(err, &failed) || !strings.Contains(failed.Output, "no posts on a Sunday") {
			t.Errorf("got %v, want ErrRejected with the hook's words", err)
		}
	}
	must(t, os.Remove(hook))
}

// A hook that hangs and does not heed a polite word ends with the context, all of it.
func TestPushEndsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	r := &gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: dir}
	r.SetGrace(50 * time.Millisecond)
	open(t, r)
	put(t, dir, "hooks/pre-receive", "#!/bin/sh\ntrap '' TERM HUP\ntouch "+dir+"/began\nwhile :; do sleep 1; done\n")
	must(t, os.Chmod(filepath.Join(dir, "hooks", "pre-receive"), 0o755))
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(dir + "/began"); err == nil {
				cancel()
			}
		}
	}()
	if err := r.Push(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, gitree.ErrUnreachable) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if left := gitProcesses(dir); left != nil {
		t.Errorf("processes that were left: %q", left)
	}
}

// Somebody else pushed: ours goes on top, once, and both texts are there.
func TestPushPutsOursOnTop(t *testing.T) {
	t.Parallel()
	for _, clone := range []bool{true, false} {
		dir := bare(t, "a.md", "a", "b.md", "b")
		r := owned(t, dir)
		if clone {
			r = cloned(t, dir)
		}
		must(t, apply(t.Context(), r, "Post", "x.md", "x"))
		must(t, apply(t.Context(), r, "Edit", "a.md", "a2"))
		push(t, dir, "theirs", "b.md", "b2", "c/d.md", "d")
		if !clone {
			put(t, r.Dir, "draft.md", "draft")
		}
		must(t, r.Push(t.Context()))
		if got := history(t, dir, "main"); got != "Edit, Post, theirs, first" {
			t.Errorf("clone %t: got %s", clone, got)
		}
		status := git(t, r.Dir, "status", "--porcelain")
		if got := read(t, r.Dir, "b.md") + read(t, r.Dir, "c/d.md") + read(t, r.Dir, "a.md"); got != "b2da2" || status != map[bool]string{true: "", false: "?? draft.md"}[clone] {
			t.Errorf("clone %t: got %s, status %q", clone, got, status)
		}
		if !clone && git(t, r.Dir, "rev-parse", "origin/main") != git(t, r.Dir, "rev-parse", "main") {
			t.Error("the owner's view of the remote was not renewed")
		}
		changed, err := r.Pull(t.Context())
		if diff := cmp.Diff([]string{"b.md", "c/d.md"}, changed); err != nil || diff != "" {
			t.Errorf("clone %t: %v (-want +got):\n%s", clone, err, diff)
		}
	}
}

// Nothing was pushed twice where the remote has our change by another road.
func TestPushOfWhatIsThereAlready(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	r := cloned(t, dir)
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	push(t, dir, "same by hand", "x.md", "x")
	must(t, r.Push(t.Context()))
	if got := history(t, dir, "main"); got != "same by hand, first" {
		t.Errorf("got %s", got)
	}
}
