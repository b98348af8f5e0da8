package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// decideMention does what a form of these pages says: approves, rejects or deletes mentions, trusts,
// mutes, blocks or forgets people, has sources asked again, or takes that back. Then it shows the
// page again from which it came, at the place where it was.
func (p *pages) decideMention(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	form := r.PostForm
	if id := form.Get("undo"); id != "" {
		done, err := p.Inbox.Undo(r.Context(), owner.Me, id)
		p.decided(w, r, "undo", done, err)
		return
	}
	action, what := selection(form)
	if len(what.Mentions) > maxChosen || len(what.Groups) > maxChosen {
		p.fail(w, r, http.StatusBadRequest, "")
		return
	}
	done, err := p.Inbox.Decide(r.Context(), owner.Me, action, what)
	p.decided(w, r, action, done, err)
}

// maxChosen is how many mentions or groups one form may name: more than a page has.
const maxChosen = 200

// selection is what a form has chosen, and what for.
func selection(form url.Values) (action string, what site.Selection) {
	action = form.Get("decision")
	ids := form["id"]
	what = site.Selection{Groups: form["group"], State: form.Get("state"), People: form["person"], AsOf: time.Now()}
	if one, id, ok := strings.Cut(form.Get("one"), " "); ok {
		id, _, _ = strings.Cut(id, "@")
		action, ids, what.Groups, what.People = one, []string{id}, nil, nil
	} else if one, key, ok := strings.Cut(form.Get("whole"), " "); ok {
		key, _, _ = strings.Cut(key, "@")
		action, ids, what.Groups, what.People = one, nil, []string{key}, nil
	}
	if at, err := strconv.ParseInt(form.Get("asof"), 10, 64); err == nil {
		what.AsOf = time.UnixMicro(at)
	}
	for _, id := range ids {
		id, seen, _ := strings.Cut(id, ".")
		if !slices.ContainsFunc(what.Mentions, func(c site.Choice) bool { return c.ID == id }) {
			what.Mentions = append(what.Mentions, site.Choice{ID: id, Seen: seen})
		}
	}
	return action, what
}

// spot is the end of a button's value: the place on the page to which its decision comes back.
var spot = regexp.MustCompile(`@([0-9]{1,3})$`)

// decided answers with the page from which a decision came, and what became of it.
func (p *pages) decided(w http.ResponseWriter, r *http.Request, action string, done site.Decided, err error) {
	if errors.Is(err, site.ErrChanged) {
		err = nil // the page shows what it says now
	}
	switch {
	case notThere(err):
		p.fail(w, r, http.StatusNotFound, "")
		return
	case errors.Is(err, site.ErrUndecidable) || errors.Is(err, site.ErrEverybody):
		p.fail(w, r, http.StatusBadRequest, "")
		return
	case err != nil:
		p.broken(w, r, err)
		return
	}
	back := r.PostFormValue("back")
	if !p.ours(back) {
		back = p.base.Path + "admin/"
	}
	to, err := url.Parse(back)
	if err != nil {
		p.broken(w, r, err)
		return
	}
	q := to.Query()
	for _, name := range []string{"done", "left", "more"} {
		q.Del(name)
	}
	switch {
	case done.Batch != "":
		q.Set("done", done.Batch)
	case action == "replay", action == "undo" && done.Done > 0:
		q.Set("done", action+strconv.Itoa(done.Done))
	}
	if done.Batch == "" && !q.Has("done") && done.Left == 0 {
		q.Set("done", "none")
	}
	if done.Left > 0 {
		q.Set("left", strconv.Itoa(done.Left))
	}
	if done.More {
		q.Set("more", "1")
	}
	to.RawQuery, to.Fragment = q.Encode(), ""
	if at := spot.FindStringSubmatch(r.PostFormValue("one") + r.PostFormValue("whole")); at != nil {
		to.Fragment = "at-" + at[1]
	}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// notice says what came of the decision that has led to this page, nil when none has.
func (p *pages) notice(r *http.Request) *theme.Notice {
	q := r.URL.Query()
	left, _ := strconv.Atoi(q.Get("left")) // what is no number is none
	n := &theme.Notice{Left: max(0, min(left, site.MaxCount)), More: q.Get("more") != ""}
	id := q.Get("done")
	if count, ok := strings.CutPrefix(id, "undo"); ok {
		n.Action = "undo"
		n.Done, _ = strconv.Atoi(count)
		n.Done = max(0, min(n.Done, site.MaxCount))
		return n
	}
	if strings.HasPrefix(id, "replay") || id == "none" {
		n.Action, _, _ = strings.Cut(id, "0")
		return n
	}
	if made, err := p.Inbox.Batch(r.Context(), id); err == nil {
		n.Action, n.Done = made.Action, made.Count
		if made.Undoable {
			n.Undo = made.ID
		}
		return n
	}
	if n.Left > 0 {
		return n
	}
	return nil
}

// notThere tells whether something is not, or no longer, there.
func notThere(err error) bool { return errors.Is(err, fs.ErrNotExist) }
