package indieauth

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
)

// Metadata is the metadata endpoint: a JSON document that names the others.
// Spec: indieauth#indieauth-server-metadata-p-2
func (s *Server) Metadata(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(w)
		return
	default:
		notAllowed(w, "GET, HEAD, OPTIONS")
		return
	}
	body := map[string]any{
		"issuer":                                         s.Issuer,
		"code_challenge_methods_supported":               []string{"S256"},
		"response_types_supported":                       []string{"code"},
		"grant_types_supported":                          []string{"authorization_code", "refresh_token"},
		"authorization_response_iss_parameter_supported": true,
		"client_id_metadata_document_supported":          true,
		"introspection_endpoint_auth_methods_supported":  []string{"Bearer"},
		"service_documentation":                          "https://indieauth.spec.indieweb.org/",
	}
	if len(s.Scopes) > 0 {
		body["scopes_supported"] = s.Scopes
	}
	for name, address := range map[string]string{
		"authorization_endpoint": s.Endpoints.Authorization,
		"token_endpoint":         s.Endpoints.Token,
		"introspection_endpoint": s.Endpoints.Introspection,
		"revocation_endpoint":    s.Endpoints.Revocation,
		"userinfo_endpoint":      s.Endpoints.Userinfo,
		"micropub":               s.Endpoints.Micropub,
	} {
		if address != "" {
			body[name] = address
		}
	}
	if s.Endpoints.Revocation != "" {
		body["revocation_endpoint_auth_methods_supported"] = []string{"none"}
	}
	writeJSON(w, http.StatusOK, body)
}

// Introspection is the introspection endpoint, where resource servers ask about
// a token. The asker shows a valid token of ours; that may be the same one.
// Spec: indieauth#access-token-verification-request-p-3
func (s *Server) Introspection(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		notAllowed(w, "POST")
		return
	}
	if _, ok := s.authenticate(w, r); !ok {
		return
	}
	form, err := readForm(w, r, "token")
	if err == nil && form.Get("token") == "" {
		err = invalidRequest("token is missing")
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	token, err := s.Check(r.Context(), form.Get("token"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.Successor.Authorization != "":
		s.fail(w, r, succeeded(s.Successor.Introspection)) // it may well be good there
		return
	case errors.Is(err, fs.ErrNotExist):
		// Spec: indieauth#access-token-verification-response-p-3
		answer(w, r, http.StatusOK, map[string]any{"active": false})
		return
	case err != nil:
		s.fail(w, r, err)
		return
	}
	// RFC 7662 has a boolean and integers here; the strings in the standard's
	// example are a mistake of the example.
	body := map[string]any{
		"active":    true,
		"me":        token.Me,
		"client_id": token.ClientID,
		"scope":     strings.Join(token.Scopes, " "),
		"iat":       token.Issued.Unix(),
	}
	if !token.Expires.IsZero() {
		body["exp"] = token.Expires.Unix()
	}
	answer(w, r, http.StatusOK, body)
}

// Revocation is the revocation endpoint. It answers 200 whether or not the token
// was known.
func (s *Server) Revocation(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w)
	switch r.Method {
	case http.MethodPost:
		form, err := readForm(w, r, "token")
		if err != nil {
			s.fail(w, r, err)
			return
		}
		s.revoke(w, r, form)
	case http.MethodOptions:
		preflight(w)
	default:
		notAllowed(w, "POST, OPTIONS")
	}
}

// revoke forgets the token that the form names or, as some clients have it, the
// one in the Authorization header.
// Spec: indieauth#token-revocation-request-p-2
func (s *Server) revoke(w http.ResponseWriter, r *http.Request, form url.Values) {
	secret := form.Get("token")
	if secret == "" {
		secret = bearer(r)
	}
	if secret == "" {
		s.fail(w, r, invalidRequest("token is missing"))
		return
	}
	if err := s.Storage.Revoke(r.Context(), Hash(secret)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.fail(w, r, err)
		return
	}
	answer(w, r, http.StatusOK, map[string]any{})
}

// Userinfo is the userinfo endpoint: the owner's profile, for a token that has
// the scope profile.
// Spec: indieauth#user-information-p-2
func (s *Server) Userinfo(w http.ResponseWriter, r *http.Request) {
	allowOrigins(w)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		preflight(w)
		return
	default:
		notAllowed(w, "GET, HEAD, OPTIONS")
		return
	}
	token, ok := s.authenticate(w, r)
	if !ok {
		return
	}
	profile, ok := s.profile(r.Context(), token.Scopes)
	if !ok {
		// Spec: indieauth#error-responses-li-3
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="profile"`)
		s.fail(w, r, &fault{http.StatusForbidden, "insufficient_scope", "the token needs the scope profile"})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusOK, profile)
}
