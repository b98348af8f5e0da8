package store

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"time"
)

// Picture is what is kept of an author's picture elsewhere: a small copy of it, which
// lies in the directory [Pictures] of the site's media. Several addresses may have led to
// the same file. The row is written after the file is on disk, and goes with the last
// mention that shows it; the file is swept then.
type Picture struct {
	Key     string    `json:"key"` // of URL
	URL     string    `json:"url"` // where it was found, as the author's page says
	Name    string    `json:"name,omitempty"`
	Size    int64     `json:"size,omitempty"`
	SHA256  string    `json:"sha256,omitempty"` // of the file
	Checked time.Time `json:"checked,omitzero"` // the last answer; zero: it was never asked for, and Name is of an earlier address
	Why     string    `json:"why,omitempty"`    // there is no newer one; "" when the last answer was a picture
}

const (
	picturesName  = "pictures_name"  // name·key → key
	mentionsPhoto = "mentions_photo" // key of the photo·id → id: of what is shown and what is held
)

var pictures = table[Picture]{
	name: "pictures", kind: "picture", version: 1,
	key: func(p *Picture) string { return p.Key },
	indexes: func(p *Picture) []indexEntry {
		if p.Name == "" {
			return nil
		}
		return []indexEntry{{picturesName, join(p.Name, p.Key)}}
	},
}

func photoKey(url string) string {
	sum := sha256.Sum256([]byte(url))
	return hex.EncodeToString(sum[:])
}

// PictureOf reads what is kept of the picture at an address.
func (tx *Tx) PictureOf(url string) (Picture, error) {
	k := photoKey(url)
	full := key(tx.Site, pictures.name, k)
	raw := tx.r.get(full)
	if p, ok := tx.pictures.get(full, raw); ok && raw != nil {
		return p, nil
	}
	p, err := pictures.get(tx, k)
	if err == nil && tx.w == nil {
		tx.pictures.put(full, raw, p)
	}
	return p, err
}

// PutPicture writes what is kept of a picture. It fills in Key.
func (tx *Tx) PutPicture(p Picture) error {
	p.Key = photoKey(p.URL)
	return pictures.put(tx, p)
}

// PicturesAfter lists the pictures that are kept in the order of their keys: at most limit of
// them after a key, "" for the first.
func (tx *Tx) PicturesAfter(after string, limit int) []Picture {
	var found []Picture
	var from []byte
	if after != "" {
		from = append(key(tx.Site, pictures.name, after), 0)
	}
	pre := prefix(tx.Site, pictures.name)
	for k, v := range tx.r.scan(pre, from, false) {
		if len(found) == limit {
			break
		}
		p, err := pictures.decode(k, string(k[len(pre):]), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		found = append(found, *p)
	}
	return found
}

// DropPicture forgets the picture at an address; one that is not kept is fine.
func (tx *Tx) DropPicture(url string) error { return dropIfThere(tx, &pictures, photoKey(url)) }

// HasPictureFile tells whether a row names the file.
func (tx *Tx) HasPictureFile(name string) bool {
	for range tx.r.scan(prefix(tx.Site, picturesName, name), nil, false) {
		return true
	}
	return false
}

// MentionsShowing goes through the mentions whose author has the picture at an address, or would
// have it. A damaged one is passed over.
func (tx *Tx) MentionsShowing(photo string) iter.Seq[Mention] {
	return func(yield func(Mention) bool) {
		for _, id := range tx.r.scan(prefix(tx.Site, mentionsPhoto, photoKey(photo)), nil, false) {
			m, err := mentions.get(tx, string(id))
			if err != nil {
				tx.log.Error("record passed over", "index", mentionsPhoto, "error", err)
			} else if !yield(m) {
				return
			}
		}
	}
}

// photos are the pictures that a mention shows, or would show.
func (m *Mention) photos() (urls []string) {
	for _, v := range []*Version{m.Shown, m.Held} {
		if v != nil && v.Author.Photo != "" && (len(urls) == 0 || urls[0] != v.Author.Photo) {
			urls = append(urls, v.Author.Photo)
		}
	}
	return urls
}

// keepPhotos completes the index of photos after a mention was written, for one of
// before there was this index, and lets go of the pictures that nobody shows any more.
func (tx *Tx) keepPhotos(was, m *Mention) error {
	var now, before []string
	if m != nil {
		now = m.photos()
	}
	for _, photo := range now {
		entry := key(tx.Site, mentionsPhoto, photoKey(photo), m.ID)
		if tx.r.get(entry) == nil {
			if err := tx.w.put(entry, []byte(m.ID)); err != nil {
				return err
			}
		}
	}
	if was != nil {
		before = was.photos()
	}
	for _, photo := range before {
		if err := tx.dropUnshown(photo); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) dropUnshown(photo string) error {
	k := photoKey(photo)
	for range tx.r.scan(prefix(tx.Site, mentionsPhoto, k), nil, false) {
		return nil
	}
	return dropIfThere(tx, &pictures, k)
}
