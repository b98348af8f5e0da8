package site

import (
	"context"

	"tertulia/internal/lang"
	"tertulia/micropub"
	"tertulia/store"
)

// List lists posts for editors, newest first, each with its url.
func (p *Posts) List(ctx context.Context, _ micropub.Grant, q micropub.Query) (micropub.List, error) {
	limit := q.Limit
	if limit == 0 {
		limit = 20
	}
	var list micropub.List
	err := p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		cursor := q.After
		for len(list.Items) < limit {
			posts, next, err := tx.Posts(store.Range{From: decodeCursor(cursor), Limit: limit - len(list.Items), Backward: true}, false)
			if err != nil {
				return err
			}
			for _, post := range posts {
				if post.Deleted.IsZero() && (q.PostType == "" || q.PostType == post.Kind) && matches(post.Item, q.Filter) {
					item := source(post)
					item.Properties["url"] = []any{post.Permalink}
					list.Items = append(list.Items, item)
				}
			}
			cursor = encodeCursor(next)
			if next == "" {
				break
			}
		}
		list.After = cursor
		return nil
	})
	return list, err
}

// SyndicateTo lists the networks that copies can go to: none yet.
func (p *Posts) SyndicateTo(context.Context) ([]micropub.Target, error) {
	return []micropub.Target{}, nil
}

// Config tells editors which kinds of post the site shows.
func (p *Posts) Config(context.Context, micropub.Grant) (map[string]any, error) {
	l := lang.For(p.Site.Language)
	var kinds []map[string]string
	for _, k := range []string{"note", "article", "photo", "reply", "like", "repost", "bookmark", "rsvp", "event"} {
		kinds = append(kinds, map[string]string{"type": k, "name": l.T("post.kind." + k)})
	}
	return map[string]any{"post-types": kinds}, nil
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
