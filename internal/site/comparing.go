package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"tertulia/store"
)

// Difference is a page that is another one in a new build of the site.
type Difference struct {
	Page    string   `json:"page"`
	News    string   `json:"news"`    // new, changed, removed
	Targets []Target `json:"targets"` // who is to hear of it

	before, now reading
}

// Compare compares two builds of the site, which are directories of its finished pages. A
// page is another one when it says something else: what a generator writes around it is no
// news. Pages that are posts of ours are left out, for they announce themselves.
func (o *Outgoing) Compare(ctx context.Context, before, after string) ([]Difference, error) {
	was, err := os.OpenRoot(before)
	if err != nil {
		return nil, err
	}
	defer was.Close()
	is, err := os.OpenRoot(after)
	if err != nil {
		return nil, err
	}
	defer is.Close()
	names := map[string]bool{}
	for _, root := range []*os.Root{was, is} {
		if err := pagesIn(ctx, root.FS(), names); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("there are no pages in %s and %s", before, after)
	}
	var all []Difference
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d, other, err := o.compare(was.FS(), is.FS(), name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if other {
			all = append(all, d)
		}
	}
	return o.withoutPosts(ctx, all)
}

// pagesIn collects the names of the pages in a build.
func pagesIn(ctx context.Context, build fs.FS, names map[string]bool) error {
	return fs.WalkDir(build, ".", func(name string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		switch {
		case err != nil || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case hidden && entry.IsDir():
			return fs.SkipDir
		case !hidden && entry.Type().IsRegular() && (path.Ext(name) == ".html" || path.Ext(name) == ".htm"):
			names[name] = true
		}
		return nil
	})
}

// compare reads one page of both builds. other is false when there is nothing to tell.
func (o *Outgoing) compare(was, is fs.FS, name string) (d Difference, other bool, err error) {
	before, err := readUpTo(was, name)
	if err != nil {
		return d, false, err
	}
	after, err := readUpTo(is, name)
	if err != nil || before != nil && bytes.Equal(before, after) {
		return d, false, err
	}
	address := o.addressOf(name)
	d.Page = address.String()
	if d.before, err = o.reading(before, address); err != nil {
		return d, false, err
	}
	if d.now, err = o.reading(after, address); err != nil {
		return d, false, err
	}
	switch {
	case d.before.digest == d.now.digest:
		return d, false, nil
	case before == nil:
		d.News = "new"
	case after == nil:
		d.News = "removed"
	default:
		d.News = "changed"
	}
	for _, link := range d.now.links {
		news := "new"
		if slices.Contains(d.before.links, link) {
			news = "changed"
		}
		d.Targets = append(d.Targets, Target{Source: d.Page, Target: link, News: news})
	}
	for _, link := range d.before.links {
		if !slices.Contains(d.now.links, link) {
			d.Targets = append(d.Targets, Target{Source: d.Page, Target: link, News: "removed"})
		}
	}
	return d, len(d.Targets) > 0, nil
}

// maxBuilt is how much of one page is read.
const maxBuilt = 8 << 20

// readUpTo reads a page of a build; nil when it is not there.
func readUpTo(build fs.FS, name string) ([]byte, error) {
	file, err := build.Open(name)
	if err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, maxBuilt+1))
	if err == nil && len(body) > maxBuilt {
		err = errors.New("the page is too long")
	}
	return append([]byte{}, body...), err
}

// reading reads a page of a build. One that says nothing of its own says nothing.
func (o *Outgoing) reading(body []byte, address *url.URL) (reading, error) {
	if body == nil {
		return reading{}, nil
	}
	read, err := o.Site.readPage(bytes.NewReader(body), "text/html", address)
	return read, ignore(err, errNoEntry)
}

// addressOf is where a page of a build will be.
func (o *Outgoing) addressOf(name string) *url.URL {
	if dir, file := path.Split(name); file == "index.html" || file == "index.htm" {
		name = dir
	}
	return o.Site.URL.JoinPath(name)
}

