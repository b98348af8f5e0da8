package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/store"
	"tertulia/webmention"
)

// Mentions keeps what other sites send, and what the owner decides about it: it is
// the site's webmention.Inbox.
type Mentions struct {
	Site   *Site
	DB     *store.DB
	Limits *Limits // must be set
}

// errNoPage is the one answer for pages that do not exist, are drafts, private or
// deleted: nobody learns which (HOSTILE 40).
var errNoPage = &webmention.Error{Code: "unknown_target", Message: "target is not a page of this site that takes webmentions"}

// errComment is for a source that is a comment here: it is in its conversation already, and
// nothing of ours asks it what it says.
var errComment = &webmention.Error{Code: webmention.CodeInvalidSource, Message: "source is a comment that was left here"}

// Accept keeps a mention and promises the look at its source, in one transaction.
// The same source and target is one mention, however often it comes; what the owner
// decided stands (TRAPS T-WR14, T-WR15, T-WR26).
// Spec: webmention#request-verification-p-3
func (m *Mentions) Accept(ctx context.Context, r webmention.Request) (webmention.Receipt, error) {
	about, err := m.about(ctx, r.Target)
	if err != nil {
		return webmention.Receipt{}, err
	}
	folded, ok := m.Site.Fold(about)
	if !ok {
		return webmention.Receipt{}, errNoPage
	}
	if m.Site.isComment(r.Source) {
		return webmention.Receipt{}, errComment
	}
	if err := m.Limits.allow(r.From, r.Source); err != nil {
		return webmention.Receipt{}, err
	}
	page, err := m.pageFor(ctx, folded, about)
	if err != nil {
		return webmention.Receipt{}, err
	}
	if id, ok := m.Site.trialOf(r.Source); ok {
		return m.acceptTrial(ctx, id)
	}
	source, target := oneSpelling(r.Source), r.Target.String()
	if m.refuses(source) {
		return webmention.Receipt{}, errRefused
	}
	var mention store.Mention
	err = m.DB.Update(ctx, m.Site.Key, func(tx *store.Tx) error {
		page, err := keepPage(tx, page, folded)
		if err != nil {
			return err
		}
		mention, err = tx.MentionFrom(page.ID, source)
		known := err == nil
		if !known && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if mention.State == store.Deleted {
			return nil // the owner has deleted it: nothing revives it
		}
		// A job that waits already takes no other place.
		if mention.State != store.Received {
			if err := m.Limits.room(tx, source); err != nil {
				return err
			}
		}
		if !known {
			mention = store.Mention{
				ID: store.NewID(tx.Now), Source: source, Page: page.ID, State: store.Received, Received: tx.Now,
				History: []store.Event{{At: tx.Now, Stage: "received"}},
			}
		}
		// The link is looked for as it was spelled last, until it was found: anybody may
		// send it with another fragment, which would place it elsewhere for readers.
		if mention.Target != target && mention.Shown == nil {
			mention.Target = target
			if err := tx.PutMention(mention); err != nil {
				return err
			}
		}
		if mention.Kind != store.Webmention {
			return nil // it is an answer of ours, and there already
		}
		return cmp.Or(tx.Enqueue(verifyJob(mention)), failpoint.Err("mention.accept"))
	})
	if errors.Is(err, store.ErrErased) {
		return webmention.Receipt{}, errRefused // just now
	}
	if err != nil {
		return webmention.Receipt{}, err
	}
	failpoint.Hit("mention.accepted")
	return webmention.Receipt{Status: m.Site.Endpoint("webmention/" + mention.ID)}, nil
}

// about is the page that a target belongs to: of a comment that readers see, the one that it was
// left on, so that who answers it on their own site stands below it.
func (m *Mentions) about(ctx context.Context, target *url.URL) (page *url.URL, err error) {
	if !m.Site.isComment(target) {
		return target, nil
	}
	id := path.Base(target.Path)
	if !isID(id) {
		return nil, errNoPage
	}
	err = m.DB.View(ctx, m.Site.Key, func(tx *store.Tx) error {
		comment, err := tx.Mention(id)
		if err == nil && comment.State == store.Duplicate {
			comment, err = tx.Mention(comment.Twin)
		}
		if err != nil || comment.Kind != store.Comment || !comment.IsPublic() {
			return cmp.Or(ignore(err, fs.ErrNotExist), error(errNoPage))
		}
		at, err := tx.Page(comment.Page)
		if err != nil {
			return err
		}
		page, err = url.Parse(at.URL)
		return err
	})
	return page, err
}

