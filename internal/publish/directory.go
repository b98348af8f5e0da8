package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"strings"
	"unicode"
)

// directory is where the pages lie. All names are relative, with slashes, and
// cannot leave it: os.Root sees to that even where symbolic links lead out.
type directory struct{ root *os.Root }

// marks are what our files carry, by their kind. A file without its mark is the
// owner's own: it is never written over and never removed.
var marks = map[string][]byte{
	".html": []byte(`<meta name="generator" content="Tertulia">`),
	".xml":  []byte(`<generator>Tertulia</generator>`),
	".css":  []byte(`/* Tertulia:`),
}

// keeping says whether a file is on the disk when write returns. A list is not: it
// follows from the posts, and is written again at the next start.
type keeping bool

const (
	durable keeping = true
	derived keeping = false
)

// write replaces a file at once, unless it already has these bytes or is not ours. A
// crash in between leaves the old file and at most one temporary beside it, which the
// next write takes over.
func (d directory) write(name string, data []byte, keep keeping) error {
	switch old, err := d.root.ReadFile(name); {
	case err == nil && bytes.Equal(old, data):
		return nil
	case err == nil && !bytes.Contains(old, marks[path.Ext(name)]):
		return fmt.Errorf("%s: %w", name, ErrForeign)
	}
	return d.replace(name, data, keep)
}

// has tells whether a file is there and has these bytes.
func (d directory) has(name string, data []byte) bool {
	old, err := d.root.ReadFile(name)
	return err == nil && bytes.Equal(old, data)
}

// replace puts a file in the place of what is there, whole or not at all.
func (d directory) replace(name string, data []byte, keep keeping) error {
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	if err := d.root.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	temp := path.Join(dir, "."+base+".tmp")
	if err := d.fill(temp, data, keep); err != nil {
		return errors.Join(err, ignoreGone(d.root.Remove(temp)))
	}
	if err := d.root.Rename(temp, name); err != nil {
		return errors.Join(err, ignoreGone(d.root.Remove(temp)))
	}
	if keep == derived {
		return nil
	}
	return d.sync(dir)
}

func (d directory) fill(name string, data []byte, keep keeping) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil && keep == durable {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// sync makes a rename in dir durable.
func (d directory) sync(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// remove deletes a file, if it is there and ours, and the directories above it that
// it leaves empty. That they have gone is on the disk when it returns, also when an
// attempt before has removed them.
func (d directory) remove(name string) error {
	if old, err := d.root.ReadFile(name); err == nil && !bytes.Contains(old, marks[path.Ext(name)]) {
		return nil
	}
	if err := ignoreGone(d.root.Remove(name)); err != nil {
		return err
	}
	dir := path.Dir(name)
	for ; dir != "."; dir = path.Dir(dir) {
		if ignoreGone(d.root.Remove(dir)) != nil {
			break // it has other files
		}
	}
	return d.sync(dir)
}

// unlessForeign drops the error for a list that the owner's site has of its own.
func unlessForeign(err error) error {
	if errors.Is(err, ErrForeign) {
		return nil
	}
	return err
}

// ignoreGone drops the error that says that a file was not there.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// reserved are the files that are not for posts: those at the top and the archives.
var reserved = regexp.MustCompile(`^(index\.html|feed\.xml(/.*)?|tertulia\.css(/.*)?|\d{4}/(\d{2}/)?(page/\d+/)?index\.html|-/.*)$`)

// pagePath is the file of a permalink's page, relative to the directory of its
// site: 2026/11/21/slug/index.html. Parts that lead upwards, begin with a dot or
// have control characters, slashes or backslashes in disguise are refused.
func pagePath(site, permalink string) (string, error) {
	s, err := url.Parse(site)
	if err != nil {
		return "", fmt.Errorf("site address: %w", err)
	}
	u, err := url.Parse(permalink)
	if err != nil {
		return "", fmt.Errorf("permalink: %w", err)
	}
	rest, below := strings.CutPrefix(u.EscapedPath(), strings.TrimSuffix(s.EscapedPath(), "/")+"/")
	if u.Scheme != s.Scheme || !strings.EqualFold(u.Host, s.Host) || !below {
		return "", fmt.Errorf("permalink %s is not below %s", permalink, site)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("permalink %s has a query or a fragment", permalink)
	}
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	for i, part := range parts {
		parts[i], err = url.PathUnescape(part)
		if err != nil || !plainName(parts[i]) {
			return "", fmt.Errorf("permalink %s: no file can be called %q", permalink, part)
		}
	}
	name := path.Join(parts...)
	if strings.HasSuffix(rest, "/") || path.Ext(name) != ".html" {
		name += "/index.html"
	}
	if reserved.MatchString(name) {
		return "", fmt.Errorf("permalink %s: this address is not for a post", permalink)
	}
	return name, nil
}

// plainName reports whether a path segment is a file name like any other.
func plainName(s string) bool {
	return s != "" && s[0] != '.' && len(s) <= 200 && !strings.ContainsAny(s, `/\:*?"<>|`) &&
		strings.IndexFunc(s, unicode.IsControl) < 0
}
