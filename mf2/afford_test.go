package mf2_test

import (
	"net/url"
	"strings"
	"testing"

	"tertulia/mf2"
)

// HOSTILE 17, 20: a page that parsing would make very large of is read from its beginning,
// and says so; a page that only has a lot of tags is not.
func TestParseIsBoundedInNodes(t *testing.T) {
	begin := `<div class="h-entry"><a class="u-in-reply-to" href="https://ana.example/">re</a><p class="e-content">Hi</p></div>`
	for name, c := range map[string]struct {
		flood string
		cut   bool
	}{
		"reopened":  {strings.Repeat("<b>", 400) + strings.Repeat("<p>", 20_000), true},
		"named":     {strings.Repeat("<i id=x>", 100) + strings.Repeat("<p>x", 5_000), true},
		"breaks":    {strings.Repeat("<br>", 200_000), true},
		"a big one": {strings.Repeat("<p>One <b>two</b> <i>three</i> <a href=/>four</a>.</p>\n", 1_500), false},
	} {
		page, doc, err := mf2.Parse(strings.NewReader(begin+c.flood), "text/html", &url.URL{Scheme: "https", Host: "bea.example", Path: "/1"})
		if err != nil || page.Cut != c.cut {
			t.Errorf("%s: cut is %t, error %v, want %t", name, page.Cut, err, c.cut)
			continue
		}
		nodes := 0
		for range doc.Descendants() {
			nodes++
		}
		entry, _ := page.Entry()
		if nodes > 41_000 || entry.Get("in-reply-to") != "https://ana.example/" {
			t.Errorf("%s: %d nodes, in reply to %q", name, nodes, entry.Get("in-reply-to"))
		}
	}
}

// What looks closed and is not costs as much as it does.
func TestParseIsNotTalkedIntoALargeTree(t *testing.T) {
	for name, opener := range map[string]string{
		"closed in a comment":        `<b x=1><!--</b>-->`,
		"closed in an attribute":     `<b x=1><i title="</b>">`,
		"another name":               `<b x=1></bold>`,
		"closed in a script":         `<b x=1><script></b></script>`,
		"upper case":                 `<B x=1>`,
		"a slash that means nothing": `<b x=1/>`,
	} {
		page := strings.Repeat(opener, 400) + strings.Repeat("<p>x", 10_000)
		_, doc, err := mf2.Parse(strings.NewReader(page), "text/html", nil)
		nodes := 0
		if err == nil {
			for range doc.Descendants() {
				nodes++
			}
		}
		if nodes > 42_000 {
			t.Errorf("%s: %d nodes", name, nodes)
		}
	}
}
