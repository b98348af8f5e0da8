package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"tertulia/store"
)

// What there is to tell is found by looking: at the changes and decisions since the last look,
// at what waits now, at the jobs that are given up now. So telling costs the commit of a mention
// nothing. What was found becomes notices in one transaction with how far the look came, with the
// letters that are due and the jobs that send them; each is told at least once.

// The kinds of what an owner may be told. A hook that is told of what is public is also told
// when it changes and goes.
const (
	KindWaiting    = "waiting"    // a mention waits for a decision
	KindUnanswered = "unanswered" // a mention has waited for an answer for long
	KindPublic     = "public"     // readers see a new response
	KindTrouble    = "trouble"    // a job was given up, or a copy wants its owner
	KindAccess     = "access"     // somebody signed in with a new browser, or was let in by another way

	kindEdited = "edited"
	kindGone   = "gone"
	kindTest   = "test"
)

// Kinds are what an owner may be told, in the order in which it is shown.
func Kinds() []string {
	return []string{KindWaiting, KindUnanswered, KindPublic, KindTrouble, KindAccess}
}

// Mode is how a kind is told by mail.
type Mode string

// Off is not at all, Now is at once but for no more than a few mails an hour, Digest is together
// with all else once a day or a week.
const (
	Off    Mode = "off"
	Now    Mode = "now"
	Digest Mode = "digest"

	modeTest = "test"
)

// Telling is what the owner of a site is told by mail, and when. The zero value tells nothing.
type Telling struct {
	To     string          // mail address; "": nothing is told by mail
	How    map[string]Mode // by kind; a kind that is missing is off
	Weekly bool            // digests come once a week, on Day; else every day
	Day    time.Weekday
	Hour   int // of the day, in Zone
	Minute int
	Zone   *time.Location // nil is UTC

	Patience time.Duration // how long an answer may take before it is told that there is none
}

// Next is when the first digest after a time is due: at the hour as the clocks of the zone show it.
// An hour that a change of the clocks leaves out comes as much later.
func (t Telling) Next(after time.Time) time.Time {
	zone := t.In()
	local := after.In(zone)
	for i := 0; ; i++ {
		at := time.Date(local.Year(), local.Month(), local.Day()+i, t.Hour, t.Minute, 0, 0, zone)
		if at.After(after) && (!t.Weekly || at.Weekday() == t.Day) {
			return at
		}
	}
}

// In is the time zone of the owner.
func (t Telling) In() *time.Location { return cmp.Or(t.Zone, time.UTC) }

// in are the kinds that are told in a mode, in order.
func (t Telling) in(mode Mode) []string {
	if t.To == "" {
		return nil
	}
	return slices.DeleteFunc(Kinds(), func(kind string) bool { return t.How[kind] != mode })
}

const (
	mostWaiting = 1000 // of what waits, the latest so many are told apart
	mostChanges = 1000 // that one look goes through
	mostParked  = 100
	mostNow     = 6 // mails an hour that do not wait for a digest
	newBrowser  = ", in a new browser"
)

// accessActions are the decisions of the audit that let somebody in.
var accessActions = []string{"let in", "make token", "add passkey", "set passphrase", "make feed", "make hook"}

// Notice looks at each site for what there is to tell, and promises that it is told. It is called
// every few seconds, and writes nothing when there is nothing new. While a restored service waits
// for its owner nothing is noticed.
func (j *Jobs) Notice(ctx context.Context) error {
	_, paused, err := j.DB.Paused()
	if err != nil || paused {
		return err
	}
	for _, s := range j.Sites {
		for more := true; more; {
			if more, err = j.notice(ctx, s); err != nil {
				return fmt.Errorf("notice what there is to tell of %s: %w", s.Me(), err)
			}
		}
	}
	return nil
}

// notice is one look at a site; more says that it has not seen everything.
func (j *Jobs) notice(ctx context.Context, s *Site) (more bool, err error) {
	fresh := false
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		l, err := s.lookAround(tx)
		fresh = l.fresh
		return err
	})
	if err != nil || !fresh {
		return false, err
	}
	err = j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		l, err := s.lookAround(tx)
		more = l.more
		return cmp.Or(err, l.keep(tx))
	})
	return more, err
}

// lookout is one look: what it has found, and what is to be written of that.
type lookout struct {
	site    *Site
	state   store.NoticeState
	hooks   []store.Hook
	found   []store.Notice // Kind and Ref
	letters []store.Letter
	fresh   bool // something is to be written
	more    bool
}

// lookAround looks at what there is to tell, and writes nothing.
func (s *Site) lookAround(tx *store.Tx) (l lookout, err error) {
	l.site = s
	if l.hooks, err = tx.Hooks(); err != nil {
		return l, err
	}
	if len(l.hooks) == 0 && s.Tell.To == "" {
		return l, nil
	}
	l.state, err = tx.NoticeState()
	if errors.Is(err, fs.ErrNotExist) {
		l.state, l.fresh, err = store.NoticeState{Changes: tx.LastChange(), Audit: tx.LastDecision(), Digest: tx.Now}, true, nil
	}
	if err != nil {
		return l, err
	}
	l.state.Mailed = maps.Clone(l.state.Mailed)
	l.changes(tx)
	l.waiting(tx)
	l.unanswered(tx)
	l.parked(tx)
	if err := l.copies(tx); err != nil {
		return l, err
	}
	l.decisions(tx)
	return l, l.compose(tx)
}

