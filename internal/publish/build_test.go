package publish_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tertulia/internal/publish"
)

func TestCommand(t *testing.T) {
	needs(t, "sh")
	t.Setenv("TERTULIA_TOKEN", "secret")
	c := publish.Command{Dir: t.TempDir(), Args: []string{"sh", "-c", "env; pwd; echo the reason >&2; exit 3"}, Env: []string{"X=y"}}
	err := c.Build(t.Context())
	var failed *publish.BuildError
	if b, ok := err.(*publish.BuildError); ok {
		failed = b
	}
	if failed == nil || !strings.Contains(failed.Output, "X=y") || !strings.Contains(failed.Output, c.Dir) ||
		strings.Contains(failed.Output, "secret") || !strings.HasSuffix(err.Error(), "exit status 3: the reason") {
		t.Errorf("got %v with %+v", err, failed)
	}
	for _, args := range [][]string{nil, {"no-such-program"}} {
		if err := (&publish.Command{Dir: c.Dir, Args: args}).Build(t.Context()); err == nil {
			t.Errorf("%v: got no error", args)
		}
	}
	// What hangs is ended, with all that it has started.
	slow := publish.Command{Dir: c.Dir, Args: []string{"sh", "-c", "sleep 60 & sleep 60"}, Timeout: 50 * time.Millisecond}
	start := time.Now()
	if err := slow.Build(t.Context()); err == nil || !strings.Contains(err.Error(), "not done after 50ms") {
		t.Errorf("got %v", err)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("a hanging build took %s", took)
	}
	loud := publish.Command{Dir: c.Dir, Args: []string{"sh", "-c", "yes | head -c 1000000; echo end; false"}}
	err = loud.Build(t.Context())
	if b, ok := err.(*publish.BuildError); !ok || len(b.Output) > 8<<10 || !strings.HasSuffix(b.Output, "end\n") {
		t.Errorf("got %v", err)
	}
}

func TestHook(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/hook/secret" {
			asked++
			return
		}
		http.Error(w, "nobody here", http.StatusNotFound)
	}))
	defer server.Close()
	if err := (&publish.Hook{Client: server.Client(), URL: server.URL + "/hook/secret"}).Build(t.Context()); err != nil || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	err := (&publish.Hook{Client: server.Client(), URL: server.URL + "/hook/other-secret"}).Build(t.Context())
	if err == nil || !strings.Contains(err.Error(), "404") || !strings.Contains(err.Error(), "nobody here") {
		t.Errorf("got %v", err)
	}
	server.Close()
	err = (&publish.Hook{Client: server.Client(), URL: server.URL + "/hook/secret"}).Build(t.Context())
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
