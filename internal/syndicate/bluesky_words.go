package syndicate

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"strings"
)

// blueskyWords is what a record says; home is whether it must lead to the post.
func blueskyWords(p Post, home bool) Text {
	return Fit(p, Rules{
		Max: blueskyGraphemes, MaxBytes: blueskyBytes, Links: true, Tags: blueskyShownTags, Permalink: home, Mention: blueskyMention,
	})
}

// blueskyShownTags is how many categories stand in the text; others are tags beside it.
const blueskyShownTags = 4

// blueskyMention is the handle of whose profile an address is.
func blueskyMention(words, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	who, ok := strings.CutPrefix(strings.TrimSuffix(u.Path, "/"), "/profile/")
	if !ok || !isSite(u.Host) {
		return ""
	}
	if isDID(who) {
		who = strings.TrimPrefix(strings.TrimSpace(words), "@")
	}
	if !isHandle(who) {
		return ""
	}
	return "@" + who
}

// mostMentions is how many handles of a post are looked up.
const mostMentions = 10

// facets are where a text leads. A handle that is nobody's leads nowhere.
func (b *Bluesky) facets(ctx context.Context, t Text) (facets []facet, err error) {
	looked := map[string]string{}
	for _, s := range t.Spans {
		var f feature
		switch {
		case s.URL != "" && isWeb(s.URL):
			f = feature{Type: linkFeature, URI: s.URL}
		case s.Tag != "" && isBlueskyTag(s.Tag):
			f = feature{Type: tagFeature, Tag: s.Tag}
		case isHandle(s.Mention):
			handle := strings.ToLower(s.Mention)
			did, known := looked[handle]
			if !known && len(looked) < mostMentions {
				if did, err = b.resolveHandle(ctx, handle); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return nil, err
				}
				looked[handle] = did
			}
			f = feature{Type: mentionFeature, DID: did}
		}
		if f.URI+f.Tag+f.DID != "" {
			facets = append(facets, facet{byteSlice{s.Start, s.End}, []feature{f}})
		}
	}
	return facets, nil
}

// isBlueskyTag reports whether Bluesky takes a hashtag: 64 graphemes, 640 bytes.
func isBlueskyTag(tag string) bool { return len(tag) <= 640 && Graphemes(tag) <= 64 }

// outlineTags are the categories of a post that its text has no room for.
func outlineTags(p Post, words Text) []string {
	var tags []string
	for _, tag := range hashtags(p.Item, words) {
		if isBlueskyTag(tag) && len(tags) < blueskyTags {
			tags = append(tags, tag)
		}
	}
	return tags
}
