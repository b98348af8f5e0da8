package gitree_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/publish/gitree"
)

func TestCloneOfAnEmptyRemote(t *testing.T) {
	t.Parallel()
	dir := bare(t)
	r := open(t, &gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: dir, Branch: "posts"})
	must(t, r.Push(t.Context()))
	if changed, err := r.Pull(t.Context()); err != nil || changed != nil {
		t.Errorf("got %q, %v", changed, err)
	}
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	must(t, r.Push(t.Context()))
	if got := history(t, dir, "posts"); got != "Post" {
		t.Errorf("got %s", got)
	}
	must(t, os.Rename(dir, dir+".away"))
	must(t, r.Push(t.Context())) // there is nothing to push, so nobody is asked
}

// Two begin at once: the second one's first commit goes on top.
func TestSecondFounderOfAnEmptyRemote(t *testing.T) {
	t.Parallel()
	dir := bare(t)
	r := cloned(t, dir)
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	push(t, dir, "theirs", "a.md", "a")
	must(t, r.Push(t.Context()))
	if got := history(t, dir, "main"); got != "Post, theirs" {
		t.Errorf("got %s", got)
	}
}

func TestCloneTakesTheRemotesOwnBranch(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	git(t, dir, "branch", "-m", "main", "trunk")
	git(t, dir, "symbolic-ref", "HEAD", "refs/heads/trunk")
	r := &gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: dir}
	open(t, r)
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	must(t, r.Push(t.Context()))
	if got := history(t, dir, "trunk"); got != "Post, first" {
		t.Errorf("got %s", got)
	}
	must(t, os.Rename(dir, dir+".away")) // a clone that is there needs no remote to open
	open(t, &gitree.Repo{Clone: true, Dir: r.Dir, Remote: dir})
}

func TestOpenRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	full := t.TempDir()
	put(t, full, "x", "x")
	ours := cloned(t, dir)
	for name, c := range map[string]struct {
		repo gitree.Repo
		want error
	}{
		"a directory with files":     {gitree.Repo{Clone: true, Dir: full, Remote: dir}, gitree.ErrOther},
		"the owner's own repository": {gitree.Repo{Clone: true, Dir: other(t, dir), Remote: dir}, gitree.ErrOther},
		"the clone of another":       {gitree.Repo{Clone: true, Dir: ours.Dir, Remote: bare(t, "b", "b")}, gitree.ErrOther},
		"another branch":             {gitree.Repo{Clone: true, Dir: ours.Dir, Remote: dir, Branch: "work"}, gitree.ErrBranch},
		"a branch that is not there": {gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "c"), Remote: dir, Branch: "mian"}, gitree.ErrBranch},
		"a branch like an option":    {gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "c"), Remote: bare(t), Branch: "--force"}, gitree.ErrBranch},
		"no repository":              {gitree.Repo{Dir: t.TempDir()}, gitree.ErrOther},
		"a bare one":                 {gitree.Repo{Dir: dir}, gitree.ErrOther},
		"not that branch":            {gitree.Repo{Dir: other(t, dir), Branch: "work"}, gitree.ErrBranch},
		"no such remote":             {gitree.Repo{Dir: other(t, dir), Remote: "upstream"}, nil},
		"a clone without a remote":   {gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "c")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.repo.Open(t.Context()); err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if got := read(t, full, "x"); got != "x" {
		t.Errorf("got %q", got)
	}
}

// A tree that has no remote has a history all the same.
func TestTreeWithoutARemote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	git(t, dir, "init", "--quiet", "--initial-branch=main")
	r := open(t, &gitree.Repo{Dir: dir})
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	must(t, r.Push(t.Context()))
	if _, err := r.Pull(t.Context()); err != nil || history(t, dir, "main") != "Post" {
		t.Errorf("got %v, %s", err, history(t, dir, "main"))
	}
}

