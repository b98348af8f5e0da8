package site

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/netip"

	"tertulia/store"
)

// CommentPage is a comment as its permalink shows it.
type CommentPage struct {
	Response
	Page   string // address of the page that it is about
	Title  string // of that; may be empty
	Answer string // where the response is that it answers, in the page's conversation; "": it answers the page
	Signed bool   // its author has signed in, and can take it back
}

// Comment reads a comment that readers see: [ErrGone] when they saw it once and it was deleted
// or taken back, else fs.ErrNotExist.
func (c *Comments) Comment(ctx context.Context, id string) (view CommentPage, err error) {
	if !isID(id) {
		return view, fs.ErrNotExist
	}
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		m, err := tx.Mention(id)
		if err != nil {
			return err
		}
		if m.Kind != store.Comment {
			return fs.ErrNotExist
		}
		if twin, err := tx.Mention(m.Twin); err == nil && m.State == store.Duplicate {
			m = twin // the same was said on a page that is the same by now
		}
		page, err := tx.Page(m.Page)
		if err != nil {
			return err
		}
		title, gone, err := readable(tx, page.URL)
		removed := m.State == store.Deleted || m.State == store.Withdrawn
		switch {
		case err != nil:
			return err
		case m.Number != 0 && (removed || gone && m.IsPublic()):
			return ErrGone
		case !m.IsPublic() || gone:
			return fmt.Errorf("comment %s is not public: %w", id, fs.ErrNotExist)
		}
		view = CommentPage{Response: c.Site.response(tx, m, m.Shown), Page: page.URL, Title: title, Signed: m.Shown.Person != ""}
		view.Excerpt = "" // here it is read in full
		if answer := anchored(m.Target); answer != "" {
			view.Answer = page.URL + "#" + anchors[0] + answer
		}
		return nil
	})
	return view, err
}

// Form is what the form for a comment is about.
type Form struct {
	Page    string // canonical address
	Title   string
	Answer  string // id of the response that is to be answered; "": none, or none that is there
	Answers string // what its author is called
	Time    string // to be handed back: see [Draft]
}

// Form prepares the form for a comment on a page, and on a response there.
func (c *Comments) Form(ctx context.Context, page, answer string, from netip.Addr) (f Form, err error) {
	at, err := c.find(ctx, page, from)
	if err != nil {
		return f, err
	}
	f.Page = at.At
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		page, err := tx.PageAt(at.Folded)
		if err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		f.Page = cmp.Or(at.At, page.URL)
		if f.Title, _, err = readable(tx, page.URL); err != nil {
			return err
		}
		if answerable(tx, page, answer) {
			m, err := tx.Mention(answer)
			if err != nil {
				return err
			}
			f.Answer, f.Answers = answer, m.Shown.Author.Name
		}
		return nil
	})
	if err == nil {
		f.Time, err = c.stamp(ctx, at.Folded)
	}
	return f, err
}
