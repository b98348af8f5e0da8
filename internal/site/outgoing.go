package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"

	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// Outgoing tells others of pages that are no posts, when the owner asks for it.
type Outgoing struct {
	Site *Site
	DB   *store.DB
	Jobs *Jobs // whose ways to the site's own pages and to strangers it takes
}

// Plan is what there is to tell of one page.
type Plan struct {
	Source  string   // the page, as the site knows it
	Gone    bool     // it answers 404 or 410
	Targets []Target // who is told
	Left    int      // links beyond those that are told of one page

	seen sight
	only []string
}

// Target is one page that is told.
type Target struct {
	Source   string `json:"source"`
	Target   string `json:"target"`
	News     string `json:"news"`               // new, changed, again, removed
	Endpoint string `json:"endpoint,omitempty"` // as [Outgoing.Ask] found it
	Note     string `json:"note,omitempty"`     // why there is none
}

// Plan reads a page of the site and tells who is to hear of it: those that it links to and
// who have not heard of it as it is now, and those that it linked to before. With targets it
// is they alone, whatever they have heard. A page that is not there is told as gone, because
// its owner says so.
func (o *Outgoing) Plan(ctx context.Context, source string, targets []string) (Plan, error) {
	u, err := url.Parse(source)
	if err != nil {
		return Plan{}, err
	}
	folded, own := o.Site.Fold(u)
	if !own {
		return Plan{}, fmt.Errorf("%s is no page of %s", source, o.Site.Me())
	}
	p := Plan{Source: o.Site.canonical(u)}
	if p.seen, err = o.Jobs.see(ctx, o.Site, p.Source); err != nil {
		return p, fmt.Errorf("read %s: %w", p.Source, err)
	}
	if p.Gone = p.seen.gone; p.seen.err != nil && len(targets) == 0 {
		return p, fmt.Errorf("%s: %w", p.Source, p.seen.err)
	}
	if err := o.DB.View(ctx, o.Site.Key, func(tx *store.Tx) error {
		if isPost, err := announcesItself(tx, folded); isPost || err != nil {
			return cmp.Or(err, fmt.Errorf("%s is a post, which is told of by itself: tertulia post retry tells all of it again", p.Source))
		}
		page, err := tx.Outgoing(p.Source)
		p.compare(page)
		return ignore(err, fs.ErrNotExist)
	}); err != nil {
		return p, err
	}
	return p, p.restrict(targets)
}

// compare finds who is to hear what, by what is known of the page.
func (p *Plan) compare(page store.Outgoing) {
	var links []string
	links, p.Left = foremost(p.seen.links, page.Sent)
	p.Targets = nil
	for _, link := range links {
		word := "new"
		if i := sentTo(page.Sent, link); i >= 0 && page.Sent[i].Linked {
			if word = "changed"; page.Digest == p.seen.digest {
				continue
			}
		}
		p.Targets = append(p.Targets, Target{Source: p.Source, Target: link, News: word})
	}
	removed := slices.Clone(page.Links)
	for _, s := range page.Sent {
		if s.Linked && !slices.Contains(removed, s.Target) {
			removed = append(removed, s.Target)
		}
	}
	for _, link := range removed {
		if !slices.Contains(links, link) {
			p.Targets = append(p.Targets, Target{Source: p.Source, Target: link, News: "removed"})
		}
	}
}

// restrict leaves only some targets, and takes those in that have heard everything.
func (p *Plan) restrict(targets []string) error {
	if len(targets) == 0 {
		return nil
	}
	var wanted []Target
	for _, target := range targets {
		u, err := url.Parse(target)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fmt.Errorf("%s is no address of a page", target)
		}
		if u.Path == "" {
			u.Path = "/"
		}
		same := func(link string) bool { return mf2.SameURL(link, u.String()) }
		i := slices.IndexFunc(p.Targets, func(t Target) bool { return same(t.Target) })
		k := slices.IndexFunc(p.seen.links, same)
		switch {
		case i >= 0:
			wanted = append(wanted, p.Targets[i])
		case k >= 0:
			wanted = append(wanted, Target{Source: p.Source, Target: p.seen.links[k], News: "again"})
		default:
			return fmt.Errorf("%s does not link to %s in what it says itself", p.Source, target)
		}
	}
	p.Targets = wanted
	for _, t := range wanted {
		p.only = append(p.only, t.Target)
	}
	return nil
}

// Ask finds out where each target takes Webmentions. Nothing is sent.
func (o *Outgoing) Ask(ctx context.Context, targets []Target) {
	for i := range targets {
		t := &targets[i]
		u, err := url.Parse(t.Target)
		if err != nil || o.Jobs.never(u) {
			t.Note = unasked
			continue
		}
		endpoint, err := o.Jobs.sender(o.Site).Discover(ctx, u)
		switch {
		case errors.Is(err, webmention.ErrNoEndpoint):
			t.Note = deaf
		case err != nil:
			t.Note = err.Error()
		default:
			t.Endpoint = endpoint.String()
		}
	}
}

// Send promises what was planned.
func (o *Outgoing) Send(ctx context.Context, p Plan) error {
	return o.DB.Update(ctx, o.Site.Key, func(tx *store.Tx) error {
		page, err := tx.Outgoing(p.Source)
		if errors.Is(err, fs.ErrNotExist) {
			page, err = store.Outgoing{URL: p.Source}, nil
		}
		if err != nil {
			return err
		}
		return o.Site.tell(tx, page, p.seen, p.only)
	})
}

// Page reads what is known of a page that is no post; fs.ErrNotExist when that is nothing.
func (o *Outgoing) Page(ctx context.Context, address string) (page store.Outgoing, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return page, err
	}
	if _, own := o.Site.Fold(u); !own {
		return page, fmt.Errorf("page %s: %w", address, fs.ErrNotExist)
	}
	err = o.DB.View(ctx, o.Site.Key, func(tx *store.Tx) error {
		page, err = tx.Outgoing(o.Site.canonical(u))
		return err
	})
	return page, err
}
