package publish

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"tertulia/internal/publish/frontmatter"
)

// Preset says how posts lie in the source of a site that a generator builds: in which
// file, at which address, with which front matter.
//
//	preset, err := publish.NewPreset("hugo", "https://ana.example/", publish.Overrides{})
//	permalink, err := preset.Address(post)    // what is promised
//	file, err := preset.File(post)            // content/notes/hola.md
//	data, err := preset.Encode(post)          // a new file
//	data, err = preset.Patch(data, before, after)
//	item, err := preset.Decode(file, data, permalink)
//
// The address that was promised is written into the file, where the generator has a key
// for it. What themes can print stands in front matter under plain names, in_reply_to
// or inReplyTo as the generator's templates read it; content is the body. All that this
// does not give back is kept under the key mf2, so that Decode gives what was sent.
//
// A Preset does not change and may be used from many goroutines.
type Preset struct {
	Name  string
	gen   generator
	site  *url.URL
	extra [][2]any
}

// Overrides are what the settings change about a preset. Each path is one by post type
// (article, note, photo, video, audio, bookmark, like, reply, repost, rsvp, event,
// jam, …), "" is for all types that have none of their own. Tokens stand in braces:
//
//	{yyyy} {y} {MM} {M} {MMM} {MMMM} {dd} {d} {D} {DDD} {D60} {ww} {w}      the date
//	{HH} {H} {hh} {h} {mm} {m} {ss} {s} {t} {T}                            the time
//	{slug} {type} {types} {channel}
//
// where {channel} is a whole part of a path that posts in no channel go without, and for
// media {filename} {ext} {md5}
type Overrides struct {
	Path      map[string]string // of the file in the source, such as content/posts/{slug}.md
	Permalink map[string]string // of the page, below the site's address, such as posts/{slug}/
	Media     string            // of an uploaded file in the source
	Format    string            // of front matter: yaml, toml or json
	Keys      map[string]string // property → key of front matter, with dots into tables: category → taxonomies.tags
	Defaults  map[string]string // keys and values that every new file has, with tokens: layout → {type}
}

// Presets are the names that [NewPreset] knows. The preset html is [HTML].
func Presets() []string { return slices.Sorted(maps.Keys(generators)) }

// NewPreset makes a preset for the site at an address. Its error names all that is
// wrong, each line with the setting it is about.
func NewPreset(name, site string, o Overrides) (*Preset, error) {
	gen, ok := generators[name]
	if !ok {
		return nil, fmt.Errorf("preset: %q is not known (one of: %s)", name, strings.Join(Presets(), ", "))
	}
	u, err := url.Parse(strings.TrimSuffix(site, "/") + "/")
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("url: %q is no address of a site", site)
	}
	var wrong []error
	override := func(field string, base patterns, with map[string]string) patterns {
		all := maps.Clone(base)
		if with[""] != "" {
			all = patterns{} // for all types, those that the preset tells apart as well
		}
		for _, kind := range slices.Sorted(maps.Keys(with)) {
			label := field
			if kind != "" {
				label += "." + kind
			}
			p := pattern(with[kind])
			if field == "path" && path.Ext(string(p)) == "" {
				wrong = append(wrong, fmt.Errorf("%s: %q has no ending such as .md", label, with[kind]))
			}
			if field == "path" && IsCode(string(p)) {
				wrong = append(wrong, fmt.Errorf("%s: %q would make code of what editors send; use .md", label, with[kind]))
			}
			wrong = append(wrong, p.check(label, false))
			all[kind] = p
		}
		return all
	}
	gen.path = override("path", gen.path, o.Path)
	gen.permalink = override("permalink", gen.permalink, o.Permalink)
	if o.Media != "" {
		gen.media = pattern(o.Media)
		wrong = append(wrong, gen.media.check("media", true))
	}
	switch f := frontmatter.Format(o.Format); f {
	case "":
	case frontmatter.YAML, frontmatter.TOML, frontmatter.JSON:
		gen.format = f
	default:
		wrong = append(wrong, fmt.Errorf("format: %q is not known (one of: yaml, toml, json)", o.Format))
	}
	gen.keys = maps.Clone(gen.keys)
	if gen.keys == nil {
		gen.keys = map[string][]string{}
	}
	for _, property := range slices.Sorted(maps.Keys(o.Keys)) {
		if _, known := fields[property]; !known {
			wrong = append(wrong, fmt.Errorf("keys.%s: there is no such property (one of: %s)", property, strings.Join(order, ", ")))
		}
		if key := o.Keys[property]; slices.Contains(strings.Split(key, "."), "") || slices.Contains([]string{gen.address, gen.aliases, mf2Key, revisionKey}, key) {
			wrong = append(wrong, fmt.Errorf("keys.%s: %q cannot be its key", property, key))
		}
		gen.keys[property] = []string{o.Keys[property]}
	}
	p := &Preset{Name: name, gen: gen, site: u, extra: slices.Clone(gen.defaults)}
	for _, key := range slices.Sorted(maps.Keys(o.Defaults)) {
		p.extra = slices.DeleteFunc(p.extra, func(kv [2]any) bool { return kv[0] == key })
		p.extra = append(p.extra, [2]any{key, o.Defaults[key]})
		wrong = append(wrong, pattern(o.Defaults[key]).known("defaults."+key, ofMedia))
	}
	return p, errors.Join(wrong...)
}

