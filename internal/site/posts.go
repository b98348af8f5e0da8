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
		if _, said := c.Commands["mp-syndicate-to"]; !said {
			post.Syndicate = p.Site.byDefault(&post)
		}
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
