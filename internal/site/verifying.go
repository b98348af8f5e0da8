package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// A source that has gone without saying so (404, 451) counts as withdrawn after
// this many looks over this long.
const (
	missingLooks = 3
	missingSpan  = 72 * time.Hour
)

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
	var mention store.Mention
	var page store.Page
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		if mention, err = tx.Mention(id); err != nil {
			return err
		}
		page, err = tx.Page(mention.Page)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || err == nil && mention.State == store.Deleted {
		return nil, nil // it has been removed meanwhile
	}
	if err != nil {
		return nil, err
	}
	if !page.Found {
		exists, err := j.exists(ctx, page.URL)
		if err != nil {
			return nil, err
		}
		if !exists {
			return dropUnknown(mention), nil
		}
	}
	source, target, err := addresses(mention)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	seen, err := j.Verifier.Verify(ctx, source, target)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	look := look{site: s, seen: seen, attempt: job.Attempts, now: j.DB.Now()}
	if seen.Linked {
		look.version = j.read(ctx, s, mention, seen)
	}
	j.log().Info("webmention looked at", "source", mention.Source, "target", mention.Target, "outcome", seen.Outcome.String(), "status", seen.Status, "attempt", job.Attempts)
	return look.commit(id, page.ID), look.again(mention, err)
}

func addresses(m store.Mention) (source, target *url.URL, err error) {
	if source, err = url.Parse(m.Source); err != nil {
		return nil, nil, err
	}
	target, err = url.Parse(m.Target)
	return source, target, err
}

// exists asks our own site whether it has a page. An outage is no answer (TRAPS T-WR21).
func (j *Jobs) exists(ctx context.Context, address string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, queue.Permanent(err)
	}
	resp, err := j.Own.Do(req)
	if err != nil {
		return false, fmt.Errorf("look for our own page: %w", err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code >= 200 && code <= 299:
		return true, nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return false, nil
	}
	return false, fmt.Errorf("look for our own page %s: it answers %s", address, resp.Status)
}

// dropUnknown forgets a mention of a page that we do not have, and the page.
func dropUnknown(m store.Mention) queue.Commit {
	return func(tx *store.Tx) error {
		if err := tx.DropMention(m.ID); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := tx.DropPage(m.Page); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
}

// look is one look at a source.
type look struct {
	site    *Site
	seen    webmention.Verification
	version store.Version // when the link was found
	attempt int
	now     time.Time
}

// missing counts a 404 or 451 and says whether it is time to believe it: three looks
// for a mention that was never verified, else not before three looks over 72 hours.
func (l look) missing(m *store.Mention) (believed bool) {
	if m.Missing++; m.Missing == 1 {
		m.MissingSince = l.now
	}
	return m.Missing >= missingLooks && (m.Shown == nil || l.now.Sub(m.MissingSince) >= missingSpan)
}

// again says whether the source is to be looked at once more: the error of the job.
func (l look) again(m store.Mention, err error) error {
	switch l.seen.Outcome {
	case webmention.Missing:
		if l.missing(&m) {
			return nil
		}
		wait := queue.Backoff(m.Missing)
		if m.Shown != nil {
			wait = missingSpan / (missingLooks - 1)
		}
		return queue.After(wait, errors.New(l.seen.Reason))
	case webmention.Unavailable:
		if l.attempt >= maxLooks {
			return nil
		}
		if err == nil {
			err = errors.New(l.seen.Reason)
		}
		if l.seen.RetryAfter > 0 {
			return queue.Retry(min(l.seen.RetryAfter, 24*time.Hour), err)
		}
		return err
	}
	return nil
}

// commit writes down what was seen.
func (l look) commit(id, page string) queue.Commit {
	return func(tx *store.Tx) error {
		m, err := tx.Mention(id)
		if errors.Is(err, fs.ErrNotExist) || err == nil && m.State == store.Deleted {
			return nil // the owner was quicker
		}
		if err != nil {
			return err
		}
		if p, err := tx.Page(page); err != nil {
			return err
		} else if !p.Found {
			p.Found = true
			if err := tx.PutPage(p); err != nil {
				return err
			}
		}
		m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "looked at", Note: l.seen.Outcome.String() + ": " + l.seen.Reason})
		if err := l.apply(tx, &m); err != nil {
			return err
		}
		return tx.PutMention(m)
	}
}

