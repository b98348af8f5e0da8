package indieauth_test

import (
	"cmp"
	"context"
	"io/fs"
	"maps"
	"sync"
	"time"

	"tertulia/indieauth"
)

// Memory is a Storage that forgets everything when the program ends.
type Memory struct {
	mu        sync.Mutex
	codes     map[string]indieauth.Code
	tokens    map[string]indieauth.Token
	refreshes map[string]indieauth.Refresh
}

func NewMemory() *Memory {
	return &Memory{codes: map[string]indieauth.Code{}, tokens: map[string]indieauth.Token{}, refreshes: map[string]indieauth.Refresh{}}
}

func (m *Memory) PutCode(_ context.Context, code indieauth.Code) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.codes[code.Hash] = code
	return nil
}

func (m *Memory) Redeem(_ context.Context, hash string, now time.Time, decide func(indieauth.Code) (indieauth.Given, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	code, ok := m.codes[hash]
	if !ok {
		return fs.ErrNotExist
	}
	code, given, revoke, err := indieauth.Redemption(code, now, decide)
	m.codes[hash] = code
	m.keep(given, revoke)
	return err
}

func (m *Memory) Renew(_ context.Context, hash string, now time.Time, decide func(indieauth.Refresh, indieauth.Token) (indieauth.Given, error)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.refreshes[hash]
	if !ok {
		return fs.ErrNotExist
	}
	after, given, revoke, err := indieauth.Rotation(old, m.tokens[old.Token], now, decide)
	m.refreshes[hash] = after
	if given.Token != nil {
		delete(m.tokens, old.Token)
	}
	m.keep(given, revoke)
	return err
}

// keep writes what is given, and revokes a family.
func (m *Memory) keep(given indieauth.Given, revoke string) {
	if given.Token != nil {
		m.tokens[given.Token.Hash] = *given.Token
	}
	if given.Refresh != nil {
		m.refreshes[given.Refresh.Hash] = *given.Refresh
	}
	if revoke != "" {
		maps.DeleteFunc(m.tokens, func(_ string, t indieauth.Token) bool { return t.Family == revoke })
		maps.DeleteFunc(m.refreshes, func(_ string, r indieauth.Refresh) bool { return r.Family == revoke })
	}
}

func (m *Memory) PutToken(_ context.Context, token indieauth.Token) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tokens[token.Hash] = token
	return nil
}

func (m *Memory) Token(_ context.Context, hash string) (indieauth.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	token, ok := m.tokens[hash]
	if !ok {
		return indieauth.Token{}, fs.ErrNotExist
	}
	return token, nil
}

func (m *Memory) Revoke(_ context.Context, hash string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	family := cmp.Or(m.tokens[hash].Family, m.refreshes[hash].Family)
	delete(m.tokens, hash)
	m.keep(indieauth.Given{}, family)
	return nil
}
