package web

import (
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"time"

	"tertulia/internal/web/theme"
	"tertulia/mf2"
	"tertulia/micropub"
)

// composing is the composer's side of a request.
type composing struct {
	*pages
	w    http.ResponseWriter
	r    *http.Request
	who  *session
	to   *editor
	has  config
	item mf2.Item // what the post says that is edited

	chosen []string // where copies of that go
	fixed  bool     // readers have seen it: they go on going there
}

// compose shows the form for a post: for a new one of a type, filled in with what the address
// says of it, or for the one that url names.
func (p *pages) compose(w http.ResponseWriter, r *http.Request) {
	who := p.awaited(w, r, "")
	if who == nil {
		return
	}
	c := p.composing(w, r, who)
	if c == nil {
		return
	}
	q := r.URL.Query()
	if address := q.Get("url"); address != "" {
		if !c.open(address) {
			return
		}
		t, wide := c.types(q.Get("type"))
		d := opened(address, c.item, t, wide)
		d.chosen, d.fixed = c.chosen, c.fixed
		c.show(http.StatusOK, d, theme.Compose{Done: q.Get("done")}, nil)
		return
	}
	d := draft{typ: q.Get("type"), once: p.composer.name(), values: url.Values{"visibility": {"public"}}}
	for _, name := range []string{"target", "name", "content", "category"} {
		d.values.Set(name, q.Get(name))
	}
	c.show(http.StatusOK, d, theme.Compose{}, nil)
}

// composing asks the endpoint what it offers; nil when that has been answered.
func (p *pages) composing(w http.ResponseWriter, r *http.Request, who *session) *composing {
	c := &composing{pages: p, w: w, r: r, who: who, to: p.editor(who)}
	var err error
	if c.has, err = c.to.config(r.Context()); err != nil {
		p.broken(w, r, err)
		return nil
	}
	return c
}

// open asks what a post says that is to be edited; false when there is none to edit.
func (c *composing) open(address string) bool {
	item, err := c.to.source(c.r.Context(), address)
	var no *declined
	if errors.As(err, &no) && no.status == http.StatusBadRequest {
		c.fail(c.w, c.r, http.StatusNotFound, "")
		return false
	}
	if err != nil {
		c.broken(c.w, c.r, err)
		return false
	}
	about, err := c.Posts.About(c.r.Context(), address)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		c.broken(c.w, c.r, err)
		return false
	}
	c.item, c.chosen, c.fixed = item, about.Chosen, !about.Open
	return true
}

// types are the type that somebody edits a post as, which may be another than it is, since a draft
// without a title is no article yet; and that of all fields that such a post may have.
func (c *composing) types(name string) (t, wide postType) {
	t = c.has.typed(name)
	h := "entry"
	if c.item.Is("h-event") {
		h = "event"
	}
	if t.Type != name || t.H != h {
		t = c.has.typed(c.item.Kind())
	}
	return t, c.has.all(h)
}

// sendComposed does what the composer's form asks for.
func (p *pages) sendComposed(w http.ResponseWriter, r *http.Request) {
	who, err := p.owner(r)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	if who == nil {
		p.fail(w, r, http.StatusForbidden, "")
		return
	}
	in, err := p.composed(w, r, who)
	switch {
	case errors.Is(err, errForged):
		p.fail(w, r, http.StatusForbidden, "")
		return
	case errors.Is(err, errBody):
		p.fail(w, r, http.StatusBadRequest, "")
		return
	case err != nil:
		p.broken(w, r, err)
		return
	}
	c := p.composing(w, r, who)
	if c == nil {
		return
	}
	d, do := in.draft(), in.fields.Get("do")
	if d.url != "" && !c.open(d.url) {
		return
	}
	if d.chosen, d.fixed = c.chosen, c.fixed; d.url == "" {
		d.chosen = c.has.usual(d.typ)
	}
	if _, d.html = c.item.HTML("content"); d.url == "" {
		d.html = false
	}
	switch {
	case in.declined != nil:
		c.decline(d, in.declined)
	case do == "upload":
		c.show(http.StatusOK, d, theme.Compose{Done: "uploaded"}, nil)
	case do == "preview":
		c.preview(d)
	case d.url != "":
		c.edit(d, do)
	default:
		c.create(d, do, in)
	}
}

// create makes a post, once for each form.
func (c *composing) create(d draft, do string, in *intake) {
	request, problems := d.create(c.has.typed(d.typ), do == "draft")
	if len(problems) > 0 {
		c.show(http.StatusBadRequest, d, theme.Compose{Error: "fields"}, problems)
		return
	}
	made, again, err := c.composer.do(c.who.form()+d.once+d.said(), func() (string, error) { return c.to.send(c.r.Context(), request) })
	if err != nil {
		c.decline(d, err)
		return
	}
	if again {
		if err := c.to.discard(c.r.Context(), in.taken()); err != nil {
			c.server.log().Warn("uploads of a form that came twice stay", "error", err)
		}
	}
	c.leave(made, d.typ, do)
}

