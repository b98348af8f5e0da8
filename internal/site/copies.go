package site

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"tertulia/internal/publish"
	"tertulia/mf2"
	"tertulia/store"
)

// Uploads go with the post that shows them into the source of the site: there they are the
// owner's like the text is. Their first address, which works from the upload on, leads
// there when the post is live.

// uploads are the names of the uploaded files that a post shows.
func (s *Site) uploads(item mf2.Item) (names []string) {
	raw, err := json.Marshal(item)
	if err != nil {
		return nil
	}
	at := regexp.MustCompile(regexp.QuoteMeta(s.Endpoint("media/")) + `([a-z2-7]{26}\.[a-z0-9]{3,4})`)
	seen := map[string]bool{}
	for _, m := range at.FindAllStringSubmatch(string(raw), -1) {
		if !seen[m[1]] {
			seen[m[1]] = true
			names = append(names, m[1])
		}
	}
	return names
}

// copies are the uploads of a post as files of the source, by their names: those that are
// not there yet. The addresses of all of them are what the post shows instead.
func (j *Jobs) copies(ctx context.Context, s *Site, post store.Post) (files []publish.File, addresses map[string]string, err error) {
	names := s.uploads(post.Item)
	if len(names) == 0 {
		return nil, nil, nil
	}
	rows := map[string]store.Media{}
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		for _, name := range names {
			row, err := tx.Media(name)
			if err == nil {
				rows[name] = row
			}
			if err := ignore(err, fs.ErrNotExist); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, nil, err
	}
	addresses = map[string]string{}
	for name, row := range rows {
		if addresses[name] = row.Address; row.Address != "" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(s.Uploads, name))
		if err != nil {
			return nil, nil, fmt.Errorf("copy an upload: %w", err)
		}
		sum := md5.Sum(data)
		file, address, err := s.Source.Preset.Media(post.Kind, row.Created, name, hex.EncodeToString(sum[:]))
		if err != nil {
			return nil, nil, fmt.Errorf("copy an upload: %w", err)
		}
		files, addresses[name] = append(files, publish.File{Name: file, Data: data}), address
	}
	return files, addresses, nil
}

// showing is an item that shows its uploads at other addresses.
func (s *Site) showing(item mf2.Item, addresses map[string]string) mf2.Item {
	if len(addresses) == 0 {
		return item
	}
	var pairs []string
	for name, address := range addresses {
		pairs = append(pairs, s.Endpoint("media/"+name), address)
	}
	there := strings.NewReplacer(pairs...)
	var change func(v any) any
	change = func(v any) any {
		switch v := v.(type) {
		case string:
			return there.Replace(v)
		case []any:
			for i := range v {
				v[i] = change(v[i])
			}
		case map[string]any:
			for key := range v {
				v[key] = change(v[key])
			}
		}
		return v
	}
	item = item.Clone()
	for name, values := range item.Properties {
		item.Properties[name], _ = change(values).([]any)
	}
	return item
}

// copied writes down where the uploads of a post are now.
func copied(tx *store.Tx, addresses map[string]string) error {
	for name, address := range addresses {
		row, err := tx.Media(name)
		if err == nil && row.Address != address {
			row.Address = address
			err = tx.PutMedia(row)
		}
		if err := ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

// arrived writes down that the uploads of a post can be seen where they are now.
func (s *Site) arrived(tx *store.Tx, post store.Post) error {
	if s.Source == nil || away(post) {
		return nil
	}
	for _, name := range s.uploads(post.Item) {
		row, err := tx.Media(name)
		if err == nil && row.Address != "" && !row.Live {
			row.Live = true
			err = tx.PutMedia(row)
		}
		if err := ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
	}
	return nil
}

// CopyOf is the address of an upload in the site itself; "" as long as it has none.
func (p *Posts) CopyOf(ctx context.Context, name string) (address string, err error) {
	if p.Site.Source == nil {
		return "", nil
	}
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		row, err := tx.Media(name)
		if row.Live {
			address = row.Address
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return address, err
}
