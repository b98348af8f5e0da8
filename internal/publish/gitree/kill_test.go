package gitree_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish/gitree"
)

// killed does something with a repository and stops for good before its nth step, as a
// kill would: nothing is tidied up. With TERTULIA_TEST_EVERY_STEP=1 every run of git is
// a step, which takes a minute. It gives false when there are fewer steps.
func killed(t *testing.T, r *gitree.Repo, n int, do func(*gitree.Repo) error) (at string, was bool) {
	t.Helper()
	stopped, done := make(chan string), make(chan error, 1)
	steps := 0
	victim := &gitree.Repo{Dir: r.Dir, Clone: r.Clone, Remote: r.Remote, Branch: r.Branch, Name: "Ana", Email: "ana@example.com"}
	victim.OnStep(func(step string) {
		if os.Getenv("TERTULIA_TEST_EVERY_STEP") == "" && strings.HasPrefix(step, "git ") {
			return
		}
		if steps++; steps == n {
			stopped <- step
			select {} // its goroutine stays behind, with whatever it holds
		}
	})
	go func() { done <- errors.Join(victim.Open(t.Context()), do(victim)) }()
	select {
	case at := <-stopped:
		// The system would have unlocked what the dead process had locked.
		if err := os.Remove(filepath.Join(r.Dir, ".git/tertulia/lock")); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		return at, true
	case err := <-done:
		var conflict *gitree.ConflictError
		if err != nil && !errors.As(err, &conflict) {
			t.Fatalf("without a stop: %v", err)
		}
		return "", false
	}
}

// stopBefore stops for good before the step of that name.
func stopBefore(t *testing.T, r *gitree.Repo, step string, do func(*gitree.Repo) error) {
	t.Helper()
	for n := 1; ; n++ {
		must(t, os.RemoveAll(r.Dir+".saved"))
		must(t, os.CopyFS(r.Dir+".saved", os.DirFS(r.Dir)))
		at, was := killed(t, r, n, do)
		if at == step {
			return
		}
		if !was {
			t.Fatalf("there is no step %q", step)
		}
		must(t, os.RemoveAll(r.Dir))
		must(t, os.Rename(r.Dir+".saved", r.Dir))
	}
}

// again opens the repository anew, as a program does that starts after a kill.
func again(t *testing.T, r *gitree.Repo) *gitree.Repo {
	t.Helper()
	return open(t, &gitree.Repo{Dir: r.Dir, Clone: r.Clone, Remote: r.Remote, Branch: r.Branch})
}

// everyStop runs a story once for each step at which it can be stopped, each time on a
// copy of the same beginning.
func everyStop(t *testing.T, begin func(t *testing.T) (remote string, r *gitree.Repo), story func(t *testing.T, remote string, r *gitree.Repo, n int) (at string, more bool)) {
	t.Helper()
	remote, r := begin(t)
	saved := map[string]string{remote: filepath.Join(t.TempDir(), "remote")}
	if r.Dir != "" {
		saved[r.Dir] = filepath.Join(t.TempDir(), "tree")
	}
	for from, to := range saved {
		must(t, os.CopyFS(to, os.DirFS(from)))
	}
	for n, more := 1, true; more; n++ {
		var at string
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			for to, from := range saved {
				must(t, os.RemoveAll(to))
				must(t, os.CopyFS(to, os.DirFS(from)))
			}
			at, more = story(t, remote, r, n)
			if t.Failed() {
				t.Logf("stopped before %q", at)
			}
		})
		if t.Failed() {
			return
		}
	}
}

// HOSTILE 101: a kill between any two steps of an Apply, in the owner's tree with work
// of their own in it. The same call again leaves one commit.
func TestApplyAfterAKill(t *testing.T) {
	t.Parallel()
	everyStop(t, func(t *testing.T) (string, *gitree.Repo) {
		dir := bare(t, "a.md", "a", "b.md", "b", "c.md", "c")
		r := owned(t, dir)
		put(t, r.Dir, "b.md", "the owner's")
		put(t, r.Dir, "own.md", "the owner's")
		git(t, r.Dir, "add", "own.md")
		return dir, r
	}, func(t *testing.T, _ string, r *gitree.Repo, n int) (string, bool) {
		post := func(r *gitree.Repo) error {
			return apply(t.Context(), r, "Post", "a.md", "a2", "c.md", "-", "p/x.md", "x")
		}
		at, was := killed(t, r, n, post)
		must(t, post(again(t, r)))
		if got := history(t, r.Dir, "main"); got != "Post, first" {
			t.Errorf("got %s", got)
		}
		if diff := cmp.Diff(" M b.md\nA  own.md", git(t, r.Dir, "status", "--porcelain")); diff != "" {
			t.Errorf("status (-want +got):\n%s", diff)
		}
		return at, was
	})
}

func ownersTree(t *testing.T) (string, *gitree.Repo) {
	dir := bare(t, "a.md", "a", "b.md", "b")
	return dir, owned(t, dir)
}

