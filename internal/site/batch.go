package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// A write-back adds to a post what was learnt of it after it was published: where its copies
// are. Editors are given it at once. Its way into the source of the site may cost a deploy,
// so that write-backs are collected there: they go with whatever is deployed next, and by
// themselves Site.Batch after the first of them. store.Post.Collected says until when a post
// waits; the job "batch" asks for a deploy then, and every deploy takes all of them along.

// writtenBack is the stage of a write-back in a post's history.
const writtenBack = "written back"

// WriteBack adds the addresses of copies to what a post says of its syndication. Those that
// are there already change nothing: it may be called again.
func (p *Posts) WriteBack(ctx context.Context, permalink string, copies ...string) error {
	return p.writeBack(ctx, permalink, copies, nil)
}

// writeBack is WriteBack that takes away those that are no copies any more.
func (p *Posts) writeBack(ctx context.Context, permalink string, copies, gone []string) error {
	values := func(addresses []string) (all []any) {
		for _, a := range addresses {
			all = append(all, a)
		}
		return all
	}
	u := micropub.Update{Add: map[string][]any{"syndication": values(copies)}}
	if gone = slices.DeleteFunc(gone, func(a string) bool { return slices.Contains(copies, a) }); len(gone) > 0 {
		u.Delete = map[string][]any{"syndication": values(gone)}
	}
	_, err := p.Update(ctx, micropub.Grant{}, permalink, u)
	return err
}

// writesBack tells whether an update is about nothing but the copies of a post.
func writesBack(u micropub.Update) bool {
	for _, part := range []map[string][]any{u.Replace, u.Add, u.Delete} {
		for property := range part {
			if property != "syndication" {
				return false
			}
		}
	}
	return !slices.ContainsFunc(u.DeleteAll, func(p string) bool { return p != "syndication" }) &&
		len(u.Commands) == 0 && touches(u, "syndication")
}

// relearn applies a write-back. The post says of itself what it said before, so that it is not
// updated in the eyes of readers.
func relearn(post *store.Post, u micropub.Update) error {
	item, err := u.Apply(post.Item)
	if err != nil {
		return err
	}
	was, is := post.Item.Properties["syndication"], item.Properties["syndication"]
	if len(was) == 0 && len(is) == 0 || reflect.DeepEqual(was, is) {
		return errUnchanged
	}
	post.Item = item
	return nil
}

// collect lets a write-back wait for others, where that is worth something and the file lacks
// nothing else. waits is until when the post waits already, the zero time for not at all.
func (s *Site) collect(tx *store.Tx, post *store.Post, waits time.Time) error {
	if s.Source == nil || s.Batch <= 0 || !post.Visible() || waits.IsZero() && post.Published < post.Revision {
		return nil
	}
	if waits.IsZero() {
		waits = tx.Now.Add(s.Batch)
		others, err := tx.CollectedPosts()
		if err != nil {
			return err
		}
		if len(others) > 0 && others[0].Collected.Before(waits) {
			waits = others[0].Collected
		}
	}
	post.Collected = waits
	return nil
}

// learnt is what the file of a post says, with the write-backs that it lacks: what the owner
// has written there by hand meanwhile stays, and what they have taken away stays away.
func learnt(post store.Post, file mf2.Item) mf2.Item {
	if post.Collected.IsZero() {
		return file
	}
	was := file
	if post.Base != nil {
		was = post.Base.Item
	}
	now := post.Item.Properties["syndication"]
	byHand := micropub.Update{
		Add:    map[string][]any{"syndication": without(file.Properties["syndication"], was.Properties["syndication"])},
		Delete: map[string][]any{"syndication": without(was.Properties["syndication"], file.Properties["syndication"])},
	}
	merged, err := byHand.Apply(mf2.Item{Properties: map[string][]any{"syndication": now}})
	if err == nil {
		now = merged.Properties["syndication"]
	}
	file = file.Clone()
	if file.Properties["syndication"] = now; len(now) == 0 {
		delete(file.Properties, "syndication")
	}
	return file
}

// without are the values that are not among others.
func without(values, others []any) []any {
	return slices.DeleteFunc(slices.Clone(values), func(v any) bool {
		return slices.ContainsFunc(others, func(o any) bool { return reflect.DeepEqual(v, o) })
	})
}