// oneSpelling is a source without what makes no other page of it: the case of its
// host and its fragment.
func oneSpelling(source *url.URL) string {
	u := *source
	u.Host, u.Fragment, u.RawFragment = strings.ToLower(u.Host), "", ""
	return u.String()
}

// pageFor finds the page that a target means. Where we serve the site we know its
// pages; elsewhere an unknown one is looked at in the job. One that has no record yet
// comes without an id, see keepPage.
func (m *Mentions) pageFor(ctx context.Context, folded string, target *url.URL) (page store.Page, err error) {
	serves, isPost := m.Site.Root != "", false
	err = m.DB.View(ctx, m.Site.Key, func(tx *store.Tx) error {
		if page, err = tx.PageAt(folded); err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		mark, hidden := tx.PostMark(page.URL)
		if isPost = mark != ""; !hidden {
			return nil
		}
		post, err := tx.Post(page.URL)
		switch isPost = err == nil; {
		case isPost && (early(post, tx.Now) || !post.Visible() && (serves || !secret(post))):
			return errNoPage // what was never public is as unknown as any other page
		case isPost:
			return nil
		}
		return ignore(err, fs.ErrNotExist)
	})
	if err == nil && !isPost && serves && !m.Site.hasFile(folded) && !m.Site.hasPage(page) {
		err = errNoPage
	}
	if page.ID == "" {
		page = store.Page{URL: m.Site.canonical(target), Found: serves}
	}
	return page, err
}

// hasPage tells whether we serve a page at the address that it is known by now.
func (s *Site) hasPage(page store.Page) bool {
	folded, err := s.foldOf(page.URL)
	return page.ID != "" && err == nil && s.hasFile(folded)
}

// keepPage gives a page that has no record one, unless it has got one meanwhile.
func keepPage(tx *store.Tx, page store.Page, folded string) (store.Page, error) {
	if page.ID != "" {
		// It may have been merged into another.
		known, err := tx.Page(page.ID)
		if !errors.Is(err, fs.ErrNotExist) {
			return known, err
		}
	}
	known, err := tx.PageAt(folded)
	if !errors.Is(err, fs.ErrNotExist) {
		return known, err
	}
	page.ID, page.Created = store.NewID(tx.Now), tx.Now
	return page, tx.PutPage(page, folded)
}

// secret tells whether nobody but the owner has ever seen a post.
func secret(post store.Post) bool { return !post.Promised }

// Limits bounds how fast and how many requests are taken. The zero value has the
// defaults; one serves all sites.
type Limits struct {
	PerSender int // webmentions a minute from one address; 0 means 300
	PerHost   int // a minute about sources on one host; 0 means 120
	Queue     int // jobs that may wait before new mentions are put off; 0 means 10,000
	Pending   int // of them about sources on one host; 0 means 500

	senders, hosts rates
}

func (l *Limits) allow(from netip.Addr, source *url.URL) error {
	slow := &webmention.Error{Status: 429, Code: "too_many", Message: "too many webmentions in a minute", RetryAfter: time.Minute}
	if from.IsValid() && !l.senders.allow(network(from), cmp.Or(l.PerSender, 300)) {
		return slow
	}
	if !l.hosts.allow(hostName(source), cmp.Or(l.PerHost, 120)) {
		return slow
	}
	return nil
}

// room tells whether one more mention can be promised a look.
func (l *Limits) room(tx *store.Tx, source string) error {
	if tx.JobCount() >= cmp.Or(l.Queue, 10_000) {
		return &webmention.Error{Status: 503, Code: "busy", Message: "too much is waiting to be verified", RetryAfter: time.Minute}
	}
	if tx.LaneCount(lane(source)) >= cmp.Or(l.Pending, 500) {
		return &webmention.Error{Status: 429, Code: "too_many", Message: "too many sources on this host wait to be verified", RetryAfter: 10 * time.Minute}
	}
	return nil
}

// network is the address, or for IPv6 the /64 that one sender has to itself.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// Replay looks at a mention's source again, now. Comments, and answers on networks, have none that
// could be asked: [ErrUndecidable].
func (m *Mentions) Replay(ctx context.Context, id string) error {
	return m.DB.Update(ctx, m.Site.Key, func(tx *store.Tx) error {
		mention, err := tx.Mention(id)
		if err != nil {
			return err
		}
		if !mention.Asked() {
			return fmt.Errorf("mention %s has no page that could be asked about it: %w", id, ErrUndecidable)
		}
		return tx.Enqueue(verifyJob(mention))
	})
}
