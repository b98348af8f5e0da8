package web_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// browser keeps cookies, and follows redirects only when asked to.
type browser struct {
	*world
	client *http.Client
}

func (w *world) visitor() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.Fatal(err)
	}
	client := w.web.Client()
	client.Jar = jar
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{w, client}
}

// owner is a browser in which Ana is signed in.
func (w *world) owner() *browser {
	w.Helper()
	b := w.visitor()
	if a := b.post(w.link(), nil); a.status != http.StatusSeeOther {
		w.Fatalf("sign in: %d %s", a.status, a.body)
	}
	return b
}

// link is a new one-time sign-in link.
func (w *world) link() string {
	w.Helper()
	link, err := w.ana().Access.NewLink(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return link
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) doc(t *testing.T) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// do sends a request; header are names and values in turn.
func (b *browser) do(method, address, body string, header ...string) answer {
	b.Helper()
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		b.Fatalf("%s %s: %v", method, address, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(raw)}
}

func (b *browser) get(address string, header ...string) answer {
	b.Helper()
	return b.do("GET", address, "", header...)
}

// post sends a form as our own page does.
func (b *browser) post(address string, form url.Values, header ...string) answer {
	b.Helper()
	return b.do("POST", address, form.Encode(), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, header...)...)
}

func parse(t *testing.T, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func urls(list []*url.URL) (all []string) {
	for _, u := range list {
		all = append(all, u.String())
	}
	return all
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// find returns the elements called name.
func find(doc *html.Node, name string) (all []*html.Node) {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			all = append(all, n)
		}
	}
	return all
}

// formTo returns the fields of the first form that leads to an action.
func formTo(t *testing.T, a answer, action string) url.Values {
	t.Helper()
	for _, f := range find(a.doc(t), "form") {
		if attr(f, "action") != action || attr(f, "method") != "post" {
			continue
		}
		fields := url.Values{}
		for _, in := range find(f, "input") {
			if attr(in, "type") != "checkbox" || hasAttr(in, "checked") {
				fields.Add(attr(in, "name"), attr(in, "value"))
			}
		}
		for _, menu := range find(f, "select") {
			for _, o := range find(menu, "option") {
				if hasAttr(o, "selected") {
					fields.Add(attr(menu, "name"), attr(o, "value"))
				}
			}
		}
		return fields
	}
	t.Fatalf("no form leads to %q:\n%s", action, a.body)
	return nil
}

func hasAttr(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}

// text is the text of an element, spaces folded.
func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
