package site

import (
	"context"
	"time"

	"tertulia/internal/atom"
	"tertulia/internal/lang"
	"tertulia/store"
)

// feedWaiting and feedPublic are how much of what waits and of what is new a private feed has.
const feedWaiting, feedPublic = 50, 50

// Feed is the private feed of somebody who looks after the site, as Atom: what waits, the last that
// came first, then what became public last. self is its address. It does not depend on when it is
// asked for.
func (n *Notices) Feed(ctx context.Context, l lang.Lang, self string) ([]byte, error) {
	talk := &Conversation{Site: n.Site, DB: n.DB}
	found, err := talk.Find(ctx, Query{Everything: true, PerPage: feedPublic})
	if err != nil {
		return nil, err
	}
	feed := atom.Feed{
		Lang: l.Tag(), ID: n.Site.Endpoint("admin/"), Title: l.T("notices.feed-of", n.Site.Name), Generator: "Tertulia",
		Links: []atom.Link{{Rel: "self", Type: atom.Media, Href: self}, {Rel: "alternate", Type: "text/html", Href: n.Site.Endpoint("admin/")}},
	}
	newest := time.Unix(0, 0)
	add := func(e atom.Entry, at time.Time) {
		if at.After(newest) {
			newest = at
		}
		e.Updated = atom.Time(at.UTC())
		feed.Entries = append(feed.Entries, e)
	}
	err = n.DB.View(ctx, n.Site.Key, func(tx *store.Tx) error {
		waiting, _, err := tx.MentionsIn(store.Pending, store.Range{Limit: feedWaiting, Backward: true})
		for _, m := range waiting {
			w := n.Site.waiting(tx, m)
			w.Target = w.Page
			e := n.Site.atomEntry(w.Response)
			at := n.Site.MentionPage(m.ID)
			e.ID, e.Title = at, l.T("notices.feed-waits", n.Site.titleOf(w.Response))
			e.Links = []atom.Link{{Rel: "alternate", Type: "text/html", Href: at}}
			add(e, m.Received)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, r := range found.Responses {
		add(n.Site.atomEntry(r), r.updated())
	}
	feed.Updated = atom.Time(newest.UTC())
	return feed.Encode()
}
