package web

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// welcome leads a newcomer through the first steps.
func (p *pages) welcome(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	p.showWelcome(w, r, http.StatusOK, owner, theme.Trial{})
}

// showWelcome shows the page, with what was wrong with what was sent.
func (p *pages) showWelcome(w http.ResponseWriter, r *http.Request, status int, owner *session, sent theme.Trial) {
	now, err := p.Welcome.State(r.Context())
	if err != nil {
		p.broken(w, r, err)
		return
	}
	view := theme.Welcome{Shell: p.shell(r, owner), Action: p.base.Path + "admin/welcome", Out: p.base.Path + "admin/", Paused: now.Paused, Ended: now.Ended || !now.Left}
	for i, name := range site.Steps() {
		step := theme.Step{Name: name, Number: i + 1, Done: now.Done[name], Skipped: now.Skipped[name]}
		switch name {
		case "check":
			step.Check = p.checkup(now)
		case "trial":
			step.Trial = trialView(now, sent)
		case "app":
			step.App = &theme.Connecting{Me: p.Me(), Posts: p.Publish != nil, Tokens: p.base.Path + "admin/tokens"}
		case "moderation":
			step.Moderation = p.moderation()
		}
		view.Steps = append(view.Steps, step)
	}
	p.render(w, r, status, "welcome", view)
}

func (p *pages) checkup(now site.FirstSteps) *theme.Checkup {
	c := theme.Checkup{Checking: now.Checking, Checked: now.Checked, Error: now.CheckError, Lang: p.Speaks(p.Language).Tag()}
	for _, one := range now.Points {
		point := theme.CheckPoint{Name: one.Name, State: one.State, Seen: one.Seen, Do: one.Do}
		for _, text := range one.Paste {
			point.Paste = append(point.Paste, theme.Paste{Title: text.Title, Text: text.Text})
		}
		if one.State == "fails" {
			c.Fails++
		}
		c.Points = append(c.Points, point)
	}
	return &c
}

// trialView is the test webmention with what was just sent for another, which counts.
func trialView(now site.FirstSteps, sent theme.Trial) *theme.Trial {
	t := sent
	t.Begun, t.Ended = !now.Trial.Began.IsZero(), now.Trial.Ended
	if t.Target == "" {
		t.Target = now.Newest
	}
	for _, stage := range now.Trial.Stages {
		one := theme.TrialStage{Stage: stage.Stage, Note: stage.Note, At: stage.At}
		if stage.Stage == "failed" {
			one.Why, one.Note, _ = strings.Cut(stage.Note, ":")
		}
		one.Note = clipped(strings.TrimSpace(one.Note), 400)
		t.Stages = append(t.Stages, one)
	}
	return &t
}

// moderation is what is in force, with the lines for the two others.
func (p *pages) moderation() *theme.Moderation {
	m := theme.Moderation{Approve: string(p.Approve)}
	for _, one := range []site.Approval{site.ApprovePeople, site.ApproveAll, site.ApproveNone} {
		m.Choices = append(m.Choices, string(one))
	}
	if m.Approve == "" {
		m.Approve = m.Choices[0]
	}
	other := m.Choices[1]
	if other == m.Approve {
		other = m.Choices[0]
	}
	m.Lines = "[site.conversation]\napprove = \"" + other + "\""
	return &m
}

// patience is how long the answer to a form waits for what the form has begun: often it is done
// by then, and nobody has to ask how it goes.
const patience = 3 * time.Second

// changeWelcome does what one of the page's forms says.
func (p *pages) changeWelcome(w http.ResponseWriter, r *http.Request) {
	owner := p.signedIn(w, r)
	if owner == nil {
		return
	}
	form, to := r.PostForm, p.base.Path+"admin/welcome"
	var err error
	switch form.Get("do") {
	case "check":
		to += "#check"
		if err = p.Welcome.Check(r.Context()); err == nil {
			p.wait(r.Context(), func(now site.FirstSteps) bool { return !now.Checking })
		}
	case "try":
		to += "#trial"
		err = p.Welcome.Try(r.Context(), form.Get("target"))
		if errors.Is(err, site.ErrTrial) {
			p.showWelcome(w, r, http.StatusBadRequest, owner, theme.Trial{Target: clipped(form.Get("target"), 2048), Error: "target"})
			return
		}
		if err == nil {
			p.wait(r.Context(), func(now site.FirstSteps) bool { return now.Trial.Ended })
		}
	case "skip", "unskip":
		to += "#" + form.Get("step")
		err = p.Welcome.Skip(r.Context(), form.Get("step"), form.Get("do") == "skip")
	case "end":
		to = p.base.Path + "admin/"
		err = p.Welcome.End(r.Context())
	default:
		err = fs.ErrNotExist
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusBadRequest, "")
	case err != nil:
		p.broken(w, r, err)
	default:
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// wait returns when something is so, or when it takes too long: whoever looks sees how far it is.
func (p *pages) wait(ctx context.Context, so func(site.FirstSteps) bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now, err := p.Welcome.State(ctx); err != nil || so(now) {
			return
		}
	}
}

// led is where somebody goes who has just signed in and wanted to go nowhere: a newcomer who
// owns the site to the first steps, everybody else to what waits.
func (p *pages) led(ctx context.Context, keeper site.Keeper) string {
	if p.Welcome != nil && keeper.Role.May(site.Owner) {
		if now, err := p.Welcome.State(ctx); err == nil && now.Lead {
			return p.base.Path + "admin/welcome"
		}
	}
	return p.base.Path + "admin/"
}

// trial is the page from which a test webmention comes, for as long as there is one.
func (p *pages) trial(w http.ResponseWriter, r *http.Request) {
	target, err := p.Welcome.TrialPage(r.Context(), pathVar(r, "id"))
	if errors.Is(err, fs.ErrNotExist) {
		p.fail(w, r, http.StatusNotFound, "")
		return
	}
	if err != nil {
		p.broken(w, r, err)
		return
	}
	w.Header().Set("X-Robots-Tag", "noindex, nofollow")
	w.Header().Set("Referrer-Policy", "no-referrer")
	p.render(w, r, http.StatusOK, "trial", theme.TrialPage{Shell: p.shell(r, nil), Target: target})
}
