package site

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/sanitize"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// Foreign is one response as another service or program has kept it. All of it is text
// that strangers may have written.
type Foreign struct {
	Source    string     `json:"source"`              // the page that linked here
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

	places map[string]place // by folded address
	seen   map[uint64]bool  // what would be new, when dry
	seed   maphash.Seed
}

// place is where responses to an address belong.
type place struct {
	page store.Page // without an id when it has no record yet
	at   string     // its canonical address, when the site was asked; "": it was not
	why  string     // there is none
}

// maxImportPlaces bounds how many addresses an import remembers; those before are looked up anew.
const maxImportPlaces = 50_000

// draft is a response on its way in.
type draft struct {
	folded  string
	place   place
	mention store.Mention // without id, page and state
	why     string        // it is left out
	target  string
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
	if im.Dry {
		return done, im.Pages.DB.View(ctx, im.Pages.Site.Key, func(tx *store.Tx) error { return take(tx) })
	}
	err := im.Pages.DB.Update(ctx, im.Pages.Site.Key, take)
	failpoint.Hit("import.took")
	return done, err
}

// draft reads a response and finds the page that it is about.
func (im *Importer) draft(ctx context.Context, f Foreign) draft {
	d := draft{why: f.Skip, target: f.Target}
	target, err := webmention.ParseURL(f.Target)
	if err != nil {
		d.why = orElse(d.why, "its target is no address")
		return d
	}
	folded, ok := im.Pages.Site.Fold(target)
	if !ok {
		d.why = orElse(d.why, "its target is on another site")
		return d
	}
	d.folded, d.target = folded, im.Pages.Site.canonical(target)
	if d.why != "" {
		return d
	}
	source, err := webmention.ParseURL(f.Source)
	switch {
	case err != nil:
		d.why = "its source is no address"
		return d
	case strings.HasPrefix(f.Source, im.Pages.Site.Base):
		d.why = "it was made by this service"
		return d
	}
	if d.place = im.placeOf(ctx, folded, target); d.place.why != "" {
		d.why = d.place.why
		return d
	}
	v := foreignVersion(f, source)
	d.mention = store.Mention{
		Source: oneSpelling(source), Target: target.String(), State: store.Approved, Shown: &v,
		Number: f.Number, Received: parseDate(f.Received, time.UTC),
	}
	d.mention.Public = d.mention.Received
	if f.Waits {
		d.mention.State = store.Pending
	}
	if im.erased(d.mention) {
		d.why = "it was erased here"
	}
	return d
}

func orElse(why, otherwise string) string {
	if why != "" {
		return why
	}
	return otherwise
}

// erased tells whether somebody has had it erased: an old file brings nobody back.
func (im *Importer) erased(m store.Mention) bool {
	db, key := im.Pages.DB, im.Pages.Site.Key
	author := m.Shown.Author.URL
	if u, err := url.Parse(author); err == nil && author != "" {
		for _, identity := range identitiesOf(u) {
			if db.Erased(key, store.Erased{Kind: store.ErasedPerson, Value: identity}) {
				return true
			}
		}
	}
	return db.Erased(key, store.Erased{Kind: store.ErasedSource, Value: m.Source}) ||
		db.Erased(key, store.Erased{Kind: store.ErasedSource, Value: m.Shown.URL})
}

// foreignVersion is what a response says, made harmless.
func foreignVersion(f Foreign, source *url.URL) store.Version {
	v := store.Version{
		Type: f.Type, URL: source.String(), Published: parseDate(f.Published, time.UTC), Imported: true,
		Name: sanitize.Text(f.Name, maxName), Author: harmless(f.Author, source),
	}
	if u, err := webmention.ParseURL(f.URL); err == nil {
		// It may not speak for another host than a source that we had read ourselves.
		own := mf2.Item{Properties: map[string][]any{"url": {u.String()}}}
		v.URL, v.Bridge = ownURL(own, source)
	}
	if f.HTML != "" {
		if v.HTML, v.Text = (sanitize.Options{}).Read(f.HTML, source); !strings.Contains(v.HTML, "<") {
			v.HTML = ""
		}
	} else if strings.TrimSpace(f.Text) != "" {
		_, v.Text = sanitize.Options{}.Read(sanitize.FromPlain(strings.TrimSpace(f.Text)), source)
	}
	if len(v.Text) > longText {
		v.Summary = sanitize.Text(f.Summary, maxSummary)
	}
	v.Type, v.RSVP = foreignType(f, v.Text)
	for _, address := range f.InReplyTo[:min(len(f.InReplyTo), maxAnswers)] {
		if safe := sanitize.URL(address, source); safe != "" && len(safe) <= maxAddress {
			v.InReplyTo = append(v.InReplyTo, safe)
		}
	}
	if sameStart(v.Name, v.Text) {
		v.Name = ""
	}
	v.Digest = digest(v)
	return v
}

// foreignType is the type of a response, and the answer to an invitation.
func foreignType(f Foreign, text string) (typ, rsvp string) {
	rsvp = mf2.Item{Properties: map[string][]any{"rsvp": {f.RSVP}}}.RSVP()
	switch f.Type {
	case "rsvp":
		if rsvp != "" {
			return "rsvp", rsvp
		}
		return "mention", ""
	case "reply", "reaction":
		if mf2.IsEmoji(text) {
			return "reaction", ""
		}
		return "reply", ""
	case "like", "repost", "bookmark", "follow", "tag":
		return f.Type, ""
	}
	return "mention", ""
}

// placeOf finds the page that an address means, asking the site itself when nobody has
// mentioned it yet and its pages are elsewhere.
func (im *Importer) placeOf(ctx context.Context, folded string, target *url.URL) place {
	if p, ok := im.places[folded]; ok {
		return p
	}
	p := place{}
	page, err := im.Mentions.pageFor(ctx, folded, target)
	switch {
	case errors.Is(err, errNoPage):
		p.why = "there is no such page"
	case err != nil:
		p.why = "the page could not be looked up"
	case !page.Found:
		var at *url.URL
		if at, err = im.Pages.locate(ctx, target); errors.Is(err, fs.ErrNotExist) {
			p.why = "there is no such page"
		} else if err != nil {
			p.why = "the site did not answer for the page"
		} else {
			p.at = im.Pages.Site.canonical(at)
		}
	}
	p.page = page
	if im.places == nil || len(im.places) >= maxImportPlaces {
		im.places = map[string]place{}
	}
	im.places[folded] = p
	return p
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
	_, err = tx.MentionFrom(page.ID, d.mention.Source)
	if !errors.Is(err, fs.ErrNotExist) {
		done.Done = DoneKnown
		return done, err
	}
	m := d.mention
	v := *m.Shown
	m.ID, m.Page, m.Shown, m.Checked = store.NewID(tx.Now), page.ID, &v, tx.Now
	if err := im.settle(tx, &m); err != nil {
		return done, err
	}
	done.Done = DoneNew
	return done, tx.PutMention(m)
}

// settle gives a new mention its person, its place and its number. The source counts as
// looked at: it is asked again when the review comes to it.
func (im *Importer) settle(tx *store.Tx, m *store.Mention) error {
	s := im.Pages.Site
	if m.Received.IsZero() || m.Received.After(tx.Now) {
		m.Received = tx.Now
	}
	if err := s.knownPerson(tx, m); err != nil {
		return err
	}
	if m.State == store.Pending {
		m.Why = whyUnknown(m.Shown)
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
	if page.ID != "" {
		_, err := tx.MentionFrom(page.ID, d.mention.Source)
		if err == nil {
			done.Done = DoneKnown
			return done, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return done, err
		}
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
