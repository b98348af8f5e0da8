package site

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"tertulia/internal/lang"
	"tertulia/store"
)

// People are those who talk at a site.
type People struct {
	Site    *Site
	DB      *store.DB
	Inbox   *Inbox
	Erasing *Erasing
}

// Person is somebody who talks here, or a host that the owner has decided about.
type Person struct {
	ID      string
	Name    string // may be empty
	URL     string // may be empty, of a host it is
	Photo   string // on our own host; "": none
	Host    string // "" of a person
	Trust   string // trusted, muted or blocked; "": nothing is decided
	Since   time.Time
	Count   int       // of their mentions, at most MaxCount
	Last    time.Time // when the newest arrived; zero: nothing has
	Created time.Time // since when they are known here
}

// person is a record as the pages show it.
func (s *Site) person(tx *store.Tx, p store.Person) Person {
	return Person{
		ID: p.ID, Name: p.Name, URL: p.URL, Photo: s.pictureURL(tx, p.Photo), Host: hostOf(p),
		Trust: string(p.Trust), Since: p.Since, Created: p.Created,
	}
}

// counted is a person with how much has come of them.
func (s *Site) counted(tx *store.Tx, p store.Person) Person {
	one := s.person(tx, p)
	n, newest := tx.CountBy(p.ID, MaxCount)
	one.Count, one.Last = n, newest.Received
	return one
}

// Bounds of a page of people: what it shows, and how much it reads for that.
const (
	peopleOfPage  = 50
	maxPeopleRead = 2000
)

// Heard lists who talks here, who was heard last first, and the cursor of the rest. It looks at five
// hundred mentions at the most, and goes on there when it is asked again.
func (p *People) Heard(ctx context.Context, cursor string) (list []Person, next string, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		list, next = nil, ""
		at := decodeCursor(cursor)
		for range maxLooked / lookedAtOne {
			some := tx.LatestMentions(at, lookedAtOne)
			for _, m := range some {
				if len(list) == peopleOfPage {
					next = encodeCursor(at)
					return nil
				}
				at = m.ID
				if one, newest := p.newest(tx, &m); newest {
					list = append(list, one)
				}
			}
			if len(some) < lookedAtOne {
				return nil
			}
		}
		next = encodeCursor(at)
		return nil
	})
	return list, next, err
}

// newest is the person behind a mention, if it is the newest that is kept of theirs: so each is
// listed once. The owner, at whose table they talk, is none of them.
func (p *People) newest(tx *store.Tx, m *store.Mention) (one Person, newest bool) {
	if m.Shown == nil || m.Shown.Person == "" {
		return one, false
	}
	if _, last := tx.CountBy(m.Shown.Person, 1); last.ID != m.ID {
		return one, false
	}
	person, err := tx.Person(m.Shown.Person)
	if err != nil || slices.Contains(person.Identities, profileID(p.Site.URL)) { // whose answers come home from a network
		return one, false
	}
	return p.Site.counted(tx, person), true
}

// With lists the people and hosts with a trust, who has it since last first, and the cursor of the
// rest.
func (p *People) With(ctx context.Context, trust, cursor string) (list []Person, next string, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		some, rest, err := tx.PeopleWith(store.Trust(trust), store.Range{From: decodeCursor(cursor), Limit: peopleOfPage, Backward: true})
		list, next = nil, encodeCursor(rest)
		for _, one := range some {
			list = append(list, p.Site.counted(tx, one))
		}
		return err
	})
	return list, next, err
}

// Find lists the people and hosts whose name or address has all of some words, whatever their
// accents and capitals, the newest first, and the cursor of the rest. It looks at two thousand at
// the most, and goes on there when it is asked again. Who is named outright is found at once.
func (p *People) Find(ctx context.Context, words, cursor string) (list []Person, next string, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		list, next = nil, ""
		if one, err := findPerson(tx, strings.TrimSpace(words)); err == nil {
			list = []Person{p.Site.counted(tx, one)}
			return nil
		}
		wanted := strings.Fields(folded(words))
		read := 0
		for _, one := range tx.PeopleTo(decodeCursor(cursor), maxPeopleRead) {
			if len(list) == peopleOfPage {
				return nil
			}
			read++
			next = encodeCursor(one.ID)
			all := folded(one.Name + " " + one.URL + " " + strings.Join(one.Identities, " "))
			if one.Merged == "" && !slices.ContainsFunc(wanted, func(word string) bool { return !strings.Contains(all, word) }) {
				list = append(list, p.Site.counted(tx, one))
			}
		}
		if read < maxPeopleRead {
			next = ""
		}
		return nil
	})
	return list, next, err
}

// Portrait is all that is known of a person.
type Portrait struct {
	Person
	KnownBy []string // the addresses that were confirmed to be theirs
	Places  []string // elsewhere, where they write too
	By      string   // who decided how far they are trusted; "": nobody
	Made    []Made   // decisions about them, newest first
	Rows    []Kept   // what they have sent, newest first, whatever became of it
	Next    string   // cursor of the rest
}

