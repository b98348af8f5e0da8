package syndicate

import (
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"tertulia/mf2"
)

// The elements that begin lines of their own, with how many line ends before and after them.
var edges = map[string]int{
	"p": 2, "blockquote": 2, "ul": 2, "ol": 2, "dl": 2, "pre": 2, "figure": 2, "table": 2, "hr": 2, "section": 2, "article": 2,
	"h1": 2, "h2": 2, "h3": 2, "h4": 2, "h5": 2, "h6": 2, "header": 2, "footer": 2, "details": 2,
	"div": 1, "li": 1, "dt": 1, "dd": 1, "tr": 1, "figcaption": 1, "summary": 1, "address": 1, "main": 1, "aside": 1, "nav": 1,
}

// unread are the elements whose contents are no text of a post.
var unread = map[string]bool{
	"script": true, "style": true, "template": true, "noscript": true, "svg": true, "math": true, "iframe": true, "object": true,
	"video": true, "audio": true, "head": true, "title": true, "select": true, "textarea": true, "rp": true, "rt": true,
}

// plainer makes text of HTML, token by token: nothing nests, so nothing grows.
type plainer struct {
	base   *url.URL
	text   strings.Builder
	spans  []Span
	ends   int  // line ends that are due
	space  bool // a space is due
	quoted int  // open quotations
	before int  // those that were open where the last line was begun
	pre    int  // open pre elements
	hidden string
	depth  int    // of open elements named hidden
	lists  []int  // open lists: the number of the next item, 0 for a list of points
	link   string // the open link
	begun  int    // where its text begins
}

// FromHTML is the text of a fragment of HTML: paragraphs with an empty line between them, points
// and numbers of lists, "> " before what is quoted, links as spans of their words, resolved
// against base. Hashtags, handles and addresses in the text are spans too.
func FromHTML(fragment string, base *url.URL) Text {
	p := plainer{base: base}
	z := html.NewTokenizer(strings.NewReader(strings.ToValidUTF8(fragment, "\uFFFD")))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		p.token(kind, z.Token())
	}
	p.closeLink()
	return Text{String: p.text.String(), Spans: p.spans}.marked()
}

func (p *plainer) token(kind html.TokenType, t html.Token) {
	switch {
	case p.hidden != "":
		if t.Data == p.hidden {
			p.depth += map[html.TokenType]int{html.StartTagToken: 1, html.EndTagToken: -1}[kind]
		}
		if p.depth == 0 {
			p.hidden = ""
		}
	case kind == html.TextToken:
		p.say(t.Data)
	case kind == html.StartTagToken && unread[t.Data]:
		p.hidden, p.depth = t.Data, 1
	case kind == html.StartTagToken, kind == html.SelfClosingTagToken:
		p.open(t)
	case kind == html.EndTagToken:
		p.close(t.Data)
	}
}

func (p *plainer) open(t html.Token) {
	p.ends = max(p.ends, edges[t.Data])
	switch t.Data {
	case "br":
		p.ends = min(p.ends+1, 2)
	case "td", "th":
		p.space = true
	case "pre":
		p.pre++
	case "blockquote":
		p.quoted++
	case "ul":
		p.lists = append(p.lists, 0)
	case "ol":
		start, _ := strconv.Atoi(attr(t, "start")) // what is no number is none
		p.lists = append(p.lists, max(1, start))
	case "li":
		p.item()
	case "img":
		if alt := attr(t, "alt"); mf2.IsEmoji(alt) {
			p.say(alt)
		}
	case "a":
		p.closeLink()
		if to := p.resolve(attr(t, "href")); to != "" {
			p.flush()
			p.link, p.begun = to, p.text.Len()
		}
	}
}

func (p *plainer) close(name string) {
	p.ends = max(p.ends, edges[name])
	switch name {
	case "pre":
		p.pre = max(0, p.pre-1)
	case "blockquote":
		p.quoted = max(0, p.quoted-1)
	case "ul", "ol":
		if len(p.lists) > 0 {
			p.lists = p.lists[:len(p.lists)-1]
		}
		if len(p.lists) > 0 {
			p.ends = 1
		}
	case "a":
		p.closeLink()
	}
}

// item begins a point of the list that is open.
func (p *plainer) item() {
	mark := "• "
	if n := len(p.lists); n > 0 {
		if n > 1 && p.ends > 1 {
			p.ends = 1
		}
		if next := &p.lists[n-1]; *next > 0 {
			mark = strconv.Itoa(*next) + ". "
			*next++
		}
		mark = strings.Repeat("  ", min(n-1, 5)) + mark
	}
	p.flush()
	p.text.WriteString(mark)
	p.ends, p.space = 0, false
}

// closeLink ends the open link, if its words say anything.
func (p *plainer) closeLink() {
	if p.link != "" && p.text.Len() > p.begun {
		p.spans = append(p.spans, Span{Start: p.begun, End: p.text.Len(), URL: p.link})
	}
	p.link = ""
}

// flush writes what is due before something else is said.
func (p *plainer) flush() {
	if p.text.Len() == 0 && p.quoted == 0 {
		p.ends, p.space = 0, false
		return
	}
	switch {
	case p.text.Len() == 0:
		p.text.WriteString("> ")
	case p.ends > 0:
		for range p.ends - 1 {
			p.text.WriteString("\n" + strings.Repeat(">", min(p.quoted, p.before, 1)))
		}
		p.text.WriteString("\n" + strings.Repeat("> ", min(p.quoted, 1)))
	case p.space:
		p.text.WriteByte(' ')
	}
	p.ends, p.space, p.before = 0, false, p.quoted
}

// say adds text, its white space collapsed but for preformatted lines.
func (p *plainer) say(text string) {
	text = visible(text)
	if p.pre > 0 {
		for i, line := range strings.Split(text, "\n") {
			if i > 0 {
				p.ends = min(p.ends+1, 2)
			}
			if line != "" {
				p.flush()
				p.text.WriteString(line)
			}
		}
		return
	}
	for _, r := range text {
		if isBlank(r) {
			p.space = p.text.Len() > 0
			continue
		}
		if p.ends > 0 || p.space || p.text.Len() == 0 {
			inside := p.text.Len() > p.begun
			p.flush()
			if p.link != "" && !inside {
				p.begun = p.text.Len()
			}
		}
		p.text.WriteRune(r)
	}
}

// isBlank reports the white space that HTML collapses; a space that holds words together stays.
func isBlank(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' }

// resolve is a link's address, "" for one that leads nowhere on the web.
func (p *plainer) resolve(href string) string {
	u, err := url.Parse(strings.TrimSpace(href))
	if err != nil || href == "" {
		return ""
	}
	if p.base != nil {
		u = p.base.ResolveReference(u)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

func attr(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// visible drops from a text what could reach beyond it: controls, and directional marks that
// nothing need close.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t':
			return r
		case r == '\r':
			return '\n'
		case r < 0x20, r >= 0x7f && r < 0xa0, r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD"))
}
