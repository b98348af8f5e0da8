package web

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"

	"tertulia/internal/site"
	"tertulia/internal/web/theme"
)

// hookChanges are those of the forms about mails and hooks, which are the owner's.
var hookChanges = map[string]change[noticeChange]{
	"mail": {do: func(n *site.Notices, ctx context.Context, _ *session, _ url.Values) (theme.Notices, error) {
		return theme.Notices{}, n.TestMail(ctx)
	}},
	"new": {recent: true, do: func(n *site.Notices, ctx context.Context, _ *session, form url.Values) (view theme.Notices, err error) {
		view.Secret, err = n.AddHook(ctx, form.Get("address"), form["kind"])
		return view, err
	}},
	"drop": {do: func(n *site.Notices, ctx context.Context, _ *session, form url.Values) (theme.Notices, error) {
		return theme.Notices{}, n.DropHook(ctx, form.Get("id"))
	}},
	"test": {do: func(n *site.Notices, ctx context.Context, _ *session, form url.Values) (theme.Notices, error) {
		return theme.Notices{}, n.TestHook(ctx, form.Get("id"))
	}},
	"resend": {do: func(n *site.Notices, ctx context.Context, _ *session, form url.Values) (theme.Notices, error) {
		return theme.Notices{}, n.Resend(ctx, form.Get("id"), form.Get("delivery"))
	}},
}

// changeHooks does what a form about mails and hooks says.
func (p *pages) changeHooks(w http.ResponseWriter, r *http.Request) { p.changeTold(w, r, hookChanges) }

// hookView is a hook as the page shows it.
func (p *pages) hookView(h site.Hook) theme.Hook {
	one := theme.Hook{ID: h.ID, Address: h.Address, Kinds: h.Kinds, Made: h.Made, Failing: h.Failing}
	for _, d := range h.Deliveries {
		one.Deliveries = append(one.Deliveries, p.deliveryView(d))
	}
	return one
}

func (p *pages) deliveryView(d site.Delivery) theme.Delivery {
	return theme.Delivery{
		ID: d.ID, Kind: d.Kind, At: d.At, State: d.State, Status: d.Status, Error: d.Error, Tried: d.Tried, Due: d.Due,
		Link: p.base.Path + "admin/hooks/" + d.Hook + "/" + d.ID,
	}
}

// delivery shows one delivery of a hook: what it says now, without the secret.
func (p *pages) delivery(w http.ResponseWriter, r *http.Request) {
	owner := p.awaited(w, r, "")
	if owner == nil {
		return
	}
	hook := pathVar(r, "hook")
	d, body, err := p.Notices.Body(r.Context(), hook, pathVar(r, "id"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.fail(w, r, http.StatusNotFound, "")
		return
	case err != nil:
		p.broken(w, r, err)
		return
	}
	p.render(w, r, http.StatusOK, "delivery", theme.DeliveryPage{
		Shell: p.shell(r, owner), Delivery: p.deliveryView(d), Hook: hook, Body: body, Action: p.base.Path + "admin/hooks", Back: p.base.Path + "admin/notices",
	})
}
