package site

import (
	"context"
	"errors"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
)

// An import can bring more faces than are fetched in a day, and what arrives by itself must
// find room among the jobs meanwhile. So one job goes through what was imported, and asks
// for a few at a time.
const (
	facesWalk  = 500  // mentions that one run goes through
	facesQueue = 1000 // jobs that may wait before it asks for more
	facesPause = time.Minute
)

var errQueueLong = errors.New("many other jobs wait")

// facesArgs says after which mention a run begins.
type facesArgs struct {
	After string `json:"after,omitempty"`
}

func facesJob(s *Site, after string) store.Job { return newJob(jobFaces, s.Key, facesArgs{after}) }

// faces has the pictures of those fetched that an import has brought. It may run twice: what is
// there already is not asked for.
func (j *Jobs) faces(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args facesArgs
	s, err := j.begin(job, &args)
	if err != nil || !j.keepsPictures(s) {
		return nil, err
	}
	var some []string // their ids
	waiting := 0
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		if waiting = tx.JobCount(); waiting < facesQueue {
			for m := range firstOf(facesWalk, tx.EachMention(args.After)) {
				some = append(some, m.ID)
			}
		}
		return nil
	})
	if err != nil || waiting >= facesQueue {
		return nil, errors.Join(err, queue.After(facesPause, errQueueLong))
	}
	return func(tx *store.Tx) error {
		for _, id := range some {
			m, err := tx.Mention(id)
			if err != nil || m.Shown == nil || !m.Shown.Imported {
				continue // it has gone, or was looked at since: that look has asked
			}
			if err := s.askForFaces(tx, &m); err != nil {
				return err
			}
		}
		if len(some) < facesWalk {
			return nil
		}
		return tx.Enqueue(facesJob(s, some[len(some)-1]))
	}, nil
}
