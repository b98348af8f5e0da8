package theme

import "strings"

// CommentForm is the view of "comment-form": it posts to Action target, in-reply-to, time,
// content, name, url, and subject, which people do not see; with how=signin to sign in first.
type CommentForm struct {
	Action  string
	Page    string // address of the page, sent back as target
	Answer  string // id of the response that is answered, sent back as in-reply-to; empty: the page is
	Answers string // what its author is called
	Time    string // sent back as time
	SignIn  bool   // visitors can sign in with their own site

	Name, Site, Text string // what was typed
	Error            string // why it was not taken, a word that unfit has a sentence for; empty: it was not sent yet
	Field            string // that Error is about: name, site, text; empty: none of these
	Unvouched        string // why nobody is signed in, a word that unvouched has a sentence for; empty: nothing is said
	MaxText, MaxName int    // characters; 0: any number
	Nth              int    // as in [Conversation]
}

// Form is the form for a comment under the conversation; nil: none are taken.
func (c Conversation) Form() *CommentForm {
	if c.Comment == nil {
		return nil
	}
	f := *c.Comment
	f.Nth = c.Nth
	return &f
}

// ID is an id in the form that no other on the same page has.
func (f CommentForm) ID(name string) string {
	id := Conversation{Nth: f.Nth}.ID("comment")
	if name != "" {
		id += "-" + name
	}
	return id
}

// Described are the ids of what describes a field: its hint, if it has one, and what was
// wrong with it.
func (f CommentForm) Described(field, hint string) string {
	if f.Error == "" || f.Field != field {
		return hint
	}
	return strings.TrimSpace(f.ID("error") + " " + hint)
}

// CommentPage is the view of "comment-page": the form on a page of its own.
type CommentPage struct {
	Shell
	About Link // the page
	Form  CommentForm
}

// Comment is the view of "comment": a comment at its permalink, an h-entry.
type Comment struct {
	Shell
	About    Link // the page that it is about
	Response Response
	Answer   string // address of the response that it answers; empty: it answers the page
	Reply    string // address of the form to answer it
	TakeBack string // where its author begins to take it back, by POST; empty: nobody can
}

// CommentSent is the view of "comment-sent": what happens now to a comment, or has happened.
type CommentSent struct {
	Shell
	About Link
	Stage string // waits, gone
}

// CommentConfirm is the view of "comment-confirm": somebody has signed in and is asked whether
// they say this. It posts to Action.
type CommentConfirm struct {
	Shell
	Action   string
	Author   Person
	Text     string
	Withdraw bool // they are asked whether they take it back
	Back     string
}