// Person reads a person as [Mentions.Person] takes them, with what they have sent from a cursor on.
func (p *People) Person(ctx context.Context, l lang.Lang, who, cursor string) (all Portrait, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		one, err := findPerson(tx, who)
		if err != nil {
			return err
		}
		all = Portrait{Person: p.Site.counted(tx, one), KnownBy: one.Identities, Places: one.Places}
		about := decisionsAbout(tx, one.ID)
		for _, d := range about {
			if d.Person == one.ID && d.Undoes == "" && d.Undone.IsZero() && all.By == "" {
				all.By = d.By
			}
		}
		for _, d := range lately(about) {
			all.Made = append(all.Made, p.Inbox.made(tx, d))
		}
		some, rest, err := tx.MentionsBy(one.ID, store.Range{From: decodeCursor(cursor), Limit: keptOfPage, Backward: true})
		all.Next = encodeCursor(rest)
		for _, m := range some {
			all.Rows = append(all.Rows, p.Inbox.kept(tx, l, m))
		}
		return err
	})
	return all, err
}

// Card is a person as an export has them.
type Card struct {
	Type   string   `json:"type"`
	Name   string   `json:"name"`
	URL    string   `json:"url"`
	Photo  string   `json:"photo,omitempty"`
	UID    string   `json:"uid"`
	Known  []string `json:"tertulia-known-by"`
	Trust  string   `json:"tertulia-trust,omitempty"`
	Since  string   `json:"tertulia-trust-since,omitempty"`
	Begins string   `json:"tertulia-created"`
}

// exported is a mention as an export of a person has it: in full, with where it stands.
type exported struct {
	JF2Entry
	State    string `json:"tertulia-state"`
	Received string `json:"tertulia-received"`
}

// Export writes what is kept of a person as a feed of JF2 whose author they are: all that they have
// sent, oldest first, whatever became of it. It holds no more than some of it in memory. Nothing is
// written when the error is fs.ErrNotExist.
func (p *People) Export(ctx context.Context, w io.Writer, who string) error {
	var card Card
	id := ""
	err := p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		one, err := findPerson(tx, who)
		if err != nil {
			return err
		}
		id = one.ID
		card = Card{Type: "card", Name: one.Name, URL: one.URL, Photo: one.Photo, UID: one.ID, Known: one.Identities, Trust: string(one.Trust), Begins: one.Created.UTC().Format(apiTime)}
		if !one.Since.IsZero() {
			card.Since = one.Since.UTC().Format(apiTime)
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := bufio.NewWriter(w)
	head, err := json.Marshal(card)
	if err != nil {
		return err
	}
	// What cannot be written makes Flush fail.
	_, _ = out.WriteString(`{"type":"feed","name":"` + mentionsName + `","author":` + string(head) + `,"children":[`)
	separator := "\n"
	for cursor := ""; ; {
		some, next, err := p.entries(ctx, id, cursor)
		if err != nil {
			return err
		}
		for _, one := range some {
			line, err := json.Marshal(one)
			if err != nil {
				return err
			}
			_, _ = out.WriteString(separator + string(line))
			separator = ",\n"
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	_, _ = out.WriteString(exportTail)
	return out.Flush()
}

// entries are the next mentions of a person for an export, and where the rest begins.
func (p *People) entries(ctx context.Context, id, cursor string) (list []exported, next string, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		some, rest, err := tx.MentionsBy(id, store.Range{From: cursor, Limit: somePublic})
		list, next = nil, rest
		for _, m := range some {
			r := p.Site.inFull(tx, m, cmp.Or(m.Shown, m.Held))
			if page, err := tx.Page(m.Page); err == nil {
				r.Target = onPage(page.URL, r.Target)
			}
			entry := r.JF2()
			entry.WMPrivate = !m.IsPublic()
			if m.Public.IsZero() {
				entry.WMReceived = ""
			}
			list = append(list, exported{entry, string(m.State), m.Received.UTC().Format(apiTime)})
		}
		return err
	})
	return list, next, err
}

// Erased is what came of erasing a person.
type Erased struct {
	Mentions, People, Pictures, Others int
	Posts                              []string // of the owner's, that link to them and stay
	Left                               []string // backups in which they may still be
}

// Erase erases a person from the site, from the file of the database and from the daily backups, as
// tertulia erase does; fs.ErrNotExist when nobody is known by that id. What is interrupted goes on when the
// program starts again.
func (p *People) Erase(ctx context.Context, by, id string) (done Erased, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		_, err := tx.Person(id)
		return err
	})
	if err != nil {
		return done, err
	}
	gone, err := p.Erasing.Erase(ctx, by, Erasable{Person: id}, false)
	if err != nil {
		return done, err
	}
	if err := p.DB.Scrub(ctx); err != nil {
		return done, err
	}
	copies, err := p.DB.EraseFromCopies(ctx)
	return Erased{gone.Mentions, gone.People, gone.Pictures, gone.Mended, gone.Posts, copies.Left}, err
}
