package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/failpoint"
	"tertulia/mf2"
	"tertulia/store"
)

// Comments are the replies of people who have no website, or have one and write here. Each
// is kept as a mention whose source is the permalink that it has here. One Comments belongs to a
// site while the service runs, because it counts how much comes from where.
//
// Who does not sign in waits for the owner, whatever name they give. Who signs in with their own
// site is the person of that address ([Comments.SignIn]), and trusted as far as that one is.
// Nothing is kept of the address that a comment came from.
type Comments struct {
	Site   *Site
	DB     *store.DB
	Jobs   *Jobs             // asks the site for pages that are new, and visitors' pages for their names
	Client *indieauth.Client // asks visitors' servers who they are; nil: nobody signs in

	spent guesses
	clock formClock
}

// What is taken, and what is shown to the owner.
const (
	commentSites = 3    // other sites that a comment may link to and not be quarantined (HOSTILE, spam)
	maxWaiting   = 1000 // mentions that wait for the owner before no more comments are taken
)

// How much is written: from one network, an IPv4 address or a /64, and at one site.
var (
	perCommenter = budget{10, 10 * time.Minute}
	perComments  = budget{60, time.Minute}
)

// Left is a comment that is kept.
type Left struct {
	ID        string `json:"id"`
	Permalink string `json:"permalink"` // not there for anybody until it is public
	Page      string `json:"page"`      // address of its page
	Public    bool   `json:"public"`    // readers see it; else it waits, or is treated as if it did
}

// ErrGone is returned for what was here, and has been taken away.
var ErrGone = errors.New("it is gone")

// permalink is where a comment is shown.
func (s *Site) permalink(id string) string { return s.Endpoint("comment/" + id) }

// sourceOf is where a mention comes from. A comment is where the endpoints are now, which may
// have moved since it was written.
func (s *Site) sourceOf(m *store.Mention) string {
	if m.Kind == store.Comment {
		return s.permalink(m.ID)
	}
	return m.Source
}

// isComment tells whether an address is that of a comment here, or would be if there were one.
func (s *Site) isComment(u *url.URL) bool {
	base, err := url.Parse(s.Base)
	if err != nil || !strings.HasPrefix(u.Path, base.Path+"comment/") {
		return false
	}
	return slices.ContainsFunc(append([]*url.URL{base, s.URL}, s.Aliases...), func(home *url.URL) bool { return sameHost(u, home) })
}

// Leave keeps a comment of somebody who has not signed in. The errors are an [*Unfit], a
// [*TooMany], or fs.ErrNotExist for a page that nobody can talk about. The same words by the same name on the same
// page are one comment, however often they come.
func (c *Comments) Leave(ctx context.Context, d Draft, from netip.Addr) (Left, error) {
	at, err := c.take(ctx, &d, from)
	if err != nil {
		return Left{}, err
	}
	if d.Name == "" {
		return Left{}, &Unfit{"name", "name"}
	}
	var left Left
	err = c.DB.Update(ctx, c.Site.Key, func(tx *store.Tx) error {
		left, err = c.add(tx, d, at, commenter{author: mf2.Author{Name: d.Name, URL: d.Site}})
		return err
	})
	err = unfitErased(err)
	failpoint.Hit("comment.kept")
	return left, err
}

// unfitErased is err, or what is said to whom the owner has erased and keeps away.
func unfitErased(err error) error {
	if errors.Is(err, store.ErrErased) {
		return &Unfit{"erased", "site"}
	}
	return err
}

// take cleans what was typed, finds its page, and counts it, before anything is kept.
func (c *Comments) take(ctx context.Context, d *Draft, from netip.Addr) (place, error) {
	if err := d.clean(); err != nil {
		return place{}, err
	}
	at, err := c.find(ctx, d.Page, from)
	if err != nil {
		return place{}, err
	}
	if err := c.onTime(ctx, d.Time, at.Folded); err != nil {
		return place{}, err
	}
	return at, c.spent.take(spend{"from " + one(from), perCommenter}, spend{"all", perComments})
}

// place is a page that a comment is about: one that is known, or one that the site has when it
// is asked.
type place struct {
	Folded string `json:"folded"` // its address, folded
	At     string `json:"at"`     // where the site says that it is; "": its record says that
}

// find looks for the page of an address. The network, where it is needed, is asked here and
// before the transaction that keeps the comment.
func (c *Comments) find(ctx context.Context, address string, from netip.Addr) (at place, err error) {
	u, err := url.Parse(address)
	if err != nil || !c.Site.TakesComments {
		return place{}, fs.ErrNotExist
	}
	folded, ok := c.Site.Fold(u)
	if !ok {
		return place{}, fs.ErrNotExist
	}
	known := false
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		page, err := tx.PageAt(folded)
		if err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		known = page.Found
		return talkedAbout(tx, page)
	})
	switch {
	case err != nil:
		return place{}, err
	case known:
		return place{Folded: folded}, nil
	case c.Site.Root != "" && !c.Site.hasFile(folded):
		return place{}, fs.ErrNotExist
	case c.Site.Root != "":
		return place{folded, c.Site.canonical(u)}, nil
	}
	if err := c.spent.take(spend{"pages from " + one(from), perCommenter}, spend{"pages", perComments}); err != nil {
		return place{}, err
	}
	found, err := (&Pages{c.Site, c.DB, c.Jobs.Own}).locate(ctx, u)
	if err != nil {
		return place{}, err
	}
	return place{folded, c.Site.canonical(found)}, nil
}

