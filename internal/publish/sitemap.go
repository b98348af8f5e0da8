package publish

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// What is read of a site's map: there are few sites whose pages are more.
const (
	maxMapped = 50_000 // addresses
	maxMaps   = 20     // maps that a map may name
)

// SiteAddresses reads the addresses of a site's pages from its sitemap.xml, and from the maps
// that this names; a site without one has them in the feeds that its home page links to, the
// newest ones at least. A site that has neither tells nothing, which is no error.
func SiteAddresses(client *http.Client, site string) func(context.Context) (Addresses, error) {
	return func(ctx context.Context) (Addresses, error) {
		home, err := url.Parse(site)
		if err != nil {
			return Addresses{}, err
		}
		m := mapped{client: client, home: home}
		err = m.maps(ctx)
		if err == nil && len(m.pages) == 0 {
			err = m.feeds(ctx)
		}
		if err != nil {
			return Addresses{}, err
		}
		return Addresses{URLs: m.pages}, nil
	}
}

// mapped are the addresses that a site tells of its pages.
type mapped struct {
	client *http.Client
	home   *url.URL
	pages  []string
}

// maps reads the site's map, and those that it names.
func (m *mapped) maps(ctx context.Context) error {
	todo := []string{m.home.JoinPath("sitemap.xml").String()}
	for i := 0; i < len(todo) && i <= maxMaps; i++ {
		inside := ""
		err := m.read(ctx, todo[i], func(start xml.StartElement, text func() (string, error)) error {
			switch start.Name.Local {
			case "url", "sitemap":
				inside = start.Name.Local
			case "loc":
				loc, err := text()
				if err != nil {
					return err
				}
				if inside == "url" {
					m.pages = append(m.pages, loc)
				} else if another := m.own(loc); inside == "sitemap" && another != "" {
					todo = append(todo, another)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %s: %w", todo[i], err)
		}
	}
	return nil
}

// feeds reads the entries of the site's feeds, Atom (RFC 4287) or RSS 2.0.
func (m *mapped) feeds(ctx context.Context) error {
	feeds, err := m.linked(ctx)
	if err != nil {
		return fmt.Errorf("read %s: %w", m.home, err)
	}
	for _, feed := range feeds[:min(len(feeds), maxMaps)] {
		entry := false
		err := m.read(ctx, feed, func(start xml.StartElement, text func() (string, error)) error {
			switch start.Name.Local {
			case "entry", "item":
				entry = true
			case "link":
				rel, at := "alternate", ""
				for _, a := range start.Attr {
					switch a.Name.Local {
					case "rel":
						rel = a.Value
					case "href":
						at = a.Value
					}
				}
				if at == "" {
					said, err := text()
					if err != nil {
						return err
					}
					at = said
				}
				if page := m.own(at); entry && rel == "alternate" && page != "" {
					m.pages = append(m.pages, page)
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %s: %w", feed, err)
		}
	}
	return nil
}

// linked are the feeds that the home page links to.
func (m *mapped) linked(ctx context.Context) (feeds []string, err error) {
	body, err := m.get(ctx, m.home.String())
	if err != nil || body == nil {
		return nil, err
	}
	defer body.Close()
	doc, err := html.Parse(body)
	if err != nil {
		return nil, err
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Data != "link" {
			continue
		}
		is := map[string]string{}
		for _, a := range n.Attr {
			is[a.Key] = a.Val
		}
		feed := is["type"] == "application/atom+xml" || is["type"] == "application/rss+xml"
		if at := m.own(is["href"]); feed && strings.EqualFold(is["rel"], "alternate") && at != "" && !slices.Contains(feeds, at) {
			feeds = append(feeds, at)
		}
	}
	return feeds, nil
}

// own is an address of the site, "" for another's.
func (m *mapped) own(address string) string {
	u, err := m.home.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != m.home.Scheme || u.Host != m.home.Host {
		return ""
	}
	return u.String()
}

// get asks for a page; nil without an error when it is not there.
func (m *mapped) get(ctx context.Context, address string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := m.client.Do(req)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.Body, nil
	case http.StatusNotFound, http.StatusGone:
		return nil, resp.Body.Close()
	}
	return nil, errors.Join(fmt.Errorf("it answers %s", resp.Status), resp.Body.Close())
}

// read tells of each element of an XML page; text gives what is in it.
func (m *mapped) read(ctx context.Context, address string, each func(start xml.StartElement, text func() (string, error)) error) error {
	body, err := m.get(ctx, address)
	if err != nil || body == nil {
		return err
	}
	defer body.Close()
	dec := xml.NewDecoder(body)
	dec.Strict = false
	for len(m.pages) < maxMapped {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		if err := each(start, func() (text string, err error) {
			err = dec.DecodeElement(&text, &start)
			return strings.TrimSpace(text), err
		}); err != nil {
			return err
		}
	}
	return nil
}
