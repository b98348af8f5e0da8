package site

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/media"
	"tertulia/internal/queue"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// What others say here stays on the owner's domain, so that the conversation survives when
// a page or a network goes: what was read of a source as it came, and a small copy of its
// author's picture, which readers get from us alone.

const (
	maxOriginal = 64 << 10 // bytes of what is kept of an entry, as JSON
	maxPicture  = 1 << 20  // bytes of a picture that is fetched

	pictureStays   = 30 * 24 * time.Hour // before it is looked at again, when one of its mentions is
	pictureMissing = 24 * time.Hour      // before one that could not be had is
	pictureLooks   = 5                   // attempts to reach it
	picturesAsked  = 10                  // from one host in a minute (HOSTILE 109)
	maxTouched     = 200                 // mentions whose pages are told of another picture at once
)

func (j *Jobs) keepsPictures(s *Site) bool { return j.Resizer != nil && s.Uploads != "" }

// pictureDir is where the pictures of authors lie.
func (s *Site) pictureDir() string { return filepath.Join(s.Uploads, store.Pictures) }

// keep writes down beside a mention what was read. It comes before the mention is written.
func (l look) keep(tx *store.Tx, m *store.Mention) error {
	if !l.seen.Linked || !l.posted {
		return nil
	}
	return tx.PutOriginal(store.Original{
		Mention: m.ID, Digest: l.version.Digest, URL: l.seen.Final.String(), Seen: tx.Now, Item: l.entry, Cut: l.cut,
	})
}

// bounded is an item of at most 64 KiB. Of a larger one the largest properties are left
// out, and that is said.
func bounded(item mf2.Item) (kept mf2.Item, cut bool) {
	if size(item) <= maxOriginal {
		return item, false
	}
	kept = mf2.Item{Type: item.Type[:min(len(item.Type), 10)], Properties: map[string][]any{}}
	names := make([]string, 0, len(item.Properties))
	sizes := map[string]int{}
	for name, values := range item.Properties {
		names, sizes[name] = append(names, name), size(values)+len(name)
	}
	slices.SortFunc(names, func(a, b string) int { return sizes[a] - sizes[b] })
	left := maxOriginal - size(kept)
	for _, name := range names {
		if left -= sizes[name] + 8; left < 0 {
			break
		}
		kept.Properties[name] = item.Properties[name]
	}
	return kept, true
}

// size is how long the JSON of a value is, in bytes.
func size(v any) int {
	raw, err := json.Marshal(v)
	if err != nil {
		return maxOriginal + 1 // what cannot be written is too large to be
	}
	return len(raw)
}

// askForFaces has the pictures of a mention's authors fetched when readers or the owner are to
// see it, by whatever way it has come there: nobody's is fetched for what is kept out of sight.
func (s *Site) askForFaces(tx *store.Tx, m *store.Mention) error {
	if s.Uploads == "" || m.State != store.Pending && m.State != store.Approved {
		return nil
	}
	for _, v := range []*store.Version{m.Shown, m.Held} {
		if v == nil || s.shows(m, v) != BridgedFull {
			continue // readers are not shown whom it is of
		}
		if err := askForPicture(tx, m.ID, v.Author); err != nil {
			return err
		}
	}
	return nil
}

// askForPicture has an author's picture fetched: a new one, one that was looked at long
// ago, or one that could not be had a while ago. Until a new one is there the author keeps
// the face that they had.
func askForPicture(tx *store.Tx, mention string, author mf2.Author) error {
	if author.Photo == "" || len(author.Photo) > maxAddress {
		return nil
	}
	row, err := tx.PictureOf(author.Photo)
	if err == nil && !row.Checked.IsZero() && tx.Now.Sub(row.Checked) < stays(row) {
		return nil
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = keepFace(tx, mention, author)
	}
	if err != nil {
		return err
	}
	return tx.Enqueue(pictureJob(author.Photo))
}

func stays(row store.Picture) time.Duration {
	if row.Name == "" {
		return pictureMissing
	}
	return pictureStays
}

// keepFace gives the picture of an author whose address for it has changed a row with the
// face that they had.
func keepFace(tx *store.Tx, mention string, author mf2.Author) error {
	m, err := tx.Mention(mention)
	if err != nil || m.Shown == nil || m.Shown.Author.Name != author.Name || m.Shown.Author.URL != author.URL {
		return ignore(err, fs.ErrNotExist)
	}
	row, err := tx.PictureOf(m.Shown.Author.Photo)
	if err != nil || row.Name == "" {
		return ignore(err, fs.ErrNotExist)
	}
	return tx.PutPicture(store.Picture{URL: author.Photo, Name: row.Name, Size: row.Size, SHA256: row.SHA256})
}

// picture fetches the picture of an author, and keeps a small copy of it under the name
// that follows from what it shows.
func (j *Jobs) picture(ctx context.Context, job store.Job) (queue.Commit, error) {
	var photo string
	s, err := j.begin(job, &photo)
	if err != nil || !j.keepsPictures(s) {
		return nil, err
	}
	if wanted, err := j.wanted(ctx, s, photo); err != nil || !wanted {
		return nil, err
	}
	host := lane(photo)
	if !j.asked.allow(host, picturesAsked) {
		return nil, queue.After(time.Minute+rand.N(5*time.Minute), errors.New(host+" was asked for many pictures"))
	}
	row := store.Picture{URL: photo}
	err = j.fetchPicture(ctx, s, &row)
	failpoint.Hit("picture.fetch")
	var unfit unfitError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.As(err, &unfit), j.hopeless(err):
		j.Hosts.disappoint(host)
		row.Why = err.Error()
	case job.Attempts < pictureLooks:
		return nil, err
	default:
		row.Why = err.Error()
	}
	j.log().Info("picture of an author looked at", "site", s.Key, "url", photo, "name", row.Name, "error", err)
	return keepPicture(row), nil
}

