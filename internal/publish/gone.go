package publish

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"strings"
	"time"

	"tertulia/internal/publish/frontmatter"
)

// tombstoneAge is how long a tombstone stands.
const tombstoneAge = 30 * 24 * time.Hour

// owns tells whether a file is one of ours, and of this post.
func (p *Preset) owns(name string, data []byte, permalink string) bool {
	e, err := p.edit(name, data)
	if err != nil || !e.own {
		return false
	}
	if p.gen.address == "" {
		return true // then the file's name says it
	}
	local, err := p.local(permalink)
	at, _ := e.f.Get(p.key(p.gen.address)...)
	return err == nil && at == local
}

// remove takes a post's file away. A file that is not as it was kept would be lost.
func (s *Source) remove(c Change, name string, now []byte, there bool) ([]File, error) {
	switch {
	case !there:
		return nil, nil
	case c.Kept != nil && !bytes.Equal(c.Kept, now):
		return nil, fmt.Errorf("%s: %w", name, ErrChanged)
	case c.Kept == nil && !s.Preset.owns(name, now, c.Post.Permalink):
		return nil, fmt.Errorf("%s: %w", name, ErrForeign)
	}
	f := File{Name: name, Was: now}
	if !s.Gone {
		tombstone, err := s.Preset.tombstone(now, c.Post, s.Tombstone)
		if err != nil {
			return nil, err
		}
		f.Data = tombstone
	}
	return []File{f}, nil
}

// tombstone is the page that takes the place of a deleted one: it has its address and
// none of its links.
func (p *Preset) tombstone(old []byte, post Post, says string) ([]byte, error) {
	e := p.blank(post.File)
	was, err := p.edit(post.File, old)
	if err != nil {
		return nil, err
	}
	e.set(says, p.keys("name")[0]...)
	for _, name := range p.gen.required {
		if key := p.key(name); name != "title" {
			e.set("", key...)
		}
	}
	date := p.at(was.f, "published")
	if at, ok := was.f.Get(date...); ok {
		e.set(at, date...)
	}
	for _, key := range []string{p.gen.address, "layout"} {
		if v, ok := was.f.Get(p.key(key)...); ok && key != "" {
			e.set(v, p.key(key)...)
		}
	}
	for _, kv := range p.gen.unlisted {
		e.set(kv[1], p.key(kv[0].(string))...)
	}
	e.set(post.Revision, p.key(revisionKey)...)
	e.set(time.Now().UTC().Truncate(time.Second).Format(time.RFC3339), p.key(goneKey)...)
	e.write(says)
	return e.bytes()
}

func (p *Preset) buried(name string, data []byte) bool {
	_, ok := p.buriedAt(name, data)
	return ok
}

// buriedAt tells since when a file is a tombstone.
func (p *Preset) buriedAt(name string, data []byte) (time.Time, bool) {
	if !bytes.Contains(data, []byte(goneKey)) {
		return time.Time{}, false
	}
	e, err := p.edit(name, data)
	if err != nil {
		return time.Time{}, false
	}
	v, _ := e.f.Get(p.key(goneKey)...)
	at, err := time.Parse(time.RFC3339, plain(v))
	return at, err == nil
}

// moved are the files that lead from a former address to the new one, for generators
// that keep no list of them. What led away from the new one goes.
func (s *Source) moved(from, to string) ([]File, error) {
	p := s.Preset
	if p.gen.stub == "" {
		return nil, nil
	}
	var files []File
	for _, c := range []struct{ at, to string }{{from, to}, {to, ""}} {
		f, err := p.redirect(c.at, c.to)
		if err != nil {
			return nil, err
		}
		now, err := s.Tree.Read(f.Name)
		switch {
		case ignoreGone(err) != nil:
			return nil, err
		case err == nil && bytes.Contains(now, marks[".html"]):
			f.Was = now
		case err != nil && f.Data == nil, err == nil && f.Data == nil:
			continue
		}
		files = append(files, f)
	}
	return files, nil
}

// redirect is a page at an address that leads on; without to it is to be removed.
func (p *Preset) redirect(at, to string) (File, error) {
	local, err := p.local(at)
	if err != nil {
		return File{}, err
	}
	name := strings.Trim(local, "/")
	f := File{Name: fmt.Sprintf(p.gen.stub, strings.TrimSuffix(strings.ReplaceAll(name, "/", "-"), ".html"))}
	if p.gen.address == "" { // it lies where the site is copied from
		f.Name = fmt.Sprintf(p.gen.stub, name+"/index.html")
	}
	if err := sourceName(f.Name); err != nil || to == "" {
		return f, err
	}
	to = html.EscapeString(to)
	page := `<!doctype html><meta charset="utf-8">` + string(marks[".html"]) + `<title>` + to + `</title><link rel="canonical" href="` + to +
		`"><meta http-equiv="refresh" content="0; url=` + to + `"><a href="` + to + `">` + to + "</a>\n"
	if p.gen.address == "" {
		f.Data = []byte(page)
		return f, nil
	}
	e := editor{p: p, f: frontmatter.New(p.gen.format), name: f.Name, own: true}
	e.set(local, p.key(p.gen.address)...)
	for _, kv := range p.gen.unlisted {
		e.set(kv[1], p.key(kv[0].(string))...)
	}
	e.f.SetBody([]byte(page))
	f.Data, err = e.bytes()
	return f, err
}

// Sweep removes the tombstones that have stood long enough, and tells whether there were any.
// It reads all posts: once a day is enough.
func (s *Source) Sweep(ctx context.Context) (swept bool, err error) {
	var files []File
	for name, err := range s.Preset.posts(ctx, s.Tree) {
		if err != nil {
			return false, fmt.Errorf("sweep: %w", err)
		}
		data, err := s.Tree.Read(name)
		if err != nil || !bytes.Contains(data, []byte(goneKey)) {
			continue // gone meanwhile, or not readable, or not one
		}
		if at, ok := s.Preset.buriedAt(name, data); ok && time.Since(at) > tombstoneAge {
			files = append(files, File{Name: name, Was: data})
		}
	}
	if len(files) == 0 {
		return false, nil
	}
	return true, s.Tree.Apply(ctx, "sweep tombstones", files)
}