// batch asks for a deploy when the time of what was collected has come.
func (j *Jobs) batch(ctx context.Context, job store.Job) (queue.Commit, error) {
	var key string
	s, err := j.begin(job, &key)
	if err != nil || s.Source == nil {
		return nil, err
	}
	posts, err := j.collected(ctx, s)
	if err != nil {
		return nil, err
	}
	until, owed, err := j.talkDue(ctx, s)
	if err != nil || len(posts) == 0 && !owed {
		return nil, err // they went with another deploy
	}
	if len(posts) > 0 && (!owed || posts[0].Collected.Before(until)) {
		until = posts[0].Collected
	}
	// The settings may let them wait less long than they did.
	if wait := min(until.Sub(j.DB.Now()), s.Batch); wait > 0 {
		return nil, queue.After(min(wait, longestWait), fmt.Errorf("%d write-backs are collected until %s", len(posts), until.Format(time.RFC3339)))
	}
	return func(tx *store.Tx) error { return tx.Enqueue(deployJob(s)) }, nil
}

func (j *Jobs) collected(ctx context.Context, s *Site) (posts []store.Post, err error) {
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		posts, err = tx.CollectedPosts()
		return err
	})
	return posts, err
}

// takeAlong writes what was collected into the source, all of it with one commit. It may run
// twice: files that say it already do not change.
func (j *Jobs) takeAlong(ctx context.Context, s *Site) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	posts, err := j.collected(ctx, s)
	if err != nil {
		return err
	}
	said, err := j.talk(ctx, s)
	if err != nil || len(posts) == 0 && said == nil {
		return err
	}
	if len(posts) == 0 {
		return j.writeTalk(ctx, s, said)
	}
	if err := s.Source.Open(ctx); err != nil {
		return err
	}
	var (
		changes []publish.Change
		done    []written
		away    []string // whose file is not there: its owner has removed it, or it is on another branch
		alone   []string // that go by themselves: their own jobs say what is in their way
	)
	for _, post := range posts {
		item, err := s.Source.Item(publishable(post))
		if errors.Is(err, fs.ErrNotExist) {
			away = append(away, post.Permalink)
			continue
		}
		if err != nil {
			alone = append(alone, post.Permalink)
			continue
		}
		said := post
		said.Item = item
		post.Item, post.Base = learnt(post, item), said.Saying()
		change, uploads, err := j.sourceChange(ctx, s, post)
		if err != nil {
			return err
		}
		changes, done = append(changes, change), append(done, written{post: post, uploads: uploads, goes: true, seen: j.seenBefore(ctx, post)})
	}
	failed := s.Source.Write(ctx, said.with(changes)...)
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed != nil {
		j.log().Warn("write-backs go one by one", "site", s.Key, "error", failed)
		for _, d := range done {
			alone = append(alone, d.post.Permalink)
		}
		done = nil
	}
	err = j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		if failed == nil {
			if err := said.wrote(tx); err != nil {
				return err
			}
		}
		return s.tookAll(tx, done, alone, away)
	})
	if err != nil {
		return err
	}
	more, err := j.talk(ctx, s) // what there was no room for, or what others were in the way of
	if err != nil {
		return err
	}
	return j.writeTalk(ctx, s, more)
}

// tookAll writes down what became of the posts that were collected.
func (s *Site) tookAll(tx *store.Tx, done []written, alone, away []string) error {
	for _, d := range done {
		if err := s.tookAlong(tx, d); err != nil {
			return err
		}
	}
	for _, permalink := range alone {
		if err := tx.Enqueue(s.publishJob(permalink)); err != nil {
			return err
		}
	}
	for _, permalink := range away {
		if err := s.putOff(tx, permalink); err != nil {
			return err
		}
	}
	return nil
}

// tookAlong writes down that a file has its write-backs.
func (s *Site) tookAlong(tx *store.Tx, done written) error {
	newer, err := s.published(tx, done)
	if err != nil || newer {
		return ignore(err, fs.ErrNotExist)
	}
	return tx.Enqueue(announceJob(done.post.Permalink))
}

// putOff lets a write-back wait for the next batch, unless the post has changed meanwhile.
func (s *Site) putOff(tx *store.Tx, permalink string) error {
	post, err := tx.Post(permalink)
	if err != nil || post.Collected.IsZero() {
		return ignore(err, fs.ErrNotExist)
	}
	post.Collected = tx.Now.Add(max(s.Batch, lookEvery))
	job := batchJob(s)
	job.Due = post.Collected
	if err := tx.Enqueue(job); err != nil {
		return err
	}
	return tx.PutPost(post)
}
