package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"tertulia/indieauth"
)

// Elsewhere is an IndieAuth server that the owner of a site had before, and keeps: the
// site's pages name it, editors get their tokens there, and it is asked about each of
// them (SPECS D12). Its methods may be called at the same time.
type Elsewhere struct {
	Authorization, Token    string // endpoints; both are required
	Introspection, Metadata string // "" where it has none

	Me     string       // profile URL that its tokens must be for
	Client *http.Client // to where the settings point
	Log    *slog.Logger // nil discards

	mu    sync.Mutex
	known map[string]*verdict // by the hash of the token
	slots chan struct{}       // those who ask now
}

// Endpoints are where it is asked, by others as well.
func (e *Elsewhere) Endpoints() indieauth.Endpoints {
	return indieauth.Endpoints{Authorization: e.Authorization, Token: e.Token, Introspection: e.Introspection, Metadata: e.Metadata}
}

// What is known of a token is believed for a while: one that is good for a minute, so that
// what is revoked there ends here; one that is not for some seconds, so that nobody can
// use us to flood the server; that there was no answer, only as long as it takes to ask.
const (
	goodFor    = time.Minute
	badFor     = 10 * time.Second
	downFor    = time.Second
	maxKnown   = 1000 // tokens that something is known of
	maxAsking  = 4    // at once
	askingTime = 8 * time.Second

	waitingTime = 3 * time.Second  // for its turn
	askAgain    = 30 * time.Second // what an editor is told when there was no answer
	maxVerdict  = 64 << 10         // bytes of an answer
	maxTheirs   = 2 << 10          // bytes of a token
)

// verdict is what the server says of a token. The rest counts once done is closed.
type verdict struct {
	done  chan struct{}
	token indieauth.Token
	err   error
	until time.Time
}

// Check is what a token of the server's lets its holder do; fs.ErrNotExist when it says that
// the token is not valid, or valid for somebody else. When it does not answer, or not in
// a way that can be understood, the error says when to try again, and nobody is let in.
func (e *Elsewhere) Check(ctx context.Context, secret string) (indieauth.Token, error) {
	if secret == "" || len(secret) > maxTheirs || strings.ContainsFunc(secret, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return indieauth.Token{}, fmt.Errorf("check token: %w", fs.ErrNotExist)
	}
	v, ask := e.look(indieauth.Hash(secret), time.Now())
	if ask {
		// Others wait for this answer, whatever becomes of who asked first.
		go e.ask(context.WithoutCancel(ctx), secret, v)
	}
	select {
	case <-v.done:
		return v.token, v.err
	case <-ctx.Done():
		return indieauth.Token{}, ctx.Err()
	}
}

// look finds what is known of a token, or is being asked; else the caller is to ask.
func (e *Elsewhere) look(hash string, now time.Time) (v *verdict, ask bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.known == nil {
		e.known, e.slots = map[string]*verdict{}, make(chan struct{}, maxAsking)
	}
	if v = e.known[hash]; v != nil && (v.until.IsZero() || now.Before(v.until)) {
		return v, false
	}
	if len(e.known) >= maxKnown {
		for key, old := range e.known {
			if !old.until.IsZero() && !now.Before(old.until) {
				delete(e.known, key)
			}
		}
	}
	for key, old := range e.known {
		if len(e.known) < maxKnown {
			break
		}
		if !old.until.IsZero() {
			delete(e.known, key)
		}
	}
	v = &verdict{done: make(chan struct{})}
	e.known[hash] = v
	return v, true
}

// ask asks about a token, and tells those who wait.
func (e *Elsewhere) ask(ctx context.Context, secret string, v *verdict) {
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	defer cancel()
	var token indieauth.Token
	var err error
	select {
	case e.slots <- struct{}{}:
		token, err = e.inquire(ctx, secret)
		<-e.slots
	case <-time.After(waitingTime):
		err = silentError{errors.New("too many tokens are being asked about")}
	}
	stays := goodFor
	var silent silentError
	switch {
	case errors.As(err, &silent):
		stays = downFor
		e.log().Warn("the IndieAuth server of the site's owner cannot be asked", "error", err)
	case err != nil:
		stays = badFor
	}
	e.mu.Lock()
	v.token, v.err, v.until = token, err, time.Now().Add(stays)
	if !token.Expires.IsZero() && token.Expires.Before(v.until) {
		v.until = token.Expires
	}
	e.mu.Unlock()
	close(v.done)
}

func (e *Elsewhere) log() *slog.Logger {
	if e.Log != nil {
		return e.Log
	}
	return slog.New(slog.DiscardHandler)
}

// silentError is that there was no answer to go by.
type silentError struct{ error }

func (s silentError) Unwrap() error { return s.error }

// RetryAfter is when an editor may try again.
func (silentError) RetryAfter() time.Duration { return askAgain }

