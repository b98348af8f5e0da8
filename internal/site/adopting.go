package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"

	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/store"
)

// lookEvery is how often the source of a site is looked through for posts that its owner
// has written, edited or removed by hand.
const lookEvery = 10 * time.Minute

var errNextLook = errors.New("the source was looked through; the next look comes")

// adopt finds the posts that lie in the source of a site, whoever has written them, so
// that editors can ask for them, update and delete them. It reads only files that have
// changed since the last time.
func (j *Jobs) adopt(ctx context.Context, job store.Job) (queue.Commit, error) {
	var key string
	s, err := j.begin(job, &key)
	if err != nil || s.Source == nil {
		return nil, err
	}
	if err := j.pull(ctx, s); err != nil {
		return nil, err
	}
	if err := j.lookThrough(ctx, s); err != nil {
		return nil, err
	}
	if now := j.DB.Now(); now.Sub(s.swept) >= 24*time.Hour {
		if err := s.sweep(ctx); err != nil {
			return nil, err
		}
		s.swept = now
	}
	return nil, queue.After(lookEvery, errNextLook)
}

// sweep removes the pages that have stood long enough in the place of deleted posts.
func (s *Site) sweep(ctx context.Context) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	return s.Source.Sweep(ctx)
}

// pull brings what the owner has pushed from elsewhere. Where commits of ours were put on
// top of that they are pushed, and the site is built.
func (j *Jobs) pull(ctx context.Context, s *Site) error {
	if s.Remote == nil {
		return nil
	}
	changed, err := s.Remote.Pull(ctx)
	if err != nil || !changed {
		return err
	}
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error { return tx.Enqueue(deployJob(s)) })
}

// lookThrough brings the index of posts up to date with the source.
func (j *Jobs) lookThrough(ctx context.Context, s *Site) error {
	known := map[string]store.SourceFile{}
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		files, err := tx.SourceFiles()
		for _, f := range files {
			known[f.Name] = f
		}
		return err
	}); err != nil {
		return err
	}
	gone := maps.Clone(known)
	var found []publish.Entry
	for entry, err := range s.Source.Preset.Adopt(ctx, publish.Adoption{
		Tree: s.Source.Tree, Addresses: s.Addresses,
		Known: func(file string) (publish.Entry, bool) { f, ok := known[file]; return entryOf(f), ok },
	}) {
		if err != nil && entry.File == "" {
			return err
		}
		delete(gone, entry.File)
		if err != nil {
			j.log().Warn("a file is no post that can be adopted", "file", entry.File, "error", err)
			continue
		}
		if fileOf(entry) != known[entry.File] {
			found = append(found, entry)
		}
	}
	for some := range slices.Chunk(found, 100) {
		if err := j.keepFound(ctx, s, some); err != nil {
			return err
		}
	}
	return j.forget(ctx, s, slices.Collect(maps.Values(gone)))
}

// keepFound writes down what was found in some files.
func (j *Jobs) keepFound(ctx context.Context, s *Site, found []publish.Entry) error {
	posts := make([]store.Post, len(found))
	for i, e := range found {
		post := store.Post{Permalink: e.Permalink, File: e.File, Kind: e.Kind, Date: e.Published}
		item, err := s.Source.Item(publishable(post))
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue // it has gone in the meantime
			}
			return fmt.Errorf("adopt %s: %w", e.File, err)
		}
		post.Item = item
		posts[i] = post
	}
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		for i, post := range posts {
			if post.Item.Properties == nil {
				continue
			}
			if err := s.adoptPost(tx, post, found[i].Draft); err != nil {
				return err
			}
			if err := tx.PutSourceFile(fileOf(found[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// adoptPost writes a post that was found: a new one, or what its owner has made of one that
// is known. What we are about to write ourselves is newer than the file.
func (s *Site) adoptPost(tx *store.Tx, found store.Post, draft bool) error {
	have, err := tx.Post(found.Permalink)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		have = store.Post{
			Permalink: found.Permalink, File: found.File, Adopted: true, Promised: true, Created: tx.Now,
			Revision: 1, Published: 1, Live: 1, Announced: 1,
			History: []store.Event{{At: tx.Now, Stage: "adopted", Note: found.File}},
		}
	case err != nil:
		return err
	case have.File != found.File || have.Published < have.Revision || !have.Deleted.IsZero():
		return nil
	case sameItem(have, found) && have.Draft == draft:
		return nil
	default:
		have.History = store.AddEvent(have.History, store.Event{At: tx.Now, Stage: "edited by hand", Note: found.File})
	}
	have.Item, have.Kind, have.Draft = found.Item, found.Item.Kind(), draft
	if have.Date = found.Date; have.Date.IsZero() {
		have.Date = have.Created
	}
	if err := s.touch(tx, have.Permalink); err != nil {
		return err
	}
	return tx.PutPost(have)
}

// sameItem tells whether two posts say the same.
func sameItem(a, b store.Post) bool {
	x, err1 := json.Marshal(source(a))
	y, err2 := json.Marshal(source(b))
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// forget drops files that are not there any more, and the posts that were nothing but them.
func (j *Jobs) forget(ctx context.Context, s *Site, gone []store.SourceFile) error {
	for some := range slices.Chunk(gone, 100) {
		if err := j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
			for _, f := range some {
				post, err := tx.Post(f.Permalink)
				if err == nil && post.Adopted && post.File == f.Name && post.Deleted.IsZero() && post.Published == post.Revision {
					err = tx.DropPost(post.Permalink)
				}
				if err := ignore(err, fs.ErrNotExist); err != nil {
					return err
				}
				if err := tx.DropSourceFile(f.Name); err != nil {
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

func entryOf(f store.SourceFile) publish.Entry {
	return publish.Entry{
		File: f.Name, Permalink: f.Permalink, Kind: f.Kind, Published: f.Published,
		Draft: f.Draft, Own: f.Own, Digest: f.Digest, Stamp: f.Stamp,
	}
}

func fileOf(e publish.Entry) store.SourceFile {
	return store.SourceFile{
		Name: e.File, Permalink: e.Permalink, Kind: e.Kind, Published: e.Published,
		Draft: e.Draft, Own: e.Own, Digest: e.Digest, Stamp: e.Stamp,
	}
}
