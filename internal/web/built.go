package web

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"slices"
)

// built hears from whoever builds the site that it is live, so that nobody has to wait until
// we look again: for posts that wait to be live, and for pages that somebody has written. Its token has the scope "deploy", and nothing else comes of it; it may stand
// in the path, for the hooks of many hosts know no headers.
func (p *pages) built(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		p.fail(w, r, http.StatusMethodNotAllowed, "")
		return
	}
	grant, err := p.Access.Grant(r.Context(), cmp.Or(bearer(r), pathVar(r, "secret")))
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
		w.Header().Set("WWW-Authenticate", "Bearer")
		p.answer(w, r, http.StatusUnauthorized, apiError{"unauthorized", "A token with the scope deploy is needed: tertulia token new --scope deploy"})
	case err != nil:
		p.brokenAPI(w, r, err)
	case !slices.Contains(grant.Scopes, "deploy"):
		p.answer(w, r, http.StatusForbidden, apiError{"insufficient_scope", "The token has not the scope deploy"})
	default:
		waiting, err := p.Posts.Built(r.Context())
		if err = cmp.Or(err, p.Outgoing.Built(r.Context())); err != nil {
			p.brokenAPI(w, r, err)
			return
		}
		p.answer(w, r, http.StatusAccepted, map[string]int{"waiting": waiting})
	}
}
