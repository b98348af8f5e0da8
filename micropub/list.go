package micropub

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"tertulia/mf2"
)

// Lister is a Backend that can list its posts: q=source without a url.
type Lister interface {
	List(ctx context.Context, g Grant, q Query) (List, error)
}

// Query says which posts a client wants listed: those that [Query.Matches] says
// yes to, newest first, drafts and unlisted posts among them.
type Query struct {
	Limit  int    // 1 to 100; 0: the backend's choice
	Offset int    // how many of those that match to skip
	Before string // List.Before of an earlier answer: what came before its first; "" for none
	After  string // List.After of an earlier answer: what comes after its last; "" for none

	OldestFirst bool // the other order

	PostType   string // only this kind, as post type discovery names it; "" for all
	PostStatus string // only this one; "published" for those that do not say; "" for all
	Visibility string // only this one; "public" for those that do not say; "" for all
	Filter     string // only posts that contain it, whatever the case; "" for all

	Exists     []string            // only posts with all of these properties
	NotExists  []string            // and with none of these
	Properties map[string][]string // and with these values among those of each property

	// Values is the query as it was sent, for what is not understood here.
	Values url.Values
}

// List is a page of posts. Every item has a url property. Before and After are
// opaque to the client. Before is never "" on a page that has items, so that a
// client can ask for what is new since; After is "" on the last page.
type List struct {
	Items         []mf2.Item
	Before, After string
}

// Matches tells whether a post is one of those that are asked for. Where it stands
// in the list is the backend's to know.
func (q Query) Matches(it mf2.Item) bool {
	has := func(name string) bool { return len(it.Properties[name]) > 0 }
	switch {
	case q.PostType != "" && q.PostType != it.Kind():
	case q.PostStatus != "" && q.PostStatus != said(it, "post-status", "published"):
	case q.Visibility != "" && q.Visibility != said(it, "visibility", "public"):
	case slices.ContainsFunc(q.NotExists, has):
	case slices.ContainsFunc(q.Exists, func(name string) bool { return !has(name) }):
	case q.Filter != "" && !mentions(it, q.Filter):
	default:
		for name, values := range q.Properties {
			all := append(it.Strings(name), it.URLs(name)...)
			if slices.ContainsFunc(values, func(v string) bool { return !slices.Contains(all, v) }) {
				return false
			}
		}
		return true
	}
	return false
}

// said is what a post says of itself in lower case, or what saying nothing means.
func said(it mf2.Item, name, otherwise string) string {
	if s := strings.ToLower(strings.TrimSpace(it.Get(name))); s != "" {
		return s
	}
	return otherwise
}

// mentions tells whether the words of a post contain the filter.
func mentions(it mf2.Item, filter string) bool {
	for _, name := range []string{"name", "content", "summary", "category"} {
		if contains(it.Strings(name), filter) {
			return true
		}
	}
	return false
}

// contains tells whether one of the words has the part in it, whatever the case.
func contains(words []string, part string) bool {
	part = strings.ToLower(part)
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(strings.ToLower(w), part) })
}

// readList reads which posts a query asks for. What is not understood is ignored,
// but for an order: posts in another one would be mistaken for these.
func readList(v params) (Query, error) {
	q := Query{
		Before: v.get("before"), After: v.get("after"),
		PostType: v.get("post-type"), PostStatus: strings.ToLower(v.get("post-status")), Visibility: strings.ToLower(v.get("visibility")),
		Filter: v.filter(), Exists: v.all("exists"), NotExists: v.all("not-exists"), Values: v.values(),
	}
	switch order := strings.ToLower(v.get("order")); order {
	case "", "desc", "descending":
	case "asc", "ascending", "reverse":
		q.OldestFirst = true
	default:
		return q, invalid("order must be asc or desc")
	}
	for _, p := range v.pairs {
		if name, ok := strings.CutPrefix(p.name, "property-"); ok && p.value != "" {
			name = strings.TrimSuffix(name, "[]")
			if q.Properties == nil {
				q.Properties = map[string][]string{}
			}
			q.Properties[name] = append(q.Properties[name], p.value)
		}
	}
	var err error
	q.Limit, q.Offset, err = v.page()
	q.Limit = min(q.Limit, maxPage)
	return q, err
}

// maxPage is how many posts or files an answer has at most.
const maxPage = 100

// list answers q=source without a url, a page at a time. An empty page has
// neither a before nor an after.
func (h *Handler) list(ctx context.Context, g Grant, v params) (any, error) {
	l, ok := h.Backend.(Lister)
	if !ok {
		return nil, invalid("q=source needs a url")
	}
	q, err := readList(v)
	if err != nil {
		return nil, err
	}
	listed, err := l.List(ctx, g, q)
	if err != nil {
		return nil, err
	}
	names := v.all("properties")
	items := make([]mf2.Item, len(listed.Items))
	for i, it := range listed.Items {
		if len(names) > 0 {
			it.Properties = only(it.Properties, append(slices.Clone(names), "url"))
		}
		items[i] = whole(it)
	}
	paging := map[string]string{}
	for key, cursor := range map[string]string{"before": listed.Before, "after": listed.After} {
		if cursor != "" && len(items) > 0 {
			paging[key] = cursor
		}
	}
	return map[string]any{"items": items, "paging": paging}, nil
}
