package micropub

import (
	"context"
	"io"
	"slices"

	"tertulia/mf2"
)

// Grant is what a token allows, and to whom it was given.
type Grant struct {
	Me       string   // the person the token stands for, a profile URL
	ClientID string   // the application that holds it, a URL; "" when made by hand
	Scopes   []string // compared as exact words
	Lenient  bool     // this client may send the same token in the header and in the body (RFC 6750 section 2 forbids it; Quill does)
	TokenID  string   // how the application names the token; never the token
}

// Has says whether the token carries the scope, word for word: "undelete" is
// not "delete", and "update" does not follow from "create".
func (g Grant) Has(scope string) bool { return slices.Contains(g.Scopes, scope) }

// Backend is the application: the place where posts are kept.
//
// Methods are called concurrently, after the token and its scope were checked,
// with a context that ends with the request. A method that returns an error
// has kept nothing. A url that names no post is fs.ErrNotExist (400), something
// the owner forbids fs.ErrPermission (403), something this backend cannot do
// errors.ErrUnsupported (400); an *Error is answered as it is; any other error is
// a 500 whose text is logged and not shown.
type Backend interface {
	// Create keeps a new post and returns its absolute URL.
	Create(ctx context.Context, g Grant, c Create) (Created, error)
	// Update changes a post, usually by u.Apply on what Source returns. It returns
	// the post's new absolute URL if that changed, and else "" or the same url.
	Update(ctx context.Context, g Grant, url string, u Update) (newURL string, err error)
	// Delete removes a post; a second time is no error.
	Delete(ctx context.Context, g Grant, url string) error
	// Undelete brings a deleted post back, and returns as Update does.
	Undelete(ctx context.Context, g Grant, url string) (newURL string, err error)
	// Source returns a post as its client sent it: content that came as a string is
	// a string, content that came as HTML is {"html": …}.
	Source(ctx context.Context, g Grant, url string) (mf2.Item, error)
}

// Create is a request for a new post.
type Create struct {
	// Item is the post, everything in it as it was sent: unknown properties,
	// nested objects, json.Number. Strings from strangers' forms are text.
	Item mf2.Item
	// Commands are the mp-* instructions with their values, wherever in the request
	// they stood: "mp-slug", "mp-syndicate-to", "mp-channel", "mp-destination". They
	// are no properties of the post. A channel or a target that is not known is as
	// good as none; a post for a destination that is not known should not appear
	// elsewhere, and is an *Error.
	Commands map[string][]any
	// Digest is the hex SHA-256 of the client, the person and the decoded request,
	// uploaded files counted by content. A client that lost our answer sends the
	// same digest again.
	Digest string
}

// Created is the outcome of a Create.
type Created struct {
	URL     string // absolute; where the post is or will be
	Pending bool   // kept but not yet to be seen at URL: 202 instead of 201
}

// File is an upload. Name and ContentType are the client's claim, either may be
// "" or a lie. Size is in bytes, -1 when unknown.
//
// Body is read straight from the network. It ends with io.EOF only when the
// whole file has come, is within the limit, and the rest of the request allows it;
// after any other error nothing may be kept.
type File struct {
	Name        string
	ContentType string
	Size        int64
	Body        io.Reader
}

// MediaBackend is a Backend that keeps uploaded files. The absolute URL it
// returns should not be guessable from the name. An unwanted type of file is an
// *Error with Status 415.
type MediaBackend interface {
	Upload(ctx context.Context, g Grant, f File) (url string, err error)
}

// Discarder is a MediaBackend that can take back an upload whose request failed
// later: a second file was too large, the post was refused. Without it such files
// are left for the backend to sweep.
type Discarder interface {
	Discard(ctx context.Context, g Grant, url string) error
}
