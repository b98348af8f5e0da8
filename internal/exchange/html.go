package exchange

import (
	"bufio"
	"context"
	_ "embed"
	"html/template"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/site"
)

//go:embed export.html
var exportHTML string

// html writes one document that can be kept as it is: each response with its number, its
// source and its times, in UTC. It needs no network and runs nothing.
func (o Out) html(ctx context.Context, w *bufio.Writer) error {
	l := lang.For(o.View.Site.Language)
	page, err := template.New("export").Funcs(template.FuncMap{
		"t":    l.T,
		"time": func(t time.Time) string { return l.Date(t.UTC()) + " UTC" },
		"iso":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	}).Parse(exportHTML)
	if err != nil {
		return err
	}
	about := struct {
		Lang, Site, Page string
		Now              time.Time
	}{l.Tag(), o.View.Site.Me(), o.Page, o.Now}
	if err := page.ExecuteTemplate(w, "begin", about); err != nil {
		return err
	}
	n := 0
	err = o.each(ctx, func(r site.Response) error {
		n++
		return page.ExecuteTemplate(w, "response", struct {
			site.Response
			E      site.JF2Entry
			Marked template.HTML
		}{r, r.JF2(), template.HTML(r.HTML)})
	})
	if err != nil {
		return err
	}
	return page.ExecuteTemplate(w, "end", n)
}
