package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tertulia/internal/queue"
	"tertulia/internal/syndicate"
	"tertulia/store"
)

// published writes down where the copy is. What has come from there as an answer meanwhile was the
// copy itself.
func (w *copying) published(ref syndicate.Ref, p syndicate.Post) queue.Commit {
	w.j.rests.answered(w.lane)
	w.j.log().Info("copy published", "post", w.post.Permalink, "target", w.copy.Target, "copy", ref.URL)
	return changeCopy(w.copy, func(tx *store.Tx, c *store.Copy) error {
		c.Ref, c.ReplyTo, c.State, c.Note = store.Ref(ref), store.Ref(p.ReplyTo), store.CopyPublished, ""
		c.Said, c.Revision, c.Begun, c.Tried = w.said, w.post.Revision, time.Time{}, 0
		if c.Out = tx.Now; w.can.Poll {
			c.Next = tx.Now.Add(pollFirst)
		}
		if echo, err := tx.AnswerAt(c.Ref.URL); err == nil {
			if err := tx.DropMention(echo.ID); err != nil {
				return err
			}
		}
		if now, err := tx.Post(c.Post); err == nil && (!now.Visible() || digestOfPost(now) != w.said) && now.Announced >= w.post.Announced {
			if err := tx.Enqueue(w.s.syndicateJob(c.Post, c.Target)); err != nil {
				return err
			}
		}
		return tx.Enqueue(copiedJob(c.Post))
	})
}

// prepared keeps a text for the owner to post.
func (w *copying) prepared(ctx context.Context, p syndicate.Post) (queue.Commit, error) {
	ready, err := syndicate.Prepare(w.at.Kind, p)
	if err != nil {
		return w.failed(ctx, "prepare", err)
	}
	return changeCopy(w.copy, func(_ *store.Tx, c *store.Copy) error {
		c.State, c.Text, c.Composer, c.Note = store.CopyPrepared, ready.Text, ready.Composer, ""
		c.Said, c.Revision = w.said, w.post.Revision
		return nil
	}), nil
}

// gone writes down that somebody has taken the copy away. The post stops saying that it is there.
func (w *copying) gone() queue.Commit {
	return changeCopy(w.copy, func(tx *store.Tx, c *store.Copy) error {
		c.State, c.Note, c.Next, c.Was = store.CopyGone, "somebody has taken it away there", time.Time{}, c.Ref.URL
		return tx.Enqueue(copiedJob(c.Post))
	})
}

// doubt asks the owner.
func (w *copying) doubt(note string) queue.Commit {
	return changeCopy(w.copy, func(_ *store.Tx, c *store.Copy) error {
		c.State, c.Note = store.CopyUnclear, note
		return nil
	})
}

// park gives up until the account is connected, or the owner says retry.
func (w *copying) park(note string) (queue.Commit, error) {
	return changeCopy(w.copy, func(_ *store.Tx, c *store.Copy) error {
		c.State, c.Note = store.CopyParked, note
		return nil
	}), queue.Permanent(errors.New(note))
}

// failed says what comes of an attempt that did not succeed.
func (w *copying) failed(ctx context.Context, doing string, err error) (queue.Commit, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	err = fmt.Errorf("%s: %s: %w", w.at.Name, doing, err)
	var said *syndicate.Error
	if errors.Is(err, syndicate.ErrUnsupported) {
		return w.refused(err), nil
	}
	if !errors.As(err, &said) {
		said = &syndicate.Error{Unclear: true}
	}
	switch {
	case said.Login:
		return w.lockedOut(err)
	case said.Refused && !said.Unclear:
		return w.refused(err), nil
	case said.Unclear && doing == "publish" && w.can.Idempotency == syndicate.None:
		return w.doubt("nobody can tell whether the network has taken it"), nil
	}
	now := w.j.DB.Now()
	wait := w.j.rests.failed(w.lane, now, said.After)
	wait = min(max(wait, said.After, queue.Backoff(min(max(w.copy.Tried, 1), 4))), longestWait)
	if now.Add(wait).Sub(w.copy.Since) > longestNews {
		commit, err := w.park(fmt.Sprintf("given up after seven days: %v", err))
		return w.undecided(commit, said.Unclear), err
	}
	note := err.Error()
	commit := changeCopy(w.copy, func(_ *store.Tx, c *store.Copy) error {
		c.Note = note
		return nil
	})
	return w.undecided(commit, said.Unclear || doing != "publish"), queue.After(wait, err)
}

// undecided keeps what is known of a call that has failed: one that is known to have made nothing
// was never begun.
func (w *copying) undecided(commit queue.Commit, unclear bool) queue.Commit {
	if unclear {
		return commit
	}
	return func(tx *store.Tx) error {
		if err := commit(tx); err != nil {
			return err
		}
		c, err := tx.Copy(w.copy.Post, w.copy.Target)
		if err != nil || !c.Begun.Equal(w.copy.Begun) {
			return ignore(err, fs.ErrNotExist)
		}
		c.Begun = time.Time{}
		return tx.PutCopy(c)
	}
}

// refused writes down that the network does not want the copy; another text may fare better.
func (w *copying) refused(err error) queue.Commit {
	return w.undecided(changeCopy(w.copy, func(_ *store.Tx, c *store.Copy) error {
		c.State, c.Note, c.Said = store.CopyRefused, err.Error(), w.said
		return nil
	}), false)
}

// lockedOut parks the copy, and has no other job ask with the same secret (TRAPS T-PO05).
func (w *copying) lockedOut(err error) (queue.Commit, error) {
	note := fmt.Sprintf("%s has to be connected anew: %v", w.at.Name, err)
	commit, permanent := w.park(note)
	commit = w.undecided(commit, false)
	return func(tx *store.Tx) error {
		return cmp.Or(commit(tx), lockOut(tx, w.at))
	}, permanent
}

// lockOut remembers that a network does not take a secret any more.
func lockOut(tx *store.Tx, at reached) error {
	n, err := tx.Network(at.UID)
	if err != nil || n.Refused == at.digest {
		return err
	}
	n.Refused, n.RefusedAt = at.digest, tx.Now
	return tx.PutNetwork(n)
}
