package site

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"time"

	"tertulia/internal/publish"
	"tertulia/store"
)

// dataAs is where and how the files are written: when it is another, all are made anew.
func (s *Site) dataAs() string { return "1 " + string(s.Bridged) + " " + s.Data + " " + s.Base }

const (
	talkMost = 500       // changes whose pages are written with one commit
	talkLost = time.Hour // after which what should have been written by then is asked for again
)

// NoticeTalk asks for a batch where the conversation has changed since its files were written.
// It is called every minute, and writes nothing while nothing has changed.
func (j *Jobs) NoticeTalk(ctx context.Context) error {
	_, paused, err := j.DB.Paused()
	if err != nil || paused {
		return err
	}
	for _, s := range j.Sites {
		due, owed, err := j.talkDue(ctx, s)
		if err != nil {
			return err
		}
		if !owed || !due.IsZero() && j.DB.Now().Sub(due) < talkLost {
			continue
		}
		if err := j.askForTalk(ctx, s, due.IsZero()); err != nil {
			return err
		}
	}
	return nil
}

// askForTalk asks for a batch: at once, or Site.Batch later.
func (j *Jobs) askForTalk(ctx context.Context, s *Site, later bool) error {
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		state, err := tx.DataState()
		if err != nil {
			return err
		}
		job := batchJob(s)
		job.Due = tx.Now
		if later {
			job.Due = tx.Now.Add(s.Batch)
		}
		state.Due = job.Due
		return cmp.Or(tx.PutDataState(state), tx.Enqueue(job))
	})
}

// hurryTalk has what has changed written without waiting for anything else: who was erased lies
// in the owner's pages no longer than it takes.
func (j *Jobs) hurryTalk(ctx context.Context, s *Site) error {
	_, owed, err := j.talkDue(ctx, s)
	if err != nil || !owed {
		return err
	}
	return j.askForTalk(ctx, s, false)
}

// talkDue tells whether there is a change that the files do not have, and when it is to be
// written: the zero time when nobody has noticed it yet.
func (j *Jobs) talkDue(ctx context.Context, s *Site) (due time.Time, owed bool, err error) {
	if s.Source == nil {
		return due, false, nil
	}
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		state, err := tx.DataState()
		if s.Data == "" {
			left, worse := tx.DataFiles()
			due, owed = state.Due, len(left) > 0
			return cmp.Or(err, worse)
		}
		last := tx.LastChange()
		due, owed = state.Due, last > 0 && (state.Number < last || state.As != s.dataAs())
		return err
	})
	return due, owed, err
}

// talk is what is to be written with one commit. A nil one is nothing.
type talk struct {
	state     store.DataState
	files     []publish.File
	put, drop []store.DataFile
}

// with adds the files to changes of posts.
func (t *talk) with(changes []publish.Change) []publish.Change {
	if t == nil || len(t.files) == 0 {
		return changes
	}
	return append(changes, publish.Change{Files: t.files})
}

// wrote writes down that the files are as they shall be.
func (t *talk) wrote(tx *store.Tx) error {
	if t == nil {
		return nil
	}
	for _, f := range t.drop {
		if err := tx.DropDataFile(f.Name); err != nil {
			return err
		}
	}
	for _, f := range t.put {
		if err := tx.PutDataFile(f); err != nil {
			return err
		}
	}
	return tx.PutDataState(t.state)
}

// writeTalk writes files of conversations, and those of the next pages, until none is left. It
// may run twice: a file that is as it shall be is left alone.
func (j *Jobs) writeTalk(ctx context.Context, s *Site, t *talk) (err error) {
	for t != nil {
		if len(t.files) > 0 {
			if err := s.Source.Write(ctx, t.with(nil)...); err != nil {
				return fmt.Errorf("write the conversation into the source: %w", err)
			}
		}
		if err := j.DB.Update(ctx, s.Key, t.wrote); err != nil {
			return err
		}
		if t, err = j.talk(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// talk finds the pages that are next, and makes their files; nil when all are written.
func (j *Jobs) talk(ctx context.Context, s *Site) (*talk, error) {
	if _, owed, err := j.talkDue(ctx, s); err != nil || !owed {
		return nil, err
	}
	if err := s.Source.Open(ctx); err != nil {
		return nil, err
	}
	t := &talk{}
	if s.Data == "" {
		return t, j.talkNoMore(ctx, s, t)
	}
	var pages []store.Page
	var known map[string][]string
	err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		if t.state, err = tx.DataState(); err != nil {
			return err
		}
		if t.state.As != s.dataAs() {
			t.state = store.DataState{As: s.dataAs()}
		}
		var ids []string
		ids, t.state.Number = tx.PagesChanged(t.state.Number, talkMost)
		if t.state.Number == tx.LastChange() {
			t.state.Due = time.Time{}
		}
		if pages, err = pagesOf(tx, ids); err != nil {
			return err
		}
		known, err = dataFilesOf(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	view := &Conversation{Site: s, DB: j.DB}
	for _, page := range pages {
		if err := t.add(ctx, view, page, known[page.ID]); err != nil {
			return nil, err
		}
	}
	t.files, err = j.ourFiles(s, t.files)
	return t, err
}

// talkNoMore takes the files away that were written before the settings wanted none: nobody
// would look after them, and who takes something back or is erased would stay in them.
func (j *Jobs) talkNoMore(ctx context.Context, s *Site, t *talk) error {
	err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		t.drop, err = tx.DataFiles()
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range t.drop {
		t.files = append(t.files, publish.File{Name: f.Name})
	}
	t.files, err = j.ourFiles(s, t.files)
	return err
}

// add makes the file of a page; known are those that it has.
func (t *talk) add(ctx context.Context, view *Conversation, page store.Page, known []string) error {
	name, data, err := view.Data(ctx, page.URL)
	if err != nil {
		return err
	}
	name = path.Join(view.Site.Data, name)
	if data != nil {
		t.put = append(t.put, store.DataFile{Name: name, Page: page.ID})
		t.files = append(t.files, publish.File{Name: name, Data: data})
	}
	for _, old := range known {
		if data == nil || old != name {
			t.drop = append(t.drop, store.DataFile{Name: old})
			t.files = append(t.files, publish.File{Name: old})
		}
	}
	return nil
}

func pagesOf(tx *store.Tx, ids []string) (pages []store.Page, err error) {
	for _, id := range ids {
		page, err := tx.Page(id)
		if err != nil {
			return nil, err
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// dataFilesOf are the names of the files that were written, by the page that they are about
// now: it may have been merged into another.
func dataFilesOf(tx *store.Tx) (map[string][]string, error) {
	all, err := tx.DataFiles()
	if err != nil {
		return nil, err
	}
	known := map[string][]string{}
	for _, f := range all {
		page, err := tx.Page(f.Page)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		known[page.ID] = append(known[page.ID], f.Name)
	}
	return known, nil
}

// ourFiles gives changes what is there now. A file that is not of this kind is its owner's,
// and stays.
func (j *Jobs) ourFiles(s *Site, files []publish.File) (ours []publish.File, err error) {
	for _, f := range files {
		now, err := s.Source.Tree.Read(f.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if f.Data == nil {
				continue
			}
		case errors.Is(err, publish.ErrForeign), err == nil && !bytes.HasPrefix(now, []byte(dataMark)):
			j.log().Warn("a file of the owner's lies where a conversation would", "site", s.Key, "file", f.Name)
			continue
		case err != nil:
			return nil, err
		default:
			f.Was = now
		}
		ours = append(ours, f)
	}
	return ours, nil
}
