package indieauth

import (
	"context"
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
)

// ClientInfo is what the consent page can say about the application that asks. ID is
// certain; the rest is what the client says of itself, text and nothing but text.
type ClientInfo struct {
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
func (s *Server) ClientInfo(ctx context.Context, req Request) (ClientInfo, error) {
	found, err := s.lookUp(ctx, req, false)
	return found.ClientInfo, err
}

// lookUp is ClientInfo with all that was found. What is kept counts unless anew says
// that the client must be asked.
func (s *Server) lookUp(ctx context.Context, req Request, anew bool) (published, error) {
	id, err := url.Parse(req.ClientID)
	if err != nil {
		return published{}, fmt.Errorf("client_id: %w", err)
	}
	found, kept := s.clients.get(req.ClientID)
	if anew || !kept {
		if found, err = s.fetchClient(ctx, id); err != nil {
			s.clients.drop(req.ClientID)
			s.log().Info("client information not used", "client_id", req.ClientID, "reason", err)
		}
	}
	found.ID, found.Name = req.ClientID, cleanName(found.Name)
	if found.Name == "" {
		found.Name = id.Hostname()
	}
	if ownRedirect(req) {
		return found, nil
	}
	// Spec: indieauth#redirect-url-p-1
	// Spec: indieauth#preventing-phishing-and-redirect-attacks-p-3
	found.Listed = slices.Contains(found.redirects, req.RedirectURI)
	if _, err := checkRedirectURI(req.RedirectURI); err != nil || !found.Listed {
		return published{}, fmt.Errorf("client %s: %w", req.ClientID, ErrRedirect)
	}
	return found, nil
}

// fetchClient gets the document at client_id, and keeps it for the next time. With an error comes a ClientInfo that
// says nothing but the warning.
func (s *Server) fetchClient(ctx context.Context, id *url.URL) (published, error) {
	// Spec: indieauth#client-information-discovery-p-4
	if _, err := netip.ParseAddr(id.Hostname()); err == nil || isLoopback(id.Hostname()) {
		return published{ClientInfo: ClientInfo{Warning: WarnLocal}}, errors.New("client_id is a loopback address")
	}
	resp, body, err := s.get(ctx, id)
	if err != nil {
		return published{ClientInfo: ClientInfo{Warning: WarnUnfetched}}, err
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
		return published{ClientInfo: ClientInfo{Warning: WarnUntrusted}}, err
	}
	s.clients.put(id.String(), found, freshness(resp.Header))
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
