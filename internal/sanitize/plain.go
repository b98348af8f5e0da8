package sanitize

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// blocks are the elements that begin a line of their own.
var blocks = map[string]bool{
	"address": true, "article": true, "aside": true, "blockquote": true, "dd": true, "details": true, "div": true,
	"dl": true, "dt": true, "fieldset": true, "figcaption": true, "figure": true, "footer": true, "form": true,
	"h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true, "header": true, "hr": true, "li": true,
	"main": true, "nav": true, "ol": true, "p": true, "pre": true, "section": true, "summary": true,
	"table": true, "tr": true, "ul": true,
}

// void are the elements that have no end tag.
var void = map[string]bool{
	"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true,
	"link": true, "meta": true, "param": true, "source": true, "track": true, "wbr": true,
}

// PlainText returns the text of an HTML fragment: each block element and each
// <br> begins a new line, other white space is one space. Elements whose contents
// are no text (script, style, svg) are left out. It is text: it is still to be escaped.
func PlainText(fragment string) string {
	z := html.NewTokenizer(strings.NewReader(fragment))
	var b strings.Builder
	hidden := 0  // open elements whose contents are left out
	inside := "" // the outermost of them
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return lines(b.String())
		}
		token := z.Token()
		switch {
		case hidden > 0:
			if token.Data == inside {
				hidden += map[html.TokenType]int{html.StartTagToken: +1, html.EndTagToken: -1}[kind]
			}
		case kind == html.StartTagToken && dropped[token.Data]:
			hidden, inside = 1, token.Data
		default:
			b.WriteString(spoken(token))
		}
	}
}

// spokenText is [PlainText] of the children of a node that was filtered.
func spokenText(body *html.Node) string {
	var b strings.Builder
	var add func(*html.Node)
	add = func(parent *html.Node) {
		for n := range parent.ChildNodes() {
			if n.Type == html.TextNode {
				b.WriteString(oneLine.Replace(n.Data))
				continue
			}
			edge := edgeOf(n.Data)
			b.WriteString(edge)
			add(n)
			if !void[n.Data] {
				b.WriteString(edge)
			}
		}
	}
	add(body)
	return lines(b.String())
}

var oneLine = strings.NewReplacer("\n", " ", "\r", " ")

// spoken is what a token adds to the text of a fragment.
func spoken(token html.Token) string {
	switch token.Type {
	case html.TextToken:
		return oneLine.Replace(token.Data)
	case html.CommentToken, html.DoctypeToken:
		return ""
	}
	return edgeOf(token.Data)
}

// edgeOf is what an element of this name puts between the texts before and after its
// tags.
func edgeOf(name string) string {
	switch {
	case name == "br" || blocks[name]:
		return "\n"
	case name == "td" || name == "th":
		return " "
	}
	return ""
}

// lines collapses the white space of each line and leaves out empty ones.
func lines(text string) string {
	var kept []string
	for line := range strings.SplitSeq(visible(text), "\n") {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

var (
	blankLines = regexp.MustCompile(`\n[ \t]*(?:\n[ \t]*)+`)
	webAddress = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"` + "`" + `]+`)
)

// FromPlain returns plain text as HTML: escaped, a paragraph where lines were left
// blank, a <br> where a line ends, and http and https URLs as links.
// What a stranger wrote still goes through [HTML], which marks its links.
func FromPlain(text string) string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	text = strings.Trim(visible(text), "\n")
	var b strings.Builder
	for paragraph := range slices.Values(blankLines.Split(text, -1)) {
		if strings.TrimSpace(paragraph) == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("<p>")
		for i, line := range strings.Split(paragraph, "\n") {
			if i > 0 {
				b.WriteString("<br/>\n")
			}
			linkify(&b, line)
		}
		b.WriteString("</p>")
	}
	return b.String()
}

// linkify writes a line, escaped, with its URLs as links.
func linkify(b *strings.Builder, line string) {
	for {
		at := webAddress.FindStringIndex(line)
		if at == nil {
			b.WriteString(html.EscapeString(line))
			return
		}
		raw := trimURL(line[at[0]:at[1]])
		end := at[0] + len(raw)
		b.WriteString(html.EscapeString(line[:at[0]]))
		if to := URL(raw, nil); to != "" {
			b.WriteString(`<a href="` + html.EscapeString(to) + `">` + html.EscapeString(raw) + `</a>`)
		} else {
			b.WriteString(html.EscapeString(raw))
		}
		line = line[end:]
	}
}

// trimURL leaves out the punctuation that ends a sentence, and brackets that
// were opened before the URL.
func trimURL(raw string) string {
	for raw != "" {
		last := raw[len(raw)-1]
		opening := map[byte]string{')': "(", ']': "[", '}': "{"}[last]
		switch {
		case strings.IndexByte(".,;:!?'*_~", last) >= 0:
		case opening != "" && strings.Count(raw, opening) < strings.Count(raw, string(last)):
		default:
			return raw
		}
		raw = raw[:len(raw)-1]
	}
	return raw
}

// LooksHTML reports whether a string that might be text is HTML (SPECS D11): it
// begins with a block element, and every element that it opens is closed in order.
func LooksHTML(s string) bool {
	s = strings.TrimSpace(s)
	z := html.NewTokenizer(strings.NewReader(s))
	var open []string
	read, first := 0, true
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return !first && len(open) == 0 && read == len(s)
		}
		read += len(z.Raw())
		raw, _ := z.TagName()
		name := string(raw)
		if first && (kind != html.StartTagToken || !blocks[name] || void[name]) {
			return false
		}
		first = false
		switch {
		case (kind == html.StartTagToken || kind == html.SelfClosingTagToken) && !void[name]:
			open = append(open, name)
		case kind == html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != name {
				return false
			}
			open = open[:len(open)-1]
		}
	}
}
