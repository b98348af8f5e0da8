package indieauth

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"tertulia/mf2"

	"golang.org/x/net/html"
)

// published is what a client says, with the redirect URLs that it lists, resolved.
type published struct {
	ClientInfo
	redirects []string
	refreshes bool // it says that it can use a refresh token
}

// readMetadata reads a client metadata document.
func readMetadata(body []byte, id *url.URL) (published, error) {
	var properties properties
	if len(body) > maxMetadata {
		return published{}, errors.New("metadata is too large")
	}
	if err := json.Unmarshal(body, &properties); err != nil {
		return published{}, errors.New("metadata is not a JSON object")
	}
	text := properties.text
	// Spec: indieauth#client-metadata-li-1
	if own, err := CheckClientID(text("client_id")); err != nil || own != id.String() {
		return published{}, errors.New("metadata is for another client_id")
	}
	// What everybody can read is no secret (OAuth Client ID Metadata Document, section 4.1).
	if properties["client_secret"] != nil || strings.HasPrefix(text("token_endpoint_auth_method"), "client_secret_") {
		return published{}, errors.New("metadata has a client secret")
	}
	found := published{ClientInfo: ClientInfo{Name: text("client_name"), Logo: webURL(text("logo_uri"), id)}}
	if uri := text("client_uri"); uri != "" {
		// Spec: indieauth#client-metadata-p-4
		if found.URI = about(uri, id); found.URI == "" {
			found.Warning = WarnURI
		}
	}
	var redirects []string
	if len(properties["redirect_uris"]) > 0 && json.Unmarshal(properties["redirect_uris"], &redirects) != nil {
		return published{}, errors.New("redirect_uris is not a list of strings")
	}
	found.redirects = resolve(id, redirects)
	var grants []string
	if len(properties["grant_types"]) > 0 && json.Unmarshal(properties["grant_types"], &grants) != nil {
		return published{}, errors.New("grant_types is not a list of strings")
	}
	found.refreshes = slices.Contains(grants, "refresh_token")
	return found, nil
}

// readApp reads an older client's web page: its h-app, and its links with rel
// redirect_uri in headers and elements.
// Spec: indieauth#client-metadata-p-5
// Spec: indieauth#redirect-url-p-2
func readApp(body []byte, header http.Header, id *url.URL) (published, error) {
	page, doc, err := mf2.Parse(bytes.NewReader(body), header.Get("Content-Type"), id)
	if err != nil {
		return published{}, err
	}
	found := published{redirects: resolve(id, headerLinks(header, "redirect_uri"))}
	found.redirects = append(found.redirects, resolve(documentBase(doc, id), elementLinks(doc, "redirect_uri"))...)
	for _, app := range page.Items {
		if !app.Is("h-app") && !app.Is("h-x-app") {
			continue
		}
		uris := app.URLs("url")
		if i := slices.IndexFunc(uris, func(uri string) bool { return about(uri, id) != "" }); i >= 0 {
			found.URI = about(uris[i], id)
		} else if len(uris) > 0 {
			continue // a page may tell about other people's applications
		}
		found.Name = app.Get("name")
		for _, logo := range append(app.URLs("logo"), app.URLs("photo")...) {
			if found.Logo = webURL(logo, id); found.Logo != "" {
				break
			}
		}
		return found, nil
	}
	return found, nil
}

// elementLinks returns what the page's <link> elements with the rel point to. An
// <a> does not count: those can come from a visitor's comment.
func elementLinks(doc *html.Node, rel string) []string {
	var links []string
	for node := range elements(doc, "link") {
		if slices.Contains(strings.Fields(strings.ToLower(attribute(node, "rel"))), rel) {
			links = append(links, strings.TrimSpace(attribute(node, "href")))
		}
	}
	return links
}

// elements yields the HTML elements of a name that are part of the page: a template's
// are not.
func elements(doc *html.Node, name string) iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		for node := range doc.Descendants() {
			if node.Type == html.ElementNode && node.Data == name && node.Namespace == "" && !inTemplate(node) && !yield(node) {
				return
			}
		}
	}
}

func inTemplate(node *html.Node) bool {
	for ; node != nil; node = node.Parent {
		if node.Type == html.ElementNode && node.Data == "template" {
			return true
		}
	}
	return false
}

// documentBase is what a page's relative URLs are relative to.
func documentBase(doc *html.Node, address *url.URL) *url.URL {
	for node := range elements(doc, "base") {
		if attribute(node, "href") == "" {
			continue
		}
		if base, err := address.Parse(strings.TrimSpace(attribute(node, "href"))); err == nil {
			return base
		}
		break
	}
	return address
}

func attribute(node *html.Node, name string) string {
	for _, a := range node.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// resolve makes listed redirect URLs absolute. One that is absolute stays as it
// is, to the letter.
func resolve(base *url.URL, listed []string) []string {
	var absolute []string
	for _, raw := range listed {
		u, err := url.Parse(raw)
		switch {
		case err != nil:
		case u.IsAbs():
			absolute = append(absolute, raw)
		default:
			absolute = append(absolute, base.ResolveReference(u).String())
		}
	}
	return absolute
}

// about returns uri if it is a page of the client: a prefix of client_id that ends
// where a name in it ends. Both are canonical, with a "/" after the host, so that
// https://app.example is no prefix of https://app.example.net/.
func about(uri string, id *url.URL) string {
	canonical, err := CheckClientID(uri)
	rest, ok := strings.CutPrefix(id.String(), canonical)
	if err != nil || !ok {
		return ""
	}
	if rest == "" || strings.HasSuffix(canonical, "/") || rest[0] == '/' || rest[0] == '?' {
		return canonical
	}
	return ""
}

// webURL resolves a URL that may be shown or fetched, "" if it is none.
func webURL(raw string, base *url.URL) string {
	if raw == "" || len(raw) > maxURL {
		return ""
	}
	u, err := base.Parse(raw)
	if err != nil || !isWeb(u) || u.Host == "" || u.User != nil {
		return ""
	}
	return u.String()
}

// cleanName makes a stranger's text one short line: no controls, no direction
// marks or other invisible characters, no towers of combining marks.
func cleanName(raw string) string {
	runes := []rune(cleanLine(raw))
	return strings.TrimSpace(string(runes[:min(len(runes), maxName)]))
}

// cleanLine is cleanName at any length.
func cleanLine(raw string) string {
	var b strings.Builder
	marks := 0
	for _, r := range strings.Join(strings.Fields(raw), " ") {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			marks++
		} else {
			marks = 0
		}
		if r == utf8.RuneError || marks > 2 || !unicode.IsGraphic(r) {
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
