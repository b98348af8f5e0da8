package publish

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"tertulia/internal/publish/frontmatter"
)

// Entry is a post that lies in the source of a site, whoever has written it.
type Entry struct {
	File      string
	Permalink string
	Kind      string // as [mf2.Item.Kind] says
	Published time.Time
	Draft     bool
	Channel   string // as front matter says, whether there is such a one or not
	Own       bool   // written by us, not by hand
	Digest    string // of the file's bytes
	Stamp     string // changes when the file does, without reading it; "": the tree cannot tell
}

// Addresses are what is known from elsewhere about where the pages of a site are.
type Addresses struct {
	Files map[string]string // file → address, as the generator itself says
	URLs  []string          // those of a sitemap or a feed: each page once, no matter of which file
}

// Adoption is where posts are looked for.
type Adoption struct {
	Tree Tree

	// Known gives what was found in a file the last time, so that files that have not
	// changed need not be read. nil: nothing is known.
	Known func(file string) (Entry, bool)

	// Addresses is asked at most once, when a file does not tell its own address, see
	// [HugoAddresses]. nil: the preset's rule says it.
	Addresses func(context.Context) (Addresses, error)

	// Exists tells whether the site has a page, where nothing else says which of the
	// addresses that a generator may give is a file's. nil: the preset's rule is believed.
	Exists func(ctx context.Context, address string) (bool, error)
}

// ErrNoAddress is a file that may be a post, though nobody knows of which page.
var ErrNoAddress = errors.New("nothing says at which address the page of this file is")

// Adopt finds the posts that lie in the source: all of them, so that what it does not
// find is gone. An error with a File is about this one, and the others follow; one
// without ends it.
func (p *Preset) Adopt(ctx context.Context, a Adoption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		find := finder{Preset: p, Adoption: a}
		for name, err := range p.posts(ctx, a.Tree) {
			if err != nil {
				yield(Entry{}, fmt.Errorf("adopt: %w", err))
				return
			}
			entry, err := find.entry(ctx, name)
			if errors.Is(err, errNoPost) || errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				err = fmt.Errorf("adopt %s: %w", name, err)
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// errNoPost is a file that is something else.
var errNoPost = errors.New("no post")

// stater is a Tree that knows when a file was changed.
type stater interface {
	Stat(name string) (fs.FileInfo, error)
}

// finder looks for posts, and remembers what it was told on the way.
type finder struct {
	*Preset
	Adoption
	asked  bool
	told   Addresses
	failed error // to ask: what the rest would be told is no better

	probed, answersAll bool // the site has a page for every address
}

func (f *finder) entry(ctx context.Context, name string) (Entry, error) {
	entry := Entry{File: name}
	if s, ok := f.Tree.(stater); ok {
		info, err := s.Stat(name)
		if err != nil {
			return entry, err
		}
		entry.Stamp = fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
	}
	known := Entry{}
	if f.Known != nil {
		known, _ = f.Known(name)
	}
	if entry.Stamp != "" && known.Stamp == entry.Stamp && known.Permalink != "" {
		return known, nil
	}
	data, err := f.Tree.Read(name)
	if err != nil {
		return entry, err
	}
	sum := sha256.Sum256(data)
	entry.Digest = hex.EncodeToString(sum[:])
	if known.Digest == entry.Digest && known.Permalink != "" {
		known.Stamp = entry.Stamp
		return known, nil
	}
	e, err := f.edit(name, data)
	if err != nil {
		return entry, err
	}
	if f.buried(name, data) || e.f.Format() == frontmatter.None && f.Name != "hugo" {
		return entry, errNoPost
	}
	it, err := f.Decode(name, data, "")
	if err != nil {
		return entry, err
	}
	entry.Own, entry.Kind, entry.Draft = e.own, it.Kind(), it.Get("post-status") == "draft"
	entry.Published, entry.Channel = date(it.Get("published")), e.inChannel()
	if !entry.Own && !f.isPost(name, entry) {
		return entry, errNoPost
	}
	entry.Permalink, err = f.permalink(ctx, e, entry)
	return entry, err
}

// isPost tells whether a file that somebody else has written can be a post. Where posts lie
// among templates and data, one says its date.
func (p *Preset) isPost(name string, entry Entry) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json":
		return false
	case ".html", ".htm":
		return !entry.Published.IsZero()
	}
	return p.Name != "eleventy" && p.Name != "plain" || !entry.Published.IsZero()
}

