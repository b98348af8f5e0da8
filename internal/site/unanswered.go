package site

import (
	"context"
	"time"

	"tertulia/internal/sanitize"
	"tertulia/store"
)

// Open is one mention that asks something of the owner.
type Open struct {
	ID       string
	Type     string // reply, mention, tag, rsvp
	Question bool   // it has a question mark
	Author   string // what they are called; "" when nothing is known
	Excerpt  string // how it begins, on one line
	Language string // BCP 47; may be empty
	Page     string // address of the page that it is about
	Title    string // of that; may be empty
	Received time.Time
	Aside    time.Time // since when it is set aside; zero: it is not
}

// How much of a mention a list shows, in characters.
const openExcerpt = 140

// MaxOpen is how many of a list are counted.
const MaxOpen = 1000

// OpenName names a list of what is open.
type OpenName = store.OpenList

// The lists of what is open.
const (
	Unanswered = store.Unanswered
	Questions  = store.Questions
	SetAside   = store.SetAside
)

// OpenList is what the owner has not answered, or set aside.
type OpenList struct {
	Mentions  []Open
	Next      string // where the list goes on; "": it ends here
	Count     int    // unanswered ones, up to [MaxOpen]
	Questions int    // those of them that ask in so many words
	Aside     int
}

// Unanswered lists what readers see and the owner has not answered, the longest waiting first:
// what has waited longest is what is most easily forgotten, and it goes from the top as it is done.
// What it shows it reads from an
// index, however many mentions there are.
func (c *Conversation) Unanswered(ctx context.Context, list OpenName, cursor string, limit int) (open OpenList, err error) {
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		mentions, rest, err := tx.Open(list, store.Range{From: decodeCursor(cursor), Limit: limit})
		if err != nil {
			return err
		}
		open = OpenList{
			Next: encodeCursor(rest), Count: tx.CountOpen(store.Unanswered, MaxOpen),
			Questions: tx.CountOpen(store.Questions, MaxOpen), Aside: tx.CountOpen(store.SetAside, MaxOpen),
		}
		for _, m := range mentions {
			if one, ok := c.open(tx, m); ok {
				open.Mentions = append(open.Mentions, one)
			}
		}
		return nil
	})
	return open, err
}

// open is a mention as the list has it; false for one whose page readers do not see any more.
func (c *Conversation) open(tx *store.Tx, m store.Mention) (Open, bool) {
	page, err := c.addressOf(tx, m.Page)
	if err != nil || page == "" {
		return Open{}, false
	}
	r := c.Site.inFull(tx, m, m.Shown)
	one := Open{
		ID: m.ID, Type: r.Type, Author: sanitize.Text(r.Author.Name, 60), Language: r.Language, Page: page,
		Received: m.Received, Aside: m.Aside,
	}
	_, one.Question = m.Asks()
	if one.Excerpt = sanitize.Text(r.Text, openExcerpt); one.Excerpt == "" {
		one.Excerpt = sanitize.Text(r.Name, openExcerpt)
	}
	if one.Author == "" {
		one.Author = r.Host
	}
	if post, err := tx.Post(page); err == nil {
		one.Title = sanitize.Text(post.Item.Get("name"), 60)
	}
	return one, true
}

// UnansweredMentions lists what the owner has not answered with all that is kept of it, the
// longest waiting first.
func (c *Conversation) UnansweredMentions(ctx context.Context, limit int) (list []store.Mention, err error) {
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		list, _, err = tx.Open(store.Unanswered, store.Range{Limit: limit})
		return err
	})
	return list, err
}

// SetAside takes a mention from what is unanswered, since it needs no answer, or puts it back.
// It changes nothing for readers, and can be undone like any other decision.
func (m *Mentions) SetAside(ctx context.Context, by, id string, aside bool) error {
	action := "set aside"
	if !aside {
		action = "put back"
	}
	return ignore(m.decide(ctx, by, action, id, ""), errUnchanged)
}

// setAside is [Mentions.SetAside] of one mention.
func setAside(aside bool) change {
	return func(tx *store.Tx, mention *store.Mention, _ *store.Decision) error {
		if aside == !mention.Aside.IsZero() {
			return errUnchanged
		}
		if mention.Aside = (time.Time{}); aside {
			mention.Aside = tx.Now
		}
		return nil
	}
}
