package micropub

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"tertulia/mf2"
)

// addresses are what the url parameter may mean. Clients in use send it without
// percent-encoding, and its own "&" and "+" are lost in the decoding; the second
// address is the one that such a client means.
func (v params) addresses() []string {
	decoded := v.get("url")
	if decoded == "" {
		return nil
	}
	_, verbatim, _ := strings.Cut("&"+v.raw, "&url=")
	for _, next := range []string{"&q=", "&properties"} {
		verbatim, _, _ = strings.Cut(verbatim, next)
	}
	if !strings.Contains(verbatim, "://") || verbatim == decoded {
		return []string{decoded}
	}
	return []string{decoded, verbatim}
}

// source answers with a post, or with those of its properties that were asked for.
//
// Spec: micropub#source-content-p-2
// Spec: micropub#source-content-p-4
// Spec: micropub#source-content-p-9
func (h *Handler) source(ctx context.Context, g Grant, addresses, names []string) (any, error) {
	it, err := h.find(ctx, g, addresses)
	if err != nil {
		return nil, err
	}
	if len(names) > 0 {
		return map[string]any{"properties": only(it.Properties, names)}, nil
	}
	return whole(it), nil
}

// find is the post at the first address that has one.
func (h *Handler) find(ctx context.Context, g Grant, addresses []string) (it mf2.Item, err error) {
	for _, address := range addresses {
		if _, err = postURL(address); err != nil {
			return mf2.Item{}, err
		}
		if it, err = h.Backend.Source(ctx, g, address); !errors.Is(err, fs.ErrNotExist) {
			return it, err
		}
	}
	return mf2.Item{}, err
}

// whole is an item that has its two keys in JSON whatever it holds.
func whole(it mf2.Item) mf2.Item {
	if it.Type == nil {
		it.Type = []string{"h-entry"}
	}
	if it.Properties == nil {
		it.Properties = map[string][]any{}
	}
	return it
}

// only is the part of the properties that is named.
func only(properties map[string][]any, names []string) map[string][]any {
	part := map[string][]any{}
	for _, name := range names {
		if values, ok := properties[name]; ok {
			part[name] = values
		}
	}
	return part
}
