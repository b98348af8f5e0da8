package gitree_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tertulia/internal/publish"
	"tertulia/internal/publish/gitree"
)

// git runs the real program as a person would, and gives what it prints.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := tryGit(dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSuffix(out, "\n")
}

func tryGit(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.DevNull, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ana", "GIT_AUTHOR_EMAIL=ana@example.com", "GIT_COMMITTER_NAME=Ana", "GIT_COMMITTER_EMAIL=ana@example.com",
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// bare makes a remote, with these files if any: name, text, name, text….
func bare(t testing.TB, files ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "site.git")
	git(t, "/", "init", "--quiet", "--bare", "--initial-branch=main", dir)
	if files != nil {
		push(t, dir, "first", files...)
	}
	return dir
}

// other is a clone of somebody else's.
func other(t testing.TB, remote string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "other")
	git(t, "/", "clone", "--quiet", remote, dir)
	git(t, dir, "checkout", "--quiet", "-B", "main")
	return dir
}

// push has somebody else change files at the remote.
func push(t testing.TB, remote, message string, files ...string) {
	t.Helper()
	dir := t.TempDir()
	there := func(args ...string) {
		git(t, dir, append([]string{"--git-dir=" + remote, "--work-tree=" + dir}, args...)...)
	}
	if _, err := tryGit(remote, "rev-parse", "--verify", "main"); err == nil {
		there("read-tree", "main")
	}
	for i := 0; i < len(files); i += 2 {
		put(t, dir, files[i], files[i+1])
	}
	there("add", "--ignore-removal", ".")
	there("commit", "--quiet", "-m", message)
}

func put(t testing.TB, dir, name, text string) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// history lists the subjects of a branch, newest first.
func history(t testing.TB, dir, branch string) string {
	t.Helper()
	return strings.ReplaceAll(git(t, dir, "log", "--format=%s", branch, "--"), "\n", ", ")
}

// cloned opens a clone of our own.
func cloned(t testing.TB, remote string) *gitree.Repo {
	t.Helper()
	return open(t, &gitree.Repo{Clone: true, Dir: filepath.Join(t.TempDir(), "clone"), Remote: remote, Branch: "main"})
}

// owned opens an owner's tree of a remote with these files.
func owned(t testing.TB, remote string) *gitree.Repo {
	t.Helper()
	return open(t, &gitree.Repo{Dir: other(t, remote)})
}

func open(t testing.TB, r *gitree.Repo) *gitree.Repo {
	t.Helper()
	r.Name, r.Email = "Ana", "ana@example.com"
	if err := r.Open(t.Context()); err != nil {
		t.Fatalf("open: %v", err)
	}
	return r
}

// apply changes files as a caller does: it reads, then writes. nil text is "-".
func apply(ctx context.Context, r *gitree.Repo, message string, files ...string) error {
	var list []publish.File
	for i := 0; i < len(files); i += 2 {
		f := publish.File{Name: files[i], Data: []byte(files[i+1])}
		if files[i+1] == "-" {
			f.Data = nil
		}
		f.Was, _ = r.Read(f.Name)
		list = append(list, f)
	}
	return r.Apply(ctx, message, list)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// served gives the address of a bare repository over http; before may answer instead.
func served(t testing.TB, dir string, before func(w http.ResponseWriter, r *http.Request) (answered bool)) string {
	t.Helper()
	git(t, dir, "config", "http.receivepack", "true")
	root, name := filepath.Split(dir)
	backend := &cgi.Handler{
		Path: filepath.Join(git(t, "/", "--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + os.DevNull},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return fmt.Sprintf("%s/%s", server.URL, name)
}
