package faketest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Mastodon is a server with Mastodon's API and one account, @ana. Its fields are set before the first
// request.
type Mastodon struct {
	Host        string // social.example
	Token       string
	Version     string // empty: Mastodon's own; "2.7.2 (compatible; Pleroma 2.9)", "0.19.1" for others
	Characters  int    // of a status; 0: 500
	ForgetsKeys bool   // looks at no Idempotency-Key, as GoToSocial
	OldMedia    bool   // knows no /api/v2/media and no /api/v2/instance
	Processing  int    // how often a picture is not done yet when it is asked for
	Fixed       bool   // statuses cannot be edited

	mu       sync.Mutex
	last     int
	statuses []*Status
	media    map[string]*Media
	keys     map[string]string // Idempotency-Key → id
}

// Status is one of theirs, as the entity of the API has it.
type Status struct {
	ID         string    `json:"id"`
	URL        string    `json:"url"`
	URI        string    `json:"uri"`
	CreatedAt  time.Time `json:"created_at"`
	EditedAt   any       `json:"edited_at"`
	ReplyTo    any       `json:"in_reply_to_id"`
	Visibility string    `json:"visibility"`
	Sensitive  bool      `json:"sensitive"`
	Spoiler    string    `json:"spoiler_text"`
	Language   string    `json:"language"`
	Content    string    `json:"content"`
	Account    Account   `json:"account"`
	Media      []*Media  `json:"media_attachments"`
	Favourites int       `json:"favourites_count"`
	Reblogs    int       `json:"reblogs_count"`
	Quotes     int       `json:"quotes_count"`
	Favourited bool      `json:"favourited"`
	Reblogged  bool      `json:"reblogged"`
	Bookmarked bool      `json:"bookmarked"`

	Text         string    `json:"-"` // as it was sent
	FavouritedBy []Account `json:"-"`
	RebloggedBy  []Account `json:"-"`
	QuotedBy     []*Status `json:"-"`
}

// Account is who writes.
type Account struct {
	ID           string `json:"id"`
	Username     string `json:"username"`
	Acct         string `json:"acct"`
	DisplayName  string `json:"display_name"`
	URL          string `json:"url"`
	Avatar       string `json:"avatar"`
	Note         string `json:"note"`
	Locked       bool   `json:"locked"`
	Discoverable *bool  `json:"discoverable"`
	NoIndex      *bool  `json:"noindex,omitempty"`
}

// Media is a picture of a status.
type Media struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	URL         any    `json:"url"` // null while it is worked on
	Description string `json:"description"`

	left  int
	Bytes []byte `json:"-"`
}

// Ana is the account's owner.
func (m *Mastodon) Ana() Account {
	return Account{ID: "1", Username: "ana", Acct: "ana", DisplayName: "Ana", URL: "https://" + m.Host + "/@ana"}
}

// Person is somebody on another server.
func Person(name string) Account {
	return Account{ID: "p-" + name, Username: name, Acct: name + "@otro.example", DisplayName: name, URL: "https://otro.example/@" + name}
}

// Statuses are those of the account, the newest last.
func (m *Mastodon) Statuses() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	var own []Status
	for _, s := range m.statuses {
		if s.Account.ID == "1" {
			own = append(own, *s)
		}
	}
	return own
}

// All are everybody's statuses.
func (m *Mastodon) All() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Status
	for _, s := range m.statuses {
		all = append(all, *s)
	}
	return all
}

// Put adds a status of somebody's, or changes the one with its ID.
func (m *Mastodon) Put(s Status) Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s.ID != "" {
		for i, known := range m.statuses {
			if known.ID == s.ID {
				m.statuses[i] = &s
				return s
			}
		}
	}
	return *m.add(s)
}

func (m *Mastodon) add(s Status) *Status {
	m.last++
	if s.ID == "" {
		s.ID = strconv.Itoa(1000 + m.last)
	}
	s.CreatedAt = time.Now().UTC()
	host, _, _ := strings.Cut(strings.TrimPrefix(s.Account.URL, "https://"), "/")
	s.URL = "https://" + host + "/@" + s.Account.Username + "/" + s.ID
	s.URI = "https://" + host + "/users/" + s.Account.Username + "/statuses/" + s.ID
	if s.Visibility == "" {
		s.Visibility = "public"
	}
	m.statuses = append(m.statuses, &s)
	return &s
}

// React makes people like and repost a status, and another quote it, instead of who did before.
func (m *Mastodon) React(id string, likes, reposts []Account, quote string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.find(id)
	s.FavouritedBy, s.RebloggedBy, s.QuotedBy = likes, reposts, nil
	if q := m.find(quote); q != nil {
		s.QuotedBy = []*Status{q}
	}
}

// Remove deletes anybody's status.
func (m *Mastodon) Remove(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.statuses = slices.DeleteFunc(m.statuses, func(s *Status) bool { return s.ID == id })
}

