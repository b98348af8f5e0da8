package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"tertulia/internal/sanitize"
	"tertulia/mf2"
	"tertulia/store"
)

// Conversation is what readers and the owner are shown of a site's mentions.
type Conversation struct {
	Site *Site
	DB   *store.DB
}

// Page is the conversation of one page: public mentions only, in order of arrival.
type Page struct {
	URL       string // canonical
	Title     string // of the post; "" when it has none or the page is no post
	Revision  uint64 // grows with each change of what is public; 0: nothing yet
	Changed   time.Time
	Counts    map[string]int // reply, reaction, like, repost, bookmark, follow, tag, mention, rsvp-yes, …
	Responses []Response
	More      bool // there are more than these
	Gone      bool // the page was a post that the owner has deleted
}

// Response is one mention as readers see it.
type Response struct {
	ID        string
	Type      string // reply, reaction, like, repost, bookmark, follow, tag, rsvp, mention
	RSVP      string
	Author    mf2.Author // its Photo is on our own host, or ""
	URL       string     // where readers are led
	Source    string     // the page that linked here
	Host      string     // of the source: who really says so
	Comment   bool       // it was written here: Source is its permalink
	Own       bool       // it is a post of the site's: an answer of the owner's
	Bridge    string     // the host that has brought it from the network that URL is on; "": nobody has
	Target    string     // as it was linked
	InReplyTo []string   // what it answers besides the page: other pages, other responses
	Parent    string     // id of the response that it answers, if that is shown too; only in a Page of Of
	Name      string
	HTML      string // sanitised
	Text      string
	Excerpt   string // of a long text, its summary or how it begins; "" where all of it is to be shown
	Language  string
	Published time.Time // zero when the source does not say
	Edited    time.Time // when it was seen to say something else than before; zero: never
	Number    uint64    // wm-id
	Received  time.Time // wm-received: when it became public
	Counted   bool      // it counts, and nothing else of it is shown but ID, Type, RSVP, Number and Received; no Page of Of has it

	plain  bool     // there was no markup; HTML is made from Text
	folded []string // ids of the mentions that have become this one: anchors elsewhere may name them
	veiled veiled
}

// A text that is longer is shown by its beginning, in bytes (SPECS MF-16).
const (
	longText    = 4096
	excerptText = 800
)

// maxShown bounds what one page shows.
const maxShown = 1000

// Of reads the conversation of a page by any of its addresses, the first 1,000
// responses of it; fs.ErrNotExist when it is no page of the site that we know.
func (c *Conversation) Of(ctx context.Context, address string) (Page, error) {
	return c.some(ctx, address, store.Range{Limit: maxShown})
}

// Latest is [Conversation.Of] with the last 1,000 responses, in order of arrival too.
func (c *Conversation) Latest(ctx context.Context, address string) (Page, error) {
	return c.some(ctx, address, store.Range{Limit: maxShown, Backward: true})
}

func (c *Conversation) some(ctx context.Context, address string, which store.Range) (Page, error) {
	view, err := c.of(ctx, address, which)
	if which.Backward {
		slices.Reverse(view.Responses)
	}
	view.Responses = slices.DeleteFunc(view.Responses, func(r Response) bool { return r.Counted })
	thread(view.Responses)
	return view, err
}

// There is [Conversation.Of] for a page of the site that has just been seen to be there:
// nobody need have mentioned it yet.
func (c *Conversation) There(ctx context.Context, address string) (Page, error) {
	page, err := c.Of(ctx, address)
	if !errors.Is(err, fs.ErrNotExist) {
		return page, err
	}
	u, wrong := url.Parse(address)
	if wrong != nil {
		return Page{}, err
	}
	if _, ok := c.Site.Fold(u); !ok {
		return Page{}, err
	}
	return Page{URL: c.Site.canonical(u)}, nil
}

