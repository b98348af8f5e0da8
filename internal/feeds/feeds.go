// Package feeds reads which pages a site lists: in Atom and RSS feeds, JSON Feed, h-feed
// and sitemaps.
//
//	list, err := feeds.Read(body, resp.Header.Get("Content-Type"), resp.Request.URL)
//	for _, e := range list.Entries { … e.URL, e.Stamp … }
//
// It reads no more than where the pages are and whether an entry has changed: what a page
// says, the page says best. It follows RFC 4287, RSS 2.0, JSON Feed 1.1, sitemaps.org and
// microformats.org/wiki/h-feed, and takes what others make of them.
package feeds

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/html/charset"

	"tertulia/mf2"
)

// ErrNone is the error for a document that is no list of pages.
var ErrNone = errors.New("it is no feed and no sitemap")

// MaxEntries is how many pages of one list are read: as many as one sitemap may have.
const MaxEntries = 50_000

// List is what a document lists.
type List struct {
	Entries []Entry  // in its order, each address once
	Maps    []string // the sitemaps that a sitemap index names, absolute
}

// Entry is one page of a list.
type Entry struct {
	URL       string    // absolute
	Stamp     string    // another one when the entry has changed; "": it does not tell
	Published time.Time // when its feed says that it was published; zero: it does not tell
}

// Read reads a document that came from base. Entries without an address are left out. The
// error wraps [ErrNone], or says what is wrong with the document: of a broken one nothing is
// read, for half a list looks like one from which pages have gone.
func Read(body []byte, contentType string, base *url.URL) (List, error) {
	l := lister{base: base, seen: map[string]bool{}}
	start := bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n")
	var err error
	switch {
	case bytes.HasPrefix(start, []byte("{")):
		err = l.json(start)
	case slices.Contains(roots, rootOf(start)): // whatever it is said to be
		err = l.xml(start)
	case strings.Contains(contentType, "html") || contentType == "":
		err = l.hfeed(body, contentType)
	default:
		err = ErrNone
	}
	if err != nil {
		return List{}, err
	}
	return l.list, nil
}

type lister struct {
	base *url.URL
	seen map[string]bool
	list List
}

// add notes a page; a relative address is relative to where the document says.
func (l *lister) add(base *url.URL, address, stamp, published string) {
	u, err := base.Parse(strings.TrimSpace(address))
	if err != nil || strings.TrimSpace(address) == "" || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return
	}
	u.Fragment, u.RawFragment = "", ""
	if at := u.String(); !l.seen[at] && len(l.list.Entries) < MaxEntries {
		l.seen[at] = true
		l.list.Entries = append(l.list.Entries, Entry{at, stamp, date(published)})
	}
}

// jsonFeed is JSON Feed as far as it is of use.
type jsonFeed struct {
	Version string `json:"version"`
	Items   []json.RawMessage
}

func (l *lister) json(body []byte) error {
	var feed jsonFeed
	if err := json.Unmarshal(body, &feed); err != nil {
		return fmt.Errorf("read the JSON feed: %w", err)
	}
	if !strings.Contains(feed.Version, "jsonfeed.org") {
		return ErrNone
	}
	for _, raw := range feed.Items {
		var item struct {
			ID  any    `json:"id"`
			URL string `json:"url"`
			At  string `json:"date_published"`
		}
		if json.Unmarshal(raw, &item) != nil {
			continue
		}
		id, _ := item.ID.(string)
		if u, err := url.Parse(id); err != nil || !u.IsAbs() {
			id = ""
		}
		l.add(l.base, cmp.Or(item.URL, id), digest(raw), item.At)
	}
	return nil
}

