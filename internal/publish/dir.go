package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// Dir is a directory as a [Tree]: the source of a site that nobody keeps a history of,
// or whose history is its owner's own business.
//
//	tree := &publish.Dir{Path: "/srv/blog"}
//
// A file is replaced at once and is on the disk when Apply returns. Nothing outside
// Path is read or written, symbolic links notwithstanding, and no link is written over.
type Dir struct {
	Path string // must exist: a typing error should not found a second site

	mu sync.Mutex // one Apply at a time: temporary files have fixed names
}

var _ Tree = (*Dir)(nil)

// within opens the directory for the time of a call.
func (d *Dir) within(do func(directory) error) error {
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return fmt.Errorf("the source is away: %v", err) // which says nothing of its files
	}
	return errors.Join(do(directory{root}), root.Close())
}

// Read implements [Tree].
func (d *Dir) Read(name string) (data []byte, err error) {
	if err := sourceName(name); err != nil {
		return nil, err
	}
	err = d.within(func(in directory) error {
		data, err = in.regular(name)
		return err
	})
	return data, err
}

// Stat tells how large a file is and when it was changed, which is enough to know
// that it has to be read anew.
func (d *Dir) Stat(name string) (info fs.FileInfo, err error) {
	err = d.within(func(in directory) error {
		info, err = in.root.Lstat(name)
		return err
	})
	return info, err
}

// regular reads a file that is neither a link nor a device.
func (d directory) regular(name string) ([]byte, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file: %w", name, ErrForeign)
	}
	return d.root.ReadFile(name)
}

// outputs are what builds write at the top of a tree, and never its source.
var outputs = []string{"node_modules", "public", "_site", "dist", "resources"}

// Files implements [Tree].
func (d *Dir) Files(ctx context.Context, under string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		root, err := os.OpenRoot(d.Path)
		if err != nil {
			yield("", err)
			return
		}
		defer root.Close()
		start := path.Join(".", under)
		err = fs.WalkDir(root.FS(), start, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case name == start && errors.Is(err, fs.ErrNotExist):
				return fs.SkipAll
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case name == start && entry.IsDir():
				return nil
			case entry.IsDir() && (hidden(entry.Name()) || slices.Contains(outputs, name) || entry.Name() == "node_modules"):
				return fs.SkipDir
			case !entry.Type().IsRegular() || hidden(entry.Name()):
				return nil
			case !yield(name, nil):
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield("", err)
		}
	}
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") && name != "." }

// Apply implements [Tree]. The message is for trees that have a history. After a crash
// in between some files are new and some old; the same call again completes it.
func (d *Dir) Apply(ctx context.Context, _ string, files []File) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.within(func(in directory) error {
		var todo []File
		for _, f := range files {
			if err := sourceName(f.Name); err != nil {
				return err
			}
			now, err := in.regular(f.Name)
			if ignoreGone(err) != nil {
				return err
			}
			switch there := err == nil; {
			case there == (f.Data != nil) && bytes.Equal(now, f.Data):
				continue
			case there && f.Was == nil:
				return fmt.Errorf("%s: %w", f.Name, ErrForeign)
			case there != (f.Was != nil) || !bytes.Equal(now, f.Was):
				return fmt.Errorf("%s: %w", f.Name, ErrChanged)
			}
			todo = append(todo, f)
		}
		for _, f := range todo {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := in.put(f); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	})
}

// put makes one change and sees it to the disk, new directories with it. A file keeps
// the permissions that its owner gave it.
func (d directory) put(f File) error {
	dir := path.Dir(f.Name)
	if f.Data == nil {
		if err := ignoreGone(d.root.Remove(f.Name)); err != nil {
			return err
		}
		return d.sync(dir)
	}
	var parents []string // of directories that come into being
	for at := dir; at != "."; at = path.Dir(at) {
		if _, err := d.root.Lstat(at); err == nil {
			break
		}
		parents = append(parents, path.Dir(at))
	}
	before, gone := d.root.Lstat(f.Name)
	if err := d.replace(f.Name, f.Data, durable); err != nil {
		return err
	}
	if gone == nil {
		return d.root.Chmod(f.Name, before.Mode().Perm())
	}
	for _, parent := range parents {
		if err := d.sync(parent); err != nil {
			return err
		}
	}
	return nil
}

// sourceName refuses names that lead out of a tree or into what is not source.
func sourceName(name string) error {
	for part := range strings.SplitSeq(name, "/") {
		if !plainName(part) || part == "node_modules" {
			return fmt.Errorf("no file of a site's source can be called %q", name)
		}
	}
	return nil
}
