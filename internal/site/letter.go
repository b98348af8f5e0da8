package site

import (
	"cmp"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/store"
)

// Letter is a mail to the owner as it is to be said now: of what it was made for that which still
// holds. What was decided, taken back or erased since is not in it.
type Letter struct {
	Site *Site
	ID   string
	Mode string // now, digest, test
	Made time.Time
	To   string

	Waiting  []LetterGroup // by person; who floods is one group
	New      int           // how many mentions Waiting stands for
	Waits    int           // how many wait altogether, up to 1,001
	Junk     int           // how many were put aside because they look like spam, up to 1,001
	Public   []LetterGroup // by page
	Shown    int           // how many responses Public stands for
	Open     []LetterGroup // what waits for an answer for long, by page
	Late     int           // how many mentions Open stands for
	Unasked  int           // how many wait for an answer altogether, up to 1,001
	Troubles []Trouble
	Access   []Entering
}

// LetterGroup is what belongs together in a letter.
type LetterGroup struct {
	Name  string // of the person or the page; "": see Host
	Host  string // of the source, or of the page
	Count int
	Link  string // where the owner finds it
	Items []LetterItem
}

// LetterItem is one mention in a letter.
type LetterItem struct {
	Who, Kind string // the author's name, "" when there is none; reply, like…
	Page      string // what it responds to: the title, or the address
	Text      string // how it begins
	Link      string // where it is decided, or shown
}

// Trouble is what was given up, or wants its owner: a job, a copy, or an account for which copies
// wait.
type Trouble struct {
	Kind, Key, Error string // of a job; Key is the permalink of a copy's post
	At               time.Time
	Account          string // name of the account, "" when it is about none
	State            string // of the copy: unclear, refused, parked; "connect": the account has to be connected
	Count            int    // how many copies wait for that
	Link             string // where the owner puts it right
}

// Entering is a way in that somebody has used for the first time.
type Entering struct {
	Action, Who, Note string
	At                time.Time
}

// Empty tells whether there is nothing to say.
func (l Letter) Empty() bool {
	return l.Mode != modeTest && l.New+l.Shown+l.Late+len(l.Troubles)+len(l.Access) == 0
}

const (
	mostGroups = 10  // in a letter; the others are one more
	mostItems  = 3   // of a group that are shown
	mostFaces  = 3   // persons of one host, before they are one group
	mostTold   = 200 // runes of a text
	mostLooked = 2000
)

// letter makes what a letter says.
func (n *Networks) letter(tx *store.Tx, kept store.Letter) (Letter, error) {
	s := n.Site
	l := Letter{Site: s, ID: kept.ID, Mode: kept.Mode, Made: kept.Made, To: s.Tell.To}
	l.Waits, l.Junk = tx.CountIn(store.Pending, mostWaiting+1), tx.CountIn(store.Quarantined, mostWaiting+1)
	for _, part := range kept.Parts {
		var refs []string
		for _, n := range tx.Notices(part.After, mostLooked, func(n *store.Notice) bool { return n.Kind == part.Kind && n.Number <= part.UpTo }) {
			if !slices.Contains(refs, n.Ref) {
				refs = append(refs, n.Ref)
			}
		}
		if err := l.add(tx, n, part.Kind, refs); err != nil {
			return l, err
		}
	}
	return l, nil
}

// add says of one kind what still holds.
func (l *Letter) add(tx *store.Tx, n *Networks, kind string, refs []string) (err error) {
	switch kind {
	case KindWaiting:
		all := l.Site.mentionsOf(tx, refs, func(m *store.Mention) bool {
			return m.State == store.Pending || m.Held != nil && m.State == store.Approved
		})
		l.New, l.Waiting = len(all), l.Site.byPerson(tx, all)
	case KindPublic:
		all := l.Site.mentionsOf(tx, refs, func(m *store.Mention) bool { return m.IsPublic() && !m.Ours && m.Decision != store.Approved })
		l.Public, l.Shown, err = l.Site.byPage(tx, all, "")
		return err
	case KindUnanswered:
		all := l.Site.mentionsOf(tx, refs, open)
		l.Unasked = tx.CountOpen(store.Unanswered, mostWaiting+1)
		l.Open, l.Late, err = l.Site.byPage(tx, all, l.Site.Endpoint("admin/unanswered"))
		return err
	case KindTrouble:
		l.Troubles, err = n.troubles(tx, refs)
		return err
	case KindAccess:
		for _, id := range refs {
			d, err := tx.Decision(id)
			if err != nil {
				return ignore(err, fs.ErrNotExist)
			}
			l.Access = append(l.Access, Entering{d.Action, d.By, d.Note, d.At})
		}
	}
	return nil
}

// mentionsOf reads the mentions that are wanted still.
func (s *Site) mentionsOf(tx *store.Tx, ids []string, wanted func(*store.Mention) bool) (all []store.Mention) {
	for _, id := range ids {
		if m, err := tx.Mention(id); err == nil && m.ID == id && m.Shown != nil && wanted(&m) {
			all = append(all, m)
		}
	}
	return all
}

