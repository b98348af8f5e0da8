package publish

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// links resolves addresses and keeps those that a browser may follow.
func links(base *url.URL, urls []string) []string {
	var all []string
	for _, u := range urls {
		if u = link(base, u); u != "" {
			all = append(all, u)
		}
	}
	return all
}

// link is u as an absolute http(s) address, or empty. Without a base, only an
// absolute one is.
func link(base *url.URL, u string) string {
	parsed, err := url.Parse(strings.TrimSpace(u))
	if err != nil || parsed.Scheme == "" && (base == nil || parsed.Host == "" && !strings.HasPrefix(parsed.Path, "/")) {
		return ""
	}
	if base != nil {
		parsed = base.ResolveReference(parsed)
	}
	if parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return ""
	}
	return parsed.String()
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// hostOf is the host of an address as it is shown to people.
func hostOf(u string) string {
	parsed, err := url.Parse(u)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(parsed.Host, "www.")
}

// shortURL is an address as it is shown to people: without scheme, and not too long.
func shortURL(u string) string {
	short := strings.TrimPrefix(strings.TrimPrefix(u, "https://"), "http://")
	if cut := []rune(strings.TrimSuffix(short, "/")); len(cut) > maxHeading {
		return string(cut[:maxHeading]) + "…"
	}
	return strings.TrimSuffix(short, "/")
}

// shorten cuts text to n runes, at a space if there is one near, and reports
// whether it cut anything.
func shorten(s string, n int) (string, bool) {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= n {
		return s, false
	}
	s = string([]rune(s)[:n])
	if i := strings.LastIndexByte(s, ' '); i > len(s)/2 {
		s = s[:i]
	}
	return strings.TrimRight(s, " ,;:.") + "…", true
}

// plainText is the text of safe HTML with the blocks apart.
func plainText(s string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return strings.Join(strings.Fields(b.String()), " ")
		case html.TextToken:
			b.Write(z.Text())
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			if name, _ := z.TagName(); breaks[string(name)] {
				b.WriteByte(' ')
			}
		}
	}
}

// breaks are the elements that stand apart from the text around them.
var breaks = map[string]bool{"p": true, "br": true, "div": true, "li": true, "ul": true, "ol": true,
	"blockquote": true, "pre": true, "h1": true, "h2": true, "h3": true, "h4": true, "h5": true, "h6": true,
	"td": true, "tr": true, "figure": true, "figcaption": true, "hr": true}
