package site

import (
	"context"

	"tertulia/store"
)

// DeletedFeed lists what was public and is no longer, so that caches let go of it (READ-API
// 6): what its source has taken back, what the owner has rejected or deleted, or whose person
// is blocked, what became one with another mention, what was erased. What is public again is
// not in it. It goes back a year.
type DeletedFeed struct {
	Type     string         `json:"type"`
	Name     string         `json:"name"`
	Children []DeletedEntry `json:"children"`
	Paging   Paging         `json:"paging"`
}

// DeletedEntry is one of them. Of what is not kept any more there is only the number.
type DeletedEntry struct {
	WMID      uint64 `json:"wm-id"`
	WMSource  string `json:"wm-source"`
	WMTarget  string `json:"wm-target"`
	WMDeleted string `json:"wm-deleted"`
}

// Deleted lists what has gone, the latest first, if the query is about everything: it is for
// those who keep copies of a whole site. Of the query count its page, its order, Since (gone
// after it) and SinceID.
func (c *Conversation) Deleted(ctx context.Context, q Query) (DeletedFeed, error) {
	perPage, skip := q.window()
	feed := DeletedFeed{Type: "feed", Name: "Deleted webmentions"}
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		total := 0
		feed.Children = []DeletedEntry{}
		for g := range tx.Gone(q.Since, !q.Upwards) {
			if !q.Everything {
				break
			}
			if g.Number <= q.SinceID {
				continue
			}
			if total++; total > skip && len(feed.Children) < perPage {
				feed.Children = append(feed.Children, c.deleted(tx, g))
			}
		}
		feed.Paging = Paging{PerPage: perPage, Page: max(q.Page, 0), Total: total, TotalPages: (total + perPage - 1) / perPage}
		return nil
	})
	return feed, err
}

func (c *Conversation) deleted(tx *store.Tx, g store.Gone) DeletedEntry {
	e := DeletedEntry{WMID: g.Number, WMDeleted: g.At.UTC().Format(apiTime)}
	id := tx.GoneMention(g.Number)
	m, err := tx.Mention(id)
	if err != nil || m.ID != id {
		return e // it is not kept, or is part of another that may well be public
	}
	e.WMSource, e.WMTarget = c.Site.was(tx, &m)
	return e
}

// was is what a mention that readers see no more was from and about, as they knew it.
func (s *Site) was(tx *store.Tx, m *store.Mention) (source, target string) {
	if target = m.Target; !s.hidesSource(m) {
		source = s.sourceOf(m)
	}
	if page, err := tx.Page(m.Page); err == nil {
		target = page.URL
	}
	return source, target
}
