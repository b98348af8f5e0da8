package web

import (
	"net/http"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// rooms are the owner's pages that every one of them leads to, in order, and for whom.
var rooms = []struct {
	path, title string // below the base; a key of the catalogue
	least       site.Role
}{
	{"admin/", "inbox.title-inbox", site.Moderator},
	{"admin/unanswered", "unanswered.title", site.Moderator},
	{"admin/compose", "compose.title", site.Owner},
	{"admin/posts", "posts.title", site.Owner},
	{"admin/people", "people.title", site.Moderator},
	{"admin/notices", "notices.title", site.Moderator},
	{"admin/tokens", "tokens.title", site.Owner},
	{"admin/networks", "networks.title", site.Owner},
	{"admin/sessions", "sessions.title", site.Moderator},
	{"admin/jobs", "jobs.title", site.Owner},
	{"admin/settings", "settings.title", site.Owner},
}

// nav leads to the rooms that somebody may enter.
func (p *pages) nav(r *http.Request, who *session) []theme.Link {
	var nav []theme.Link
	l := p.language(r)
	for _, room := range rooms {
		if who.Role.May(room.least) {
			at := p.base.Path + room.path
			nav = append(nav, theme.Link{Name: l.T(room.title), URL: at, Current: r.URL.Path == at})
		}
	}
	return nav
}

// scripts are the pages with a script, and which one it is.
var scripts = map[string]string{
	"admin":    "admin.js",
	"signin":   "signin.js",
	"sessions": "signin.js",
	"compose":  "compose.js",
}

// script is the address of a page's script.
func (p *pages) script(page string) string {
	name := scripts[page]
	return p.base.Path + name + "?v=" + newAsset("", theme.Scripts()[name]).hash
}

// allowScript allows a page the one script that it has, by its address: what else lies on the
// host runs nowhere.
func (p *pages) allowScript(page string) string {
	name, ok := scripts[page]
	if !ok {
		return ""
	}
	return "; script-src " + p.Endpoint(name)
}
