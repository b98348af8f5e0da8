package micropub

import (
	"context"
	"maps"
	"net/http"
	"slices"
)

// reader is who asks a question. Any scope will do to see whether the token works;
// for an answer it must be one that lets a client do something.
//
// Spec: micropub#scope-p-1
func (h *Handler) reader(r *http.Request, q string) (Grant, error) {
	c, err := headerCredentials(r)
	if err != nil {
		return Grant{}, err
	}
	g, err := h.authorize(r.Context(), c)
	if err != nil {
		return Grant{}, err
	}
	return g, g.requireAny(q == "")
}

// private are the questions about what the owner has written, drafts with it, and whom they
// know: they take the scope read, or one for posts.
var private = []string{"source", "category", "contact"}

// query answers a GET. Its body, if it has one, is not looked at: clients in use
// put a Content-Type on questions.
//
// Spec: micropub#querying-p-2
func (h *Handler) query(r *http.Request) (answer, error) {
	v := readQuery(r.URL.RawQuery)
	q := v.get("q")
	g, err := h.reader(r, q)
	if err != nil {
		return answer{}, err
	}
	if slices.Contains(private, q) {
		if err := g.require("read"); err != nil {
			return answer{}, err
		}
	}
	ctx := r.Context()
	var body any
	switch q {
	case "":
		body = map[string]any{} // how a client sees that its token works
	case "config":
		body, err = h.config(ctx, g)
	case "source":
		if addresses := v.addresses(); len(addresses) > 0 {
			body, err = h.source(ctx, g, addresses, v.all("properties"))
		} else {
			body, err = h.list(ctx, g, v)
		}
	case "geo":
		body, err = h.geo(ctx, g, v)
	default:
		body, err = h.named(ctx, g, q, v)
	}
	return answer{status: http.StatusOK, body: body}, err
}

// named answers a question whose answer has one key: one of the lists, or else a
// part of the config that was asked for alone (q=visibility).
func (h *Handler) named(ctx context.Context, g Grant, q string, v params) (map[string]any, error) {
	if ask := asks[q]; ask != nil {
		if list, err := ask(h, ctx, g, v); list != nil || err != nil {
			return list, err
		}
	}
	config, err := h.config(ctx, g)
	if err != nil {
		return nil, err
	}
	part, ok := config[q]
	if !ok {
		return nil, invalid("unknown query %q", clip(q))
	}
	return map[string]any{q: part}, nil
}

// config says what this server can do. What follows from the add-on interfaces
// of the backend is not the Configurer's to say.
//
// Spec: micropub#configuration-p-2
// Spec: micropub#configuration-p-7
// Spec: micropub#discovery-p-1
// Spec: micropub#servers-li-7
func (h *Handler) config(ctx context.Context, g Grant) (map[string]any, error) {
	config := map[string]any{}
	if c, ok := h.Backend.(Configurer); ok {
		extra, err := c.Config(ctx, g)
		if err != nil {
			return nil, err
		}
		maps.Copy(config, extra)
	}
	for _, derived := range []string{"q", "media-endpoint", "syndicate-to", "channels", "destination"} {
		delete(config, derived)
	}
	queries := slices.Collect(maps.Keys(config))
	for _, list := range []ask{(*Handler).syndicateTo, (*Handler).channels, (*Handler).destinations, (*Handler).postTypes} {
		part, err := list(h, ctx, g, params{})
		if err != nil {
			return nil, err
		}
		maps.Copy(config, part)
	}
	for _, choice := range []string{"channels", "destination"} {
		if isEmpty(config[choice]) {
			delete(config, choice) // there is nothing to choose from
		}
	}
	if _, ok := h.Backend.(MediaBackend); ok && h.MediaEndpoint != "" {
		config["media-endpoint"] = h.MediaEndpoint
	}
	if types, ok := config["post-types"].([]PostType); ok && config["properties"] == nil {
		if names := propertiesOf(types); len(names) > 0 {
			config["properties"] = names
		}
	}
	config["q"] = h.queries(queries, config["channels"] != nil, config["destination"] != nil)
	return config, nil
}

// isEmpty tells whether a part of the config is a list without anything in it.
func isEmpty(part any) bool {
	switch list := part.(type) {
	case []Channel:
		return len(list) == 0
	case []Destination:
		return len(list) == 0
	}
	return false
}

// queries are the questions that have an answer here, those about keys of the
// Configurer among them.
func (h *Handler) queries(keys []string, channel, destination bool) []string {
	_, category := h.Backend.(Categorizer)
	_, contact := h.Backend.(ContactLister)
	_, geo := h.Backend.(Locator)
	_, types := h.Backend.(PostTyper)
	for q, can := range map[string]bool{
		"category": category, "channel": channel, "contact": contact, "destination": destination, "geo": geo, "post-types": types,
	} {
		if can {
			keys = append(keys, q)
		}
	}
	slices.Sort(keys)
	return append([]string{"config", "source", "syndicate-to"}, slices.Compact(keys)...)
}

// propertiesOf are the properties that any of the kinds of post has, by name.
func propertiesOf(types []PostType) []string {
	var all []string
	for _, t := range types {
		all = append(append(all, t.Properties...), t.Required...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
