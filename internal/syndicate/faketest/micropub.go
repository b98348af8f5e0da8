package faketest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
)

// Micropub is a blog with a Micropub endpoint at /micropub and a media endpoint below it, as
// Micro.blog has them.
type Micropub struct {
	Host    string // blog.example
	Token   string
	Listing bool // knows q=source

	mu    sync.Mutex
	last  int
	posts []*MicropubPost
}

// MicropubPost is a post of the blog.
type MicropubPost struct {
	URL        string
	Properties map[string][]any
}

// Posts are those of the blog, the newest last.
func (m *Micropub) Posts() []MicropubPost {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []MicropubPost
	for _, p := range m.posts {
		all = append(all, *p)
	}
	return all
}

// Remove deletes a post behind everybody's back.
func (m *Micropub) Remove(url string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.posts = slices.DeleteFunc(m.posts, func(p *MicropubPost) bool { return p.URL == url })
}

// ServeHTTP answers as the network does.
func (m *Micropub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	base := "https://" + m.Host
	switch {
	case r.Header.Get("Authorization") != "Bearer "+m.Token:
		answer(w, http.StatusUnauthorized, map[string]string{"error": "unauthorized"})
	case r.URL.Path == "/micropub/media":
		if _, _, err := r.FormFile("file"); err != nil {
			answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
			return
		}
		m.last++
		w.Header().Set("Location", base+"/uploads/"+strconv.Itoa(m.last)+".jpg")
		w.WriteHeader(http.StatusCreated)
	case r.URL.Query().Get("q") == "config":
		answer(w, http.StatusOK, map[string]any{"media-endpoint": base + "/micropub/media",
			"destination": []any{map[string]string{"uid": base + "/", "name": "Ana's copies"}}})
	case r.URL.Query().Get("q") == "source" && m.Listing:
		items := []any{}
		for _, p := range slices.Backward(m.posts) {
			properties := map[string][]any{"url": {p.URL}}
			for name, values := range p.Properties {
				properties[name] = values
			}
			items = append(items, map[string]any{"type": []string{"h-entry"}, "properties": properties})
		}
		answer(w, http.StatusOK, map[string]any{"items": items})
	case r.Method == http.MethodPost:
		m.post(w, r)
	default:
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "unknown query"})
	}
}

func (m *Micropub) post(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Properties map[string][]any `json:"properties"`
		Action     string           `json:"action"`
		URL        string           `json:"url"`
		Replace    map[string][]any `json:"replace"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_request"})
		return
	}
	if body.Action == "" {
		m.last++
		made := &MicropubPost{URL: "https://" + m.Host + "/" + strconv.Itoa(m.last) + ".html", Properties: body.Properties}
		m.posts = append(m.posts, made)
		w.Header().Set("Location", made.URL)
		w.WriteHeader(http.StatusAccepted)
		return
	}
	at := slices.IndexFunc(m.posts, func(p *MicropubPost) bool { return p.URL == body.URL })
	switch {
	case at < 0:
		answer(w, http.StatusNotFound, map[string]string{"error": "not_found"})
	case body.Action == "delete":
		m.posts = slices.Delete(m.posts, at, at+1)
		w.WriteHeader(http.StatusOK)
	default:
		for name, values := range body.Replace {
			m.posts[at].Properties[name] = values
		}
		w.WriteHeader(http.StatusNoContent)
	}
}
