package indieauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"tertulia/mf2"

	"golang.org/x/net/html"
)

// Client is what the consent page can say about the application that asks. ID is
// certain; the rest is what the client says of itself, text and nothing but text.
type Client struct {
	ID   string // client_id; always shown
	Name string // without controls and at most 80 runes; the host of ID when the client gives no name
	URI  string // a page about the client on the same origin as ID; may be empty
	Logo string // an http(s) URL on any host, to be fetched with care; may be empty
	// Listed says that the redirect_uri is not of the client's own scheme, host
	// and port, and that the client lists it: show it to the owner.
	Listed bool
	// Warning says why nothing, or not everything, is known; empty when all is well.
	Warning Warning
}

// Warning is a reason to be careful with a client, for the application to put into words.
type Warning string

// Warnings, from none to all that can be missing.
const (
	WarnURI       Warning = "client_uri"  // client_uri is not a prefix of client_id, and is not shown
	WarnLocal     Warning = "local"       // the client runs on somebody's own machine: there is nothing to fetch
	WarnUnfetched Warning = "unfetched"   // client_id could not be fetched
	WarnUntrusted Warning = "not trusted" // what stands at client_id is not about this client
)

// ErrRedirect says that the redirect_uri is neither of the client's own scheme,
// host and port nor on its list, or that the list could not be read. Show a page;
// never send anybody there.
var ErrRedirect = errors.New("redirect_uri does not belong to the client")

const (
	// maxMetadata is the largest metadata document, in bytes, that is believed
	// (OAuth Client ID Metadata Document, section 6.6).
	maxMetadata = 5 << 10
	// maxPage is how much of an older client's web page is read.
	maxPage = 64 << 10
	// fetchTimeout bounds the wait for a client that answers slowly: the owner waits too.
	fetchTimeout = 5 * time.Second
	maxName      = 80 // runes
)

// ClientInfo fetches what the client publishes about itself, and decides whether
// the request's redirect_uri may be used: [ErrRedirect] if not. Call it once the
// owner has signed in, so that nobody else can make this server fetch anything.
// A client that cannot be asked, or is not believed, is a [Warning] and no error
// as long as its redirect_uri is its own.
// Spec: indieauth#client-information-discovery-p-3
func (s *Server) ClientInfo(ctx context.Context, req Request) (Client, error) {
	id, err := url.Parse(req.ClientID)
	if err != nil {
		return Client{}, fmt.Errorf("client_id: %w", err)
	}
	own := ownRedirect(req)
	found, err := s.fetchClient(ctx, id)
	if err != nil {
		s.log().Info("client information not used", "client_id", req.ClientID, "reason", err)
	}
	client := found.Client
	client.ID = req.ClientID
	client.Name = cleanName(client.Name)
	if client.Name == "" {
		client.Name = id.Hostname()
	}
	if own {
		return client, nil
	}
	// Spec: indieauth#redirect-url-p-1
	// Spec: indieauth#preventing-phishing-and-redirect-attacks-p-3
	client.Listed = slices.Contains(found.redirects, req.RedirectURI)
	if _, err := checkRedirectURI(req.RedirectURI); err != nil || !client.Listed {
		return Client{}, fmt.Errorf("client %s: %w", req.ClientID, ErrRedirect)
	}
	return client, nil
}

// published is what a client says, with the redirect URLs that it lists, resolved.
type published struct {
	Client
	redirects []string
}

// fetchClient gets the document at client_id. With an error comes a Client that
// says nothing but the warning.
func (s *Server) fetchClient(ctx context.Context, id *url.URL) (published, error) {
	// Spec: indieauth#client-information-discovery-p-4
	if _, err := netip.ParseAddr(id.Hostname()); err == nil || isLoopback(id.Hostname()) {
		return published{Client: Client{Warning: WarnLocal}}, errors.New("client_id is a loopback address")
	}
	resp, body, err := s.get(ctx, id)
	if err != nil {
		return published{Client: Client{Warning: WarnUnfetched}}, err
	}
	var found published
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // what cannot be read is neither
	switch {
	case media == "application/json" || strings.HasSuffix(media, "+json"):
		found, err = readMetadata(body, id)
	case media == "text/html" || media == "application/xhtml+xml":
		found, err = readApp(body, resp.Header, id)
	default:
		err = errors.New("neither JSON nor HTML")
	}
	if err != nil {
		return published{Client: Client{Warning: WarnUntrusted}}, err
	}
	return found, nil
}

// get fetches without following a redirect: what another address says is not
// what the client says.
// Spec: client-id-metadata-document#IA-10
func (s *Server) get(ctx context.Context, id *url.URL) (*http.Response, []byte, error) {
	if s.Client == nil {
		return nil, nil, errors.New("no HTTP client")
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, id.String(), nil)
	if err != nil {
		return nil, nil, err
	}
	r.Header.Set("Accept", "application/json, text/html;q=0.9")
	client := *s.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	return resp, body, err
}

// readMetadata reads a client metadata document. Names of properties are exact,
// as everywhere in JSON but in Go.
func readMetadata(body []byte, id *url.URL) (published, error) {
	var properties map[string]json.RawMessage
	if len(body) > maxMetadata {
		return published{}, errors.New("metadata is too large")
	}
	if err := json.Unmarshal(body, &properties); err != nil {
		return published{}, errors.New("metadata is not a JSON object")
	}
	text := func(name string) string {
		var value string
		if json.Unmarshal(properties[name], &value) != nil {
			return "" // absent, or not a string
		}
		return value
	}
	// Spec: indieauth#client-metadata-li-1
	if own, err := CheckClientID(text("client_id")); err != nil || own != id.String() {
		return published{}, errors.New("metadata is for another client_id")
	}
	found := published{Client: Client{Name: text("client_name"), Logo: webURL(text("logo_uri"), id)}}
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
	for node := range doc.Descendants() {
		if node.Type != html.ElementNode || node.Data != "link" || node.Namespace != "" {
			continue
		}
		if slices.Contains(strings.Fields(strings.ToLower(attribute(node, "rel"))), rel) {
			links = append(links, strings.TrimSpace(attribute(node, "href")))
		}
	}
	return links
}

// documentBase is what a page's relative URLs are relative to.
func documentBase(doc *html.Node, address *url.URL) *url.URL {
	for node := range doc.Descendants() {
		if node.Type == html.ElementNode && node.Data == "base" && node.Namespace == "" && attribute(node, "href") != "" {
			if base, err := address.Parse(strings.TrimSpace(attribute(node, "href"))); err == nil {
				return base
			}
			break
		}
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
	var b strings.Builder
	runes, marks := 0, 0
	for _, r := range strings.Join(strings.Fields(raw), " ") {
		if unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Me, r) {
			marks++
		} else {
			marks = 0
		}
		if r == utf8.RuneError || marks > 2 || !unicode.IsGraphic(r) {
			continue
		}
		if runes++; runes > maxName {
			break
		}
		b.WriteRune(r)
	}
	return strings.TrimSpace(b.String())
}