func (m *Mastodon) find(id string) *Status {
	for _, s := range m.statuses {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// ServeHTTP answers as the network does.
func (m *Mastodon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.instance(w, r) {
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+m.Token {
		refuse(w, http.StatusUnauthorized, "The access token is invalid")
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch path := strings.Join(parts, "/"); {
	case path == "api/v1/accounts/verify_credentials":
		answer(w, http.StatusOK, m.Ana())
	case path == "api/v1/accounts/1/statuses":
		m.list(w, r)
	case path == "api/v1/statuses" && r.Method == http.MethodPost:
		m.create(w, r)
	case path == "api/v2/media" && m.OldMedia:
		refuse(w, http.StatusNotFound, "Not Found")
	case (path == "api/v2/media" || path == "api/v1/media") && r.Method == http.MethodPost:
		m.upload(w, r)
	case strings.HasPrefix(path, "api/v1/media/"):
		m.picture(w, parts[3])
	case path == "api/v2/search":
		m.search(w, r)
	case strings.HasPrefix(path, "api/v1/statuses/"):
		m.status(w, r, parts[3], strings.Join(parts[4:], "/"))
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

func (m *Mastodon) instance(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Path != "/api/v2/instance" && r.URL.Path != "/api/v1/instance" {
		return false
	}
	if m.OldMedia && r.URL.Path == "/api/v2/instance" {
		refuse(w, http.StatusNotFound, "Not Found")
		return true
	}
	version := m.Version
	if version == "" {
		version = "4.5.1"
	}
	answer(w, http.StatusOK, map[string]any{"version": version, "configuration": map[string]any{
		"statuses":          map[string]any{"max_characters": m.limit(), "characters_reserved_per_url": 23, "max_media_attachments": 4},
		"media_attachments": map[string]any{"image_size_limit": 16 << 20, "image_matrix_limit": 33177600, "description_limit": 1500},
	}})
	return true
}

func (m *Mastodon) limit() int {
	if m.Characters == 0 {
		return 500
	}
	return m.Characters
}

func answer(w http.ResponseWriter, code int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(value) // whoever has gone needs no answer
}

func refuse(w http.ResponseWriter, code int, message string) {
	answer(w, code, map[string]string{"error": message})
}

// draft is the body of a status that is made or edited.
type draft struct {
	Status     string   `json:"status"`
	Spoiler    string   `json:"spoiler_text"`
	Sensitive  bool     `json:"sensitive"`
	Visibility string   `json:"visibility"`
	Language   string   `json:"language"`
	ReplyTo    string   `json:"in_reply_to_id"`
	Media      []string `json:"media_ids"`
	Alts       []struct{ ID, Description string }
}

var link = regexp.MustCompile(`https?://[^\s<>()]+[^\s<>().,;:!?…]`)

// read reads a draft and says what is wrong with it.
func (m *Mastodon) read(r *http.Request) (draft, string) {
	var d struct {
		draft
		Attributes []struct{ ID, Description string } `json:"media_attributes"`
	}
	if err := json.NewDecoder(r.Body).Decode(&d); err != nil {
		return draft{}, "Error occurred while parsing request parameters"
	}
	d.Alts = d.Attributes
	counted := link.ReplaceAllString(d.Status, strings.Repeat("x", 23)) + d.Spoiler
	switch {
	case utf8.RuneCountInString(counted) > m.limit():
		return draft{}, fmt.Sprintf("Validation failed: Text character limit of %d exceeded", m.limit())
	case d.Status == "" && len(d.Media) == 0:
		return draft{}, "Validation failed: Text can't be blank"
	}
	for _, id := range d.Media {
		switch media := m.media[id]; {
		case media == nil:
			return draft{}, "Record not found"
		case media.left > 0:
			return draft{}, "Cannot attach files that have not finished processing. Try again in a moment!"
		}
	}
	return d.draft, ""
}

func (m *Mastodon) write(s *Status, d draft) {
	s.Text, s.Spoiler, s.Sensitive, s.Language, s.Content = d.Status, d.Spoiler, d.Sensitive, d.Language, m.content(d.Status)
	s.Media = nil
	for _, id := range d.Media {
		s.Media = append(s.Media, m.media[id])
	}
	for _, alt := range d.Alts {
		m.media[alt.ID].Description = alt.Description
	}
}

func (m *Mastodon) create(w http.ResponseWriter, r *http.Request) {
	d, wrong := m.read(r)
	if wrong != "" {
		refuse(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if id := m.keys[key]; id != "" && key != "" && !m.ForgetsKeys {
		if s := m.find(id); s != nil {
			answer(w, http.StatusOK, s)
			return
		}
		refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	s := Status{Account: m.Ana(), Visibility: d.Visibility}
	if d.ReplyTo != "" {
		if m.find(d.ReplyTo) == nil {
			refuse(w, http.StatusNotFound, "The post you are trying to reply to does not appear to exist.")
			return
		}
		s.ReplyTo = d.ReplyTo
	}
	made := m.add(s)
	m.write(made, d)
	if m.keys == nil {
		m.keys = map[string]string{}
	}
	m.keys[key] = made.ID
	answer(w, http.StatusOK, made)
}
