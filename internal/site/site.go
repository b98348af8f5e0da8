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
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tertulia/internal/publish"
	"tertulia/mf2"
)

// Site is one site and its settings. It does not change while the service runs.
type Site struct {
	Key      string     // its name in the store: host:port, and the path if it has one
	URL      *url.URL   // the home page, with a slash at its end; it is also the owner's me
	Aliases  []*url.URL // other addresses of the same site
	Base     string     // base address of its endpoints, with a slash at its end
	Name     string     // title for readers
	Language string     // BCP 47
	Author   mf2.Item   // the owner's h-card

	// Root is the directory of the site's pages when this service serves them:
	// then it is ours to know which pages exist. "" means that they are elsewhere.
	Root string

	Publish publish.Target // where posts go
	Approve Approval       // whose mentions wait for the owner
	Lenient []string       // client_ids that may send their token twice (SPECS D1)
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

// ConversationURL is the page that shows the conversation of a page.
func (s *Site) ConversationURL(page string) string {
	return s.Endpoint("conversation") + "?url=" + url.QueryEscape(page)
}

// Links are the rels that the site's pages advertise, one address each.
// Spec: micropub#endpoint-discovery-p-1
// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-1
func (s *Site) Links() map[string]string {
	return map[string]string{
		"webmention":             s.Endpoint("webmention"),
		"micropub":               s.Endpoint("micropub"),
		"micropub_media":         s.Endpoint("media"),
		"indieauth-metadata":     s.Endpoint("metadata"),
		"authorization_endpoint": s.Endpoint("auth"),
		"token_endpoint":         s.Endpoint("token"),
	}
}

// tracking are query parameters that say where a reader came from, not what page
// is meant.
var tracking = []string{"fbclid", "gclid", "mc_cid", "mc_eid", "igshid", "ref_src"}

// Fold reduces an address of the site to what tells its pages apart: path and
// query, without scheme, host, tracking parameters, fragment and the slash at the
// end (TRAPS T-WR03, T-WR19, T-WR20). It is false for addresses of other sites.
func (s *Site) Fold(u *url.URL) (string, bool) {
	rest, ok := s.own(u)
	if !ok {
		return "", false
	}
	p := strings.TrimSuffix(path.Clean("/"+rest), "/index.html")
	folded := "/" + strings.Trim(p, "/")
	query := u.Query()
	for name := range query {
		if strings.HasPrefix(name, "utm_") || slices.Contains(tracking, name) {
			query.Del(name)
		}
	}
	if len(query) > 0 {
		folded += "?" + query.Encode()
	}
	return folded, true
}

// own cuts the address of the site, or of an alias, off a URL of one of its pages.
func (s *Site) own(u *url.URL) (rest string, ok bool) {
	for _, home := range append([]*url.URL{s.URL}, s.Aliases...) {
		if !sameHost(u, home) {
			continue
		}
		if u.Path+"/" == home.Path {
			return "", true
		}
		if rest, ok := strings.CutPrefix(orSlash(u.Path), home.Path); ok {
			return rest, true
		}
	}
	return "", false
}

func orSlash(p string) string {
	if p == "" {
		return "/"
	}
	return p
}

// sameHost compares host and port; http and https on their usual ports are one.
func sameHost(a, b *url.URL) bool {
	return strings.EqualFold(strings.TrimSuffix(a.Hostname(), "."), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "80" && p != "443" {
		return p
	}
	return ""
}

// File is the file of a page of the site, when this service serves it: the
// folded path inside Root. Paths that lead outside or to hidden files are refused.
func (s *Site) File(folded string) (string, bool) {
	p, _, _ := strings.Cut(folded, "?")
	p = strings.Trim(p, "/")
	if s.Root == "" || p != "" && !filepath.IsLocal(filepath.FromSlash(p)) {
		return "", false
	}
	for _, part := range strings.Split(p, "/") {
		if strings.HasPrefix(part, ".") {
			return "", false
		}
	}
	return filepath.Join(s.Root, filepath.FromSlash(p)), true
}
