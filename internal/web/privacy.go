package web

import (
	"net/http"

	"tertulia/internal/web/theme"
)

// privacy says what is kept of others, in the reader's language.
func (p *pages) privacy(w http.ResponseWriter, r *http.Request) {
	view := theme.Privacy{Shell: p.shell(r, nil)}
	for _, s := range p.PrivacyNote(p.language(r)) {
		view.Sections = append(view.Sections, theme.Section(s))
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	p.render(w, r, http.StatusOK, "privacy", view)
}
