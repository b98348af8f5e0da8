package publish

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/strikethrough"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"

	"tertulia/internal/publish/frontmatter"
)

// contentKey is where a file that is all data has its text, and textKey, under mf2, the
// digest of the body that belongs to the content there: when it is no longer this one,
// the owner has edited the body, and the body it is.
const (
	contentKey = "content"
	textKey    = "text"
)

// content writes the body, and tells whether that says all there is.
//
// A plain string is the body's Markdown, letter by letter, with what the generator's
// templates would run made inert. HTML becomes Markdown, because generators drop HTML
// from it or run it through their templates; as it was it is kept under mf2.
func (e *editor) content(post Post) (covered bool) {
	values := post.Item.Properties["content"]
	text := post.Item.Get("content")
	_, html := post.Item.HTML("content")
	switch {
	case isHTML(e.name):
		text = post.HTML
	case html || post.Markup:
		var err error
		if text, err = markdown(post.HTML); err != nil && e.err == nil {
			e.err = err
		}
	}
	e.write(text)
	covered = canonical(e.p.text(e.f, e.name, e.own)) == canonical(values)
	key := append(e.p.key(mf2Key), textKey)
	if covered || values == nil {
		e.set(nil, key...)
		e.tidy(e.p.key(mf2Key))
	} else if sum := digest(e.f, e.name); e.hold {
		e.held = append(e.held, func() { e.set(sum, key...) })
	} else {
		e.set(sum, key...)
	}
	return covered
}

// write puts text into the body: with a line of its own before and after, or, in a file
// that was adopted, as its author had it.
func (e *editor) write(text string) {
	if isData(e.name) {
		e.set(scalar(frontmatter.Inert(text, e.p.gen.engine)), contentKey)
		return
	}
	old := string(e.f.Body())
	text = e.inert(text, strings.ReplaceAll(old, "\r\n", "\n"))
	lead, tail := "\n", "\n"
	if !e.own {
		bare := strings.TrimLeft(old, "\r\n")
		lead, tail = old[:len(old)-len(bare)], bare[len(strings.TrimRight(bare, "\r\n")):]
		if strings.Contains(old, "\r\n") {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
	}
	if e.own && text == "" {
		lead, tail = "", ""
	}
	e.f.SetBody([]byte(lead + text + tail))
}

// inert takes the life out of what would run in a text that came from a client, but for
// the lines that ran in the body before: a post that is edited for a typing error keeps
// the shortcodes that its owner gave it, and nobody can add one.
func (e *editor) inert(text, old string) string {
	engine := e.p.gen.engine
	literal := frontmatter.Literal(old, engine)
	was, dead := strings.Split(old, "\n"), strings.Split(frontmatter.Inert(literal, engine), "\n")
	live := map[string]bool{}
	for i := range was {
		if len(was) == len(dead) && was[i] != dead[i] {
			live[was[i]] = true
		}
	}
	if len(live) == 0 {
		return frontmatter.Inert(text, engine)
	}
	var out, others []string
	flush := func() {
		if len(others) > 0 {
			out = append(out, frontmatter.Inert(strings.Join(others, "\n"), engine))
			others = nil
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		if live[line] {
			flush()
			out = append(out, line)
			continue
		}
		others = append(others, line)
	}
	flush()
	return strings.Join(out, "\n")
}

// text is what the body says as content, nil when it is empty.
func (p *Preset) text(f *frontmatter.File, name string, own bool) []any {
	body := string(f.Body())
	if isData(name) {
		v, _ := f.Get(contentKey)
		body, _ = v.(string)
	} else if own {
		body = strings.TrimSuffix(strings.TrimPrefix(body, "\n"), "\n")
	} else {
		body = strings.Trim(strings.ReplaceAll(body, "\r\n", "\n"), "\n")
	}
	body = frontmatter.Literal(body, p.gen.engine)
	switch {
	case body == "":
		return nil
	case isHTML(name):
		return []any{map[string]any{"html": body}}
	}
	return []any{body}
}

// digest marks a body, whatever its line ends are.
func digest(f *frontmatter.File, name string) string {
	body := f.Body()
	if isData(name) {
		v, _ := f.Get(contentKey)
		body = []byte(plain(v))
	}
	sum := sha256.Sum256(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")))
	return hex.EncodeToString(sum[:8])
}

// markdown says in Markdown what safe HTML says, as far as it can.
func markdown(html string) (string, error) {
	c := converter.NewConverter(converter.WithPlugins(base.NewBasePlugin(),
		commonmark.NewCommonmarkPlugin(), strikethrough.NewStrikethroughPlugin(), table.NewTablePlugin()))
	return c.ConvertString(html)
}
