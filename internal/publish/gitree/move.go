package gitree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// move takes the branch from one commit to another, and the files and the index of the
// tree with it. from is "" where the branch has no commit yet.
//
// It is made in this order, and again from the start after a crash:
//
//	check    every path that differs is as in from or as in to, in the tree and in the index; else ErrDirty
//	journal  the file tertulia/move holds "FROM TO"
//	write    the tree's files: temporary, fsync, rename, fsync of the directory
//	stage    the index
//	ref      the branch, if it still is at from
//	done     the journal is removed
//
// The branch comes last: an owner who commits in between commits our change with
// theirs, instead of taking it back.
type move struct{ from, to string }

// change is one path of a move. Modes and ids are git's; "" where there is no file.
type change struct {
	path             string
	oldMode, newMode string
	old, new         string
}

const (
	linkMode   = "120000"
	moduleMode = "160000"
	runMode    = "100755"
	fileMode   = "100644"
)

// changes lists what differs between two commits or trees; "" is the empty one.
func (r *Repo) changes(ctx context.Context, from, to string) (all []change, err error) {
	if from, err = r.orEmpty(ctx, from); err != nil {
		return nil, err
	}
	text, err := r.git(ctx, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", "--no-commit-id", from, to)
	if err != nil {
		return nil, err
	}
	return parseRaw(text)
}

// parseRaw reads git's raw format: ":MODE MODE ID ID STATUS\0PATH\0".
func parseRaw(text string) (all []change, err error) {
	fields := strings.Split(text, "\x00")
	for i := 0; i+1 < len(fields); i += 2 {
		part := strings.Fields(strings.TrimPrefix(fields[i], ":"))
		if len(part) != 5 {
			return nil, fmt.Errorf("git: unexpected answer %q", fields[i])
		}
		c := change{path: fields[i+1], oldMode: part[0], newMode: part[1], old: part[2], new: part[3]}
		if c.oldMode == "000000" {
			c.old = ""
		}
		if c.newMode == "000000" {
			c.new = ""
		}
		all = append(all, c)
	}
	return all, nil
}

// orEmpty gives the empty tree for "".
func (r *Repo) orEmpty(ctx context.Context, commit string) (string, error) {
	if commit != "" {
		return commit, nil
	}
	return r.run(ctx, command{args: []string{"hash-object", "-t", "tree", "-w", "--stdin"}})
}

// advance makes a move, or completes it. Call it with the turn.
func (r *Repo) advance(ctx context.Context, m move) error {
	if m.from == m.to {
		return nil
	}
	changes, err := r.changes(ctx, m.from, m.to)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(r.top)
	if err != nil {
		return err
	}
	defer root.Close()
	r.at("lock")
	release, err := r.lockIndex(ctx)
	if err != nil {
		return err
	}
	defer release()
	ctx = context.WithoutCancel(ctx) // it takes moments, and the journal would bring it to its end anyway
	todo, err := r.check(ctx, root, m, changes)
	if err != nil {
		return err
	}
	r.at("journal")
	if err := r.journal(m); err != nil {
		return err
	}
	r.at("write")
	if err := r.write(ctx, root, m.to, todo); err != nil {
		return err
	}
	r.at("stage")
	if err := r.stage(ctx, changes); err != nil {
		return err
	}
	r.at("ref")
	if err := r.moveRef(ctx, m); err != nil {
		return err
	}
	r.at("done")
	return r.journal(move{})
}

func (r *Repo) moveRef(ctx context.Context, m move) error {
	now, err := r.ref(ctx, r.head())
	if err != nil || now == m.to {
		return err
	}
	from := m.from
	if from == "" {
		from = strings.Repeat("0", len(m.to))
	}
	if now != m.from {
		return fmt.Errorf("git: the branch %s has moved: %w", r.branch, ErrBusy)
	}
	if _, err := r.git(ctx, "update-ref", "-m", "tertulia", r.head(), m.to, from); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(filepath.Join(r.common, filepath.FromSlash(r.head())))); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// check gives the changes that the tree's files still need. Whatever is neither as it
// was nor as it shall be is the owner's, and ErrDirty.
func (r *Repo) check(ctx context.Context, root *os.Root, m move, changes []change) (todo []change, err error) {
	staged, err := r.staged(ctx, m.from)
	if err != nil {
		return nil, err
	}
	found, err := r.lookTwice(ctx, root, changes)
	if err != nil {
		return nil, err
	}
	var dirty []string
	for _, c := range changes {
		s, differs := staged[c.path]
		now := found[c.path]
		switch {
		case differs && (s.new != c.new || s.newMode != c.newMode):
			dirty = append(dirty, c.path)
		case c.oldMode == moduleMode || c.newMode == moduleMode:
			// what lies in a submodule's directory is that repository's
		case now != c.old && now != c.new:
			dirty = append(dirty, c.path)
		case now != c.new || c.oldMode != c.newMode:
			todo = append(todo, c)
		}
	}
	if dirty != nil {
		return nil, fmt.Errorf("git: %s: %w", strings.Join(r.below(dirty), ", "), ErrDirty)
	}
	return todo, nil
}

// staged gives what the index has otherwise than a commit, by path.
func (r *Repo) staged(ctx context.Context, from string) (map[string]change, error) {
	from, err := r.orEmpty(ctx, from)
	if err != nil {
		return nil, err
	}
	text, err := r.git(ctx, "diff-index", "-z", "--cached", "--raw", "--no-renames", "--no-abbrev", from)
	if err != nil {
		return nil, err
	}
	list, err := parseRaw(text)
	if err != nil {
		return nil, err
	}
	staged := map[string]change{}
	for _, s := range list {
		staged[s.path] = s
	}
	return staged, nil
}

// lookTwice gives the ids of the tree's files at these paths. A file that is neither as it was
// nor as it shall be is looked at as it is: it may have been committed before there was a
// rule for its line ends.
func (r *Repo) lookTwice(ctx context.Context, root *os.Root, changes []change) (map[string]string, error) {
	found, err := r.look(ctx, root, changes, true)
	if err != nil {
		return nil, err
	}
	var asIs map[string]string
	for _, c := range changes {
		now := found[c.path]
		if now == c.old || now == c.new || now == "" || now == other {
			continue
		}
		if asIs == nil {
			if asIs, err = r.look(ctx, root, changes, false); err != nil {
				return nil, err
			}
		}
		found[c.path] = asIs[c.path]
	}
	return found, nil
}

// other stands for what is no file: it is not the id of anything.
const other = "other"

// look gives the ids of the tree's files at these paths, as git would keep them or,
// without its filters, as they are.
func (r *Repo) look(ctx context.Context, root *os.Root, changes []change, filters bool) (map[string]string, error) {
	found := map[string]string{}
	var files []string
	var names strings.Builder
	for _, c := range changes {
		if c.oldMode == moduleMode || c.newMode == moduleMode {
			continue
		}
		info, err := root.Lstat(c.path)
		switch {
		case throughLink(root, c.path):
			found[c.path] = other
		case err != nil && !absent(err):
			return nil, err
		case err != nil || info.IsDir():
			found[c.path] = "" // files in a directory have paths of their own
		case info.Mode()&os.ModeSymlink != 0:
			to, err := root.Readlink(c.path)
			if err != nil {
				return nil, err
			}
			if found[c.path], err = r.run(ctx, command{args: []string{"hash-object", "--no-filters", "--stdin"}, in: []byte(to)}); err != nil {
				return nil, err
			}
		case info.Mode().IsRegular():
			files = append(files, c.path)
			names.WriteString(octal(c.path) + "\n")
		default:
			found[c.path] = other
		}
	}
	if files == nil {
		return found, nil
	}
	args := []string{"hash-object", "--stdin-paths"}
	if !filters {
		args = append(args, "--no-filters")
	}
	text, err := r.run(ctx, command{args: args, in: []byte(names.String())})
	if err != nil {
		return nil, err
	}
	ids := strings.Split(text, "\n")
	if len(ids) != len(files) {
		return nil, errors.New("git: hash-object does not answer for every file")
	}
	for i, name := range files {
		found[name] = ids[i]
	}
	return found, nil
}

// octal writes a path as git reads it from a list with lines.
func octal(name string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(name) {
		if c < ' ' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\%03o`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// throughLink tells whether a symbolic link stands on the way to a path.
func throughLink(root *os.Root, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if info, err := root.Lstat(dir); err == nil && info.Mode()&os.ModeSymlink != 0 {
			return true
		}
	}
	return false
}

// journal notes a move, or that there is none.
func (r *Repo) journal(m move) error {
	name := filepath.Join(r.own, "move")
	if m.to == "" {
		if err := os.Remove(name); err != nil {
			return err
		}
		return syncDir(r.own)
	}
	return writeFile(name, []byte(or(m.from, "-")+" "+m.to+"\n"))
}
