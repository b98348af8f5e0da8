package mf2

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// responses are the properties that make a post an answer to another page, in the
// order in which they decide. A page that is several of them at once is the first:
// a repost that says it likes and replies is a repost.
//
// Spec: ptd#MF-11
var responses = []struct{ property, kind string }{
	{"repost-of", "repost"},
	{"like-of", "like"},
	{"in-reply-to", "reply"},
	{"bookmark-of", "bookmark"},
}

// answers are the responses and what else a post can be to a page of ours.
var answers = append(slices.Clone(responses), []struct{ property, kind string }{
	{"follow-of", "follow"},
	{"tag-of", "tag"},
}...)

// presences are the properties whose mere presence makes a post what it is. They
// are asked after the responses, in this order.
var presences = []struct{ property, kind string }{
	{"follow-of", "follow"},
	{"checkin", "checkin"},
	{"listen-of", "listen"},
	{"watch-of", "watch"},
	{"read-of", "read"},
	{"video", "video"},
	{"audio", "audio"},
	{"photo", "photo"},
}

// RSVP returns the answer to an invitation: "yes", "no", "maybe" or "interested",
// however it was spelled, and "" for anything else.
func (it Item) RSVP() string {
	answer := strings.ToLower(strings.TrimSpace(it.Get("rsvp")))
	switch answer {
	case "yes", "no", "maybe", "interested":
		return answer
	}
	return ""
}

// Kind returns what kind of post the item is, by post type discovery and the
// practice around it. The first that fits, of: event, review, recipe (by type),
// rsvp, repost, like, reply, bookmark (by an http or https address), follow,
// checkin, listen, watch, read, video, audio, photo (by presence), article, note.
//
// An article is a post with a name that is not merely how its content begins.
// Content may be a string or an object; an empty name is no name.
//
// Spec: ptd#MF-10, ptd#MF-12, ptd#MF-13
func (it Item) Kind() string {
	for _, typ := range []string{"event", "review", "recipe"} {
		if it.Is("h-" + typ) {
			return typ
		}
	}
	if it.RSVP() != "" {
		return "rsvp"
	}
	for _, r := range responses {
		if slices.ContainsFunc(it.URLs(r.property), isWeb) {
			return r.kind
		}
	}
	for _, p := range presences {
		if slices.ContainsFunc(it.Properties[p.property], present) {
			return p.kind
		}
	}
	content := cmp.Or(it.firstText("content"), it.firstText("summary"))
	name := it.firstText("name")
	if content == "" || name == "" || strings.HasPrefix(content, name) {
		return "note"
	}
	return "article"
}

// ResponseKind returns what the item is to one of our pages: the first that fits of
// rsvp, repost, like, reply, bookmark, follow, tag, and otherwise mention. A property
// counts only when one of its values, plain or an h-cite, is a URL that isTarget accepts.
//
// An rsvp is a reply to the target with an answer that [Item.RSVP] knows; with any
// other answer it is a reply. A reply that says nothing but one emoji is a reaction.
//
// Spec: ptd#MF-11
func (it Item) ResponseKind(isTarget func(url string) bool) string {
	if isTarget == nil {
		return "mention"
	}
	if it.RSVP() != "" && slices.ContainsFunc(it.URLs("in-reply-to"), isTarget) {
		return "rsvp"
	}
	for _, a := range answers {
		if !slices.ContainsFunc(it.URLs(a.property), isTarget) {
			continue
		}
		if a.kind == "reply" && IsEmoji(it.says()) {
			return "reaction"
		}
		return a.kind
	}
	return "mention"
}

// says returns the text of a post: its content, else its summary, else its name.
func (it Item) says() string {
	return cmp.Or(it.firstText("content"), it.firstText("summary"), it.firstText("name"))
}

// firstText returns the property's first text that is not empty, its white space
// collapsed.
func (it Item) firstText(name string) string {
	for _, s := range it.Strings(name) {
		if s = strings.Join(strings.Fields(s), " "); s != "" {
			return s
		}
	}
	return ""
}

// present reports whether a value says anything at all.
func present(v any) bool {
	_, nested := AsItem(v)
	return nested || text(v, maxDepth) != ""
}

// isWeb reports whether s is an absolute http or https URL.
func isWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
