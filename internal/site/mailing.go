package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// ErrRefused is in the chain of an error of a mail server that will never take a letter, however
// often it is asked.
var ErrRefused = errors.New("the mail server refuses it")

// errNoMail parks letters that were made while there was somewhere to send them.
var errNoMail = errors.New("no mail server, or no address to write to, is in the settings any more")

const (
	letterLife  = 7 * 24 * time.Hour // after which a letter is given up
	keptLetters = 10                 // that are listed when they are done with
)

func mailJob(letter string) store.Job {
	j := newJob(jobMail, letter, letter)
	j.Lane = "mail"
	return j
}

// mail sends a letter. When the server takes it and the process dies before that is written down,
// it is sent once more, with the same Message-ID.
func (j *Jobs) mail(ctx context.Context, job store.Job) (queue.Commit, error) {
	var id string
	s, err := j.begin(job, &id)
	if err != nil {
		return nil, err
	}
	var kept store.Letter
	var letter Letter
	var now time.Time
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		if kept, err = tx.Letter(id); err != nil {
			return err
		}
		now = tx.Now
		letter, err = (&Networks{Site: s, DB: j.DB, Jobs: j}).letter(tx, kept)
		return err
	})
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && !kept.Sent.IsZero():
		return nil, nil
	case err != nil:
		return nil, err
	case letter.Empty():
		kept.Empty = true
		return mailed(kept, nil), nil
	case j.Mail == nil || letter.To == "":
		return mailed(kept, errNoMail), queue.Permanent(errNoMail)
	}
	err = j.Mail(ctx, letter)
	switch {
	case err == nil:
		return mailed(kept, nil), nil
	case ctx.Err() != nil:
		return nil, err // we are being stopped, or it took too long
	case letter.Mode == modeTest:
		return mailed(kept, err), nil // somebody looks at it
	case errors.Is(err, ErrRefused), now.Sub(kept.Made) >= letterLife:
		return mailed(kept, err), queue.Permanent(fmt.Errorf("a mail to the owner is given up: %w", err))
	}
	kept.Error = err.Error()
	// The older it is, the longer it waits: a minute at first, six hours at most.
	wait := min(max(now.Sub(kept.Made), time.Minute), 6*time.Hour)
	return func(tx *store.Tx) error { return tx.PutLetter(kept) }, queue.After(wait, err)
}

// mailed writes down what has become of a letter, and forgets older ones.
func mailed(l store.Letter, failed error) queue.Commit {
	return func(tx *store.Tx) error {
		l.Sent, l.Failed, l.Error = tx.Now, time.Time{}, ""
		if failed != nil {
			l.Sent, l.Failed, l.Error = time.Time{}, tx.Now, failed.Error()
		}
		all, err := tx.Letters()
		for i := 0; i < len(all)-keptLetters; i++ {
			if all[i].Done() && all[i].ID != l.ID {
				err = cmp.Or(err, tx.DropLetter(all[i].ID))
			}
		}
		return cmp.Or(err, tx.PutLetter(l))
	}
}
