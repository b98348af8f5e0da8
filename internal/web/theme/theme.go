// Package theme is what the service's own pages look like: templates, stylesheet
// and the values that fill them.
//
//	err := theme.Render(w, "error", lang.Match(accept), theme.Error{Shell: shell, Status: 404})
//
// A page is named by its template and takes the view type that says so in its
// comment. Everything in a view is text and is escaped, except the fields of type
// [template.HTML], which the caller has sanitised. The pages need no script ([Scripts] only help), load
// nothing from elsewhere, and meet WCAG 2.2 AA. Responses are marked up as
// u-comment, u-like and u-repost h-cite.
// Spec: salmention
package theme

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"maps"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode"

	"tertulia/internal/lang"
)

//go:embed templates/*.html style.css conversation.css signin.js admin.js compose.js widget.js count.js icon.svg icon-192.png icon-512.png
var files embed.FS

// Set is the pages in some languages. It is safe for concurrent use.
type Set struct {
	by map[lang.Lang]func() *template.Template
}

// In is the pages in Spanish and English, and in languages with sentences of somebody's own.
func In(languages ...lang.Lang) *Set {
	set := Set{maps.Clone(usual.by)}
	for _, l := range languages {
		set.by[l] = parsed(l)
	}
	return &set
}

var usual = &Set{map[lang.Lang]func() *template.Template{
	lang.For("es"): parsed(lang.For("es")),
	lang.For("en"): parsed(lang.For("en")),
}}

// parsed is the templates of a language, which are read when the first page is written in it:
// they are a good part of what the program would hold otherwise.
func parsed(l lang.Lang) func() *template.Template {
	return sync.OnceValue(func() *template.Template { return parse(l) })
}

var (
	conversation, _  = read("conversation.css")
	style, styleHash = read("conversation.css", "style.css")
	widget, _        = read("widget.js")
	counter, _       = read("count.js")
)

// Render writes a page in a language: "conversation" (a [Conversation], only the
// fragment), "conversation-page" ([ConversationPage]), "mentions" ([Mentions]), "admin" ([Inbox]), "decided" ([Kept]), "decisions" ([Decisions]), "mention" ([Mentioned]),
// "people" ([People]), "person" ([Portrait]), "erase" ([Erase]), "unanswered" ([Unanswered]), "answering" ([Answering]), "posts" ([Posts]), "post" ([Post]), "compose" ([Compose]), "consent"
// ([Consent]), "tokens" ([Tokens]), "jobs" ([Jobs]), "settings" ([Settings]), "welcome" ([Welcome]), "trial" ([TrialPage]),
// "signin" ([SignIn]), "leaving" ([Leaving]), "client" ([Client]),
// "link" ([SignInLink]), "networks" ([Networks]), "sessions" ([Sessions]), "notices" ([Notices]), "delivery" ([DeliveryPage]), "status" ([Status]),
// "webmention" ([Webmention]), "privacy" ([Privacy]), "comment-page" ([CommentPage]), "comment" ([Comment]),
// "comment-sent" ([CommentSent]), "comment-confirm" ([CommentConfirm]), "error" ([Error]). Nothing is written to w when the
// template fails, which it does on a view of another type.
func Render(w io.Writer, page string, l lang.Lang, view any) error {
	return usual.Render(w, page, l, view)
}

// Render is [Render] in one of the languages of the set.
func (s *Set) Render(w io.Writer, page string, l lang.Lang, view any) error {
	var b bytes.Buffer
	t, ok := s.by[l]
	if !ok {
		return fmt.Errorf("render %s: it is not in this language", page)
	}
	if err := t().ExecuteTemplate(&b, page, view); err != nil {
		return fmt.Errorf("render %s: %w", page, err)
	}
	_, err := b.WriteTo(w)
	return err
}

// Stylesheet is the one stylesheet of the service's pages and of the pages that
// the html preset publishes, with a hash of it for its address. It has [ConversationStyle]
// in it.
func Stylesheet() (css []byte, hash string) { return bytes.Clone(style), styleHash }

// Scripts are the scripts of the service's own pages by their names. Each page works without;
// signin.js offers passkeys, admin.js keys to decide with, compose.js helps with writing.
func Scripts() map[string][]byte {
	scripts := map[string][]byte{}
	for _, name := range []string{"signin.js", "admin.js", "compose.js"} {
		scripts[name], _ = read(name)
	}
	return scripts
}

// Icon is a picture of the service.
type Icon struct {
	Type string // of its Data
	Data []byte
}

// Icons are the pictures of the service by their names, for who installs it on a phone.
func Icons() map[string]Icon {
	icons := map[string]Icon{}
	for name, kind := range map[string]string{"icon.svg": "image/svg+xml", "icon-192.png": "image/png", "icon-512.png": "image/png"} {
		data, _ := read(name)
		icons[name] = Icon{kind, data}
	}
	return icons
}

// ConversationStyle is the stylesheet of a conversation on any page.
func ConversationStyle() []byte { return bytes.Clone(conversation) }

// Widget is the script that shows conversations in the pages of any site, with its
// stylesheet, for the service at base, which ends in a slash.
func Widget(base string) []byte {
	return bytes.Replace(bytes.Replace(widget, []byte("@css"), conversation, 1), []byte(`"@base"`), quote(base), 1)
}

// Counter is the script that says in lists of pages how many responses each has.
func Counter(base string) []byte {
	return bytes.Replace(counter, []byte(`"@base"`), quote(base), 1)
}

// quote is a text as JavaScript.
func quote(text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always encodes
	}
	return quoted
}

// read reads embedded files one after the other, with a hash of them.
func read(names ...string) (text []byte, hash string) {
	for _, name := range names {
		one, err := files.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		text = append(text, one...)
	}
	sum := sha256.Sum256(text)
	return text, hex.EncodeToString(sum[:6])
}

// parse reads the templates with the functions of a language.
func parse(l lang.Lang) *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"T": l.T, "N": l.N, "lang": l.Tag, "has": l.Has,
		"date": l.Date, "day": l.Day, "ago": l.Ago, "list": l.List, "number": l.Number,
		"machine": func(t time.Time) string { return t.Format(time.RFC3339) },
		"web":     web, "own": own, "host": host, "initial": initial,
		"page": func(title string, s Shell) top { return top{title, s} },
	}).ParseFS(files, "templates/*.html"))
}

// web is u when it is an address that a link may lead to, else empty.
func web(u string) string {
	parsed, err := url.Parse(u)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return ""
	}
	return u
}

// own is the address of a picture on our own host: an absolute one, or a path.
func own(u string) string {
	if strings.HasPrefix(u, "/") && !strings.HasPrefix(u, "//") && !strings.HasPrefix(u, "/\\") {
		return u
	}
	return web(u)
}

// host is the host of an address as it is shown to people.
func host(u string) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(parsed.Host, "www.")
}

// initial is the first letter of a name, to stand where a picture is missing.
func initial(name string) string {
	for _, r := range name {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return string(unicode.ToUpper(r))
		}
	}
	return "·"
}