// inquire asks at the introspection endpoint, with the token as its own credential; where
// that is not enough, or there is none, at the token endpoint, as was done before.
// Spec: indieauth#access-token-verification-request-p-3
func (e *Elsewhere) inquire(ctx context.Context, secret string) (indieauth.Token, error) {
	if e.Introspection != "" {
		form := url.Values{"token": {secret}}.Encode()
		said, status, err := e.send(ctx, http.MethodPost, e.Introspection, form, secret)
		switch {
		case err != nil:
			return indieauth.Token{}, silentError{err}
		case status == http.StatusOK && said.flag("active"):
			return e.judge(said, secret)
		case status == http.StatusOK && said["active"] != nil:
			return indieauth.Token{}, fmt.Errorf("check token: it is not active: %w", fs.ErrNotExist)
		case status >= 500 || status == http.StatusTooManyRequests:
			return indieauth.Token{}, silentError{fmt.Errorf("introspection answers %d", status)}
		}
	}
	said, status, err := e.send(ctx, http.MethodGet, e.Token, "", secret)
	switch {
	case err != nil:
		return indieauth.Token{}, silentError{err}
	case status == http.StatusOK:
		return e.judge(said, secret)
	case status == http.StatusBadRequest, status == http.StatusUnauthorized, status == http.StatusForbidden:
		return indieauth.Token{}, fmt.Errorf("check token: the token endpoint answers %d: %w", status, fs.ErrNotExist)
	}
	return indieauth.Token{}, silentError{fmt.Errorf("the token endpoint answers %d", status)}
}

// judge makes a token of what was said of a valid one. It must be for the site's owner:
// a server may have others.
func (e *Elsewhere) judge(said statement, secret string) (indieauth.Token, error) {
	me, err := indieauth.CheckProfileURL(said.text("me"))
	if said.text("me") == "" {
		return indieauth.Token{}, silentError{errors.New("the answer does not say whom the token is for")}
	}
	if err != nil || me != e.Me {
		// Else an owner whose server knows them by another of their addresses would search in vain.
		e.log().Warn("a token of the owner's IndieAuth server is for another address than the site's", "me", me, "site", e.Me)
		return indieauth.Token{}, fmt.Errorf("check token: it is for %q: %w", said.text("me"), fs.ErrNotExist)
	}
	token := indieauth.Token{Hash: indieauth.Hash(secret), Me: me, Scopes: said.scopes()}
	if id, err := indieauth.CheckClientID(said.text("client_id")); err == nil {
		token.ClientID = id
	}
	if exp := said.number("exp"); exp != 0 {
		token.Expires = time.Unix(exp, 0)
		if !time.Now().Before(token.Expires) {
			return indieauth.Token{}, fmt.Errorf("check token: it has expired: %w", fs.ErrNotExist)
		}
	}
	return token, nil
}

// send makes a request with the token as credential and reads the answer. No redirect is
// followed: the token is meant for this address alone.
func (e *Elsewhere) send(ctx context.Context, method, address, form, secret string) (statement, int, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("Accept", "application/json")
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := *e.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxVerdict))
	if err != nil {
		return nil, 0, err
	}
	said, err := readStatement(resp.Header.Get("Content-Type"), body)
	if err != nil && resp.StatusCode == http.StatusOK {
		return nil, 0, err
	}
	return said, resp.StatusCode, nil
}

// statement is what a server says of a token: in JSON, or in a form as old ones do.
type statement map[string]any

func readStatement(contentType string, body []byte) (statement, error) {
	media, _, _ := mime.ParseMediaType(contentType) // what cannot be read is tried as JSON
	if media == "application/x-www-form-urlencoded" {
		values, err := url.ParseQuery(string(body))
		if err != nil {
			return nil, errors.New("the answer cannot be read")
		}
		said := statement{}
		for name := range values {
			said[name] = values.Get(name)
		}
		return said, nil
	}
	var said statement
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, errors.New("the answer is no JSON object")
	}
	return said, nil
}

func (s statement) text(name string) string {
	text, _ := s[name].(string) // "" when it is something else
	return text
}

// flag is true for true, and for the "true" of the standard's example.
func (s statement) flag(name string) bool { return s[name] == true || s[name] == "true" }

// number reads a time in seconds, 0 when there is none.
func (s statement) number(name string) int64 {
	if n, ok := s[name].(float64); ok {
		return int64(n)
	}
	n, _ := strconv.ParseInt(s.text(name), 10, 64) // 0 for what is none
	return n
}

// scopes are words in a text, or a list of them.
func (s statement) scopes() (words []string) {
	list, ok := s["scope"].([]any)
	if !ok {
		return strings.Fields(s.text("scope"))
	}
	for _, one := range list {
		if word, ok := one.(string); ok {
			words = append(words, strings.Fields(word)...)
		}
	}
	return words
}
