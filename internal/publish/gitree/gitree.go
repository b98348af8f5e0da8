// Package gitree keeps the source of a site in git, with the git program.
//
//	repo := &gitree.Repo{Dir: "/srv/blog", Branch: "main", Name: "Ana", Email: "ana@example.com"}
//	err := repo.Open(ctx)                             // or Clone: true, Remote: "https://…", Token: …
//	err = repo.Apply(ctx, "Post: Hola", files)        // written and committed
//	err = repo.Push(ctx)                              // at the remote, on top of what others pushed
//
// It works in the owner's own tree or in a clone that is ours alone, and needs git
// 2.38 or later on a Unix system. In the owner's tree, what is not committed, staged or
// not, is never touched: a change that would need to is [ErrDirty]. Commits are made by
// plumbing, so neither commit hooks nor signing come in between; a pre-push hook of the
// owner's tree is run as ever, a clone has no hooks. Pushing a branch pushes what the
// owner has committed to it, too.
//
// A move of the branch is written down before it begins (see move), in the directory
// tertulia inside git's own. A program that was stopped between any two steps, or
// inside one, completes the move with its next call.
//
// The branch follows its remote: commits of ours that the remote does not have are put
// on top of its own. Where both changed the same lines, ours step aside to a branch
// that keeps them, and [ConflictError] says so.
package gitree

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"tertulia/internal/publish"
)

// Repo is a working tree of git. Set the exported fields, then call Open; after that
// all methods may be called concurrently. Changes are made one after another, also
// those of two Repos on one tree; while Push and Pull wait for the network, Apply does not.
type Repo struct {
	Dir    string // where the site's source is: the owner's tree, or a directory in it; with Clone the clone's place
	Clone  bool   // Dir is ours: made by Open, and nobody else works in it
	Remote string // https, ssh, file, http on loopback, or the name of one of the tree's remotes; "" is origin, if there is one
	Branch string // "" is the one that is checked out, in a new clone the remote's own

	// Token gives the password for an https remote; nil is none. User goes with it: ""
	// is the one in Remote, else "git", which the forges take.
	Token func() (string, error)
	User  string

	SSHKey string // file with the private key for an ssh remote; "" leaves it to ssh

	Name, Email string // the author of commits

	Timeout time.Duration // of one exchange with the remote; 10 minutes if zero
	Log     *slog.Logger  // nil discards

	tree   *publish.Dir
	top    string // root of the working tree
	prefix string // of Dir in it, with a slash at its end, or ""
	gitDir string // git's directory for this tree
	common string // git's directory for all trees of the repository
	own    string // our directory in gitDir: home, journal, locks
	remote remote
	branch string

	turn    chan struct{} // held while the tree changes
	net     chan struct{} // held while the remote is talked to
	grace   time.Duration // for git to end by itself
	changed []string      // paths that the remote changed and Pull has not told yet
	step    func(string)  // for tests: called before each step
}

var _ publish.Tree = (*Repo)(nil)

// What can go wrong, for errors.Is. ErrUnreachable, ErrBusy and ErrDirty may be over at
// the next try; the others need the owner.
var (
	ErrUnreachable = errors.New("the remote cannot be reached")
	ErrBusy        = errors.New("somebody else is at work in the repository")
	ErrDirty       = errors.New("the file has changes that are not committed")
	ErrAuth        = errors.New("the remote does not let us in")
	ErrRejected    = errors.New("the remote refuses what was pushed")
	ErrConflict    = errors.New("the remote has changed the same lines")
	ErrBranch      = errors.New("the branch is not there")
	ErrOther       = errors.New("this is another repository")
)

// CommandError is a git command that failed.
type CommandError struct {
	Command string // its name: push
	Output  string // the last it said, secrets removed: for the owner, not for visitors
	Err     error  // one of the errors above, where the reason is known
}

// Error names the command, and has what it said on one line.
func (e *CommandError) Error() string {
	if e.Output == "" {
		return fmt.Sprintf("git %s: %v", e.Command, e.Err)
	}
	return fmt.Sprintf("git %s: %v: %s", e.Command, e.Err, strings.ReplaceAll(e.Output, "\n", "; "))
}

// Unwrap gives the reason.
func (e *CommandError) Unwrap() error { return e.Err }

// ConflictError says that commits of ours did not fit on top of the remote's. The tree
// is as the remote has it, with those commits of ours that fit. It is an [ErrConflict].
type ConflictError struct {
	Files  []string // what both changed, relative to Dir
	Branch string   // keeps our version, at the remote too where that was possible; "" where the commits are the owner's and nothing was moved
}

// Error names the files, and the branch that keeps our version.
func (e *ConflictError) Error() string {
	text := fmt.Sprintf("%v: %s", ErrConflict, strings.Join(e.Files, ", "))
	if e.Branch == "" {
		return text + "; pull and resolve it by hand"
	}
	return text + "; our version is kept on the branch " + e.Branch
}

// Is makes it an [ErrConflict].
func (e *ConflictError) Is(target error) bool { return target == ErrConflict }

func (r *Repo) log() *slog.Logger {
	if r.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return r.Log
}

// at is where tests stop the program.
func (r *Repo) at(step string) {
	if r.step != nil {
		r.step(step)
	}
}

func take(ctx context.Context, c chan struct{}) (release func(), err error) {
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
