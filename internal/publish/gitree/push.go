package gitree

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// errBehind says that the remote has commits that we have not.
var errBehind = errors.New("the remote has moved")

// attempts bounds how often others may be faster.
const attempts = 5

// Push brings what was committed to the remote. Where others were there first, our
// commits go on top of theirs. It is done, and asks nobody, when the remote has the
// branch already or there is no remote. A [ConflictError] comes after the rest was pushed.
func (r *Repo) Push(ctx context.Context) error {
	return r.exchange(ctx, func() error {
		for range attempts {
			tip, pushed, err := r.tips(ctx)
			if err != nil {
				return err
			}
			if tip == "" || tip == pushed {
				return r.tell(ctx)
			}
			r.at("push")
			switch err = r.send(ctx, tip+":"+r.head()); {
			case err == nil:
				r.at("pushed")
				if err := r.agree(ctx, tip); err != nil {
					return err
				}
				return r.tell(ctx)
			case !errors.Is(err, errBehind):
				return err
			}
			if err := r.fetch(ctx); err != nil {
				return err
			}
			if err := r.reconcileNow(ctx); err != nil {
				return err
			}
		}
		return fmt.Errorf("git push: others push to %s all the time: %w", r.branch, ErrBusy)
	})
}

// Pull brings what others pushed into the tree, our commits on top of it; Push takes
// them on. It tells the files in Dir that others have changed since the last Pull, relative to
// Dir, also where an earlier Push has brought them; also together with a [ConflictError].
func (r *Repo) Pull(ctx context.Context) (changed []string, err error) {
	err = r.exchange(ctx, func() error {
		switch err := r.fetch(ctx); {
		case errors.Is(err, errGone):
			return r.gone(ctx)
		case err != nil:
			return err
		}
		if err := r.reconcileNow(ctx); err != nil {
			return err
		}
		return r.tell(ctx)
	})
	if release, late := r.enter(context.WithoutCancel(ctx)); late == nil {
		changed, r.changed = r.changed, nil
		release()
	}
	if err == nil && r.Clone {
		if _, failed := r.git(ctx, "-c", "gc.auto=2000", "-c", "gc.autoDetach=false", "gc", "--auto", "--quiet"); failed != nil {
			r.log().Warn("git gc", "error", failed)
		}
	}
	return r.below(changed), err
}

// exchange does something with the remote, if there is one, while nobody else does.
func (r *Repo) exchange(ctx context.Context, do func() error) error {
	if r.net == nil {
		return errors.New("gitree: Open was not called")
	}
	if r.remote.url == "" {
		return nil
	}
	release, err := take(ctx, r.net)
	if err != nil {
		return err
	}
	defer release()
	return do()
}

// tips gives our branch and what the remote is known to have.
func (r *Repo) tips(ctx context.Context) (tip, pushed string, err error) {
	release, err := r.enter(ctx)
	if err != nil {
		return "", "", err
	}
	defer release()
	if err := r.settle(ctx); err != nil {
		return "", "", err
	}
	if tip, err = r.ref(ctx, r.head()); err != nil {
		return "", "", err
	}
	pushed, err = r.ref(ctx, r.agreed())
	return tip, pushed, err
}

func (r *Repo) reconcileNow(ctx context.Context) error {
	release, err := r.enter(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := r.settle(ctx); err != nil {
		return err
	}
	r.at("reconcile")
	return r.reconcile(ctx)
}

// agree notes that the remote has a commit of our branch.
func (r *Repo) agree(ctx context.Context, commit string) error {
	refs := []string{r.agreed()}
	if r.remote.track != "" {
		refs = append(refs, r.remote.track+r.branch)
	}
	for _, ref := range refs {
		if _, err := r.git(ctx, "update-ref", ref, commit); err != nil {
			return err
		}
	}
	return nil
}

var behind = regexp.MustCompile(`^\[rejected\]|non-fast-forward|cannot lock ref|failed to update ref|fetch first`)

// send pushes one ref.
func (r *Repo) send(ctx context.Context, refspec string) error {
	text, err := r.run(ctx, command{remote: true, args: []string{"push", "--porcelain", "--", r.remote.url, refspec}})
	var failed *CommandError
	if !errors.As(err, &failed) || errors.Is(err, ErrUnreachable) {
		return err
	}
	for line := range strings.Lines(text) {
		part := strings.Split(strings.TrimSpace(line), "\t")
		if len(part) != 3 || part[0] != "!" {
			continue
		}
		if behind.MatchString(part[2]) {
			return errBehind
		}
		failed.Output = strings.TrimSpace(clean(part[2], nil) + "\n" + failed.Output)
		failed.Err = ErrRejected
	}
	return err
}

// errGone says that the remote has no such branch.
var errGone = errors.New("the remote has no such branch")

// fetch learns what the remote's branch is. It needs no turn: it writes to refs of ours.
func (r *Repo) fetch(ctx context.Context) error {
	r.at("fetch")
	args := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--", r.remote.url, "+" + r.head() + ":" + r.fetched()}
	if r.remote.track != "" {
		args = append(args, "+"+r.head()+":"+r.remote.track+r.branch)
	}
	_, err := r.run(ctx, command{remote: true, args: args})
	var failed *CommandError
	if errors.As(err, &failed) && strings.Contains(failed.Output, "couldn't find remote ref") {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	return err
}

// gone decides what it means that the remote lacks the branch: nothing, if it is new
// or the branch is the owner's and was never pushed.
func (r *Repo) gone(ctx context.Context) error {
	heads, _, err := r.list(ctx)
	if err == nil && r.Clone && len(heads) > 0 {
		names := make([]string, 0, len(heads))
		for name := range heads {
			names = append(names, strings.TrimPrefix(name, "refs/heads/"))
		}
		slices.Sort(names)
		return fmt.Errorf("git: %s has no branch %s, but %s: %w", r.remote.url, r.branch, strings.Join(names, ", "), ErrBranch)
	}
	return err
}
