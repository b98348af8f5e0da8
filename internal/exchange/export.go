package exchange

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"tertulia/internal/site"
)

// Formats are what Out.Write writes, by the name that a user gives.
func Formats() []string {
	return []string{"jf2", "html", "csv", "eleventy-cache", "jekyll-cache", "data"}
}

// Out is a conversation on its way out: what readers may see, and no more.
type Out struct {
	View  *site.Conversation
	Page  string    // address of the page whose conversation is wanted; "": of all pages
	Excel bool      // CSV as a spreadsheet opens it that expects semicolons
	Now   time.Time // when it is written
}

// writers write a format.
var writers = map[string]func(o Out, ctx context.Context, w *bufio.Writer) error{
	"jf2":            Out.jf2,
	"html":           Out.html,
	"csv":            Out.csv,
	"eleventy-cache": Out.eleventy,
	"jekyll-cache":   Out.jekyll,
	"data":           Out.data,
}

// Write writes a format, one response after the other.
func (o Out) Write(ctx context.Context, format string, w io.Writer) error {
	write, ok := writers[format]
	if !ok {
		return fmt.Errorf("there is no format %q, only: %s", format, strings.Join(Formats(), ", "))
	}
	out := bufio.NewWriter(w)
	if err := write(o, ctx, out); err != nil {
		return err
	}
	return out.Flush()
}

// each hands over what is wanted, the oldest first.
func (o Out) each(ctx context.Context, fn func(site.Response) error) error {
	only := ""
	if o.Page != "" {
		page, err := o.View.Of(ctx, o.Page)
		if err != nil {
			return fmt.Errorf("page %s: %w", o.Page, err)
		}
		only = page.URL
	}
	return o.View.Each(ctx, func(r site.Response) error {
		if page, _, _ := strings.Cut(r.Target, "#"); only != "" && page != only {
			return nil
		}
		return fn(r)
	})
}

// jf2 writes what webmention.io exports (READ-API 6).
func (o Out) jf2(ctx context.Context, w *bufio.Writer) error {
	return o.feed(ctx, w, `{"type":"feed","name":"Webmentions","children":[`)
}

// eleventy writes the cache of eleventy-plugin-webmentions (READ-API 7). While that is younger
// than its cacheTime, the plugin asks nobody.
func (o Out) eleventy(ctx context.Context, w *bufio.Writer) error {
	return o.feed(ctx, w, fmt.Sprintf(`{"lastFetched":"%s","children":[`, o.Now.UTC().Format("2006-01-02T15:04:05.000Z")))
}

// feed writes an object that ends with its children, one to a line. The signs of HTML stand as
// they are, as webmention.io has them: a file is in no page, unlike what the API answers.
func (o Out) feed(ctx context.Context, w *bufio.Writer, begin string) error {
	// What cannot be written makes Flush fail.
	_, _ = w.WriteString(begin)
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	separator := "\n"
	err := o.each(ctx, func(r site.Response) error {
		line.Reset()
		if err := enc.Encode(r.JF2()); err != nil {
			return err
		}
		_, _ = w.WriteString(separator)
		_, err := w.Write(bytes.TrimSuffix(line.Bytes(), []byte("\n")))
		separator = ",\n"
		return err
	})
	_, _ = w.WriteString("\n]}\n")
	return err
}
