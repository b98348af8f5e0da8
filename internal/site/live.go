package site

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
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

// look asks the site for the post's page: a post is live when the page shows its
// revision or its text, a deleted one when the page is gone or has none of its links.
func (j *Jobs) look(ctx context.Context, s *Site, post store.Post) (mf2.Page, liveness, error) {
	u, err := url.Parse(post.Permalink)
	if err != nil {
		return mf2.Page{}, liveness{}, queue.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, post.Permalink, nil)
	if err != nil {
		return mf2.Page{}, liveness{}, queue.Permanent(err)
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	req.Header.Set("Cache-Control", "no-cache")
	resp, err := j.Own.Do(req)
	if err != nil {
		return mf2.Page{}, liveness{}, err
	}
	defer resp.Body.Close()
	if code := resp.StatusCode; !post.Visible() && (code == http.StatusGone || code == http.StatusNotFound) {
		return mf2.Page{}, liveness{yes: true, why: resp.Status}, nil
	}
	if resp.StatusCode != http.StatusOK {
		return mf2.Page{}, liveness{why: "the page answers " + resp.Status}, nil
	}
	page, doc, err := mf2.Parse(resp.Body, resp.Header.Get("Content-Type"), u)
	if err != nil {
		return page, liveness{}, err
	}
	if !post.Visible() {
		// Where nobody can answer 410 a page without the links stands in its place.
		left := linksOn(s, page, post)
		return page, liveness{yes: len(left) == 0, answers: true, why: "the page still has its links"}, nil
	}
	if revision := metaContent(doc, publish.RevisionMeta); revision != "" {
		have, _ := strconv.Atoi(revision) // what is no number is an old page
		return page, liveness{yes: have >= post.Revision, answers: true, why: "revision " + revision}, nil
	}
	entry, _ := page.Entry()
	text, shown := letters(post.Item.Get("content")), letters(entry.Get("content"))
	yes := text != "" && strings.Contains(shown, text)
	return page, liveness{yes: yes, answers: true, why: "the page carries no revision"}, nil
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
	entry, ok := page.EntryAt(post.Permalink)
	if !ok {
		entry, _ = page.Entry()
	}
	onPage := webmention.Links(entry, base)
	var links []string
	for _, want := range webmention.Links(rendered(post), base) {
		if _, own := s.Fold(want); own && !answers(post.Item, want.String()) {
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