// wanted tells whether a picture is still to be fetched: somebody has it, and nobody was
// quicker.
func (j *Jobs) wanted(ctx context.Context, s *Site, photo string) (wanted bool, err error) {
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		if s.hidesFace(tx, photo) {
			return nil
		}
		row, err := tx.PictureOf(photo)
		wanted = err != nil || row.Checked.IsZero() || tx.Now.Sub(row.Checked) >= stays(row)
		return ignore(err, fs.ErrNotExist)
	})
	return wanted, err
}

// unfitError is about what will be the same when it is fetched again.
type unfitError struct{ error }

func (e unfitError) Unwrap() error { return e.error }

// fetchPicture fills a row with what is at its address.
func (j *Jobs) fetchPicture(ctx context.Context, s *Site, row *store.Picture) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, row.URL, nil)
	if err != nil {
		return unfitError{err}
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	req.Header.Set("Accept", "image/webp, image/png, image/jpeg, image/gif")
	resp, err := j.Strangers.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusRequestTimeout, code == http.StatusTooManyRequests, code >= 500:
		return fmt.Errorf("it answers %s", resp.Status)
	case code != http.StatusOK:
		return unfitError{fmt.Errorf("it answers %s", resp.Status)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPicture+1))
	if err != nil {
		return err
	}
	// Written and swept in turn: a file that was left over and is wanted again is not swept.
	j.pictures.Lock()
	defer j.pictures.Unlock()
	name, info, err := j.Resizer.Face(ctx, s.pictureDir(), bytes.NewReader(body), maxPicture)
	if errors.Is(err, media.ErrType) || errors.Is(err, media.ErrTooLarge) || errors.Is(err, media.ErrEmpty) {
		return unfitError{err}
	}
	row.Name, row.Size, row.SHA256 = name, info.Size, info.SHA256
	return err
}

// Logo keeps a small copy of an application's logo among the pictures of authors, and
// returns its name. Nobody shows it but the page that asked for it, so it is swept with
// those that were left over.
func (j *Jobs) Logo(ctx context.Context, s *Site, address string) (name string, err error) {
	if !j.keepsPictures(s) {
		return "", errors.New("pictures are not kept")
	}
	row := store.Picture{URL: address}
	err = j.fetchPicture(ctx, s, &row)
	return row.Name, err
}

// keepPicture writes down what a look at a picture has brought. Without a newer picture
// the one that there was stays, whatever its address answers now. The pages that show
// another face than before have another revision.
func keepPicture(row store.Picture) queue.Commit {
	return func(tx *store.Tx) error {
		if _, anybody := first(tx.MentionsShowing(row.URL)); !anybody {
			return nil // it is swept, and its file
		}
		was, err := tx.PictureOf(row.URL)
		if err := ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
		row := row
		if row.Name == "" {
			row.Name, row.Size, row.SHA256 = was.Name, was.Size, was.SHA256
		}
		row.Checked = tx.Now
		if err := tx.PutPicture(row); err != nil || row.Name == was.Name {
			return err
		}
		return touchShowing(tx, row.URL)
	}
}

// touchShowing gives the pages that show a picture another revision.
func touchShowing(tx *store.Tx, photo string) error {
	pages := map[string]bool{}
	for m := range firstOf(maxTouched, tx.MentionsShowing(photo)) {
		if m.IsPublic() {
			pages[m.Page] = true
		}
	}
	for _, page := range slices.Sorted(maps.Keys(pages)) {
		if err := tx.TouchPage(page); err != nil {
			return err
		}
	}
	return nil
}

// SweepPictures removes the pictures of authors that no mention shows any more, if they
// were last wanted before a time.
func (j *Jobs) SweepPictures(ctx context.Context, s *Site, before time.Time) error {
	if s.Uploads == "" {
		return nil
	}
	if err := j.hideFaces(ctx, s); err != nil {
		return err
	}
	if _, err := media.Sweep(s.pictureDir(), before); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.pictureDir())
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	for _, e := range entries {
		if err := j.sweepPicture(ctx, s, e.Name(), before); err != nil {
			return err
		}
	}
	return nil
}

func (j *Jobs) sweepPicture(ctx context.Context, s *Site, name string, before time.Time) error {
	j.pictures.Lock()
	defer j.pictures.Unlock()
	path := filepath.Join(s.pictureDir(), name)
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || !info.ModTime().Before(before) {
		return ignore(err, fs.ErrNotExist)
	}
	return j.removeUnnamed(ctx, s, name)
}

// removeUnnamed removes the file of a picture that no row names. The caller has the lock.
func (j *Jobs) removeUnnamed(ctx context.Context, s *Site, name string) error {
	named := false
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		named = tx.HasPictureFile(name)
		return nil
	}); err != nil || named {
		return err
	}
	return ignore(os.Remove(filepath.Join(s.pictureDir(), name)), fs.ErrNotExist)
}

// pictureURL is where readers get the picture of an author: from us, or "" as long as
// there is none. Nobody's browser is sent to where it was found.
func (s *Site) pictureURL(tx *store.Tx, photo string) string {
	if photo == "" {
		return ""
	}
	row, err := tx.PictureOf(photo)
	if err != nil || row.Name == "" {
		return "" // a damaged row costs a face, not the page
	}
	return s.Endpoint("picture/" + row.Name)
}