func (c *Conversation) of(ctx context.Context, address string, which store.Range) (Page, error) {
	u, err := url.Parse(address)
	if err != nil {
		return Page{}, fs.ErrNotExist
	}
	folded, ok := c.Site.Fold(u)
	if !ok {
		return Page{}, fs.ErrNotExist
	}
	var view Page
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		page, err := tx.PageAt(folded)
		if errors.Is(err, fs.ErrNotExist) && c.Site.hasFile(folded) {
			view.URL = c.Site.canonical(u) // a page that nobody has mentioned yet
			return nil
		}
		if err != nil {
			return err
		}
		if !page.Found {
			return fs.ErrNotExist // somebody says that it is there; nobody has looked
		}
		view = Page{URL: page.URL, Revision: page.Revision, Changed: page.Changed, Counts: tx.Counts(page.ID)}
		if view.Title, view.Gone, err = readable(tx, page.URL); err != nil {
			return err
		}
		if view.Gone {
			view = Page{URL: page.URL, Gone: true}
			return nil
		}
		mentions, rest, err := tx.MentionsOf(page.ID, which)
		view.More = rest != ""
		for _, m := range mentions {
			view.Responses = append(view.Responses, c.Site.response(tx, m, m.Shown))
		}
		return err
	})
	return view, err
}

// readable is the title of a page that readers may know of, "" when it has none or is no post;
// gone when it was a post that the owner has deleted. Of drafts, private and future posts nobody
// learns: fs.ErrNotExist.
func readable(tx *store.Tx, page string) (title string, gone bool, err error) {
	post, err := tx.Post(page)
	switch {
	case err != nil:
		return "", false, ignore(err, fs.ErrNotExist)
	case post.Draft || post.Scheduled || post.Private || early(post, tx.Now):
		return "", false, fs.ErrNotExist
	case !post.Deleted.IsZero():
		return "", true, nil
	}
	return post.Item.Get("name"), false, nil
}

// response is a mention with one of its versions, as readers see it.
func (s *Site) response(tx *store.Tx, m store.Mention, v *store.Version) Response {
	r := s.inFull(tx, m, v)
	if v != nil {
		s.veil(tx, &r, s.shows(&m, v), m.Page)
	}
	return r
}

// inFull is a mention with one of its versions, as the owner sees it.
func (s *Site) inFull(tx *store.Tx, m store.Mention, v *store.Version) Response {
	r := Response{ID: m.ID, Source: s.sourceOf(&m), Target: m.Target, Number: m.Number, Received: m.Public, Comment: m.Kind == store.Comment, Own: m.Ours, folded: m.Folded}
	if u, err := url.Parse(r.Source); err == nil {
		r.Host = u.Host
	}
	if v != nil {
		r.Type, r.RSVP, r.Author, r.URL, r.Bridge, r.InReplyTo = v.Type, v.RSVP, v.Author, v.URL, v.Bridge, v.InReplyTo
		r.Author.Photo = s.pictureURL(tx, v.Author.Photo)
		r.Name, r.HTML, r.Text, r.Language, r.Published = v.Name, v.HTML, v.Text, v.Language, v.Published
		r.Edited = v.Edited
		if r.Comment {
			r.URL = r.Source
		}
		if len(v.Text) > longText {
			r.Excerpt = cmp.Or(v.Summary, begins(v.Text))
		}
		if r.plain = v.HTML == ""; r.plain {
			r.HTML = plainHTML(v.Text)
		}
	}
	return r
}

// begins is how a long text begins: up to the end of a word, if there is one in sight.
func begins(text string) string {
	for n := range text {
		if n < excerptText {
			continue
		}
		text = text[:n]
		break
	}
	if space := strings.LastIndexFunc(text, unicode.IsSpace); space > excerptText/2 {
		text = text[:space]
	}
	return strings.TrimSpace(text) + "…"
}

// shortly is a text, or how it begins where it is long.
func shortly(text string) string {
	if len(text) <= excerptText {
		return text
	}
	return begins(text)
}

