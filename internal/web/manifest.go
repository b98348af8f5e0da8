package web

import (
	"encoding/json"
	"net/http"
)

// manifest lets a phone install the composer, and hand it what is shared from other apps.
// It says nothing that is not public: browsers ask for it without cookies.
func (p *pages) manifest(w http.ResponseWriter, r *http.Request) {
	l := p.language(r)
	at := p.base.Path
	body, err := json.Marshal(map[string]any{
		"id": at, "scope": at, "start_url": at + "admin/compose", "display": "standalone",
		"name": p.Name + " · Tertulia", "short_name": p.Name, "lang": l.Tag(), "dir": "auto",
		"background_color": "#fbf8f2", "theme_color": "#fbf8f2",
		"icons": []map[string]string{
			{"src": at + "icon.svg", "type": "image/svg+xml", "sizes": "any"},
			{"src": at + "icon-192.png", "type": "image/png", "sizes": "192x192"},
			{"src": at + "icon-512.png", "type": "image/png", "sizes": "512x512"},
			{"src": at + "icon-512.png", "type": "image/png", "sizes": "512x512", "purpose": "maskable"},
		},
		"shortcuts": []map[string]string{
			{"name": l.T("compose.title"), "url": at + "admin/compose"},
			{"name": l.T("inbox.title-inbox"), "url": at + "admin/"},
		},
		"share_target": map[string]any{
			"action": at + "admin/share", "method": "POST", "enctype": "multipart/form-data",
			"params": map[string]any{
				"title": "title", "text": "text", "url": "url",
				"files": []map[string]any{{"name": "file", "accept": []string{"image/*", "video/*", "audio/*"}}},
			},
		},
	})
	if err != nil {
		p.broken(w, r, err) // it is made of texts
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Add("Vary", "Accept-Language, Cookie")
	send(w, r, http.StatusOK, "application/manifest+json", body)
}
