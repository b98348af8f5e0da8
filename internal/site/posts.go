package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/publish"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// Posts keeps what editors send: it is the site's micropub.Backend. Each verb is
// one transaction that also promises the job that makes the site follow.
type Posts struct {
	Site *Site
	DB   *store.DB
	Live *Arrivals
	Wait time.Duration // how long a create waits to see its page live; 0 means two seconds
}

// repeatWindow is how long the same create of the same client is the same post.
const repeatWindow = 10 * time.Minute

// Create keeps a post and waits a little for its page: what is live within Wait is
// answered 201, the rest 202. A repeat within ten minutes gets the first one's
// address (TRAPS T-MP22).
func (p *Posts) Create(ctx context.Context, g micropub.Grant, c micropub.Create) (micropub.Created, error) {
	if p.Site.Publish == nil {
		return micropub.Created{}, &micropub.Error{Code: micropub.Forbidden, Description: "this site takes no posts: its settings name no place for them ([site.publish])"}
	}
	if isContact(c.Item) {
		return p.createContact(ctx, g, c)
	}
	date, err := p.check(c.Item)
	if err != nil {
		return micropub.Created{}, err
	}
	// Spec: micropub#new-note-li-3
	if date.IsZero() {
		date = p.DB.Now().Local()
	}
	random := strings.ToLower(rand.Text()[:5])
	slug := publish.Slug(firstString(c.Commands["mp-slug"]), c.Item, random)
	post := store.Post{Kind: c.Item.Kind(), Date: date}
	p.obey(&post, c.Commands)
	taken := p.Site.takenFiles(post, slug)
	err = p.DB.Update(ctx, p.Site.Key, func(tx *store.Tx) error {
		if again, ok, err := p.repeated(tx, c.Digest); ok || err != nil {
			post = again
			return err
		}
		post = p.newPost(tx, g, c.Item, date)
		p.obey(&post, c.Commands)
		if err := p.reserve(tx, &post, slug, taken); err != nil {
			return err
		}
		if err := remember(tx, c.Digest, post.Permalink); err != nil {
			return err
		}
		return cmp.Or(p.put(tx, post), failpoint.Err("post.create"))
	})
	if err != nil {
		return micropub.Created{}, err
	}
	failpoint.Hit("post.created")
	return micropub.Created{URL: post.Permalink, Pending: !forOwner(post) && !p.awaitLive(ctx, post)}, nil
}

// repeated finds the post that the same request has made. Who has deleted that one
// wants another.
func (p *Posts) repeated(tx *store.Tx, digest string) (post store.Post, ok bool, err error) {
	permalink, err := madeBefore(tx, digest)
	if err != nil || permalink == "" {
		return post, false, err
	}
	post, err = p.find(tx, permalink)
	return post, err == nil && post.Deleted.IsZero(), err
}

// remember writes down what a request has made, for the case that it comes again.
func remember(tx *store.Tx, digest, address string) error {
	data, err := json.Marshal(address)
	if err != nil {
		return err
	}
	return tx.PutRequest(store.Request{Hash: digest, Kind: "create", Data: data, Created: tx.Now, Expires: tx.Now.Add(repeatWindow)})
}

// madeBefore is the address of what the same request has made; "" when it is the first.
func madeBefore(tx *store.Tx, digest string) (address string, err error) {
	again, err := tx.Request("create", digest)
	if err != nil {
		return "", ignore(err, fs.ErrNotExist)
	}
	return address, json.Unmarshal(again.Data, &address)
}

func (p *Posts) newPost(tx *store.Tx, g micropub.Grant, item mf2.Item, date time.Time) store.Post {
	post := store.Post{
		Item: item, Kind: item.Kind(), Date: date, Created: tx.Now, Client: g.ClientID, Revision: 1,
		History: []store.Event{{At: tx.Now, Stage: "received", Note: g.ClientID}},
	}
	settle(tx, &post)
	return post
}

// ahead is how far ahead the date of a post may be that is published at once: clocks
// differ, and an editor's may be fast. A later one says when to publish (SPECS MX-3).
const ahead = time.Minute

// settle works out who may see a post, from what it says itself. What is public stays so
// when its date is moved.
func settle(tx *store.Tx, post *store.Post) {
	post.Draft = post.Item.Get("post-status") == "draft"
	post.Private = visibility(post.Item) == private
	post.Scheduled = !post.Promised && !post.Private && post.Date.Sub(tx.Now) > ahead
}

// early tells whether a post of the owner's own has a date to come: generators do not show
// it before.
func early(post store.Post, now time.Time) bool {
	return post.Adopted && post.Date.After(now)
}

// reserve gives a post a permalink that no other post and no page of the site has, and
// the file that goes with it: by the slug, or the slug with a number (TRAPS T-MP21).
// taken are files of the source that are somebody's: they are looked at before the
// transaction begins.
func (p *Posts) reserve(tx *store.Tx, post *store.Post, slug string, taken map[string]bool) (err error) {
	for n := range 1000 {
		try := numbered(slug, n)
		if post.Permalink, post.File, err = p.Site.address(*post, try); err != nil {
			return &micropub.Error{Code: micropub.InvalidRequest, Description: "this site has no address for such a post", Err: err}
		}
		free, err := p.free(tx, post.Permalink)
		if err != nil || free && !taken[post.File] && !tx.HasSourceFile(post.File) {
			return cmp.Or(err, p.Site.take(tx, *post))
		}
	}
	return &micropub.Error{Code: micropub.InvalidRequest, Description: "there are too many posts with this slug on this day"}
}

func (p *Posts) free(tx *store.Tx, permalink string) (bool, error) {
	if _, err := tx.Post(permalink); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	u, err := url.Parse(permalink)
	if err != nil {
		return false, err
	}
	folded, _ := p.Site.Fold(u)
	_, err = tx.PageAt(folded)
	if errors.Is(err, fs.ErrNotExist) {
		return !p.Site.taken(folded), nil
	}
	return false, err
}

// put writes a new revision of a post, its page, and the promise to publish it.
func (p *Posts) put(tx *store.Tx, post store.Post) error {
	if err := p.Site.touch(tx, post.Permalink); err != nil {
		return err
	}
	post.Promised = post.Promised || !post.Draft && !post.Scheduled && !post.Private
	if err := tx.PutPost(post); err != nil || !post.Promised && (post.Draft || !post.Scheduled) {
		return err // nothing of a draft leaves the store, or of what is private
	}
	job := p.Site.publishJob(post.Permalink)
	if !post.Collected.IsZero() {
		job = batchJob(p.Site)
		job.Due = post.Collected
	}
	if !post.Promised {
		job.Due = tx.Now.Add(min(post.Date.Sub(tx.Now), longestWait))
	}
	return tx.Enqueue(job)
}

// touch records that the page of a post is another than before, or that there is one: its
// conversation is shown with the post, or not at all.
func (s *Site) touch(tx *store.Tx, permalink string) error {
	folded, err := s.foldOf(permalink)
	if err != nil {
		return err
	}
	page, err := tx.PageAt(folded)
	if errors.Is(err, fs.ErrNotExist) {
		page = store.Page{ID: store.NewID(tx.Now), URL: permalink, Found: true, Created: tx.Now}
		return tx.PutPage(page, folded)
	}
	if err != nil {
		return err
	}
	return tx.TouchPage(page.ID)
}

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
