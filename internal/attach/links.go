package attach

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// Link is one address that a page names for something.
type Link struct {
	Rel    string // in lower case
	URL    string // absolute
	Header bool   // it stands in a Link header, and not in a link element
	Shared bool   // its rel has other values beside this one
	Late   bool   // in a header: rel is not the first parameter, or a comma stands in the address
}

// Problem is what keeps some client from finding an endpoint.
type Problem struct {
	What string // one of the constants
	Rel  string
	Seen string // the address that was found instead, or what there is
}

// What can be wrong with the rels of a home page.
const (
	Missing = "missing" // nobody finds it
	Other   = "other"   // the first one that is found leads elsewhere
	Late    = "late"    // naive parsers of the Link header do not see it (SPECS CL-22, CL-35)
	Shared  = "shared"  // clients that compare rel attributes as a whole do not see it (SPECS CL-13)
	Unequal = "unequal" // HEAD does not say in its headers what GET does (SPECS CL-1)
)

// Problems compares the rels that a home page names with those that it should: rel →
// address. Those in optional may be missing.
func (h Home) Problems(want map[string]string, optional ...string) []Problem {
	var found []Problem
	names := make([]string, 0, len(want))
	for rel := range want {
		names = append(names, rel)
	}
	slices.Sort(names)
	for _, rel := range names {
		is := func(l Link) bool { return l.Rel == rel }
		i := slices.IndexFunc(h.Links, is)
		if i < 0 {
			if !slices.Contains(optional, rel) {
				found = append(found, Problem{Missing, rel, ""})
			}
			continue
		}
		first := h.Links[i]
		if !same(first.URL, want[rel]) {
			found = append(found, Problem{Other, rel, first.URL})
			continue
		}
		// One that every client reads is enough, wherever it stands.
		good := func(l Link) bool { return is(l) && !l.Late && !l.Shared && same(l.URL, want[rel]) }
		switch {
		case slices.ContainsFunc(h.Links, good):
		case first.Late:
			found = append(found, Problem{Late, rel, first.URL})
		default:
			found = append(found, Problem{Shared, rel, first.URL})
		}
		if h.HeadErr == nil && first.Header && !slices.ContainsFunc(h.Head, is) {
			found = append(found, Problem{Unequal, rel, ""})
		}
	}
	return found
}

// same compares addresses as written, but for what an empty path is written as.
func same(a, b string) bool {
	return a == b || strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}

// maxLinks bounds what a page may name.
const maxLinks = 1000

// headerLinks reads the Link headers of an answer (RFC 8288).
func headerLinks(h http.Header, base *url.URL) []Link {
	var links []Link
	for _, value := range h.Values("Link") {
		for rest := value; len(links) < maxLinks; {
			var one string
			if one, rest = cutLink(rest); one == "" && rest == "" {
				break
			}
			links = append(links, headerLink(one, base)...)
		}
	}
	return links
}

// cutLink cuts the first link off a Link header: commas in an address or in quotes do
// not end it.
func cutLink(s string) (link, rest string) {
	in := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case in == '"' && c == '\\':
			i++
		case in == '<' && c == '>', in == '"' && c == '"':
			in = 0
		case in == 0 && (c == '<' || c == '"'):
			in = c
		case in == 0 && c == ',':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// headerLink reads <address>; rel="a b"; other="…".
func headerLink(s string, base *url.URL) []Link {
	s, ok := strings.CutPrefix(strings.TrimSpace(s), "<")
	address, params, closed := strings.Cut(s, ">")
	if !ok || !closed {
		return nil
	}
	late := strings.Contains(address, ",")
	first := true
	for params = strings.TrimSpace(params); params != ""; {
		var param string
		param, params = cutParam(params)
		name, value, _ := strings.Cut(param, "=")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if strings.EqualFold(name, "rel") {
			value = strings.Trim(strings.TrimSpace(value), `"`)
			return linksOf(value, address, base, Link{Header: true, Late: late || !first})
		}
		first = false
	}
	return nil
}

// cutParam cuts the first parameter off the rest of a link.
func cutParam(s string) (param, rest string) {
	s = strings.TrimLeft(s, "; \t")
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// linksOf makes a Link of each value of a rel.
func linksOf(rels, address string, base *url.URL, like Link) []Link {
	u, err := base.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil
	}
	var links []Link
	names := strings.Fields(strings.ToLower(rels))
	for _, rel := range names {
		like.Rel, like.URL, like.Shared = rel, u.String(), len(names) > 1
		links = append(links, like)
	}
	return links
}

// elementLinks reads the link elements of a page.
func elementLinks(doc *html.Node, base *url.URL) []Link {
	var links []Link
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode || n.Namespace != "" || len(links) > maxLinks {
			continue
		}
		switch n.Data {
		case "base":
			if u, err := base.Parse(attribute(n, "href")); err == nil && attribute(n, "href") != "" {
				base = u
			}
		case "link":
			links = append(links, linksOf(attribute(n, "rel"), attribute(n, "href"), base, Link{})...)
		}
	}
	return links
}
