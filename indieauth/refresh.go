package indieauth

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// How long a client may act:
//
//   - What Quill, Micropublish, Indigenous and their like get works until it is revoked,
//     or until the end that the owner chose on the consent page. They know no refresh,
//     and must not lose their access every hour.
//   - A client whose metadata name the grant type refresh_token gets an access token
//     of an hour, and with it a refresh token that is exchanged at each use, dies when
//     it was idle for thirty days, and never outlives the end that the owner chose.
//   - A refresh token that comes twice is in two hands: the whole family is revoked.

// pair are the secrets of an access token and of the refresh token that may come with
// it, made before the transaction that may run more than once.
type pair struct {
	access, refresh string
	given           Given
}

func newPair() *pair {
	return &pair{access: newSecret(tokenPrefix), refresh: newSecret(refreshPrefix)}
}

// first is what a code gives.
func (s *Server) first(code Code, p *pair) Given {
	token := Token{
		Hash: Hash(p.access), Me: s.Me, ClientID: code.ClientID, Scopes: code.Scopes, Issued: time.Now(), Family: code.Hash,
	}
	if code.Life > 0 {
		token.Expires = token.Issued.Add(code.Life)
	}
	if !code.Refreshes {
		return Given{Token: &token}
	}
	return s.renewable(token, token.Expires, p)
}

// renewable is the token with a refresh token beside it. Neither lasts beyond end,
// unless that is zero.
// Spec: indieauth#refresh-tokens-p-2
func (s *Server) renewable(token Token, end time.Time, p *pair) Given {
	until := func(life time.Duration) time.Time {
		at := token.Issued.Add(life)
		if !end.IsZero() && end.Before(at) {
			return end
		}
		return at
	}
	token.Expires = until(cmp.Or(s.AccessLife, time.Hour))
	token.Renewable = until(cmp.Or(s.RefreshLife, 30*24*time.Hour))
	return Given{&token, &Refresh{Hash: Hash(p.refresh), Family: token.Family, Token: token.Hash, Expires: token.Renewable, End: end}}
}

// renewToken exchanges a refresh token for a new access token and a new refresh token.
// The client may ask for fewer scopes than the owner granted; the new refresh token
// is good for all of them again.
// Spec: indieauth#refreshing-an-access-token-p-3
func (s *Server) renewToken(w http.ResponseWriter, r *http.Request, form url.Values) {
	id, scopes := clientID(r, form), unique(strings.Fields(form.Get("scope")))
	switch {
	case form.Get("refresh_token") == "":
		s.fail(w, r, invalidRequest("refresh_token is missing"))
		return
	case id == "":
		s.fail(w, r, invalidRequest("client_id is missing"))
		return
	}
	p := newPair()
	err := s.Storage.Renew(r.Context(), Hash(form.Get("refresh_token")), time.Now(), func(old Refresh, token Token) (Given, error) {
		if !sameClient(id, token.ClientID) {
			return Given{}, invalidGrant("the refresh token was issued to another client_id")
		}
		granted := token.Granted()
		if slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(granted, scope) }) {
			return Given{}, &fault{http.StatusBadRequest, "invalid_scope", "scope has more than was granted"}
		}
		next := token
		next.Hash, next.Issued, next.Scopes, next.Grant = Hash(p.access), time.Now(), granted, nil
		if len(scopes) > 0 && len(scopes) < len(granted) {
			next.Scopes, next.Grant = scopes, granted
		}
		p.given = s.renewable(next, old.End, p)
		return p.given, nil
	})
	switch {
	case errors.Is(err, ErrUsed):
		s.log().Warn("refresh token came twice; what came of it is revoked", "client_id", id)
		err = invalidGrant("the refresh token was used before")
	case errors.Is(err, ErrExpired), errors.Is(err, fs.ErrNotExist):
		err = invalidGrant("the refresh token is unknown or has expired")
	case err != nil:
		err = fmt.Errorf("renew token: %w", err)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.log().Info("token renewed", "client_id", id, "scopes", p.given.Token.Scopes)
	s.answerToken(w, r, p)
}