// said is what was typed, without the addresses of uploads, which are others each time. Who comes
// back to a form that was sent, and writes something else, makes another post.
func (d draft) said() string {
	typed := maps.Clone(d.values)
	for _, name := range []string{"form", "do", "photo", "video", "audio"} {
		delete(typed, name)
	}
	return typed.Encode()
}

// leave leads to what was made: a draft goes on being written.
func (c *composing) leave(address, typ, do string) {
	to := "admin/post?done=" + url.QueryEscape(do) + "&url="
	if do == "draft" {
		to = "admin/compose?done=draft&type=" + url.QueryEscape(typ) + "&url="
	}
	http.Redirect(c.w, c.r, c.base.Path+to+url.QueryEscape(address), http.StatusSeeOther)
}

// edit changes what somebody has changed of a post, if it says what it said when they began.
func (c *composing) edit(d draft, do string) {
	c.composer.turn.Lock()
	defer c.composer.turn.Unlock()
	if !c.open(d.url) {
		return
	}
	d.chosen, d.fixed = c.chosen, c.fixed
	t, wide := c.types(d.typ)
	request, problems := d.update(c.item, t, wide)
	shown := c.item.URLs("photo")
	if do == "publish" {
		request, shown = publishes(request, c.item, d), nil
		problems = append(problems, d.missing(t, problems)...)
	}
	if do != "draft" && d.undescribed(shown) {
		problems = append(problems, problem{"photo", "alt"})
	}
	switch {
	case len(problems) > 0:
		c.show(http.StatusBadRequest, d, theme.Compose{Error: "fields"}, problems)
	case request == nil:
		c.leave(d.url, d.typ, map[bool]string{true: "draft", false: "same"}[do == "draft"])
	case d.seen != digest(c.item) && do != "overwrite":
		c.conflict(d, t, wide)
	default:
		request["action"], request["url"] = "update", d.url
		moved, err := c.to.send(c.r.Context(), request)
		if err != nil {
			c.decline(d, err)
			return
		}
		if moved == "" {
			moved = d.url
		}
		c.leave(moved, d.typ, do)
	}
}

// publishes makes an update that also makes a post of a draft: with the date of now, where its
// owner has ticked that.
func publishes(request map[string]any, item mf2.Item, d draft) map[string]any {
	if item.Get("post-status") != "draft" {
		return request
	}
	if request == nil {
		request = map[string]any{}
	}
	replace, _ := request["replace"].(map[string][]any)
	replace = maps.Clone(replace)
	if replace == nil {
		replace = map[string][]any{}
	}
	replace["post-status"] = []any{"published"}
	if d.values.Get("now") != "" && replace["published"] == nil {
		in, ok := zone(d.values.Get("zone"))
		if !ok {
			in = time.Local
		}
		replace["published"] = []any{time.Now().In(in).Format(time.RFC3339)}
	}
	request["replace"] = replace
	return request
}

// conflict shows what a post says now beside what was typed, and changes nothing.
func (c *composing) conflict(d draft, t, wide postType) {
	view := theme.Compose{Error: "changed"}
	shown, _ := parts(c.item, t, wide)
	now := opened(d.url, c.item, t, wide)
	for _, p := range shown {
		if _, changed, _ := d.edited(p, c.item); changed {
			view.Conflict = append(view.Conflict, theme.ComposeField{Name: p.name, Value: nowSays(p, now)})
		}
	}
	c.show(http.StatusConflict, d, view, nil)
}

func nowSays(p part, now draft) string {
	if p.shape == "files" {
		text := ""
		for i, address := range p.files {
			text += address + " " + at(p.alts, i) + "\n"
		}
		return text
	}
	return now.values.Get(p.name)
}

// decline shows the form again, with why the endpoint has not taken what it asked for.
func (c *composing) decline(d draft, err error) {
	var no *declined
	if !errors.As(err, &no) {
		c.broken(c.w, c.r, err)
		return
	}
	if no.status >= http.StatusInternalServerError {
		c.server.log().Error("the composer's request failed", "status", no.status, "error", no.Description)
	}
	view := theme.Compose{Error: no.word()}
	if view.Error == "declined" {
		view.Detail = no.Description
	}
	c.show(no.status, d, view, nil)
}

// preview shows the form with what would become of it.
func (c *composing) preview(d draft) {
	t, wide := c.has.typed(d.typ), postType{}
	if d.url != "" {
		t, wide = c.types(d.typ)
	}
	item, commands, problems := d.becomes(c.item, t, wide)
	if len(problems) > 0 {
		c.show(http.StatusBadRequest, d, theme.Compose{Error: "fields"}, problems)
		return
	}
	v, err := c.Posts.Preview(c.r.Context(), d.url, item, commands)
	var no *micropub.Error
	if errors.As(err, &no) {
		c.decline(d, &declined{Code: string(no.Code), Description: no.Description, status: http.StatusBadRequest})
		return
	}
	if err != nil {
		c.broken(c.w, c.r, err)
		return
	}
	frame := string(v.Page)
	if frame == "" {
		frame = v.HTML
	}
	c.show(http.StatusOK, d, theme.Compose{Preview: &theme.ComposePreview{HTML: frame, File: v.File, Text: v.Text}}, nil)
}
