package web

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// jobsPerPage is how many jobs a page shows.
const jobsPerPage = 20

// showJobs shows what is to be done and what could not be, which is listed first.
func (p *pages) showJobs(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	q := r.URL.Query()
	view := theme.Jobs{
		Shell: p.shell(r, owner), Action: p.base.Path + "admin/jobs", Kind: q.Get("kind"), State: q.Get("state"), Done: q.Get("done"), Now: time.Now(),
	}
	view.Number, _ = strconv.Atoi(q.Get("n")) // what is no number is none
	kinds, err := p.Work.Kinds(r.Context())
	if err == nil {
		view.Paused, view.Rests, err = p.Work.Paused()
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	parked := 0
	for _, k := range kinds {
		parked += k.Parked
		view.Kinds = append(view.Kinds, theme.JobKind{Kind: k.Kind, Waiting: k.Waiting, Running: k.Running, Parked: k.Parked, URL: view.Action + "?kind=" + url.QueryEscape(k.Kind)})
	}
	switch {
	case view.Kind != "" || view.State != "":
		view.All = view.Action + "?state=any"
	case parked > 0:
		view.State, view.All = site.TaskParked, view.Action+"?state=any"
	}
	state := view.State
	if state == "any" {
		state, view.State, view.All = "", "", ""
	}
	tasks, next, err := p.Work.Tasks(r.Context(), view.Kind, state, q.Get("from"), jobsPerPage)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
		return
	case err != nil:
		p.broken(w, r, err)
		return
	}
	view.Groups = jobGroups(tasks)
	if next != "" {
		view.More = view.Action + "?" + url.Values{"kind": {view.Kind}, "state": {q.Get("state")}, "from": {next}}.Encode()
	}
	p.render(w, r, http.StatusOK, "jobs", view)
}

// jobGroups puts jobs of one kind together, the kinds in the order in which they come first.
func jobGroups(tasks []site.Task) (groups []theme.JobGroup) {
	for _, t := range tasks {
		i := slices.IndexFunc(groups, func(g theme.JobGroup) bool { return g.Kind == t.Kind })
		if i < 0 {
			i, groups = len(groups), append(groups, theme.JobGroup{Kind: t.Kind})
		}
		groups[i].Jobs = append(groups[i].Jobs, theme.Job{
			ID: t.ID, About: clipped(t.About, 300), State: t.State, Why: t.Why, Due: t.Due, Since: t.Since, Attempts: t.Attempts, Error: clipped(t.Error, 500),
		})
	}
	return groups
}

// clipped is a text that takes at most so many runes.
func clipped(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// changeJobs tries jobs again, or drops them.
func (p *pages) changeJobs(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	form := r.PostForm
	n, done, kind := 1, "", form.Get("kind")
	var err error
	switch do := form.Get("do"); {
	case do == "retry":
		done, kind, err = "retried", form.Get("list"), p.Work.Retry(r.Context(), owner.Me, form.Get("id"))
	case do == "drop":
		done, kind, err = "dropped", form.Get("list"), p.Work.Drop(r.Context(), owner.Me, form.Get("id"))
	case do == "retry-all" && kind != "":
		done = "retried"
		n, err = p.Work.RetryKind(r.Context(), owner.Me, kind)
	case do == "drop-all" && kind != "":
		done = "dropped"
		n, err = p.Work.DropKind(r.Context(), owner.Me, kind, form.Get("state"))
	default:
		p.fail(w, r, http.StatusBadRequest, "")
		return
	}
	back := url.Values{}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, site.ErrRunning): // it was done already, or begins now
	case err != nil:
		p.broken(w, r, err)
		return
	default:
		back.Set("done", done)
		back.Set("n", strconv.Itoa(n))
	}
	for name, value := range map[string]string{"kind": kind, "state": form.Get("state")} {
		if value != "" {
			back.Set(name, value)
		}
	}
	to := p.base.Path + "admin/jobs"
	if len(back) > 0 {
		to += "?" + back.Encode()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
