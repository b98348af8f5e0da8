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
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"tertulia/internal/lang"
	"tertulia/store"
)

// Search is what is looked for among what was decided. The words are found whatever their accents
// and capitals.
type Search struct {
	Text   string // what it says, its author, its source or the title of its page has all of these words
	From   string // a person as [Mentions.Person] takes them, or part of a name or of a host
	Page   string // the address of a page, or part of its address or title
	State  string // one of [States]; "": all but what waits
	Cursor string
}

// States are those that can be looked for, in order.
func States() []string {
	return []string{string(store.Approved), string(store.Rejected), string(store.Deleted), string(store.Withdrawn), string(store.Silent), string(store.Failed), string(store.Duplicate)}
}

// Kept is a mention with where it stands.
type Kept struct {
	Waiting
	State    string
	Decision string    // the owner's last: approved, rejected or deleted; "": none
	Decided  time.Time // when; zero: there is none
	Answer   string    // why it is not shown, or that it is, in the language that was asked for
}

// FoundKept is a page of what a search has found.
type FoundKept struct {
	Rows []Kept
	Next string    // cursor of what comes next; "": that was all
	Back time.Time // how far back it was looked, when that is not to the end; else zero
}

// Bounds of one page of a search: what it shows, and how much it looks at.
const (
	keptOfPage  = 25
	lookedAtOne = 100
	maxLooked   = 500
	maxWords    = 1 << 20 // bytes of text
)

// Decided finds mentions that are decided about, or were settled in another way, the newest first.
// It looks at five hundred of them at the most, and goes on there when it is asked again.
func (i *Inbox) Decided(ctx context.Context, l lang.Lang, q Search) (found FoundKept, err error) {
	err = i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		found = FoundKept{}
		s := i.searcher(tx, q)
		cursor, looked := decodeCursor(q.Cursor), 0
		for looked < maxLooked && s.words < maxWords {
			some, next, err := s.some(cursor)
			if err != nil {
				return err
			}
			for n, m := range some {
				if len(found.Rows) == keptOfPage {
					found.Next, found.Back = encodeCursor(s.at(some, n, cursor)), time.Time{}
					return nil
				}
				looked++
				found.Back = m.Received
				if s.matches(&m) {
					found.Rows = append(found.Rows, i.kept(tx, l, m))
				}
			}
			if cursor = next; cursor == "" {
				found.Back = time.Time{}
				return nil
			}
		}
		found.Next = encodeCursor(cursor)
		return nil
	})
	return found, err
}

// kept is a mention as the pages show it.
func (i *Inbox) kept(tx *store.Tx, l lang.Lang, m store.Mention) Kept {
	return Kept{Waiting: i.Site.waiting(tx, m), State: string(m.State), Decision: string(m.Decision), Decided: m.Decided, Answer: Answer(l, m)}
}

// searcher looks through mentions.
type searcher struct {
	tx     *store.Tx
	site   *Site
	state  store.State
	person string // id; "": anybody's
	from   string // folded; "": from anywhere
	page   string // id; "": of any
	about  string // folded part of the page's address or title; "": any
	text   []string
	titles map[string]string // of pages, folded
	words  int               // bytes that were folded
}

func (i *Inbox) searcher(tx *store.Tx, q Search) *searcher {
	s := &searcher{tx: tx, site: i.Site, text: strings.Fields(folded(q.Text)), titles: map[string]string{}}
	if slices.Contains(States(), q.State) {
		s.state = store.State(q.State)
	}
	if q.From != "" {
		if p, err := findPerson(tx, q.From); err == nil && hostOf(p) == "" {
			s.person = p.ID
		} else {
			s.from = strings.TrimPrefix(folded(q.From), hostIdentity)
		}
	}
	if q.Page != "" {
		s.about = folded(q.Page)
		if u, err := url.Parse(q.Page); err == nil && u.Host != "" {
			if at, ours := i.Site.Fold(u); ours {
				if p, err := tx.PageAt(at); err == nil {
					s.page, s.about = p.ID, ""
				}
			}
		}
	}
	return s
}

// some are the next mentions, newest first, and where the rest begins.
func (s *searcher) some(cursor string) (some []store.Mention, next string, err error) {
	r := store.Range{From: cursor, Limit: lookedAtOne, Backward: true}
	switch {
	case s.person != "":
		return s.tx.MentionsBy(s.person, r)
	case s.state != "":
		return s.tx.MentionsIn(s.state, r)
	}
	some = s.tx.LatestMentions(cursor, lookedAtOne)
	if len(some) == lookedAtOne {
		next = some[lookedAtOne-1].ID
	}
	return some, next, nil
}

// at is the cursor of number n of some, which were found at a cursor.
func (s *searcher) at(some []store.Mention, n int, cursor string) string {
	switch {
	case n == 0:
		return cursor
	case s.person != "" || s.state != "":
		return store.CursorAt(some[n])
	}
	return some[n-1].ID
}

// matches tells whether a mention is what is looked for.
func (s *searcher) matches(m *store.Mention) bool {
	switch m.State {
	case store.Received, store.Pending, store.Quarantined:
		return false
	}
	if s.state != "" && m.State != s.state || s.page != "" && m.Page != s.page {
		return false
	}
	author, said := "", ""
	if v := cmp.Or(m.Shown, m.Held); v != nil {
		author, said = v.Author.Name+" "+v.Author.URL, v.Name+" "+v.Text
	}
	if s.from != "" && !strings.Contains(s.fold(author+" "+hostIn(m.Source)), s.from) || s.about != "" && !strings.Contains(s.title(m.Page), s.about) {
		return false
	}
	if len(s.text) == 0 {
		return true
	}
	all := s.fold(said+" "+author+" "+m.Source) + " " + s.title(m.Page)
	return !slices.ContainsFunc(s.text, func(word string) bool { return !strings.Contains(all, word) })
}

