package syndicate

import (
	"net/url"
	"slices"
	"strings"
	"unicode"

	"tertulia/mf2"
)

// Rules are how a network takes text. The zero value has no limit, writes addresses out and has no
// hashtags.
type Rules struct {
	Max       int     // of what Measure counts; 0: no limit
	Measure   Measure // nil: Graphemes
	MaxBytes  int     // of UTF-8, besides; 0: no limit
	Reserve   int     // what else counts, such as a warning before the text
	LinkSize  int     // what an address counts, whatever its length; 0: what it is written with
	LinkLeast bool    // it counts no less than what it is written with
	BareLinks bool    // a name such as ejemplo.es is taken for an address, and counts as one
	Links     bool    // a link may stand behind words, so that addresses are shown short
	Tags      int     // most hashtags that are made of categories
	Permalink bool    // always; else where the copy says less than the post
	// Mention writes the handle of whom a link leads to, with its sign; "" for somebody who
	// is not on this network. nil: handles stay as they are written.
	Mention func(words, address string) string
	Before  string // what the text begins with, such as the handle of whom it answers
}

const (
	ellipsis  = "…"
	paragraph = "\n\n"
)

// Fit makes of a post what a network takes: its text, or its title where it has one, hashtags
// that the text does not have already, the permalink. What is too long is shortened between two
// words and ends with an ellipsis, never within a link, a hashtag, a handle or an emoji; then
// the permalink is there. Only a word that is longer than everything together is cut, between two
// characters. The result is empty when the post has nothing to say here, or when not even the
// permalink has room.
func Fit(p Post, r Rules) Text {
	titled := hasTitle(p)
	rich := p.says()
	if rich.String == "" && len(p.Photos) == 0 {
		return Text{}
	}
	before := Text{String: r.Before}.marked()
	full := before.and(" ", r.write(rich, true))
	tags := hashtags(p.Item, full)
	tags = tags[:min(len(tags), max(0, r.Tags))]
	home := r.permalink(p.Permalink)
	if !r.Permalink && !titled {
		home = Text{}
	}
	for n := len(tags); n >= 0; n-- {
		if whole := full.and(paragraph, home).and(paragraph, tagged(tags[:n])); r.fits(whole) {
			return whole
		}
	}
	tail := r.tail(p.Permalink, tags)
	short := before.and(" ", r.write(rich, false))
	if whole := short.and(paragraph, tail); r.fits(whole) {
		whole.Shortened = true
		return whole
	}
	for _, tail := range []Text{tail, r.permalink(p.Permalink)} {
		if cut, ok := r.shorten(short, tail); ok {
			cut.Shortened = true
			return cut
		}
	}
	return Text{Shortened: true}
}

// tail is the permalink and as many hashtags as take no more than a fifth of the room.
func (r Rules) tail(permalink string, tags []string) Text {
	n := len(tags)
	for n > 0 && r.Max > 0 && r.count(tagged(tags[:n])) > r.Max/5 {
		n--
	}
	return r.permalink(permalink).and(paragraph, tagged(tags[:n]))
}

// titles are the kinds of posts that are a title on a network, and the permalink.
var titles = map[string]bool{"article": true, "event": true, "review": true, "recipe": true, "audio": true, "video": true}

func hasTitle(p Post) bool { return titles[p.Kind] && p.Item.Get("name") != "" }

// says is the text of a post before any network's rules.
func (p Post) says() Text {
	base, err := url.Parse(p.Permalink)
	if err != nil {
		base = nil
	}
	text := p.content(base)
	if hasTitle(p) || text.String == "" {
		text = plainText(firstOf(p.Item.Get("name"), p.Item.Get("summary"), text.String))
	}
	if p.Kind == "bookmark" {
		for _, address := range p.Item.URLs("bookmark-of") {
			marked := plainText(address)
			if !slices.ContainsFunc(text.Spans, func(s Span) bool { return mf2.SameURL(s.URL, address) }) {
				text = text.and("\n", marked)
			}
		}
	}
	return text
}

func (p Post) content(base *url.URL) Text {
	markup := p.HTML
	if markup == "" {
		markup, _ = p.Item.HTML("content")
	}
	if markup != "" {
		return FromHTML(markup, base)
	}
	return plainText(p.Item.Get("content"))
}

// plainText is a text without markup, its lines as they are.
func plainText(s string) Text {
	lines := strings.Split(visible(s), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRightFunc(line, unicode.IsSpace)
	}
	s = emptyLines().ReplaceAllString(strings.Join(lines, "\n"), paragraph)
	return Text{String: strings.TrimSpace(s)}.marked()
}

var emptyLines = pattern(`\n{3,}`)

