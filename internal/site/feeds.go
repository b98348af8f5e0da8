package site

import (
	"cmp"
	"strconv"
	"time"

	"tertulia/internal/atom"
	"tertulia/mf2"
)

// What is public as feeds for readers and as microformats. None of them depends on when it
// is asked for: the same mentions always make the same bytes.

// mentionsName is what the feeds of the API are called. The word is the same in every language.
const mentionsName = "Webmentions"

// Atom is the answer as an Atom feed; self is the address that it was asked for at.
// Spec: rfc4287#section-4.1.1
func (s *Site) Atom(f Found, self string) ([]byte, error) {
	feed := atom.Feed{
		Lang: s.Language, ID: self, Title: mentionsName + " · " + s.URL.Host, Generator: "Tertulia",
		Links: []atom.Link{{Rel: "self", Type: atom.Media, Href: self}, {Rel: "alternate", Type: "text/html", Href: s.Me()}},
	}
	newest := time.Unix(0, 0)
	for _, r := range f.Responses {
		if at := r.updated(); at.After(newest) {
			newest = at
		}
		feed.Entries = append(feed.Entries, s.atomEntry(r))
	}
	feed.Updated = atom.Time(newest.UTC())
	return feed.Encode()
}

func (s *Site) atomEntry(r Response) atom.Entry {
	said := r.JF2()
	e := atom.Entry{
		ID: s.Endpoint("webmention/" + r.ID), Title: s.titleOf(r), Updated: atom.Time(r.updated().UTC()),
		Author:    &atom.Person{Name: s.called(r), URI: r.Author.URL},
		Links:     []atom.Link{{Rel: "alternate", Href: said.URL}, {Rel: "via", Href: said.WMSource}, {Rel: "related", Href: r.Target}},
		InReplyTo: &atom.Reply{Ref: r.Target, Href: r.Target},
	}
	if said.Published != nil {
		e.Published = *said.Published
	}
	if r.Text != "" {
		e.Lang, e.Content = r.Language, &atom.Content{Type: "html", Text: r.HTML}
	}
	return e
}

// updated is since when readers see of a response what they see.
// Spec: rfc4287#section-4.2.15
func (r Response) updated() time.Time {
	if r.Edited.After(r.Received) {
		return r.Edited
	}
	return r.Received
}

// called is who a response is by: the name, else the host of the source.
func (s *Site) called(r Response) string {
	return cmp.Or(r.Author.Name, r.Host, s.Speaks(s.Language).T("conversation.someone"))
}

// titleOf is a line that says what a response is: its own title, else who did what to which page.
func (s *Site) titleOf(r Response) string {
	if r.Name != "" {
		return r.Name
	}
	return s.called(r) + ": " + s.Speaks(s.Language).T("kind."+r.Type) + " " + r.Target
}

// JSONFeed is the answer as a JSON Feed 1.1, which carries what is ours in _webmention; self is
// the address that it was asked for at.
func (s *Site) JSONFeed(f Found, self string) JSONFeed {
	feed := JSONFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: mentionsName + " · " + s.URL.Host, HomePageURL: s.Me(),
		FeedURL: self, Language: s.Language, Items: []JSONItem{},
	}
	for _, r := range f.Responses {
		e := r.JF2()
		item := JSONItem{
			ID: s.Endpoint("webmention/" + r.ID), URL: e.URL, Title: s.titleOf(r), ContentText: r.Text, Published: e.Published, Language: r.Language,
			Authors:    []JSONAuthor{{Name: s.called(r), URL: r.Author.URL, Avatar: r.Author.Photo}},
			Webmention: JSONWebmention{e.WMID, e.WMReceived, e.WMSource, e.WMTarget, e.WMProperty, e.RSVP},
		}
		if r.Edited.After(r.Received) {
			item.Modified = r.Edited.UTC().Format(time.RFC3339)
		}
		switch {
		case e.Content == nil:
			item.ContentText = item.Title // one of the two must be there
		case e.Content.HTML != "":
			item.ContentHTML, item.ContentText = e.Content.HTML, ""
		}
		feed.Items = append(feed.Items, item)
	}
	return feed
}

