package publish

import (
	"fmt"
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

// The stylesheet shows a photo as wide as the text and no higher than this, and leaves a
// margin on both sides of a narrow screen, all in rem.
const (
	photoWidth  = 38.0
	photoHeight = 42
	photoMargin = 2.5

	rem = 16 // pixels, unless the reader wants another
)

// Wide and High are the place that a photo takes on the page where there is room, in
// pixels; 0 where nothing is known.
func (p picture) Wide() int {
	if p.Height <= photoHeight*rem {
		return p.Width
	}
	return max(1, (p.Width*photoHeight*rem+p.Height/2)/p.Height)
}

// High is described with Wide.
func (p picture) High() int { return min(p.Height, photoHeight*rem) }

// Set is what a browser can choose from, by width: the smaller copies of a photo and the
// photo. It is "" where there are none.
func (p picture) Set() string {
	if len(p.Smaller) == 0 || p.Width < 1 || p.Height < 1 {
		return ""
	}
	var set strings.Builder
	for _, s := range p.Smaller {
		fmt.Fprintf(&set, "%s %dw, ", s.URL, s.Width)
	}
	fmt.Fprintf(&set, "%s %dw", p.URL, p.Width)
	return set.String()
}

// Sizes is how wide the stylesheet shows a photo that has a Set.
func (p picture) Sizes() string {
	w, h := float64(p.Width), float64(p.Height)
	wide := min(photoWidth, photoHeight*w/h, w/rem)
	return fmt.Sprintf("(min-width: %.4grem) %.4grem, calc(100vw - %grem)", wide+photoMargin, wide, photoMargin)
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
