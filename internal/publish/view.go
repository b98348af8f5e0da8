package publish

import (
	"cmp"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/mf2"
)

// maxHeading and maxExcerpt bound what stands for a post in titles and lists, in runes.
const (
	maxHeading = 60
	maxExcerpt = 280
)

// siteView is a site as the templates see it.
type siteView struct {
	URL, Path, Base, Name, Language, Note string
	Hub                                   string // of the feed
	Author, Photo                         string
	Me                                    []string // other addresses of the owner
	Links                                 []relLink
	Channels                              []channelView
}

type relLink struct{ Rel, URL string }

func newSite(s Site) (siteView, error) {
	u, err := url.Parse(s.URL)
	if err != nil {
		return siteView{}, err
	}
	v := siteView{URL: strings.TrimSuffix(s.URL, "/") + "/", Base: s.Base, Language: s.Language, Note: s.Author.Get("note"), Hub: s.Hub}
	v.Path = strings.TrimSuffix(u.EscapedPath(), "/") + "/"
	v.Author = cmp.Or(s.Author.Get("name"), s.Name, u.Host)
	v.Name = cmp.Or(s.Name, v.Author)
	v.Photo = first(links(u, s.Author.URLs("photo")))
	for _, me := range links(u, s.Author.URLs("url")) {
		if !mf2.SameURL(me, v.URL) {
			v.Me = append(v.Me, me)
		}
	}
	for _, rel := range slices.Sorted(maps.Keys(s.Links)) {
		v.Links = append(v.Links, relLink{rel, s.Links[rel]})
	}
	for _, c := range s.Channels {
		v.Channels = append(v.Channels, channelView{UID: c.UID, Name: cmp.Or(c.Name, c.UID), URL: v.at(c.UID + "/")})
	}
	return v, nil
}

// at is the address of a path on the site.
func (s siteView) at(path string) string { return s.URL + path }

// postView is a post as the templates see it: everything in it is text to be
// escaped, but HTML, and every URL is http or https.
type postView struct {
	Kind, URL, Revision string
	Name                string // shown as the title; empty for notes
	Heading             string // what the document is called; never empty
	HTML                template.HTML
	Summary             string // the author's own
	Excerpt             string // the beginning of the text
	Cut                 bool   // there is more than the excerpt
	Published, Updated  time.Time
	Contexts            []contextView
	RSVP, Answer        string // sentence that says it, and yes, no, maybe or interested
	Photos              []picture
	Videos, Audios      []string
	Tags                []named
	Checkin, Place      *placeView
	Start, End          when // of an event
	Copies              []string
	Conversation        string // address of the conversation's own page
	Channel             *channelView
}

type (
	picture struct {
		URL, Alt string
		Picture
	}
	named struct{ Name, URL string }

	// when is a moment as it was given, and as a time if it can be read as one.
	when struct {
		Text string
		Time time.Time
	}

	// contextView is the page that a post is an answer to, as a copy from when it was written.
	contextView struct {
		Class, Label            string // u-in-reply-to, and the sentence that introduces it
		URL, Name, Author, Text string
		Published               when
	}

	placeView struct{ Name, URL, Address, Latitude, Longitude string }
)

// stamp is a moment with the property that it fills.
type stamp struct {
	Class string
	When  when
}

// Root is the class of the element that the post is in.
func (v *postView) Root() string {
	if v.Kind == "event" {
		return "h-event"
	}
	return "h-entry"
}

// Starts hands the beginning of an event to its template.
func (v *postView) Starts() stamp { return stamp{"dt-start", v.Start} }

// Ends hands the end of an event to its template.
func (v *postView) Ends() stamp { return stamp{"dt-end", v.End} }

// Plain is the post for readers that are no browsers: its photos are addresses.
func (v *postView) Plain() *postView {
	plain := *v
	plain.Photos = slices.Clone(v.Photos)
	for i := range plain.Photos {
		plain.Photos[i].Picture = Picture{}
	}
	return &plain
}

// contexts are the properties that make a post an answer to another page.
var contexts = []struct{ property, label string }{
	{"in-reply-to", "post.reply"}, {"repost-of", "post.repost"},
	{"like-of", "post.like"}, {"bookmark-of", "post.bookmark"},
}

// kinds are what a post without a title is called.
var kinds = map[string]string{
	"article": "post.kind.article", "photo": "post.kind.photo", "video": "post.kind.video", "audio": "post.kind.audio",
	"reply": "post.kind.reply", "like": "post.kind.like", "repost": "post.kind.repost", "bookmark": "post.kind.bookmark",
	"rsvp": "post.kind.rsvp", "event": "post.kind.event", "checkin": "post.kind.checkin",
}

var answers = map[string]string{
	"yes": "post.rsvp.yes", "no": "post.rsvp.no", "maybe": "post.rsvp.maybe", "interested": "post.rsvp.interested",
}

func (p *press) views(posts []Post) []*postView {
	var all []*postView
	for _, post := range posts {
		all = append(all, p.view(post))
	}
	return all
}

