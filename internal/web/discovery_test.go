package web_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// endpoints is what every page of Ana's site must lead to.
var endpoints = map[string]string{
	"authorization_endpoint": "https://ana.example/-/auth",
	"token_endpoint":         "https://ana.example/-/token",
	"indieauth-metadata":     "https://ana.example/-/metadata",
	"micropub":               "https://ana.example/-/micropub",
	"micropub_media":         "https://ana.example/-/media",
	"webmention":             "https://ana.example/-/webmention",
}

// naive reads Link headers as Indigenous does: split at every comma, then at every
// semicolon; the second piece must be rel (SPECS CL-22).
func naive(header string) map[string]string {
	found := map[string]string{}
	for value := range strings.SplitSeq(header, ",") {
		pieces := strings.Split(value, ";")
		target := strings.TrimSpace(pieces[0])
		rel := strings.Trim(strings.TrimPrefix(strings.TrimSpace(pieces[1]), "rel="), `"`)
		found[rel] = strings.Trim(target, "<>")
	}
	return found
}

// exactLinks reads the <link> elements whose rel is one word, as Micropublish does
// (SPECS CL-13).
func exactLinks(doc *html.Node) map[string]string {
	found := map[string]string{}
	for _, n := range find(doc, "link") {
		if rel := attr(n, "rel"); endpoints[rel] != "" {
			found[rel] = attr(n, "href")
		}
	}
	return found
}

// What clients look for stands in the headers of every page, on GET and HEAD, and
// in the pages themselves, so that each parser finds all of it (SPECS CL-1, CL-13,
// CL-22, CL-35, MP-26).
func TestPagesLeadToTheEndpoints(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.write("photo.txt", "no page")
		settle() // the archive is written after the post
		b := w.visitor()
		for _, address := range []string{"https://ana.example/", "https://ana.example", post, post + "?utm_source=x", post[:len("https://ana.example/2000/01/")], "https://ana.example/photo.txt"} {
			for _, method := range []string{"HEAD", "GET"} {
				a := b.do(method, address, "", "User-Agent", "Mozilla/5.0 (Macintosh) Chrome/61.0 indieauth-client/1.1.4")
				if a.status != 200 {
					t.Fatalf("%s %s: got %d", method, address, a.status)
				}
				joined := strings.Join(a.header.Values("Link"), ", ")
				if diff := cmp.Diff(endpoints, naive(joined)); diff != "" {
					t.Errorf("%s %s: Link header (-want +got):\n%s", method, address, diff)
				}
				// CL-35: the regular expression of mention-client-php and Telegraph.
				m := regexp.MustCompile(`<((?:https?://)?[^>]+)>; rel="?(?:https?://webmention.org/?|webmention)"?`).FindStringSubmatch(joined)
				if m == nil || m[1] != endpoints["webmention"] {
					t.Errorf("%s %s: the regular expression finds %q in %s", method, address, m, joined)
				}
				if method == "GET" && !strings.HasSuffix(address, ".txt") {
					if diff := cmp.Diff(endpoints, exactLinks(a.doc(t))); diff != "" {
						t.Errorf("%s: <link> elements (-want +got):\n%s", address, diff)
					}
				}
			}
		}
		// CL-14, CL-22: authorization URLs are made by appending a query.
		if strings.Contains(endpoints["authorization_endpoint"], "?") {
			t.Error("the authorization endpoint has a query")
		}
	})
}

// The endpoints that pages lead to are those that the metadata name, and each is there.
func TestMetadataAgreeWithThePages(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		b := w.visitor()
		a := b.get(endpoints["indieauth-metadata"])
		for _, want := range []string{`"issuer":"https://ana.example/-/"`, `"authorization_endpoint":"` + endpoints["authorization_endpoint"] + `"`,
			`"token_endpoint":"` + endpoints["token_endpoint"] + `"`, `"micropub":"` + endpoints["micropub"] + `"`} {
			if !strings.Contains(a.body, want) {
				t.Errorf("metadata lack %s:\n%s", want, a.body)
			}
		}
		for rel, address := range endpoints {
			if a := b.get(address); slices.Contains([]int{404, 405, 500}, a.status) {
				t.Errorf("%s: got %d", rel, a.status)
			}
		}
	})
}

// Missing pages have no conversation, and lead nowhere.
func TestMissingPagesLeadNowhere(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		for _, path := range []string{"nothing", url.PathEscape("../") + "etc/passwd"} {
			if a := w.visitor().get("https://ana.example/" + path); a.status != 404 || len(a.header.Values("Link")) != 0 {
				t.Errorf("%s: got %d, %v", path, a.status, a.header.Values("Link"))
			}
		}
	})
}

// WebSub: the feed's own headers lead to its hub, and no other page's.
func TestTheFeedLeadsToItsHub(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.server.Sites[0].Site
		s.Hub, s.Dir = "https://hub.example/", s.Root
		w.post("Base camp", "The networks are loudspeakers.")
		settle()
		const want = `<https://hub.example/>; rel="hub", <https://ana.example/feed.xml>; rel="self"`
		for address, has := range map[string]bool{"https://ana.example/feed.xml": true, "https://ana.example/": false} {
			r := w.visitor().get(address)
			if slices.Contains(r.header.Values("Link"), want) != has {
				w.Errorf("%s: %q", address, r.header.Values("Link"))
			}
		}
	})
}
