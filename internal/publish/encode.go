package publish

import (
	"slices"
	"strings"
	"time"

	"tertulia/internal/publish/frontmatter"
	"tertulia/mf2"
)

// Encode makes the file of a new post.
func (p *Preset) Encode(post Post) ([]byte, error) {
	name, err := p.File(post)
	if err != nil {
		return nil, err
	}
	e := p.blank(name)
	e.hold = true
	for _, name := range p.gen.required {
		e.set("", p.key(name)...)
	}
	e.property(post, "published") // a post always has a date
	for _, property := range properties(post.Item, mf2.Item{}) {
		if property != "published" {
			e.property(post, property)
		}
	}
	if !post.Updated.IsZero() {
		e.set(post.Updated.Truncate(time.Second), p.key(p.gen.changed)...)
	}
	e.channel(post)
	e.address(post.Permalink)
	for _, kv := range p.extra {
		value := kv[1]
		if rule, ok := value.(string); ok {
			value = pattern(rule).expand(p.subject(post))
		}
		e.set(value, p.key(kv[0].(string))...)
	}
	e.set(post.Revision, p.key(revisionKey)...)
	e.kind(post.Item)
	for _, set := range e.held {
		set()
	}
	return e.bytes()
}

// Patch changes in a file what differs between two states of its post, and nothing
// else: no other key, no comment, no order, and of the body not a byte unless the
// content differs. The file may have been written by hand.
func (p *Preset) Patch(old []byte, before, after Post) ([]byte, error) {
	name, err := p.File(after)
	if err != nil {
		return nil, err
	}
	e, err := p.edit(name, old)
	if err != nil {
		return nil, err
	}
	for _, property := range properties(before.Item, after.Item) {
		if canonical(before.Item.Properties[property]) != canonical(after.Item.Properties[property]) {
			e.property(after, property)
		}
	}
	if canonical(before.Item.Type) != canonical(after.Item.Type) || canonical(before.Item.Children) != canonical(after.Item.Children) {
		e.kind(after.Item)
	}
	if before.Channel != after.Channel {
		e.channel(after)
	}
	changed := p.key(p.gen.changed)
	if _, has := e.f.Get(changed...); (e.own || has) && !after.Updated.IsZero() && !after.Updated.Equal(before.Updated) {
		e.set(after.Updated.Truncate(time.Second), changed...)
	}
	if before.Permalink != "" && after.Permalink != before.Permalink {
		e.address(after.Permalink)
		e.alias(before.Permalink, after.Permalink)
	}
	e.pin(before, after)
	if e.own {
		e.set(after.Revision, p.key(revisionKey)...)
	}
	return e.bytes()
}

// editor makes a file say what a post says. After an error it does nothing more.
type editor struct {
	p    *Preset
	f    *frontmatter.File
	name string
	own  bool // made by us, and not adopted
	hold bool // what goes under mf2 waits in held, to be the last in the file
	held []func()
	err  error
}

func (p *Preset) blank(name string) *editor {
	format := p.gen.format
	if isData(name) {
		format = frontmatter.JSON
	}
	return &editor{p: p, f: frontmatter.New(format), name: name, own: true}
}

func (p *Preset) edit(name string, data []byte) (*editor, error) {
	f, err := frontmatter.Parse(data)
	if err != nil {
		return nil, err
	}
	_, own := f.Get(p.key(revisionKey)...)
	return &editor{p: p, f: f, name: name, own: own}, nil
}

func (e *editor) bytes() ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	return e.f.Bytes(), nil
}

// set gives a key its value, or takes it away (nil). A file without front matter gets
// some when there is something to say in it.
func (e *editor) set(v any, key ...string) {
	switch {
	case e.err != nil:
	case v != nil:
		if e.f.Format() == frontmatter.None {
			body := e.f.Body()
			e.f = e.p.blank(e.name).f
			e.f.SetBody(body)
		}
		e.err = e.f.Set(v, key...)
	default:
		if _, ok := e.f.Get(key...); ok {
			e.err = e.f.Delete(key...)
		}
	}
}

