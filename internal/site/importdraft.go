package site

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"tertulia/internal/sanitize"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// draft is a response on its way in.
type draft struct {
	folded  string
	place   importPlace
	mention store.Mention // without id, page and state
	why     string        // it is left out
	target  string
}

// importPlace is where responses to an address belong.
type importPlace struct {
	page store.Page // without an id when it has no record yet
	at   string     // its canonical address, when the site was asked; "": it was not
	why  string     // there is none
}

// maxImportPlaces bounds how many addresses an import remembers; those before are looked up anew.
const maxImportPlaces = 50_000

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
	if d.place = im.placeOf(ctx, folded, target); d.place.why != "" {
		d.why = d.place.why
		return d
	}
	if d.mention, d.why = im.mention(f, folded, target); d.why != "" {
		return d
	}
	d.mention.Received = parseDate(f.Received, time.UTC)
	d.mention.Number, d.mention.Public = f.Number, d.mention.Received
	if d.mention.State = store.Approved; f.Waits {
		d.mention.State = store.Pending
	}
	if im.erased(d.mention) {
		d.why = erasedHere
	}
	return d
}

// mention is a response as a mention: a Webmention with its true source, or a comment, which
// has its permalink here. One that was written here comes back as what it was.
func (im *Importer) mention(f Foreign, folded string, target *url.URL) (m store.Mention, why string) {
	s := im.Pages.Site
	if f.Answers != "" {
		at := *target
		at.Fragment = anchors[0] + im.commentID(folded, f.Answers)
		target = &at
	}
	id, here := strings.CutPrefix(f.Source, s.Endpoint("comment/"))
	if here = here && isID(id); !here {
		id = ""
		if f.Comment != "" {
			id = im.commentID(folded, f.Comment)
		}
	}
	if here || f.Source == "" && id != "" {
		m = store.Mention{ID: id, Kind: store.Comment, Source: s.Endpoint("comment/" + id), Target: target.String()}
		// Its links begin at its page, whatever address it has itself.
		v := foreignVersion(f, target)
		v.URL = m.Source
		v.Author.Name = sanitize.Text(f.Author.Name, maxName)
		v.Digest = digest(v)
		m.Shown = &v
		return m, ""
	}
	source, err := webmention.ParseURL(f.Source)
	if err != nil {
		return m, "its source is no address"
	}
	if strings.HasPrefix(f.Source, s.Base) {
		return m, "it was made by this service"
	}
	v := foreignVersion(f, source)
	return store.Mention{ID: id, Source: oneSpelling(source), Target: target.String(), Shown: &v}, ""
}

// commentID is the id of a comment from elsewhere. It follows from what it is called there and
// from its page, so that it is the same each time, and so that an answer finds it in whatever order
// they come; of two blogs that become one, both have a comment 1.
func (im *Importer) commentID(page, name string) string {
	sum := sha256.Sum256([]byte(im.Pages.Site.Key + "\x00" + im.From + "\x00" + page + "\x00" + name))
	return store.DerivedID(sum)
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
	} else if v.Text = plainText(f.Text); len(v.Text) > MaxCommentText { // the bounds are those of HTML
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
func (im *Importer) placeOf(ctx context.Context, folded string, target *url.URL) importPlace {
	if p, ok := im.places[folded]; ok {
		return p
	}
	p := importPlace{}
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
		im.places = map[string]importPlace{}
	}
	im.places[folded] = p
	return p
}
