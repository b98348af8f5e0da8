package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"tertulia/internal/web/theme"
)

// share fills in the form with what another app, a bookmarklet or a link brings: title, text,
// url. It posts nothing: the owner does.
func (p *pages) share(w http.ResponseWriter, r *http.Request) {
	who := p.awaited(w, r, "")
	if who == nil {
		return
	}
	p.showShared(w, r, who, &intake{fields: r.URL.Query()})
}

// takeShared is share for what an installed app is handed by the phone, files among it. Such a
// request has no field of ours. The browser that sends it says that no page of another site has
// asked for it; and to be on the safe side, files become uploads only if it says so in so many
// words. Of somebody who is not signed in the text is kept in the address, and the files are not.
func (p *pages) takeShared(w http.ResponseWriter, r *http.Request) {
	who, err := p.owner(r)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	asked := r.Header.Get("Sec-Fetch-Site")
	in := &intake{who: who, fields: url.Values{}, trusted: who != nil && (asked == "none" || asked == "same-origin")}
	if who != nil {
		in.to = p.editor(who)
	}
	err = in.read(w, r)
	switch {
	case who == nil && (err == nil || errors.Is(err, errForged)):
		to := p.base.Path + "admin/share?" + shorter(in.fields).Encode()
		http.Redirect(w, r, to, http.StatusSeeOther)
	case errors.Is(err, errForged):
		p.fail(w, r, http.StatusForbidden, "")
	case errors.Is(err, errBody):
		p.fail(w, r, http.StatusBadRequest, "")
	case err != nil:
		p.broken(w, r, err)
	default:
		p.showShared(w, r, who, in)
	}
}

// shorter are the fields of something shared, as far as an address can have them.
func shorter(fields url.Values) url.Values {
	cut := url.Values{}
	for _, name := range []string{"title", "text", "url"} {
		v := fields.Get(name)
		if name != "url" && len(v) > 600 {
			v = strings.ToValidUTF8(v[:600], "") + "…"
		}
		if v != "" && len(v) < 1500 {
			cut.Set(name, v)
		}
	}
	return cut
}

// showShared shows the composer with what was shared: an address becomes a bookmark, and one
// touch makes a reply or a like of it; files become a post of their kind, all else a note.
func (p *pages) showShared(w http.ResponseWriter, r *http.Request, who *session, in *intake) {
	c := p.composing(w, r, who)
	if c == nil {
		return
	}
	title, text, address := shared(in.fields)
	in.fields = url.Values{"visibility": {"public"}}
	d := in.draft()
	d.typ, d.once = "note", p.composer.name()
	d.values.Set("content", text)
	switch {
	case len(in.uploads) > 0:
		d.typ = in.uploads[0].property
		d.values.Set("content", strings.TrimSpace(strings.Join([]string{title, text, address}, "\n")))
	case address != "":
		d.typ = "bookmark"
		d.values.Set("target", address)
		d.values.Set("name", title)
	case title != "" && title != text:
		d.values.Set("content", strings.TrimSpace(title+"\n"+text))
	}
	if in.declined != nil {
		c.decline(d, in.declined)
		return
	}
	c.show(http.StatusOK, d, theme.Compose{}, nil)
}

// shared is what was shared. Apps that know no field for it put the address into the text, at
// its end.
func shared(fields url.Values) (title, text, address string) {
	title, text, address = strings.TrimSpace(fields.Get("title")), strings.TrimSpace(fields.Get("text")), strings.TrimSpace(fields.Get("url"))
	if isAddress(address) {
		return title, strings.TrimSpace(strings.TrimSuffix(text, address)), address
	}
	text = strings.TrimSpace(text + " " + address)
	last := strings.LastIndexAny(text, " \n\t")
	if end := text[last+1:]; isAddress(end) {
		return title, strings.TrimSpace(text[:last+1]), end
	}
	return title, text, ""
}