// The post has changed before the program came back: the newer text is committed.
func TestAnotherApplyAfterAKill(t *testing.T) {
	t.Parallel()
	everyStop(t, ownersTree, func(t *testing.T, _ string, r *gitree.Repo, n int) (string, bool) {
		at, was := killed(t, r, n, func(r *gitree.Repo) error { return apply(t.Context(), r, "Post", "a.md", "a2", "x.md", "x") })
		must(t, apply(t.Context(), again(t, r), "Edit", "a.md", "a3", "x.md", "x2"))
		if got := git(t, r.Dir, "show", "HEAD:a.md", "HEAD:x.md") + git(t, r.Dir, "status", "--porcelain"); got != "a3x2" {
			t.Errorf("got %s", got)
		}
		if got := history(t, r.Dir, "main"); got != "Edit, Post, first" && got != "Edit, first" {
			t.Errorf("got %s", got)
		}
		return at, was
	})
}

// The owner commits before the program comes back: neither change takes the other back.
func TestOwnerCommitsAfterAKill(t *testing.T) {
	t.Parallel()
	everyStop(t, ownersTree, func(t *testing.T, _ string, r *gitree.Repo, n int) (string, bool) {
		post := func(r *gitree.Repo) error { return apply(t.Context(), r, "Post", "a.md", "a2", "x.md", "x") }
		at, was := killed(t, r, n, post)
		_ = os.Remove(filepath.Join(r.Dir, ".git/index.lock")) // as git tells the owner to do
		put(t, r.Dir, "b.md", "b2")
		git(t, r.Dir, "add", "b.md")
		git(t, r.Dir, "commit", "--quiet", "-m", "own")
		must(t, post(again(t, r)))
		if got := git(t, r.Dir, "show", "HEAD:a.md", "HEAD:b.md", "HEAD:x.md") + git(t, r.Dir, "status", "--porcelain"); got != "a2b2x" {
			t.Errorf("got %s", got)
		}
		if got := strings.Count(history(t, r.Dir, "main"), "Post"); got > 1 {
			t.Errorf("got %s", history(t, r.Dir, "main"))
		}
		return at, was
	})
}

// A kill in the midst of a push that others were faster than, with a conflict: in the
// end the remote has all of theirs, ours once, and the version that did not fit.
func TestPushAfterAKill(t *testing.T) {
	t.Parallel()
	everyStop(t, func(t *testing.T) (string, *gitree.Repo) {
		dir := bare(t, "a.md", "a", "b.md", "b")
		r := cloned(t, dir)
		must(t, apply(t.Context(), r, "Post", "x.md", "x"))
		must(t, apply(t.Context(), r, "Edit", "a.md", "ours"))
		push(t, dir, "theirs", "a.md", "theirs", "b.md", "b2")
		return dir, r
	}, func(t *testing.T, dir string, r *gitree.Repo, n int) (string, bool) {
		parked := git(t, r.Dir, "rev-parse", "main")
		at, was := killed(t, r, n, func(r *gitree.Repo) error { return r.Push(t.Context()) })
		r = again(t, r)
		err := r.Push(t.Context())
		if was != errors.Is(err, gitree.ErrConflict) || !was && err != nil {
			t.Errorf("got %v, want the owner to be told of the conflict once", err)
		}
		must(t, r.Push(t.Context()))
		if got := history(t, dir, "main"); got != "Post, theirs, first" {
			t.Errorf("got %s", got)
		}
		if got := git(t, dir, "rev-parse", "tertulia/conflict-"+parked[:10]); got != parked {
			t.Errorf("the parked branch is at %s, want %s", got, parked)
		}
		if got := read(t, r.Dir, "a.md") + read(t, r.Dir, "b.md") + git(t, r.Dir, "status", "--porcelain"); got != "theirsb2" {
			t.Errorf("got %s", got)
		}
		return at, was
	})
}

func TestPullAfterAKill(t *testing.T) {
	t.Parallel()
	everyStop(t, func(t *testing.T) (string, *gitree.Repo) {
		dir := bare(t, "a.md", "a", "b.md", "b", "c.md", "c")
		r := owned(t, dir)
		must(t, apply(t.Context(), r, "Post", "x.md", "x"))
		push(t, dir, "theirs", "a.md", "a2", "n/n.md", "n")
		put(t, r.Dir, "c.md", "the owner's")
		return dir, r
	}, func(t *testing.T, _ string, r *gitree.Repo, n int) (string, bool) {
		pull := func(r *gitree.Repo) error { _, err := r.Pull(t.Context()); return err }
		at, was := killed(t, r, n, pull)
		must(t, pull(again(t, r)))
		if got := history(t, r.Dir, "main"); got != "Post, theirs, first" {
			t.Errorf("got %s", got)
		}
		if got := read(t, r.Dir, "a.md") + read(t, r.Dir, "n/n.md") + git(t, r.Dir, "status", "--porcelain"); got != "a2n M c.md" {
			t.Errorf("got %s", got)
		}
		return at, was
	})
}

func TestCloneAfterAKill(t *testing.T) {
	t.Parallel()
	everyStop(t, func(t *testing.T) (string, *gitree.Repo) {
		return bare(t, "a.md", "a", "d/b.md", "b"), &gitree.Repo{}
	}, func(t *testing.T, dir string, _ *gitree.Repo, n int) (string, bool) {
		r := &gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: dir}
		at, was := killed(t, r, n, func(r *gitree.Repo) error { return nil })
		r = again(t, r)
		if got := read(t, r.Dir, "a.md") + read(t, r.Dir, "d/b.md") + git(t, r.Dir, "status", "--porcelain"); got != "ab" || history(t, r.Dir, "main") != "first" {
			t.Errorf("got %s", got)
		}
		return at, was
	})
}
