package indieauth

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Document serves what a client says of itself at its client_id: client metadata in
// JSON, which authorization servers show to people, and where they look up RedirectURI.
// Spec: indieauth#client-metadata-li-1
func (c *Client) Document(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		notAllowed(w, "GET, HEAD")
		return
	}
	grants := []string{"authorization_code"}
	if (Flow{Scopes: c.Scopes}).wantsToken() {
		grants = append(grants, "refresh_token") // by TokenSource
	}
	body := map[string]any{
		"client_id": c.ID, "redirect_uris": []string{c.RedirectURI}, "response_types": []string{"code"},
		"grant_types": grants, "token_endpoint_auth_method": "none",
	}
	for name, value := range map[string]string{"client_name": c.Name, "client_uri": c.URI, "logo_uri": c.Logo} {
		if value != "" {
			body[name] = value
		}
	}
	allowOrigins(w)
	w.Header().Set("Cache-Control", "public, max-age=3600")
	writeJSON(w, http.StatusOK, body)
}

// Validate reports every setting that servers would not accept, or that is missing. Run
// it once, at the start.
func (c *Client) Validate() error {
	var problems []error
	id, err := CheckClientID(c.ID)
	if err != nil || id != c.ID {
		problems = append(problems, fmt.Errorf("client_id %q: it must be a client identifier in canonical form", c.ID))
	}
	if _, err := checkRedirectURI(c.RedirectURI); err != nil {
		problems = append(problems, fmt.Errorf("redirect_uri %q: %w", c.RedirectURI, err))
	}
	if address, err := url.Parse(c.ID); err == nil && c.URI != "" && about(c.URI, address) == "" {
		problems = append(problems, fmt.Errorf("client_uri %q: client_id must begin with it", c.URI))
	}
	if c.HTTP == nil {
		problems = append(problems, errors.New("an HTTP client is required"))
	}
	return errors.Join(problems...)
}
