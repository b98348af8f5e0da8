package site

import (
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"tertulia/store"
)

// hookBody is the body of a delivery: that of webmention.io for what readers see (READ-API 6), and
// beyond that event, site and at in all of them, wm-id where a mention has one, and for other kinds
// of events what they are about. It is made from what holds now; nil when there is nothing to tell:
// what was public and has gone again meanwhile, for which another notice is under way.
//
//	{"secret":…,"source":…,"target":…,"private":false,"post":{jf2},"event":"public","wm-id":900,…}
//	{"secret":…,"source":…,"target":…,"private":false,"deleted":true,"event":"gone","wm-id":900,…}
//	{"secret":…,"source":…,"target":…,"private":true,"event":"waiting","link":…,…}
//	{"secret":…,"source":…,"target":…,"private":false,"event":"unanswered","link":…,…}
//	{"secret":…,"event":"trouble","copy":{"post":…,"account":…,"state":…,"note":…},…}
//	{"secret":…,"event":"trouble","job":{"kind":…,"key":…,"error":…},…}
//	{"secret":…,"event":"access","access":{"action":…,"by":…,"note":…},…}
//
// A client that knows webmention.io's hooks keeps what has a post and forgets what is deleted. What
// waits has neither, so that nobody publishes it, and what is unanswered was told before.
type hookBody struct {
	Secret  string      `json:"secret"`
	Source  *string     `json:"source,omitempty"`
	Target  *string     `json:"target,omitempty"`
	Private *bool       `json:"private,omitempty"`
	Post    *JF2Entry   `json:"post,omitempty"`
	Deleted bool        `json:"deleted,omitempty"`
	Event   string      `json:"event"` // public, edited, gone, waiting, unanswered, trouble, access, test
	Site    string      `json:"site"`
	At      time.Time   `json:"at"`
	WMID    uint64      `json:"wm-id,omitempty"`
	Link    string      `json:"link,omitempty"` // where the owner decides
	Job     *hookJobs   `json:"job,omitempty"`
	Copy    *hookCopy   `json:"copy,omitempty"`
	Access  *hookAccess `json:"access,omitempty"`
}

type hookCopy struct {
	Post    string          `json:"post"`
	Account string          `json:"account"` // its uid
	State   store.CopyState `json:"state"`
	Note    string          `json:"note"`
}

type hookJobs struct {
	Kind  string `json:"kind"`
	Key   string `json:"key"`
	Error string `json:"error"`
}

type hookAccess struct {
	Action string `json:"action"`
	By     string `json:"by"`
	Note   string `json:"note"`
}

// hookBody makes the body of a delivery.
func (s *Site) hookBody(tx *store.Tx, h store.Hook, d store.Delivery) ([]byte, error) {
	b := &hookBody{Secret: h.Secret, Event: d.Kind, Site: s.Me(), At: d.At.UTC(), WMID: d.WMID}
	var holds bool
	var err error
	switch d.Kind {
	case KindPublic, kindEdited:
		holds, err = b.public(tx, s, d.Ref)
	case kindGone:
		holds, err = b.gone(tx, s, d)
	case KindWaiting:
		holds, err = b.waiting(tx, s, d.Ref)
	case KindUnanswered:
		holds, err = b.unanswered(tx, s, d.Ref)
	case KindTrouble:
		holds = b.trouble(tx, d.Ref)
	case KindAccess:
		var decision store.Decision
		if decision, err = tx.Decision(d.Ref); err == nil {
			b.Access, holds = &hookAccess{decision.Action, decision.By, decision.Note}, true
		}
	case kindTest:
		b.about(s.Endpoint("admin/notices"), s.Me(), true)
		holds = true
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) || !holds {
		return nil, ignore(err, fs.ErrNotExist)
	}
	return json.Marshal(b)
}

// about names what the hook is told of.
func (b *hookBody) about(source, target string, private bool) {
	b.Source, b.Target, b.Private = &source, &target, &private
}

func (b *hookBody) post(e JF2Entry) {
	b.about(e.WMSource, e.WMTarget, false)
	b.Post, b.WMID = &e, e.WMID
}

// public tells of a mention as readers see it.
func (b *hookBody) public(tx *store.Tx, s *Site, id string) (bool, error) {
	m, err := tx.Mention(id)
	if err != nil || !m.IsPublic() {
		return false, err
	}
	l := (&Conversation{Site: s}).listing(tx)
	r, shown := l.response(store.Place{ID: m.ID, Page: m.Page})
	if shown {
		b.post(r.JF2())
	}
	return shown, l.err
}

// gone tells that readers see a mention no more. Of one that was erased there is but its number.
func (b *hookBody) gone(tx *store.Tx, s *Site, d store.Delivery) (bool, error) {
	m, err := tx.Mention(d.Ref)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	kept := err == nil && m.ID == d.Ref
	if kept && m.IsPublic() {
		return false, nil
	}
	b.Deleted = true
	if !kept {
		b.about("", "", false)
		return b.WMID > 0, nil
	}
	source, target := s.was(tx, &m)
	b.about(source, target, false)
	return true, nil
}

// waiting tells that a mention waits: who looks at it finds what it says behind the link.
func (b *hookBody) waiting(tx *store.Tx, s *Site, id string) (bool, error) {
	m, err := tx.Mention(id)
	if err != nil || m.State != store.Pending && m.Held == nil {
		return false, err
	}
	b.about(s.sourceOf(&m), m.Target, true)
	b.Link = s.MentionPage(m.ID)
	return true, nil
}

// trouble tells of a job that was given up, or of a copy that wants its owner.
func (b *hookBody) trouble(tx *store.Tx, ref string) bool {
	for _, job := range tx.JobsParked(mostParked) {
		if job.ID == ref {
			b.Job = &hookJobs{job.Kind, job.Key, job.Error}
			return true
		}
	}
	c, ok := copyOf(tx, ref)
	if ok {
		b.Copy = &hookCopy{c.Post, c.Target, c.State, c.Note}
	}
	return ok
}

// unanswered tells that a mention has waited for an answer for long.
func (b *hookBody) unanswered(tx *store.Tx, s *Site, id string) (bool, error) {
	m, err := tx.Mention(id)
	if err != nil || !open(&m) {
		return false, err
	}
	b.about(s.sourceOf(&m), m.Target, false)
	b.Link = s.MentionPage(m.ID)
	return true, nil
}
