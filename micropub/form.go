package micropub

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"tertulia/mf2"
)

// request is a decoded POST.
type request struct {
	tokens []string // every access_token that is not empty
	action string   // "" for create, or "update", "delete", "undelete"
	url    string   // of the post that an action is about
	create Create
	update Update
}

// pair is one field of a form: its name with its brackets, and its value.
type pair struct{ name, value string }

// parsePairs reads application/x-www-form-urlencoded in its order. Empty fields
// (a trailing "&") are skipped, a semicolon is a character like any other.
func parsePairs(raw string, limit int) ([]pair, error) {
	var pairs []pair
	for field := range strings.SplitSeq(raw, "&") {
		if field == "" {
			continue
		}
		if len(pairs) == limit {
			return pairs, tooLarge("more than %d fields", limit)
		}
		name, value, _ := strings.Cut(field, "=")
		name, err := url.QueryUnescape(name)
		if err != nil {
			return pairs, invalid("the form has a bad %%-escape")
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return pairs, invalid("the form has a bad %%-escape")
		}
		pairs = append(pairs, pair{name, value})
	}
	return pairs, nil
}

// formTokens are the tokens among the fields.
func formTokens(pairs []pair) []string {
	var tokens []string
	for _, p := range pairs {
		if base, _, _ := strings.Cut(p.name, "["); base == accessToken && p.value != "" {
			tokens = append(tokens, p.value)
		}
	}
	return tokens
}

func (h *Handler) decodeForm(body []byte) (request, error) {
	pairs, err := parsePairs(string(body), h.maxParts())
	if err != nil {
		return request{tokens: formTokens(pairs)}, err
	}
	return readForm(pairs)
}

// readForm turns the fields of a form into a request.
//
//   - name=v, name[]=v and name[0]=v are values of the property name;
//   - name[key]=v and deeper brackets make objects, as PHP and Rails clients send them;
//   - a field without a value is as good as absent, so that an empty title makes
//     no article; only among photo[] and mp-photo-alt[] it keeps its place, so that
//     the n-th text stays with the n-th photo;
//   - names that differ only in case contradict each other, as they do in JSON;
//   - url is the post an action is about, and without an action a property.
//
// Spec: micropub#servers-li-3
// Spec: micropub#form-encoded-and-multipart-requests-p-1
// Spec: micropub#reserved-properties-li-1
// Spec: micropub#create-p-9
func readForm(pairs []pair) (request, error) {
	req := request{tokens: formTokens(pairs)}
	single := map[string]string{} // h and action
	fields, names := map[string]*node{}, spellings{}
	for _, p := range pairs {
		if !utf8.ValidString(p.name) || !utf8.ValidString(p.value) {
			return req, invalid("the form is not UTF-8")
		}
		name, path, err := splitName(p.name)
		if err != nil {
			return req, err
		}
		switch name {
		case accessToken:
			continue
		case "h", "action":
			if _, twice := single[name]; twice || path != nil {
				return req, invalid("%s must be given once", name)
			}
			single[name] = p.value
			continue
		}
		if p.value == "" && name != photoAlt && name != "photo" {
			continue
		}
		if fields[name] == nil {
			if names.clash(name) {
				return req, invalid("two fields differ only in the case of their names")
			}
			fields[name] = &node{}
		}
		if err := fields[name].put(propertyPath(path), p.value); err != nil {
			return req, err
		}
	}

	properties := make(map[string][]any, len(fields))
	for name, n := range fields {
		properties[name] = n.values()
		if name == "photo" || name == photoAlt {
			properties[name] = n.places()
		}
	}
	if action, ok := single["action"]; ok {
		return req.act(action, properties["url"])
	}
	typ := "h-entry"
	if h := single["h"]; h != "" {
		typ = "h-" + strings.TrimPrefix(h, "h-")
	}
	var err error
	req.create, err = newCreate(mf2.Item{Type: []string{typ}, Properties: properties})
	return req, err
}

// act makes the request a form's action: all but update, which only JSON can say.
//
// Spec: micropub#reserved-properties-li-3
func (req request) act(action string, urls []any) (request, error) {
	req.action = action
	switch action {
	case "delete", "undelete":
	case "update":
		return req, invalid("an update must be sent as JSON")
	default:
		return req, invalid("unknown action %q", action)
	}
	if len(urls) != 1 {
		return req, invalid("the action needs one url")
	}
	var err error
	req.url, err = postURL(urls[0])
	return req, err
}

// postURL checks the address of a post that a client names.
func postURL(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", invalid("url must be a string")
	}
	if len(s) > maxURL {
		return "", invalid("url is longer than %d bytes", maxURL)
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", invalid("url must be an absolute http or https address")
	}
	return s, nil
}

// maxURL is how many bytes the address of a post may have.
const maxURL = 2048

// maxBrackets is how many [pairs] a name may have.
const maxBrackets = 16

// splitName splits checkin[properties][name][] into "checkin" and its path
// {"properties", "name", ""}.
func splitName(full string) (name string, path []string, err error) {
	name, rest, nested := strings.Cut(full, "[")
	if err := checkName(name); err != nil {
		return "", nil, err
	}
	for nested {
		key, after, ok := strings.Cut(rest, "]")
		if !ok || strings.Contains(key, "[") || len(path) == maxBrackets || after != "" && after[0] != '[' {
			return "", nil, invalid("the field %q has brackets that cannot be read", clip(full))
		}
		if strings.EqualFold(key, accessToken) {
			return "", nil, invalid("access_token inside a property")
		}
		path = append(path, key)
		nested = after != ""
		rest = strings.TrimPrefix(after, "[")
	}
	return name, path, nil
}
