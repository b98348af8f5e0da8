package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"net/url"
	"time"

	"tertulia/mf2"
	"tertulia/store"
)

// Foreign is one response as another service or program has kept it. All of it is text
// that strangers may have written.
type Foreign struct {
	Source    string     `json:"source,omitempty"`    // the page that linked here; "" of a comment
	Comment   string     `json:"comment,omitempty"`   // what it is called where it comes from, such as "12"; "": it has no name that others answer
	Answers   string     `json:"answers,omitempty"`   // and what that is called which it answers; "": the page
	Target    string     `json:"target"`              // the page of ours, fragment included
	Number    uint64     `json:"number,omitempty"`    // wm-id there; 0: it has none
	Received  string     `json:"received,omitempty"`  // RFC 3339, as the next
	Published string     `json:"published,omitempty"` // "": nobody knows
	Type      string     `json:"type"`                // as of Response; what is none of these is a mention
	RSVP      string     `json:"rsvp,omitempty"`
	Waits     bool       `json:"waits,omitempty"` // it was not approved there
	Skip      string     `json:"skip,omitempty"`  // why it is not to be had, such as "spam"; "": it is
	Author    mf2.Author `json:"author"`
	URL       string     `json:"url,omitempty"`
	Name      string     `json:"name,omitempty"`
	HTML      string     `json:"html,omitempty"`
	Text      string     `json:"text,omitempty"` // read when there is no HTML
	Summary   string     `json:"summary,omitempty"`
	InReplyTo []string   `json:"in_reply_to,omitempty"` // what it answers besides the page
}

// Imported is what has become of one Foreign.
type Imported struct {
	Page string // canonical; the target as it was given when it is no page of ours
	Done Done
	Why  string // it was skipped
}

// Done says what was done with a response from elsewhere.
type Done string

// A response is new, was known already in whatever state, or is left out.
const (
	DoneNew     Done = "new"
	DoneKnown   Done = "known"
	DoneSkipped Done = "skipped"
)

// Importer takes in what others have kept. What is known here already stays as it is, with
// what was decided about it, so that the same may come as often as it likes. It serves
// one import, and one caller at a time.
type Importer struct {
	Mentions *Mentions
	Pages    *Pages
	From     string // whose it was, for the history
	Dry      bool   // nothing is written

	places map[string]importPlace // by folded address
	seen   map[uint64]bool        // what would be new, when dry
	seed   maphash.Seed
}

