package attach

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"tertulia/mf2"
)

// Post is what the page of a post shows.
type Post struct {
	Status int
	Mark   string   // the content of the meta element that was looked for, "" without one
	Entry  mf2.Item // its first entry; without a type when there is none
	text   string
}

// LookPost asks for the page of a post. mark is the name of the meta element that says
// which state of the post it shows. The error is that of a page that did not come.
func LookPost(ctx context.Context, client *http.Client, u *url.URL, mark string) (Post, error) {
	resp, err := ask(ctx, client, http.MethodGet, u)
	if err != nil {
		return Post{}, err
	}
	defer resp.Body.Close()
	p := Post{Status: resp.StatusCode}
	page, doc, err := mf2.Parse(resp.Body, resp.Header.Get("Content-Type"), u)
	if err != nil {
		return p, err
	}
	var ok bool
	if p.Entry, ok = page.EntryAt(u.String()); !ok {
		p.Entry, _ = page.Entry()
	}
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "meta" && attribute(n, "name") == mark {
			p.Mark = attribute(n, "content")
			break
		}
	}
	p.text = squeeze(text(doc))
	return p, nil
}

// Shows tells whether a text is on the page, however it is wrapped.
func (p Post) Shows(s string) bool {
	s = squeeze(s)
	return s != "" && strings.Contains(p.text, s)
}

// Prints tells whether the post on the page names an address as a property.
func (p Post) Prints(property, address string) bool {
	return slices.ContainsFunc(p.Entry.URLs(property), func(u string) bool { return mf2.SameURL(u, address) })
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