// property writes the short form of a property, and under mf2 what that leaves out.
func (e *editor) property(post Post, property string) {
	values, present := post.Item.Properties[property]
	covered := false
	_, known := fields[property]
	switch {
	case property == "content":
		covered = e.content(post)
	case known:
		key := e.p.at(e.f, property)
		short := e.p.short(post, property, key)
		if property == "category" {
			short = e.sorted(values)
		}
		if short == nil && slices.ContainsFunc(e.p.gen.required, func(r string) bool { return slices.Equal(e.p.key(r), key) }) {
			short = ""
		}
		e.set(short, key...)
		covered = e.covers(property, values)
	}
	if e.own {
		e.besides(post, property)
	}
	whole := e.p.key(mf2Key + ".properties")
	key := append(slices.Clone(whole), keyOf(property))
	if present && !covered {
		keep := func() { e.set(pack(values), key...) }
		if e.hold {
			e.held = append(e.held, keep)
		} else {
			keep()
		}
		return
	}
	e.set(nil, key...)
	e.tidy(whole)
}

// covers tells whether the short form says all that the values do. Whoever keeps
// categories beside tags has no order among them.
func (e *editor) covers(property string, values []any) bool {
	read := e.p.read(e.f, property)
	if _, both := e.f.Get(e.p.categories()...); both && property == "category" {
		return canonical(unordered(read)) == canonical(unordered(values))
	}
	return canonical(read) == canonical(values)
}

func unordered(values []any) []any {
	return slices.SortedFunc(slices.Values(values), func(a, b any) int { return strings.Compare(canonical(a), canonical(b)) })
}

// tidy takes away tables that have become empty.
func (e *editor) tidy(key []string) {
	for ; len(key) > 0; key = key[:len(key)-1] {
		if m, _ := e.f.Get(key...); m == nil || canonical(m) != "{}" {
			return
		}
		e.set(nil, key...)
		if key[len(key)-1] == mf2Key {
			return
		}
	}
}

// besides writes what a generator reads elsewhere than themes do.
func (e *editor) besides(post Post, property string) {
	switch property {
	case "photo":
		if also := e.p.gen.pictures; also != "" {
			e.set(list(post.Item.URLs("photo")), e.p.key(also)...)
		}
	case "visibility":
		hide := strings.EqualFold(strings.TrimSpace(post.Item.Get("visibility")), "unlisted")
		for _, kv := range e.p.gen.unlisted {
			if v := kv[1]; hide {
				e.set(v, kv[0].(string))
			} else if now, _ := e.f.Get(kv[0].(string)); same(now, v) {
				e.set(nil, kv[0].(string))
			}
		}
	}
}

// sorted divides the categories of a post: what the owner has sorted into categories
// stays there, all others are tags.
func (e *editor) sorted(values []any) any {
	want := only(values).Strings("is")
	key := e.p.categories()
	v, ok := e.f.Get(key...)
	if !ok || slices.Equal(key, e.p.at(e.f, "category")) {
		return list(want)
	}
	var keep []string
	have := e.p.long("category", key, v)
	for _, c := range have {
		if c := c.(string); slices.Contains(want, c) {
			keep = append(keep, c)
		}
	}
	if len(keep) < len(have) {
		e.set(list(keep), key...)
	}
	return list(slices.DeleteFunc(want, func(c string) bool { return slices.Contains(keep, c) }))
}

// kind writes what the item is besides its properties.
func (e *editor) kind(it mf2.Item) {
	var typ, children any
	if canonical(it.Type) != `["h-entry"]` {
		typ = pack(decodeJSON(canonical(it.Type)))
	}
	if len(it.Children) > 0 {
		children = pack(decodeJSON(canonical(it.Children)))
	}
	whole := e.p.key(mf2Key)
	e.set(typ, append(whole, "type")...)
	e.set(children, append(whole, "children")...)
	e.tidy(whole)
}

// address writes down what was promised.
func (e *editor) address(permalink string) {
	if e.p.gen.address == "" || e.err != nil {
		return
	}
	local, err := e.p.local(permalink)
	if err != nil {
		e.err = err
		return
	}
	e.set(local, e.p.key(e.p.gen.address)...)
}

// alias keeps a former address alive, where the generator can do it. The new one may
// have been one of them.
func (e *editor) alias(from, to string) {
	if e.p.gen.aliases == "" || e.err != nil {
		return
	}
	former, err := e.p.local(from)
	if err != nil {
		e.err = err
		return
	}
	key := e.p.key(e.p.gen.aliases)
	now, _ := e.f.Get(key...)
	all := slices.DeleteFunc(readList(now), func(v any) bool { return v == former || e.p.own(plain(v)) == to })
	e.set(append(all, former), key...)
}
