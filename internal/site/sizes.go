package site

import (
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
		for _, v := range media.Smaller(name, row.Width) {
			picture.Smaller = append(picture.Smaller, publish.Smaller{URL: s.Endpoint("media/" + v.Name), Width: v.Width})
		}
		if known == nil {
			known = map[string]publish.Picture{}
		}
		known[address] = picture
	}
	return known, nil
}

// shown is how wide and how high an upload is shown. A photo of a telephone that was held
// upright lies on its side in its file.
func (u *Uploads) shown(name string, info media.Info) (width, height int) {
	width, height, err := media.Shown(u.Dir, name)
	if err != nil {
		return info.Width, info.Height // it is of another kind
	}
	return width, height
}

// promise has smaller copies made of an upload, in the transaction that keeps it. A site
// that a generator builds has pages of its own, which show none.
func (u *Uploads) promise(tx *store.Tx, row store.Media) error {
	if u.Site.Source != nil || len(media.Smaller(row.Name, row.Width)) == 0 {
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
	if !j.resizing.TryLock() {
		waited := j.DB.Now().Sub(job.Created)
		return nil, queue.After(min(max(waited/4, 500*time.Millisecond), 10*time.Second), errors.New("another picture is being made smaller"))
	}
	defer j.resizing.Unlock()
	_, err = j.Resizer.Resize(ctx, s.Uploads, name, media.Widths())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil // it was deleted meanwhile
	case errors.Is(err, media.ErrType), errors.Is(err, media.ErrTooLarge):
		// It is shown as it is: what browsers make of it is theirs to say.
		j.log().Info("an upload has no smaller copies", "site", s.Key, "name", name, "error", err)
		return nil, nil
	}
	return nil, err
}
