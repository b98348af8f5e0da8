package web

import (
	"context"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// maxLevels is how deep threads are shown: below it, answers to answers stand side by
// side and say whom they answer (WIDGET.md, section 3).
const maxLevels = 4

// A conversation in somebody's page shows so many faces of a row, and so many threads of a
// list; its own page has the rest.
const (
	maxFaces   = 60
	maxThreads = 100
)

// conversationView is the conversation as a page has it inside.
func (p *pages) conversationView(ctx context.Context, page site.Page, heading int) theme.Conversation {
	v := p.wholeConversation(ctx, page, heading)
	shorten(&v)
	return v
}

// shorten leaves out what is too much for somebody's page, and says where it is.
func shorten(v *theme.Conversation) {
	v.ReplyCount, v.MentionCount = v.Count(v.Replies), v.Count(v.Mentions)
	for _, list := range []*[]theme.Response{&v.Replies, &v.Mentions} {
		if len(*list) > maxThreads {
			*list, v.More = (*list)[:maxThreads], v.URL
		}
	}
	rows := []*theme.Faces{&v.Likes, &v.Reposts, &v.Bookmarks, &v.Reactions, &v.Follows}
	for i := range v.RSVPs {
		rows = append(rows, &v.RSVPs[i].Faces)
	}
	for _, row := range rows {
		if len(row.People) > maxFaces {
			row.People, v.More = row.People[:maxFaces], v.URL
		}
	}
}

// wholeConversation groups the responses as they are shown: faces, RSVPs, replies in
// threads and in order of their dates, mentions.
func (p *pages) wholeConversation(ctx context.Context, page site.Page, heading int) theme.Conversation {
	v := theme.Conversation{
		Page: theme.Link{Name: page.Title, URL: page.URL}, URL: p.ConversationURL(page.URL),
		Endpoint: p.Endpoint("webmention"), Heading: heading, Now: time.Now(),
		Languages: p.languages(page.URL, p.Speaks(p.Language)),
	}
	for _, n := range page.Counts {
		v.Total += n // of all, those that are too many to be shown included
	}
	faces := map[string]*theme.Faces{
		"like": &v.Likes, "repost": &v.Reposts, "bookmark": &v.Bookmarks, "follow": &v.Follows, "reaction": &v.Reactions,
	}
	for typ, f := range faces {
		f.Total = page.Counts[typ]
	}
	rsvps := map[string]*theme.RSVP{}
	below := threads{}
	byDate := slices.SortedStableFunc(slices.Values(page.Responses), func(a, b site.Response) int {
		return date(a).Compare(date(b))
	})
	for _, r := range byDate {
		if r.Parent == "" {
			continue
		}
		below[r.Parent] = append(below[r.Parent], r)
		if r.Type == "reaction" {
			v.Reactions.Total-- // it stands with the reply that it answers
		}
	}
	for _, r := range byDate {
		f := faces[r.Type]
		switch {
		case r.Parent != "":
		case f != nil:
			f.People = append(f.People, excerpt(r))
		case r.Type == "rsvp":
			if rsvps[r.RSVP] == nil {
				rsvps[r.RSVP] = &theme.RSVP{Value: r.RSVP, Faces: theme.Faces{Total: page.Counts["rsvp-"+r.RSVP]}}
			}
			rsvps[r.RSVP].People = append(rsvps[r.RSVP].People, excerpt(r))
		case r.Type == "reply":
			v.Replies = append(v.Replies, below.from(r, 1))
		default:
			v.Mentions = append(v.Mentions, below.from(r, 1))
		}
	}
	for _, value := range []string{"yes", "maybe", "interested", "no"} {
		if n := page.Counts["rsvp-"+value]; rsvps[value] == nil && n > 0 {
			rsvps[value] = &theme.RSVP{Value: value, Faces: theme.Faces{Total: n}} // they are counted, and not shown
		}
		if rsvps[value] != nil {
			v.RSVPs = append(v.RSVPs, *rsvps[value])
		}
	}
	if page.More {
		v.More = p.Endpoint("api/mentions.html") + "?sort-dir=up&target=" + url.QueryEscape(page.URL) // in pages of their own
	}
	p.offerComments(ctx, &v)
	return v
}

// threads are the answers to responses, by their ids, in order of their dates.
type threads map[string][]site.Response

// from is a response on a level, from 1, with what stands below it.
func (t threads) from(r site.Response, level int) theme.Response {
	shown := excerpt(r)
	if level < maxLevels-1 {
		for _, answer := range t[r.ID] {
			shown.Replies = append(shown.Replies, t.from(answer, level+1))
		}
		return shown
	}
	// On the last level there is everything that answers an answer.
	type answer struct {
		site.Response
		to string
	}
	var all []answer
	for _, direct := range t[r.ID] {
		all = append(all, answer{direct, ""})
	}
	for i := 0; i < len(all); i++ {
		for _, next := range t[all[i].ID] {
			all = append(all, answer{next, response(all[i].Response).Called()})
		}
	}
	slices.SortStableFunc(all, func(a, b answer) int { return date(a.Response).Compare(date(b.Response)) })
	for _, one := range all {
		flat := excerpt(one.Response)
		flat.Answers = one.to
		shown.Replies = append(shown.Replies, flat)
	}
	return shown
}

// date orders responses as their readers would (TRAPS T-MF09).
func date(r site.Response) time.Time {
	if r.Published.IsZero() {
		return r.Received
	}
	return r.Published
}

// excerpt is a response as readers see it: of a long text they get the beginning, and
// the way to the rest.
func excerpt(r site.Response) theme.Response {
	shown := response(r)
	if r.Excerpt != "" {
		shown.HTML, shown.Text, shown.Shortened = "", r.Excerpt, true
	}
	return shown
}

// response is a response in full.
func response(r site.Response) theme.Response {
	if r.Comment {
		r.Source = "" // it was written here, and has come from nowhere
	}
	return theme.Response{
		ID: r.ID, Kind: r.Type, Author: theme.Person(r.Author),
		URL: r.URL, Source: r.Source, Network: network(r), Name: r.Name, HTML: template.HTML(r.HTML), Text: r.Text,
		Lang: r.Language, Published: r.Published, Edited: r.Edited, Own: r.Own,
	}
}

// networks are the names of networks by their hosts.
var networks = map[string]string{
	"bsky.app": "Bluesky", "facebook.com": "Facebook", "flickr.com": "Flickr", "github.com": "GitHub", "instagram.com": "Instagram",
	"reddit.com": "Reddit", "threads.com": "Threads", "threads.net": "Threads", "twitter.com": "Twitter", "x.com": "X",
}

// network names where a response was brought from: the network it is on, when its address or
// the bridge says which, else the bridge; "" when it comes from the web.
func network(r site.Response) string {
	if u, err := url.Parse(r.URL); err == nil && r.Bridge != "" {
		if name := networks[strings.TrimPrefix(u.Hostname(), "www.")]; name != "" {
			return name
		}
	}
	// brid.gy/comment/mastodon/@ana@SERVER/123/456
	if u, err := url.Parse(r.Source); err == nil && r.Bridge != "" && strings.Contains(u.Path, "/mastodon/") {
		return "Mastodon"
	}
	return r.Bridge
}
