package theme

import (
	"slices"
	"strconv"
	"time"
)

// Shell is what every page has around its content.
type Shell struct {
	Title     string            // of the document and its heading; empty: the page's own
	Site      Link              // the site, as named in the header
	Style     string            // address of the stylesheet
	Script    string            // address of the script; empty: none
	App       string            // address below which the manifest and the icons are; empty: it cannot be installed
	Nav       []Link            // to the owner's pages for every day; empty for visitors
	Service   []Link            // to those about the service
	SignOut   string            // address that ends the session by POST; empty when there is none
	Hidden    []Field           // fields of every form on the page: the CSRF token
	Languages map[string]string // language switch: tag ("es", "en") → address of this page in it
}

// InService tells whether the page is one of those about the service.
func (s Shell) InService() bool {
	return slices.ContainsFunc(s.Service, func(l Link) bool { return l.Current })
}

// top is a shell with the title that its page settled on.
type top struct {
	Title string
	Shell Shell
}

// Link is a text that leads somewhere.
type Link struct {
	Name    string
	URL     string
	Current bool // it leads to the page it stands on
}

// Field is a hidden form field.
type Field struct{ Name, Value string }

// Consent is the view of "consent": may this application do this? It posts to
// Action with scope repeated for each ticked scope, and decision=approve|deny.
//
// The page names the application, its full client_id and all requested scopes,
// recognised or not.
// Spec: indieauth#authorization-response
// Spec: micropub#scope
type Consent struct {
	Shell
	Action   string
	Client   Link   // name and home page as the application gives them; the name may be empty
	Logo     string // address of a copy of its logo on our own host; empty: none
	ClientID string // in full
	Redirect string // where the answer goes
	Me       string // the address that the application learns
	Scopes   []Scope
	Lives    []string // how long it may last, the first chosen to begin with: revoked, day, month, year; sent back as life
	Warnings []string // codes: redirect, host, local, unreachable; else a text that is shown as it is
	Tokens   string   // address of the page where the permission can be taken away
}

// Scope is a permission that was asked for.
type Scope struct {
	Name    string
	Granted bool // ticked to begin with
}

// Box is a scope as a box to tick. ID is unique on its page.
type Box struct {
	Scope
	ID string
}

// At is the scope as box number i of a list.
func (s Scope) At(list string, i int) Box { return Box{s, list + "-" + strconv.Itoa(i)} }

// Tokens is the view of "tokens": who has access. Its forms post to Action with do=
// narrow, revoke, allow or forbid and id, or do=new with name; scope is repeated for
// each ticked scope.
type Tokens struct {
	Shell
	Action    string
	Elsewhere string // host of the IndieAuth server of the owner's own; empty: this service is it
	Tokens    []Token
	Offer     []Scope  // what a new token may be made for
	Lives     []string // and for how long, as in [Consent]
	Again     string   // where the owner signs in again before making one; empty: they need not
	Secret    string   // a token that was just made, to be shown this once
	Error     string   // what was wrong with what was sent: granted, choose; empty: nothing
}

// Token is an application or a script that has access.
type Token struct {
	ID      string
	Name    string // what it is called; may be empty
	Client  string // client_id; empty: the token was made by hand
	Scopes  []Scope
	Made    time.Time
	Until   time.Time // zero: until it is revoked
	Used    time.Time // to the hour; zero: never
	From    string    // the network it was used from then, coarse; may be empty
	Lenient bool      // it may come twice in one request
}

