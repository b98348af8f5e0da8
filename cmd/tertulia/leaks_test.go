package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"tertulia/internal/leaktest"
	"tertulia/store"
)

// leaky is the variable that has TestLeakOnPurpose leak, and where.
const leaky = "TERTULIA_TEST_LEAK"

// leaks are the places where a secret may be left, as mutants of the program would, and what
// must be said of each.
var leaks = map[string]struct {
	plant func(t *testing.T, dir, secret string, ana *demoSite, log *slog.Logger)
	found string // in what is said
}{
	"nowhere": {func(*testing.T, string, string, *demoSite, *slog.Logger) {}, ""},
	"in the database": {func(t *testing.T, _, secret string, ana *demoSite, _ *slog.Logger) {
		keepNote(t, ana, "secret "+secret)
	}, `a secret is in \S+tertulia.db: by internal/site.\(\*Access\).NewLinkFor`},
	"in a free page of the database": {func(t *testing.T, _, secret string, ana *demoSite, _ *slog.Logger) {
		id := keepNote(t, ana, strings.Repeat("padding ", 4000)+secret)
		err := ana.db.Update(t.Context(), ana.site.Key, func(tx *store.Tx) error { return tx.Record(store.Decision{ID: id}) })
		if err != nil {
			t.Fatal(err)
		}
	}, `a secret is in \S+tertulia.db: `},
	"in a backup": {func(t *testing.T, dir, secret string, ana *demoSite, _ *slog.Logger) {
		page := filepath.Join(dir, "site", "page.html")
		if err := os.WriteFile(page, []byte(secret), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ana.db.Backup(t.Context(), filepath.Join(dir, "all.tar")); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(page); err != nil {
			t.Fatal(err)
		}
	}, `a secret is in \S+all.tar: `},
	"in the log": {func(_ *testing.T, _, secret string, _ *demoSite, log *slog.Logger) {
		log.Info("link made", "link", "/-/link/"+secret)
	}, `leaktest: a secret is in \S+/log: `},
	"on an error page": {func(t *testing.T, _, secret string, _ *demoSite, _ *slog.Logger) {
		refuse := leaktest.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no link "+secret, http.StatusGone)
		}))
		refuse.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}, `leaktest: a secret is in \S+/refusals: `},
	"in an answer over the network": {func(t *testing.T, _, secret string, _ *demoSite, _ *slog.Logger) {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", "Link "+secret)
			w.WriteHeader(http.StatusUnauthorized)
		}))
		defer server.Close()
		resp, err := http.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}, `leaktest: a secret is in \S+/refusals: `},
	"in other letters": {func(t *testing.T, _, _ string, ana *demoSite, _ *slog.Logger) {
		token, err := ana.site.Access.NewToken(t.Context(), "script", []string{"create"})
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "tt_"))
		if err != nil {
			t.Fatal(err)
		}
		keepNote(t, ana, hex.EncodeToString(raw))
	}, `a secret is in \S+tertulia.db: by indieauth.newSecret`},
	"as a passphrase": {func(t *testing.T, _, _ string, ana *demoSite, _ *slog.Logger) {
		phrase, err := ana.site.Access.NewPassphrase(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		keepNote(t, ana, phrase)
	}, `a secret is in \S+tertulia.db: by internal/site.\(\*Access\).NewPassphrase`},
	"as a token that nobody has seen made": {func(t *testing.T, _, _ string, ana *demoSite, _ *slog.Logger) {
		keepNote(t, ana, "tt_"+strings.Repeat("x", 43))
	}, `a secret is in \S+tertulia.db: by whoever makes tt_`},
}

// keepNote has the database keep a text, and returns what to forget it by.
func keepNote(t *testing.T, ana *demoSite, text string) (id string) {
	t.Helper()
	err := ana.db.Update(t.Context(), ana.site.Key, func(tx *store.Tx) error {
		id = tx.DecisionID()
		return tx.Record(store.Decision{ID: id, Note: text})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// TestLeakOnPurpose is for TestLeaksAreFound.
func TestLeakOnPurpose(t *testing.T) {
	leak, ok := leaks[os.Getenv(leaky)]
	if !ok {
		t.Skip("nothing is to be leaked")
	}
	dir := dataDir(t)
	ana, err := startDemoSite(t.Context(), dir, "Ana", "en", quiet())
	if err != nil {
		t.Fatal(err)
	}
	defer ana.stop()
	link, err := ana.site.Access.NewLink(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	leak.plant(t, dir, path.Base(link), ana, quiet())
}

// A secret that is left anywhere by any test fails the run: in the database, free pages
// included, in a backup, a log or an error page (HOSTILE 115).
func TestLeaksAreFound(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for place, leak := range leaks {
		t.Run(place, func(t *testing.T) {
			cmd := exec.Command(program, "-test.run=^TestLeakOnPurpose$")
			cmd.Env = append(os.Environ(), leaky+"="+place)
			out, err := cmd.CombinedOutput()
			if (err == nil) != (leak.found == "") || !regexp.MustCompile(leak.found).Match(out) {
				t.Errorf("got %v and want %q in\n%s", err, leak.found, out)
			}
		})
	}
}

// Every file of tests that keeps data has it searched: in its own lines, or through those
// that are named here.
func TestWhatTestsKeepIsSearched(t *testing.T) {
	begins := regexp.MustCompile(`\b(store\.Open|startDemoSite)\(`)
	elsewhere := map[string]string{
		"bench_service_test.go": "it measures",
		"conform_test.go":       "it opens what newMortal has made",
		"strace_test.go":        "the same",
	}
	for _, dir := range []string{".", "../../internal/web", "../../internal/site"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		if err != nil || len(files) < 10 {
			t.Fatalf("%s has %d files of tests, %v", dir, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			searched := strings.Contains(string(text), "leaktest.") || strings.Contains(string(text), "dataDir(")
			if begins.Match(text) && !searched && elsewhere[filepath.Base(file)] == "" {
				t.Error(fmt.Errorf("%s opens a database that nobody searches: see dataDir", file))
			}
		}
	}
}
