package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"tertulia/internal/sanitize"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// maxName is how many characters of a name are kept.
const maxName = 200

// read makes a version of what a source says: typed, attributed, harmless.
// Spec: webmention#updating-existing-webmentions-li-2
func (j *Jobs) read(ctx context.Context, s *Site, m store.Mention, seen webmention.Verification) store.Version {
	v := store.Version{Type: "mention", URL: seen.Final.String()}
	entry, ok := seen.Page.Entry()
	if ok {
		v.Type = entry.ResponseKind(func(u string) bool { return s.means(u, m.Target) })
		if v.Type == "rsvp" {
			v.RSVP = entry.RSVP()
		}
		v.Author = seen.Page.Author(ctx, entry, j.fetchPage)
		v.URL = ownURL(entry, seen.Final)
		v.Published = parseDate(entry.Get("published"), time.UTC)
		v.Name = sanitize.Text(entry.Get("name"), maxName)
		v.Language = languageTag(entry.Get("lang"))
		v.HTML, v.Text = j.content(entry, seen.Final)
		if sameStart(v.Name, v.Text) {
			v.Name = "" // a note's implied name says its text again
		}
	}
	v.Author = harmless(v.Author, seen.Final)
	v.Digest = digest(v)
	return v
}

// means tells whether an address in a source is the page that was mentioned: the
// address as sent, or another one of the same page.
func (s *Site) means(u, target string) bool {
	if mf2.SameURL(u, target) {
		return true
	}
	a, err := url.Parse(u)
	if err != nil {
		return false
	}
	b, err := url.Parse(target)
	if err != nil {
		return false
	}
	x, ok := s.Fold(a)
	y, also := s.Fold(b)
	return ok && also && x == y
}

// linked finds a link in a source that leads to the page of a target, however it is
// spelled; "" when there is none.
func (s *Site) linked(seen webmention.Verification, target string) string {
	for u := range seen.Links() {
		if link := u.String(); s.means(link, target) {
			return link
		}
	}
	return ""
}

// ownURL is where readers are led: the entry's own address when it is on the
// host that was asked, otherwise the page that was read. What a page says about
// itself must not lend it somebody else's name (HOSTILE 36).
func ownURL(entry mf2.Item, final *url.URL) string {
	for _, u := range entry.URLs("url") {
		if at, err := url.Parse(u); err == nil && sameHost(at, final) {
			if safe := sanitize.URL(u, final); safe != "" {
				return safe
			}
		}
	}
	return final.String()
}

// content is what the entry says: its content if there is any, else its summary.
// There is HTML only where there is markup.
func (j *Jobs) content(entry mf2.Item, base *url.URL) (html, text string) {
	defer j.Parsing.Enter()()
	if raw, ok := entry.HTML("content"); ok {
		html, text = sanitize.Options{}.Read(raw, base)
		if !strings.Contains(html, "<") {
			html = ""
		}
		return html, text
	}
	for _, property := range []string{"content", "summary"} {
		if text = strings.TrimSpace(entry.Get(property)); text != "" {
			_, text = sanitize.Options{}.Read(sanitize.FromPlain(text), base)
			return "", text
		}
	}
	return "", ""
}

// languageTag is a language as browsers understand it, or "".
func languageTag(s string) string {
	tag, err := language.Parse(strings.TrimSpace(s))
	if err != nil || tag.IsRoot() {
		return ""
	}
	return tag.String()
}

// sameStart tells whether a name merely repeats how the text begins (SPECS MF-16).
func sameStart(name, text string) bool {
	squeeze := func(s string) string { return strings.Join(strings.Fields(strings.TrimSuffix(s, "…")), " ") }
	return strings.HasPrefix(squeeze(text), squeeze(name))
}

// harmless bounds what a page says about its author. Without a name the host
// stands in: never somebody else's card (SPECS MF-8).
func harmless(a mf2.Author, final *url.URL) mf2.Author {
	a.Name = sanitize.Text(a.Name, maxName)
	// No address is none, and not that of the page.
	if a.URL != "" {
		a.URL = sanitize.URL(a.URL, final)
	}
	if a.Photo != "" {
		a.Photo = sanitize.URL(a.Photo, final)
	}
	if a.Name == "" {
		a.Name = final.Host
	}
	return a
}

// digest tells two versions apart that readers would.
func digest(v store.Version) string {
	v.Person, v.Digest = "", ""
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a struct of strings and a time always encodes
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// fetchPage reads a page that an author property points to.
func (j *Jobs) fetchPage(ctx context.Context, u *url.URL) (mf2.Page, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return mf2.Page{}, err
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	req.Header.Set("Accept", "text/html")
	resp, err := j.Strangers.Do(req)
	if err != nil {
		return mf2.Page{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return mf2.Page{}, fmt.Errorf("%s answers %s", u, resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return mf2.Page{}, err
	}
	defer j.Parsing.Enter()()
	page, _, err := mf2.Parse(bytes.NewReader(body), resp.Header.Get("Content-Type"), resp.Request.URL)
	return page, err
}
