package indieauth

import (
	"net/http"
	"slices"
	"strings"
)

// headerLinks returns the targets of the Link headers that have the rel, in
// order and as they are written. What does not look like a link is skipped.
// (RFC 8288, section 3; a link has one rel parameter, the first.)
func headerLinks(header http.Header, rel string) []string {
	var links []string
	for _, value := range header.Values("Link") {
		for {
			target, params, rest, ok := cutLink(value)
			if !ok {
				break
			}
			if slices.Contains(strings.Fields(strings.ToLower(firstRel(params))), rel) {
				links = append(links, target)
			}
			value = rest
		}
	}
	return links
}

// cutLink takes the first <target>; params off a header's value.
func cutLink(value string) (target, params, rest string, ok bool) {
	_, value, ok = strings.Cut(value, "<")
	if !ok {
		return "", "", "", false
	}
	target, value, ok = strings.Cut(value, ">")
	if !ok {
		return "", "", "", false
	}
	params, rest = cutOutside(value, ',')
	return strings.TrimSpace(target), params, rest, true
}

// firstRel returns the value of the first rel parameter.
func firstRel(params string) string {
	for params != "" {
		var param string
		param, params = cutOutside(params, ';')
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// cutOutside cuts s at the first separator that is not within quotes.
func cutOutside(s string, separator byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == separator && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
