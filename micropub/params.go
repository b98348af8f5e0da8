package micropub

import (
	"net/url"
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

// filter is what the entries of a list must contain, "" for anything. It was once
// called search.
func (v params) filter() string {
	if filter := v.get("filter"); filter != "" {
		return filter
	}
	return v.get("search")
}

// page is how many entries of a list are wanted, 0 for no number, and how many
// are to be skipped.
func (v params) page() (limit, offset int, err error) {
	for name, n := range map[string]*int{"limit": &limit, "offset": &offset} {
		if s := v.get(name); s != "" {
			if *n, err = strconv.Atoi(s); err != nil || *n < 0 {
				return 0, 0, invalid("%s must be a number", name)
			}
		}
	}
	return limit, offset, nil
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
