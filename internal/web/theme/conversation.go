package theme

import (
	"html/template"
	"slices"
	"strconv"
	"time"
)

// Conversation is the view of "conversation": the public responses to a page, as
// a fragment that fits into any page. Its class names begin with "tertulia" or are
// microformats.
type Conversation struct {
	Page      Link              // the page that the conversation belongs to
	URL       string            // the conversation's own page; empty when this is it
	Languages map[string]string // of the reader's other choices: tag ("es", "en") → the conversation's own page in it
	Nth       int               // which conversation on its page it is, from 1; 0: the first
	Endpoint  string            // webmention endpoint; empty: no form
	Comment   *CommentForm      // the form for a comment; nil: none are taken
	Hidden    []Field
	Heading   int // level of the fragment's heading, 2 to 5; 0: 2
	Likes     Faces
	Reposts   Faces
	Bookmarks Faces
	Reactions Faces // each with an emoji as its text
	Follows   Faces
	RSVPs     []RSVP // in the order in which they are shown
	Replies   []Response
	Mentions  []Response

	ReplyCount, MentionCount int // of those two lists and below, when not all are in them; 0: all are

	Total int       // all public responses, those that are not shown included
	More  string    // address where all are shown, when these are not all
	Now   time.Time // when it is read; zero: that is not known, and dates are not told from there
}

// Faces are people who did the same.
type Faces struct {
	Total  int // all of them; People may be fewer
	People []Response
}

// RSVP are the people who gave the same answer to an invitation.
type RSVP struct {
	Value string // yes, maybe, interested, no
	Faces
}

// Response is one response to a page.
type Response struct {
	ID        string // names its anchor: "tertulia-" + ID; letters, digits and hyphens
	Kind      string // reply, reaction, mention, tag, like, repost, bookmark, follow, rsvp
	Author    Person
	URL       string        // its permalink
	Source    string        // the page it was found on, whose host is shown
	Network   string        // the network it came from, such as "Mastodon", or the bridge that has brought it; empty: the web
	Own       bool          // it is the owner's, a post of the site
	Answers   string        // what the author is called whom it answers, where its place does not say so
	Name      string        // title, for mentions
	HTML      template.HTML // content, sanitised by the caller; or
	Text      string        // content as text
	Shortened bool          // the content is not all of it
	Lang      string        // BCP 47 tag of the content, if known
	Published time.Time
	Edited    time.Time // zero: never
	Replies   []Response
	Reply     string // address of the form to answer it here; empty: there is none
}

// Person is an author. A picture is shown only from Photo, which must be an
// address on our own host: visitors' browsers are sent nowhere else.
type Person struct{ Name, URL, Photo string }

// ConversationPage is the view of "conversation-page": the conversation of a page
// as a page of its own, which is an h-entry of the page it belongs to.
type ConversationPage struct {
	Shell
	Conversation Conversation
	Privacy      string // address of the privacy note; empty: there is none
}

// Level is the level of the fragment's heading.
func (c Conversation) Level() int {
	if c.Heading < 1 || c.Heading > 5 {
		return 2
	}
	return c.Heading
}

// ID is an id in the fragment that no other conversation on the same page has. Without a
// name it is the fragment's own.
func (c Conversation) ID(name string) string {
	id := "tertulia"
	if c.Nth > 1 {
		id += "-" + strconv.Itoa(c.Nth)
	}
	if name == "" {
		return id
	}
	return id + "-" + name
}

// Anchor is the address of a response where the reader is: on the page itself, or where
// that page has several conversations, on the one that this belongs to.
func (c Conversation) Anchor(r Response) string {
	switch {
	case r.ID == "":
		return ""
	case c.Nth > 1:
		return web(c.Page.URL) + "#tertulia-" + r.ID
	}
	return "#" + c.ID(r.ID)
}

// Empty reports whether there is nothing to show.
func (c Conversation) Empty() bool {
	return c.Likes.Total == 0 && c.Reposts.Total == 0 && c.Bookmarks.Total == 0 && c.Reactions.Total == 0 &&
		c.Follows.Total == 0 && len(c.RSVPs) == 0 && len(c.Replies) == 0 && len(c.Mentions) == 0
}

// Called is what the author is called: the name, else the host of their address,
// else that of the source. It is empty when nothing is known.
func (r Response) Called() string {
	if r.Author.Name != "" {
		return r.Author.Name
	}
	if h := host(r.Author.URL); h != "" {
		return h
	}
	return host(r.Source)
}

// Link is where the response is to be read: its permalink if that is on the host
// it was found on, else the source, so that nobody speaks in another's name.
// Spec: comments-presentation
func (r Response) Link() string {
	if r.Source != "" && r.Network == "" && host(r.URL) != host(r.Source) {
		return web(r.Source)
	}
	return web(r.URL)
}

// Via names where the response came from: its network, else the source's host.
func (r Response) Via() string {
	if r.Network != "" {
		return r.Network
	}
	return host(r.Source)
}

// More is how many people are not shown.
func (f Faces) More() int { return max(0, f.Total-len(f.People)) }

// group is a row of faces as the template shows it.
type group struct {
	Key    string // sentence that counts them
	Class  string // microformats classes of each
	Answer string // p-rsvp of each, or empty
	Said   bool   // what each has said is shown
	Faces
}

var rsvpKeys = map[string]string{
	"yes": "conversation.rsvp.yes", "no": "conversation.rsvp.no",
	"maybe": "conversation.rsvp.maybe", "interested": "conversation.rsvp.interested",
}

// Groups are the rows of faces that have anybody in them.
func (c Conversation) Groups() []group {
	all := []group{
		{Key: "conversation.likes", Class: "u-like h-cite", Faces: c.Likes},
		{Key: "conversation.reposts", Class: "u-repost h-cite", Faces: c.Reposts},
		{Key: "conversation.bookmarks", Class: "u-bookmark h-cite", Faces: c.Bookmarks},
		{Key: "conversation.reactions", Class: "u-comment h-cite", Said: true, Faces: c.Reactions},
		{Key: "conversation.follows", Class: "h-cite", Faces: c.Follows},
	}
	for _, r := range c.RSVPs {
		if key, ok := rsvpKeys[r.Value]; ok {
			all = append(all, group{Key: key, Class: "h-cite", Answer: r.Value, Faces: r.Faces})
		}
	}
	return slices.DeleteFunc(all, func(g group) bool { return g.Total == 0 })
}

// Count is how many responses there are in a list and below them.
func (c Conversation) Count(rs []Response) int {
	n := len(rs)
	for _, r := range rs {
		n += c.Count(r.Replies)
	}
	return n
}

// Sub is the level of the headings inside the fragment.
func (c Conversation) Sub() int { return c.Level() + 1 }

// thread is a list of responses, and one a response, in the conversation they stand in.
type (
	thread struct {
		Conversation
		Responses []Response
	}
	one struct {
		Response Response
		Now      time.Time // when it is read; zero: unknown
		Anchor   string    // its address where the reader is; empty: it has none
	}
)

// Thread hands a list of responses to its template.
func (c Conversation) Thread(rs []Response) thread { return thread{c, rs} }

// One hands a response to its template.
func (c Conversation) One(r Response) one { return one{r, c.Now, c.Anchor(r)} }
