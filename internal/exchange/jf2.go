package exchange

import (
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"slices"
	"strings"

	"tertulia/internal/site"
	"tertulia/mf2"
)

// A feed of JF2 is an object with "children", as webmention.io exports it (READ-API 6), or
// their list alone. Its entries are taken in by the order of their wm-id, in whatever order
// the file has them: ids can only be kept upwards.

// span is where an entry stands in a file.
type span struct {
	number uint64
	at     int64
	length int
}

func openJF2(file *os.File, home *url.URL) (*Source, error) {
	var spans []span
	err := eachChild(file, func(raw json.RawMessage, at int64) error {
		spans = append(spans, span{wmID(raw), at, len(raw)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	// Those without a number come last, as they stand.
	slices.SortStableFunc(spans, func(a, b span) int { return cmp.Compare(a.number-1, b.number-1) })
	return &Source{Total: len(spans), All: func(yield func(site.Foreign, error) bool) {
		for _, s := range spans {
			raw := make([]byte, s.length)
			if _, err := file.ReadAt(raw, s.at); err != nil {
				yield(site.Foreign{}, err)
				return
			}
			if !yield(fromJF2(raw, home), nil) {
				return
			}
		}
	}}, nil
}

func wmID(raw []byte) uint64 {
	var entry struct {
		ID json.RawMessage `json:"wm-id"`
	}
	_ = json.Unmarshal(raw, &entry) // what is no object has no number
	return number(json.Number(entry.ID))
}

// number is a wm-id, 0 for what is none.
func number(v any) uint64 {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, err := n.Int64()
	if err != nil || i < 0 {
		return 0
	}
	return uint64(i)
}

// errNoFeed is what a file of JSON gives that holds no entries.
var errNoFeed = errors.New("it holds no list of entries")

// eachChild goes through the entries of a feed, and tells where each begins.
func eachChild(r io.Reader, fn func(raw json.RawMessage, at int64) error) error {
	text, mark := passBOM(r)
	m := meter(text)
	dec := json.NewDecoder(m)
	if err := toChildren(dec, m); err != nil {
		return err
	}
	for dec.More() {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return cutOff(err)
		}
		m.whole()
		if err := fn(raw, mark+dec.InputOffset()-int64(len(raw))); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return cutOff(err)
}

// toChildren reads up to the first entry.
func toChildren(dec *json.Decoder, m *metered) error {
	start, err := dec.Token()
	if err != nil {
		return cutOff(err)
	}
	if start == json.Delim('[') {
		return nil
	}
	if start != json.Delim('{') {
		return errNoFeed
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return cutOff(err)
		}
		if name == "children" {
			if begin, err := dec.Token(); err != nil || begin != json.Delim('[') {
				return errors.Join(errNoFeed, cutOff(err))
			}
			return nil
		}
		var passed json.RawMessage
		if err := dec.Decode(&passed); err != nil {
			return cutOff(err)
		}
		m.whole()
	}
	return errNoFeed
}

func cutOff(err error) error {
	var syntax *xml.SyntaxError
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &syntax) && strings.HasSuffix(syntax.Msg, "unexpected EOF") {
		return errors.New("it ends too early")
	}
	return err
}

// responses are the properties that make an entry a response, in the order in which they
// decide, with the types of ours (READ-API 3).
var responses = []struct{ property, typ string }{
	{"like-of", "like"}, {"repost-of", "repost"}, {"bookmark-of", "bookmark"}, {"in-reply-to", "reply"},
	{"follow-of", "follow"}, {"mention-of", "mention"},
}

// fromJF2 reads one entry. home is whose responses are wanted, where an entry has several
// targets.
func fromJF2(raw []byte, home *url.URL) site.Foreign {
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.UseNumber()
	var e map[string]any
	if err := dec.Decode(&e); err != nil || e == nil {
		return site.Foreign{Skip: "it is no entry"}
	}
	f := site.Foreign{
		Source: cmp.Or(first(e["wm-source"]), first(e["url"])), URL: first(e["url"]),
		Number: number(e["wm-id"]), Received: first(e["wm-received"]), Published: first(e["published"]),
		Author: authorOf(e["author"]), Name: first(e["name"]), Summary: first(e["summary"]),
	}
	f.Type, f.Target = responseOf(e, home)
	if f.RSVP = first(e["rsvp"]); f.RSVP != "" {
		f.Type = "rsvp"
	}
	if fragment := first(e["wm-fragment"]); fragment != "" && !strings.Contains(f.Target, "#") {
		f.Target += "#" + fragment
	}
	f.HTML, f.Text = contentOf(e["content"])
	if f.HTML == "" && f.Text == "" {
		f.Text = f.Summary
	}
	switch typ := first(e["type"]); {
	case typ != "" && typ != "entry" && typ != "cite":
		f.Skip = fmt.Sprintf("it is a %.20s", typ)
	case e["wm-private"] == true:
		f.Skip = "it is private"
	case e["wm-deleted"] != nil && e["wm-deleted"] != false:
		f.Skip = "it is deleted"
	}
	return f
}

// responseOf tells what an entry is, and to which page.
func responseOf(e map[string]any, home *url.URL) (typ, target string) {
	property := first(e["wm-property"])
	typ, target = "mention", first(e["wm-target"])
	for _, r := range responses {
		values := all(e[r.property])
		if property == r.property || property == "" && len(values) > 0 {
			typ = r.typ
			if target == "" {
				target = cmp.Or(onSite(values, home), first(e[r.property]))
			}
			break
		}
	}
	return typ, target
}

// onSite is the first address that is on a site.
func onSite(addresses []string, home *url.URL) string {
	for _, a := range addresses {
		if u, err := url.Parse(a); err == nil && home != nil && strings.EqualFold(u.Host, home.Host) {
			return a
		}
	}
	return ""
}

func authorOf(v any) mf2.Author {
	card, ok := v.(map[string]any)
	if !ok {
		name := first(v)
		if strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
			return mf2.Author{URL: name}
		}
		return mf2.Author{Name: name}
	}
	return mf2.Author{Name: first(card["name"]), URL: first(card["url"]), Photo: first(card["photo"])}
}

// contentOf is what an entry says: as markup, or as text when there is none. webmention.io
// has written "value" with its type before 2018.
func contentOf(v any) (html, text string) {
	content, ok := v.(map[string]any)
	if !ok {
		return "", first(v)
	}
	html, text = first(content["html"]), first(content["text"])
	value := first(content["value"])
	switch {
	case html != "" || text != "":
	case first(content["content-type"]) == "text/html":
		html = value
	default:
		text = value
	}
	return html, text
}

// first is the first text of a value that may be a list, or an object with an address or
// a text; "" for none.
func first(v any) string {
	for s := range texts(v) {
		return s
	}
	return ""
}

func all(v any) []string { return slices.Collect(texts(v)) }

func texts(v any) iter.Seq[string] {
	return func(yield func(string) bool) {
		values, ok := v.([]any)
		if !ok {
			values = []any{v}
		}
		for _, v := range values {
			s, _ := v.(string)
			if object, ok := v.(map[string]any); ok {
				for _, key := range []string{"url", "value", "text"} {
					if s, _ = object[key].(string); s != "" {
						break
					}
				}
			}
			if s != "" && !yield(s) {
				return
			}
		}
	}
}
