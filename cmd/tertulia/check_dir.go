package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"tertulia/internal/attach"
)

// directories looks at those that are read from and written to.
func (k *checker) directories() {
	p := k.one.Publish
	if p.Git.Clone {
		if _, err := os.Stat(k.set.sourceDir(k.one)); errors.Is(err, fs.ErrNotExist) {
			k.ok("directory", "directory.clone")
			return
		}
	}
	dir := k.set.sourceDir(k.one)
	if !p.generates() {
		dir = cmp.Or(p.Dir, k.one.Root)
	}
	switch {
	case p.Preset == "none", dir == "":
	case k.writable(dir) && p.generates():
		k.source(filepath.Join(dir, inClone(p)))
	}
	if root := k.one.Root; root != "" && root != dir {
		if _, err := os.ReadDir(root); err != nil {
			k.warn("directory", "directory.root", root, plainErr(err))
		}
	}
}

// inClone is the directory of the source in a clone, as far as the settings say.
func inClone(p publishSettings) string {
	if p.Git.Clone {
		return filepath.FromSlash(p.Dir)
	}
	return ""
}

// writable says whether a directory is there for us to write into, without writing.
func (k *checker) writable(dir string) bool {
	const write, search = 2, 1
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		err = syscall.ENOTDIR
	case err == nil:
		err = syscall.Access(dir, write|search)
	}
	if err != nil {
		k.fail("directory", "directory.closed", dir, plainErr(err))
		return false
	}
	k.ok("directory", "directory.ok", dir)
	return true
}

// source says whether a directory is that of the generator that it should be.
func (k *checker) source(dir string) {
	preset := k.one.Publish.Preset
	switch made := attach.GuessFiles(os.DirFS(dir)); {
	case preset == "plain" || made == preset:
	case made == "" || made == "html" || made == attach.Dynamic:
		k.warn("directory", "directory.strange", dir, preset)
	default:
		k.fail("directory", "directory.differs", dir, made, preset)
	}
}

// build says whether the command that builds can be found.
func (k *checker) build() {
	p := k.one.Publish
	if !p.generates() {
		if p.Batch > 0 {
			k.warn("build", "build.batch", p.Preset)
		}
		return
	}
	if len(p.Build) == 0 {
		if p.Hook != "" {
			k.ok("build", "build.hook")
		} else {
			k.ok("build", "build.none")
		}
		return
	}
	name := p.Build[0]
	if strings.Contains(name, "/") && !filepath.IsAbs(name) {
		name = filepath.Join(k.set.sourceDir(k.one), inClone(p), name)
	}
	found, err := exec.LookPath(name)
	if err != nil {
		k.fail("build", "build.missing", p.Build[0], os.Getenv("PATH"))
		return
	}
	k.ok("build", "build.ok", found)
}

// secretFile looks at a file that holds a secret: others may not read it.
func (k *checker) secretFile(name string) (text string, ok bool) {
	info, err := os.Stat(name)
	var b []byte
	if err == nil {
		b, err = os.ReadFile(name)
	}
	switch {
	case err != nil:
		k.fail("token", "token.closed", name, plainErr(err))
		return "", false
	case strings.TrimSpace(string(b)) == "":
		k.fail("token", "token.empty", name)
		return "", false
	case info.Mode().Perm()&0o004 != 0:
		k.warn("token", "token.open", name, info.Mode().Perm().String())
	default:
		k.ok("token", "token.ok", name)
	}
	return strings.TrimSpace(string(b)), true
}

// plainErr is the reason alone: the file is named already.
func plainErr(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}