// JSONFeed is a JSON Feed 1.1.
type JSONFeed struct {
	Version     string     `json:"version"`
	Title       string     `json:"title"`
	HomePageURL string     `json:"home_page_url"`
	FeedURL     string     `json:"feed_url"`
	Language    string     `json:"language,omitempty"`
	Items       []JSONItem `json:"items"`
}

// JSONItem is one mention of a JSON Feed.
type JSONItem struct {
	ID          string         `json:"id"`
	URL         string         `json:"url"`
	Title       string         `json:"title"`
	ContentHTML string         `json:"content_html,omitempty"`
	ContentText string         `json:"content_text,omitempty"`
	Published   *string        `json:"date_published,omitempty"`
	Modified    string         `json:"date_modified,omitempty"` // when it was last edited
	Authors     []JSONAuthor   `json:"authors"`
	Language    string         `json:"language,omitempty"`
	Webmention  JSONWebmention `json:"_webmention"`
}

// JSONAuthor is an author of a JSON Feed.
type JSONAuthor struct {
	Name   string `json:"name"`
	URL    string `json:"url,omitempty"`
	Avatar string `json:"avatar,omitempty"`
}

// JSONWebmention is what JSON Feed has no names for, named as in JF2 without wm-.
type JSONWebmention struct {
	ID       uint64 `json:"id"`
	Received string `json:"received"`
	Source   string `json:"source"`
	Target   string `json:"target"`
	Property string `json:"property"`
	RSVP     string `json:"rsvp,omitempty"`
}

// Microformats is the answer as the JSON of parsed microformats: an h-feed of h-cites.
type Microformats struct {
	Items   []mf2.Item          `json:"items"`
	Rels    map[string][]string `json:"rels"`
	RelURLs map[string]any      `json:"rel-urls"`
}

// Microformats is the answer as parsed microformats.
func (f Found) Microformats() Microformats {
	feed := mf2.Item{Type: []string{"h-feed"}, Properties: map[string][]any{"name": {mentionsName}}}
	for _, r := range f.Responses {
		feed.Children = append(feed.Children, r.cite())
	}
	return Microformats{Items: []mf2.Item{feed}, Rels: map[string][]string{}, RelURLs: map[string]any{}}
}

func (r Response) cite() mf2.Item {
	e := r.JF2()
	it := mf2.Item{Type: []string{"h-cite"}, Properties: map[string][]any{}}
	set := func(name string, value string) {
		if value != "" {
			it.Properties[name] = []any{value}
		}
	}
	author := mf2.Item{Type: []string{"h-card"}, Properties: map[string][]any{}}
	for name, value := range map[string]string{"name": cmp.Or(r.Author.Name, r.Host), "url": r.Author.URL, "photo": r.Author.Photo} {
		if value != "" {
			author.Properties[name] = []any{value}
		}
	}
	it.Properties["author"] = []any{author}
	it.Properties["wm-id"] = []any{strconv.FormatUint(r.Number, 10)}
	for name, value := range map[string]string{
		"url": e.URL, "name": e.Name, "rsvp": e.RSVP, "in-reply-to": e.InReplyTo, "like-of": e.LikeOf, "repost-of": e.RepostOf, "bookmark-of": e.BookmarkOf,
		"mention-of": e.MentionOf, "wm-received": e.WMReceived, "wm-source": e.WMSource, "wm-target": e.WMTarget, "wm-property": e.WMProperty,
	} {
		set(name, value)
	}
	if e.Published != nil {
		set("published", *e.Published)
	}
	if e.Content != nil {
		it.Properties["content"] = []any{map[string]any{"html": r.HTML, "value": r.Text}}
	}
	return it
}
