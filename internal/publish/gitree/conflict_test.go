package gitree_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish/gitree"
)

// HOSTILE 101, F18: both changed the same file. Both versions are kept, the tree is as
// the remote has it, our other commits go out, and the owner is told once.
func TestConflictIsParked(t *testing.T) {
	t.Parallel()
	for name, clone := range map[string]bool{"clone": true, "owner's tree": false} {
		t.Run(name, func(t *testing.T) {
			dir := bare(t, "a.md", "a", "b.md", "b", "draft.md", "d")
			r := owned(t, dir)
			if clone {
				r = cloned(t, dir)
			} else {
				put(t, r.Dir, "draft.md", "the owner's, not committed")
			}
			must(t, apply(t.Context(), r, "Edit", "a.md", "ours"))
			must(t, apply(t.Context(), r, "Post", "x.md", "x"))
			must(t, apply(t.Context(), r, "Edit again", "a.md", "ours again"))
			parked := git(t, r.Dir, "rev-parse", "main")
			push(t, dir, "theirs", "a.md", "theirs")
			err := r.Push(t.Context())
			var conflict *gitree.ConflictError
			if !errors.Is(err, gitree.ErrConflict) || !errors.As(err, &conflict) {
				t.Fatalf("got %v, want a ConflictError", err)
			}
			if diff := cmp.Diff(&gitree.ConflictError{Files: []string{"a.md"}, Branch: "tertulia/conflict-" + parked[:10]}, conflict); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, at := range []string{dir, r.Dir} {
				if got := git(t, at, "rev-parse", conflict.Branch); got != parked {
					t.Errorf("%s: the parked branch is at %s, want %s", at, got, parked)
				}
				if got := history(t, at, "main"); got != "Post, theirs, first" {
					t.Errorf("%s: got %s", at, got)
				}
			}
			status := map[bool]string{true: "", false: " M draft.md"}[clone]
			if got := read(t, r.Dir, "a.md") + read(t, r.Dir, "x.md"); got != "theirsx" || git(t, r.Dir, "status", "--porcelain") != status {
				t.Errorf("got %s, status %q", got, git(t, r.Dir, "status", "--porcelain"))
			}
			must(t, r.Push(t.Context()))
			must(t, apply(t.Context(), r, "Edit on top", "a.md", "theirs and ours"))
			must(t, r.Push(t.Context()))
		})
	}
}

// What the remote changed is what the owner is working on: nothing moves until they
// have committed, or thrown it away.
func TestPullDoesNotTouchTheOwnersWork(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a", "b.md", "b")
	r := owned(t, dir)
	push(t, dir, "theirs", "a.md", "theirs", "new.md", "theirs", "b.md", "b2")
	put(t, r.Dir, "a.md", "the owner's")
	for _, do := range []func(){
		func() {},
		func() { git(t, r.Dir, "add", "a.md") },
		func() { git(t, r.Dir, "reset", "--quiet", "--hard"); put(t, r.Dir, "new.md", "the owner's, untracked") },
	} {
		do()
		before := git(t, r.Dir, "status", "--porcelain")
		changed, err := r.Pull(t.Context())
		if !errors.Is(err, gitree.ErrDirty) || changed != nil {
			t.Errorf("got %v, %q; want ErrDirty", err, changed)
		}
		if got := git(t, r.Dir, "status", "--porcelain"); got != before || history(t, r.Dir, "main") != "first" || read(t, r.Dir, "b.md") != "b" {
			t.Errorf("got status %q after %q, history %s", got, before, history(t, r.Dir, "main"))
		}
	}
	must(t, os.Remove(filepath.Join(r.Dir, "new.md")))
	if changed, err := r.Pull(t.Context()); err != nil || len(changed) != 3 {
		t.Errorf("got %q, %v", changed, err)
	}
}

