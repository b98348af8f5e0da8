package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/feeds"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

const (
	maxLists = 22      // documents that one look reads
	maxList  = 8 << 20 // bytes of each
)

// lists are the lists of a site, as a look through them has found them.
type lists struct {
	feeds []store.Feed          // those that were read
	news  []string              // feeds that have changed since they were read last
	pages map[string]listedPage // by address as it is listed; nil: nothing has changed
}

// listedPage is a page as the lists have it.
type listedPage struct {
	stamp string
	quiet bool // nobody is told that it is there, for it was before we knew
}

// readLists asks for all lists, and reads them if any has changed. It knows all or nothing:
// what is missing in half of them has not gone.
func (j *Jobs) readLists(ctx context.Context, s *Site) (found lists, err error) {
	todo, maps, err := j.roots(ctx, s)
	if err != nil {
		return found, err
	}
	known := map[string]store.Feed{}
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		clear(known)
		feeds, err := tx.Feeds()
		for _, f := range feeds {
			known[f.URL] = f
		}
		return err
	}); err != nil {
		return found, err
	}
	changed, asked := false, map[string]document{}
	for i := 0; i < len(todo) && i < maxLists; i++ {
		doc, err := j.readList(ctx, todo[i], known[todo[i]])
		if err != nil {
			return found, fmt.Errorf("read %s: %w", todo[i], err)
		}
		asked[todo[i]] = doc
		changed = changed || doc.changed
		if doc.changed && known[todo[i]].Digest != "" && !slices.Contains(maps, todo[i]) {
			found.news = append(found.news, todo[i])
		}
		found.feeds = append(found.feeds, doc.feed)
		for _, m := range doc.feed.Maps {
			if u, err := url.Parse(m); err == nil && sameHost(u, s.URL) && !slices.Contains(todo, m) {
				todo, maps = append(todo, m), append(maps, m)
			}
		}
	}
	if !changed {
		return found, nil
	}
	found.pages = map[string]listedPage{}
	for _, address := range todo[:min(len(todo), maxLists)] {
		doc := asked[address]
		if doc.unread {
			if doc, err = j.readList(ctx, address, store.Feed{URL: address}); err != nil {
				return lists{}, fmt.Errorf("read %s: %w", address, err)
			}
		}
		before := !known[address].Since.IsZero() // we may know it as the one that we write
		found.add(doc.list, known[address], before || s.grown(address, known))
	}
	return found, nil
}

// grown tells whether a map is new in an index that is known: what it lists is new as well.
func (s *Site) grown(address string, known map[string]store.Feed) bool {
	return !known[s.Watch.Sitemap].Since.IsZero() && address != s.Watch.Sitemap && address != s.Watch.Feed
}

// add takes in what one list has. An entry that is older than our first look at a feed has
// only come up from further down: the feed shows more than before, or another was deleted.
func (l *lists) add(list feeds.List, feed store.Feed, known bool) {
	for _, e := range list.Entries {
		quiet := !known || !e.Published.IsZero() && e.Published.Before(feed.Since.Add(-24*time.Hour))
		if have, ok := l.pages[e.URL]; ok {
			l.pages[e.URL] = listedPage{have.stamp + "|" + e.Stamp, quiet && have.quiet}
			continue
		}
		l.pages[e.URL] = listedPage{e.Stamp, quiet}
	}
}

// document is one list as a request has found it.
type document struct {
	feed    store.Feed
	list    feeds.List
	changed bool
	unread  bool // it is as it was before, and was not sent again
}

// readList asks for a list, if it has changed since it was read.
func (j *Jobs) readList(ctx context.Context, address string, known store.Feed) (document, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return document{}, err
	}
	if known.ETag != "" {
		req.Header.Set("If-None-Match", known.ETag)
	}
	if known.Modified != "" {
		req.Header.Set("If-Modified-Since", known.Modified)
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	resp, err := j.Own.Do(req)
	if err != nil {
		return document{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotModified && known.Digest != "" {
		return document{feed: known, unread: true}, nil
	}
	if resp.StatusCode != http.StatusOK {
		return document{}, fmt.Errorf("it answers %s", resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxList+1))
	if err == nil && len(body) > maxList {
		err = errors.New("it is too long")
	}
	if err != nil {
		return document{}, err
	}
	list, err := feeds.Read(body, resp.Header.Get("Content-Type"), resp.Request.URL)
	if err != nil {
		return document{}, err
	}
	now := store.Feed{
		URL: address, ETag: resp.Header.Get("ETag"), Modified: resp.Header.Get("Last-Modified"),
		Digest: digestOf(string(body)), Maps: list.Maps, Since: known.Since,
	}
	if now.Since.IsZero() {
		now.Since = j.DB.Now()
	}
	return document{feed: now, list: list, changed: now.Digest != known.Digest}, nil
}

// roots are the lists to begin with: those of the settings, or what the home page names.
func (j *Jobs) roots(ctx context.Context, s *Site) (all, maps []string, err error) {
	if s.Watch.Feed != "" {
		all = append(all, s.Watch.Feed)
	}
	if s.Watch.Sitemap != "" {
		all, maps = append(all, s.Watch.Sitemap), append(maps, s.Watch.Sitemap)
	}
	if len(all) > 0 {
		return all, maps, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Me(), nil)
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	resp, err := j.Own.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("read the home page: it answers %s", resp.Status)
	}
	feed, err := homeFeed(resp, s)
	if err != nil {
		return nil, nil, fmt.Errorf("read the home page: %w", err)
	}
	return []string{feed}, nil, nil
}

// homeFeed is the first feed that a home page names on its own host, or the page itself when
// it is an h-feed.
func homeFeed(resp *http.Response, s *Site) (string, error) {
	page, doc, err := mf2.Parse(resp.Body, resp.Header.Get("Content-Type"), resp.Request.URL)
	if err != nil {
		return "", err
	}
	base := baseOf(doc, resp.Request.URL)
	for n := range doc.Descendants() {
		if n.Data != "link" || !slices.Contains(strings.Fields(strings.ToLower(attr(n, "rel"))), "alternate") {
			continue
		}
		kind, _, _ := strings.Cut(strings.ToLower(attr(n, "type")), ";")
		u, err := base.Parse(strings.TrimSpace(attr(n, "href")))
		if err == nil && slices.Contains(feedTypes, strings.TrimSpace(kind)) {
			if _, own := s.Fold(u); own {
				return u.String(), nil
			}
		}
	}
	if slices.ContainsFunc(page.Items, func(it mf2.Item) bool { return it.Is("h-feed") }) {
		return resp.Request.URL.String(), nil
	}
	return "", errors.New("it names no feed: [site.watch] feed says where it is")
}

var feedTypes = []string{"application/atom+xml", "application/rss+xml", "application/feed+json"}