// hfeed reads the posts of a page: those in its h-feed, else those at its top.
func (l *lister) hfeed(body []byte, contentType string) error {
	page, _, err := mf2.Parse(bytes.NewReader(body), contentType, l.base)
	if err != nil {
		return err
	}
	if page.Cut {
		return errors.New("the page is too long")
	}
	posts := page.Items
	if i := slices.IndexFunc(page.Items, func(it mf2.Item) bool { return it.Is("h-feed") }); i >= 0 {
		posts = page.Items[i].Children
	} else if !slices.ContainsFunc(posts, func(it mf2.Item) bool { return it.Is("h-entry") }) {
		return ErrNone
	}
	for _, post := range posts {
		if urls := post.URLs("url"); post.Is("h-entry") && len(urls) > 0 {
			raw, err := json.Marshal(post.Value())
			if err != nil {
				return err
			}
			l.add(l.base, urls[0], digest(raw), post.Get("published"))
		}
	}
	return nil
}

// roots are the elements that feeds and sitemaps are made of.
var roots = []string{"feed", "rss", "RDF", "urlset", "sitemapindex"}

// rootOf is the name of the outermost element; "" when there is none.
func rootOf(body []byte) string {
	dec := newDecoder(body)
	for {
		token, err := dec.Token()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}

func newDecoder(body []byte) *xml.Decoder {
	dec := xml.NewDecoder(bytes.NewReader(body))
	dec.Strict, dec.CharsetReader = false, charset.NewReaderLabel
	return dec
}

// xml reads an Atom or RSS feed, or a sitemap, element by element.
func (l *lister) xml(body []byte) error {
	dec, root := newDecoder(body), ""
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) && root != "" {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the %s: %w", root, err)
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		name := start.Name.Local
		if root == "" {
			root = name
			continue
		}
		switch name {
		case "entry", "item", "url", "sitemap":
			var e element
			if err := dec.DecodeElement(&e, &start); err != nil {
				return fmt.Errorf("read the %s: %w", root, err)
			}
			l.entry(root, e)
		}
	}
}

// element is an entry of any of the four, with all that is in it.
type element struct {
	Base  string `xml:"http://www.w3.org/XML/1998/namespace base,attr"`
	About string `xml:"about,attr"`
	Inner []byte `xml:",innerxml"`
	Links []struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
		Href string `xml:"href,attr"`
		Text string `xml:",chardata"`
	} `xml:"link"`
	ID   string `xml:"id"`
	GUID struct {
		Permalink string `xml:"isPermaLink,attr"`
		Text      string `xml:",chardata"`
	} `xml:"guid"`
	Published string `xml:"published"`
	PubDate   string `xml:"pubDate"`
	Date      string `xml:"http://purl.org/dc/elements/1.1/ date"`
	Loc       string `xml:"loc"`
	Lastmod   string `xml:"lastmod"`
}

func (l *lister) entry(root string, e element) {
	switch root {
	case "sitemapindex":
		if u, err := l.base.Parse(strings.TrimSpace(e.Loc)); err == nil && u.Host != "" {
			l.list.Maps = append(l.list.Maps, u.String())
		}
		return
	case "urlset":
		l.add(l.base, e.Loc, strings.TrimSpace(e.Lastmod), "")
		return
	}
	base := l.base
	if u, err := base.Parse(e.Base); err == nil {
		base = u
	}
	l.add(base, e.address(), digest(e.Inner), cmp.Or(e.Published, e.PubDate, e.Date))
}

// address is where the page of a feed's entry is.
func (e element) address() string {
	other := ""
	for _, link := range e.Links {
		to := strings.TrimSpace(cmp.Or(link.Href, link.Text))
		switch {
		case to == "" || link.Rel != "" && link.Rel != "alternate":
		case link.Type == "" || strings.Contains(link.Type, "html"):
			return to
		case other == "":
			other = to
		}
	}
	for _, id := range []string{other, e.GUID.Text, e.ID, e.About} {
		id = strings.TrimSpace(id)
		if id == strings.TrimSpace(e.GUID.Text) && strings.EqualFold(e.GUID.Permalink, "false") {
			continue
		}
		if strings.HasPrefix(id, "http://") || strings.HasPrefix(id, "https://") {
			return id
		}
	}
	return ""
}

// dates are how feeds write them.
var dates = []string{time.RFC3339, time.RFC1123Z, time.RFC1123, "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly}

func date(s string) time.Time {
	for _, layout := range dates {
		if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
			return t
		}
	}
	return time.Time{}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
