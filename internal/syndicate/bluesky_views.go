package syndicate

import (
	"html"
	"strings"
	"time"
	"unicode/utf8"
)

// threadNode is a post in a thread; Post is nil where it is gone, blocked, or not said.
type threadNode struct {
	Post    *postView
	Parent  *threadNode
	Replies []threadNode
}

// postView is a post as an AppView shows it. A stranger wrote the record.
type postView struct {
	URI, CID    string
	Author      actorView
	Record      said
	Embed       embedView
	ReplyCount  int
	LikeCount   int
	RepostCount int
	QuoteCount  int
	IndexedAt   string
	Labels      []label
}

// said is a record of a post, of somebody else's.
type said struct {
	Text      string
	CreatedAt string
	Langs     []string
	Facets    []facet
	Reply     *replyRefs
}

type actorView struct {
	DID, Handle, DisplayName, Avatar string
	Labels                           []label
	Viewer                           struct {
		BlockedBy bool
		Blocking  string
	}
}

type likeView struct {
	Actor                actorView
	CreatedAt, IndexedAt string
}

type gateView struct {
	Record struct{ HiddenReplies []string }
}

// label is what somebody who moderates, or the author, has to say about a post or a person.
type label struct {
	Src, Val, Exp string
	Neg           bool
}

// embedView is what stands below a post: pictures, a post that it quotes, or both.
type embedView struct {
	Type   string `json:"$type"`
	Images []struct{ Fullsize string }
	Record quotedView
	Media  *embedView
}

// quotedView is the quoted post; beside other media it stands one level deeper.
type quotedView struct {
	Type   string `json:"$type"`
	URI    string
	Record *quotedView
}

// hiding are the labels of what is not for everybody: taken down, hidden, behind a warning,
// for adults, for those who are signed in alone; or what moderators take for spam or abuse.
var hiding = map[string]bool{
	"!hide": true, "!takedown": true, "!suspend": true, "!warn": true, "!no-unauthenticated": true,
	"porn": true, "sexual": true, "nudity": true, "graphic-media": true, "gore": true, "nsfl": true, "corpse": true, "self-harm": true,
	"spam": true, "impersonation": true, "scam": true, "unsafe-link": true, "threat": true, "intolerant": true, "extremist": true, "rude": true,
}

// hides reports whether labels keep something from being shown to everybody.
func hides(labels []label) bool {
	for _, l := range labels {
		if !l.Neg && hiding[l.Val] && !expired(l.Exp) {
			return true
		}
	}
	return false
}

func expired(at string) bool {
	t, err := time.Parse(time.RFC3339, at)
	return err == nil && t.Before(time.Now())
}

func (a actorView) forEverybody() bool {
	return !hides(a.Labels) && !a.Viewer.BlockedBy && a.Viewer.Blocking == ""
}

func (p postView) forEverybody() bool { return !hides(p.Labels) && p.Author.forEverybody() }

func (a actorView) author() Author {
	who := Author{Name: plainWords(a.DisplayName, 200), Handle: a.Handle, URL: profile(a.Handle, a.DID)}
	if who.Handle == "handle.invalid" || !isHandle(who.Handle) {
		who.Handle = a.DID
	}
	if who.Name == "" {
		who.Name = who.Handle
	}
	if isWeb(a.Avatar) {
		who.Photo = a.Avatar
	}
	return who
}

func (l likeView) time() time.Time { return earlier(l.CreatedAt, l.IndexedAt) }

// earlier is when something was written, by whoever wrote it, but not after it was seen or in the
// future.
func earlier(created, indexed string) time.Time {
	now := time.Now().UTC().Truncate(time.Second)
	seen, err := time.Parse(time.RFC3339, indexed)
	if err != nil || seen.After(now) {
		seen = now
	}
	written, err := time.Parse(time.RFC3339, created)
	if err != nil || written.After(seen) || written.Year() < 1970 {
		return seen
	}
	return written
}

// answer is a post as an answer of a type to parent; ok is whether it is any.
func (p postView) answer(kind, parent string) (a Answer, ok bool) {
	at, ok := parseATURI(p.URI)
	if !ok || at.collection != postRecords || at.repo != p.Author.DID || p.CID == "" {
		return Answer{}, false
	}
	more := threadRef{CID: p.CID}
	if p.Record.Reply != nil {
		more.Root = &p.Record.Reply.Root
	}
	if kind == "mention" {
		more.Quotes = parent
	}
	a = Answer{
		Ref:  Ref{ID: p.URI, URL: at.page(p.Author.Handle), More: more.String()},
		Type: kind, Author: p.Author.author(), Published: earlier(p.Record.CreatedAt, p.IndexedAt), Parent: parent,
	}
	if a.HTML = markup(p.Record.Text, p.Record.Facets); a.HTML == "" {
		a.Text = p.Record.Text
	}
	if len(p.Record.Langs) > 0 {
		a.Language = plainWords(p.Record.Langs[0], 35)
	}
	a.Photos = p.Embed.photos()
	return a, true
}

// reply is a post as what it answers.
func (p postView) reply() (Answer, bool) {
	if p.Record.Reply == nil {
		return Answer{}, false
	}
	if _, ok := parseATURI(p.Record.Reply.Parent.URI); !ok {
		return Answer{}, false
	}
	return p.answer("reply", p.Record.Reply.Parent.URI)
}

// quote is a post as one that quotes another. It is none when the other's author has taken the
// quotation off.
func (p postView) quote(of string) (Answer, bool) {
	quoted := p.Embed.Record
	if quoted.Record != nil {
		quoted = *quoted.Record
	}
	if quoted.URI != of || quoted.Type == "app.bsky.embed.record#viewDetached" {
		return Answer{}, false
	}
	return p.answer("mention", of)
}

func (e embedView) photos() (addresses []string) {
	if e.Media != nil {
		e.Images = e.Media.Images
	}
	for _, image := range e.Images {
		if isWeb(image.Fullsize) {
			addresses = append(addresses, image.Fullsize)
		}
	}
	return addresses
}

// markup writes a text with its links as HTML; "" when it has none. What points beside the
// text, into a character or into another link is left out.
func markup(text string, facets []facet) string {
	var out strings.Builder
	written, linked := 0, false
	for _, f := range facets {
		start, end := f.Index.Start, f.Index.End
		to := f.leadsTo()
		if to == "" || start < written || end <= start || end > len(text) || !boundary(text, start) || !boundary(text, end) {
			continue
		}
		out.WriteString(lines(text[written:start]))
		out.WriteString(`<a href="` + html.EscapeString(to) + `">` + lines(text[start:end]) + "</a>")
		written, linked = end, true
	}
	if !linked {
		return ""
	}
	return out.String() + lines(text[written:])
}

func boundary(s string, i int) bool { return i == len(s) || utf8.RuneStart(s[i]) }

func lines(s string) string {
	return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>\n")
}

// leadsTo is the address behind a part of a text, "" for none.
func (f facet) leadsTo() string {
	for _, feature := range f.Features {
		switch {
		case feature.Type == linkFeature && isWeb(feature.URI):
			return feature.URI
		case feature.Type == mentionFeature && isDID(feature.DID):
			return profile("", feature.DID)
		}
	}
	return ""
}

// UnmarshalJSON reads a record that a stranger wrote; of one that is none, nothing.
func (s *said) UnmarshalJSON(raw []byte) error {
	type plain said
	if err := lenient(raw, (*plain)(s)); err != nil {
		*s = said{}
	}
	return nil
}