// The owner's settings and hooks for committing do not come in between; in a clone
// there are no hooks at all.
func TestOwnersCommitHooksAndSettingsDoNotCount(t *testing.T) {
	t.Parallel()
	r := owned(t, bare(t, "a.md", "a"))
	for _, hook := range []string{"pre-commit", "commit-msg", "post-commit"} {
		put(t, r.Dir, ".git/hooks/"+hook, "#!/bin/sh\nexit 1\n")
		must(t, os.Chmod(filepath.Join(r.Dir, ".git/hooks", hook), 0o755))
	}
	git(t, r.Dir, "config", "commit.gpgSign", "true")
	git(t, r.Dir, "config", "credential.helper", "!touch "+r.Dir+"/asked")
	git(t, r.Dir, "config", "core.fsmonitor", "touch "+r.Dir+"/monitored")
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	must(t, r.Push(t.Context()))
	git(t, r.Dir, "remote", "set-url", "origin", served(t, bare(t), func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Basic realm="git"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}))
	r = open(t, &gitree.Repo{Dir: r.Dir})
	if err := r.Push(t.Context()); !errors.Is(err, gitree.ErrAuth) {
		t.Errorf("got %v, want ErrAuth", err)
	}
	if got := git(t, r.Dir, "-c", "core.fsmonitor=false", "status", "--porcelain"); got != "" {
		t.Errorf("got status %q", got)
	}
}

// The owner's tree may belong to somebody else: the settings name it.
func TestTreeOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	dir := other(t, bare(t, "a.md", "a"))
	must(t, filepath.WalkDir(dir, func(name string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, 12345, 12345))
	}))
	r := open(t, &gitree.Repo{Dir: dir})
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	must(t, r.Push(t.Context()))
}

func TestLinkedWorktree(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	first := other(t, dir)
	tree := filepath.Join(t.TempDir(), "tree")
	git(t, first, "worktree", "add", "--quiet", "-b", "posts", tree)
	r := open(t, &gitree.Repo{Dir: tree, Branch: "posts"})
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	must(t, r.Push(t.Context()))
	if got := history(t, dir, "posts") + git(t, tree, "status", "--porcelain") + git(t, first, "status", "--porcelain"); got != "Post, first" {
		t.Errorf("got %s", got)
	}
}

// Locks that we
// left are removed, those of others are not.
func TestOpenRemovesTheLocksThatWeLeft(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	r := cloned(t, dir)
	for _, name := range []string{"index.lock", "HEAD.lock", "refs/heads/main.lock", "packed-refs.lock", "config.lock", "refs/tertulia/x.lock"} {
		put(t, r.Dir, ".git/"+name, "")
	}
	r = open(t, &gitree.Repo{Clone: true, Dir: r.Dir, Remote: dir, Branch: "main"})
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))

	r = owned(t, dir)
	put(t, r.Dir, ".git/tertulia/index-lock", "") // not what index.lock is a link to
	put(t, r.Dir, ".git/index.lock", "")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := apply(ctx, r, "Post", "x.md", "x"); !errors.Is(err, gitree.ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	must(t, os.Remove(filepath.Join(r.Dir, ".git/index.lock")))
	put(t, r.Dir, ".git/refs/tertulia/x.lock", "")
	put(t, r.Dir, ".git/refs/heads/work.lock", "")
	r = open(t, &gitree.Repo{Dir: r.Dir})
	if got := strings.TrimSpace(git(t, r.Dir, "rev-parse", "HEAD")); got == "" {
		t.Error("no HEAD")
	}
	if _, err := os.Stat(filepath.Join(r.Dir, ".git/refs/heads/work.lock")); err != nil {
		t.Errorf("the owner's lock: %v", err)
	}
	if _, err := os.Stat(filepath.Join(r.Dir, ".git/refs/tertulia/x.lock")); err == nil {
		t.Error("our lock is there still")
	}
}

// A lock on the branch that holds the commit we were moving to is ours; one with
// another in it is not.
func TestLocksOnTheOwnersBranch(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"ours": true, "theirs": false} {
		r := owned(t, bare(t, "a.md", "a"))
		post := func(r *gitree.Repo) error { return apply(t.Context(), r, "Post", "x.md", "x") }
		stopBefore(t, r, "ref", post)
		_, to, _ := strings.Cut(read(t, r.Dir, ".git/tertulia/move"), " ")
		if text == "theirs" {
			to = strings.Repeat("1", 40) + "\n"
		}
		put(t, r.Dir, ".git/refs/heads/main.lock", to)
		err := (&gitree.Repo{Dir: r.Dir}).Open(t.Context())
		if (err == nil) != want {
			t.Errorf("%s: got %v", text, err)
		}
		if got := history(t, r.Dir, "main"); want && got != "Post, first" {
			t.Errorf("%s: got %s", text, got)
		}
	}
}
