package publish

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"tertulia/internal/publish/frontmatter"
	"tertulia/mf2"
)

// Decode reads a post from its file: one of ours gives the item that was sent, with the
// date it was given if it had none; one that people have written gives what front
// matter and body say of name, content, category, published, photo and the like. What
// was edited by hand counts before what we have kept under mf2.
func (p *Preset) Decode(name string, data []byte, permalink string) (mf2.Item, error) {
	e, err := p.edit(name, data)
	if err != nil {
		return mf2.Item{}, err
	}
	if _, err := e.f.Values(); err != nil {
		return mf2.Item{}, err
	}
	it := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{}}
	whole, _ := e.f.Get(p.key(mf2Key)...)
	kept, _ := whole.(map[string]any)
	props, _ := kept["properties"].(map[string]any)
	for key, v := range props {
		property := propertyOf(key)
		values, ok := unpack(v).([]any)
		if ok && (fields[property].read == nil && property != "content" || p.details(e.f, property, values)) {
			it.Properties[property] = values
		}
	}
	for property := range fields {
		if _, done := it.Properties[property]; !done {
			if values := p.read(e.f, property); len(values) > 0 {
				it.Properties[property] = values
			}
		}
	}
	if kept[textKey] != digest(e.f, name) {
		delete(it.Properties, "content")
	}
	if _, done := it.Properties["content"]; !done {
		if values := p.text(e.f, name, e.own); values != nil {
			it.Properties["content"] = values
		}
	}
	if !e.own {
		adopt(it, name, permalink)
	}
	var rest mf2.Item
	if decodeInto(kept, &rest) {
		it.Children = rest.Children
		if rest.Type != nil {
			it.Type = rest.Type
		}
	}
	return it, nil
}

// read is what the short forms in a file say of a property.
func (p *Preset) read(f *frontmatter.File, property string) []any {
	key := p.at(f, property)
	v, _ := f.Get(key...)
	values := p.long(property, key, v)
	if property == "category" {
		if v, ok := f.Get(p.categories()...); ok {
			for _, c := range p.long(property, p.categories(), v) {
				if !slices.Contains(values, c) {
					values = append(values, c)
				}
			}
		}
	}
	return values
}

// details tells whether values that were kept still say more about what stands in
// front matter, or whether that has been changed since.
func (p *Preset) details(f *frontmatter.File, property string, values []any) bool {
	if property == "content" {
		return true
	}
	key := p.at(f, property)
	now, _ := f.Get(key...)
	if property == "published" {
		said := date(only(values).Get("is"))
		t, ok := now.(time.Time)
		return !ok || said.IsZero() || sameClock(said, t)
	}
	post := Post{Item: mf2.Item{Properties: map[string][]any{property: values}}}
	return same(p.short(post, property, key), now) || property == "category" && !slices.Equal(key, p.categories())
}

// sameClock tells whether a time, which may not say in which zone, can be another.
func sameClock(said, t time.Time) bool {
	return said.Truncate(time.Second).Equal(t) || said.Format("2006-01-02T15:04:05") == t.Format("2006-01-02T15:04:05")
}

// dated is a file's name with a date, as Jekyll has it.
var dated = regexp.MustCompile(`^(\d{4}-\d\d-\d\d)-.`)

// adopt completes an item from a file that is not ours: the date may be in its name,
// and addresses are as seen from its page.
func adopt(it mf2.Item, name, permalink string) {
	if m := dated.FindStringSubmatch(path.Base(name)); m != nil && len(it.Properties["published"]) == 0 {
		it.Properties["published"] = []any{m[1]}
	}
	base, err := url.Parse(permalink)
	if err != nil || base.Host == "" {
		return
	}
	for i, v := range it.Properties["photo"] {
		if s, ok := v.(string); ok && !strings.Contains(s, "://") {
			if u, err := base.Parse(s); err == nil {
				it.Properties["photo"][i] = u.String()
			}
		}
	}
}