// view reads what the pages show out of a post.
func (p *press) view(post Post) *postView {
	it := post.Item
	base, err := url.Parse(post.Permalink)
	if err != nil {
		base = &url.URL{}
	}
	v := &postView{
		Kind: post.Kind, URL: post.Permalink, Revision: post.Revision, HTML: template.HTML(post.HTML),
		Published: post.Published, Updated: post.Updated,
		Summary: it.Get("summary"), RSVP: answers[it.RSVP()], Answer: it.RSVP(),
		Photos: pictures(base, post), Videos: links(base, it.URLs("video")), Audios: links(base, it.URLs("audio")),
		Tags: tags(base, it), Copies: links(base, post.Syndication),
		Checkin: place(base, it, "checkin"), Place: place(base, it, "location"),
		Start: moment(it.Get("start")), End: moment(it.Get("end")),
		Conversation: p.site.Base + "conversation?url=" + url.QueryEscape(post.Permalink),
	}
	v.Channel = p.site.channel(post.Channel)
	if v.Updated.Equal(v.Published) {
		v.Updated = time.Time{}
	}
	if post.Kind != "note" {
		v.Name = strings.TrimSpace(it.Get("name"))
	}
	text := plainText(post.HTML)
	v.Excerpt, v.Cut = shorten(cmp.Or(v.Summary, text), maxExcerpt)
	v.Cut = v.Cut || v.Summary != "" && text != ""
	v.Contexts = p.contexts(base, it)
	v.Heading = p.heading(v, cmp.Or(text, v.Summary))
	return v
}

// heading is what a post is called where it must be called something.
func (p *press) heading(v *postView, text string) string {
	if title, _ := shorten(cmp.Or(v.Name, text), maxHeading); title != "" {
		return title
	}
	title := p.say.T(cmp.Or(kinds[v.Kind], "post.kind.note"))
	switch {
	case len(v.Contexts) > 0:
		return title + ": " + cmp.Or(v.Contexts[0].Name, shortURL(v.Contexts[0].URL))
	case v.Published.IsZero():
		return title
	}
	return title + ", " + p.say.Day(v.Published)
}

// contexts are the pages that the post answers, with what is known about them.
// Spec: reply-context (MF-15)
func (p *press) contexts(base *url.URL, it mf2.Item) []contextView {
	var all []contextView
	for _, c := range contexts {
		for _, v := range it.Properties[c.property] {
			one := mf2.Item{Properties: map[string][]any{c.property: {v}}}
			view := contextView{Class: "u-" + c.property, Label: p.say.T(c.label), URL: first(links(base, one.URLs(c.property)))}
			if cite, ok := mf2.AsItem(v); ok {
				view.Name = cite.Get("name")
				view.Author = cite.Get("author")
				view.Published = moment(cite.Get("published"))
				view.Text, _ = shorten(cmp.Or(cite.Get("summary"), cite.Get("content")), maxExcerpt)
				if strings.HasPrefix(view.Text, strings.TrimSuffix(view.Name, "…")) {
					view.Name = ""
				}
			}
			if view.URL != "" {
				all = append(all, view)
			}
		}
	}
	return all
}

// pictures are the post's photos with their descriptions.
func pictures(base *url.URL, post Post) []picture {
	var all []picture
	for _, v := range post.Item.Properties["photo"] {
		one := mf2.Item{Properties: map[string][]any{"photo": {v}}}
		alt := ""
		if m, ok := v.(map[string]any); ok {
			alt, _ = m["alt"].(string)
		}
		if u := first(links(base, one.URLs("photo"))); u != "" {
			all = append(all, picture{u, alt, post.Pictures[u]})
		}
	}
	return all
}

// tags are the categories: words, and people or places with an address.
func tags(base *url.URL, it mf2.Item) []named {
	var all []named
	for _, v := range it.Properties["category"] {
		one := mf2.Item{Properties: map[string][]any{"category": {v}}}
		tag := named{Name: strings.TrimSpace(one.Get("category"))}
		if _, nested := mf2.AsItem(v); nested || link(nil, tag.Name) != "" {
			tag.URL = first(links(base, one.URLs("category")))
		}
		if tag.Name != "" {
			all = append(all, tag)
		}
	}
	return all
}

// place reads a location, which is a card, an address, coordinates, a geo: URI or
// just a name.
func place(base *url.URL, it mf2.Item, property string) *placeView {
	for _, v := range it.Properties[property] {
		one := mf2.Item{Properties: map[string][]any{property: {v}}}
		text := one.Get(property)
		if rest, ok := strings.CutPrefix(text, "geo:"); ok {
			rest, _, _ = strings.Cut(rest, ";")
			latitude, longitude, _ := strings.Cut(rest, ",")
			longitude, _, _ = strings.Cut(longitude, ",")
			return &placeView{Latitude: latitude, Longitude: longitude}
		}
		card, ok := mf2.AsItem(v)
		if !ok {
			if text == "" {
				continue
			}
			return &placeView{Name: text, URL: link(base, text)}
		}
		p := &placeView{Name: card.Get("name"), URL: first(links(base, card.URLs("url"))),
			Latitude: card.Get("latitude"), Longitude: card.Get("longitude")}
		var address []string
		for _, part := range []string{"street-address", "postal-code", "locality", "region", "country-name"} {
			address = append(address, card.Strings(part)...)
		}
		p.Address = strings.Join(address, ", ")
		if *p != (placeView{}) {
			return p
		}
	}
	return nil
}

// moment reads a date or a time, in the forms that microformats allow.
func moment(s string) when {
	s = strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00",
		"2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return when{s, t}
		}
	}
	return when{Text: s}
}
