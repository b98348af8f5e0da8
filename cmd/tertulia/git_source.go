package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"sync"

	"tertulia/internal/publish"
	"tertulia/internal/publish/gitree"
	"tertulia/internal/queue"
	"tertulia/internal/site"
)

// gitSource is a working tree of git as the jobs see it: opened when one needs it first, and
// what needs the owner is not tried again by itself.
type gitSource struct {
	repo   *gitree.Repo
	mu     sync.Mutex
	opened bool
}

var (
	_ publish.Tree = (*gitSource)(nil)
	_ site.Remote  = (*gitSource)(nil)
)

// Open makes the source ready to be written to: jobs may wait for a clone, nobody else does.
func (h *gitSource) Open(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.opened {
		return nil
	}
	err := h.repo.Open(ctx)
	h.opened = err == nil
	return forOwner(err)
}

// there tells whether the tree can be read without asking the remote, which editors must not
// wait for: jobs open it.
func (h *gitSource) there() error {
	if !h.repo.Clone {
		return h.Open(context.Background())
	}
	if !h.mu.TryLock() {
		return errors.New("the clone is being made")
	}
	opened := h.opened
	h.mu.Unlock()
	if !opened {
		return errors.New("there is no clone yet")
	}
	return nil
}

// Read implements [publish.Tree].
func (h *gitSource) Read(name string) ([]byte, error) {
	if err := h.there(); err != nil {
		return nil, err
	}
	return h.repo.Read(name)
}

// Stat tells whether a file has to be read anew.
func (h *gitSource) Stat(name string) (fs.FileInfo, error) {
	if err := h.there(); err != nil {
		return nil, err
	}
	return h.repo.Stat(name)
}

// Files implements [publish.Tree].
func (h *gitSource) Files(ctx context.Context, under string) iter.Seq2[string, error] {
	if err := h.Open(ctx); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return h.repo.Files(ctx, under)
}

// Apply implements [publish.Tree].
func (h *gitSource) Apply(ctx context.Context, message string, files []publish.File) error {
	if err := h.Open(ctx); err != nil {
		return err
	}
	return forOwner(h.repo.Apply(ctx, message, files))
}

// Push implements [site.Remote].
func (h *gitSource) Push(ctx context.Context) error {
	if err := h.Open(ctx); err != nil {
		return err
	}
	return forOwner(h.repo.Push(ctx))
}

// Pull implements [site.Remote]. A conflict names the branch that keeps our version: the
// tree is as the remote has it.
func (h *gitSource) Pull(ctx context.Context) (bool, error) {
	if err := h.Open(ctx); err != nil {
		return false, err
	}
	changed, err := h.repo.Pull(ctx)
	return len(changed) > 0, forOwner(err)
}

func forOwner(err error) error {
	for _, hopeless := range []error{gitree.ErrAuth, gitree.ErrRejected, gitree.ErrConflict, gitree.ErrBranch, gitree.ErrOther} {
		if errors.Is(err, hopeless) {
			return queue.Permanent(err)
		}
	}
	return err
}
