package site

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
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
// changed since the last time. Whatever goes wrong, the next look comes: what is wrong with
// the remote says nothing of the files here.
func (j *Jobs) adopt(ctx context.Context, job store.Job) (queue.Commit, error) {
	var key string
	s, err := j.begin(job, &key)
	if err != nil || s.Source == nil {
		return nil, err
	}
	err = errors.Join(j.pull(ctx, s), j.lookThrough(ctx, s))
	if now := j.DB.Now(); err == nil && now.Sub(s.swept) >= 24*time.Hour {
		err = j.sweep(ctx, s)
		s.swept = now
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		j.log().Warn("the source was not looked through", "site", s.Key, "error", err)
		return nil, queue.After(lookEvery, err)
	}
	return nil, queue.After(lookEvery, errNextLook)
}

// sweep removes the pages that have stood long enough in the place of deleted posts.
func (j *Jobs) sweep(ctx context.Context, s *Site) error {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	swept, err := s.Source.Sweep(ctx)
	if err != nil || !swept {
		return err // a deploy that brings nothing can cost money all the same
	}
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error { return tx.Enqueue(deployJob(s)) })
}

// pull brings what the owner has pushed from elsewhere. The site is built with it, and what
// was put on top of it is pushed.
func (j *Jobs) pull(ctx context.Context, s *Site) error {
	if s.Remote == nil {
		return nil
	}
	changed, err := s.Remote.Pull(ctx)
	if changed {
		err = errors.Join(err, j.DB.Update(ctx, s.Key, func(tx *store.Tx) error { return tx.Enqueue(deployJob(s)) }))
	}
	return err
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
	passed, news := map[string]string{}, []string(nil) // over: what is wrong with which file
	there := false
	for entry, err := range s.Source.Preset.Adopt(ctx, publish.Adoption{
		Tree: s.Source.Tree, Addresses: s.Addresses, Exists: j.exists,
		Known: func(file string) (publish.Entry, bool) { f, ok := known[file]; return entryOf(f), ok },
	}) {
		if err != nil && entry.File == "" {
			return err
		}
		delete(gone, entry.File)
		there = true
		if err != nil {
			passed[entry.File] = err.Error()
			if s.passed[entry.File] != err.Error() {
				news = append(news, err.Error())
			}
			continue
		}
		if fileOf(entry) != known[entry.File] {
			found = append(found, entry)
		}
	}
	if !there && len(known) > 0 {
		return errEmpty
	}
	if len(news) > 0 {
		j.log().Warn("files are no posts that can be adopted", "number", len(passed), "such as", news[:min(len(news), 5)])
	}
	s.passed = passed
	for some := range slices.Chunk(found, 100) {
		if err := j.keepFound(ctx, s, some, gone); err != nil {
			return err
		}
	}
	return j.forget(ctx, s, slices.Collect(maps.Values(gone)))
}

// errEmpty keeps a source that is away, or another branch, from being taken for one whose
// posts were all removed.
var errEmpty = errors.New("there is no post left in the source; nothing is forgotten")

