package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"tertulia/internal/leaktest"
	"tertulia/internal/syndicate/faketest"
)

// A command connects an account while the service runs: by asking its owner on the network, or with
// what the settings name, which is tried anew where it was refused by mistake.
func TestACommandConnectsAnAccountOfARunningService(t *testing.T) {
	const secret = "the token in the file"
	leaktest.Secret(secret)
	var closed atomic.Bool
	network := &doorman{Mastodon: &faketest.Mastodon{Host: "social.example", Token: secret}, apps: map[string]string{}, asked: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if closed.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		network.ServeHTTP(w, r)
	}))
	defer server.Close()
	m := newMortal(t, tertulia(t))
	file := filepath.Join(t.TempDir(), "token")
	config, err := os.OpenFile(m.config(), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = fmt.Fprintf(config, "\n[[site.syndicate]]\nkind = \"mastodon\"\nserver = %q\n[[site.syndicate]]\nkind = \"mastodon\"\nserver = %[1]q\nuser = \"ana\"\ntoken_file = %q\n", server.URL, file)
	}
	if err != nil || config.Close() != nil || os.WriteFile(file, []byte(secret), 0o600) != nil {
		t.Fatal(err)
	}
	m.start()
	host := strings.TrimPrefix(server.URL, "http://")
	if said := m.must("network", "connect", "mastodon:"+host); !strings.Contains(said, server.URL+"/oauth/authorize?") {
		t.Errorf("asked on the network: got %q", said)
	}
	if said := m.must("network", "connect", "mastodon:ana@"+host); strings.Contains(said, "authorize") {
		t.Errorf("with the file: got %q", said)
	}
	closed.Store(true)
	if _, complaint, ok := m.command("network", "connect", "mastodon:ana@"+host); ok || !strings.Contains(complaint, "does not take it") {
		t.Errorf("refused: got %q", complaint)
	}
}
