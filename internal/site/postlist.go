package site

import (
	"context"
	"slices"
	"strings"

	"tertulia/micropub"
	"tertulia/store"
)

// List lists posts for editors, each with its url. Before and After are the places of
// posts in the list: what is new since, and what follows (SPECS MX-7 to MX-13).
func (p *Posts) List(ctx context.Context, g micropub.Grant, q micropub.Query) (micropub.List, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 20
	}
	from, backward := q.After, !q.OldestFirst
	if q.Before != "" {
		from, backward = q.Before, !backward // away from the list, beginning beside it
	}
	var found []store.Post
	next, skip := decodeCursor(from), q.Offset
	for more := true; more && len(found) < limit; more = next != "" {
		posts, rest, err := p.some(ctx, next, backward)
		if err != nil {
			return micropub.List{}, err
		}
		next = rest
		for i, post := range posts {
			if post.PlaceInTime() == decodeCursor(q.Before) || !post.Deleted.IsZero() || hiddenFrom(g, post) || !q.Matches(source(post)) {
				continue
			}
			if skip--; skip >= 0 {
				continue
			}
			if found = append(found, post); len(found) == limit && i+1 < len(posts) {
				next = posts[i+1].PlaceInTime()
			}
			if len(found) == limit {
				break
			}
		}
	}
	if q.Before != "" {
		slices.Reverse(found)
		next = decodeCursor(q.Before)
	}
	return listOf(found, next), nil
}

// some reads the next posts from a place on, few enough for one look at the data.
func (p *Posts) some(ctx context.Context, from string, backward bool) (posts []store.Post, next string, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		posts, next, err = tx.Posts(store.Range{From: from, Limit: 200, Backward: backward}, false)
		return err
	})
	return posts, next, err
}

// listOf makes an answer of posts, and of the place at which the list goes on.
func listOf(posts []store.Post, next string) (list micropub.List) {
	for _, post := range posts {
		item := source(post)
		item.Properties["url"] = []any{post.Permalink}
		list.Items = append(list.Items, item)
	}
	if len(posts) > 0 {
		list.Before, list.After = encodeCursor(posts[0].PlaceInTime()), encodeCursor(next)
	}
	return list
}

// postTypes are the kinds of post that the site shows, with what a form for one should
// offer, and what it must have (SPECS MX-5).
var postTypes = []struct {
	kind     string
	offered  string
	required string
}{
	{"note", "content photo category", "content"},
	{"article", "name content summary photo category", "name content"},
	{"photo", "photo content category", "photo"},
	{"video", "video content category", "video"},
	{"audio", "audio content category", "audio"},
	{"reply", "in-reply-to content photo category", "in-reply-to content"},
	{"like", "like-of content", "like-of"},
	{"repost", "repost-of content", "repost-of"},
	{"bookmark", "bookmark-of name content category", "bookmark-of"},
	{"rsvp", "in-reply-to rsvp content", "in-reply-to rsvp"},
	{"event", "name start end location content url category", "name start"},
}

// PostTypes tells editors which kinds of post the site shows.
func (p *Posts) PostTypes(context.Context) ([]micropub.PostType, error) {
	l := p.Site.Speaks(p.Site.Language)
	var types []micropub.PostType
	for _, t := range postTypes {
		h := "entry"
		if t.kind == "event" {
			h = "event"
		}
		common := []string{"published", "post-status", "visibility"}
		types = append(types, micropub.PostType{
			Type: t.kind, Name: l.T("post.kind." + t.kind), H: h,
			Properties: append(strings.Fields(t.offered), common...), Required: strings.Fields(t.required),
		})
	}
	return types, nil
}

// Config tells editors who may see what they post.
func (p *Posts) Config(context.Context, micropub.Grant) (map[string]any, error) {
	return map[string]any{"visibility": p.Site.visibilities()}, nil
}

// Categories lists the tags in use, those of the newest posts first. There are as many
// as a client can show.
func (p *Posts) Categories(ctx context.Context, filter string) ([]string, error) {
	const most = 1000
	all, seen := []string{}, map[string]bool{}
	filter = strings.ToLower(filter)
	for next, more := "", true; more && len(all) < most; more = next != "" {
		posts, rest, err := p.some(ctx, next, true)
		if err != nil {
			return nil, err
		}
		next = rest
		for _, post := range posts {
			for _, tag := range post.Item.Strings("category") {
				if post.Deleted.IsZero() && !seen[tag] && !strings.Contains(tag, "://") && strings.Contains(strings.ToLower(tag), filter) {
					seen[tag] = true
					all = append(all, tag)
				}
			}
		}
	}
	return all[:min(len(all), most)], nil
}

// All lists posts for the owner, newest first, deleted ones and drafts included.
func (p *Posts) All(ctx context.Context, limit int) (posts []store.Post, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		posts, _, err = tx.Posts(store.Range{Limit: limit, Backward: true}, false)
		return err
	})
	return posts, err
}

// Post reads a post with its history, for the owner.
func (p *Posts) Post(ctx context.Context, address string) (post store.Post, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		post, err = p.find(tx, address)
		return err
	})
	return post, err
}