// keepFound writes down what was found in some files. gone are those that are there no more.
func (j *Jobs) keepFound(ctx context.Context, s *Site, found []publish.Entry, gone map[string]store.SourceFile) error {
	posts := make([]store.Post, len(found))
	for i, e := range found {
		post := store.Post{Permalink: e.Permalink, File: e.File, Kind: e.Kind, Date: e.Published, Channel: s.channel(e.Channel)}
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
			if have, err := tx.Post(post.Permalink); err == nil && have.File != post.File {
				if _, moved := gone[have.File]; !moved && have.File != "" {
					continue // two files say that they are this page; the first stays it
				}
				have.File = post.File
				if err := tx.PutPost(have); err != nil {
					return err
				}
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
	case have.Published < have.Revision:
		return nil // what we are about to write is newer
	case !have.Deleted.IsZero():
		have.Deleted, have.Kept = time.Time{}, nil
		have.History = store.AddEvent(have.History, store.Event{At: tx.Now, Stage: "undeleted", Note: "put back by hand"})
		have.History = store.AddEvent(have.History, store.Event{At: tx.Now, Stage: "published", Note: "by hand"})
	case s.sameItem(tx, have, found) && have.Draft == draft && have.Channel == found.Channel:
		return nil
	default:
		have.History = store.AddEvent(have.History, store.Event{At: tx.Now, Stage: "edited by hand", Note: found.File})
	}
	have.Item, have.Kind, have.Draft, have.Channel = found.Item, found.Item.Kind(), draft, found.Channel
	if have.Date = found.Date; have.Date.IsZero() {
		have.Date = have.Created
	}
	if err := s.touch(tx, have.Permalink); err != nil {
		return err
	}
	return tx.PutPost(have)
}

// sameItem tells whether a file says what its post does, which may show its uploads at their
// first addresses.
func (s *Site) sameItem(tx *store.Tx, have, found store.Post) bool {
	addresses := map[string]string{}
	for _, name := range s.uploads(have.Item) {
		if row, err := tx.Media(name); err == nil && row.Address != "" {
			addresses[name] = row.Address
		}
	}
	have.Item = s.showing(have.Item, addresses)
	x, err1 := json.Marshal(source(have))
	y, err2 := json.Marshal(source(found))
	return err1 == nil && err2 == nil && string(x) == string(y)
}

// forget drops files that were not there at two looks.
func (j *Jobs) forget(ctx context.Context, s *Site, gone []store.SourceFile) error {
	removed := map[string]bool{} // the others are there, and no posts any more
	for _, f := range gone {
		_, err := s.Source.Tree.Read(f.Name)
		removed[f.Name] = errors.Is(err, fs.ErrNotExist)
	}
	for some := range slices.Chunk(gone, 100) {
		if err := j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
			for _, f := range some {
				if err := s.forgetFile(tx, f, removed[f.Name]); err != nil {
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

// forgetFile drops a file that is not there. Its post is deleted, as its owner has meant it, or
// forgotten where nothing but the file ever was.
func (s *Site) forgetFile(tx *store.Tx, f store.SourceFile, removed bool) error {
	post, err := tx.Post(f.Permalink)
	if err == nil && post.File == f.Name && (post.Published < post.Revision && post.Collected.IsZero() || away(post)) {
		return nil // it is not there yet, or because we have taken it away
	}
	if err := ignore(err, fs.ErrNotExist); err != nil {
		return err
	}
	if !f.Missed {
		f.Missed = true
		return tx.PutSourceFile(f)
	}
	switch pristine := post.Adopted && post.Revision == 1 && len(post.Sent) == 0 && post.Kept == nil; {
	case err != nil || post.File != f.Name:
	case pristine:
		err = tx.DropPost(post.Permalink)
	case removed:
		err = s.removedByHand(tx, post)
	}
	return cmp.Or(ignore(err, fs.ErrNotExist), tx.DropSourceFile(f.Name))
}

// removedByHand deletes a post whose owner has removed its file: those it links to are told when
// its page is gone.
func (s *Site) removedByHand(tx *store.Tx, post store.Post) error {
	post.Deleted, post.Collected, post.Base = tx.Now, time.Time{}, nil
	post.Revision++
	post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "deleted", Note: post.File + " was removed by hand"})
	return cmp.Or(s.touch(tx, post.Permalink), tx.PutPost(post), tx.Enqueue(s.publishJob(post.Permalink)))
}

func entryOf(f store.SourceFile) publish.Entry {
	return publish.Entry{
		File: f.Name, Permalink: f.Permalink, Kind: f.Kind, Published: f.Published,
		Draft: f.Draft, Channel: f.Channel, Own: f.Own, Digest: f.Digest, Stamp: f.Stamp,
	}
}

func fileOf(e publish.Entry) store.SourceFile {
	return store.SourceFile{
		Name: e.File, Permalink: e.Permalink, Kind: e.Kind, Published: e.Published,
		Draft: e.Draft, Channel: e.Channel, Own: e.Own, Digest: e.Digest, Stamp: e.Stamp,
	}
}

// exists asks our own site whether it has a page. An outage is no answer (TRAPS T-WR21).
func (j *Jobs) exists(ctx context.Context, address string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, queue.Permanent(err)
	}
	resp, err := j.Own.Do(req)
	if err != nil {
		return false, fmt.Errorf("look for our own page: %w", err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code >= 200 && code <= 299:
		return true, nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return false, nil
	}
	return false, fmt.Errorf("look for our own page %s: it answers %s", address, resp.Status)
}