func firstOf(texts ...string) string {
	for _, s := range texts {
		if strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}

// tagged are hashtags in a line.
func tagged(tags []string) Text {
	var t Text
	for _, tag := range tags {
		t = t.and(" ", Text{String: "#" + tag, Spans: []Span{{End: 1 + len(tag), Tag: tag}}})
	}
	return t
}

func (r Rules) permalink(address string) Text {
	shown := address
	if r.Links {
		shown = shownAddress(address)
	}
	return Text{String: shown, Spans: []Span{{End: len(shown), URL: address}}}
}

// write puts a text as the network has it: links behind their words, or written after them
// (addresses), or gone (not addresses).
func (r Rules) write(t Text, addresses bool) Text {
	var b strings.Builder
	var spans []Span
	at := 0
	for _, s := range t.Spans {
		b.WriteString(t.String[at:s.Start])
		part := r.span(t.String[s.Start:s.End], s, addresses)
		for _, moved := range part.Spans {
			moved.Start += b.Len()
			moved.End += b.Len()
			spans = append(spans, moved)
		}
		b.WriteString(part.String)
		at = s.End
	}
	b.WriteString(t.String[at:])
	return Text{String: b.String(), Spans: spans}
}

func (r Rules) span(words string, s Span, addresses bool) Text {
	alone := func(s Span, words string) Text {
		s.Start, s.End = 0, len(words)
		return Text{String: words, Spans: []Span{s}}
	}
	switch {
	case s.URL == "":
		return alone(s, words)
	case isAddress(words, s.URL):
		return r.permalink(s.URL)
	case strings.HasPrefix(words, "#") && Hashtag(words) == words[1:]:
		return alone(Span{Tag: words[1:]}, words)
	case strings.HasPrefix(words, "@") && r.Mention != nil:
		if handle := r.Mention(words, s.URL); handle != "" {
			return alone(Span{Mention: handle[1:]}, handle)
		}
		words = words[1:]
	}
	if r.Links && words != "" {
		return alone(s, words)
	}
	if !addresses {
		return Text{String: words}
	}
	written := alone(s, s.URL)
	return Text{String: words}.and(" (", written).and("", Text{String: ")"})
}

// isAddress says whether the words of a link are nothing but where it leads, in full or as sites
// show it.
func isAddress(words, address string) bool {
	bare := func(s string) string {
		_, rest, found := strings.Cut(s, "://")
		if !found {
			rest = s
		}
		return strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(rest), "www."), "/")
	}
	words = bare(strings.TrimSpace(words))
	short, cut := strings.CutSuffix(strings.TrimSuffix(words, "..."), ellipsis)
	return words == bare(address) || (cut || strings.HasSuffix(words, "...")) && short != "" && strings.HasPrefix(bare(address), short)
}

const longestShown = 30 // characters of an address that is shown short

// shownAddress is an address as people read it: without its scheme, and not to its end.
func shownAddress(address string) string {
	_, shown, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	shown = strings.TrimSuffix(strings.TrimPrefix(shown, "www."), "/")
	n, end := 0, 0
	for c := range clusters(shown) {
		if n++; n == longestShown {
			if end+len(c) < len(shown) {
				return shown[:end] + ellipsis
			}
			break
		}
		end += len(c)
	}
	return shown
}

func (r Rules) fits(t Text) bool {
	return (r.Max == 0 || r.count(t)+r.Reserve <= r.Max) && (r.MaxBytes == 0 || len(t.String) <= r.MaxBytes)
}

// count is what a text counts on the network.
func (r Rules) count(t Text) int {
	n, at := 0, 0
	for _, s := range t.Spans {
		if s.URL == "" || r.Links || r.LinkSize == 0 {
			continue
		}
		n += r.words(t.String[at:s.Start]) + r.link(t.String[s.Start:s.End])
		at = s.End
	}
	return n + r.words(t.String[at:])
}

func (r Rules) words(s string) int {
	measure := r.Measure
	if measure == nil {
		measure = Graphemes
	}
	n := measure(s)
	if r.BareLinks {
		for _, name := range bareName().FindAllString(s, -1) {
			n += max(0, r.LinkSize-measure(name))
		}
	}
	return n
}

var (
	bareName = pattern(`[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+`)
	// plainAddress is what every network takes for one address to its end.
	plainAddress = pattern(`^(?i)https?://[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,24}(?:[/?#][a-z0-9/?#_.~:@!$&'*+,;=%-]*)?$`)
)

// link is what an address counts: where a network might take it for something else, no less
// than what it is written with.
func (r Rules) link(address string) int {
	if !r.LinkLeast && plainAddress().MatchString(address) {
		return r.LinkSize
	}
	return max(r.LinkSize, r.words(address))
}
