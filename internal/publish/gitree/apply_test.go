package gitree_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
	"tertulia/internal/publish/gitree"
)

// What the owner has staged, changed and left untracked stays as it was, and is in no
// commit of ours.
func TestApplyLeavesTheOwnersWorkAlone(t *testing.T) {
	t.Parallel()
	r := owned(t, bare(t, "a.md", "a", "b.md", "b", "c.md", "c", "d.md", "d", "gone.md", "gone"))
	put(t, r.Dir, "a.md", "changed")
	put(t, r.Dir, "b.md", "staged")
	git(t, r.Dir, "add", "b.md")
	put(t, r.Dir, "b.md", "staged and changed")
	put(t, r.Dir, "new.md", "untracked")
	put(t, r.Dir, "added.md", "added")
	git(t, r.Dir, "add", "added.md")
	git(t, r.Dir, "rm", "--quiet", "--cached", "d.md")
	must(t, os.Remove(filepath.Join(r.Dir, "gone.md")))
	state := func() string {
		return git(t, r.Dir, "status", "--porcelain") + git(t, r.Dir, "diff", "--cached") + git(t, r.Dir, "diff")
	}
	before := state()
	must(t, apply(t.Context(), r, "Post", "c.md", "c2", "posts/hola.md", "hola"))
	if diff := cmp.Diff(before, state()); diff != "" {
		t.Errorf("the owner's work (-before +after):\n%s", diff)
	}
	if got, want := git(t, r.Dir, "show", "--format=%an %cn %s", "--name-status", "HEAD"), "Ana Tertulia Post\n\nM\tc.md\nA\tposts/hola.md"; got != want {
		t.Errorf("got commit %q, want %q", got, want)
	}
	if got := read(t, r.Dir, "posts/hola.md"); got != "hola" {
		t.Errorf("got file %q", got)
	}
}

