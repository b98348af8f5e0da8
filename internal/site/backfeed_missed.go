package site

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/store"
	"tertulia/webmention"
)

// How many answers that a network lists no longer are looked up in one poll, and how often each.
const (
	lookUpsAtOnce = 20
	lookUpEvery   = 24 * time.Hour
)

// missed takes back what is no longer there: a gesture that is missing from a whole list has gone,
// words are looked up, since they can be hidden with what they answered.
func (j *Jobs) missed(ctx context.Context, h hearing, answers syndicate.Answers) error {
	var gone []store.Mention
	var doubtful []store.Mention
	if err := j.DB.View(ctx, h.s.Key, func(tx *store.Tx) error {
		gone, doubtful = nil, nil
		for _, kind := range answers.Complete {
			known := tx.AnswersTo(h.at.UID, h.copy.Ref.ID, kind)
			for _, a := range answers.List {
				if a.Type == kind {
					delete(known, a.ID)
				}
			}
			for _, id := range slices.Sorted(maps.Values(known)) {
				m, err := tx.Mention(id)
				switch {
				case err != nil || !m.Gone.IsZero() || m.State == store.Deleted:
				case kind == "like" || kind == "repost":
					gone = append(gone, m)
				case (m.MissingSince.IsZero() || tx.Now.Sub(m.Tried) >= lookUpEvery) && len(doubtful) < lookUpsAtOnce:
					doubtful = append(doubtful, m)
				}
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, m := range doubtful {
		_, err := h.at.to.Look(ctx, syndicate.Ref(m.Origin.Ref))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			gone = append(gone, m)
		case err != nil:
			return ctx.Err() // it is asked again next time
		default:
			if err := j.lookedUp(ctx, h.s, m.ID); err != nil {
				return err
			}
		}
	}
	for some := range slices.Chunk(gone, answersAtOnce) {
		if err := j.DB.Update(ctx, h.s.Key, func(tx *store.Tx) error {
			for _, m := range some {
				if err := h.takeBack(tx, m.ID); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// lookedUp remembers that an answer is there, although it is not listed.
func (j *Jobs) lookedUp(ctx context.Context, s *Site, id string) error {
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		m, err := tx.Mention(id)
		if err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		m.Tried, m.Checked = tx.Now, tx.Now
		if m.MissingSince.IsZero() {
			m.MissingSince = tx.Now
		}
		return tx.PutMention(m)
	})
}

// takeBack withdraws an answer that has gone from its network.
func (h hearing) takeBack(tx *store.Tx, id string) error {
	m, err := tx.Mention(id)
	if err != nil || m.Origin == nil {
		return ignore(err, fs.ErrNotExist)
	}
	m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "gone", Note: "from " + h.at.Name})
	if err := h.look(tx, voice{}, webmention.Gone).apply(tx, &m); err != nil {
		return err
	}
	return tx.PutMention(m)
}
