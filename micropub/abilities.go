package micropub

import (
	"context"
	"time"
)

// What a Backend can do besides. Each interface here is found by assertion; the
// answer to q=config, and the list of queries in it, follow from those there are.
// A method that gives a list gives all of it: the Handler narrows it down by
// filter, offset and limit, but for the two that are handed a limit.

// Syndicator is a Backend that can send copies elsewhere. An empty list is fine.
type Syndicator interface {
	SyndicateTo(ctx context.Context) ([]Target, error)
}

// Target is a place copies can go; mp-syndicate-to names it by UID.
type Target struct {
	UID     string   `json:"uid"`
	Name    string   `json:"name"`
	Service *Account `json:"service,omitempty"`
	User    *Account `json:"user,omitempty"`
	// PostTypes are the kinds of post it takes ("note", "photo", …); nil for all.
	PostTypes []string `json:"-"`
	// Defaults are the kinds of post that go there when a create has no mp-syndicate-to, so that a
	// client can tick the box. An extension of ours.
	Defaults []string `json:"default-post-types,omitempty"`
}

// Account describes a network, or the person's account on it.
type Account struct {
	Name  string `json:"name"`
	URL   string `json:"url,omitempty"`
	Photo string `json:"photo,omitempty"`
}

// Channeler is a Backend whose posts can go into channels (mp-channel). Without any it
// is as if it were none.
type Channeler interface {
	Channels(ctx context.Context) ([]Channel, error)
}

// Channel is a named stream of posts.
type Channel struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

// DestinationLister is a Backend that writes to more than one site
// (mp-destination). The first is where a post goes that names none. Without any it is
// as if it were none.
type DestinationLister interface {
	Destinations(ctx context.Context) ([]Destination, error)
}

// Destination is one of several sites.
type Destination struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

// Categorizer is a Backend that can list the tags in use, those that contain
// filter when it is not "".
type Categorizer interface {
	Categories(ctx context.Context, filter string) ([]string, error)
}

// PostTyper is a Backend that says which kinds of post it takes. The properties of
// all of them together are the "properties" of q=config, unless a Configurer has
// its own.
type PostTyper interface {
	PostTypes(ctx context.Context) ([]PostType, error)
}

// PostType is a kind of post, for a client's menu and its forms.
type PostType struct {
	Type       string   `json:"type"`                          // as post type discovery names it: "note"
	Name       string   `json:"name"`                          // as a person calls it
	H          string   `json:"h,omitempty"`                   // "entry", "event"
	Properties []string `json:"properties,omitempty"`          // that a form should offer
	Required   []string `json:"required-properties,omitempty"` // that it should insist on
}

// ContactLister is a Backend with an address book (q=contact), for completing
// names. A client keeps a contact by creating an h-card.
type ContactLister interface {
	Contacts(ctx context.Context, g Grant) ([]Contact, error)
}

// Contact is a person of the address book.
type Contact struct {
	Name     string `json:"name"`
	Nickname string `json:"nickname,omitempty"`
	URL      string `json:"url,omitempty"`   // the person's own page
	Photo    string `json:"photo,omitempty"` // an absolute address
	// InternalURL is the contact's own address here, for updating and deleting it.
	InternalURL string `json:"_internal_url,omitempty"`
}

// Locator is a Backend that knows the names of places (q=geo). Latitude is -90 to
// 90 and longitude -180 to 180, in decimal degrees.
type Locator interface {
	Locate(ctx context.Context, g Grant, latitude, longitude float64) (Location, error)
}

// Location is what is known about a point.
type Location struct {
	Here *Place  `json:"geo,omitempty"` // a name for the point itself; nil for none
	Near []Place `json:"places"`        // where its person may be, the likeliest first
}

// Place is somewhere with a name.
type Place struct {
	Label      string  `json:"label"`
	Latitude   float64 `json:"latitude"`
	Longitude  float64 `json:"longitude"`
	URL        string  `json:"url,omitempty"`
	Visibility string  `json:"visibility,omitempty"` // of the location in a post: "public", "private", "protected"; "" to say nothing
}

// Configurer is a Backend with more to say in q=config, such as "visibility" or
// "properties". Each key can also be asked for alone (q=visibility). The keys that
// follow from the other interfaces cannot be overridden.
type Configurer interface {
	Config(ctx context.Context, g Grant) (map[string]any, error)
}

// MediaLister is a MediaBackend that can list its uploads for q=source and q=last
// at the media endpoint, newest first. A limit of 0 leaves the number to it.
type MediaLister interface {
	ListMedia(ctx context.Context, g Grant, limit, offset int) ([]MediaItem, error)
}

// MediaItem is one uploaded file in a list.
type MediaItem struct {
	URL       string    `json:"url"`
	Published time.Time `json:"published,omitzero"`
	MimeType  string    `json:"mime_type,omitempty"`
}

// MediaDeleter is a MediaBackend that deletes files on request. The token has both
// scopes, delete and media. A url that names no file is fs.ErrNotExist, and a file
// that must stay, since a post shows it, fs.ErrPermission or an *Error.
type MediaDeleter interface {
	DeleteMedia(ctx context.Context, g Grant, url string) error
}
