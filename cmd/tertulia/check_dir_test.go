package main

import (
	"io"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/lang"
)

// source is a site that a generator builds, with a history.
func source(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func git(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func TestCheckOfSources(t *testing.T) {
	bare, tree := t.TempDir(), source(t, "hugo.toml")
	git(t, "init", "--quiet", "--bare", bare)
	git(t, "init", "--quiet", tree)
	git(t, "-C", tree, "remote", "add", "origin", bare)
	open := filepath.Join(source(t), "token")
	if err := os.WriteFile(open, []byte("secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(source(t, "token"), "token")
	yes := true
	commit := func(g gitSettings) gitSettings { g.Commit = &yes; return g }
	for name, one := range map[string]struct {
		publish publishSettings
		want    []string
	}{
		"well":                   {publishSettings{Preset: "hugo", Dir: tree, Build: []string{"git"}, Git: commit(gitSettings{})}, nil},
		"a file for a directory": {publishSettings{Preset: "hugo", Dir: filepath.Join(tree, "hugo.toml")}, []string{"directory fails"}},
		"gone":                   {publishSettings{Preset: "hugo", Dir: filepath.Join(tree, "no")}, []string{"directory fails"}},
		"another generator":      {publishSettings{Preset: "jekyll", Dir: tree}, []string{"directory fails"}},
		"no generator":           {publishSettings{Preset: "hugo", Dir: source(t)}, []string{"directory warning"}},
		"plain":                  {publishSettings{Preset: "plain", Dir: source(t)}, nil},
		"a batch of pages":       {publishSettings{Preset: "html", Dir: source(t), Batch: duration(time.Hour)}, []string{"build warning"}},
		"no program":             {publishSettings{Preset: "hugo", Dir: tree, Build: []string{"no-such-program"}}, []string{"build fails"}},
		"a program of the site":  {publishSettings{Preset: "hugo", Dir: tree, Build: []string{"./no"}}, []string{"build fails"}},
		"no tree":                {publishSettings{Preset: "hugo", Dir: source(t, "hugo.toml"), Git: commit(gitSettings{})}, []string{"git fails"}},
		"no such remote":         {publishSettings{Preset: "hugo", Dir: tree, Git: commit(gitSettings{Remote: "upstream"})}, []string{"git fails"}},
		"nothing there":          {publishSettings{Preset: "hugo", Dir: tree, Git: gitSettings{Remote: filepath.Join(tree, "no")}}, []string{"git fails"}},
		"a remote that runs":     {publishSettings{Preset: "hugo", Dir: tree, Git: gitSettings{Remote: "ext::touch " + filepath.Join(tree, "ran")}}, []string{"git fails"}},
		"an option":              {publishSettings{Preset: "hugo", Dir: tree, Git: gitSettings{Remote: "--upload-pack=touch"}}, []string{"git fails"}},
		"no such branch":         {publishSettings{Preset: "hugo", Dir: tree, Git: gitSettings{Remote: bare, Branch: "pages"}}, []string{"git warning"}},
		"a clone":                {publishSettings{Preset: "hugo", Git: gitSettings{Remote: bare, Clone: true}}, nil},
		"no token":               {publishSettings{Preset: "hugo", Dir: tree, Git: gitSettings{Remote: bare, TokenFile: "/no/token"}}, []string{"token fails"}},
		"an open token":          {publishSettings{Preset: "hugo", Dir: tree, Git: gitSettings{Remote: bare, TokenFile: open}}, []string{"token warning"}},
		"a closed token":         {publishSettings{Preset: "hugo", Dir: tree, Git: gitSettings{Remote: bare, TokenFile: closed}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			set := defaults()
			set.Data = t.TempDir()
			k := &checker{set: set, one: siteSettings{URL: "https://ana.example/", Publish: one.publish}, l: lang.For("en")}
			k.directories()
			k.build()
			k.git(t.Context())
			if diff := cmp.Diff(one.want, troubles(t, k)); diff != "" {
				t.Errorf("(-want +got):\n%s\n%+v", diff, k.points)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(tree, "ran")); err == nil {
		t.Error("a remote has run a program")
	}
	out, err := exec.Command("git", "-C", bare, "for-each-ref").Output()
	if err != nil || len(out) > 0 {
		t.Errorf("something was pushed: %s, %v", out, err)
	}
}

// The token is given to the server that the settings name, and to nobody else.
func TestCheckPushesWithTheToken(t *testing.T) {
	bare := t.TempDir()
	git(t, "init", "--quiet", "--bare", bare)
	git(t, "-C", bare, "config", "http.receivepack", "true")
	where, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{Path: filepath.Join(strings.TrimSpace(string(where)), "git-http-backend"),
		Env: []string{"GIT_PROJECT_ROOT=" + bare, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER=ana"}, Stderr: io.Discard}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ana" || password != "secret" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	defer server.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler(server.URL, http.StatusFound))
	defer elsewhere.Close()
	for _, one := range []struct {
		remote, token string
		want          []string
	}{
		{server.URL + "/", "secret\n", nil},
		{strings.Replace(server.URL, "://", "://bea@", 1) + "/", "secret", []string{"git fails"}},
		{server.URL + "/", "wrong", []string{"git fails"}},
		{elsewhere.URL + "/", "secret", []string{"git fails"}},
	} {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(one.token), 0o600); err != nil {
			t.Fatal(err)
		}
		user := "ana"
		if strings.Contains(one.remote, "bea@") {
			user = "" // the one in the address
		}
		set := defaults()
		set.Data = t.TempDir()
		k := &checker{set: set, l: lang.For("en"), one: siteSettings{Publish: publishSettings{Preset: "hugo",
			Git: gitSettings{Clone: true, Remote: one.remote, TokenFile: file, User: user}}}}
		k.git(t.Context())
		if diff := cmp.Diff(one.want, troubles(t, k)); diff != "" {
			t.Errorf("%s (-want +got):\n%s\n%+v", one.remote, diff, k.points)
		}
		for _, p := range k.points {
			if strings.Contains(p.Seen+p.Do, "secret") || strings.Contains(p.Seen+p.Do, "bea@") {
				t.Errorf("%s: it tells %q", one.remote, p.Seen)
			}
		}
	}
}
