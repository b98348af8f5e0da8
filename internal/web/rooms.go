package web

import (
	"net/http"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// room is a page that every page of the owner's leads to, and for whom.
type room struct {
	path, title string // below the base; a key of the catalogue
	least       site.Role
}

// daily are the rooms for what one comes for, in order.
var daily = []room{
	{"admin/", "inbox.title-inbox", site.Moderator},
	{"admin/unanswered", "unanswered.title", site.Moderator},
	{"admin/compose", "compose.title", site.Owner},
	{"admin/posts", "posts.title", site.Owner},
	{"admin/people", "people.title", site.Moderator},
}

// service are those for what is set up once and looked at when something is wrong.
var service = []room{
	{"admin/networks", "networks.title", site.Owner},
	{"admin/notices", "notices.title", site.Moderator},
	{"admin/tokens", "tokens.title", site.Owner},
	{"admin/sessions", "sessions.title", site.Moderator},
	{"admin/jobs", "jobs.title", site.Owner},
	{"admin/settings", "settings.title", site.Owner},
}

// nav leads to those of some rooms that somebody may enter.
func (p *pages) nav(r *http.Request, who *session, rooms []room) []theme.Link {
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
