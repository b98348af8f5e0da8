package faketest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// list is the account's statuses, the newest first, by pages.
func (m *Mastodon) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit > 40 {
		limit = 20
	}
	page := []*Status{}
	before := r.URL.Query().Get("max_id")
	for _, s := range slices.Backward(m.statuses) {
		if s.Account.ID != "1" {
			continue
		}
		if before != "" {
			if s.ID == before {
				before = ""
			}
			continue
		}
		if page = append(page, s); len(page) == limit {
			break
		}
	}
	answer(w, http.StatusOK, page)
}

// status is everything below the address of one.
func (m *Mastodon) status(w http.ResponseWriter, r *http.Request, id, rest string) {
	s := m.find(id)
	if s == nil {
		refuse(w, http.StatusNotFound, "Record not found")
		return
	}
	s.Favourites, s.Reblogs, s.Quotes = len(s.FavouritedBy), len(s.RebloggedBy), len(s.QuotedBy)
	switch r.Method + " " + rest {
	case "GET ":
		answer(w, http.StatusOK, s)
	case "PUT ":
		m.edit(w, r, s)
	case "DELETE ":
		m.statuses = slices.DeleteFunc(m.statuses, func(other *Status) bool { return other == s })
		answer(w, http.StatusOK, s)
	case "GET context":
		answer(w, http.StatusOK, map[string]any{"ancestors": []any{}, "descendants": m.below(id)})
	case "GET favourited_by":
		people(w, r, s.FavouritedBy)
	case "GET reblogged_by":
		people(w, r, s.RebloggedBy)
	case "GET quotes":
		answer(w, http.StatusOK, s.QuotedBy)
	case "POST favourite", "POST unfavourite":
		s.Favourited = rest == "favourite"
		answer(w, http.StatusOK, s)
	case "POST bookmark", "POST unbookmark":
		s.Bookmarked = rest == "bookmark"
		answer(w, http.StatusOK, s)
	case "POST reblog", "POST unreblog":
		s.Reblogged = rest == "reblog"
		answer(w, http.StatusOK, Status{ID: "boost-" + s.ID, URL: "https://" + m.Host + "/@ana/boost-" + s.ID, Account: m.Ana(), CreatedAt: s.CreatedAt})
	default:
		refuse(w, http.StatusNotFound, "Not Found")
	}
}

func (m *Mastodon) edit(w http.ResponseWriter, r *http.Request, s *Status) {
	if m.Fixed {
		refuse(w, http.StatusNotFound, "Not Found")
		return
	}
	d, wrong := m.read(r)
	if wrong != "" {
		refuse(w, http.StatusUnprocessableEntity, wrong)
		return
	}
	m.write(s, d)
	s.EditedAt = time.Now().UTC()
	answer(w, http.StatusOK, s)
}

// below is the thread under a status. What answers something that has been deleted is not in it.
func (m *Mastodon) below(id string) []*Status {
	all := []*Status{}
	for _, s := range m.statuses {
		if s.ReplyTo == id {
			all = append(append(all, s), m.below(s.ID)...)
		}
	}
	return all
}

// people are those who did something, by pages; what a page begins with is a number of the server's
// own, not an account's.
func people(w http.ResponseWriter, r *http.Request, list []Account) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit > 80 {
		limit = 80
	}
	from := 0
	if at, err := strconv.Atoi(r.URL.Query().Get("max_id")); err == nil {
		from = min(at, len(list))
	}
	to := min(from+limit, len(list))
	if to < len(list) {
		next(w, r, strconv.Itoa(to))
	}
	answer(w, http.StatusOK, append([]Account{}, list[from:to]...))
}
