package gitree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stage brings the entries of these paths in the owner's index to what they shall be,
// and no others. Call it with the index locked.
func (r *Repo) stage(ctx context.Context, changes []change) error {
	real, ours := filepath.Join(r.gitDir, "index"), filepath.Join(r.own, "index")
	switch old, err := os.ReadFile(real); {
	case err == nil:
		if err := os.WriteFile(ours, old, 0o644); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	default:
		if err := os.Remove(ours); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := r.updateIndex(ctx, ours, changes); err != nil {
		return err
	}
	if info, err := os.Stat(real); err == nil {
		if err := os.Chmod(ours, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return os.Rename(ours, real)
}

// updateIndex puts changes into an index file, removals first: a file may take the
// place of a directory.
func (r *Repo) updateIndex(ctx context.Context, file string, changes []change) error {
	var removed, put strings.Builder
	for _, c := range changes {
		if c.new == "" {
			fmt.Fprintf(&removed, "0 %s\t%s\x00", strings.Repeat("0", len(c.old)), c.path)
		} else {
			fmt.Fprintf(&put, "%s %s\t%s\x00", c.newMode, c.new, c.path)
		}
	}
	_, err := r.run(ctx, command{
		args: []string{"update-index", "-z", "--add", "--replace", "--index-info"},
		env:  []string{"GIT_INDEX_FILE=" + file},
		in:   []byte(removed.String() + put.String()),
	})
	return err
}

// temporary gives an index file of our own that holds what a commit does; none for "".
func (r *Repo) temporary(ctx context.Context, commit string) (file string, err error) {
	file = filepath.Join(r.own, "commit-index")
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	if commit == "" {
		return file, nil
	}
	_, err = r.run(ctx, command{args: []string{"read-tree", commit}, env: []string{"GIT_INDEX_FILE=" + file}})
	return file, err
}