// Take takes in some responses with one transaction, and says what became of each. The
// site itself is asked about pages that nobody has mentioned yet; when it does not answer they are
// skipped, and taken in with the next import. A Take that was broken off has
// done nothing.
func (im *Importer) Take(ctx context.Context, some []Foreign) ([]Imported, error) {
	drafts := make([]draft, len(some))
	for i, f := range some {
		drafts[i] = im.draft(ctx, f)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	var done []Imported
	take := func(tx *store.Tx) error {
		done = done[:0]
		fresh := false
		for _, d := range drafts {
			one, err := im.take(tx, d)
			if err != nil {
				return fmt.Errorf("take in %s: %w", d.mention.Source, err)
			}
			done, fresh = append(done, one), fresh || one.Done == DoneNew
		}
		if im.Dry || !fresh || im.Pages.Site.Uploads == "" {
			return nil
		}
		return tx.Enqueue(facesJob(im.Pages.Site, ""))
	}
	do := im.Pages.DB.Update
	if im.Dry {
		do = im.Pages.DB.View
	}
	return done, do(ctx, im.Pages.Site.Key, take)
}

// take writes one response down.
func (im *Importer) take(tx *store.Tx, d draft) (Imported, error) {
	done := Imported{Page: d.target, Done: DoneSkipped, Why: d.why}
	if d.why != "" {
		return done, nil
	}
	if im.Dry {
		return im.would(tx, d, done)
	}
	page, err := keepPage(tx, d.place.page, d.folded)
	if err == nil && d.place.at != "" && !page.Found {
		page, err = im.Pages.Site.refile(tx, page, d.place.at)
	}
	if err != nil {
		return done, err
	}
	done.Page = page.URL
	if known, err := isKnown(tx, page, d.mention); known || err != nil {
		done.Done = DoneKnown
		return done, err
	}
	m := d.mention
	v := *m.Shown
	m.ID, m.Page, m.Shown, m.Checked = cmp.Or(m.ID, store.NewID(tx.Now)), page.ID, &v, tx.Now
	err = im.settle(tx, &m)
	if err == nil {
		err = tx.PutMention(m)
	}
	if errors.Is(err, store.ErrErased) { // since it was looked for
		done.Why = erasedHere
		return done, nil
	}
	done.Done = DoneNew
	return done, err
}

const erasedHere = "it was erased here"

// isKnown tells whether a response is here already, in whatever state.
func isKnown(tx *store.Tx, page store.Page, m store.Mention) (bool, error) {
	var err error
	if m.ID != "" {
		if _, err = tx.Mention(m.ID); err == nil {
			return true, nil
		}
	}
	if page.ID != "" && errors.Is(cmp.Or(err, fs.ErrNotExist), fs.ErrNotExist) {
		if _, err = tx.MentionFrom(page.ID, m.Source); err == nil {
			return true, nil
		}
	}
	return false, ignore(err, fs.ErrNotExist)
}

// settle gives a new mention its person, its place and its number. The source counts as
// looked at: it is asked again when the review comes to it.
func (im *Importer) settle(tx *store.Tx, m *store.Mention) error {
	s := im.Pages.Site
	if m.Received.IsZero() || m.Received.After(tx.Now) {
		m.Received = tx.Now
	}
	if m.Kind == store.Webmention { // of a comment anybody may have typed the address
		if err := s.knownPerson(tx, m); err != nil {
			return err
		}
	}
	if m.State == store.Pending {
		if m.Why = whyUnknown(m.Shown); m.Kind == store.Comment {
			m.Why = WhyComment
		}
	}
	m.History = []store.Event{{At: tx.Now, Stage: "imported", Note: "from " + im.From}}
	if err := s.standFor(tx, m); err != nil {
		return err
	}
	if err := s.place(tx, m); err != nil {
		return err
	}
	number, public := m.Number, m.Public
	m.Number, m.Public = 0, time.Time{}
	if m.State == store.Approved {
		m.Number, m.Public = tx.Keepable(number, public)
	}
	if !m.Public.Equal(public) && m.Shown.Published.IsZero() {
		// Readers would take the day of the import for the day on which it was said.
		m.Shown.Published = public
		m.Shown.Digest = digest(*m.Shown)
	}
	return nil
}

// would says what take would do, and writes nothing.
func (im *Importer) would(tx *store.Tx, d draft, done Imported) (Imported, error) {
	page := d.place.page
	if d.place.at != "" {
		done.Page = d.place.at
	} else if page.URL != "" {
		done.Page = page.URL
	}
	if u, err := url.Parse(done.Page); err == nil && page.ID == "" {
		if folded, ok := im.Pages.Site.Fold(u); ok {
			if known, err := tx.PageAt(folded); err == nil {
				page, done.Page = known, known.URL
			}
		}
	}
	done.Done = DoneNew
	if known, err := isKnown(tx, page, d.mention); known || err != nil {
		done.Done = DoneKnown
		return done, err
	}
	if im.seen == nil {
		im.seen, im.seed = map[uint64]bool{}, maphash.MakeSeed()
	}
	if id := maphash.String(im.seed, done.Page+"\x00"+d.mention.Source); im.seen[id] {
		done.Done = DoneKnown
	} else {
		im.seen[id] = true
	}
	return done, nil
}

// knownPerson finds or makes the person behind what another service has read, where the
// addresses alone confirm who that is. What is known of somebody already stays as it is.
func (s *Site) knownPerson(tx *store.Tx, m *store.Mention) error {
	source, err := url.Parse(m.Source)
	if err != nil {
		return err
	}
	v := m.Shown
	profile, err := url.Parse(v.Author.URL)
	if err != nil || v.Author.URL == "" || knownIn(tx, source, profile).needs(source, profile) != proven {
		return nil
	}
	identities := identitiesOf(profile)
	for _, identity := range identities {
		p, err := tx.PersonBy(identity)
		if err == nil {
			v.Person = p.ID
			return nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	l := look{site: s, by: claim{identities: identities, profile: v.Author.URL}}
	return l.author(tx, m, v)
}
