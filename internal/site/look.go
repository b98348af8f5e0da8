package site

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// look is one look at a source.
type look struct {
	site    *Site
	seen    webmention.Verification
	version store.Version // when the link was found
	by      claim         // who has written that
	sites   int           // how many others it links to
	entry   mf2.Item      // what the version was made from
	cut     bool          // what was too large of it is left out
	posted  bool          // there is an entry
	attempt int
	now     time.Time

	err      error // why the source could not be read
	hopeless bool  // and that it never will be
	erased   func(store.Erased) bool
	target   string // another spelling of the target that the source links to; "" is the one that was sent
}

// final says whether there is no point in asking a source again that could not be
// verified: a host that is not public, a page that is refused or is no document. A
// mention that was verified before is worth asking again.
func (l look) final() bool {
	refused := l.seen.Status >= 400 && l.seen.Status <= 499 && !slices.Contains([]int{408, 425, 429}, l.seen.Status)
	unread := l.err == nil && l.seen.Status >= 200 && l.seen.Status <= 299 && l.seen.Type == ""
	return l.hopeless || refused || unread || l.attempt >= maxLooks
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
func (l look) again(m store.Mention) error {
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
		if l.attempt >= maxLooks || m.Shown == nil && l.final() {
			return nil
		}
		err := l.err
		if err == nil {
			err = errors.New(l.seen.Reason)
		}
		if l.seen.RetryAfter > 0 {
			// As late as was asked for, but not so soon that all looks are gone in a minute.
			return queue.Retry(min(max(l.seen.RetryAfter, queue.Backoff(l.attempt)), longestWait), err)
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
		if l.isErased() {
			return dropMention(id)(tx)
		}
		p, err := tx.Page(page)
		if errors.Is(err, fs.ErrNotExist) {
			return dropMention(id)(tx)
		}
		if err != nil {
			return err
		}
		if !p.Found {
			p.Found = true
			if err := tx.PutPage(p); err != nil {
				return err
			}
		}
		m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "looked at", Note: l.seen.Outcome.String() + ": " + l.seen.Reason})
		m.Target = cmp.Or(l.target, m.Target)
		if err := l.apply(tx, &m); err != nil {
			return err
		}
		if err := l.keep(tx, &m); err != nil {
			return err
		}
		return cmp.Or(tx.PutMention(m), failpoint.Err("verify.commit"))
	}
}

// apply changes the mention as DESIGN section 3 says.
func (l look) apply(tx *store.Tx, m *store.Mention) error {
	m.State, m.Behind = m.Stands(), ""
	if err := l.weigh(tx, m); err != nil {
		return err
	}
	return l.site.settle(tx, m)
}

// weigh says where the mention stands by what was seen, whoever is behind it.
func (l look) weigh(tx *store.Tx, m *store.Mention) error {
	first := m.Shown == nil
	m.Tried = l.now
	switch {
	case l.seen.Outcome != webmention.Unavailable:
		m.Checked, m.Unreachable = l.now, time.Time{}
		if l.seen.Outcome != webmention.Missing {
			m.Missing, m.MissingSince = 0, time.Time{}
		}
	case m.Unreachable.IsZero() && !first:
		m.Unreachable = l.now
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
		return l.withdraw(tx, m)
	case webmention.Missing:
		if l.missing(m) {
			return l.withdraw(tx, m)
		}
	case webmention.Unavailable:
		if first && l.final() {
			m.State, m.Why = store.Failed, l.seen.Reason
		}
	}
	return nil
}

// withdraw takes a mention back because its source did. What the owner decided is
// remembered for the day the source says it again.
func (l look) withdraw(tx *store.Tx, m *store.Mention) error {
	m.Held, m.Why = nil, l.seen.Reason
	if m.Gone.IsZero() {
		m.Gone = l.now
	}
	switch {
	case m.State == store.Rejected:
	case m.Shown == nil:
		m.State = store.Failed
	default:
		m.State = store.Withdrawn
	}
	return l.site.standDown(tx, m)
}

// arrived takes in what the source says now.
// Spec: webmention#updating-existing-webmentions-li-1
func (l look) arrived(tx *store.Tx, m *store.Mention) error {
	v := l.version
	if err := l.author(tx, m, &v); err != nil {
		return err
	}
	trust, err := trustIn(tx, &v, l.by.at)
	if err != nil {
		return err
	}
	m.Gone = time.Time{}
	moved := l.seen.Outcome == webmention.Moved
	trusted := trust == store.Trusted && l.site.Approve != ApproveAll
	welcome := !moved && (trusted || l.site.Approve == ApproveNone && l.sites <= maxSites)
	// What stands there may be an earlier version's, or as another service has put it.
	unchanged := m.Shown != nil && (digest(*m.Shown) == v.Digest || sameSaid(*m.Shown, v))
	switch {
	case unchanged:
		v.Edited = m.Shown.Edited
	case m.Shown != nil && !m.Public.IsZero():
		v.Edited = l.now
	}
	l.stand(m, &v, unchanged, welcome, trusted)
	if moved && m.Why != "" && m.State != store.Quarantined {
		m.Why = WhyMoved
	}
	if moved {
		return l.site.standDown(tx, m) // the owner is asked about it, whatever else there is
	}
	return l.site.standFor(tx, m)
}

// stand says where a mention stands that says v now: by what the owner has decided, whether that is
// what readers have, and whether its person is welcome.
func (l look) stand(m *store.Mention, v *store.Version, unchanged, welcome, trusted bool) {
	switch {
	case m.Decision == store.Rejected:
		m.State, m.Shown, m.Held = store.Rejected, v, nil
	case unchanged && (m.Decision == store.Approved || m.State == store.Approved):
		m.State, m.Shown, m.Held, m.Why = store.Approved, v, nil, ""
	case welcome:
		m.ByTrust = l.site.Approve == ApprovePeople && m.Decision != store.Approved && (m.ByTrust || m.State != store.Approved)
		m.State, m.Shown, m.Held, m.Why = store.Approved, v, nil, ""
	case m.State == store.Approved && slices.Contains(m.Refused, v.Digest):
		m.Held, m.Why = nil, "" // the owner has seen this one and does not want it
	case m.State == store.Approved:
		// Readers keep the text that was approved until the owner has seen the new one.
		m.Held, m.Why = v, WhyChanged
	default:
		// What was approved once and taken back by its source is not shown for a
		// text that nobody has approved; nor does that approval reach the new text.
		m.Why = l.whyWaits(m, v, trusted)
		m.State, m.Decision, m.ByTrust, m.Shown, m.Held = store.Pending, "", false, v, nil
		if m.Why == WhyLinks {
			m.State = store.Quarantined
		}
	}
}

func (l look) whyWaits(m *store.Mention, v *store.Version, trusted bool) string {
	switch {
	case l.sites > maxSites && !trusted:
		return WhyLinks
	case m.Decision == store.Approved:
		return WhyChanged
	case l.site.Approve == ApproveAll:
		return WhyAll
	}
	return whyUnknown(v)
}