// plainHTML is a stranger's plain text as HTML. Of what FromPlain writes only its
// links begin with "<a", since the text itself is escaped.
func plainHTML(text string) string {
	return strings.ReplaceAll(sanitize.FromPlain(text), "<a ", `<a rel="nofollow ugc noopener" `)
}

// Gone tells whether an address is that of a post which the owner has deleted.
func (c *Conversation) Gone(ctx context.Context, address *url.URL) bool {
	folded, ok := c.Site.Fold(address)
	if !ok {
		return false
	}
	gone := false
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		page, err := tx.PageAt(folded)
		if err != nil {
			return err
		}
		post, err := tx.Post(page.URL)
		// One that was brought back is gone until its page is written again.
		back := since(post.History, "undeleted").After(since(post.History, "published"))
		gone = err == nil && post.Promised && (!post.Visible() || back)
		return err
	})
	return err == nil && gone
}

// Waiting is a mention that waits for the owner.
type Waiting struct {
	Response
	Page     string // the page it is about
	Title    string // of that page, if it is a post with a name
	Digest   string // of the text, to be handed to Approve
	Person   string // id of whom it is by, "" when that could not be confirmed
	Why      string // WhyPerson, WhyAuthor, WhyChanged, WhyMoved, WhyAll, WhyLinks, WhyComment or WhyCrowded
	Received time.Time
	Open     bool // the owner can answer it: see [Answering]
}

// Waiting lists what waits for the owner, oldest first, and the cursor of the rest.
func (c *Conversation) Waiting(ctx context.Context, cursor string, limit int) (list []Waiting, next string, err error) {
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		mentions, rest, err := tx.MentionsIn(store.Pending, store.Range{From: decodeCursor(cursor), Limit: limit})
		if err != nil {
			return err
		}
		next = encodeCursor(rest)
		for _, m := range mentions {
			list = append(list, c.Site.waiting(tx, m))
		}
		return nil
	})
	return list, next, err
}

// Status is what a sender may know of a mention.
type Status struct {
	Source, Target string // Source is "" where readers are not shown whom a bridge has brought
	State          store.State
	Again          bool   // it was looked at in vain, and will be once more
	Detail         string // why, and why it failed or was withdrawn: see Reason
	Received       time.Time
	Changed        time.Time
}

// Status reads where a mention stands. That the owner has rejected or deleted it, or has
// decided about its person, is nobody's business: it is still waiting then. A duplicate stands
// where the mention stands that is shown for it. Comments and answers on networks were never sent: fs.ErrNotExist.
func (c *Conversation) Status(ctx context.Context, id string) (Status, error) {
	var s Status
	err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		m, err := tx.Mention(id)
		if err == nil && !m.Asked() {
			err = fs.ErrNotExist
		}
		if err != nil {
			return err
		}
		if twin, err := tx.Mention(m.Twin); m.State == store.Duplicate && err == nil {
			m.State, m.Why = twin.State, twin.Why
		}
		s = Status{Source: m.Source, Target: m.Target, State: m.State, Received: m.Received, Changed: m.Received}
		if len(m.History) > 0 {
			s.Changed = m.History[len(m.History)-1].At
		}
		switch m.State {
		case store.Rejected, store.Deleted, store.Silent, store.Quarantined, store.Duplicate:
			s.State, s.Changed = store.Pending, m.Received
		case store.Received:
			s.Again = lookedAt(m)
		}
		if s.Detail = lastReason(m); c.Site.hidesSource(&m) {
			s.Source, s.Detail = "", ""
		}
		return nil
	})
	return s, err
}

// Mention reads a mention with its whole history, for the owner.
func (c *Conversation) Mention(ctx context.Context, id string) (m store.Mention, err error) {
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		m, err = tx.Mention(id)
		return err
	})
	return m, err
}

// Mentions lists the mentions in a state, for the owner.
func (c *Conversation) Mentions(ctx context.Context, state store.State, limit int) (list []store.Mention, err error) {
	err = c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
		list, _, err = tx.MentionsIn(state, store.Range{Limit: limit})
		return err
	})
	return list, err
}
