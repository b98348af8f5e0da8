package theme

import "time"

// Unanswered is the view of "unanswered": what the owner has not answered. Its form posts to
// Action: aside or back with the id of one mention, or do=aside|back with id for each that is
// ticked; list says which of the lists it was.
type Unanswered struct {
	Shell
	Action    string
	List      string // questions, aside; empty: everything unanswered
	Mentions  []Open
	More      string   // address of the next page, empty on the last
	Count     int      // unanswered
	Questions int      // those of them that ask in so many words
	Aside     int      // set aside
	Most      int      // what the numbers end at: there may be more
	Done      []string // ids of the mentions that were just set aside, and can be put back
	Back      bool     // some were just put back
	Answers   bool     // whoever looks may answer
	Now       time.Time
}

// Open is a mention that asks something.
type Open struct {
	ID       string
	Kind     string // reply, mention, tag, rsvp
	Question bool
	Author   string
	Excerpt  string // as text
	Lang     string // BCP 47 tag of it, if known
	Received time.Time
	Page     Link   // the page it responds to
	There    string // where it stands below that
	Answer   string // address of the form to answer it
}

// Answering is the view of "answering": a mention and the form to answer it, which posts
// to Action: do=reply|like|repost|bookmark, text and seen.
type Answering struct {
	Shell
	Action  string
	List    string // address of what is unanswered, to which aside or back is posted
	Mention Pending
	Stands  string   // a sentence: why it is shown, or not
	Reach   []string // the addresses that an answer replies to
	Back    []string // the networks that it goes back to, by name
	Pending bool     // an answer approves it
	Gone    bool     // it cannot be answered any more
	Aside   bool     // it is set aside
	Takes   bool     // the site takes posts; else the answer has to be written elsewhere
	Given   []Given  // the answers that there are
	Done    bool     // one was just given
	Error   string   // what was wrong: text, gone, changed, posts, refused; empty: nothing
	Text    string   // what was typed
	Max     int      // characters of an answer
	Now     time.Time
}

// Given is an answer that there is.
type Given struct{ Kind, URL string }

// One hands the mention to its template.
func (a Answering) One() one { return one{Response: a.Mention.Response, Now: a.Now} }

// upto is a number that was counted up to a most.
type upto struct{ Of, Most int }

// More tells whether there may be more than were counted.
func (u upto) More() bool { return u.Most > 0 && u.Of >= u.Most }

// Number hands a number to its template.
func (u Unanswered) Number(n int) upto { return upto{n, u.Most} }

// Pending is a mention that can be decided about, or answered.
type Pending struct {
	ID       string
	Response        // as it would be shown
	Page     Link   // the page it responds to
	Digest   string // of what is shown, to be sent back with the decision
	Why      string // why it waits: a key below "why.", or a text
	Person   bool   // it is known whom it is by
	Received time.Time
}
