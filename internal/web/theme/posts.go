package theme

import "time"

// Posts is the view of "posts": what the owner has posted, the newest first. It is asked for at
// Action with state and q.
type Posts struct {
	Shell
	Action  string
	Compose string // address of the composer
	States  []string
	State   string // that was asked for; empty: any
	Words   string // that were looked for
	Sought  bool   // not all are wanted
	Further bool   // it is not the first page
	Posts   []PostRow
	More    string    // address of the next page, empty on the last
	Until   time.Time // so far was looked, and More looks further; zero: the page is full, or the last
}

// PostRow is a post in a list.
type PostRow struct {
	Title   string // empty: it says nothing
	URL     string // its permalink
	About   string // address of the page about it
	Kind    string
	State   string // draft, scheduled, queued, published, live, announced, parked, private, deleted
	Why     string // with parked: what went wrong, in English
	Date    time.Time
	Updated time.Time // zero: never
	Adopted bool
}

// Post is the view of "post": all about one. Its forms post to Action url and do=delete,
// undelete or retry, and do=copy with id, the account of one of Outlets.
type Post struct {
	Shell
	PostRow
	Action, Edit, List string
	Conversation       string // empty: there is none
	Created            time.Time
	Client             string // client_id of the editor; empty: none
	Here               bool   // it was written here
	Channel, File      string // empty: none
	Former, Copies     []string
	Wanted             []string
	Again              bool // it can be published once more
	Shown              bool // it has a page
	Deleted            bool
	Asks               bool   // whether it is to be deleted
	Done               string // what has been done: publish, save, overwrite, same, delete, undelete, retry; empty: nothing

	Revision, Published, Live, Announced int

	Outlets  []Copy // its copies; Post, Text and Composer are not used
	Networks string // address of the page where copies are decided about

	History []Event
	Sent    []Sent
	Unsaid  int // how many more of those there are
}

// Sent is what became of the Webmention to a target. State is a word that poststate has a
// sentence for, or else Said is shown.
type Sent struct {
	Target            string
	State, Said, Note string
	Status            int // of the answer; 0: none
	Location          string
	At                time.Time
}
