package syndicate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"time"
)

// session is what a server gave for a password. Access opens everything for an hour or two,
// Refresh fetches the next session.
type session struct {
	Server  string `json:"server"`
	Account string `json:"account"`
	DID     string `json:"did"`
	Handle  string `json:"handle"`
	Access  string `json:"accessJwt"`
	Refresh string `json:"refreshJwt"`
}

// login is an account's session in use. One at a time asks for a new one: fifty who find that
// theirs has expired get the same.
type login struct {
	begin  sync.Once
	turn   chan struct{} // holds a value while somebody is at it
	loaded bool
	saved  bool // what Keep has is what we have
	denied time.Time

	mu   sync.Mutex // for session, where others only read
	last session
}

// A password that was refused is tried again after so long, and not before: many failures lock
// an account, and one may have been the server's own mistake.
const deniedFor = time.Hour

func (l *login) now() session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

func (l *login) set(s session) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = s
}

// secrets are what may stand in no message.
func (l *login) secrets(password string) []string {
	s := l.now()
	return []string{password, s.Access, s.Refresh}
}

// session returns the account's session, another than the one whose access token is stale. It
// comes from memory, from Keep, by the refresh token or by the password, in this order.
func (b *Bluesky) session(ctx context.Context, doing, stale string) (session, error) {
	l := &b.login
	l.begin.Do(func() { l.turn = make(chan struct{}, 1) })
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return session{}, ctx.Err()
	}
	if err := b.recall(ctx); err != nil {
		return session{}, fmt.Errorf("%s: the session: %w", doing, err)
	}
	s := l.now()
	if s.Access == "" || s.Access == stale {
		var err error
		if s, err = b.renew(ctx, s); err != nil {
			return session{}, asking(err, doing)
		}
		l.set(s)
		l.saved = false
	}
	if err := b.remember(ctx, s); err != nil {
		return session{}, fmt.Errorf("%s: the session: %w", doing, err)
	}
	return s, nil
}

// recall loads the session that an earlier run has kept, if it is one of this account.
func (b *Bluesky) recall(ctx context.Context) error {
	l := &b.login
	if l.loaded || b.Keep == nil {
		return nil
	}
	raw, err := b.Keep.Load(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	l.loaded = true
	var s session
	if json.Unmarshal(raw, &s) == nil && s.Server == b.Server && s.Account == b.Account && isDID(s.DID) {
		l.set(s)
		l.saved = true
	}
	return nil
}

// remember keeps a session, once.
func (b *Bluesky) remember(ctx context.Context, s session) error {
	if b.login.saved || b.Keep == nil {
		return nil
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := b.Keep.Save(ctx, raw); err != nil {
		return err
	}
	b.login.saved = true
	return nil
}

// renew gets a new session for an old one, or for the password.
func (b *Bluesky) renew(ctx context.Context, old session) (session, error) {
	if old.Refresh != "" {
		s, err := b.enter(ctx, question{doing: "connect", method: "com.atproto.server.refreshSession", writes: true, bearer: old.Refresh})
		var e *Error
		if err == nil || !errors.As(err, &e) || !e.Login && !e.Refused {
			return s, err
		}
	}
	l := &b.login
	if since := time.Since(l.denied); !l.denied.IsZero() && since < deniedFor {
		return session{}, &Error{Doing: "connect", Login: true, Status: http.StatusUnauthorized, Cause: errors.New("the password was refused a short time ago")}
	}
	s, err := b.enter(ctx, question{
		doing: "connect", method: "com.atproto.server.createSession", writes: true,
		body: map[string]string{"identifier": strings.TrimPrefix(b.Account, "@"), "password": b.Password},
	})
	var e *Error
	if errors.As(err, &e) && e.Login {
		l.denied = time.Now()
	}
	return s, err
}

// enter asks for a session.
func (b *Bluesky) enter(ctx context.Context, q question) (session, error) {
	var given struct {
		session
		Active *bool
		Status string
	}
	if _, err := b.exchange(ctx, b.Server, q, &given); err != nil {
		var e *Error
		if errors.As(err, &e) {
			e.Unclear = false // to enter twice changes nothing
		}
		return session{}, err
	}
	if given.Active != nil && !*given.Active {
		return session{}, &Error{Doing: q.doing, Login: true, Cause: fmt.Errorf("the account is not active: %q", plainWords(given.Status, 64))}
	}
	if !isDID(given.DID) || given.Access == "" || strings.ContainsAny(given.Access+given.Refresh, "\r\n") {
		return session{}, &Error{Doing: q.doing, Cause: errors.New("the server gave no session")}
	}
	given.Server, given.Account = b.Server, b.Account
	return given.session, nil
}

// asking makes an error one of what the session was wanted for.
func asking(err error, doing string) error {
	var e *Error
	if errors.As(err, &e) && !e.Login {
		e.Doing = doing
	}
	return err
}
