package gitree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"tertulia/internal/publish"
)

// agreed is what the remote's branch was when our branch last contained it, fetched what
// it was when we last looked. Both are refs of our own, so that the owner's stay as they are.
func (r *Repo) agreed() string  { return r.note("agreed") }
func (r *Repo) fetched() string { return r.note("fetched") }

func (r *Repo) note(kind string) string {
	sum := sha256.Sum256([]byte(r.remote.url))
	return fmt.Sprintf("refs/tertulia/%s/%x/%s", kind, sum[:4], r.branch)
}

// Open finds the repository, completes what a stopped program left undone, and makes
// the clone, where that is wanted and not there yet; a clone that broke off goes on. It
// needs the remote for the latter only. A directory that is another repository, or none,
// is [ErrOther], a branch that does not exist [ErrBranch].
func (r *Repo) Open(ctx context.Context) error {
	if r.turn == nil {
		r.turn, r.net = make(chan struct{}, 1), make(chan struct{}, 1)
		if r.grace == 0 {
			r.grace = patience
		}
	}
	dir, err := filepath.Abs(r.Dir)
	if err != nil {
		return err
	}
	if strings.ContainsAny(dir, "\n\"") {
		return fmt.Errorf("git: %q: no directory of a site can be called that", dir)
	}
	if err := r.recent(ctx); err != nil {
		return err
	}
	if r.Clone {
		err = r.found(ctx, dir)
	} else {
		err = r.discover(ctx, dir)
	}
	if err != nil {
		return err
	}
	if err := r.findRemote(ctx); err != nil {
		return err
	}
	release, err := r.enter(ctx)
	if err != nil {
		return err
	}
	defer release()
	r.unlock()
	if r.Clone {
		if err := r.populate(ctx); err != nil {
			return err
		}
	} else if err := r.chooseBranch(ctx); err != nil {
		return err
	}
	err = r.settle(ctx)
	r.changed = nil // whoever opens it looks at everything
	return err
}

