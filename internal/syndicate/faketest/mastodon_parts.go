package faketest

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

var tagOrName = regexp.MustCompile(`(^|\s)([#@])([\p{L}\p{N}_@.·]+)`)

// content is a text as Mastodon shows it.
func (m *Mastodon) content(text string) string {
	escaped := html.EscapeString(text)
	escaped = link.ReplaceAllStringFunc(escaped, func(address string) string {
		rest := strings.TrimPrefix(address, "https://")
		shown := rest[:min(len(rest), 30)]
		return `<a href="` + address + `" target="_blank" rel="nofollow noopener"><span class="invisible">https://</span><span class="ellipsis">` + shown +
			`</span><span class="invisible">` + rest[len(shown):] + `</span></a>`
	})
	escaped = tagOrName.ReplaceAllStringFunc(escaped, func(found string) string {
		p := tagOrName.FindStringSubmatch(found)
		if p[2] == "#" {
			return p[1] + `<a href="https://` + m.Host + `/tags/` + p[3] + `" class="mention hashtag" rel="tag">#<span>` + p[3] + `</span></a>`
		}
		return p[1] + `<span class="h-card" translate="no"><a href="https://otro.example/@x" class="u-url mention">@<span>` + p[3] + `</span></a></span>`
	})
	return "<p>" + strings.NewReplacer("\n\n", "</p><p>", "\n", "<br />").Replace(escaped) + "</p>"
}

func (m *Mastodon) upload(w http.ResponseWriter, r *http.Request) {
	file, told, err := r.FormFile("file")
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "Validation failed: File can't be blank")
		return
	}
	b, err := io.ReadAll(file)
	if err != nil {
		refuse(w, http.StatusUnprocessableEntity, "Validation failed")
		return
	}
	if told.Header.Get("Content-Type") != http.DetectContentType(b) {
		refuse(w, http.StatusUnprocessableEntity, "Validation failed: File has contents that are not what they are reported to be")
		return
	}
	m.last++
	made := &Media{ID: "m" + strconv.Itoa(m.last), Type: "image", Description: r.FormValue("description"), Bytes: b, left: m.Processing}
	if m.media == nil {
		m.media = map[string]*Media{}
	}
	m.media[made.ID] = made
	if made.left > 0 && r.URL.Path == "/api/v2/media" {
		answer(w, http.StatusAccepted, made)
		return
	}
	made.left, made.URL = 0, "https://"+m.Host+"/media/"+made.ID
	answer(w, http.StatusOK, made)
}

func (m *Mastodon) picture(w http.ResponseWriter, id string) {
	made := m.media[id]
	if made == nil {
		refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	if made.left--; made.left > 0 {
		answer(w, http.StatusPartialContent, made)
		return
	}
	made.left, made.URL = 0, "https://"+m.Host+"/media/"+id
	answer(w, http.StatusOK, made)
}

func (m *Mastodon) search(w http.ResponseWriter, r *http.Request) {
	found := []*Status{}
	for _, s := range m.statuses {
		if q := r.URL.Query().Get("q"); s.URL == q || s.URI == q {
			found = append(found, s)
		}
	}
	answer(w, http.StatusOK, map[string]any{"statuses": found, "accounts": []any{}, "hashtags": []any{}})
}

// next writes the Link header of a page.
func next(w http.ResponseWriter, r *http.Request, maxID string) {
	query := r.URL.Query()
	query.Set("max_id", maxID)
	to := url.URL{Scheme: "https", Host: r.Host, Path: r.URL.Path, RawQuery: query.Encode()}
	w.Header().Set("Link", `<`+to.String()+`>; rel="next", <https://`+r.Host+`/x?since_id=9>; rel="prev"`)
}
