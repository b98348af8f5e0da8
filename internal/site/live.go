package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/html"

	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// liveness is what a look at a page tells.
type liveness struct {
	yes     bool
	answers bool // the page is there, whatever it says
	why     string
}

// ownPage asks the site for a post's page. Without an error status is the answer's, and the
// page was read where that is 200.
func (j *Jobs) ownPage(ctx context.Context, permalink string) (page mf2.Page, doc *html.Node, status int, err error) {
	u, err := url.Parse(permalink)
	if err != nil {
		return page, nil, 0, queue.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, permalink, nil)
	if err != nil {
		return page, nil, 0, queue.Permanent(err)
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	req.Header.Set("Cache-Control", "no-cache")
	resp, err := j.Own.Do(req)
	if err != nil {
		return page, nil, 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		page, doc, err = mf2.Parse(resp.Body, resp.Header.Get("Content-Type"), u)
	}
	return page, doc, resp.StatusCode, err
}

// look asks the site for the post's page. A post is live when the page shows its revision;
// without a marker for that, when it shows what the post says and is not as it was before
// (a build that was asked for elsewhere is not over when that was taken note of). A deleted
// one is when its page is gone, or says something else and has none of its links.
func (j *Jobs) look(ctx context.Context, s *Site, post store.Post) (mf2.Page, liveness, error) {
	page, doc, status, err := j.ownPage(ctx, post.Permalink)
	switch {
	case err != nil:
		return page, liveness{}, err
	case !post.Visible() && (status == http.StatusGone || status == http.StatusNotFound):
		return page, liveness{yes: true, why: answered(status)}, nil
	case status != http.StatusOK:
		return page, liveness{why: "the page answers " + answered(status)}, nil
	}
	entry := entryOn(page, post.Permalink)
	live := liveness{answers: true}
	if revision := metaContent(doc, publish.RevisionMeta); revision != "" {
		have, _ := strconv.Atoi(revision) // what is no number is an old page
		live.yes, live.why = have >= post.Revision, "revision "+revision
		return page, live, nil
	}
	switch shows, left := shows(entry, post), linksOn(s, page, post); {
	case !post.Visible() && len(left) > 0:
		live.why = "the page still has its links"
	case !post.Visible() && shows:
		live.why = "the page still says what it said"
	case post.Visible() && !shows && !slices.ContainsFunc(left, func(l string) bool { return answers(post.Item, l) }):
		live.why = "the page carries no revision, and not this text"
	case post.Seen == pageDigest(entry):
		live.why = "the page says what it said before"
	default:
		live.yes, live.why = true, "the page carries no revision"
	}
	return page, live, nil
}

func answered(status int) string { return strconv.Itoa(status) + " " + http.StatusText(status) }

// entryOn is the post on its page.
func entryOn(page mf2.Page, permalink string) mf2.Item {
	entry, ok := page.EntryAt(permalink)
	if !ok {
		entry, _ = page.Entry()
	}
	return entry
}

// shows tells whether a page says what a post does: its text, or without one its name.
func shows(entry mf2.Item, post store.Post) bool {
	for _, property := range []string{"content", "summary", "name"} {
		if text := letters(post.Item.Get(property)); text != "" {
			return strings.Contains(letters(entry.Get("content")), text) || strings.Contains(letters(entry.Get(property)), text)
		}
	}
	return false
}

// heard are properties of a page that others add to.
var heard = []string{"comment", "like", "repost", "bookmark", "mention"}

// pageDigest is what a post's page says of it, in a short text: what others say under it left
// out, and whatever else is on the page.
func pageDigest(entry mf2.Item) string {
	said := map[string]any{"content": letters(entry.Get("content"))}
	for property := range entry.Properties {
		if property != "content" && !slices.Contains(heard, property) {
			said[property] = entry.Properties[property]
		}
	}
	if html, ok := entry.HTML("content"); ok {
		said["links"] = hrefs.FindAllString(html, -1)
	}
	raw, err := json.Marshal(said)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:12])
}

// hrefs are the addresses in the markup of a text.
var hrefs = regexp.MustCompile(`\b(?:href|src)=("[^"]*"|'[^']*')`)

// seenBefore is a digest of what the page of a post says now, before the next revision is
// written; what was seen last where the page cannot be read.
func (j *Jobs) seenBefore(ctx context.Context, post store.Post) string {
	if post.Published == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	page, _, status, err := j.ownPage(ctx, post.Permalink)
	switch {
	case err != nil || status >= 500:
		return post.Seen
	case status != http.StatusOK:
		return ""
	}
	return pageDigest(entryOn(page, post.Permalink))
}

// markup is what a generator makes of Markdown and HTML no text of: the addresses of links
// and pictures, and tags.
var markup = regexp.MustCompile(`\]\([^)]*\)|<[^>]*>|\bhttps?://\S+`)

// letters is a text as it can be found again on a page: letters and digits alone, for a
// generator makes typography of the rest.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, markup.ReplaceAllString(s, " "))
}

func metaContent(doc *html.Node, name string) string {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "meta" && attr(n, "name") == name {
			return attr(n, "content")
		}
	}
	return ""
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val
		}
	}
	return ""
}

// linksOn lists the post's links that a page really has, in the post's order. A
// link from one page of the site to another is not news to anybody, except when it
// is an answer (TRAPS T-WS14).
func linksOn(s *Site, page mf2.Page, post store.Post) []string {
	base, err := url.Parse(post.Permalink)
	if err != nil {
		return nil
	}
	onPage := webmention.Links(entryOn(page, post.Permalink), base)
	var links []string
	for _, want := range webmention.Links(rendered(post), base) {
		if _, own := s.Fold(want); own && !answers(post.Item, want.String()) || s.isComment(want) {
			continue
		}
		if slices.ContainsFunc(onPage, func(u *url.URL) bool { return mf2.SameURL(u.String(), want.String()) }) {
			links = append(links, want.String())
		}
	}
	return links
}

// responses are the properties with which a post answers another page.
var responses = []string{"in-reply-to", "like-of", "repost-of", "bookmark-of"}

// answers tells whether a post is an answer to an address.
func answers(item mf2.Item, address string) bool {
	for _, property := range responses {
		if slices.ContainsFunc(item.URLs(property), func(u string) bool { return mf2.SameURL(u, address) }) {
			return true
		}
	}
	return false
}

// rendered is the post with its content as readers get it.
func rendered(post store.Post) mf2.Item {
	item := post.Item.Clone()
	if html := postHTML(post.Item, post.Permalink); html != "" {
		item.Properties["content"] = []any{map[string]any{"html": html, "value": post.Item.Get("content")}}
	}
	return item
}