// sourceHost is the host that says a mention: the bridge's, where one has brought it.
func sourceHost(m *store.Mention) string {
	if v := decidable(*m); v != nil && v.Bridge != "" {
		return v.Bridge
	}
	u, err := url.Parse(m.Source)
	if err != nil {
		return m.Source
	}
	return u.Host
}

// byPerson groups what waits by whom it is by, and where that is not known, or where one host
// speaks for many, by host. The smallest groups come first: a flood does not bury a friend.
func (s *Site) byPerson(tx *store.Tx, all []store.Mention) []LetterGroup {
	faces := map[string]map[string]bool{}
	for i := range all {
		host, person := sourceHost(&all[i]), decidable(all[i]).Person
		if faces[host] == nil {
			faces[host] = map[string]bool{}
		}
		faces[host][person] = true
	}
	groups, order := map[string][]store.Mention{}, []string{}
	for _, m := range all {
		key := decidable(m).Person
		if host := sourceHost(&m); key == "" || len(faces[host]) > mostFaces {
			key = hostIdentity + host
		}
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], m)
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(len(groups[a]), len(groups[b])) })
	var told []LetterGroup
	for _, key := range order {
		some := groups[key]
		g := LetterGroup{Host: sourceHost(&some[0]), Count: len(some), Link: s.groupPage(some)}
		if v := decidable(some[0]); key == v.Person {
			g.Name = cmp.Or(v.Author.Name, v.Author.URL)
		}
		for _, m := range some[:min(mostItems, len(some))] {
			g.Items = append(g.Items, s.item(tx, &m, decidable(m), s.MentionPage(m.ID)))
		}
		if len(some) == 1 {
			g.Link = g.Items[0].Link
		}
		told = append(told, g)
	}
	return atMost(told, s.Endpoint("admin/"))
}

// groupPage is where the owner decides about a group of what waits: the page that the inbox has for
// it, where it has one for all of them.
func (s *Site) groupPage(some []store.Mention) string {
	in := scope{store.Pending, waitsIn(&some[0]), decidable(some[0]).Person}
	for i := range some {
		if waitsIn(&some[i]) != in.domain {
			return s.Endpoint("admin/")
		}
		if decidable(some[i]).Person != in.person {
			in.person = everybody
		}
	}
	return s.Endpoint("admin/group?group=" + in.key())
}

// waitsIn is the domain below which the inbox lists a mention.
func waitsIn(m *store.Mention) string {
	if u, err := url.Parse(m.Source); m.Cluster == "" && err == nil {
		return strings.ToLower(u.Hostname())
	}
	return m.Cluster
}

// byPage groups what is public by the page that it responds to, and counts it. link is where the
// owner finds it; "": where readers do.
func (s *Site) byPage(tx *store.Tx, all []store.Mention, link string) (groups []LetterGroup, count int, err error) {
	list := (&Conversation{Site: s}).listing(tx)
	at := map[string]int{}
	for _, m := range all {
		address, shown := list.page(m.Page)
		if !shown {
			continue
		}
		i, known := at[m.Page]
		if !known {
			title, _, err := readable(tx, address)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, 0, err
			}
			i, at[m.Page] = len(groups), len(groups)
			groups = append(groups, LetterGroup{Name: title, Host: address, Link: cmp.Or(link, s.ConversationURL(address))})
		}
		count++
		if g := &groups[i]; g.Count < mostItems {
			at := ""
			if link != "" {
				at = s.MentionPage(m.ID)
			}
			g.Items = append(g.Items, s.item(tx, &m, m.Shown, at))
		}
		groups[i].Count++
	}
	return atMost(groups, cmp.Or(link, s.Endpoint("admin/"))), count, list.err
}

// atMost makes one group of those that are too many.
func atMost(groups []LetterGroup, link string) []LetterGroup {
	if len(groups) <= mostGroups {
		return groups
	}
	rest := LetterGroup{Link: link}
	for _, g := range groups[mostGroups-1:] {
		rest.Count += g.Count
	}
	return append(groups[:mostGroups-1], rest)
}

// item is one mention in a letter.
func (s *Site) item(tx *store.Tx, m *store.Mention, v *store.Version, link string) LetterItem {
	item := LetterItem{Who: v.Author.Name, Kind: v.Type, Text: cut(cmp.Or(v.Text, v.Name), mostTold), Link: link}
	if page, err := tx.Page(m.Page); err == nil {
		item.Page = page.URL
		if post, err := tx.Post(page.URL); err == nil {
			item.Page = cmp.Or(post.Item.Get("name"), page.URL)
		}
	}
	return item
}

// cut is the beginning of a text, of so many runes at most.
func cut(text string, most int) string {
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i] + "…"
		}
	}
	return text
}
