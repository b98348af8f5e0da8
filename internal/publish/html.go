package publish

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"os"
	"sync"
	"time"
)

//go:embed templates/*.html
var templates embed.FS

// pages are the parsed templates; each HTML gives a copy its own functions.
var pages = template.Must(template.New("").Funcs((&HTML{}).funcs()).ParseFS(templates, "templates/*.html"))

// HTML is the preset "html", a [Target] that writes a whole site of finished
// pages into a directory:
//
//	index.html              who the owner is, and the recent posts (h-card, h-feed)
//	feed.xml                the same posts as Atom
//	tertulia.css            Style
//	2026/index.html         the months of a year
//	2026/11/index.html      the posts of a month; of many, the newest
//	2026/11/page/2/…        those before, in pages numbered from the oldest
//	2026/11/21/slug/…       a post, below the path of its permalink
//	fotos/…                 the posts of a channel, and feed.xml of them
//
// Each file is replaced at once and only when its bytes differ, so that a server
// of these files sees no half page and keeps its validators. A deleted post's page
// is removed; that its address answers 410 is the server's part. Nothing outside
// Dir is ever written, symbolic links notwithstanding.
//
// All function fields must be set; they speak the site's language, and dates come
// out in the time zone they are handed in.
type HTML struct {
	Dir   string                                      // is created when it does not exist
	Style []byte                                      // the stylesheet
	T     func(key string, args ...any) string        // the sentence called key
	N     func(key string, n int, args ...any) string // the same in the plural form for n
	Date  func(time.Time) string                      // day and minute
	Day   func(time.Time) string                      // calendar day
	Month func(time.Time) string                      // month and year

	mu   sync.Mutex         // one Publish at a time: temporary files have fixed names
	tmpl *template.Template // with the functions above, made when it is needed first
}

var _ Target = (*HTML)(nil)

// Publish implements [Target]. A permalink that is not below the site's address, or
// that would lead to another file than its own page, is an error.
func (h *HTML) Publish(ctx context.Context, c Change) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if err := os.MkdirAll(h.Dir, 0o755); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	root, err := os.OpenRoot(h.Dir)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	defer root.Close()
	p, err := h.press(root, c)
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if c.Post.Permalink != "" {
		if err := p.post(c.Post); err != nil {
			return fmt.Errorf("publish %s: %w", c.Post.Permalink, err)
		}
	}
	if c.PageOnly {
		return nil
	}
	if err := p.archive(c); err != nil {
		return fmt.Errorf("publish archive: %w", err)
	}
	if err := p.home(c); err != nil {
		return fmt.Errorf("publish home page: %w", err)
	}
	if err := p.channels(c); err != nil {
		return fmt.Errorf("publish channels: %w", err)
	}
	if !c.Earlier.Thorough {
		return nil
	}
	if err := p.formerChannels(); err != nil {
		return fmt.Errorf("remove former channels: %w", err)
	}
	return nil
}

// funcs are what the templates call.
func (h *HTML) funcs() template.FuncMap {
	return template.FuncMap{
		"T": h.T, "N": h.N, "date": h.Date, "day": h.Day, "month": h.Month,
		"machine":  func(t time.Time) string { return t.Format(time.RFC3339) },
		"shortURL": shortURL, "host": hostOf,
	}
}

// press writes the pages of one change.
type press struct {
	dir  directory
	tmpl *template.Template
	site siteView
	say  *HTML
}

// page is what every template gets: the site, what the document is called, and
// its own subject.
type page struct {
	Site        siteView
	Title       string // of the document
	URL         string // canonical address
	Description string
	Post        *postView   // the post's page
	Posts       []*postView // home page, month
	Month       time.Time   // month
	Newer       *monthView  // neighbours of a month, or of a page of it
	Older       *monthView
	Months      []monthView  // year
	Years       []monthView  // home page
	Channel     *channelView // the channel's page
}

func (h *HTML) press(root *os.Root, c Change) (*press, error) {
	if h.tmpl == nil {
		tmpl, err := pages.Clone()
		if err != nil {
			return nil, err
		}
		h.tmpl = tmpl.Funcs(h.funcs())
	}
	site, err := newSite(c.Site)
	if err != nil {
		return nil, err
	}
	return &press{dir: directory{root}, tmpl: h.tmpl, site: site, say: h}, nil
}

// write executes a template into a file.
func (p *press) write(name, tmpl string, view page, keep keeping) error {
	data, err := p.fill(tmpl, view)
	if err != nil {
		return err
	}
	return p.dir.write(name, data, keep)
}

// fill executes a template.
func (p *press) fill(tmpl string, view page) ([]byte, error) {
	view.Site = p.site
	var b bytes.Buffer
	err := p.tmpl.ExecuteTemplate(&b, tmpl, view)
	return b.Bytes(), err
}

func (p *press) post(post Post) error {
	name, err := pagePath(p.site.URL, post.Permalink)
	if err != nil {
		return err
	}
	if post.Deleted {
		return p.dir.remove(name)
	}
	v := p.view(post)
	return p.write(name, "post", page{Title: v.Heading, URL: v.URL, Description: v.Excerpt, Post: v}, durable)
}

// home writes what stands at the top of the site: home page, feed, stylesheet. A site
// that has these of its own keeps them.
func (p *press) home(c Change) error {
	recent := c.Recent[:min(len(c.Recent), maxRecent)]
	view := page{Title: p.site.Name, URL: p.site.URL, Description: p.site.Note, Posts: p.views(recent)}
	for _, m := range p.months(c.Months) {
		m.URL = p.site.at(m.Time.Format("2006/"))
		if n := len(view.Years); n > 0 && view.Years[n-1].URL == m.URL {
			view.Years[n-1].Posts += m.Posts
			continue
		}
		view.Years = append(view.Years, m)
	}
	if err := unlessForeign(p.write("index.html", "home", view, derived)); err != nil {
		return err
	}
	feed, err := p.feed(p.site.URL, p.site.Name, view.Posts, c)
	if err != nil {
		return err
	}
	return errors.Join(unlessForeign(p.dir.write("feed.xml", feed, derived)), unlessForeign(p.dir.write("tertulia.css", p.say.Style, derived)))
}
