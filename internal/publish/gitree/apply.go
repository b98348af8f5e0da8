package gitree

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"

	"tertulia/internal/publish"
)

// Read implements [publish.Tree].
func (r *Repo) Read(name string) ([]byte, error) { return r.tree.Read(name) }

// Stat tells a file's size and time of change.
func (r *Repo) Stat(name string) (fs.FileInfo, error) { return r.tree.Stat(name) }

// Files implements [publish.Tree].
func (r *Repo) Files(ctx context.Context, under string) iter.Seq2[string, error] {
	return r.tree.Files(ctx, under)
}

// Apply implements [publish.Tree]: it writes the files and commits them and nothing
// else, all in one commit, which is on the disk when it returns. Where nothing changes
// there is no commit. A file that the owner has changed and not committed is [ErrDirty],
// also when it is new; a path through a link or in another repository is
// [publish.ErrForeign]. Files may have been ignored by the owner's .gitignore.
func (r *Repo) Apply(ctx context.Context, message string, files []publish.File) error {
	release, err := r.enter(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := r.settle(ctx); err != nil {
		return err
	}
	tip, err := r.ref(ctx, r.head())
	if err != nil {
		return err
	}
	changes, err := r.compare(ctx, tip, files)
	if err != nil || len(changes) == 0 {
		return err
	}
	r.at("commit")
	to, err := r.commit(ctx, tip, message, changes)
	if err != nil {
		return err
	}
	return r.advance(ctx, move{from: tip, to: to})
}

// compare gives what has to change in a commit for the files to be in it, and refuses
// what others have done to them.
func (r *Repo) compare(ctx context.Context, tip string, files []publish.File) (changes []change, err error) {
	root, err := os.OpenRoot(r.top)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	kept, err := r.kept(ctx, tip, files)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, f := range files {
		if seen[f.Name] {
			return nil, fmt.Errorf("git: %s is to be written twice", f.Name)
		}
		seen[f.Name] = true
		if r.foreign(root, f.Name) {
			return nil, fmt.Errorf("git: %s lies behind a link or in another repository: %w", f.Name, publish.ErrForeign)
		}
		c, err := r.compareFile(ctx, f, kept[r.prefix+f.Name])
		if err != nil {
			return nil, fmt.Errorf("git: %s: %w", f.Name, err)
		}
		if c.new != c.old {
			changes = append(changes, c)
		}
	}
	return changes, nil
}

// compareFile looks at one file: as it lies in the tree, as it was committed, as its
// writer has read it, and as it shall be.
func (r *Repo) compareFile(ctx context.Context, f publish.File, c change) (change, error) {
	data, err := r.tree.Read(f.Name)
	there := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c.path = r.prefix + f.Name
	if f.Data != nil {
		c.newMode = or(c.oldMode, fileMode)
		if c.new, err = r.hash(ctx, f.Data, "--path="+c.path, "-w"); err != nil {
			return c, err
		}
	}
	now := ""
	if there {
		if now, err = r.hashNow(ctx, data, c); err != nil {
			return c, err
		}
	}
	switch {
	case c.old != "" && c.oldMode != fileMode && c.oldMode != runMode:
		return c, publish.ErrForeign
	case now == c.new: // done before, at least in the tree
	case there && f.Was == nil:
		return c, publish.ErrForeign
	case there != (f.Was != nil) || !bytes.Equal(data, f.Was):
		return c, publish.ErrChanged
	case now != c.old:
		return c, ErrDirty
	}
	return c, nil
}

// hashNow gives the id of a file in the tree. One that is neither as it was nor as it shall be
// may be older than the rules for line ends.
func (r *Repo) hashNow(ctx context.Context, data []byte, c change) (string, error) {
	now, err := r.hash(ctx, data, "--path="+c.path)
	if err != nil || now == c.old || now == c.new {
		return now, err
	}
	return r.hash(ctx, data, "--no-filters")
}

// kept gives the mode and id of the files that a commit holds.
func (r *Repo) kept(ctx context.Context, tip string, files []publish.File) (map[string]change, error) {
	kept := map[string]change{}
	if tip == "" || len(files) == 0 {
		return kept, nil
	}
	args := []string{"ls-tree", "-z", "--full-tree", tip, "--"}
	for _, f := range files {
		args = append(args, r.prefix+f.Name)
	}
	text, err := r.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	for entry := range strings.SplitSeq(strings.TrimSuffix(text, "\x00"), "\x00") {
		about, name, _ := strings.Cut(entry, "\t")
		if part := strings.Fields(about); len(part) == 3 {
			kept[name] = change{oldMode: part[0], old: part[2]}
		}
	}
	return kept, nil
}

// foreign tells whether a path goes through a link or into a repository inside this one.
func (r *Repo) foreign(root *os.Root, name string) bool {
	if throughLink(root, r.prefix+name) {
		return true
	}
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, err := root.Lstat(path.Join(r.prefix, dir, ".git")); err == nil {
			return true
		}
	}
	return false
}

// hash gives the id of a file with these bytes.
func (r *Repo) hash(ctx context.Context, data []byte, options ...string) (string, error) {
	return r.run(ctx, command{args: append([]string{"hash-object", "--stdin"}, options...), in: data})
}

// commit makes a commit that differs from its parent in these paths only; it gives the
// parent where that is nothing.
func (r *Repo) commit(ctx context.Context, parent, message string, changes []change) (string, error) {
	index, err := r.temporary(ctx, parent)
	if err != nil {
		return "", err
	}
	if err := r.updateIndex(ctx, index, changes); err != nil {
		return "", err
	}
	tree, err := r.run(ctx, command{args: []string{"write-tree"}, env: []string{"GIT_INDEX_FILE=" + index}})
	if err != nil {
		return "", err
	}
	var parents []string
	if parent != "" {
		parents = []string{parent}
	}
	return r.commitTree(ctx, tree, parents, message, nil)
}

func (r *Repo) commitTree(ctx context.Context, tree string, parents []string, message string, env []string) (string, error) {
	args := []string{"commit-tree"}
	for _, p := range parents {
		args = append(args, "-p", p)
	}
	return r.run(ctx, command{args: append(args, tree), in: []byte(strings.ReplaceAll(message, "\x00", "")), env: env})
}
