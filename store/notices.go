package store

import (
	"time"
)

// Notice is something that the owner may want to be told of, in the order in which it was
// noticed. It names what it is about and says nothing of it: that is read when it is told, so
// that what was taken back or erased meanwhile is told to nobody.
type Notice struct {
	Number uint64    `json:"number"`
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"` // waiting, unanswered, public, edited, gone, trouble, access
	Ref    string    `json:"ref"`  // id of the mention, of the job, or of the decision; "copy POST TARGET"
	WMID   uint64    `json:"wm_id,omitempty"`
}

// NoticeState is how far a site has been looked through for what there is to tell, and what was
// told by mail. There is one to a site.
type NoticeState struct {
	Last    uint64   `json:"last"`              // number of the newest notice, which may have been forgotten
	Changes uint64   `json:"changes"`           // every change up to this one was looked at
	Audit   string   `json:"audit,omitempty"`   // id of the last decision that was
	Waiting []string `json:"waiting,omitempty"` // ids of the mentions that waited at the last look
	Parked  []string `json:"parked,omitempty"`  // ids of the jobs that were parked
	Open    []string `json:"open,omitempty"`    // ids of the mentions that had waited too long for an answer
	Copies  []string `json:"copies,omitempty"`  // the copies that wanted the owner: refs of notices, and why

	Mailed map[string]uint64 `json:"mailed,omitempty"` // of each kind that is told by mail, up to which notice it was
	Sent   []time.Time       `json:"sent,omitempty"`   // when the last mails were made that are not to wait
	Digest time.Time         `json:"digest,omitzero"`  // up to when digests were made
}

// Letter is a mail to the owner: what it is about. Its text is made when it is sent. Its ID
// makes its Message-ID, the same at every attempt.
type Letter struct {
	ID     string       `json:"id"`
	Mode   string       `json:"mode"` // now, digest, test
	Made   time.Time    `json:"made"`
	Parts  []LetterPart `json:"parts,omitempty"`
	Sent   time.Time    `json:"sent,omitzero"`   // the server has taken it, or there was nothing left to say
	Empty  bool         `json:"empty,omitempty"` // nothing was left to say
	Failed time.Time    `json:"failed,omitzero"` // it was given up
	Error  string       `json:"error,omitempty"` // of the last attempt
}

// Done tells whether nothing more happens to the letter by itself.
func (l Letter) Done() bool { return !l.Sent.IsZero() || !l.Failed.IsZero() }

// LetterPart is one kind of notices in a letter: those after a number up to another.
type LetterPart struct {
	Kind  string `json:"kind"`
	After uint64 `json:"after"`
	UpTo  uint64 `json:"up_to"`
}

// FeedKey lets its holder read the private feed of somebody who looks after the site, and
// nothing else. Each person has one.
type FeedKey struct {
	Me   string    `json:"me"`
	Hash string    `json:"hash"` // SHA-256 of the secret in the feed's address
	Made time.Time `json:"made"`
}

const feedKeysHash = "feed_keys_hash" // hash → me

var (
	notices = table[Notice]{
		name: "notices", kind: "notice", version: 1,
		key: func(n *Notice) string { return numberPart(n.Number) },
	}
	noticeStates = table[NoticeState]{
		name: "notice_state", kind: "noticestate", version: 1,
		key: func(*NoticeState) string { return "now" },
	}
	letters = table[Letter]{
		name: "letters", kind: "letter", version: 1,
		key: func(l *Letter) string { return l.ID },
	}
	feedKeys = table[FeedKey]{
		name: "feed_keys", kind: "feedkey", version: 1,
		key:     func(f *FeedKey) string { return f.Me },
		indexes: func(f *FeedKey) []indexEntry { return []indexEntry{{feedKeysHash, f.Hash}} },
	}
)

// NoticeState reads how far a site was looked through; fs.ErrNotExist before the first look.
func (tx *Tx) NoticeState() (NoticeState, error) { return noticeStates.get(tx, "now") }

// PutNoticeState writes it.
func (tx *Tx) PutNoticeState(s NoticeState) error { return noticeStates.put(tx, s) }

// maxNotices is how many notices are kept: who has not read them by then reads the pages.
const maxNotices = 5000

