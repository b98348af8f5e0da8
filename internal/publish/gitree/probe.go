package gitree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// Probed is what a look at the remote has shown.
type Probed struct {
	Remote string // its address without secrets, "" where there is none
	Branch bool   // it has Branch, or none was named
}

// ErrNoGit says that there is no git program.
var ErrNoGit = errors.New("there is no program git")

// Probe tells whether the remote lets us in and would take a push, by one that is not made: it
// comes from an empty repository in a temporary directory, so that neither the tree nor the
// remote changes. Open need not have been called, and a clone need not be there. With an
// error Remote is empty where it was not even known whom to ask.
func (r *Repo) Probe(ctx context.Context) (found Probed, err error) {
	if _, err := exec.LookPath("git"); err != nil {
		return found, fmt.Errorf("%w: %w", ErrNoGit, err)
	}
	try := &Repo{
		Dir: r.Dir, Clone: r.Clone, Remote: r.Remote, Branch: r.Branch,
		Token: r.Token, User: r.User, SSHKey: r.SSHKey, Timeout: r.Timeout, grace: patience,
	}
	if try.top = try.Dir; try.Clone {
		try.top = os.TempDir()
	} else if _, err := try.git(ctx, "rev-parse", "--show-toplevel"); err != nil {
		return found, err
	}
	if err := try.findRemote(ctx); err != nil || try.remote.url == "" {
		return found, err
	}
	found.Remote = try.remote.url
	tmp, err := os.MkdirTemp("", "tertulia-git-")
	if err != nil {
		return found, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	try.top, try.own = tmp, tmp
	if err := try.offer(ctx); err != nil {
		return found, err
	}
	heads, _, err := try.list(ctx)
	found.Branch = r.Branch == "" || heads["refs/heads/"+r.Branch]
	return found, err
}

// offer asks the remote whether it would take a branch, and sends none.
func (r *Repo) offer(ctx context.Context) error {
	if _, err := r.git(ctx, "init", "--quiet", "--bare", "--template="); err != nil {
		return err
	}
	tree, err := r.orEmpty(ctx, "")
	if err != nil {
		return err
	}
	commit, err := r.commitTree(ctx, tree, nil, "tertulia check", nil)
	if err != nil {
		return err
	}
	_, err = r.run(ctx, command{remote: true, args: []string{"push", "--dry-run", "--quiet", "--", r.remote.url, commit + ":refs/heads/tertulia-check"}})
	return err
}