// talkedAbout tells whether readers may know of a page.
func talkedAbout(tx *store.Tx, page store.Page) error {
	_, gone, err := readable(tx, page.URL)
	if gone {
		return fs.ErrNotExist
	}
	return err
}

// file gives the page of a place its record.
func (c *Comments) file(tx *store.Tx, at place) (store.Page, error) {
	page, err := tx.PageAt(at.Folded)
	switch {
	case err == nil && page.Found:
		return page, talkedAbout(tx, page)
	case ignore(err, fs.ErrNotExist) != nil || at.At == "":
		return page, err
	case err != nil:
		if page, err = keepPage(tx, store.Page{URL: at.At}, at.Folded); err != nil {
			return page, err
		}
	}
	return c.Site.refile(tx, page, at.At)
}

// commenter is who has written a comment.
type commenter struct {
	author     mf2.Author
	identities []string // that are proven, profile first; none: they have not signed in
	keeper     bool     // they look after the site
}

// add keeps a comment within the transaction that decides about it.
func (c *Comments) add(tx *store.Tx, d Draft, at place, by commenter) (Left, error) {
	if !c.Site.TakesComments {
		return Left{}, fs.ErrNotExist
	}
	page, err := c.file(tx, at)
	if err != nil {
		return Left{}, err
	}
	entry := d.entry(by)
	if m, err := tx.MentionOf(page.ID, entry); err == nil {
		return c.left(m, page), nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return Left{}, err
	}
	if tx.CountIn(store.Pending, maxWaiting) >= maxWaiting {
		return Left{}, &Unfit{"full", ""}
	}
	id := store.NewID(tx.Now)
	m := store.Mention{
		ID: id, Kind: store.Comment, Source: c.Site.permalink(id), Target: page.URL, Page: page.ID, State: store.Received, Received: tx.Now,
		Entry: entry, History: []store.Event{{At: tx.Now, Stage: "received", Note: "written here"}},
	}
	if answerable(tx, page, d.Answer) {
		m.Target += "#" + anchors[0] + d.Answer
	}
	v := store.Version{Type: "reply", Author: by.author, URL: m.Source, Text: d.Text, Published: tx.Now.Truncate(time.Second)}
	l := look{by: claim{identities: by.identities, profile: by.author.URL}}
	if err := l.author(tx, &m, &v); err != nil {
		return Left{}, err
	}
	v.Digest = digest(v)
	m.Shown = &v
	if err := c.weigh(tx, &m, by); err != nil {
		return Left{}, err
	}
	if err := c.Site.settle(tx, &m); err != nil {
		return Left{}, err
	}
	return c.left(m, page), cmp.Or(tx.PutMention(m), failpoint.Err("comment.keep"))
}

func (c *Comments) left(m store.Mention, page store.Page) Left {
	return Left{ID: m.ID, Permalink: c.Site.permalink(m.ID), Page: page.URL, Public: m.IsPublic()}
}

// answerable tells whether there is a response on a page that others can answer.
func answerable(tx *store.Tx, page store.Page, id string) bool {
	if !isID(id) {
		return false
	}
	m, err := tx.Mention(id)
	if err != nil || !m.IsPublic() || !(&Response{Type: m.Shown.Type}).listed() {
		return false
	}
	on, err := tx.Page(m.Page)
	return err == nil && on.ID == page.ID
}

var idLook = regexp.MustCompile(`^[0-9a-z]{26}$`)

// isID tells whether a stranger's word looks like the id of a response.
func isID(id string) bool { return idLook.MatchString(id) }

// weigh says where a comment stands, whoever else has sent what.
func (c *Comments) weigh(tx *store.Tx, m *store.Mention, by commenter) error {
	trust, err := trustIn(tx, m.Shown, hostsOf(m, m.Shown)...)
	if err != nil {
		return err
	}
	known := trust == store.Trusted && c.Site.Approve != ApproveAll
	crowded := c.Site.sitesNamed(m.Shown.Text) > commentSites
	switch {
	case by.keeper:
		m.State = store.Approved
	case known:
		m.State, m.ByTrust = store.Approved, c.Site.Approve == ApprovePeople
	case crowded:
		m.State, m.Why = store.Quarantined, WhyCrowded
	case c.Site.Approve == ApproveNone:
		m.State = store.Approved
	default:
		m.State, m.Why = store.Pending, c.whyWaits(m.Shown)
	}
	return nil
}

func (c *Comments) whyWaits(v *store.Version) string {
	switch {
	case c.Site.Approve == ApproveAll:
		return WhyAll
	case v.Person == "":
		return WhyComment
	}
	return WhyPerson
}
