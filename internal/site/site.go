// Package site is the service: what a site does with its posts and mentions.
//
// A [Site] is what is known about one site from its settings. Around it stand
// the parts, each the application's side of one protocol: [Posts] is a
// micropub.Backend, [Mentions] a webmention.Inbox and the owner's decisions about
// what came in, [Access] an indieauth.Storage with sessions, [Conversation] what
// readers are shown, and [Jobs] the handlers of the durable work between them.
//
//	home := &site.Site{Key: "example.com", URL: u, Base: "https://example.com/-/"}
//	posts := &site.Posts{Site: home, DB: db}
//	jobs := &site.Jobs{Sites: []*site.Site{home}, DB: db}
//
// How a post and a mention travel through it is told in docs/flow.md.
package site

import (
	"cmp"
	"context"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/idna"

	"tertulia/internal/lang"
	"tertulia/internal/publish"
	"tertulia/mf2"
	"tertulia/micropub"
)

// Site is one site and its settings. It does not change while the service runs.
type Site struct {
	Key      string      // its name in the store: host:port, and the path if it has one
	URL      *url.URL    // the home page, with a slash at its end; it is also the owner's me
	Aliases  []*url.URL  // other addresses of the same site
	Base     string      // base address of its endpoints, with a slash at its end
	Name     string      // title for readers
	Language string      // BCP 47
	Words    []lang.Lang // its languages with sentences of the owner's own in them
	Author   mf2.Item    // the owner's h-card
	Keepers  []Keeper    // who looks after it besides the owner of URL

	// Root is the directory of the site's pages when this service serves them:
	// then it is ours to know which pages exist. "" means that they are elsewhere.
	Root string

	Publish publish.Target // where posts go; nil: nowhere, the site takes none
	Dir     string         // the directory that Publish writes finished pages into, "" when there is none

	// Render makes the page of a post without publishing it, for the owner; nil where this
	// service does not answer for the pages of posts, or has no session of the owner's there.
	Render func(publish.Change) ([]byte, error)

	Channels []micropub.Channel // that posts can go into
	Accounts []*Account         // that copies can go to

	// Source is Publish where posts go into the source of a site that a generator builds;
	// nil elsewhere. Remote is where its history is kept, nil for nowhere. Addresses tells
	// where the pages of posts are that were there before; nil leaves it to the preset.
	Source    *publish.Source
	Remote    Remote
	Addresses func(context.Context) (publish.Addresses, error)
	Uploads   string        // the directory of uploaded files
	Data      string        // the directory in Source for the conversations of pages; "": they are not written there
	Batch     time.Duration // how long write-backs into Source may wait for each other; 0: they go at once

	Watch *Watch // where pages are found that are no posts of ours; nil: nowhere
	Hub   string // the WebSub hub of the site's feed; "": none

	Approve Approval // whose mentions wait for the owner

	// TakesComments says that people can write here; else those comments that there are stay,
	// and can be taken back.
	TakesComments bool
	Contact       string   // whom others ask about what is kept of them: a mail address or that of a page; "": at the home page
	Bridged       Bridged  // how much is shown of people whom a bridge has brought
	Lenient       []string // client_ids that may send their token twice (SPECS D1)

	Tell Telling // what its owner is told by mail

	Elsewhere *Elsewhere // the IndieAuth server that the owner keeps; nil: this service is it

	publishing sync.Mutex                // the lists of a site are written one after the other
	listed     time.Time                 // when they were last, guarded by publishing
	swept      time.Time                 // when tombstones were last looked for, by the job adopt alone
	reviewed   string                    // the mention that Review came to, by that alone
	hidden     bool                      // the faces that the settings hide were looked for since the start, by SweepPictures alone
	passed     map[string]string         // what is wrong with the files that the last look at the source passed over, by the same
	deployed   atomic.Pointer[time.Time] // when its source last went where the site is made; nil: not since the start
}

// Approval says whose mentions wait for the owner.
type Approval string

// ApprovePeople lets those of unknown people wait, ApproveAll everybody's,
// ApproveNone nobody's.
const (
	ApprovePeople Approval = "people"
	ApproveAll    Approval = "all"
	ApproveNone   Approval = "none"
)

// Me is the owner's profile URL.
func (s *Site) Me() string { return s.URL.String() }

// Endpoint is the absolute address of something below the site's base.
func (s *Site) Endpoint(name string) string { return s.Base + name }

// Speaks is the language of a BCP 47 tag as the site speaks it: with the owner's own sentences.
func (s *Site) Speaks(tag string) lang.Lang {
	l := lang.For(tag)
	for _, own := range s.Words {
		if own.Tag() == l.Tag() {
			return own
		}
	}
	return l
}

// ConversationURL is the page that shows the conversation of a page.
func (s *Site) ConversationURL(page string) string {
	return s.Endpoint("conversation") + "?url=" + url.QueryEscape(page)
}