// TRAPS: names are never options, patterns or quotes to git.
func TestApplyTakesEveryPlainName(t *testing.T) {
	t.Parallel()
	names := []string{
		"-rf.md", "--help/x.md", "mit Leerzeichen/Grüße 🌻.md", "[a].md", "a'b.md", "$(touch x).md", "a;b.md", "(top)x.md", "!x.md", "#x.md", "@.md", "HEAD", "main", "e\u0301.md",
	}
	r := cloned(t, bare(t))
	each := func(text string) (files []string) {
		for _, name := range names {
			files = append(files, name, text)
		}
		return files
	}
	must(t, apply(t.Context(), r, "add", each("text")...))
	got := strings.Split(strings.Trim(git(t, r.Dir, "ls-tree", "-r", "-z", "--name-only", "HEAD"), "\x00"), "\x00")
	slices.Sort(got)
	slices.Sort(names)
	if diff := cmp.Diff(names, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	must(t, apply(t.Context(), r, "change", each("new")...))
	must(t, apply(t.Context(), r, "remove", each("-")...))
	if got := git(t, r.Dir, "status", "--porcelain") + git(t, r.Dir, "ls-files"); got != "" {
		t.Errorf("got %q, want an empty tree", got)
	}
	for _, name := range []string{"", ".", "..", "../x", "a/../../x", "/etc/x", ".git/config", "a/.git/x", ".GIT/x", "a//b", "a\x00b", "a\nb", "a/"} {
		if err := apply(t.Context(), r, "bad", name, "x"); err == nil {
			t.Errorf("%q: got no error", name)
		}
	}
}

func TestApplyAgainMakesNoCommit(t *testing.T) {
	t.Parallel()
	r := owned(t, bare(t, "a.md", "a"))
	files := []publish.File{{Name: "a.md", Data: []byte("b"), Was: []byte("a")}, {Name: "n.md", Data: []byte("n")}, {Name: "empty.md", Data: []byte{}}}
	for range 3 {
		must(t, r.Apply(t.Context(), "Post", files))
	}
	for range 2 {
		must(t, r.Apply(t.Context(), "Gone", []publish.File{{Name: "a.md", Was: []byte("b")}, {Name: "never.md"}}))
	}
	must(t, r.Apply(t.Context(), "Nothing", nil))
	if got := history(t, r.Dir, "main"); got != "Gone, Post, first" {
		t.Errorf("got %s", got)
	}
	if got := git(t, r.Dir, "status", "--porcelain"); got != "" {
		t.Errorf("got status %q", got)
	}
}

func TestApplyRefusesWhatOthersHaveTouched(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(t *testing.T, dir string)
		file publish.File
		want error
	}{
		"there already":         {nil, publish.File{Name: "a.md", Data: []byte("x")}, publish.ErrForeign},
		"changed since":         {nil, publish.File{Name: "a.md", Data: []byte("x"), Was: []byte("older")}, publish.ErrChanged},
		"gone since":            {nil, publish.File{Name: "b.md", Data: []byte("x"), Was: []byte("b")}, publish.ErrChanged},
		"removed unread":        {nil, publish.File{Name: "a.md"}, publish.ErrForeign},
		"uncommitted":           {func(t *testing.T, dir string) { put(t, dir, "a.md", "x") }, publish.File{Name: "a.md", Data: []byte("y"), Was: []byte("x")}, gitree.ErrDirty},
		"back to what it was":   {func(t *testing.T, dir string) { put(t, dir, "a.md", "x") }, publish.File{Name: "a.md", Data: []byte("a"), Was: []byte("x")}, gitree.ErrDirty},
		"uncommitted, removing": {func(t *testing.T, dir string) { put(t, dir, "a.md", "x") }, publish.File{Name: "a.md", Was: []byte("x")}, gitree.ErrDirty},
		"untracked":             {func(t *testing.T, dir string) { put(t, dir, "u.md", "x") }, publish.File{Name: "u.md", Data: []byte("y"), Was: []byte("x")}, gitree.ErrDirty},
		"deleted, uncommitted":  {func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "a.md")) }, publish.File{Name: "a.md", Data: []byte("y")}, gitree.ErrDirty},
		"staged only": {func(t *testing.T, dir string) {
			put(t, dir, "a.md", "staged")
			git(t, dir, "add", "a.md")
			put(t, dir, "a.md", "a")
		}, publish.File{Name: "a.md", Data: []byte("y"), Was: []byte("a")}, gitree.ErrDirty},
		// HOSTILE F18: a file that became a link leading outside.
		"link outside": {func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, "a.md")))
			must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "a.md")))
		}, publish.File{Name: "a.md", Data: []byte("y"), Was: []byte("a")}, publish.ErrForeign},
		"directory that is a link outside": {func(t *testing.T, dir string) {
			must(t, os.Symlink(t.TempDir(), filepath.Join(dir, "posts")))
		}, publish.File{Name: "posts/x.md", Data: []byte("y")}, nil},
		"directory that is a link inside": {func(t *testing.T, dir string) {
			put(t, dir, "real/x.md", "x")
			must(t, os.Symlink("real", filepath.Join(dir, "posts")))
		}, publish.File{Name: "posts/y.md", Data: []byte("y")}, publish.ErrForeign},
		"another repository": {func(t *testing.T, dir string) {
			git(t, dir, "init", "--quiet", "inner")
		}, publish.File{Name: "inner/y.md", Data: []byte("y")}, publish.ErrForeign},
		"a directory": {func(t *testing.T, dir string) { put(t, dir, "d.md/x", "x") }, publish.File{Name: "d.md", Data: []byte("y")}, publish.ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			r := owned(t, bare(t, "a.md", "a"))
			if c.do != nil {
				c.do(t, r.Dir)
			}
			before := git(t, r.Dir, "status", "--porcelain")
			err := r.Apply(t.Context(), "Post", []publish.File{{Name: "fine.md", Data: []byte("fine")}, c.file})
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if got := git(t, r.Dir, "status", "--porcelain"); got != before || history(t, r.Dir, "main") != "first" {
				t.Errorf("got status %q after %q, history %s", got, before, history(t, r.Dir, "main"))
			}
		})
	}
}

func TestApplyInAnOddTree(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(t *testing.T, dir string)
		want error
	}{
		"detached HEAD":  {func(t *testing.T, dir string) { git(t, dir, "checkout", "--quiet", "--detach") }, gitree.ErrBranch},
		"another branch": {func(t *testing.T, dir string) { git(t, dir, "checkout", "--quiet", "-b", "work") }, gitree.ErrBranch},
		"a merge that waits": {func(t *testing.T, dir string) {
			git(t, dir, "checkout", "--quiet", "-b", "work")
			put(t, dir, "a.md", "theirs")
			git(t, dir, "commit", "--quiet", "-am", "theirs")
			git(t, dir, "checkout", "--quiet", "main")
			put(t, dir, "a.md", "ours")
			git(t, dir, "commit", "--quiet", "-am", "ours")
			_, _ = tryGit(dir, "merge", "work") // it fails: that is the point
		}, gitree.ErrBusy},
		"staging under way": {func(t *testing.T, dir string) { put(t, dir, ".git/index.lock", "") }, gitree.ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			r := owned(t, bare(t, "a.md", "a"))
			c.do(t, r.Dir)
			before := git(t, r.Dir, "rev-parse", "HEAD")
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if err := apply(ctx, r, "Post", "x.md", "x"); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if git(t, r.Dir, "rev-parse", "HEAD") != before {
				t.Error("HEAD has moved")
			}
			if _, err := os.Lstat(filepath.Join(r.Dir, "x.md")); err == nil {
				t.Error("the file was written")
			}
		})
	}
}

