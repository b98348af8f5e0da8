package web

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/web/theme"
	"tertulia/mf2"
	"tertulia/micropub"
)

// wrongs are what the endpoint may have against a request, and the words for which the
// composer has a sentence.
var wrongs = []struct {
	said *regexp.Regexp
	word string
}{
	{regexp.MustCompile(`^there is nothing to post`), "nothing"},
	{regexp.MustCompile(`^published is not a date`), "date"},
	{regexp.MustCompile(`^visibility can be`), "visibility"},
	{regexp.MustCompile(`^this site takes no posts`), "nowhere"},
	{regexp.MustCompile(`^this site's room for uploads`), "quota"},
	{regexp.MustCompile(`^there is no room for the file`), "disk"},
	{regexp.MustCompile(`^the file is larger|^the body is larger|too large`), "large"},
	{regexp.MustCompile(`^the file is empty`), "empty"},
	{regexp.MustCompile(`^there are too many posts with this slug`), "slug"},
	{regexp.MustCompile(`^this site has no address`), "address"},
	{regexp.MustCompile(`^the text of this post is code`), "code"},
	{regexp.MustCompile(`^the post is deleted`), "deleted"},
	{regexp.MustCompile(`as a data: address`), "data"},
}

// word names why a request was declined, for the reader's language.
func (d *declined) word() string {
	for _, w := range wrongs {
		if w.said.MatchString(d.Description) {
			return w.word
		}
	}
	switch d.status {
	case 413:
		return "large"
	case 415:
		return "kind"
	case 500, 503:
		return "failed"
	}
	return "declined"
}

// show answers with the form as it was filled in; view has what became of it.
func (c *composing) show(status int, d draft, view theme.Compose, problems []problem) {
	t, wide := c.has.typed(d.typ), postType{}
	if d.url != "" {
		t, wide = c.types(d.typ)
	}
	view.Shell, view.Action, view.New = c.shell(c.r, c.who), c.base.Path+"admin/compose", c.base.Path+"admin/compose"
	view.URL, view.Seen, view.Once, view.Type, view.HTML = d.url, d.seen, d.once, t.Type, d.html
	view.Script, view.Source, view.Slug = c.script("compose"), c.Source != nil, d.values.Get("slug")
	view.NoAlt, view.Draft = d.values.Get("no-alt") != "", d.url == "" || c.item.Get("post-status") == "draft"
	c.zones(&view, d)
	for _, one := range c.has.Channels {
		view.Channels = append(view.Channels, theme.Option{Value: one.UID, Name: one.Name, Chosen: d.values.Get("channel") == one.UID})
	}
	c.outlets(&view, d, t)
	c.menu(&view, d, t)
	if d.url != "" {
		view.Page = c.base.Path + "admin/post?url=" + url.QueryEscape(d.url)
		c.edited(&view, d, t, wide)
	} else {
		c.fresh(&view, d, t)
	}
	for _, p := range problems {
		for i := range view.Fields {
			if view.Fields[i].Name == p.field {
				view.Fields[i].Error = p.what
			}
		}
	}
	if view.Error == "changed" {
		view.Seen = digest(c.item)
	}
	c.render(c.w, c.r, status, "compose", view)
}

// outlets are the boxes for where copies go. Those of a form that nobody has filled in are ticked for a
// new post as the settings say, for another as it was asked.
func (c *composing) outlets(view *theme.Compose, d draft, t postType) {
	for _, one := range c.has.Targets {
		box := theme.Outlet{Option: theme.Option{Value: one.UID, Name: one.Name, Chosen: slices.Contains(d.values["syndicate"], one.UID)}}
		chosen := slices.Contains(d.chosen, one.UID)
		switch {
		case d.fixed && chosen:
			box.Chosen, box.Fixed = true, true
		case d.boxes:
		case d.url == "":
			box.Chosen, box.Default = slices.Contains(one.Defaults, t.Type), strings.Join(one.Defaults, " ")
		default:
			box.Chosen = chosen
		}
		view.Syndicate = append(view.Syndicate, box)
	}
}

// zones are those that dates can be typed in; the script adds that of the device.
func (c *composing) zones(view *theme.Compose, d draft) {
	view.Zone = d.values.Get("zone")
	now := time.Now()
	own := []string{"", "+00:00"}
	if d.url != "" && !slices.Contains(own, zoneOf(c.item)) {
		own = append([]string{zoneOf(c.item)}, own...)
	}
	if in, ok := zone(view.Zone); !slices.Contains(own, view.Zone) && ok && in != nil {
		own = append(own, view.Zone)
	}
	for _, name := range own {
		in, _ := zone(name) // they are known
		label := zoneName(now.In(in))
		if name == "" {
			label = c.language(c.r).T("compose.server-zone", label)
		} else if strings.Contains(name, "/") {
			label = name
		}
		view.Zones = append(view.Zones, theme.Option{Value: name, Name: label, Chosen: name == view.Zone})
	}
}