func (s *searcher) fold(text string) string {
	s.words += len(text)
	return folded(text)
}

// title is the address and the title of a page, folded.
func (s *searcher) title(id string) string {
	title, known := s.titles[id]
	if !known {
		if page, err := s.tx.Page(id); err == nil {
			post, err := s.tx.Post(page.URL)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				title = s.fold(page.URL + " " + post.Item.Get("name"))
			}
		}
		s.titles[id] = title
	}
	return title
}

// hostIn is the host of an address, "" when it has none.
func hostIn(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// folded is a text without accents and capitals.
func folded(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return strings.ToLower(text)
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

// Record is a mention with all that is known of it, for the owner.
type Record struct {
	Kept
	Target  string
	Asked   bool // its source can be asked again
	History []Happened
	Made    []Made // decisions about it, newest first
}

// Happened is a line of a mention's history.
type Happened struct {
	At          time.Time
	Stage, Note string
}

// Mention reads a mention with its history and what was decided about it.
func (i *Inbox) Mention(ctx context.Context, l lang.Lang, id string) (r Record, err error) {
	err = i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		m, err := tx.Mention(id)
		if err != nil {
			return err
		}
		r = Record{Kept: i.kept(tx, l, m), Target: m.Target, Asked: m.Asked()}
		for _, e := range m.History {
			r.History = append(r.History, Happened{e.At, e.Stage, e.Note})
		}
		for _, d := range lately(decisionsAbout(tx, m.ID)) {
			r.Made = append(r.Made, i.made(tx, d))
		}
		return nil
	})
	return r, err
}

// lately are the newest of the decisions about one mention or person: as many as its page lists.
func lately(list []store.Decision) []store.Decision { return list[:min(len(list), 10)] }

// Made is a decision, or several that were made in one go.
type Made struct {
	ID       string // what [Inbox.Undo] takes
	At       time.Time
	By       string
	Action   string // approve, reject, delete, trust, mute, block, forget, undo
	Mention  string // id, "" when it is about a person
	Person   string // id, "" when it is about a mention
	Name     string // of whom it is about, or who has said it
	Page     string // title or address of the page, of a mention
	Count    int    // of those made in one go, at most MaxCount
	Undone   time.Time
	Undoable bool
}

// about are the actions of decisions about mentions and people.
var aboutTalk = []string{"approve", "reject", "delete", "trust", "mute", "block", "forget", "set aside", "put back", "undo"}

// madeOfPage is how many decisions a page lists, and maxMade how many lines it reads for them.
const (
	madeOfPage = 25
	maxMade    = 2000
)

// Recent lists what was decided about mentions and people, newest first, what was decided in one go
// as one, and the cursor of the rest.
func (i *Inbox) Recent(ctx context.Context, cursor string) (list []Made, next string, err error) {
	err = i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		list, next = nil, ""
		n, last := 0, ""
		tx.DecisionsTo(decodeCursor(cursor), func(d store.Decision) bool {
			if n++; n > maxMade {
				next = encodeCursor(last)
				return false
			}
			if slices.Contains(aboutTalk, d.Action) {
				if at := len(list) - 1; at >= 0 && d.Batch != "" && list[at].ID == d.Batch {
					list[at].Count++
					list[at].Undoable = list[at].Undoable || d.Undone.IsZero()
				} else if len(list) == madeOfPage {
					next = encodeCursor(last)
					return false
				} else {
					list = append(list, i.made(tx, d))
				}
			}
			last = d.ID
			return true
		})
		return nil
	})
	return list, next, err
}

// Batch reads what was decided in one go; fs.ErrNotExist when nothing was.
func (i *Inbox) Batch(ctx context.Context, id string) (made Made, err error) {
	err = i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		made = Made{}
		if !isID(id) {
			return fs.ErrNotExist
		}
		tx.DecisionsAbout(id, "", func(d store.Decision) bool {
			if d.Batch == id {
				count, undoable := made.Count+1, made.Undoable || d.Undone.IsZero()
				made = i.made(tx, d)
				made.Count, made.Undoable = count, undoable
			}
			return made.Count < MaxCount
		})
		if made.Count == 0 {
			return fs.ErrNotExist
		}
		return nil
	})
	return made, err
}

// made is a decision as the pages show it.
func (i *Inbox) made(tx *store.Tx, d store.Decision) Made {
	one := Made{ID: cmp.Or(d.Batch, d.ID), At: d.At, By: d.By, Action: d.Action, Count: 1, Undone: d.Undone, Undoable: d.Undone.IsZero() && d.Undoes == ""}
	if m, err := tx.Mention(d.Subject); err == nil {
		one.Mention = m.ID
		w := i.Site.waiting(tx, m)
		one.Name, one.Page = w.Author.Name, cmp.Or(w.Title, w.Page)
		one.Name = cmp.Or(one.Name, hostIn(w.Author.URL), w.Host)
	} else if p, err := tx.Person(d.Subject); err == nil {
		one.Person = p.ID
		one.Name = cmp.Or(hostOf(p), p.Name, p.URL)
	}
	return one
}
