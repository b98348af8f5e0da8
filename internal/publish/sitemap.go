package publish

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// What is read of a site's map: there are few sites whose pages are more.
const (
	maxMapped = 50_000 // addresses
	maxMaps   = 20     // maps that a map may name
)

// SitemapAddresses reads the addresses of a site's pages from its sitemap.xml, and from the
// maps that this names. A site without one tells nothing, which is no error.
func SitemapAddresses(client *http.Client, site string) func(context.Context) (Addresses, error) {
	return func(ctx context.Context) (Addresses, error) {
		home, err := url.Parse(site)
		if err != nil {
			return Addresses{}, err
		}
		var all Addresses
		maps := []string{home.JoinPath("sitemap.xml").String()}
		for i := 0; i < len(maps) && i <= maxMaps; i++ {
			pages, more, err := readMap(ctx, client, maps[i])
			if err != nil {
				return Addresses{}, fmt.Errorf("read %s: %w", maps[i], err)
			}
			all.URLs = append(all.URLs, pages...)
			for _, m := range more {
				if u, err := home.Parse(m); err == nil && u.Scheme == home.Scheme && u.Host == home.Host {
					maps = append(maps, u.String())
				}
			}
		}
		return all, nil
	}
}

// readMap reads one map: the pages in it, and the maps.
func readMap(ctx context.Context, client *http.Client, address string) (pages, maps []string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return nil, nil, nil
	default:
		return nil, nil, fmt.Errorf("it answers %s", resp.Status)
	}
	dec := xml.NewDecoder(resp.Body)
	dec.Strict = false
	inside := ""
	for len(pages) < maxMapped {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch start.Name.Local {
		case "url", "sitemap":
			inside = start.Name.Local
		case "loc":
			var loc string
			if err := dec.DecodeElement(&loc, &start); err != nil {
				return nil, nil, err
			}
			if loc = strings.TrimSpace(loc); inside == "url" {
				pages = append(pages, loc)
			} else if inside == "sitemap" {
				maps = append(maps, loc)
			}
		}
	}
	return pages, maps, nil
}
