package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// A source that has gone without saying so (404, 451) counts as withdrawn after
// this many looks over this long.
const (
	missingLooks = 3
	missingSpan  = 72 * time.Hour
)

// longestWait is how long others may make us wait.
const longestWait = 24 * time.Hour

// maxLooks is after how many attempts a source that cannot be reached is given
// up: a new mention has failed then, a known one stays as it is.
const maxLooks = 12

// verify looks at a mention's source and writes down what it says now. Only the
// transaction at its end changes anything, so an interrupted look is simply taken
// again (TRAPS T-WR10, T-WR11, T-WR13).
func (j *Jobs) verify(ctx context.Context, job store.Job) (queue.Commit, error) {
	var id string
	s, err := j.begin(job, &id)
	if err != nil {
		return nil, err
	}
	mention, page, isPost, err := j.mentioned(ctx, s, id)
	pages := &Pages{s, j.DB, j.Own}
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && (mention.State == store.Deleted || !mention.Asked()):
		return nil, nil // it has been removed meanwhile, or has no source to be asked
	case err != nil:
		return nil, err
	case page.ID == "":
		return dropMention(mention.ID), nil
	case isPost && page.Found:
	case pages.old(page, j.DB.Now()):
		return pages.settle(ctx, mention, page, isPost)
	}
	source, target, err := addresses(mention)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	seen, wait, err := j.lookAt(ctx, source, target, mention.ID)
	failpoint.Hit("verify.fetch")
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case wait > 0:
		// A little longer: jobs are due to the microsecond.
		return nil, queue.After(wait.Truncate(time.Second)+time.Second, errBusyHost)
	}
	look := look{site: s, attempt: job.Attempts, now: j.DB.Now(), err: err, hopeless: j.hopeless(err)}
	look.erased = func(e store.Erased) bool { return j.DB.Erased(s.Key, e) }
	look.target = pages.spelled(ctx, &mention, &seen, page.ID, target)
	look.sites = s.sitesLinked(seen)
	seen.Doc = nil // it can be large, and has said all
	if look.seen = seen; seen.Linked {
		home := j.profilesOf(mention, seen.Final)
		var entry mf2.Item
		look.version, entry, look.posted = j.read(ctx, s, mention, seen, home)
		look.entry, look.cut = bounded(entry)
		look.by = j.claimed(ctx, s, mention, seen, look.version.Author, home)
		if ctx.Err() != nil {
			return nil, ctx.Err() // what could not be asked for that reason is no answer
		}
	}
	j.Numbers.looked.Add(seen.Outcome.String(), cause(seen, look.hopeless))
	j.log().Info("webmention looked at", "source", mention.Source, "target", mention.Target, "outcome", seen.Outcome.String(), "status", seen.Status, "attempt", job.Attempts)
	return look.commit(mention.ID, page.ID), look.again(mention)
}

// spelled is another spelling of the target that the source links to, "" where it is the one that
// was sent, or none. Anybody may send a mention with another address of the page, and its page may
// have been merged: one that was verified is not taken back for that (TRAPS T-WR13). The place in
// the page is what the source says, not who has sent it.
func (p *Pages) spelled(ctx context.Context, m *store.Mention, seen *webmention.Verification, page string, target *url.URL) string {
	if m.Shown != nil && seen.Outcome == webmention.Unlinked {
		if link := p.linked(ctx, *seen, page); link != "" {
			m.Target = link
			seen.Outcome, seen.Linked, seen.Reason = webmention.Linked, true, "the page links here by another address"
			return link
		}
	}
	if seen.Linked && target.Fragment != "" && !linksExactly(*seen, target) {
		return pageOf(target)
	}
	return ""
}

// mentioned reads a mention and its page, and tells whether that is a post. The page is
// empty when there is none, or when it is a post that nobody may know of.
func (j *Jobs) mentioned(ctx context.Context, s *Site, id string) (m store.Mention, page store.Page, isPost bool, err error) {
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		if m, err = tx.Mention(id); err != nil {
			return err
		}
		if page, err = tx.Page(m.Page); err != nil {
			page = store.Page{}
			return ignore(err, fs.ErrNotExist)
		}
		mark, hidden := tx.PostMark(page.URL)
		if isPost = mark != ""; !hidden {
			return nil
		}
		post, err := tx.Post(page.URL)
		if err == nil && secret(post) {
			page = store.Page{}
		}
		return ignore(err, fs.ErrNotExist)
	})
	return m, page, isPost, err
}

// ignore is err unless it is the one that does not matter here.
func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// linksExactly tells whether a source links to a target with its fragment, which places it
// below another response.
func linksExactly(seen webmention.Verification, target *url.URL) bool {
	for u := range seen.Links() {
		if mf2.SameURL(u.String(), target.String()) {
			return true
		}
	}
	return false
}

// pageOf is an address without its fragment.
func pageOf(u *url.URL) string {
	page := *u
	page.Fragment, page.RawFragment = "", ""
	return page.String()
}

func addresses(m store.Mention) (source, target *url.URL, err error) {
	if source, err = url.Parse(m.Source); err != nil {
		return nil, nil, err
	}
	target, err = url.Parse(m.Target)
	return source, target, err
}

// settle finds out what page of ours a mention is about, and then has it looked at. An
// outage of the site is no answer (TRAPS T-WR21): what was known stays.
func (p *Pages) settle(ctx context.Context, m store.Mention, page store.Page, isPost bool) (queue.Commit, error) {
	address, err := url.Parse(page.URL)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	now := page.URL
	at, err := p.locate(ctx, address)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case page.Found || err == nil:
	case errors.Is(err, fs.ErrNotExist):
		return dropUnknown(m), nil
	default:
		return nil, err
	}
	if at != nil && !isPost {
		now = p.Site.canonical(at)
	}
	return func(tx *store.Tx) error {
		is, err := tx.Page(page.ID)
		if errors.Is(err, fs.ErrNotExist) {
			return dropMention(m.ID)(tx)
		}
		if err == nil && is.URL == page.URL { // nobody was quicker
			_, err = p.Site.refile(tx, is, now)
		}
		return cmp.Or(err, tx.Enqueue(verifyJob(m)))
	}, nil
}

// dropMention forgets a mention of nothing.
func dropMention(id string) queue.Commit {
	return func(tx *store.Tx) error { return ignore(tx.DropMention(id), fs.ErrNotExist) }
}

// dropUnknown forgets a mention of a page that we do not have, and the page: the
// jobs of its other mentions find it gone. When another look has found the page
// meanwhile this one is taken again.
func dropUnknown(m store.Mention) queue.Commit {
	return func(tx *store.Tx) error {
		page, err := tx.Page(m.Page)
		if err == nil && page.Found {
			return tx.Enqueue(verifyJob(m))
		}
		if err == nil {
			err = tx.DropPage(page.ID)
		}
		if err := ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
		return dropMention(m.ID)(tx)
	}
}