// A site in a directory of a larger repository.
func TestDirMayBeInsideATree(t *testing.T) {
	t.Parallel()
	dir := other(t, bare(t, "blog/a.md", "a", "shop/s.md", "s"))
	r := open(t, &gitree.Repo{Dir: filepath.Join(dir, "blog"), Branch: "main"})
	must(t, apply(t.Context(), r, "Post", "a.md", "-", "p/x.md", "x"))
	must(t, apply(t.Context(), r, "Gone", "p/x.md", "-"))
	if got := git(t, dir, "show", "--format=", "--name-status", "HEAD^", "--"); got != "D\tblog/a.md\nA\tblog/p/x.md" {
		t.Errorf("got %q", got)
	}
	if info, err := os.Stat(r.Dir); err != nil || !info.IsDir() {
		t.Errorf("the site's directory: %v", err)
	}
	push(t, git(t, dir, "remote", "get-url", "origin"), "more", "blog/b.md", "b", "shop/t.md", "t")
	changed, err := r.Pull(t.Context())
	if diff := cmp.Diff([]string{"b.md"}, changed); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// The owner's rules for line ends hold, and the same file again is no change.
func TestApplyFollowsLineEndRules(t *testing.T) {
	t.Parallel()
	r := owned(t, bare(t, ".gitattributes", "* text=auto\n*.txt eol=crlf\n", "a.txt", "a\r\n", "run.sh", "#!/bin/sh\n"))
	must(t, os.Chmod(filepath.Join(r.Dir, "run.sh"), 0o755))
	git(t, r.Dir, "commit", "--quiet", "-am", "may run")
	for range 2 {
		must(t, apply(t.Context(), r, "Post", "a.txt", "b\nc\n", "b.md", "x\r\ny\r\n", "run.sh", "#!/bin/sh\n:\n"))
	}
	if got := history(t, r.Dir, "main") + git(t, r.Dir, "status", "--porcelain"); got != "Post, may run, first" {
		t.Errorf("got %s", got)
	}
	if got := read(t, r.Dir, "a.txt"); got != "b\r\nc\r\n" {
		t.Errorf("got %q", got)
	}
	if info, err := os.Stat(filepath.Join(r.Dir, "run.sh")); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Errorf("got %v, %v; want it executable", info.Mode(), err)
	}
}

// Files with line ends that were committed before there was a rule for them are clean
// to git, hence to us.
func TestApplyToAFileThatIsOlderThanTheRules(t *testing.T) {
	t.Parallel()
	dir := bare(t, "a.md", "a\r\n", "b.md", "b\r\n")
	push(t, dir, "rules", ".gitattributes", "* text=auto\n")
	r := cloned(t, dir)
	must(t, apply(t.Context(), r, "Post", "a.md", "a2\n"))
	push(t, dir, "theirs", "b.md", "b2\n")
	must(t, r.Push(t.Context()))
	if got := git(t, dir, "show", "main:a.md", "main:b.md"); got != "a2\nb2" {
		t.Errorf("got %q", got)
	}
}

func TestApplyIsOneAfterAnother(t *testing.T) {
	t.Parallel()
	r := owned(t, bare(t, "a.md", "a"))
	second := open(t, &gitree.Repo{Dir: r.Dir})
	var wg sync.WaitGroup
	for i := range 6 {
		for _, repo := range []*gitree.Repo{r, second} {
			wg.Go(func() {
				name := fmt.Sprintf("%p-%d.md", repo, i)
				if err := repo.Apply(t.Context(), "Post", []publish.File{{Name: name, Data: []byte(name)}}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	if got := git(t, r.Dir, "rev-list", "--count", "HEAD") + git(t, r.Dir, "status", "--porcelain"); got != "13" {
		t.Errorf("got %s, want 13 commits and a clean tree", got)
	}
}

func TestReadAndFiles(t *testing.T) {
	t.Parallel()
	r := owned(t, bare(t, "content/a b.md", "a", "content/ä.md", "ae", "public/index.html", "x"))
	if _, err := r.Read("content/none.md"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
	var names []string
	for name, err := range r.Files(t.Context(), "") {
		must(t, err)
		names = append(names, name)
	}
	if diff := cmp.Diff([]string{"content/a b.md", "content/ä.md"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
