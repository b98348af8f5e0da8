package web

import (
	"net/http"
)

// showSettings shows what is in force, and where each value comes from.
func (p *pages) showSettings(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	view := p.Settings()
	view.Shell = p.shell(r, owner)
	if p.Welcome != nil {
		view.Welcome = p.base.Path + "admin/welcome"
	}
	p.render(w, r, http.StatusOK, "settings", view)
}
