package gitree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// commit is what is needed of one to make it again elsewhere.
type commit struct {
	id, tree, author, message string
	parents                   []string
	ours                      bool
}

// commits lists what is in one history and in none of the others, oldest first.
func (r *Repo) commits(ctx context.Context, in string, without ...string) (all []commit, err error) {
	args := []string{"rev-list", "--reverse", "--topo-order", in}
	for _, w := range without {
		if w != "" {
			args = append(args, "^"+w)
		}
	}
	text, err := r.git(ctx, args...)
	if err != nil {
		return nil, err
	}
	for id := range strings.FieldsSeq(text) {
		raw, err := r.git(ctx, "cat-file", "commit", id)
		if err != nil {
			return nil, err
		}
		all = append(all, r.parse(id, raw))
	}
	return all, nil
}

// parse reads git's own form of a commit.
func (r *Repo) parse(id, raw string) commit {
	c := commit{id: id}
	head, message, _ := strings.Cut(raw, "\n\n")
	c.message = message
	for line := range strings.SplitSeq(head, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch key {
		case "tree":
			c.tree = value
		case "parent":
			c.parents = append(c.parents, value)
		case "author":
			c.author = value
		case "committer":
			c.ours = r.Clone || strings.HasPrefix(value, committer+" <")
		}
	}
	c.ours = c.ours && len(c.parents) <= 1
	return c
}

// authorEnv makes git write the author that a commit had.
func (c commit) authorEnv() []string {
	name, rest, _ := strings.Cut(c.author, " <")
	email, date, _ := strings.Cut(rest, "> ")
	return []string{"GIT_AUTHOR_NAME=" + name, "GIT_AUTHOR_EMAIL=" + email, "GIT_AUTHOR_DATE=@" + date}
}

// pick makes a commit again on top of another one and gives the new tip: the old one
// where nothing of it is left to do. Where both changed the same lines, clash has the paths.
func (r *Repo) pick(ctx context.Context, tip string, c commit) (to string, clash []string, err error) {
	base, err := r.orEmpty(ctx, "")
	if err != nil {
		return "", nil, err
	}
	if len(c.parents) == 1 {
		base = c.parents[0] + "^{tree}"
	}
	// merge-tree finds the base by itself, so these three are made to have it.
	var root, left, right string
	for _, made := range []struct {
		id      *string
		tree    string
		parents []*string
	}{{&root, base, nil}, {&left, tip + "^{tree}", []*string{&root}}, {&right, c.tree, []*string{&root}}} {
		var parents []string
		for _, p := range made.parents {
			parents = append(parents, *p)
		}
		if *made.id, err = r.commitTree(ctx, made.tree, parents, "", nil); err != nil {
			return "", nil, err
		}
	}
	tree, clash, err := r.mergeTree(ctx, left, right)
	if err != nil || clash != nil {
		return "", clash, err
	}
	was, err := r.git(ctx, "rev-parse", "--verify", tip+"^{tree}")
	if err != nil || was == tree {
		return tip, nil, err
	}
	to, err = r.commitTree(ctx, tree, []string{tip}, c.message, c.authorEnv())
	return to, nil, err
}

// mergeTree merges two commits without touching anything.
func (r *Repo) mergeTree(ctx context.Context, a, b string) (tree string, clash []string, err error) {
	text, err := r.git(ctx, "merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", a, b)
	if err != nil && !exitedWith(err, 1) {
		return "", nil, err
	}
	fields := strings.Split(strings.TrimRight(text, "\x00"), "\x00")
	if err != nil {
		return "", append([]string{}, fields[1:]...), nil
	}
	return fields[0], nil, nil
}

// replay makes commits again on top of a tip. Those that clash are left out.
func (r *Repo) replay(ctx context.Context, tip string, commits []commit) (to string, clash []string, err error) {
	for _, c := range commits {
		next, files, err := r.pick(ctx, tip, c)
		if err != nil {
			return "", nil, err
		}
		if files != nil {
			clash = append(clash, files...)
			continue
		}
		tip = next
	}
	return tip, clash, nil
}

// reconcile brings together what was fetched and what we have. Call it with the turn,
// after settle.
func (r *Repo) reconcile(ctx context.Context) error {
	theirs, err := r.ref(ctx, r.fetched())
	if err != nil || theirs == "" {
		return err
	}
	tip, err := r.ref(ctx, r.head())
	if err != nil {
		return err
	}
	to, clash, err := r.join(ctx, tip, theirs)
	if err != nil {
		return err
	}
	if clash != nil {
		r.at("park")
		if err := r.park(ctx, tip, clash); err != nil {
			return err
		}
	}
	changes, err := r.changes(ctx, tip, to)
	if err != nil {
		return err
	}
	if err := r.advance(ctx, move{from: tip, to: to}); err != nil {
		return err
	}
	r.keepNames(changes)
	r.at("agree")
	_, err = r.git(ctx, "update-ref", r.agreed(), theirs)
	return err
}

// join makes the commit that has what the remote has and what we have.
func (r *Repo) join(ctx context.Context, tip, theirs string) (to string, clash []string, err error) {
	if tip == "" {
		return theirs, nil, nil
	}
	before, err := r.ref(ctx, r.agreed())
	if err != nil {
		return "", nil, err
	}
	if count, err := r.git(ctx, "rev-list", "--count", theirs, "^"+tip); err != nil || count == "0" {
		return tip, nil, err
	}
	ahead, err := r.commits(ctx, tip, before, theirs)
	if err != nil {
		return "", nil, err
	}
	if len(ahead) == 0 {
		return theirs, nil, nil
	}
	if !slices.ContainsFunc(ahead, func(c commit) bool { return !c.ours }) {
		return r.replay(ctx, theirs, ahead)
	}
	// The owner's own commits keep their ids: theirs and the remote's are merged.
	tree, clash, err := r.mergeTree(ctx, tip, theirs)
	switch {
	case err != nil:
		return "", nil, fmt.Errorf("%w: %w", ErrOther, err)
	case clash != nil:
		return "", nil, &ConflictError{Files: r.below(clash)}
	}
	to, err = r.commitTree(ctx, tree, []string{tip, theirs}, "Merge what was pushed to "+r.branch+"\n", nil)
	return to, nil, err
}

// park keeps our version on a branch and notes that the owner has to be told.
func (r *Repo) park(ctx context.Context, tip string, clash []string) error {
	name := "tertulia/conflict-" + tip[:10]
	if _, err := r.git(ctx, "update-ref", "refs/heads/"+name, tip); err != nil {
		return err
	}
	dir := filepath.Join(r.own, "conflicts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	r.at("note")
	return writeFile(filepath.Join(dir, tip[:10]), []byte(strings.Join(r.below(clash), "\x00")))
}

// tell gives the conflicts that the owner was not told of, after another try to have
// our version at the remote. Call it with the net.
func (r *Repo) tell(ctx context.Context) error {
	dir := filepath.Join(r.own, "conflicts")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var all []error
	for _, entry := range entries {
		if strings.Contains(entry.Name(), ".") {
			continue // not complete
		}
		files, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return err
		}
		branch := "tertulia/conflict-" + entry.Name()
		r.at("push parked")
		if err := r.send(ctx, "refs/heads/"+branch); err != nil {
			r.log().Warn("parked version not pushed", "branch", branch, "error", err)
		}
		r.at("told")
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
		all = append(all, &ConflictError{Files: strings.Split(string(files), "\x00"), Branch: branch})
	}
	return errors.Join(all...)
}
