package hostile_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/webtest"
)

// The same with the program as it is built and wired (HOSTILE 1, 4, 10, 13): only the
// public Internet of its settings is ever visited, and it goes on working.
func TestProgramIsNotLedInside(t *testing.T) {
	secret := portOf(t, webtest.Canary(t, "127.0.0.1:0"))
	w := &inside{t: t}
	page := pages("http://" + webtest.Serve(t, "127.0.2.7:0", w.honest))
	p := start(t, "http://"+webtest.Canary(t, "127.0.0.1:0"))

	inner := "http://127.0.0.1:" + secret + "/"
	links := []string{inner + "target"}
	for _, how := range []string{"302", "header", "link", "a", "base"} {
		links = append(links, page(how, inner+how))
	}
	form := url.Values{"h": {"entry"}, "content": {"Hello"}, "category": {"test"}, "in-reply-to": links}
	post := p.post(t, "micropub", form).Header.Get("Location")
	sources := []string{inner + "source"}
	for _, how := range []string{"303", "307", "rel", "author"} {
		sources = append(sources, page(how, inner+how)+"&mine="+url.QueryEscape(post))
	}
	for _, source := range sources {
		if code := p.post(t, "webmention", url.Values{"source": {source}, "target": {post}}).StatusCode; code != http.StatusCreated {
			t.Errorf("webmention from %s: got %d, want 201", source, code)
		}
	}
	p.until(t, "refuses all addresses", func() bool {
		log := p.log.String() // endpoints are refused before the guard sees them
		return strings.Count(log, "address refused") >= 2+len(sources) && strings.Count(log, "outcome=refused") >= len(links)
	})
	p.until(t, "still answers", func() bool { return p.get(t, "/") == http.StatusOK })
}

// program is a running service, for https://me.example/.
type program struct {
	address, token string
	log            buffer
}

// start builds and starts the program on this machine, with a proxy in its environment.
func start(t *testing.T, proxy string) *program {
	t.Helper()
	dir := t.TempDir()
	tertulia := filepath.Join(dir, "tertulia")
	if out, err := exec.Command("go", "build", "-o", tertulia, "tertulia/cmd/tertulia").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &program{address: l.Addr().String()}
	config := filepath.Join(dir, "tertulia.toml")
	settings := fmt.Sprintf("listen = %q\ndata = %q\n[[site]]\nurl = %q\norigin = %q\n[fetch]\nallow = [\"127.0.2.0/24\"]\n",
		p.address, filepath.Join(dir, "data"), mine, "http://"+p.address)
	if err := os.WriteFile(config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tertulia, "--config", config, "token", "new", "--scope", "create").Output()
	if err != nil {
		t.Fatal(err)
	}
	p.token = strings.TrimSpace(string(out))
	if err := l.Close(); err != nil { // the port is the service's now
		t.Fatal(err)
	}
	cmd := exec.Command(tertulia, "--config", config, "serve")
	cmd.Stdout, cmd.Stderr = &p.log, &p.log
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		cmd.Env = append(cmd.Env, name+"="+proxy, strings.ToLower(name)+"="+proxy)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the program ended with %v\n%s", err, p.log.String())
		}
	})
	p.until(t, "answers", func() bool { return p.get(t, "/healthz") == http.StatusOK })
	return p
}

// get is the status of a page, 0 when there is no answer.
func (p *program) get(t *testing.T, path string) int {
	t.Helper()
	resp, err := p.do(t, http.MethodGet, path, nil)
	if err != nil {
		return 0
	}
	return resp.StatusCode
}

// post sends a form to one of the endpoints.
func (p *program) post(t *testing.T, endpoint string, form url.Values) *http.Response {
	t.Helper()
	resp, err := p.do(t, http.MethodPost, "/-/"+endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (p *program) do(t *testing.T, method, path string, body io.Reader) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+p.address+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "me.example"
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

// until waits for what the program is to do.
func (p *program) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(30 * time.Second); !done(); {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after half a minute it is not so that the program %s\n%s", what, p.log.String())
		}
	}
}

// buffer is a buffer that is written and read at once.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
