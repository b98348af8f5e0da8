package syndicate

import (
	"fmt"
	"net/url"
	"strings"
)

// Prepared is the text of a copy that the owner posts by hand, on a network that programs may not
// post to, and where to post it.
type Prepared struct {
	Network  string // as in PreparedNetworks
	Text     string
	Composer string // opens the network with as much of the text as it takes; empty: it has no such address
}

// outlet is a network without an open door: what it takes, and how its composer is opened. The
// sources of both are in docs/networks.md.
type outlet struct {
	name     string
	rules    Rules
	composer func(p Post, text string) string
}

func outlets() []outlet {
	return []outlet{
		{"x", Rules{Max: 280, Measure: Weighted, LinkSize: 23, BareLinks: true, Tags: 2, Permalink: true},
			func(_ Post, text string) string { return opens("https://x.com/intent/post", "text", text) }},
		{"threads", Rules{Max: 500, Measure: EmojiBytes, Tags: 1, Permalink: true},
			func(_ Post, text string) string {
				return opens("https://www.threads.com/intent/post", "text", text)
			}},
		{"facebook", Rules{Max: 63206, Measure: UTF16, Tags: 5, Permalink: true},
			func(p Post, _ string) string {
				return opens("https://www.facebook.com/sharer/sharer.php", "u", p.Permalink)
			}},
		{"linkedin", Rules{Max: 3000, Measure: UTF16, Tags: 5, Permalink: true},
			func(p Post, _ string) string {
				return opens("https://www.linkedin.com/sharing/share-offsite/", "url", p.Permalink)
			}},
		{"pinterest", Rules{Max: 500, Measure: UTF16, Tags: 5, Permalink: true},
			func(p Post, text string) string {
				return opens("https://www.pinterest.com/pin/create/button/", "url", p.Permalink, "media", firstPhoto(p), "description", text)
			}},
		{"instagram", Rules{Max: 2200, Measure: UTF16, Tags: 5}, nil},
		{"youtube", Rules{Max: 5000, Measure: UTF16, Tags: 5}, nil},
		{"foursquare", Rules{Max: 200, Measure: UTF16}, nil},
	}
}

// PreparedNetworks are the networks that texts are prepared for.
func PreparedNetworks() []string {
	var names []string
	for _, o := range outlets() {
		names = append(names, o.name)
	}
	return names
}

// Prepare fits a post to a network of PreparedNetworks. It asks nobody. The error is
// [ErrUnsupported] for another network and for a post that has nothing to say there.
func Prepare(network string, p Post) (Prepared, error) {
	for _, o := range outlets() {
		if o.name != network {
			continue
		}
		text := Fit(p, o.rules)
		if text.String == "" || !forEverybody(p) {
			return Prepared{}, fmt.Errorf("a post that says nothing here: %w", ErrUnsupported)
		}
		ready := Prepared{Network: network, Text: text.String}
		if o.composer != nil {
			ready.Composer = o.composer(p, text.String)
		}
		return ready, nil
	}
	return Prepared{}, fmt.Errorf("network %q: %w", network, ErrUnsupported)
}

// opens is an address with parameters, those without a value left out. A space is %20, which no
// application takes for a plus.
func opens(address string, parameters ...string) string {
	mark := "?"
	for i := 0; i < len(parameters); i += 2 {
		if parameters[i+1] != "" {
			address += mark + parameters[i] + "=" + strings.ReplaceAll(url.QueryEscape(parameters[i+1]), "+", "%20")
			mark = "&"
		}
	}
	return address
}

func firstPhoto(p Post) string {
	base, err := url.Parse(p.Permalink)
	if err != nil {
		return ""
	}
	for _, photo := range p.Item.URLs("photo") {
		if u, err := base.Parse(photo); err == nil && webAddress(u.String()) != "" {
			return u.String()
		}
	}
	return ""
}
