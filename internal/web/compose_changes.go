package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/mf2"
)

// part is a field of the form with what a post says there.
type part struct {
	field
	property string
	off      bool     // its type has no such field, and it says nothing there
	value    string   // as the form shows it
	alts     []string // of photos
	files    []string // addresses
}

// parts are the fields that a post can be edited with, those that any of its types has and those
// that it has itself; and kept are its properties that the form has no field for, or says more than the field
// could: these stay as they are.
func parts(item mf2.Item, t, wide postType) (shown []part, kept []string) {
	covered := map[string]bool{"post-status": true}
	for _, f := range fields {
		property := f.property
		if f.name == "target" {
			property = targetOf(item, t)
		}
		has := len(item.Properties[property]) > 0
		if !has && f.of(wide) == "" {
			continue
		}
		one := part{field: f, property: property, off: !has && f.of(t) == ""}
		if one.fill(item.Properties[property]) {
			shown = append(shown, one)
			covered[property] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(item.Properties)) {
		if !covered[name] {
			kept = append(kept, name)
		}
	}
	return shown, kept
}

// targetOf is the property that says which page a post is about.
func targetOf(item mf2.Item, t postType) string {
	if p := (field{name: "target"}).of(t); len(item.Properties[p]) > 0 {
		return p
	}
	for _, name := range targets {
		if len(item.Properties[name]) > 0 {
			return name
		}
	}
	return field{name: "target"}.of(t)
}

// fill takes the values of a property into a field, and tells whether it can show them all.
func (p *part) fill(values []any) bool {
	switch p.shape {
	case "files":
		return p.fillFiles(values)
	case "list":
		var all []string
		for _, v := range values {
			word, ok := v.(string)
			if !ok {
				return false
			}
			all = append(all, word)
		}
		p.value = strings.Join(all, ", ")
		return slices.Equal(words(p.value), all)
	}
	if len(values) == 0 {
		return true
	}
	value, ok := values[0].(string)
	if object, is := values[0].(map[string]any); is && p.name == "content" {
		value, ok = object["html"].(string)
	}
	if p.value = value; p.shape == "choice" {
		p.value = strings.ToLower(strings.TrimSpace(value))
	}
	return ok && len(values) == 1
}

func (p *part) fillFiles(values []any) bool {
	for _, v := range values {
		address, alt := "", ""
		switch v := v.(type) {
		case string:
			address = v
		case map[string]any:
			address, _ = v["value"].(string)
			alt, _ = v["alt"].(string)
		}
		if address == "" || asTyped("address", address) != address || slices.Contains(p.files, address) {
			return false
		}
		p.files, p.alts = append(p.files, address), append(p.alts, alt)
	}
	return true
}

// opened is the form for a post, with what it says.
func opened(address string, item mf2.Item, t, wide postType) draft {
	d := draft{url: address, seen: digest(item), typ: t.Type, values: url.Values{}}
	_, d.html = item.HTML("content")
	in := zoneOf(item)
	d.values.Set("zone", in)
	shown, _ := parts(item, t, wide)
	for _, p := range shown {
		switch p.shape {
		case "files":
			d.values[p.name] = p.files
			if p.name == "photo" {
				d.values["photo-alt"] = p.alts
			}
		case "moment":
			d.values.Set(p.name, p.clock(in))
		default:
			d.values.Set(p.name, p.value)
		}
	}
	if item.Get("visibility") == "" {
		d.values.Set("visibility", "public")
	}
	return d
}

// zoneOf is the zone that the form for a post begins with: that of its own dates.
func zoneOf(item mf2.Item) string {
	for _, name := range []string{"start", "published"} {
		if t, err := time.Parse(time.RFC3339, item.Get(name)); err == nil {
			return offset(t)
		}
	}
	return ""
}

// clock is a date as a browser's field for dates shows it in a zone; else the text that it is.
func (p part) clock(in string) string {
	at, ok := zone(in)
	if t, err := time.Parse(time.RFC3339, p.value); err == nil && ok {
		return t.In(at).Format(momentLayout)
	}
	return p.value
}

// digest tells two states of a post apart.
func digest(item mf2.Item) string {
	text, err := json.Marshal(item)
	if err != nil {
		return "" // it came as JSON
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// update is the request that makes a post say what was typed, and nothing else of it: the
// operations alone, nil when there is nothing to change. What the form has no field for stays,
// and so does the last byte of what nobody has touched.
//
// Spec: micropub#update-p-3
func (d draft) update(item mf2.Item, t, wide postType) (request map[string]any, problems []problem) {
	replace, gone := map[string][]any{}, []string{}
	shown, _ := parts(item, t, wide)
	for _, p := range shown {
		if _, sent := d.values[p.name]; !sent && p.shape != "files" {
			continue // the form had no such field
		}
		if p.property == "" {
			continue // its type is about no page
		}
		values, changed, wrong := d.edited(p, item)
		switch {
		case wrong != "":
			problems = append(problems, problem{p.name, wrong})
		case changed && len(values) == 0 && t.needs(p.field) && item.Get("post-status") != "draft":
			problems = append(problems, problem{p.name, "required"})
		case changed && len(values) == 0:
			gone = append(gone, p.property)
		case changed:
			replace[p.property] = values
		}
	}
	request = map[string]any{}
	if len(replace) > 0 {
		request["replace"] = replace
	}
	if len(gone) > 0 {
		request["delete"] = gone
	}
	for name, values := range d.commands() {
		request[name] = values
	}
	if len(request) == 0 {
		request = nil
	}
	return request, problems
}

// edited are the values of a field now, and whether they are others than before.
func (d draft) edited(p part, item mf2.Item) (values []any, changed bool, wrong string) {
	was, typed := item.Properties[p.property], d.values.Get(p.name)
	switch p.shape {
	case "files":
		values = d.editedFiles(p, was)
		return values, !sameJSON(values, was), ""
	case "moment":
		if d.sameMoment(p, typed, zoneOf(item)) {
			return nil, false, ""
		}
	case "choice":
		if asTyped("line", typed) == asTyped("line", p.value) || p.name == "visibility" && typed == "public" && p.value == "" {
			return nil, false, ""
		}
	default:
		if asTyped(p.shape, typed) == asTyped(p.shape, p.value) {
			return nil, false, ""
		}
	}
	values, wrong = d.read(p.field)
	if text := rewritten(p.value, typed); p.shape == "text" && len(values) == 1 && !d.html {
		values[0] = text
	}
	if p.name == "visibility" && typed == "public" {
		values = []any{"public"}
	}
	return values, wrong != "" || !sameJSON(values, was), wrong
}

// sameMoment tells whether nobody has touched a date, or has said the same minute in another zone.
func (d draft) sameMoment(p part, typed, in string) bool {
	was, err := time.Parse(time.RFC3339, p.value)
	if err != nil { // it is shown as the text that it is
		return asTyped("line", typed) == asTyped("line", p.value)
	}
	if chosen := d.values.Get("zone"); chosen == in && typed == p.clock(in) {
		return true
	}
	at, ok := zone(d.values.Get("zone"))
	if !ok {
		return false
	}
	now, ok := moment(typed, at)
	return ok && now.Truncate(time.Minute).Equal(was.Truncate(time.Minute))
}

// editedFiles are the files of a property now: one of which nothing was changed stays as it
// was said, with all that a stranger's editor may have said of it besides.
func (d draft) editedFiles(p part, was []any) []any {
	values := d.files(p.name)
	for i, address := range d.values[p.name] {
		before := slices.Index(p.files, address)
		if before < 0 {
			continue
		}
		alt := at(d.values["photo-alt"], i)
		if p.name != "photo" || asTyped("line", alt) == asTyped("line", p.alts[before]) {
			values[i] = was[before]
			continue
		}
		if object, ok := was[before].(map[string]any); ok {
			object = maps.Clone(object)
			object["alt"] = strings.TrimSpace(alt)
			if alt == "" {
				delete(object, "alt")
			}
			values[i] = object
		}
	}
	return values
}

func sameJSON(a, b []any) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	x, err := json.Marshal(a)
	y, bad := json.Marshal(b)
	return err == nil && bad == nil && bytes.Equal(x, y)
}
