package web

import (
	"cmp"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// openLists are the lists of the page, by the word for them in its address.
var openLists = map[string]site.OpenName{"": site.Unanswered, "questions": site.Questions, "aside": site.SetAside}

// unanswered lists what the owner has not answered.
func (p *pages) unanswered(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	q := r.URL.Query()
	word := q.Get("list")
	list, ok := openLists[word]
	if !ok {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	open, err := p.Conversation.Unanswered(r.Context(), list, q.Get("from"), openOfPage)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	here := p.base.Path + "admin/unanswered"
	view := theme.Unanswered{
		Shell: p.shell(r, owner), Action: here, List: word, Answers: owner.Role.May(site.Owner), Now: time.Now(),
		Count: open.Count, Questions: open.Questions, Aside: open.Aside, Most: site.MaxOpen, Done: mentionIDs(q["done"]), Back: q.Get("back") == "1",
	}
	for _, m := range open.Mentions {
		view.Mentions = append(view.Mentions, theme.Open{
			ID: m.ID, Kind: m.Type, Question: m.Question, Author: brief(m.Author, 80), Excerpt: brief(m.Excerpt, 220), Lang: m.Language, Received: m.Received,
			Page: theme.Link{Name: brief(cmp.Or(m.Title, m.Page), 80), URL: m.Page}, There: m.Page + "#tertulia-" + m.ID, Answer: p.base.Path + "admin/answer/" + m.ID,
		})
	}
	if open.Next != "" {
		next := url.Values{"from": {open.Next}}
		if word != "" {
			next.Set("list", word)
		}
		view.More = here + "?" + next.Encode()
	}
	p.render(w, r, http.StatusOK, "unanswered", view)
}

// openOfPage is how many mentions the page lists.
const openOfPage = 50

var mentionID = regexp.MustCompile(`^[0-9a-z]{26}$`)

// mentionIDs are those of a form's words that look like the id of a mention, not too many.
func mentionIDs(words []string) (ids []string) {
	for _, word := range words {
		if mentionID.MatchString(word) && len(ids) < openOfPage {
			ids = append(ids, word)
		}
	}
	return ids
}

// setAside takes mentions from the list, or puts them back: the one of the button, or those
// that are ticked.
func (p *pages) setAside(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	ids, aside := r.PostForm["id"], r.PostFormValue("do") != "back"
	if one := r.PostFormValue("aside"); one != "" {
		ids, aside = []string{one}, true
	}
	if one := r.PostFormValue("back"); one != "" {
		ids, aside = []string{one}, false
	}
	ids = mentionIDs(ids)
	for _, id := range ids {
		err := p.Mentions.SetAside(r.Context(), owner.Me, id, aside)
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it has gone meanwhile
			p.broken(w, r, err)
			return
		}
	}
	to := url.Values{}
	if word := r.PostFormValue("list"); openLists[word] != "" && word != "" {
		to.Set("list", word)
	}
	switch {
	case len(ids) == 0:
	case aside:
		to["done"] = ids
	default:
		to.Set("back", "1")
	}
	http.Redirect(w, r, strings.TrimSuffix(p.base.Path+"admin/unanswered?"+to.Encode(), "?"), http.StatusSeeOther)
}
