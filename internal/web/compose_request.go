package web

import (
	"net/url"
	"slices"
	"strings"
	"time"
)

// draft is what somebody has typed into the composer's form, or finds in it.
type draft struct {
	url  string // of the post that is edited; "" for a new one
	seen string // digest of what it said when the form was opened
	once string // names the form, so that what is sent twice is done once
	typ  string
	html bool // the content is markup, not text
	// boxes tells that the form had boxes for where copies go, so that those which are not ticked
	// say something too; chosen is where the post goes already, or would by default when it is new, and
	// fixed whether that stays so.
	boxes  bool
	chosen []string
	fixed  bool
	// By the names of fields, as they were typed. photo, video and audio are addresses of
	// uploads, the n-th photo-alt describes the n-th photo; besides there are zone, slug,
	// channel and syndicate.
	values url.Values
}

// problem is what is wrong with a field: required, address, moment, zone or alt.
type problem struct{ field, what string }

// create is the request that makes a post of what was typed: draft tells that it is kept as one.
//
// Spec: micropub#json-syntax-p-3
func (d draft) create(t postType, asDraft bool) (request map[string]any, problems []problem) {
	h := t.H
	if h == "" {
		h = "entry"
	}
	properties := map[string]any{}
	for _, f := range fields {
		property := f.of(t)
		if property == "" {
			continue
		}
		values, wrong := d.read(f)
		if wrong == "" && len(values) == 0 && t.needs(f) && !asDraft {
			wrong = "required"
		}
		if wrong != "" {
			problems = append(problems, problem{f.name, wrong})
			continue
		}
		if len(values) > 0 {
			properties[property] = values
		}
	}
	if d.undescribed(nil) && !asDraft {
		problems = append(problems, problem{"photo", "alt"})
	}
	if asDraft {
		properties["post-status"] = []any{"draft"}
	}
	for name, values := range d.commands() {
		properties[name] = values
	}
	return map[string]any{"type": []string{"h-" + h}, "properties": properties}, problems
}

// missing are the fields without which a post of a type is none, and which were left empty,
// besides those with which something is wrong already.
func (d draft) missing(t postType, known []problem) (problems []problem) {
	for _, f := range fields {
		_, sent := d.values[f.name]
		if f.of(t) == "" || !t.needs(f) || !sent && f.shape != "files" {
			continue
		}
		is := func(p problem) bool { return p.field == f.name }
		if values, wrong := d.read(f); wrong == "" && len(values) == 0 && !slices.ContainsFunc(known, is) {
			problems = append(problems, problem{f.name, "required"})
		}
	}
	return problems
}

// commands are the mp-* of a request.
func (d draft) commands() map[string][]any {
	commands := map[string][]any{}
	for name, from := range map[string]string{"mp-slug": "slug", "mp-channel": "channel", "mp-syndicate-to": "syndicate"} {
		for _, v := range d.values[from] {
			if v = strings.TrimSpace(v); v != "" {
				commands[name] = append(commands[name], v)
			}
		}
	}
	if d.boxes {
		delete(commands, "mp-syndicate-to")
		if to, said := d.targets(); said {
			commands["mp-syndicate-to"] = to
		}
	}
	return commands
}

// targets are where copies are to go, and whether that is to be said: not of a post that goes there
// already. What is ticked by default alone takes no post along that is not for everybody, and of one
// that is dated the endpoint says whether it is news.
func (d draft) targets() (to []any, said bool) {
	to = []any{}
	same := true
	for _, uid := range d.values["syndicate"] {
		known := slices.Contains(d.chosen, uid)
		if same = same && known; !d.fixed || !known {
			to = append(to, uid)
		}
	}
	same = same && (d.fixed || len(to) == len(d.chosen))
	if d.url != "" || !same || len(to) == 0 {
		return to, d.url == "" || !same
	}
	if v := d.values.Get("visibility"); v != "" && v != "public" {
		return []any{}, true
	}
	return to, d.values.Get("published") == ""
}

// undescribed tells whether a photo has no description, and nobody has said that it needs none.
// Those that a post has shown before are as their owner wanted them.
func (d draft) undescribed(before []string) bool {
	for i, address := range d.values["photo"] {
		if at(d.values["photo-alt"], i) == "" && d.values.Get("no-alt") == "" && !slices.Contains(before, address) {
			return true
		}
	}
	return false
}

// read is what a field says, as the values of its property.
func (d draft) read(f field) (values []any, wrong string) {
	typed := d.values.Get(f.name)
	switch f.shape {
	case "files":
		return d.files(f.name), ""
	case "list":
		for _, word := range words(typed) {
			values = append(values, word)
		}
		return values, ""
	case "text":
		typed = asTyped(f.shape, typed)
		if strings.TrimSpace(typed) == "" {
			return nil, ""
		}
		if f.name == "content" && d.html {
			return []any{map[string]any{"html": typed}}, ""
		}
		return []any{typed}, ""
	}
	typed = strings.TrimSpace(typed)
	switch {
	case typed == "", f.name == "visibility" && typed == "public":
		return nil, ""
	case f.shape == "address" && !isAddress(typed):
		return nil, "address"
	case f.shape == "moment":
		in, ok := zone(d.values.Get("zone"))
		if !ok {
			return nil, "zone"
		}
		t, ok := moment(typed, in)
		if !ok {
			return nil, "moment"
		}
		typed = t.Format(time.RFC3339)
	}
	return []any{typed}, ""
}

// files are the uploads of a property, photos with their descriptions.
//
// Spec: micropub#json-syntax-p-7
func (d draft) files(property string) (values []any) {
	for i, address := range d.values[property] {
		alt := ""
		if property == "photo" {
			alt = strings.TrimSpace(at(d.values["photo-alt"], i))
		}
		if alt == "" {
			values = append(values, address)
			continue
		}
		values = append(values, map[string]any{"value": address, "alt": alt})
	}
	return values
}

// at is the i-th of some values, "" when there are not so many.
func at(values []string, i int) string {
	if i >= len(values) {
		return ""
	}
	return values[i]
}

// drop takes the files out of a draft whose boxes were ticked.
func (d draft) drop() {
	for _, name := range []string{"photo", "video", "audio"} {
		var kept, alts []string
		for i, address := range d.values[name] {
			if !slices.Contains(d.values[name+"-drop"], address) {
				kept, alts = append(kept, address), append(alts, at(d.values[name+"-alt"], i))
			}
		}
		d.values[name] = kept
		if name == "photo" {
			d.values["photo-alt"] = alts
		}
		delete(d.values, name+"-drop")
	}
}