// apply changes the mention as DESIGN section 3 says.
func (l look) apply(tx *store.Tx, m *store.Mention) error {
	first := m.Shown == nil
	if l.seen.Outcome != webmention.Unavailable {
		m.Checked = l.now
	}
	if l.seen.Outcome != webmention.Missing {
		m.Missing, m.MissingSince = 0, time.Time{}
	}
	switch l.seen.Outcome {
	case webmention.Linked, webmention.Moved:
		if !l.seen.Linked {
			if first {
				m.State, m.Why = store.Failed, l.seen.Reason
			}
			return nil
		}
		return l.arrived(tx, m)
	case webmention.Unlinked, webmention.Gone:
		withdraw(m, l.seen.Reason)
	case webmention.Missing:
		if l.missing(m) {
			withdraw(m, l.seen.Reason)
		}
	case webmention.Unavailable:
		if first && l.attempt >= maxLooks {
			m.State, m.Why = store.Failed, l.seen.Reason
		}
	}
	return nil
}

// withdraw takes a mention back because its source did. What the owner decided is
// remembered for the day the source says it again.
func withdraw(m *store.Mention, why string) {
	m.Held, m.Why = nil, why
	switch {
	case m.Shown == nil:
		m.State = store.Failed
	case m.State != store.Rejected:
		m.State = store.Withdrawn
	}
}

// arrived takes in what the source says now.
func (l look) arrived(tx *store.Tx, m *store.Mention) error {
	v := l.version
	trust, err := l.person(tx, &v)
	if err != nil {
		return err
	}
	moved := l.seen.Outcome == webmention.Moved
	welcome := !moved && (l.site.Approve == ApproveNone || l.site.Approve == ApprovePeople && trust == store.Trusted)
	unchanged := m.Shown != nil && m.Shown.Digest == v.Digest
	switch {
	case trust == store.Blocked:
		m.State, m.Shown, m.Held, m.Why = store.Rejected, &v, nil, ""
	case m.Decision == store.Rejected:
		m.State, m.Shown, m.Held = store.Rejected, &v, nil
	case unchanged && (m.Decision == store.Approved || m.State == store.Approved), welcome:
		m.State, m.Shown, m.Held, m.Why = store.Approved, &v, nil, ""
	case m.State == store.Approved, m.Decision == store.Approved:
		// Readers keep the text that was approved until the owner has seen the new one.
		m.State, m.Held, m.Why = store.Approved, &v, WhyChanged
	default:
		m.State, m.Shown, m.Held, m.Why = store.Pending, &v, nil, WhyPerson
		if l.site.Approve == ApproveAll {
			m.Why = WhyAll
		}
	}
	if moved && m.Why != "" {
		m.Why = WhyMoved
	}
	return nil
}

// person finds or makes the person behind a version, and says how far they are
// trusted. Who could not be confirmed is nobody, and never trusted.
func (l look) person(tx *store.Tx, v *store.Version) (store.Trust, error) {
	identity := l.identity(v)
	if identity == "" {
		return store.Unknown, nil
	}
	p, err := tx.PersonBy(identity)
	if errors.Is(err, fs.ErrNotExist) {
		p = store.Person{ID: store.NewID(tx.Now), Identities: []string{identity}, Created: tx.Now}
	} else if err != nil {
		return store.Unknown, err
	}
	p.Name, p.URL, p.Photo = v.Author.Name, v.Author.URL, v.Author.Photo
	v.Person = p.ID
	return p.Trust, tx.PutPerson(p)
}
