package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tertulia/internal/media"
	"tertulia/internal/syndicate"
	"tertulia/mf2"
	"tertulia/store"
)

// photosOf are the pictures of a post that are uploads here, with what they show.
func (j *Jobs) photosOf(ctx context.Context, s *Site, item mf2.Item) (photos []syndicate.Photo, err error) {
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		photos = nil
		for _, v := range item.Properties["photo"] {
			address, alt := photoValue(v)
			name, ours := strings.CutPrefix(address, s.Endpoint("media/"))
			if !ours {
				continue
			}
			row, err := tx.Media(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			photos = append(photos, syndicate.Photo{
				Alt: alt, Type: row.Type, Width: row.Width, Height: row.Height,
				Open: func(maxBytes int64, maxSide int) (io.ReadCloser, error) {
					return noPicture(j.openPhoto(ctx, s, row, maxBytes, maxSide))
				},
			})
		}
		return nil
	})
	return photos, err
}

// photoValue is where a picture is, and what it shows.
func photoValue(v any) (address, alt string) {
	switch v := v.(type) {
	case string:
		return v, ""
	case map[string]any:
		address, _ = v["value"].(string)
		alt, _ = v["alt"].(string)
	}
	return address, alt
}

// noPicture tells what will be so another time as well from what is worth another try.
func noPicture(picture io.ReadCloser, err error) (io.ReadCloser, error) {
	if errors.Is(err, media.ErrTooLarge) || errors.Is(err, media.ErrMalformed) || errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %v", syndicate.ErrNoPicture, err)
	}
	return picture, err
}

// openPhoto reads an upload, or the largest of its smaller copies that is small enough.
func (j *Jobs) openPhoto(ctx context.Context, s *Site, row store.Media, maxBytes int64, maxSide int) (io.ReadCloser, error) {
	fits := func(width, height int, size int64) bool {
		return (maxBytes <= 0 || size <= maxBytes) && (maxSide <= 0 || max(width, height) <= maxSide)
	}
	if fits(row.Width, row.Height, row.Size) {
		return os.Open(filepath.Join(s.Uploads, row.Name))
	}
	if j.Resizer == nil {
		return nil, fmt.Errorf("%s: %w", row.Name, media.ErrTooLarge)
	}
	variants, err := j.Resizer.Resize(ctx, s.Uploads, row.Name, media.Widths())
	if err != nil {
		return nil, err
	}
	for _, v := range slices.Backward(variants) {
		if fits(v.Width, v.Height, v.Size) {
			return os.Open(v.In(s.Uploads))
		}
	}
	return nil, fmt.Errorf("%s: %w", row.Name, media.ErrTooLarge)
}
