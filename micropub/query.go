package micropub

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// params are the parameters of a query, in their order, decoded.
type params struct {
	raw   string
	pairs []pair
}

// readQuery decodes a query string and forgives what it can: an escape that is
// none stands for itself.
func readQuery(raw string) params {
	unescape := func(s string) string {
		if decoded, err := url.QueryUnescape(s); err == nil {
			return decoded
		}
		return s
	}
	v := params{raw: raw}
	for field := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(field, "=")
		v.pairs = append(v.pairs, pair{unescape(name), unescape(value)})
	}
	return v
}

// get is the first value of name.
func (v params) get(name string) string {
	for _, p := range v.pairs {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

// all are the values of name, name[] and name[0].
func (v params) all(name string) []string {
	var all []string
	for _, p := range v.pairs {
		base, brackets, _ := strings.Cut(p.name, "[")
		if base == name && p.value != "" && (brackets == "" || isIndex(strings.TrimSuffix(brackets, "]"))) {
			all = append(all, p.value)
		}
	}
	return all
}

// page is the limit, 0 to 100, and the offset.
func (v params) page() (limit, offset int, err error) {
	for name, n := range map[string]*int{"limit": &limit, "offset": &offset} {
		if s := v.get(name); s != "" {
			if *n, err = strconv.Atoi(s); err != nil || *n < 0 {
				return 0, 0, invalid("%s must be a number", name)
			}
		}
	}
	return min(limit, 100), offset, nil
}

// values is the query for a Lister, without a token that is in it by mistake.
func (v params) values() url.Values {
	values := url.Values{}
	for _, p := range v.pairs {
		if p.name != "" && !strings.EqualFold(p.name, accessToken) {
			values.Add(p.name, p.value)
		}
	}
	return values
}

// reader is who asks a question. Any scope will do, but there must be one.
//
// Spec: micropub#scope-p-1
func (h *Handler) reader(r *http.Request) (Grant, error) {
	c, err := headerCredentials(r)
	if err != nil {
		return Grant{}, err
	}
	g, err := h.authorize(r.Context(), c)
	if err != nil {
		return Grant{}, err
	}
	return g, g.requireAny()
}

// query answers a GET. Its body, which some clients' Content-Type promises, is
// never read.
//
// Spec: micropub#querying-p-2
func (h *Handler) query(r *http.Request) (answer, error) {
	g, err := h.reader(r)
	if err != nil {
		return answer{}, err
	}
	v := readQuery(r.URL.RawQuery)
	var body any
	switch q := v.get("q"); q {
	case "":
		body = map[string]any{} // how a client sees that its token works
	case "config":
		body, err = h.config(r.Context(), g)
	case "syndicate-to":
		body, err = h.syndicateTo(r.Context(), v.get("post-type"))
	case "source":
		if addresses := v.addresses(); len(addresses) > 0 {
			body, err = h.source(r.Context(), g, addresses, v.all("properties"))
		} else {
			body, err = h.list(r.Context(), g, v)
		}
	case "category":
		body, err = h.categories(r.Context(), v)
	case "channel":
		body, err = h.channels(r.Context())
	default:
		body, err = h.configured(r.Context(), g, q)
	}
	return answer{status: http.StatusOK, body: body}, err
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
	for _, derived := range []string{"q", "media-endpoint", "syndicate-to", "channels"} {
		delete(config, derived)
	}
	queries := append([]string{"config", "source", "syndicate-to"}, slices.Sorted(maps.Keys(config))...)
	targets, err := h.syndicateTo(ctx, "")
	if err != nil {
		return nil, err
	}
	maps.Copy(config, targets)
	if _, ok := h.Backend.(MediaBackend); ok && h.MediaEndpoint != "" {
		config["media-endpoint"] = h.MediaEndpoint
	}
	if _, ok := h.Backend.(Categorizer); ok {
		queries = append(queries, "category")
	}
	if _, ok := h.Backend.(Channeler); ok {
		queries = append(queries, "channel")
		channels, err := h.channels(ctx)
		if err != nil {
			return nil, err
		}
		maps.Copy(config, channels)
	}
	config["q"] = queries
	return config, nil
}

// configured answers q=post-types and the like with that part of the config.
func (h *Handler) configured(ctx context.Context, g Grant, q string) (map[string]any, error) {
	if c, ok := h.Backend.(Configurer); ok {
		config, err := c.Config(ctx, g)
		if err != nil {
			return nil, err
		}
		if part, ok := config[q]; ok {
			return map[string]any{q: part}, nil
		}
	}
	return nil, invalid("unknown query %q", clip(q))
}

// syndicateTo lists the targets that take the kind of post, "" for all of them.
//
// Spec: micropub#syndication-targets-p-4
// Spec: micropub#syndication-targets-p-5
func (h *Handler) syndicateTo(ctx context.Context, postType string) (map[string]any, error) {
	targets := []Target{}
	if s, ok := h.Backend.(Syndicator); ok {
		all, err := s.SyndicateTo(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range all {
			if postType == "" || t.PostTypes == nil || slices.Contains(t.PostTypes, postType) {
				targets = append(targets, t)
			}
		}
	}
	return map[string]any{"syndicate-to": targets}, nil
}

func (h *Handler) categories(ctx context.Context, v params) (map[string]any, error) {
	c, ok := h.Backend.(Categorizer)
	if !ok {
		return nil, invalid("unknown query %q", "category")
	}
	filter := v.get("filter")
	if filter == "" {
		filter = v.get("search") // its older name
	}
	categories, err := c.Categories(ctx, filter)
	return map[string]any{"categories": append([]string{}, categories...)}, err
}

func (h *Handler) channels(ctx context.Context) (map[string]any, error) {
	c, ok := h.Backend.(Channeler)
	if !ok {
		return nil, invalid("unknown query %q", "channel")
	}
	channels, err := c.Channels(ctx)
	return map[string]any{"channels": append([]Channel{}, channels...)}, err
}