// recent refuses a git that lacks what this package uses: merge-tree --write-tree.
func (r *Repo) recent(ctx context.Context) error {
	r.top = os.TempDir()
	text, err := r.git(ctx, "version")
	if err != nil {
		return fmt.Errorf("is git installed? %w", err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(text, "git version %d.%d", &major, &minor); err != nil || major < 2 || major == 2 && minor < 38 {
		return fmt.Errorf("%s is too old: 2.38 or later is needed", text)
	}
	return nil
}

// discover finds the owner's repository around the directory.
func (r *Repo) discover(ctx context.Context, dir string) (err error) {
	if r.top, err = filepath.EvalSymlinks(dir); err != nil {
		return fmt.Errorf("git: %w", err)
	}
	r.gitDir = ""
	text, err := r.git(ctx, "rev-parse", "--path-format=absolute", "--absolute-git-dir", "--git-common-dir", "--show-toplevel", "--show-prefix")
	lines := strings.Split(text+"\n", "\n")
	if err != nil || len(lines) < 4 {
		return fmt.Errorf("git: %s: %w than a working tree of git: %w", dir, ErrOther, err)
	}
	return r.settleIn(lines[0], lines[1], lines[2], lines[3])
}

// settleIn notes where everything is.
func (r *Repo) settleIn(gitDir, common, top, prefix string) error {
	r.gitDir, r.common, r.top, r.prefix = gitDir, common, top, prefix
	r.own = filepath.Join(gitDir, "tertulia")
	r.tree = &publish.Dir{Path: filepath.Join(top, filepath.FromSlash(prefix))}
	return os.MkdirAll(r.own, 0o700)
}

// remoteKey is where a clone of ours says so, and of what.
const remoteKey = "tertulia.remote"

// found makes the clone's repository, or finds it as it was made before.
func (r *Repo) found(ctx context.Context, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	to, err := parseRemote(r.Remote)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	gitDir := filepath.Join(dir, ".git")
	r.top, r.gitDir = dir, gitDir
	switch {
	case len(entries) == 0:
		r.at("init")
	case len(entries) > 1 || entries[0].Name() != ".git":
		if info, err := os.Lstat(gitDir); err != nil || !info.IsDir() {
			return fmt.Errorf("git: %s is not empty: %w than our clone", dir, ErrOther)
		}
	}
	if len(entries) <= 1 { // again, if it broke off there
		if err := os.Remove(filepath.Join(gitDir, "config.lock")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if _, err := r.git(ctx, "init", "--quiet", "--template=", "--initial-branch="+or(r.Branch, "main")); err != nil {
			return err
		}
	}
	r.at("mark")
	mark, err := r.git(ctx, "config", "--local", "--default", "", "--get", remoteKey)
	if err != nil {
		return err
	}
	switch {
	case mark == to.url:
	case mark != "":
		return fmt.Errorf("git: %s is a clone of %s: %w than %s; move it away or give another directory", dir, mark, ErrOther, to.url)
	case len(entries) > 1 || r.hasObjects():
		return fmt.Errorf("git: %s: %w than our clone", dir, ErrOther)
	default:
		if _, err := r.git(ctx, "config", "--local", remoteKey, to.url); err != nil {
			return err
		}
	}
	return r.settleIn(gitDir, gitDir, dir, "")
}

// hasObjects tells whether anything was ever kept in the repository.
func (r *Repo) hasObjects() bool {
	some := false
	err := filepath.WalkDir(filepath.Join(r.gitDir, "objects"), func(_ string, d fs.DirEntry, err error) error {
		some = some || err != nil || !d.IsDir()
		return err
	})
	return some || err != nil
}

// populate fills the clone from the remote.
func (r *Repo) populate(ctx context.Context) error {
	now, err := r.git(ctx, "symbolic-ref", "--short", "HEAD")
	if err != nil {
		return err
	}
	r.branch = or(r.Branch, now)
	switch tip, err := r.ref(ctx, "HEAD"); {
	case err != nil:
		return err
	case tip != "" && now != r.branch:
		return fmt.Errorf("git: the clone in %s is of branch %s, not %s: %w; move it away or give another directory", r.top, now, r.branch, ErrBranch)
	case tip != "":
		return nil
	}
	r.at("list")
	heads, current, err := r.list(ctx)
	if err != nil {
		return err
	}
	if r.Branch == "" && current != "" {
		r.branch = current
	}
	if err := r.checkOut(ctx); err != nil {
		return err
	}
	switch {
	case len(heads) == 0:
		return nil // the first push founds it
	case !heads[r.head()]:
		return fmt.Errorf("git: %s has no branch %s: %w", r.remote.url, r.branch, ErrBranch)
	}
	if err := r.fetch(ctx); err != nil {
		return err
	}
	r.at("populate")
	return r.reconcile(ctx)
}

// checkOut points HEAD of our clone to the branch, and nothing else.
func (r *Repo) checkOut(ctx context.Context) error {
	if _, err := r.git(ctx, "check-ref-format", "--branch", r.branch); err != nil || strings.HasPrefix(r.branch, "-") {
		return fmt.Errorf("git: no branch can be called %q: %w", r.branch, ErrBranch)
	}
	_, err := r.git(ctx, "symbolic-ref", "HEAD", r.head())
	return err
}

// list asks the remote for its branches and which one is its own.
func (r *Repo) list(ctx context.Context) (heads map[string]bool, current string, err error) {
	text, err := r.run(ctx, command{remote: true, args: []string{"ls-remote", "--quiet", "--symref", "--", r.remote.url, "HEAD", "refs/heads/*"}})
	if err != nil {
		return nil, "", err
	}
	heads = map[string]bool{}
	for line := range strings.Lines(text) {
		what, name, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if to, ok := strings.CutPrefix(what, "ref: refs/heads/"); ok && name == "HEAD" {
			current = to
		} else if strings.HasPrefix(name, "refs/heads/") {
			heads[name] = true
		}
	}
	return heads, current, nil
}

// chooseBranch takes the one that is checked out, unless the settings name one.
func (r *Repo) chooseBranch(ctx context.Context) error {
	r.branch = r.Branch
	if r.branch == "" {
		text, err := r.git(ctx, "symbolic-ref", "--quiet", "--short", "HEAD")
		if err != nil {
			return fmt.Errorf("git: no branch is checked out in %s: %w", r.top, ErrBranch)
		}
		r.branch = text
	}
	return r.onBranch(ctx)
}

// onBranch refuses a tree in which another branch is checked out, or none, or in which
// a merge waits to be completed: what we commit would not be what the owner sees there.
func (r *Repo) onBranch(ctx context.Context) error {
	now, err := r.git(ctx, "symbolic-ref", "--quiet", "HEAD")
	switch {
	case exitedWith(err, 1):
		return fmt.Errorf("git: no branch is checked out in %s, it should be %s: %w", r.top, r.branch, ErrBranch)
	case err != nil:
		return err
	case now != r.head():
		return fmt.Errorf("git: %s is checked out in %s, it should be %s: %w", strings.TrimPrefix(now, "refs/heads/"), r.top, r.branch, ErrBranch)
	}
	for _, name := range []string{"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"} {
		if _, err := os.Lstat(filepath.Join(r.gitDir, name)); err == nil {
			return fmt.Errorf("git: a merge in %s is not complete (%s): %w", r.top, name, ErrBusy)
		}
	}
	return nil
}

func (r *Repo) head() string { return "refs/heads/" + r.branch }

// ref gives the commit that a ref points to, "" if there is none.
func (r *Repo) ref(ctx context.Context, name string) (string, error) {
	id, err := r.git(ctx, "rev-parse", "--quiet", "--verify", "--end-of-options", name+"^{commit}")
	if exitedWith(err, 1) {
		return "", nil
	}
	return id, err
}