// Links are the rels that the site's pages advertise, one address each.
// Spec: micropub#endpoint-discovery-p-1
// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-1
func (s *Site) Links() map[string]string {
	links := map[string]string{
		"webmention":             s.Endpoint("webmention"),
		"indieauth-metadata":     s.Endpoint("metadata"),
		"authorization_endpoint": s.Endpoint("auth"),
		"token_endpoint":         s.Endpoint("token"),
	}
	if e := s.Elsewhere; e != nil {
		links["authorization_endpoint"], links["token_endpoint"], links["indieauth-metadata"] = e.Authorization, e.Token, e.Metadata
		if e.Metadata == "" {
			delete(links, "indieauth-metadata") // ours would lead clients to another server
		}
	}
	if s.Publish != nil {
		links["micropub"], links["micropub_media"] = s.Endpoint("micropub"), s.Endpoint("media")
	}
	return links
}

// tracking are query parameters that say where a reader came from, not what page
// is meant.
var tracking = []string{"fbclid", "gclid", "mc_cid", "mc_eid", "igshid", "ref_src"}

// Fold reduces an address of the site to what tells its pages apart: the path,
// escaped, and where the pages are not files of ours the query, without scheme, host,
// tracking parameters, fragment and the slash at the end (TRAPS T-WR03, T-WR19,
// T-WR20). It is false for addresses of other sites.
func (s *Site) Fold(u *url.URL) (string, bool) {
	p, ok := s.own(u)
	if !ok {
		return "", false
	}
	for strings.HasSuffix(p, "/index.html") {
		p = cmp.Or(strings.TrimSuffix(p, "/index.html"), "/")
	}
	folded := (&url.URL{Path: p}).EscapedPath()
	if query := s.query(u); query != "" {
		folded += "?" + query
	}
	return folded, true
}

// query is what of an address's query tells pages apart. A file is the same file
// whatever is asked of it.
func (s *Site) query(u *url.URL) string {
	if s.Root != "" {
		return ""
	}
	query := u.Query()
	for name := range query {
		if strings.HasPrefix(name, "utm_") || slices.Contains(tracking, name) {
			query.Del(name)
		}
	}
	return query.Encode()
}

// own cuts the address of the site, or of an alias, off a URL of one of its pages,
// and returns the rest as a clean path, without a slash at its end but for "/".
func (s *Site) own(u *url.URL) (rest string, ok bool) {
	if u.Scheme != "http" && u.Scheme != "https" {
		return "", false
	}
	at := path.Clean("/" + u.Path)
	for _, home := range append([]*url.URL{s.URL}, s.Aliases...) {
		if !sameHost(u, home) {
			continue
		}
		base := strings.TrimSuffix(home.Path, "/")
		if at == base {
			return "/", true
		}
		if rest, ok := strings.CutPrefix(at, base); ok && strings.HasPrefix(rest, "/") {
			return rest, true
		}
	}
	return "", false
}

// canonical is the address under which a page of the site is known, made from any
// of its addresses: on the site's own host, without what only tracks.
func (s *Site) canonical(u *url.URL) string {
	rest, _ := s.own(u)
	page := url.URL{Scheme: s.URL.Scheme, Host: s.URL.Host, Path: strings.TrimSuffix(s.URL.Path, "/") + rest, RawQuery: s.query(u)}
	slash := strings.HasSuffix(u.Path, "/")
	if s.Root != "" {
		page.Path = strings.TrimSuffix(page.Path, "index.html")
		slash = slash || s.isDir(u)
	}
	if slash && !strings.HasSuffix(page.Path, "/") {
		page.Path += "/"
	}
	return page.String()
}

// isDir tells whether a page is the index.html of a directory.
func (s *Site) isDir(u *url.URL) bool {
	folded, _ := s.Fold(u)
	name, ok := s.File(folded)
	if !ok {
		return false
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// sameHost compares host and port; http and https on their usual ports are one.
func sameHost(a, b *url.URL) bool { return hostName(a) == hostName(b) && port(a) == port(b) }

// HasDomain tells whether a domain, with its port if it has an unusual one, is the site's or
// that of one of its aliases.
func (s *Site) HasDomain(domain string) bool {
	return slices.ContainsFunc(append([]*url.URL{s.URL}, s.Aliases...), func(home *url.URL) bool {
		return sameHost(&url.URL{Host: domain}, home)
	})
}

// hostName is the host without its port in the one spelling that all share.
func hostName(u *url.URL) string {
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if strings.IndexFunc(name, func(r rune) bool { return r >= 0x80 }) < 0 {
		return name
	}
	if ascii, err := idna.Lookup.ToASCII(name); err == nil {
		return ascii
	}
	return name // one that is none
}

func port(u *url.URL) string {
	if p := u.Port(); p != "80" && p != "443" {
		return p
	}
	return ""
}

// File is the file of a page of the site, when this service serves it: the
// folded path inside Root. Paths that lead outside or to hidden files are refused.
func (s *Site) File(folded string) (string, bool) { return fileIn(s.Root, folded) }

func fileIn(dir, folded string) (string, bool) {
	escaped, _, _ := strings.Cut(folded, "?")
	p, err := url.PathUnescape(escaped)
	p = strings.Trim(p, "/")
	if err != nil || dir == "" || p != "" && !filepath.IsLocal(filepath.FromSlash(p)) {
		return "", false
	}
	for _, part := range strings.Split(p, "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return filepath.Join(dir, filepath.FromSlash(p)), true
}
