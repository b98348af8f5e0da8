package theme

import "time"

// Inbox is the view of "admin": what waits for the owner, what is quarantined, or one group of
// either. Its form posts to Action: one=ACTION ID.DIGEST@AT for a row, whole=ACTION KEY@AT for a group;
// decision=ACTION with id=ID.DIGEST and group=KEY for what is ticked; and always state, asof and back,
// which it is given here. What was done is undone with undo and back.
type Inbox struct {
	Shell
	Page   string // inbox, quarantine, group
	Action string
	Back   string // address of this page
	State  string
	AsOf   string
	Rooms  []Link // other pages about mentions
	Notice *Notice
	Groups []Group
	Total  int    // of what waits here, on all pages
	Least  bool   // there is more than Total
	Aside  int    // how many are quarantined
	All    string // key of the group that is all of the quarantine; empty: not offered
	More   string // address of the next page, empty on the last
	Now    time.Time
}

// Notice says what came of what was just decided.
type Notice struct {
	Action string // approve, reject, delete, mute, block, trust, forget, replay, undo
	Done   int
	Left   int    // that were left as they were
	More   bool   // there is more of it, for which it has to be done again
	Undo   string // what takes it back; empty: nothing does
}

// Group is what waits from one person, one host, or a flood of them.
type Group struct {
	At       int    // its place on the page, from 1
	Key      string // names it
	Kind     string // person, host, here; flood: its rows are a sample
	Name     string
	URL      string // of the person, may be empty
	About    string // address of the page about the person; empty: there is none
	Domain   string
	Known    bool   // something of theirs was shown before
	Quiet    bool   // they cannot be muted or blocked: the host is no one's
	Why      string // why all of it waits, as in [Row]; empty: they say so themselves
	Count    int
	Least    bool // there is more than Count
	People   int  // of a flood
	Pages    []PageRows
	Rest     int    // how many are not on this page
	RestLink string // where these are
}

// PageRows is what waits under one page.
type PageRows struct {
	Page Link
	Rows []Row
}

// Row is a mention in a few lines.
type Row struct {
	ID, Digest string
	N          int    // unlike any other's on the page
	Kind       string // as in [Response]
	By         string // who says it, where the group does not say so
	Text       string // the beginning of what it says
	Lang       string
	Host       string // of its source
	Source     string // its address; empty: too long to be repeated
	Link       string // the page about it
	Reply      string // the page to answer it; empty: not offered
	Why        string // why it waits, as a key below "why.", or a text
	Received   time.Time

	State    string // of what was decided: where it stands
	Page     Link   // and the page it is about
	Answer   string // and why
	Decision string
	Decided  time.Time
}

// Open tells whether something can be decided of a row from a list: approve, reject or delete.
func (r Row) Open(action string) bool {
	switch action {
	case "approve":
		return r.State == "rejected" || r.State == "deleted"
	case "reject":
		return r.State == "approved"
	}
	return r.State != "deleted"
}

// Kept is the view of "decided": what was decided, and what is found among it.
type Kept struct {
	Shell
	Action, Back string
	Rooms        []Link
	Notice       *Notice
	Here         string // address of the page, where the form asks
	Text, From   string
	Page, State  string
	States       []string
	Rows         []Row
	More         string
	Looked       time.Time // how far back it was looked when that is not all; zero: to the end
	Now          time.Time
}

// Decisions is the view of "decisions": what was decided lately.
type Decisions struct {
	Shell
	Action, Back string
	Rooms        []Link
	Notice       *Notice
	List         []Decision
	More         string
	Now          time.Time
}

// Decision is a line of it.
type Decision struct {
	ID     string // what takes it back; empty: nothing does
	At     time.Time
	By     string
	Action string
	Name   string // of whom it is about
	Link   string // the page about that; empty: it has gone
	Page   string // of a mention, the title or address of its page
	Count  int
	Undone time.Time
}

// Mentioned is the view of "mention": one mention with all that is known of it.
type Mentioned struct {
	Shell
	Action, Back string
	Rooms        []Link
	Notice       *Notice
	Row          Row
	Digest       string
	Response     Response
	Target       Link
	Person       string // address of the page about who says it; empty: nobody is known
	Replay       bool   // its source can be asked again
	History      []Event
	List         []Decision
	Now          time.Time
}

// Event is a line of a history, of a mention or of a post: a stage, a word that the catalogue has a
// sentence for, or Said.
type Event struct {
	At          time.Time
	Stage, Note string
	Said        string // in the reader's language; empty: it is only to be had as it is
}

// One hands the response to its template.
func (m Mentioned) One() one { return one{Response: m.Response, Now: m.Now} }

// People is the view of "people": who talks here.
type People struct {
	Shell
	Here  string // address of the page
	Query string
	Tabs  []Link // everybody, and those with a trust
	List  []Somebody
	More  string
	Found bool // it is what was searched for
	Now   time.Time
}

// Somebody is a person, or a host that was decided about.
type Somebody struct {
	ID     string
	Person      // as they would be shown
	Host   bool // it is a host
	Link   string
	Trust  string // trusted, muted, blocked; empty: nothing is decided
	Since  time.Time
	Count  int
	Least  bool // there is more than Count
	Last   time.Time
	First  time.Time
}

// Portrait is the view of "person": all about one person.
type Portrait struct {
	Shell
	Action, Back string
	Notice       *Notice
	Somebody
	KnownBy []string
	Places  []string
	By      string
	List    []Decision
	Rows    []Row
	More    string
	Export  string // address of what is kept of them, as a file; empty: not offered
	Erase   string // address of the page that erases them; empty: not offered
	Now     time.Time
}

// Erase is the view of "erase": what goes when a person is erased, or has gone. It posts to Action.
type Erase struct {
	Shell
	Action string
	Somebody
	Again string // where the owner signs in again first; empty: they need not
	Done  *Erased
	Back  string // address of the people
}

// Erased is what has gone.
type Erased struct {
	Mentions, People, Pictures, Others int
	Posts, Left                        []string
}
