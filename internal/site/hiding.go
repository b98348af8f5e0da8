package site

import (
	"context"
	"slices"

	"tertulia/store"
)

// Whose picture readers are not shown, of that person none is fetched, and none is kept: when
// the settings hide somebody, the sweep after the start lets their faces go.

// showsFace tells whether readers see the picture at an address beside a mention.
func (s *Site) showsFace(m *store.Mention, photo string) bool {
	return slices.ContainsFunc([]*store.Version{m.Shown, m.Held}, func(v *store.Version) bool {
		return v != nil && v.Author.Photo == photo && s.shows(m, v) == BridgedFull
	})
}

// facesAtOnce is how many pictures one transaction looks at.
const facesAtOnce = 100

// hideFaces lets go of the pictures of people whom a bridge has brought and who are not shown,
// once after the start: nobody fetches them meanwhile, and settings do not change.
func (j *Jobs) hideFaces(ctx context.Context, s *Site) error {
	if s.hidden || s.Bridged == BridgedFull {
		return nil
	}
	for after, more := "", true; more; {
		var some, hide []store.Picture
		err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
			some, hide = tx.PicturesAfter(after, facesAtOnce), nil
			for _, p := range some {
				if s.hidesFace(tx, p.URL) {
					hide = append(hide, p)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := j.dropFaces(ctx, s, hide); err != nil {
			return err
		}
		if more = len(some) == facesAtOnce; more {
			after = some[len(some)-1].Key
		}
	}
	s.hidden = true
	return nil
}

// hidesFace tells whether readers see the picture at an address nowhere. Of one that is
// everybody's, such as a network's picture of nobody, the first few decide.
func (s *Site) hidesFace(tx *store.Tx, photo string) bool {
	for m := range firstOf(maxTouched, tx.MentionsShowing(photo)) {
		if s.showsFace(&m, photo) {
			return false
		}
	}
	return true
}

// dropFaces forgets pictures, unless somebody is shown with them since, and removes their files.
func (j *Jobs) dropFaces(ctx context.Context, s *Site, hide []store.Picture) error {
	if len(hide) == 0 {
		return nil
	}
	j.pictures.Lock()
	defer j.pictures.Unlock()
	err := j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		for _, p := range hide {
			if !s.hidesFace(tx, p.URL) {
				continue
			}
			if err := tx.DropPicture(p.URL); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range hide {
		if p.Name == "" {
			continue
		}
		if err := j.removeUnnamed(ctx, s, p.Name); err != nil {
			return err
		}
	}
	return nil
}