// Commits that the owner has made and not pushed keep their ids.
func TestOwnersCommitsAreMergedNotMadeAnew(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	r := owned(t, dir)
	put(t, r.Dir, "own.md", "own")
	git(t, r.Dir, "add", "own.md")
	git(t, r.Dir, "commit", "--quiet", "-m", "own")
	own := git(t, r.Dir, "rev-parse", "HEAD")
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	push(t, dir, "theirs", "b.md", "b")
	must(t, r.Push(t.Context()))
	if _, err := tryGit(dir, "merge-base", "--is-ancestor", own, "main"); err != nil {
		t.Error("the owner's commit is not at the remote")
	}
	if got := git(t, dir, "ls-tree", "-r", "--name-only", "main"); got != "a.md\nb.md\nown.md\nx.md" {
		t.Errorf("got %q", got)
	}

	put(t, r.Dir, "a.md", "own")
	git(t, r.Dir, "commit", "--quiet", "-am", "own too")
	must(t, apply(t.Context(), r, "Another", "y.md", "y"))
	push(t, dir, "theirs too", "a.md", "theirs")
	before := git(t, r.Dir, "rev-parse", "HEAD")
	var conflict *gitree.ConflictError
	if err := r.Push(t.Context()); !errors.As(err, &conflict) || conflict.Branch != "" || len(conflict.Files) != 1 {
		t.Errorf("got %v, want a ConflictError for the owner to resolve", err)
	}
	if git(t, r.Dir, "rev-parse", "HEAD") != before || git(t, r.Dir, "status", "--porcelain") != "" {
		t.Error("the tree was touched")
	}
}

// Somebody wrote the remote's history anew: the clone follows, with our commits on top.
func TestCloneFollowsARewrittenHistory(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a")
	push(t, dir, "mistake", "m.md", "m")
	r := cloned(t, dir)
	must(t, apply(t.Context(), r, "Post", "x.md", "x"))
	them := other(t, dir)
	git(t, them, "reset", "--quiet", "--hard", "HEAD^")
	put(t, them, "a.md", "better")
	git(t, them, "commit", "--quiet", "-am", "better")
	git(t, them, "push", "--quiet", "--force", "origin", "main")
	must(t, r.Push(t.Context()))
	if got := history(t, dir, "main"); got != "Post, better, first" {
		t.Errorf("got %s", got)
	}
	if _, err := os.Lstat(filepath.Join(r.Dir, "m.md")); err == nil {
		t.Error("the mistake is there still")
	}
}

// A rename at the remote: our edit goes into the file under its new name.
func TestOurEditFollowsARename(t *testing.T) {
	t.Parallel()
	dir := bare(t, "old.md", "title\n\na long text that stays as it is\nline after line\n")
	r := cloned(t, dir)
	must(t, apply(t.Context(), r, "Edit", "old.md", "new title\n\na long text that stays as it is\nline after line\n"))
	them := other(t, dir)
	git(t, them, "mv", "old.md", "new.md")
	git(t, them, "commit", "--quiet", "-m", "renamed")
	git(t, them, "push", "--quiet", "origin", "main")
	must(t, r.Push(t.Context()))
	if got := git(t, dir, "show", "main:new.md"); got != "new title\n\na long text that stays as it is\nline after line" {
		t.Errorf("got %q", got)
	}
}

// Links, runnable files, and a directory in the place of a file arrive as git has them.
func TestPullBringsEveryKindOfFile(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a", "a", "d/e/f.md", "f", "run.sh", "x")
	r := cloned(t, dir)
	them := other(t, dir)
	must(t, os.Remove(filepath.Join(them, "a")))
	put(t, them, "a/b.md", "b")
	must(t, os.RemoveAll(filepath.Join(them, "d")))
	put(t, them, "d", "d")
	must(t, os.Symlink("/etc/passwd", filepath.Join(them, "link")))
	put(t, them, "new\nline\".md", "n")
	must(t, os.Chmod(filepath.Join(them, "run.sh"), 0o755))
	git(t, them, "add", "--all")
	git(t, them, "commit", "--quiet", "-m", "theirs")
	git(t, them, "push", "--quiet", "origin", "main")
	changed, err := r.Pull(t.Context())
	if diff := cmp.Diff([]string{"a", "a/b.md", "d", "d/e/f.md", "link", "new\nline\".md", "run.sh"}, changed); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if got := git(t, r.Dir, "status", "--porcelain"); got != "" {
		t.Errorf("got status %q", got)
	}
	if _, err := r.Read("link"); err == nil {
		t.Error("a link that leads outside was read")
	}
}
