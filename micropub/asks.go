package micropub

import (
	"context"
	"slices"
)

// ask is a question with a list for an answer, one that fits in one answer whole:
// an object with one key, or nil when the backend has no such list.
type ask func(h *Handler, ctx context.Context, g Grant, v params) (map[string]any, error)

// asks are those questions by their q.
var asks = map[string]ask{
	"syndicate-to": (*Handler).syndicateTo,
	"category":     (*Handler).categories,
	"channel":      (*Handler).channels,
	"contact":      (*Handler).contacts,
	"destination":  (*Handler).destinations,
	"post-types":   (*Handler).postTypes,
}

// syndicateTo lists the targets that take the kind of post, "" for all of them. A
// backend without any has an empty list.
//
// Spec: micropub#syndication-targets-p-4
// Spec: micropub#syndication-targets-p-5
func (h *Handler) syndicateTo(ctx context.Context, _ Grant, v params) (map[string]any, error) {
	var all []Target
	if s, ok := h.Backend.(Syndicator); ok {
		var err error
		if all, err = s.SyndicateTo(ctx); err != nil {
			return nil, err
		}
	}
	var takers []Target
	postType := v.get("post-type")
	for _, t := range all {
		if postType == "" || t.PostTypes == nil || slices.Contains(t.PostTypes, postType) {
			takers = append(takers, t)
		}
	}
	return narrow(v, "syndicate-to", takers, func(t Target) []string { return []string{t.UID, t.Name} })
}

func (h *Handler) categories(ctx context.Context, _ Grant, v params) (map[string]any, error) {
	c, ok := h.Backend.(Categorizer)
	if !ok {
		return nil, nil
	}
	categories, err := c.Categories(ctx, v.filter())
	if err != nil {
		return nil, err
	}
	return narrow(v, "categories", categories, func(s string) []string { return []string{s} })
}

func (h *Handler) channels(ctx context.Context, _ Grant, v params) (map[string]any, error) {
	c, ok := h.Backend.(Channeler)
	if !ok {
		return nil, nil
	}
	channels, err := c.Channels(ctx)
	if err != nil {
		return nil, err
	}
	return narrow(v, "channels", channels, func(c Channel) []string { return []string{c.UID, c.Name} })
}

func (h *Handler) destinations(ctx context.Context, _ Grant, v params) (map[string]any, error) {
	d, ok := h.Backend.(DestinationLister)
	if !ok {
		return nil, nil
	}
	destinations, err := d.Destinations(ctx)
	if err != nil {
		return nil, err
	}
	return narrow(v, "destination", destinations, func(d Destination) []string { return []string{d.UID, d.Name} })
}

func (h *Handler) postTypes(ctx context.Context, _ Grant, v params) (map[string]any, error) {
	p, ok := h.Backend.(PostTyper)
	if !ok {
		return nil, nil
	}
	types, err := p.PostTypes(ctx)
	if err != nil {
		return nil, err
	}
	return narrow(v, "post-types", types, func(t PostType) []string { return []string{t.Type, t.Name} })
}

func (h *Handler) contacts(ctx context.Context, g Grant, v params) (map[string]any, error) {
	c, ok := h.Backend.(ContactLister)
	if !ok {
		return nil, nil
	}
	contacts, err := c.Contacts(ctx, g)
	if err != nil {
		return nil, err
	}
	return narrow(v, "contacts", contacts, func(c Contact) []string { return []string{c.Name, c.Nickname, c.URL} })
}

// narrow answers with the part of a list that is asked for: the entries that have
// the filter in one of their words, after the offset, up to the limit.
func narrow[T any](v params, key string, all []T, words func(T) []string) (map[string]any, error) {
	limit, offset, err := v.page()
	if err != nil {
		return nil, err
	}
	part := []T{} // [] in JSON, and never null
	for _, entry := range all {
		if filter := v.filter(); filter == "" || contains(words(entry), filter) {
			part = append(part, entry)
		}
	}
	part = part[min(offset, len(part)):]
	if limit > 0 {
		part = part[:min(limit, len(part))]
	}
	return map[string]any{key: part}, nil
}
