package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"slices"
	"time"

	"golang.org/x/net/html/charset"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// maxPage bounds a page that is read into memory to have its conversation filled in.
const maxPage = 8 << 20

// dressed is what shows that a page has a stylesheet for conversations: it links ours or the
// built-in theme's, its widget brings it along, or it wants none (docs/widget.md).
var dressed = []string{"conversation.css", "tertulia.css", "widget.js", "--tertulia:"}

// sheetLink is the element that brings the stylesheet into a page that has none.
func (p *pages) sheetLink() string {
	address := p.Endpoint("conversation.css") + "?v=" + newAsset("", theme.ConversationStyle()).hash
	return `<link rel="stylesheet" href="` + html.EscapeString(address) + `">`
}

// fill puts the conversation into a page that is found at address: into its first
// <tertulia-conversation>, else into the element that the site's settings choose. What
// stood there is replaced, and no other byte is changed. filled is nil where there is no
// place, or nothing is known that could stand there; the error says that the conversation
// could not be read.
func (p *pages) fill(ctx context.Context, page []byte, contentType, address string) (filled []byte, err error) {
	wide, ok := asciiFirst(page, contentType)
	if !ok {
		return nil, nil
	}
	at, ok := findPlace(page, element)
	if !ok && p.At.any() {
		at, ok = findPlace(page, p.At)
	}
	if !ok {
		return nil, nil
	}
	read := p.Conversation.There
	if at.target != "" {
		address, read = from(address, at.target), p.Conversation.Of
	}
	inside, err := p.inside(ctx, address, read)
	if inside == nil || err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(dressed, func(sign string) bool { return bytes.Contains(page, []byte(sign)) }) {
		inside = append([]byte(p.sheet), inside...)
	}
	if !wide {
		inside = narrow(inside)
	}
	return slices.Concat(page[:at.from], inside, page[at.to:]), nil
}

// from is an address as it is written in the page at another.
func from(page, address string) string {
	u, err := url.Parse(page)
	if err == nil {
		u, err = u.Parse(address)
	}
	if err != nil {
		return address // it names no page
	}
	return u.String()
}

// inside is what is filled in for an address, nil when there is nothing; it is made at most once
// a minute while it stands.
func (p *pages) inside(ctx context.Context, address string, read func(context.Context, string) (site.Page, error)) ([]byte, error) {
	key, now := p.Key+" inside "+address, p.Conversation.Moment()
	if one, ok := p.server.answers.standing(key, now); ok {
		return p.stampAgain(ctx, one.page, one.body), nil
	}
	state, page, err := p.Conversation.State(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("conversation of %s: %w", address, err)
	}
	state += time.Now().Truncate(time.Minute).String()
	if one, ok := p.server.answers.get(key, state, now); ok {
		return p.stampAgain(ctx, page, one.body), nil
	}
	conversation, err := read(ctx, address)
	if errors.Is(err, fs.ErrNotExist) || err == nil && conversation.Gone {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("conversation of %s: %w", address, err)
	}
	body, err := p.fragmentOf(p.conversationView(ctx, conversation, 2), p.Speaks(p.Language))
	if err == nil && page != "" {
		p.server.answers.put(answer{key: key, state: state, moment: now, page: page, body: body})
	}
	return body, err
}

// fragmentOf is a conversation as part of a page. No brace stands in it: what takes it
// in may be a template, and is not to run what strangers have written.
func (p *pages) fragmentOf(view theme.Conversation, l lang.Lang) ([]byte, error) {
	var b bytes.Buffer
	if err := p.theme.Render(&b, "conversation", l, view); err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("{"), []byte("&#123;")), nil
}

// asciiFirst tells whether the markup of a page can be found by its bytes, since in its
// encoding ASCII is ASCII; wide, whether the page is said to be UTF-8.
func asciiFirst(page []byte, contentType string) (wide, ok bool) {
	name, told := encodingOf(page, contentType)
	switch name {
	case "utf-16be", "utf-16le", "iso-2022-jp", "replacement":
		return false, false
	}
	return told && name == "utf-8", true
}

// encodingOf is the encoding of a page as browsers determine it, and whether somebody has
// told it: the server, a mark at its beginning or an element.
func encodingOf(page []byte, contentType string) (name string, told bool) {
	head := page[:min(len(page), 1024)]
	_, name, certain := charset.DetermineEncoding(head, contentType)
	return name, certain || bytes.Contains(bytes.ToLower(head), []byte("charset"))
}

// narrow writes HTML in ASCII, which is the same in every encoding that a page may have.
func narrow(fragment []byte) []byte {
	var b bytes.Buffer
	for _, r := range string(fragment) {
		if r < 0x80 {
			b.WriteByte(byte(r))
			continue
		}
		fmt.Fprintf(&b, "&#%d;", r)
	}
	return b.Bytes()
}

// typeOf is the Content-Type of an HTML file by what it says of itself, else UTF-8 unless
// it cannot be that.
func typeOf(page []byte) string {
	name, told := encodingOf(page, "")
	ascii := !slices.ContainsFunc(page[:min(len(page), 1024)], func(b byte) bool { return b >= 0x80 })
	if name == "replacement" || !told && ascii {
		name = "utf-8"
	}
	return "text/html; charset=" + name
}
