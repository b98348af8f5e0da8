package micropub

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
)

// credentials are the tokens that came with a request.
type credentials struct {
	header string   // of the Authorization header; "" for none
	body   []string // every access_token field that is not empty
}

// headerCredentials reads the Authorization header. A token in the query string
// is not looked at: addresses end up in logs.
func headerCredentials(r *http.Request) (credentials, error) {
	values := r.Header.Values("Authorization")
	if len(values) > 1 {
		return credentials{}, invalid("more than one Authorization header")
	}
	if len(values) == 0 {
		return credentials{}, nil
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return credentials{}, nil
	}
	return credentials{header: strings.TrimSpace(token)}, nil
}

// token is the one token that counts.
//
// A server must accept it in the header and in the form, but a client must not
// use two methods at once (RFC 6750 section 2): two different tokens are refused always.
//
// Spec: micropub#authentication-1-p-1
// Spec: micropub#servers-li-1
// Spec: rfc6750#section-2
func (c credentials) token() (token string, twice bool, err error) {
	switch {
	case len(c.body) > 1:
		return "", false, invalid("access_token was given more than once")
	case len(c.body) == 0:
		return c.header, false, nil
	case c.header == "":
		return c.body[0], false, nil
	case c.header != c.body[0]:
		return "", false, invalid("two different tokens, one in the Authorization header and one in the body")
	}
	return c.header, true, nil
}

// allowed refuses a token that came twice, unless its client may do that. page is where
// the owner can let it, "" for nowhere.
func (c credentials) allowed(g Grant, page string) error {
	_, twice, err := c.token()
	if err != nil || !twice || g.Lenient {
		return err
	}
	client := strings.Join(strings.Fields(g.ClientID), "")
	if client == "" {
		client = "the client"
	}
	how := "To allow this, add " + client + " to lenient_clients under [micropub] in this server's settings."
	if page != "" {
		how = "To allow this to " + client + ", open " + page + " or add it to lenient_clients under [micropub] in this server's settings."
	}
	return &Error{Code: InvalidRequest, plain: true, Description: "The access token came twice, in the Authorization header and in the body. " + how}
}

// authorize turns the credentials of a request into a Grant.
func (h *Handler) authorize(ctx context.Context, c credentials) (Grant, error) {
	token, _, err := c.token()
	if err != nil {
		return Grant{}, err
	}
	if token == "" {
		// Spec: micropub#error-response-li-2
		return Grant{}, &Error{Code: Unauthorized, Description: "the request carries no access token"}
	}
	g, err := h.Authorize(ctx, token)
	if errors.Is(err, fs.ErrNotExist) {
		return Grant{}, &Error{Code: InvalidToken, Description: "the access token is unknown, expired or revoked", Err: err}
	}
	if err != nil {
		return Grant{}, err
	}
	return g, c.allowed(g, h.TokensPage)
}

// The scopes that allow an action; the first is the one a client is told to ask
// for. "post" is what "create" was once called. A token with "draft" alone may
// create drafts; media is also what a post needs, so whoever may create may upload.
// To delete a file takes the word media itself, and delete. Posts are read by
// those who make or change some, or have the word for it.
var scopes = map[string][]string{
	"create":       {"create", "post", "draft"},
	"media":        {"media", "create", "post", "draft"},
	"update":       {"update"},
	"delete":       {"delete"},
	"undelete":     {"undelete"},
	"delete files": {"media"},
	"publish":      {"create", "post"},
	"read":         {"read", "update", "create", "post", "draft", "delete", "undelete"},
}

// require refuses a token without a scope for the action.
//
// Spec: micropub#scope-p-1
func (g Grant) require(action string) error {
	if slices.ContainsFunc(scopes[action], g.Has) {
		return nil
	}
	scope := scopes[action][0]
	return &Error{Code: InsufficientScope, Scope: scope, Description: "the token needs the scope " + scope}
}

// DraftsOnly tells whether the token may prepare posts and not change what others can
// see: the scope draft without create. The Handler keeps such a token to posts whose
// post-status is draft; a Backend that looks again when it writes is also safe from a
// post that is published in between.
func (g Grant) DraftsOnly() bool { return g.Has("draft") && g.require("publish") != nil }

// requireAny refuses a token without any scope, and unless anyone will do, one
// whose scopes only let a client know who its person is.
//
// Spec: micropub#scope-p-1
func (g Grant) requireAny(anyone bool) error {
	if slices.ContainsFunc(g.Scopes, func(s string) bool { return s != "" && (anyone || s != "profile" && s != "email") }) {
		return nil
	}
	return &Error{Code: InsufficientScope, Description: "the token has no scope for this"}
}
