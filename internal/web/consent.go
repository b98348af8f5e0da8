package web

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// authorization is the endpoint of that name. Where the owner keeps a server of their own, whoever
// was sent here is told that it is not this one.
func (p *pages) authorization(w http.ResponseWriter, r *http.Request) {
	if now := p.IndieAuth.Successor.Authorization; now != "" && reads(r) {
		w.Header().Set("Referrer-Policy", "no-referrer")
		p.fail(w, r, http.StatusNotFound, p.language(r).T("consent.elsewhere", p.Me(), now))
		return
	}
	p.IndieAuth.Authorization(w, r)
}

// Ask is of indieauth.Consent: it signs the owner in and asks. The client is asked
// about itself only once the owner is there.
func (p *pages) Ask(w http.ResponseWriter, r *http.Request, req indieauth.Request) {
	owner := p.awaited(w, r, req.ClientID)
	if owner == nil {
		return
	}
	if opens(req) && !p.recent(w, r, owner, req.ClientID) {
		return
	}
	client, err := p.IndieAuth.ClientInfo(r.Context(), req)
	if errors.Is(err, indieauth.ErrRedirect) {
		p.badRedirect(w, r, req)
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	id, err := p.Access.AskConsent(r.Context(), owner.secret, req)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	shell := p.shell(r, owner)
	shell.Hidden = append(shell.Hidden, theme.Field{Name: "request", Value: id})
	view := theme.Consent{
		Shell: shell, Action: p.base.Path + "auth/decide", Client: theme.Link{Name: client.Name, URL: client.URI},
		ClientID: req.ClientID, Redirect: req.RedirectURI, Me: p.Me(), Warnings: warnings(client),
		Logo: p.logo(r, client.Logo), Lives: offered(), Tokens: p.base.Path + "admin/tokens",
	}
	for _, scope := range req.Scopes {
		view.Scopes = append(view.Scopes, theme.Scope{Name: scope, Granted: true})
	}
	p.render(w, r, http.StatusOK, "consent", view)
}

// opens tells whether a client asks for more than who the owner is: then what it gets is a way
// in, for which a sign-in of long ago does not do. The form belongs to the session, so who has
// been asked has signed in lately.
func opens(req indieauth.Request) bool {
	return slices.ContainsFunc(req.Scopes, func(scope string) bool { return scope != "profile" && scope != "email" })
}

// logoTime is how long the owner waits for a picture.
const logoTime = 3 * time.Second

// logo is where the copy of a client's logo is that we have drawn anew, "" for none. It
// is fetched when the owner is there, and swept like the pictures that nobody shows.
func (p *pages) logo(r *http.Request, address string) string {
	if address == "" || p.Logo == nil || p.Pictures == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(r.Context(), logoTime)
	defer cancel()
	name, err := p.Logo(ctx, address)
	if err != nil {
		p.server.log().Info("logo of a client not shown", "url", address, "reason", err)
		return ""
	}
	return p.base.Path + "picture/" + name
}

// badRedirect tells the owner, and nobody else, that the answer would go astray.
func (p *pages) badRedirect(w http.ResponseWriter, r *http.Request, req indieauth.Request) {
	p.fail(w, r, http.StatusBadRequest, p.language(r).T("consent.bad-redirect", req.RedirectURI, req.ClientID))
}

func warnings(c indieauth.ClientInfo) []string {
	var list []string
	if c.Listed {
		list = append(list, "redirect")
	}
	switch c.Warning {
	case indieauth.WarnURI:
		list = append(list, "host")
	case indieauth.WarnLocal:
		list = append(list, "local")
	case indieauth.WarnUnfetched, indieauth.WarnUntrusted:
		list = append(list, "unreachable")
	}
	return list
}

// decideConsent takes the owner's answer to the page that was shown, once, and
// sends the browser back to the client.
func (p *pages) decideConsent(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	req, err := p.Access.TakeConsent(r.Context(), owner.secret, r.PostFormValue("request"))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, site.ErrOtherSession) {
		p.fail(w, r, http.StatusForbidden, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	to := p.IndieAuth.Deny(req)
	if r.PostFormValue("decision") == "approve" {
		life, known := lives[r.PostFormValue("life")]
		if !known && len(req.Scopes) > 0 {
			p.fail(w, r, http.StatusForbidden, "")
			return
		}
		to, err = p.IndieAuth.Approve(owner.by(r.Context()), req, r.PostForm["scope"], life)
		if errors.Is(err, indieauth.ErrScope) {
			p.fail(w, r, http.StatusForbidden, "")
			return
		}
		if errors.Is(err, indieauth.ErrRedirect) {
			p.badRedirect(w, r, req) // the client has changed its list meanwhile
			return
		}
		if err != nil {
			p.broken(w, r, err)
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther)
}