// menu are the types to choose from: for a post that there is, those of its kind of object.
func (c *composing) menu(view *theme.Compose, d draft, t postType) {
	l := c.language(c.r)
	to := view.New + "?"
	if d.url != "" {
		to += "url=" + url.QueryEscape(d.url) + "&"
	}
	for _, one := range c.has.PostTypes {
		if d.url != "" && one.H != t.H {
			continue
		}
		name := one.Name
		if key := "post.kind." + one.Type; l.Has(key) {
			name = l.T(key)
		}
		at := to + "type=" + one.Type
		if d.url == "" {
			at += c.carried(d)
		}
		view.Types = append(view.Types, theme.ComposeType{Link: theme.Link{Name: name, URL: at, Current: one.Type == t.Type}, Type: one.Type})
	}
}

// fresh are the fields for a new post: those of all types, of which the chosen one's are shown.
func (c *composing) fresh(view *theme.Compose, d draft, t postType) {
	for _, f := range fields {
		one := c.switched(c.control(f, d), f, t)
		if one.For != "" {
			view.Fields = append(view.Fields, one)
		}
	}
}

// switched is a field with the types that have it.
func (c *composing) switched(one theme.ComposeField, f field, t postType) theme.ComposeField {
	var having, needing []string
	for _, other := range c.has.PostTypes {
		if f.of(other) != "" {
			having = append(having, other.Type)
		}
		if f.of(other) != "" && other.needs(f) {
			needing = append(needing, other.Type)
		}
	}
	one.For, one.Needed = strings.Join(having, " "), strings.Join(needing, " ")
	one.Hidden, one.Must = f.of(t) == "", f.of(t) != "" && t.needs(f)
	return one
}

// edited are the fields for a post that there is: those of its types, and what it says besides.
func (c *composing) edited(view *theme.Compose, d draft, t, wide postType) {
	shown, kept := parts(c.item, t, wide)
	view.Kept = kept
	for _, p := range shown {
		one := c.switched(c.control(p.field, d), p.field, t)
		if one.Hidden = p.off; len(c.item.Properties[p.property]) > 0 {
			one.For = "" // it is shown whatever the type
		}
		if p.shape == "moment" && one.Value != "" {
			if _, ok := moment(one.Value, time.UTC); !ok {
				one.Shape = "line" // a browser's field for dates would show nothing
			}
		}
		view.Fields = append(view.Fields, one)
	}
	date, err := time.Parse(time.RFC3339, c.item.Get("published"))
	view.Now = c.item.Get("post-status") == "draft" && err == nil && date.Before(time.Now())
}

// control is a field as it was filled in.
func (c *composing) control(f field, d draft) theme.ComposeField {
	one := theme.ComposeField{Name: f.name, Shape: f.shape, Value: asTyped(f.shape, d.values.Get(f.name)), Lines: 3}
	if f.name == "content" {
		one.Lines = 8
	}
	l := c.language(c.r)
	values := rsvps
	if f.name == "visibility" {
		values = c.has.Visible
	}
	if f.shape == "choice" {
		if one.Value != "" && !slices.Contains(values, one.Value) {
			values = append([]string{one.Value}, values...)
		}
		if f.name == "rsvp" {
			values = append([]string{""}, values...)
		}
		for _, v := range values {
			one.Options = append(one.Options, theme.Option{Value: v, Name: called(l, f.name, v), Chosen: v == one.Value})
		}
	}
	if f.shape == "files" {
		for i, address := range d.values[f.name] {
			one.Files = append(one.Files, theme.Attachment{URL: address, Alt: at(d.values["photo-alt"], i), N: i + 1})
		}
	}
	return one
}

// called is what a choice is called.
func called(l lang.Lang, name, value string) string {
	switch {
	case value == "":
		return l.T("compose.choose-one")
	case name == "rsvp" && l.Has("post.rsvp."+value):
		return l.T("post.rsvp." + value)
	case name == "visibility" && l.Has("visibility."+value):
		return l.T("visibility." + value)
	}
	return value
}

// carried is the part of a draft that the addresses of the forms of other types take along, so
// that without the script as well an address is not typed twice.
func (c *composing) carried(d draft) string {
	q := d.values
	carried := url.Values{}
	for _, name := range []string{"target", "name", "content"} {
		if v := q.Get(name); v != "" && len(v) < 1000 {
			carried.Set(name, v)
		}
	}
	if len(carried) == 0 {
		return ""
	}
	return "&" + carried.Encode()
}

// becomes is the post that the form would make, as the endpoint would read the request.
func (d draft) becomes(item mf2.Item, t, wide postType) (mf2.Item, map[string][]any, []problem) {
	if d.url == "" {
		request, problems := d.create(t, true)
		made := mf2.Item{Properties: map[string][]any{}}
		raw, err := json.Marshal(request)
		if err == nil {
			err = json.Unmarshal(raw, &made)
		}
		for name := range made.Properties {
			if err != nil || strings.HasPrefix(name, "mp-") || name == "post-status" {
				delete(made.Properties, name)
			}
		}
		return made, d.commands(), problems
	}
	request, problems := d.update(item, t, wide)
	u := micropub.Update{}
	u.Replace, _ = request["replace"].(map[string][]any)
	u.DeleteAll, _ = request["delete"].([]string)
	changed, err := u.Apply(item)
	if err != nil {
		changed = item
	}
	return changed, d.commands(), problems
}
