package site

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// How many characters of a name, and of the summary of a long text, are kept.
const (
	maxName    = 200
	maxSummary = 500
)

// Of what a post says it answers no more is kept than anybody means.
const (
	maxAnswers = 8
	maxAddress = 2048 // bytes
)

// read makes a version of what a source says: typed, attributed, harmless. The entry is
// what it was made from, as it came; false when the page has none.
// Spec: webmention#updating-existing-webmentions-li-2
func (j *Jobs) read(ctx context.Context, s *Site, m store.Mention, seen webmention.Verification, home *profiles) (v store.Version, entry mf2.Item, ok bool) {
	unread := false
	v = store.Version{Type: "mention", URL: seen.Final.String()}
	if entry, ok = seen.Page.Entry(); ok {
		v.Type = entry.ResponseKind(func(u string) bool { return s.means(u, m.Target) })
		if v.Type == "rsvp" {
			v.RSVP = entry.RSVP()
		}
		v.Author, unread = authorOf(ctx, home, seen, entry)
		v.URL, v.Bridge = ownURL(entry, seen.Final)
		v.InReplyTo = s.answered(entry, m.Target, seen.Final)
		v.Published = parseDate(entry.Get("published"), time.UTC)
		v.Name = sanitize.Text(entry.Get("name"), maxName)
		v.Language = languageTag(entry.Get("lang"))
		v.HTML, v.Text = j.content(entry, seen.Final)
		if len(v.Text) > longText && entry.Get("content") != "" {
			v.Summary = sanitize.Text(entry.Get("summary"), maxSummary)
		}
		if v.Type == "reaction" && v.Text == "" {
			v.Text = v.Name // what there is besides the link is implied to be the name
		}
		if v.Type == "tag" && v.Text == "" {
			v.Name = sanitize.Text("#"+strings.Join(entry.Strings("category"), " #"), maxName)
		}
		if sameStart(v.Name, v.Text) {
			v.Name = "" // a note's implied name says its text again
		}
	} else if card, found := seen.Page.RepresentativeCard(); found {
		v.Author = mf2.AuthorOf(card) // the page is no post, but about somebody
	}
	v.Author = harmless(v.Author, seen.Final)
	if before := m.Shown; unread && before != nil && before.Author.URL == v.Author.URL {
		v.Author = before.Author // that their page is down is nothing that they say (TRAPS T-WR11)
	}
	v.Digest = digest(v)
	return v, entry, ok
}

// authorOf finds who wrote an entry, with at most one look at another page; unread when
// that one could not be had.
func authorOf(ctx context.Context, home *profiles, seen webmention.Verification, entry mf2.Item) (author mf2.Author, unread bool) {
	author = seen.Page.Author(ctx, entry, func(ctx context.Context, u *url.URL) (mf2.Page, error) {
		page, err := home.read(ctx, u)
		if unread = err != nil; err == nil && page.Status != http.StatusOK {
			err = fmt.Errorf("%s answers %d", u, page.Status)
		}
		return page.Page, err
	})
	return author, unread
}

// answered is what an entry says it replies to, besides the page that was mentioned: a
// comment on it, by the address that this has elsewhere or by the anchor that it has here.
// Spec: mf2#MF-14
func (s *Site) answered(entry mf2.Item, target string, base *url.URL) (addresses []string) {
	for _, u := range entry.URLs("in-reply-to") {
		safe := sanitize.URL(u, base)
		if safe == "" || len(safe) > maxAddress || anchored(safe) == "" && s.means(safe, target) {
			continue
		}
		if addresses = append(addresses, safe); len(addresses) == maxAnswers {
			break
		}
	}
	return addresses
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

// ownURL is where readers are led: the entry's own address when it is on the host that
// was asked, or when that is a bridge, on the network that it comes from; then bridge is
// the host that has brought it. Otherwise it is the page that was read. What a page says
// about itself must not lend it somebody else's name (HOSTILE 36, TRAPS T-WR28).
func ownURL(entry mf2.Item, final *url.URL) (own, bridge string) {
	for _, u := range entry.URLs("url") {
		at, err := url.Parse(u)
		if err != nil {
			continue
		}
		safe := sanitize.URL(u, final)
		switch {
		case safe == "":
		case bridged(final, at):
			return safe, hostName(final)
		case sameHost(at, final):
			own = cmp.Or(own, safe) // of a bridge's, only when there is no other
		}
	}
	return cmp.Or(own, final.String()), ""
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

// digest tells two versions apart that readers would. Where the author's picture lies is no
// part of it: readers see our copy, and networks move theirs every few days.
func digest(v store.Version) string {
	v.Person, v.Digest, v.Author.Photo = "", "", ""
	v.InReplyTo, v.Edited = nil, time.Time{} // where it stands, and since when, is not what it says
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a struct of strings and a time always encodes
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}
