package gitree

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// settle completes a move that was not. Call it with the turn, before anything else.
func (r *Repo) settle(ctx context.Context) error {
	if err := r.clearIndexLock(); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(r.own, "move"))
	if errors.Is(err, os.ErrNotExist) {
		return r.onBranch(ctx)
	}
	if err != nil {
		return err
	}
	var m move
	if _, err := fmt.Sscanf(string(text), "%s %s\n", &m.from, &m.to); err != nil {
		return fmt.Errorf("git: the journal %s: %w", filepath.Join(r.own, "move"), err)
	}
	if m.from == "-" {
		m.from = ""
	}
	if err := r.unlockBranch(m); err != nil {
		return err
	}
	if err := r.onBranch(ctx); err != nil {
		return err
	}
	if m, err = r.remaining(ctx, m); err != nil {
		return err
	}
	if m.to != "" {
		r.log().Info("git move goes on after a stop", "from", m.from, "to", m.to)
		if err = r.complete(ctx, m); !errors.Is(err, ErrDirty) {
			return err
		}
	}
	return r.journal(move{}) // the owner has changed the files since: whoever wanted the move will see
}

func (r *Repo) complete(ctx context.Context, m move) error {
	changes, err := r.changes(ctx, m.from, m.to)
	if err != nil {
		return err
	}
	if err := r.advance(ctx, m); err != nil {
		return err
	}
	r.keepNames(changes)
	return nil
}

// remaining gives what a broken move has become since. Where the owner has committed in
// between, that is its commit on top of theirs, and no move if it is there already, is
// not ours, or does not fit: what we had written lies in the tree still.
func (r *Repo) remaining(ctx context.Context, m move) (move, error) {
	now, err := r.ref(ctx, r.head())
	if err != nil {
		return move{}, err
	}
	if kept, err := r.ref(ctx, m.to); err != nil || kept == "" {
		return move{}, err // a power cut took it, before anything pointed to it
	}
	if now == m.from || now == m.to {
		return m, nil
	}
	commits, err := r.commits(ctx, m.to, now)
	if err != nil || len(commits) != 1 || !commits[0].ours {
		return move{}, err
	}
	to, clash, err := r.pick(ctx, now, commits[0])
	if err != nil || clash != nil || to == now {
		return move{}, err
	}
	return move{from: now, to: to}, nil
}
