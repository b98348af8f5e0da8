package site

import (
	"cmp"
	"context"
	"errors"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/publish"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// Update applies the whole update or nothing of it. The permalink stays, unless the update
// has another mp-slug: then it returns the new one. What changes nothing makes no revision.
func (p *Posts) Update(ctx context.Context, g micropub.Grant, permalink string, u micropub.Update) (now string, err error) {
	if id, ok := p.contactID(permalink); ok {
		return "", p.updateContact(ctx, id, u)
	}
	stage := "updated"
	if writesBack(u) {
		stage = writtenBack
	}
	err = p.change(ctx, permalink, func(tx *store.Tx, post *store.Post) error {
		if !post.Deleted.IsZero() {
			return &micropub.Error{Code: micropub.InvalidRequest, Description: "the post is deleted; undelete it first"}
		}
		if stage == writtenBack {
			return relearn(post, u)
		}
		edited := len(u.Replace)+len(u.Add)+len(u.Delete)+len(u.DeleteAll) > 0
		if edited {
			if err := p.rewrite(tx, post, u); err != nil {
				return err
			}
		}
		obeyed, was := p.obey(post, u.Commands), post.Permalink
		if slug := publish.Slug(firstString(u.Commands["mp-slug"]), mf2.Item{}, noSlug); slug != noSlug {
			if err := p.move(tx, post, slug); err != nil {
				return err
			}
		}
		if now = ""; post.Permalink != was {
			now = post.Permalink
		}
		if !edited && !obeyed && now == "" {
			return errUnchanged
		}
		return nil
	}, stage, g)
	return now, err
}

// rewrite changes what a post says.
func (p *Posts) rewrite(tx *store.Tx, post *store.Post, u micropub.Update) error {
	item, err := u.Apply(post.Item)
	if err != nil {
		return err
	}
	if publish.IsCode(post.File) && touches(u, "content") {
		return &micropub.Error{Code: micropub.InvalidRequest, Description: "the text of this post is code (MDX): edit " + post.File + " itself; all else can be changed from here"}
	}
	date, err := p.check(item)
	if err != nil && (touches(u, "published") || date.IsZero() && !errors.Is(err, errNoDate)) {
		return err
	}
	if !touches(u, "published") {
		date = post.Date // what the owner has written there may be no date that we know
	}
	if !date.IsZero() && post.Promised && date.Format("2006-01") != post.Month() {
		// The month that it leaves is listed anew as well.
		if err := tx.Enqueue(listsJob(post.Month())); err != nil {
			return err
		}
	}
	if !date.IsZero() {
		post.Date = date
	}
	post.Item, post.Kind, post.Updated = item, item.Kind(), tx.Now
	settle(tx, post)
	return nil
}

// Delete hides a post: its address answers 410 and those it linked to are told.
// Everything is kept for Undelete.
func (p *Posts) Delete(ctx context.Context, g micropub.Grant, permalink string) error {
	if id, ok := p.contactID(permalink); ok {
		return p.deleteContact(ctx, id, true)
	}
	return p.change(ctx, permalink, func(tx *store.Tx, post *store.Post) error {
		if !post.Deleted.IsZero() {
			return errUnchanged
		}
		post.Deleted = tx.Now
		return nil
	}, "deleted", g)
}

// Undelete brings a deleted post back to where it was.
func (p *Posts) Undelete(ctx context.Context, g micropub.Grant, permalink string) (string, error) {
	if id, ok := p.contactID(permalink); ok {
		return "", p.deleteContact(ctx, id, false)
	}
	return "", p.change(ctx, permalink, func(tx *store.Tx, post *store.Post) error {
		if post.Deleted.IsZero() {
			return errUnchanged
		}
		post.Deleted = time.Time{}
		return nil
	}, "undeleted", g)
}

var (
	errUnchanged = errors.New("nothing to change")
	errMeanwhile = errors.New("the post has changed meanwhile")
	errNoDraft   = &micropub.Error{Code: micropub.InsufficientScope, Scope: "create", Description: "the token is for drafts, and this post is none"}
)

func (p *Posts) change(ctx context.Context, permalink string, edit func(*store.Tx, *store.Post) error, stage string, g micropub.Grant) (err error) {
	defer failpoint.Hit("post.changed")
	for range 10 {
		if err = p.changeOnce(ctx, permalink, edit, stage, g); !errors.Is(err, errMeanwhile) {
			break
		}
	}
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// changeOnce edits a post in one transaction. Where its file lies in the source of the
// site, the edit starts from what that says.
func (p *Posts) changeOnce(ctx context.Context, permalink string, edit func(*store.Tx, *store.Post) error, stage string, g micropub.Grant) error {
	seen, item, err := p.read(ctx, permalink)
	if err != nil {
		return err
	}
	return p.DB.Update(ctx, p.Site.Key, func(tx *store.Tx) error {
		post, err := p.find(tx, permalink)
		if err != nil {
			return err
		}
		switch {
		case item != nil && (post.Revision != seen.Revision || post.Published != seen.Published):
			return errMeanwhile
		case item != nil:
			said := post
			said.Item = *item
			post.Item, post.Base = learnt(post, *item), said.Saying()
		case post.Adopted && post.Base == nil:
			post.Base = post.Saying() // as it was found last
		}
		was, waits := post.Draft, post.Collected
		post.Collected = time.Time{}
		if err := edit(tx, &post); err != nil {
			return err
		}
		if g.DraftsOnly() && !(was && post.Draft) {
			return errNoDraft // it was published since the handler looked (TRAPS T-MP17)
		}
		if stage == writtenBack {
			if err := p.Site.collect(tx, &post, waits); err != nil {
				return err
			}
		}
		post.Revision++
		post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: stage, Note: g.ClientID})
		return cmp.Or(p.put(tx, post), failpoint.Err("post.change"))
	})
}

// Retry publishes and announces a post once more, as it is.
func (p *Posts) Retry(ctx context.Context, address string) error {
	return p.change(ctx, address, func(_ *store.Tx, post *store.Post) error {
		post.Said = "" // all that it links to are told again
		return nil
	}, "retry", micropub.Grant{})
}
