package web_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// inert fails when a page has anything that runs, loads from elsewhere or leads to
// an address that is none (HOSTILE 29, 30; the DOM oracle of the harness).
func inert(t *testing.T, name, body string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" && strings.HasPrefix(attr(n, "src"), "/-/admin.js?v=") && n.FirstChild == nil {
			continue // the page's own
		}
		if slices.Contains([]string{"script", "iframe", "object", "embed", "base", "svg", "math", "template", "style"}, n.Data) {
			t.Errorf("%s: there is a <%s>:\n%s", name, n.Data, body)
		}
		for _, a := range n.Attr {
			if problem := active(n, a); problem != "" {
				t.Errorf("%s: <%s %s=%q> %s\n%s", name, n.Data, a.Key, a.Val, problem, body)
			}
		}
	}
}

// active says what is wrong with an attribute, "" for nothing.
func active(n *html.Node, a html.Attribute) string {
	switch {
	case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc", a.Key == "formaction":
		return "is not ours"
	case !slices.Contains([]string{"href", "src", "action", "cite", "poster", "data", "srcset"}, a.Key):
		return ""
	}
	u, err := url.Parse(a.Val)
	switch {
	case err != nil:
		return fmt.Sprint("is no address: ", err)
	case u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "mailto":
		return "has a scheme that runs"
	case n.Data != "a" && u.Host != "" && u.Host != "ana.example":
		return "goes to another host"
	case n.Data == "a" && u.Host == "" && strings.HasPrefix(a.Val, "//"):
		return "goes to another host"
	}
	return ""
}
