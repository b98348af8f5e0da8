package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"tertulia/internal/media"
	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/mf2"
	"tertulia/store"
)

// Pictures that are uploaded get smaller copies, which the pages that we write offer to
// browsers. The pages name them from the beginning: until a copy is made, its address
// answers with the picture itself, so that no page waits for it or is written again.
// A picture that moves or is too large to be made smaller is offered whole from the
// beginning. Only one that turns out to be undecodable has its pages written again.
//
// Copies count as uploads do, from when they are made. They are in no backup: after a
// start they are made again where they are missing, one after the other.

// Sized is the Target of a site whose pages we write: it is told what is known of the
// uploads that its posts show.
type Sized struct {
	publish.Target
	Site *Site
	DB   *store.DB
}

// Publish implements publish.Target.
func (z *Sized) Publish(ctx context.Context, c publish.Change) error {
	lists := [][]publish.Post{slices.Clone(c.Recent)}
	c.Recent, c.Streams = lists[0], maps.Clone(c.Streams)
	for uid, posts := range c.Streams {
		c.Streams[uid] = slices.Clone(posts)
		lists = append(lists, c.Streams[uid])
	}
	err := z.DB.View(ctx, z.Site.Key, func(tx *store.Tx) (err error) {
		if c.Post.Pictures, err = z.Site.pictures(tx, c.Post.Item); err != nil {
			return err
		}
		for _, list := range lists {
			for i := range list {
				if list[i].Pictures, err = z.Site.pictures(tx, list[i].Item); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up the pictures of %s: %w", c.Post.Permalink, err)
	}
	return z.Target.Publish(ctx, c)
}

// pictures is what is known of the photos of a post that are uploads of ours.
func (s *Site) pictures(tx *store.Tx, item mf2.Item) (map[string]publish.Picture, error) {
	var known map[string]publish.Picture
	for _, address := range item.URLs("photo") {
		name, ours := strings.CutPrefix(address, s.Endpoint("media/"))
		if !ours {
			continue
		}
		row, err := tx.Media(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		picture := publish.Picture{Width: row.Width, Height: row.Height}
		if !row.Whole {
			for _, v := range media.Smaller(name, row.Width) {
				picture.Smaller = append(picture.Smaller, publish.Smaller{URL: s.Endpoint("media/" + v.Name), Width: v.Width})
			}
		}
		if known == nil {
			known = map[string]publish.Picture{}
		}
		known[address] = picture
	}
	return known, nil
}

// shown is how wide and how high an upload is shown, and whether there will be no smaller
// copies of it. A photo of a telephone that was held upright lies on its side in its file.
func (u *Uploads) shown(name string, info media.Info) (width, height int, whole bool) {
	seen, err := media.LookAt(u.Dir, name)
	if err != nil {
		return info.Width, info.Height, false // it is of another kind
	}
	return seen.Width, seen.Height, seen.Whole
}

// promise has smaller copies made of an upload, in the transaction that keeps it. A site
// that a generator builds has pages of its own, which show none.
func (u *Uploads) promise(tx *store.Tx, row store.Media) error {
	if u.Site.Source != nil || row.Whole || len(media.Smaller(row.Name, row.Width)) == 0 {
		return nil
	}
	return tx.Enqueue(resizeJob(row.Name))
}

// resize makes the smaller copies of an upload. Those that are there already are not made
// again. While another picture is being made smaller it steps back, so that many uploads
// do not keep the workers from what else there is to do.
func (j *Jobs) resize(ctx context.Context, job store.Job) (queue.Commit, error) {
	var name string
	s, err := j.begin(job, &name)
	if err != nil || j.Resizer == nil {
		return nil, err
	}
	return j.makeCopies(ctx, s, job, name)
}

func againJob(s *Site, after string) store.Job { return newJob(jobAgain, s.Key, after) }

// again makes the copies that are missing, of the first upload after one, and promises
// itself for those after that: it takes one place among the jobs, however many there are.
func (j *Jobs) again(ctx context.Context, job store.Job) (queue.Commit, error) {
	var after string
	s, err := j.begin(job, &after)
	if err != nil || j.Resizer == nil {
		return nil, err
	}
	name, err := j.missingCopies(ctx, s, after)
	if err != nil || name == "" {
		return nil, err
	}
	made, err := j.makeCopies(ctx, s, job, name)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error {
		if made != nil {
			if err := made(tx); err != nil {
				return err
			}
		}
		return tx.Enqueue(againJob(s, name))
	}, nil
}

// missingCopies is the first upload after one whose copies are not all there, "" for none.
// Only pages of ours offer any.
func (j *Jobs) missingCopies(ctx context.Context, s *Site, after string) (name string, err error) {
	if s.Source != nil || s.Publish == nil || s.Uploads == "" || j.Resizer == nil {
		return "", nil
	}
	var files []store.Media
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		files, err = tx.MediaFiles()
		return err
	}); err != nil {
		return "", err
	}
	for _, f := range files {
		if f.Name > after && !f.Whole && media.Missing(s.Uploads, f.Name, f.Width) {
			return f.Name, nil
		}
	}
	return "", nil
}

// makeCopies makes the smaller copies of an upload, and returns what is to be written down:
// how much room they take, or that there are none.
func (j *Jobs) makeCopies(ctx context.Context, s *Site, job store.Job, name string) (queue.Commit, error) {
	if !j.resizing.TryLock() {
		waited := j.DB.Now().Sub(job.Created)
		return nil, queue.After(min(max(waited/4, 500*time.Millisecond), 10*time.Second), errors.New("another picture is being made smaller"))
	}
	defer j.resizing.Unlock()
	var row store.Media
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		row, err = tx.Media(name)
		return err
	}); err != nil {
		return nil, ignore(err, fs.ErrNotExist) // it was deleted meanwhile
	}
	if row.Whole {
		return j.offerNone(ctx, s, name)
	}
	made, err := j.Resizer.Resize(ctx, s.Uploads, name, media.Widths())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, media.ErrType), errors.Is(err, media.ErrTooLarge), err == nil && len(made) == 0:
		// It is shown as it is: what browsers make of it is theirs to say. Pages that come
		// after this commit offer no copies; those that do are looked for in a second step.
		j.log().Info("an upload has no smaller copies", "site", s.Key, "name", name, "error", err)
		return func(tx *store.Tx) error {
			return cmp.Or(changeUpload(tx, name, func(row *store.Media) { row.Whole = true }), tx.Enqueue(resizeJob(name)))
		}, nil
	case err != nil:
		return nil, err
	}
	var bytes int64
	for _, v := range made {
		bytes += v.Size
	}
	return func(tx *store.Tx) error {
		return changeUpload(tx, name, func(row *store.Media) { row.Copies = bytes })
	}, nil
}

// offerNone has the pages written again that show an upload of which there are no copies.
func (j *Jobs) offerNone(ctx context.Context, s *Site, name string) (queue.Commit, error) {
	var shown []store.Post
	for from, more := "", true; more; more = from != "" {
		err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
			posts, next, err := tx.Posts(store.Range{From: from, Limit: 200}, true)
			for _, p := range posts {
				if slices.Contains(s.uploads(p.Item), name) {
					shown = append(shown, p)
				}
			}
			from = next
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return func(tx *store.Tx) error {
		for _, p := range shown {
			if err := cmp.Or(tx.Enqueue(s.publishJob(p.Permalink)), tx.Enqueue(listsJob(p.Month()))); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// changeUpload changes the row of an upload, if it is still there.
func changeUpload(tx *store.Tx, name string, change func(*store.Media)) error {
	row, err := tx.Media(name)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	change(&row)
	return tx.PutMedia(row)
}