// date is a published property as a time, the zero time if it is none.
func date(s string) time.Time {
	if w := moment(s); !w.Time.IsZero() {
		return w.Time
	}
	for _, layout := range []string{"2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// permalink is the address of a file's page: what the file says itself, else what the
// generator or the sitemap says, else where the site has a page for it.
func (f *finder) permalink(ctx context.Context, e *editor, entry Entry) (string, error) {
	if key := f.gen.address; key != "" {
		if v, ok := e.f.Get(f.key(key)...); ok {
			if u := f.own(plain(v)); u != "" {
				return u, nil
			}
		}
	}
	if !f.asked && f.Addresses != nil {
		f.asked = true
		f.told, f.failed = f.Addresses(ctx)
	}
	if f.failed != nil {
		return "", f.failed
	}
	if u := f.below(f.told.Files[entry.File]); u != "" {
		return u, nil
	}
	slug, stem := slugOf(e, entry.File), stemOf(entry.File)
	candidates := f.candidates(entry, slug)
	if f.told.URLs == nil && f.told.Files == nil {
		return f.there(ctx, candidates)
	}
	fits := f.named(slug, stem)
	if len(fits) == 0 && f.Exists != nil {
		return f.there(ctx, candidates) // a feed has the newest pages alone, and not every map has all
	}
	return choose(fits, candidates, entry.Published)
}

// named are the pages that the site's lists have and that end in one of the names of a file.
func (f *finder) named(slug, stem string) (pages []string) {
	for _, listed := range f.told.URLs {
		u, err := url.Parse(listed)
		if err != nil {
			continue
		}
		if last := strings.TrimSuffix(path.Base(u.Path), ".html"); last != slug && last != stem {
			continue
		}
		if page := f.below(listed); !slices.Contains(pages, page) { // two feeds may name it
			pages = append(pages, page)
		}
	}
	return pages
}

// choose is the one of several pages that a file's is: where the generator would put it, or
// by its day.
func choose(pages, candidates []string, published time.Time) (string, error) {
	if i := slices.IndexFunc(candidates, func(c string) bool { return slices.Contains(pages, c) }); i >= 0 && len(pages) > 1 {
		return candidates[i], nil
	}
	if day := published.Format("/2006/01/02/"); len(pages) > 1 {
		pages = slices.DeleteFunc(pages, func(u string) bool { return !strings.Contains(u, day) })
	}
	if len(pages) != 1 || pages[0] == "" {
		return "", ErrNoAddress
	}
	return pages[0], nil
}

// own reads the key in which a file names its address, "" when that is a rule for the
// generator and no address.
func (p *Preset) own(s string) string {
	if s == "" || strings.ContainsAny(s, ":{}") && !strings.Contains(s, "://") {
		return ""
	}
	if strings.Contains(s, "://") {
		return p.below(s)
	}
	s = strings.TrimSuffix(strings.TrimPrefix(s, "/"), "index.html")
	if p.Name == "zola" && !strings.HasSuffix(s, "/") {
		s += "/"
	}
	return p.below(p.site.String() + (&url.URL{Path: s}).EscapedPath())
}

// below is an address as one of the site, whatever address of the site the generator's
// settings have; "" when it cannot be a page of it.
func (p *Preset) below(address string) string {
	u, err := p.site.Parse(address)
	if address == "" || err != nil {
		return ""
	}
	u.Scheme, u.Host, u.Fragment, u.RawQuery = p.site.Scheme, p.site.Host, "", ""
	if strings.Contains(u.Path, "//") { // Jekyll's absolute_url, where the url in its settings ends with a slash
		u.Path, u.RawPath = slashes.ReplaceAllString(u.Path, "/"), ""
	}
	if !strings.HasPrefix(u.Path, p.site.Path) {
		return ""
	}
	return u.String()
}

var slashes = regexp.MustCompile(`/{2,}`)

// slugOf is the last part of the address that a file's page is likely to have.
func slugOf(e *editor, file string) string {
	if v, _ := e.f.Get("slug"); plain(v) != "" {
		return plain(v)
	}
	slug := stemOf(file)
	if dated.MatchString(slug) {
		slug = slug[len("2006-01-02-"):]
	}
	return slug
}

// stemOf is a file's name without its ending, that of its directory where it is called index.
func stemOf(file string) string {
	stem := strings.TrimSuffix(path.Base(file), path.Ext(file))
	if stem == "index" {
		stem = path.Base(path.Dir(file))
	}
	return stem
}

// IsCode tells whether the text of a post's file is part of the program that builds the site:
// whoever could edit it could run what they like there. Only the owner may.
func IsCode(file string) bool { return strings.EqualFold(path.Ext(file), ".mdx") }

// endings are those of files that hold posts.
var endings = []string{".md", ".markdown", ".mdown", ".html", ".htm", ".json"}

// places are the files of a source that hold posts, by generator.
var places = map[string]struct {
	under string
	in    *regexp.Regexp
}{
	"hugo":     {"content", regexp.MustCompile(`(^|/)[^_/][^/]*$`)}, // _index.md is a list
	"jekyll":   {"", regexp.MustCompile(`(^|/)_posts/|^_[a-z0-9_-]+/\d{4}-\d\d-\d\d-[^/]+$`)},
	"eleventy": {"", regexp.MustCompile(`^([^_/][^/]*/)+[^_/][^/]*$`)}, // neither at the top nor in _includes
	"astro":    {"src/content", regexp.MustCompile(`/[^_/][^/]*$`)},
	"zola":     {"content", regexp.MustCompile(`(^|/)[^_/][^/]*$`)},
}

// posts lists the files that may be posts.
func (p *Preset) posts(ctx context.Context, tree Tree) iter.Seq2[string, error] {
	place := places[p.Name]
	return func(yield func(string, error) bool) {
		for name, err := range tree.Files(ctx, place.under) {
			if err != nil {
				yield("", err)
				return
			}
			ending := slices.Contains(endings, strings.ToLower(path.Ext(name))) || p.Name == "astro" && IsCode(name)
			if !ending || sourceName(name) != nil ||
				place.in != nil && !place.in.MatchString(name) {
				continue
			}
			if !yield(name, nil) {
				return
			}
		}
	}
}
