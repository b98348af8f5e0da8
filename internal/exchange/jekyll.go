package exchange

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"time"

	"tertulia/internal/site"
)

// jekyll writes the cache of jekyll-webmention_io (READ-API 7): for each page, under its path,
// what has come by its id. The plugin's templates print all of it as it is, so that what is
// text there is written as HTML.
func (o Out) jekyll(ctx context.Context, w *bufio.Writer) error {
	pages, err := o.pages(ctx)
	if err != nil {
		return err
	}
	// What cannot be written makes Flush fail.
	_, _ = w.WriteString("---\n")
	if len(pages) == 0 {
		_, _ = w.WriteString("{}\n")
	}
	for _, page := range pages {
		_, _ = fmt.Fprintf(w, "%s:\n", quoted(o.path(page)))
		if err := o.jekyllPage(ctx, w, page); err != nil {
			return err
		}
	}
	return nil
}

// path is what Jekyll calls the address of a page: the path below the site's own.
func (o Out) path(page string) string {
	u, err := url.Parse(page)
	if err != nil {
		return page
	}
	return "/" + strings.TrimPrefix(u.EscapedPath(), o.View.Site.URL.EscapedPath())
}

func (o Out) jekyllPage(ctx context.Context, w *bufio.Writer, page string) error {
	for since := uint64(0); ; {
		feed, err := o.View.JF2(ctx, site.Query{Targets: []string{page}, PerPage: 1000, SinceID: since, Upwards: true})
		if err != nil || len(feed.Children) == 0 {
			return err
		}
		for _, e := range feed.Children {
			jekyllEntry(w, e)
			since = e.WMID
		}
	}
}

// activities are what webmention.io's older answers call the properties.
var activities = map[string]string{
	"in-reply-to": "reply", "like-of": "like", "repost-of": "repost", "bookmark-of": "bookmark", "rsvp": "rsvp", "mention-of": "link",
}

func jekyllEntry(w *bufio.Writer, e site.JF2Entry) {
	content, name := "", html.EscapeString(e.Name)
	if e.Content != nil {
		content = cmp.Or(e.Content.HTML, strings.ReplaceAll(html.EscapeString(e.Content.Text), "\n", "<br>\n"))
	}
	date := e.WMReceived
	if e.Published != nil {
		date = *e.Published
	}
	typ, uri := activities[e.WMProperty], html.EscapeString(e.URL)
	id := fmt.Sprint(e.WMID)
	_, _ = fmt.Fprintf(w, "  %s:\n", quoted(id)) // as in jekyll
	for _, field := range [][2]string{
		{"id", quoted(id)}, {"url", quoted(uri)}, {"uri", quoted(uri)}, {"source", "false"}, {"pubdate", yamlTime(date)},
		{"type", quoted(typ)}, {"title", quoted(name)}, {"content", quoted(content)},
	} {
		_, _ = fmt.Fprintf(w, "    %s: %s\n", field[0], field[1])
	}
	_, _ = fmt.Fprintf(w, "    author:\n      name: %s\n      url: %s\n      photo: %s\n",
		quoted(html.EscapeString(e.Author.Name)), quoted(html.EscapeString(e.Author.URL)), quoted(html.EscapeString(e.Author.Photo)))
	_, _ = fmt.Fprintf(w, "    raw:\n      id: %d\n      source: %s\n      target: %s\n      verified: true\n      activity:\n        type: %s\n",
		e.WMID, quoted(html.EscapeString(e.WMSource)), quoted(html.EscapeString(e.WMTarget)), quoted(typ))
}

// yamlTime is a date as Ruby writes it.
func yamlTime(date string) string {
	t, err := time.Parse(time.RFC3339, date)
	if err != nil {
		return "null"
	}
	return t.UTC().Format("2006-01-02 15:04:05.000000000 Z")
}

// quoted is a text as a scalar of YAML, which JSON's strings are.
func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		return `""` // a string always encodes
	}
	return string(raw)
}