// wants tells whether a kind is told to anybody.
func (l *lookout) wants(kind string) bool {
	byMail := l.site.Tell.To != "" && (l.site.Tell.How[kind] == Now || l.site.Tell.How[kind] == Digest)
	return byMail || slices.ContainsFunc(l.hooks, func(h store.Hook) bool { return told(h, kind) })
}

// told tells whether a hook is told of a kind of notices.
func told(h store.Hook, kind string) bool {
	if kind == kindEdited || kind == kindGone {
		kind = KindPublic
	}
	return slices.Contains(h.Kinds, kind)
}

func (l *lookout) find(kind, ref string, number uint64) {
	if l.wants(kind) {
		l.found, l.fresh = append(l.found, store.Notice{Kind: kind, Ref: ref, WMID: number}), true
	}
}

// changes finds what readers see since the last look. What an import brought is no news.
func (l *lookout) changes(tx *store.Tx) {
	some := tx.Changes(l.state.Changes, mostChanges)
	l.more = len(some) == mostChanges
	for _, c := range some {
		l.state.Changes, l.fresh = c.Number, true
		m, err := tx.Mention(c.Mention)
		number := m.Number
		if err != nil || m.ID != c.Mention {
			number = tx.GoneNumber(c.Mention, c.At)
		}
		switch {
		case c.Mention == "":
		case !c.Public:
			l.find(kindGone, c.Mention, number)
		case err != nil || m.Shown != nil && m.Shown.Imported:
		case m.Number == c.Number:
			l.find(KindPublic, c.Mention, number)
		default:
			l.find(kindEdited, c.Mention, number)
		}
	}
}

// waiting finds what waits now and did not at the last look. It reads no mention.
func (l *lookout) waiting(tx *store.Tx) {
	var ids []string
	if l.wants(KindWaiting) {
		ids = tx.IDsIn(store.Pending, mostWaiting)
	}
	l.state.Waiting = l.compare(KindWaiting, ids, l.state.Waiting, strings.Clone)
}

// parked finds jobs that are given up. The letters' own are shown with them: no mail tells of a
// mail that cannot be sent.
func (l *lookout) parked(tx *store.Tx) {
	var ids []string
	if l.wants(KindTrouble) {
		for _, job := range tx.JobsParked(mostParked) {
			if job.Kind != jobMail && job.Kind != jobHook {
				ids = append(ids, job.ID+" "+job.Parked.Format(time.RFC3339Nano))
			}
		}
	}
	l.state.Parked = l.compare(KindTrouble, ids, l.state.Parked, func(id string) string {
		id, _, _ = strings.Cut(id, " ")
		return id
	})
}

// compare finds what is there now and was not before; the last comes first in now.
func (l *lookout) compare(kind string, now, before []string, ref func(string) string) []string {
	if slices.Equal(now, before) {
		return before
	}
	l.fresh = true
	known := map[string]bool{}
	for _, id := range before {
		known[id] = true
	}
	for _, id := range slices.Backward(now) {
		if !known[id] {
			l.find(kind, ref(id), 0)
		}
	}
	return now
}

// decisions finds what has let somebody in.
func (l *lookout) decisions(tx *store.Tx) {
	var found []string
	last := l.state.Audit
	tx.DecisionsFrom(l.state.Audit, func(d store.Decision) bool {
		last = max(last, d.ID)
		if slices.Contains(accessActions, d.Action) || d.Action == "sign in" && strings.HasSuffix(d.Note, newBrowser) {
			found = append(found, d.ID)
		}
		return len(found) < mostParked
	})
	if last != l.state.Audit {
		l.state.Audit, l.fresh = last, true
	}
	for _, id := range slices.Backward(found) {
		l.find(KindAccess, id, 0)
	}
}

// keep writes what was found, and promises that it is told.
func (l *lookout) keep(tx *store.Tx) error {
	if !l.fresh {
		return nil
	}
	from := l.state.Last - uint64(len(l.found)) // the letters have counted them already
	l.state.Last = from
	for _, n := range l.found {
		if err := tx.AddNotice(&l.state, n); err != nil {
			return err
		}
	}
	for _, letter := range l.letters {
		if err := cmp.Or(tx.PutLetter(letter), tx.Enqueue(mailJob(letter.ID))); err != nil {
			return err
		}
	}
	for _, h := range l.hooks {
		if slices.ContainsFunc(l.found, func(n store.Notice) bool { return told(h, n.Kind) }) {
			if err := wakeHook(tx, h); err != nil {
				return err
			}
		}
	}
	return tx.PutNoticeState(l.state)
}
