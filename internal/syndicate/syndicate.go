// Package syndicate is where copies of posts go: one file for each network.
//
//	ref, err := target.Publish(ctx, post) // the same post again: the same copy
//	answers, err := target.Poll(ctx, ref, "")
//
// A copy stands on a network and leads home; the original never depends on it. Each target says
// what it can do ([Abilities]) and is held to one contract, which the package's conformance test
// checks for all: what may be called twice, what an unclear outcome looks like, what is never said
// twice. The package keeps nothing: what has to be remembered is the caller's.
package syndicate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tertulia/mf2"
)

// Idempotency is how a target knows a post that it has seen.
type Idempotency string

const (
	NaturalKey Idempotency = "natural key" // the copy's address follows from the post: publishing twice is publishing once
	Header     Idempotency = "header"      // the network remembers a key for some time; Find tells after that
	Look       Idempotency = "look"        // Find tells whether it is there
	None       Idempotency = "none"        // nobody can tell: after an unclear outcome the owner decides
)

// Abilities are what a target can do. They may change while the service runs.
type Abilities struct {
	Idempotency Idempotency
	Photos      int  // most in one copy; 0: none
	Alt         bool // photos carry their description
	Edit        bool // Update changes a copy; else it stays as it is
	Delete      bool // Delete takes it away; else the owner is told to
	Reply       bool // a copy can answer something on the network ([Post.ReplyTo])
	Reactions   bool // likes and reposts of something on the network are reactions there
	Poll        bool // answers can be asked for
}

// Target is an account on a network. It may be used concurrently. Errors that the caller decides
// by are [*Error]; what is not there is fs.ErrNotExist, what its Abilities deny [ErrUnsupported].
type Target interface {
	// Abilities asks the network at most once an hour.
	Abilities(ctx context.Context) (Abilities, error)
	// Publish makes the copy of a post. Called again after an error that is not Unclear, or at any
	// time where the idempotency is NaturalKey, it makes no second one. Otherwise ask Find before
	// it is called again. ErrUnsupported: a post of this kind is nothing on this network.
	Publish(ctx context.Context, p Post) (Ref, error)
	// Find looks for the copy of a post that was published within the last week; fs.ErrNotExist
	// says that there is none. ErrUnsupported where nobody can look: then a post is published
	// again (NaturalKey) or the owner decides.
	Find(ctx context.Context, p Post) (Ref, error)
	// Update makes a copy say what the post says now. The Ref may be another afterwards. The error
	// is fs.ErrNotExist when somebody has deleted the copy: it is not made anew.
	Update(ctx context.Context, ref Ref, p Post) (Ref, error)
	// Delete takes a copy away; one that has gone is no error.
	Delete(ctx context.Context, ref Ref) error
	// Poll asks for answers to a copy. cursor is what the last call returned, "" at first: it
	// may leave out what has not changed since. The error is fs.ErrNotExist when the copy has gone.
	Poll(ctx context.Context, ref Ref, cursor string) (Answers, error)
	// Look asks for one reply or mention again, such as one that a Poll no longer has: what is
	// missing from a thread is not therefore deleted. fs.ErrNotExist says that it has gone, or
	// is no longer for everybody.
	Look(ctx context.Context, answer Ref) (Answer, error)
	// Resolve finds something on the network by its address, to answer or react to it;
	// fs.ErrNotExist says that this network does not know it.
	Resolve(ctx context.Context, address string) (Ref, error)
}

// Linker is a Target that takes a post only when its page links there.
type Linker interface {
	// Link is the address that the page needs as u-syndication before Publish is called.
	Link(p Post) string
}

// Connector is a Target that can tell whose account it is; an error says whether it has to be
// connected anew.
type Connector interface {
	Who(ctx context.Context) (Author, error)
}

// Post is what a copy is made of.
type Post struct {
	Key       string    // of site, post and account: the same at every attempt
	Permalink string    // of the original
	Item      mf2.Item  // the original
	HTML      string    // its content as the page shows it; empty: the item's own
	Kind      string    // of mf2.Item.Kind: note, article, photo, reply, like, repost, bookmark, rsvp…
	Language  string    // BCP 47
	Date      time.Time // of the original
	Summary   string    // of a page's card: what an article says in a sentence; may be empty
	Photos    []Photo
	ReplyTo   Ref // what it answers or reacts to on this network; zero: nothing there
}

// Photo is a picture of a post.
type Photo struct {
	Alt           string
	Type          string // media type, such as image/jpeg
	Width, Height int    // pixels; 0: not known
	// Open reads the picture, drawn smaller where it takes more than so many bytes or is larger
	// than so many pixels on its longer side; 0 sets no limit. [ErrNoPicture]: the copy goes
	// without it.
	Open func(maxBytes int64, maxSide int) (io.ReadCloser, error)
}

// Ref names something on a network.
type Ref struct {
	ID   string `json:"id"`             // the network's own
	URL  string `json:"url"`            // where people see it; empty for a reaction that has no address
	More string `json:"more,omitempty"` // what the target wants to know again, such as a version or the beginning of the thread
}

// Answers are what came in answer to a copy.
type Answers struct {
	List     []Answer
	Complete []string      // types of which List has all there is: a like or repost that is missing has gone, of others ask Look
	Cursor   string        // for the next call
	Wait     time.Duration // how long the network asks to be left alone; 0: it does not
}

// Answer is a public reply, like, repost or quote.
type Answer struct {
	Ref
	Type      string // reply, like, repost, mention (a quote)
	Author    Author
	HTML      string // as the network gives it, or empty
	Text      string // where there is no HTML
	Language  string
	Published time.Time // zero: the network does not say
	Edited    time.Time // zero: never
	Parent    string    // ID of what it answers: of the copy, or of another answer
	Photos    []string  // addresses
}

// Author is who answers.
type Author struct {
	Name   string
	Handle string // name@host
	URL    string // profile
	Photo  string
}

// Error is what a network said that the caller decides by.
type Error struct {
	Doing   string        // what was asked: publish, find, update, delete, poll, connect
	Status  int           // HTTP status; 0: no answer
	Refused bool          // it will not be taken another time either
	Login   bool          // the account has to be connected anew
	Unclear bool          // it may have happened: look before it is tried again
	After   time.Duration // not before that; 0: the caller's own pace
	Cause   error         // may be nil
}

// Error says what was asked and what became of it, without the network's own words unless the
// Cause has them.
func (e *Error) Error() string {
	switch {
	case e.Cause != nil:
		return fmt.Sprintf("%s: %v", e.Doing, e.Cause)
	case e.Status != 0:
		return fmt.Sprintf("%s: the network answered %d", e.Doing, e.Status)
	}
	return e.Doing + ": no answer"
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// ErrUnsupported says that a target cannot do what it was asked.
var ErrUnsupported = errors.New("this network does not take that")

// ErrNoPicture says that a picture has gone, or is too large for a network and cannot be drawn
// smaller. It is never what a [Target] returns.
var ErrNoPicture = errors.New("there is no such picture for this network")
