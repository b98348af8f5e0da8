package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/media"
	"tertulia/micropub"
	"tertulia/store"
)

// Uploads makes Posts a micropub.MediaBackend: files lie in Dir under names that
// nobody can guess, their rows in the store.
type Uploads struct {
	*Posts
	Dir   string
	Max   int64 // bytes of a file; 0 means 64 MiB
	Quota int64 // bytes of all files of the site together, with their smaller copies; 0 means that the disk is the limit
}

// errQuota is the answer when a file would not fit into the quota.
var errQuota = &micropub.Error{Code: micropub.InvalidRequest, Status: 413, Description: "this site's room for uploads is used up; delete some, or raise limits.uploads_mb"}

// Upload keeps a file: on disk first, then its row, then the answer, so that a row
// without a file cannot be.
// Spec: micropub#response-3-p-1
func (u *Uploads) Upload(ctx context.Context, _ micropub.Grant, f micropub.File) (string, error) {
	most := u.Max
	if most == 0 {
		most = 64 << 20
	}
	if err := u.fits(ctx, 0); err != nil {
		return "", err
	}
	name, info, err := media.Receive(u.Dir, f.Body, most)
	switch {
	case errors.Is(err, media.ErrMalformed):
		return "", &micropub.Error{Code: micropub.InvalidRequest, Description: err.Error()}
	case errors.Is(err, media.ErrType):
		return "", &micropub.Error{Code: micropub.InvalidRequest, Status: 415, Description: err.Error()}
	case errors.Is(err, media.ErrTooLarge):
		return "", &micropub.Error{Code: micropub.InvalidRequest, Status: 413, Description: err.Error()}
	case errors.Is(err, media.ErrEmpty):
		return "", &micropub.Error{Code: micropub.InvalidRequest, Description: err.Error()}
	case errors.Is(err, syscall.ENOSPC):
		return "", &micropub.Error{Code: micropub.TemporarilyUnavailable, Description: "there is no room for the file", Err: err, RetryAfter: time.Minute}
	case err != nil:
		return "", err
	}
	failpoint.Hit("upload.receive")
	row := store.Media{Name: name, Type: info.Type, Size: info.Size, SHA256: info.SHA256}
	row.Width, row.Height, row.Whole = u.shown(name, info)
	err = u.DB.Update(ctx, u.Site.Key, func(tx *store.Tx) error {
		row.Created = tx.Now
		return cmp.Or(u.within(tx, row.Size), tx.PutMedia(row), u.promise(tx, row), failpoint.Err("upload.keep"))
	})
	if errors.Is(err, errQuota) { // others came meanwhile
		return "", errors.Join(err, os.Remove(filepath.Join(u.Dir, name)))
	}
	if err != nil {
		return "", err
	}
	failpoint.Hit("upload.kept")
	return u.Site.Endpoint("media/" + name), nil
}

// fits tells, before a file is received or copied, whether so many bytes more are within the
// quota now.
func (u *Uploads) fits(ctx context.Context, more int64) error {
	if u.Quota == 0 {
		return nil
	}
	return u.DB.View(ctx, u.Site.Key, func(tx *store.Tx) error { return u.within(tx, more) })
}

// within tells, in the transaction that keeps a file, whether it is within the quota: of many
// that came at once each had room.
func (u *Uploads) within(tx *store.Tx, more int64) error {
	if u.Quota == 0 {
		return nil
	}
	files, err := tx.MediaFiles()
	for _, f := range files {
		more += f.Size + f.Copies
	}
	if err == nil && (more > u.Quota || more == u.Quota && len(files) > 0) {
		err = errQuota
	}
	return err
}

// DeleteMedia deletes an uploaded file that no post shows.
func (u *Uploads) DeleteMedia(ctx context.Context, g micropub.Grant, address string) error {
	name := path.Base(address)
	if u.Site.Endpoint("media/"+name) != address {
		return fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	}
	if err := u.DB.View(ctx, u.Site.Key, func(tx *store.Tx) error {
		if _, err := tx.Media(name); err != nil {
			return err
		}
		contacts, err := tx.Contacts()
		for _, c := range contacts {
			if slices.Contains(u.Site.uploads(c.Item), name) {
				return &micropub.Error{Code: micropub.Forbidden, Description: "the contact " + u.Site.Endpoint("contact/"+c.ID) + " shows this file"}
			}
		}
		return err
	}); err != nil {
		return err
	}
	for next, more := "", true; more; more = next != "" {
		posts, rest, err := u.some(ctx, next, true)
		if err != nil {
			return err
		}
		next = rest
		for _, post := range posts {
			if slices.Contains(u.Site.uploads(post.Item), name) {
				return &micropub.Error{Code: micropub.Forbidden, Description: "the post " + post.Permalink + " shows this file"}
			}
		}
	}
	return u.Discard(ctx, g, address)
}

// Sweep removes what uploads have left that came to no good end before a time: files
// that never finished, and finished ones that no row names, because the service was
// stopped between the two (DESIGN section 4).
func (u *Uploads) Sweep(ctx context.Context, before time.Time) error {
	if _, err := media.Sweep(u.Dir, before); err != nil {
		return err
	}
	entries, err := os.ReadDir(u.Dir)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
			continue // it went meanwhile, or is no file of ours, or is new
		}
		err = u.DB.View(ctx, u.Site.Key, func(tx *store.Tx) error {
			_, err := tx.Media(e.Name())
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			err = ignore(os.Remove(filepath.Join(u.Dir, e.Name())), fs.ErrNotExist)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Discard takes back an upload whose post was refused.
func (u *Uploads) Discard(ctx context.Context, _ micropub.Grant, address string) error {
	name := path.Base(address)
	if u.Site.Endpoint("media/"+name) != address {
		return nil
	}
	if err := u.DB.Update(ctx, u.Site.Key, func(tx *store.Tx) error { return tx.DropMedia(name) }); err != nil {
		return err
	}
	return media.Remove(u.Dir, name)
}

// ListMedia lists the uploads, newest first.
func (u *Uploads) ListMedia(ctx context.Context, _ micropub.Grant, limit, offset int) ([]micropub.MediaItem, error) {
	var files []store.Media
	err := u.DB.View(ctx, u.Site.Key, func(tx *store.Tx) (err error) {
		files, err = tx.MediaFiles()
		return err
	})
	slices.SortFunc(files, func(a, b store.Media) int { return b.Created.Compare(a.Created) })
	files = files[min(max(offset, 0), len(files)):]
	if limit > 0 {
		files = files[:min(limit, len(files))]
	}
	items := []micropub.MediaItem{}
	for _, f := range files {
		items = append(items, micropub.MediaItem{URL: u.Site.Endpoint("media/" + f.Name), Published: f.Created, MimeType: f.Type})
	}
	return items, err
}