// AddNotice appends a notice to those that a state has counted, and forgets old ones.
func (tx *Tx) AddNotice(s *NoticeState, n Notice) error {
	s.Last++
	n.Number, n.At = s.Last, tx.Now
	if err := notices.put(tx, n); err != nil || s.Last <= maxNotices {
		return err
	}
	var over []string
	pre := prefix(tx.Site, notices.name)
	for k := range tx.r.scan(pre, nil, false) {
		at := string(k[len(pre):])
		if len(over) == 2 || at > numberPart(s.Last-maxNotices) {
			break
		}
		over = append(over, at)
	}
	for _, k := range over {
		if err := notices.delete(tx, k); err != nil {
			return err
		}
	}
	return nil
}

// Notices lists at most limit notices after a number, in order; keep may be nil.
func (tx *Tx) Notices(after uint64, limit int, keep func(*Notice) bool) []Notice {
	return listNumbered(tx, &notices, after, limit, keep)
}

// Changes lists at most limit changes after a number, in order.
func (tx *Tx) Changes(after uint64, limit int) []Change {
	return listNumbered(tx, &changes, after, limit, nil)
}

// listNumbered lists records whose key is their number. A damaged one is passed over.
func listNumbered[T any](tx *Tx, t *table[T], after uint64, limit int, keep func(*T) bool) []T {
	var found []T
	pre := prefix(tx.Site, t.name)
	for k, v := range tx.r.scan(pre, key(tx.Site, t.name, numberPart(after+1)), false) {
		if len(found) == limit {
			break
		}
		rec, err := t.decode(k, string(k[len(pre):]), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		if keep == nil || keep(rec) {
			found = append(found, *rec)
		}
	}
	return found
}

// IDsIn lists the ids of the mentions in a state, the last that came first, without reading them: at
// most so many.
func (tx *Tx) IDsIn(state State, limit int) []string {
	var ids []string
	for _, id := range tx.r.scan(prefix(tx.Site, mentionsState, string(state)), nil, true) {
		if len(ids) == limit {
			break
		}
		ids = append(ids, string(id))
	}
	return ids
}

// JobsParked lists at most limit of the site's jobs that were given up.
func (tx *Tx) JobsParked(limit int) []Job {
	var found []Job
	for _, id := range tx.r.scan(prefix("", jobsParked), nil, false) {
		if len(found) == limit {
			break
		}
		j, err := jobs.get(tx, string(id))
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		if j.Site == tx.Site {
			found = append(found, j)
		}
	}
	return found
}

// LastDecision is the id of the newest decision, "" when there is none.
func (tx *Tx) LastDecision() (id string) {
	tx.DecisionsFrom("", func(d Decision) bool {
		id = d.ID
		return false
	})
	return id
}

// Letter reads a letter.
func (tx *Tx) Letter(id string) (Letter, error) { return letters.get(tx, id) }

// PutLetter writes a letter.
func (tx *Tx) PutLetter(l Letter) error { return letters.put(tx, l) }

// DropLetter forgets a letter; one that is not there is fine.
func (tx *Tx) DropLetter(id string) error { return dropIfThere(tx, &letters, id) }

// Letters lists the letters that are kept, oldest first.
func (tx *Tx) Letters() ([]Letter, error) { return letters.all(tx, nil) }

// FeedKey reads the key of a person; fs.ErrNotExist when there is none.
func (tx *Tx) FeedKey(me string) (FeedKey, error) { return feedKeys.get(tx, me) }

// FeedKeyBy reads the key with a hash.
func (tx *Tx) FeedKeyBy(hash string) (FeedKey, error) { return feedKeys.lookup(tx, feedKeysHash, hash) }

// PutFeedKey writes the key of a person, in the place of the one that they had.
func (tx *Tx) PutFeedKey(f FeedKey) error { return feedKeys.put(tx, f) }

// DropFeedKey takes a person's key away; none is fine.
func (tx *Tx) DropFeedKey(me string) error { return dropIfThere(tx, &feedKeys, me) }

// GoneNumber is the wm-id that a mention had which readers see no more, by its id and by when
// it went; 0 when that is not known.
func (tx *Tx) GoneNumber(id string, at time.Time) uint64 {
	for g := range tx.Gone(at.Add(-time.Microsecond), false) {
		if g.At.After(at) {
			break
		}
		if tx.GoneMention(g.Number) == id {
			return g.Number
		}
	}
	return 0
}
