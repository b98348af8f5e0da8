package attach

import (
	"bytes"
	"embed"
	"errors"
	"html"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"
	"text/template"
)

// Lines is what the lines to paste are made of.
type Lines struct {
	Site    string // the home page, with a slash at its end
	Base    string // below which the endpoints lie, with a slash at its end
	Listen  string // where the service listens: 127.0.0.1:8080
	Serves  bool   // the service answers for the whole site
	Publish bool   // posts can be sent to it

	// Where the pages are that the service answers for: in a directory, or at a server in
	// front of which it stands, "http://127.0.0.1:1313". "" where nobody else could have them.
	Root, Upstream string

	// Auth are the rels of an IndieAuth server that the owner keeps elsewhere, to be named
	// instead of ours; none where this service is the server.
	Auth []Endpoint

	Author string // for the h-card in posts: a stranger may have chosen it

	Program, Config, Dir, User string   // of the systemd unit, Dir the one it works in
	Writable                   []string // directories besides Dir that it writes into

	// Words are those that readers see in posts: reply, like, repost, bookmark, rsvp,
	// conversation.
	Words map[string]string
}

// File is a file of a theme: its name in the source of the site, and what is in it.
type File struct{ Name, Text string }

//go:embed all:partials
var partials embed.FS

//go:embed all:lines
var lines embed.FS

// Endpoint is a rel that pages name, with its address.
type Endpoint struct{ Rel, URL string }

// Endpoints are the rels that pages name, in the order in which they are shown.
func (l Lines) Endpoints() []Endpoint {
	auth := l.Auth
	if len(auth) == 0 {
		auth = []Endpoint{
			{"indieauth-metadata", l.Base + "metadata"},
			{"authorization_endpoint", l.Base + "auth"},
			{"token_endpoint", l.Base + "token"},
		}
	}
	all := append([]Endpoint{{"webmention", l.Base + "webmention"}}, auth...)
	if l.Publish {
		all = append(all, Endpoint{"micropub", l.Base + "micropub"})
	}
	return all
}

// Names are those of the lines that every owner may want, for [Lines.Text]. It knows others:
// how the pages of a site take the conversation in, with the means of their server.
func Names() []string {
	return []string{"head.html", "nginx.conf", "Caddyfile", "_headers", "_redirects", "tertulia.service"}
}

// Text is what to paste under one of [Names]; "" when there is nothing to paste, since
// the service does all of it.
func (l Lines) Text(name string) (string, error) {
	b, err := lines.ReadFile("lines/" + path.Base(name))
	if err != nil {
		return "", err
	}
	return l.fill(name, string(b))
}

// Partials are the files for the theme of a site that a generator makes; none where
// there is no theme.
func (l Lines) Partials(generator string) ([]File, error) {
	var files []File
	top := path.Join("partials", path.Base(generator))
	err := fs.WalkDir(partials, top, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && name == top {
			return fs.SkipAll
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := partials.ReadFile(name)
		if err != nil {
			return err
		}
		text, err := l.fill(name, string(b))
		files = append(files, File{strings.TrimPrefix(name, top+"/"), text})
		return err
	})
	return files, err
}

// fill puts what is known into a text, between [[ and ]], for {{ and }} are the
// generators' own.
func (l Lines) fill(name, text string) (string, error) {
	t, err := template.New(name).Delims("[[", "]]").Parse(text)
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, l); err != nil {
		return "", err
	}
	return b.String(), nil
}

// Origin is the site's address without the slash at its end, for generators whose
// addresses begin with one.
func (l Lines) Origin() (string, error) {
	u, err := url.Parse(l.Site)
	if err != nil {
		return "", err
	}
	return u.Scheme + "://" + u.Host, nil
}

// Server is the name of the server on which the site's pages lie.
func (l Lines) Server() (string, error) {
	u, err := url.Parse(l.Site)
	if err != nil {
		return "", err
	}
	return u.Host, nil
}

// Host is the name of the server on which the endpoints lie.
func (l Lines) Host() (string, error) {
	u, err := url.Parse(l.Base)
	if err != nil {
		return "", err
	}
	return u.Host, nil
}

// Path is the path below which the endpoints lie on their server.
func (l Lines) Path() (string, error) {
	u, err := url.Parse(l.Base)
	if err != nil {
		return "", err
	}
	return u.EscapedPath(), nil
}

// Within tells whether the endpoints lie on the site's own server.
func (l Lines) Within() bool {
	site, err1 := url.Parse(l.Site)
	base, err2 := url.Parse(l.Base)
	return err1 == nil && err2 == nil && strings.EqualFold(site.Host, base.Host)
}

// Fallback is the directory of the pages as one word of a web server's settings, "" when
// there is none, or when it has a name that these would read as something else.
func (l Lines) Fallback() string {
	switch {
	case strings.ContainsAny(l.Root, "\"'\\${}\n\r"):
		return ""
	case strings.ContainsAny(l.Root, " \t;#"):
		return `"` + l.Root + `"`
	}
	return l.Root
}

// Arg is a path as one word of a systemd unit.
func (l Lines) Arg(path string) string {
	path = strings.ReplaceAll(path, "%", "%%")
	if strings.ContainsAny(path, " \t\"'\\$;") {
		return strconv.Quote(strings.ReplaceAll(path, "$", "$$"))
	}
	return path
}

// Word is a word for readers, as HTML.
func (l Lines) Word(name string) string { return inert(l.Words[name]) }

// Name is the author's name as HTML, in which no generator finds anything to run.
func (l Lines) Name() string { return inert(l.Author) }

// inert makes text of what may be meant for a browser or for a generator.
func inert(s string) string {
	return strings.NewReplacer("{", "&#123;", "}", "&#125;", "%", "&#37;", "`", "&#96;", "$", "&#36;").Replace(html.EscapeString(s))
}