// withoutPosts leaves out what announces itself.
func (o *Outgoing) withoutPosts(ctx context.Context, all []Difference) (rest []Difference, err error) {
	err = o.DB.View(ctx, o.Site.Key, func(tx *store.Tx) error {
		rest = nil
		for _, d := range all {
			folded, err := o.Site.foldOf(d.Page)
			if err != nil {
				return err
			}
			isPost, err := announcesItself(tx, folded)
			if err != nil {
				return err
			}
			if !isPost {
				rest = append(rest, d)
			}
		}
		return nil
	})
	return rest, err
}

// Build promises what two builds differ in. Those that a page links to are told when it is
// live as it was built, and those of one that was removed when it answers 404 or 410.
func (o *Outgoing) Build(ctx context.Context, all []Difference) error {
	for some := range slices.Chunk(all, 100) {
		if err := o.DB.Update(ctx, o.Site.Key, func(tx *store.Tx) error {
			for _, d := range some {
				if err := o.Site.promisePage(tx, d); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) promisePage(tx *store.Tx, d Difference) error {
	page, err := tx.Outgoing(d.Page)
	if errors.Is(err, fs.ErrNotExist) {
		page, err = store.Outgoing{URL: d.Page, Digest: d.before.digest, Links: d.before.links}, nil
	}
	if err != nil {
		return err
	}
	for _, link := range d.before.links { // who was told of them we need not know
		if !slices.Contains(page.Links, link) {
			page.Links = append(page.Links, link)
		}
	}
	page.Quiet, page.Look = false, false
	if err := tx.PutOutgoing(page); err != nil {
		return err
	}
	return tx.Enqueue(s.pageJob(pageArgs{URL: d.Page, Expect: d.now.digest, Gone: d.News == "removed", Since: tx.Now}))
}

// Backlog lists the pages that were there before the lists of the site were first read, and
// that nobody was told of. waiting is how many more have not been looked at yet.
func (o *Outgoing) Backlog(ctx context.Context) (all []Difference, waiting int, err error) {
	err = o.DB.View(ctx, o.Site.Key, func(tx *store.Tx) error {
		all, waiting = nil, 0
		pages, err := tx.Outgoings(func(p *store.Outgoing) bool { return p.Quiet && p.Missing.IsZero() })
		for _, page := range pages {
			if page.Seen.IsZero() {
				waiting++
				continue
			}
			d := Difference{Page: page.URL, News: "backlog"}
			for _, link := range page.Links {
				d.Targets = append(d.Targets, Target{Source: page.URL, Target: link, News: "new"})
			}
			if len(d.Targets) > 0 {
				all = append(all, d)
			}
		}
		return err
	})
	return all, waiting, err
}

// SendBacklog promises to tell of pages of the backlog, each when it has been looked at again.
func (o *Outgoing) SendBacklog(ctx context.Context, all []Difference) error {
	for some := range slices.Chunk(all, 100) {
		if err := o.DB.Update(ctx, o.Site.Key, func(tx *store.Tx) error {
			for _, d := range some {
				if err := tx.Enqueue(o.Site.pageJob(pageArgs{URL: d.Page, Tell: true, Since: tx.Now})); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// Built says that the site was built: its lists are looked through at once, and so are the
// pages that wait to be live.
func (o *Outgoing) Built(ctx context.Context) error {
	return o.DB.Update(ctx, o.Site.Key, func(tx *store.Tx) error {
		jobs, err := tx.Jobs()
		if err != nil {
			return err
		}
		for _, job := range jobs {
			if job.Kind == jobPage && job.Parked.IsZero() {
				if err := tx.Enqueue(store.Job{Kind: job.Kind, Key: job.Key, Args: job.Args}); err != nil {
					return err
				}
			}
		}
		if o.Site.Watch == nil {
			return nil
		}
		return tx.Enqueue(watchJob(o.Site))
	})
}