// SignIn is the view of "signin": nobody is signed in, and how to do so. With a
// passphrase it posts to Action me and passphrase.
type SignIn struct {
	Shell
	Command    string // what to run; empty: "tertulia link"
	Client     string // the application that is waiting for the answer, or empty
	Again      bool   // somebody is signed in, but has been for too long for what they want to do
	Action     string
	Passphrase bool   // somebody has one
	Several    bool   // it must be said whose it is
	Me         string // the address that was entered, or the only one
	Passkey    string // options to sign in with a passkey, as JSON, for credential; empty: nobody has one
	Error      string // what was wrong: wrong, many, passkey; empty: nothing
	Site       string // where the address is posted, as site, of who signs in at their own server; empty: nobody does
	Providers  []Link // networks whose accounts sign in, with where that is posted
	Typed      string // what was posted there
	Unvouched  string // why that came to nothing, a word that unvouched has a sentence for; empty: nothing is said
}

// Leaving is the view of "leaving": the browser goes on to another server to sign in.
type Leaving struct {
	Shell
	Me string // whose server it is; may be empty
	To string // its address
}

// Client is the view of "client": what this service is to other servers, an h-app.
type Client struct {
	Shell
	ID, Redirect string
	Name         string
	Visitors     bool // it is for those who reply, not for those who look after the site
}

// SignInLink is the view of "link": confirms a one-time sign-in link by POST, so
// that no mail scanner or preview uses it up.
type SignInLink struct {
	Shell
	Action  string
	Expired bool      // the link was used or is too old
	Person  string    // whom it signs in, where several look after the site; else empty
	Until   time.Time // how long the link works; zero: not said
}

// Sessions is the view of "sessions": where somebody is signed in, and what with. It
// posts to Action with do, and what the form says.
type Sessions struct {
	Shell
	Action   string
	Person   string   // who is signed in
	Role     string   // owner, moderator
	People   []Keeper // who looks after the site, for owners; empty where it is one alone
	Browsers []Browser

	Passphrase bool   // the person has one; do=passphrase with passphrase sets it, do=no-passphrase removes it
	Least      int    // characters of a passphrase
	Error      string // what was wrong with what was sent: short, passkey; empty: nothing
	Me         string // address of the person, for password managers
	Again      string // where they sign in again before they change passphrase or passkeys; empty: they need not

	Passkeys   []Passkey // do=no-passkey with its id removes one
	NewPasskey string    // options to make one, as JSON, for credential with do=passkey and name; empty: there can be none
}

// Keeper is somebody who looks after the site.
type Keeper struct {
	Who  Link   // called by name, and their own address
	Role string // owner, moderator
}

// Passkey is a passkey of the person's.
type Passkey struct {
	ID, Name string
	Created  time.Time
	Used     time.Time // zero: never
}

// Browser is a session. do=end with its id ends it.
type Browser struct {
	ID          string
	Person      string // whose it is, where it may be another's; else empty
	Agent, From string // may be empty
	How         string // they signed in: link, passphrase, passkey; else a provider's name
	Since, Seen time.Time
	Current     bool // it is this one
}

// Status is the view of "status": what became of a webmention.
type Status struct {
	Shell
	Source, Target string
	Stage          string // received, again, pending, approved, rejected, withdrawn, failed
	Detail         string // why it failed; may be empty
	Received       time.Time
	Changed        time.Time // when the stage was reached
}

// Webmention is the view of "webmention": the form for people behind the
// endpoint, and what the endpoint answers to it.
type Webmention struct {
	Shell
	Endpoint       string
	Source, Target string // what was entered
	Error          string // what was wrong with it, for people; empty: nothing
	Field          string // the field that Error is about: source or target; may be empty
	StatusURL      string // set when it was accepted
}

// Error is the view of "error".
type Error struct {
	Shell
	Status     int    // 400, 403, 404, 405, 410, 429, 500, 503; others are shown as 500
	Detail     string // what the visitor can do about it; may be empty
	DetailLang string // BCP 47 tag of Detail, when it is not in the page's language
	Home       string // address of the way back; empty: the site's
	Back       string // address of the application that sent the visitor here, to be told; empty: there is none
}

// Privacy is the view of "privacy": what is kept of others.
type Privacy struct {
	Shell
	Sections []Section
}

// Section is a heading with paragraphs of plain text.
type Section struct {
	Title string
	Lines []string
}
