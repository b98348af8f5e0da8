package gitree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// enter waits until nobody else changes the tree, in this process or another.
func (r *Repo) enter(ctx context.Context) (release func(), err error) {
	if r.turn == nil {
		return nil, errors.New("gitree: Open was not called")
	}
	leave, err := take(ctx, r.turn)
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(r.own, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		leave()
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { file.Close(); leave() }, nil // closing unlocks
		}
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			if err = pause(ctx); err == nil {
				continue
			}
		}
		file.Close()
		leave()
		return nil, err
	}
}

// pause waits a moment for somebody else to be done.
func pause(ctx context.Context) error {
	select {
	case <-time.After(20 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}

// unlock removes lock files that a command of ours left when it was killed: in a clone
// all of them, in the owner's tree those in our own places. Call it with the turn.
func (r *Repo) unlock() {
	places := []string{filepath.Join(r.common, "refs", "tertulia"), filepath.Join(r.common, "refs", "heads", "tertulia"), r.own}
	if r.Clone {
		places = []string{r.gitDir}
	}
	for _, place := range places {
		err := filepath.WalkDir(place, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() && name == filepath.Join(r.common, "objects") {
				return fs.SkipDir
			}
			if err == nil && !d.IsDir() && strings.HasSuffix(name, ".lock") {
				err = os.Remove(name)
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			r.log().Warn("git lock file not removed", "error", err)
		}
	}
}

// lockIndex keeps others from staging and committing, as git itself does: by a file
// index.lock. Ours is a hard link to a file in our directory, so that one that was left
// behind can be told from the owner's for certain.
func (r *Repo) lockIndex(ctx context.Context) (release func(), err error) {
	ours, lock := filepath.Join(r.own, "index-lock"), filepath.Join(r.gitDir, "index.lock")
	if err := r.clearIndexLock(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(ours, nil, 0o600); err != nil {
		return nil, err
	}
	for patience := 50; ; patience-- {
		err = os.Link(ours, lock)
		if !errors.Is(err, fs.ErrExist) || patience == 0 {
			break
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("git: %s is there: %w", lock, ErrBusy)
	}
	if err != nil {
		return nil, fmt.Errorf("git: %w", err)
	}
	return func() {
		if err := r.clearIndexLock(); err != nil {
			r.log().Warn("git index not unlocked", "error", err)
		}
	}, nil
}

// clearIndexLock removes index.lock if it is ours.
func (r *Repo) clearIndexLock() error {
	ours, lock := filepath.Join(r.own, "index-lock"), filepath.Join(r.gitDir, "index.lock")
	a, err := os.Lstat(ours)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if b, err := os.Lstat(lock); err == nil && os.SameFile(a, b) {
		if err := os.Remove(lock); err != nil {
			return err
		}
	}
	return os.Remove(ours)
}

// staleAfter is how old an empty lock on a ref must be for its maker to be gone: the
// ref is moved in moments.
const staleAfter = 10 * time.Minute

// unlockBranch removes locks on the branch that a command of ours left when it was
// killed in the midst of a move: they hold the commit that we were moving to, or nothing.
func (r *Repo) unlockBranch(m move) error {
	for _, lock := range []string{filepath.Join(r.gitDir, "HEAD.lock"), filepath.Join(r.common, filepath.FromSlash(r.head())) + ".lock"} {
		info, err := os.Stat(lock)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		text, err := os.ReadFile(lock)
		if err != nil {
			return err
		}
		if string(text) == m.to+"\n" || len(text) == 0 && time.Since(info.ModTime()) > staleAfter {
			if err := os.Remove(lock); err != nil {
				return err
			}
		}
	}
	return nil
}