// Setup is what the owner adds to the settings of the generator, "" for nothing.
func (p *Preset) Setup() string { return p.gen.setup }

// NamesAddress tells whether the name of a post's file says its address, so that a post that
// moves is another file.
func (p *Preset) NamesAddress() bool { return p.gen.address == "" }

// subject is what a post's paths are made of.
func (p *Preset) subject(post Post) subject {
	s := subject{at: post.Published, kind: post.Kind, slug: post.Slug, channel: post.Channel}
	if s.slug == "" {
		u, err := url.Parse(post.Permalink)
		if err == nil {
			s.slug = strings.TrimSuffix(path.Base(u.Path), ".html")
		}
	}
	if s.kind == "" {
		s.kind = "note"
	}
	return s
}

// Address is the permalink that a post gets by its slug, date and kind: promise it once,
// and keep it whatever the post becomes.
func (p *Preset) Address(post Post) (string, error) {
	s := p.subject(post)
	rest := strings.TrimPrefix(p.gen.permalink.of(s.kind).expand(s), "/")
	permalink := p.site.String() + (&url.URL{Path: rest}).EscapedPath()
	if _, err := pagePath(p.site.String(), permalink); err != nil {
		return "", err
	}
	return permalink, nil
}

// File is where the source of a new post lies, relative to that of the site: keep it
// with the post, for what it is made of may change. Names that lead anywhere else are
// an error.
func (p *Preset) File(post Post) (string, error) {
	if post.File != "" {
		return post.File, sourceName(post.File)
	}
	s := p.subject(post)
	name := p.gen.path.of(s.kind).expand(s)
	return name, sourceName(name)
}

// Media is where an uploaded file lies in the source, and its address: the date is that
// of the upload, md5 the digest of its bytes in hexadecimal.
func (p *Preset) Media(kind string, at time.Time, filename, md5 string) (name, address string, err error) {
	name = p.gen.media.expand(subject{at: at, kind: kind, file: filename, md5: md5})
	if err := sourceName(name); err != nil {
		return "", "", err
	}
	return name, p.site.String() + (&url.URL{Path: strings.TrimPrefix(name, p.gen.public)}).EscapedPath(), nil
}

// Dirs are the directories of the source that posts lie in, without their subdirectories.
func (p *Preset) Dirs() []string {
	var dirs []string
	for _, t := range p.gen.path {
		plain, _, open := strings.Cut(string(t), "{")
		if dir := path.Dir(plain + "x"); !slices.Contains(dirs, dir) && (open || plain != "") {
			dirs = append(dirs, dir)
		}
	}
	slices.Sort(dirs)
	return dirs
}

// local is the path of a permalink as the generator's own keys have it: from the top of
// the site, which itself may lie below the top of its host.
func (p *Preset) local(permalink string) (string, error) {
	if _, err := pagePath(p.site.String(), permalink); err != nil {
		return "", err
	}
	u, err := url.Parse(permalink)
	if err != nil {
		return "", err
	}
	return "/" + strings.TrimPrefix(u.Path, p.site.Path), nil
}
