package gitree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// write brings files of the tree to what a commit holds and sees them to the disk. It
// goes through os.Root, so that no link leads out.
func (r *Repo) write(ctx context.Context, root *os.Root, commit string, todo []change) error {
	if len(todo) == 0 {
		return nil
	}
	out := filepath.Join(r.own, "out")
	if err := r.export(ctx, out, commit, todo); err != nil {
		return err
	}
	from, err := os.OpenRoot(out)
	if err != nil {
		return err
	}
	defer from.Close()
	dirs := map[string]bool{}
	for _, c := range todo {
		if c.new != "" {
			continue
		}
		r.at("remove file")
		if err := root.Remove(c.path); err != nil && !absent(err) {
			return err
		}
		r.prune(root, path.Dir(c.path))
		dirs[path.Dir(c.path)] = true
	}
	for _, c := range todo {
		if c.new == "" {
			continue
		}
		r.at("write file")
		if err := put(root, from, c); err != nil {
			return fmt.Errorf("git: %s: %w", c.path, ownersOrNot(err))
		}
		for dir := path.Dir(c.path); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
		}
	}
	r.at("written")
	for dir := range dirs {
		if err := syncIn(root, dir); err != nil && !absent(err) {
			return err
		}
	}
	return os.RemoveAll(out)
}

// export lets git write the files below out, as it would into the tree: with its
// filters for line ends and such.
func (r *Repo) export(ctx context.Context, out, commit string, todo []change) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := os.Mkdir(out, 0o700); err != nil {
		return err
	}
	var names strings.Builder
	for _, c := range todo {
		if c.new != "" {
			names.WriteString(c.path + "\x00")
		}
	}
	if names.Len() == 0 {
		return nil
	}
	index, err := r.temporary(ctx, commit)
	if err != nil {
		return err
	}
	_, err = r.run(ctx, command{
		args: []string{"checkout-index", "--quiet", "--force", "-z", "--stdin", "--prefix=" + out + "/"},
		env:  []string{"GIT_INDEX_FILE=" + index},
		in:   []byte(names.String()),
	})
	return err
}

// put copies a file or a link into the tree and replaces what is there at once.
func put(root, from *os.Root, c change) error {
	dir, base := path.Split(c.path)
	if dir = path.Clean(dir); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	temp := path.Join(dir, fmt.Sprintf(".tertulia-%x.tmp", sha256.Sum256([]byte(base)))[:26])
	if err := root.Remove(temp); err != nil && !absent(err) { // left by a crash
		return err
	}
	if c.newMode == linkMode {
		to, err := from.Readlink(c.path)
		if err == nil {
			err = root.Symlink(to, temp)
		}
		if err != nil {
			return err
		}
		return root.Rename(temp, c.path)
	}
	in, err := from.Open(c.path)
	if err != nil {
		return err
	}
	defer in.Close()
	var perm fs.FileMode = 0o644
	if c.newMode == runMode {
		perm = 0o755
	}
	file, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, in)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = root.Rename(temp, c.path)
	}
	if err != nil {
		return errors.Join(err, root.Remove(temp))
	}
	return nil
}

// prune removes directories that have become empty, but not Dir.
func (r *Repo) prune(root *os.Root, dir string) {
	for ; dir != "." && !strings.HasPrefix(r.prefix, dir+"/"); dir = path.Dir(dir) {
		if root.Remove(dir) != nil {
			return // it has other files
		}
	}
}

func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// ownersOrNot tells a file of the owner's in the place of a directory, or the other way
// round, from a disk that fails.
func ownersOrNot(err error) error {
	for _, clash := range []error{syscall.ENOTDIR, syscall.EISDIR, syscall.EEXIST, syscall.ENOTEMPTY} {
		if errors.Is(err, clash) {
			return fmt.Errorf("%w: %w", ErrDirty, err)
		}
	}
	return err
}

// writeFile replaces a file of our own, durably.
func writeFile(name string, data []byte) error {
	file, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

func syncDir(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func syncIn(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// keepNames keeps the names of what changed until Pull tells them. Call it with the turn.
func (r *Repo) keepNames(changes []change) {
	for _, c := range changes {
		if strings.HasPrefix(c.path, r.prefix) {
			r.changed = append(r.changed, c.path)
		}
	}
}

// below gives the paths as the callers know them: those in Dir relative to it.
func (r *Repo) below(paths []string) (names []string) {
	for _, p := range paths {
		if name, ok := strings.CutPrefix(p, r.prefix); ok {
			names = append(names, name)
		} else {
			names = append(names, "/"+p)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
