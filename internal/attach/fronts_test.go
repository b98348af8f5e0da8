package attach_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/attach"
)

// arrived is what reaches the service of a request to the front server.
type arrived struct {
	Host, URI, For, Token string
	Body                  string // its digest
}

// service stands where the lines say that the service listens.
func service(t *testing.T) (listen string, last func() arrived) {
	got := make(chan arrived, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		if _, err := io.Copy(sum, r.Body); err != nil {
			t.Errorf("read %s: %v", r.URL, err)
		}
		got <- arrived{r.Host, r.RequestURI, r.Header.Get("X-Forwarded-For"), r.Header.Get("Authorization"), fmt.Sprintf("%x", sum.Sum(nil))}
		for _, e := range whole.Endpoints() {
			w.Header().Add("Link", "<"+e.URL+`>; rel="`+e.Rel+`"`)
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://"), func() arrived { return <-got }
}

// given are the ports that freePort has given.
var given sync.Map

// freePort is one that nobody listens on, and given once. It lies below those from which
// systems take ports by themselves, so that it stays free until a server has started.
func freePort(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.N(12_000))
		if _, taken := given.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// run starts a front server, waits until it has certificates for some names, and returns a
// browser for which every name leads there.
func run(t *testing.T, addr, dir string, names []string, command ...string) *http.Client {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Dir = &said, &said, dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
		if t.Failed() {
			t.Logf("%s said:\n%s", command[0], said.String())
		}
	})
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // its certificate is its own
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		},
	}}
	t.Cleanup(client.CloseIdleConnections)
	for begun, tick := time.Now(), time.NewTicker(20*time.Millisecond); ; <-tick.C {
		err := reach(addr, names)
		if err == nil {
			return client
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v", command[0], err)
		default:
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("%s is not there: %v", command[0], err)
		}
	}
}

func reach(addr string, names []string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	conn.Close()
	for _, name := range names {
		conn, err := tls.Dial("tcp", addr, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		if err != nil {
			return err
		}
		conn.Close()
	}
	return nil
}

// pages are the site's own, as another program has made them.
func pages(t *testing.T) string {
	dir := t.TempDir()
	put(t, dir, "index.html", "<title>the owner's home page</title>")
	put(t, dir, "a/index.html", "<title>a page</title>")
	return dir
}

// through sends what clients send through a front server, and looks at what arrives.
func through(t *testing.T, client *http.Client, l attach.Lines, scheme string, last func() arrived) {
	t.Helper()
	do := func(method, address string, body io.Reader) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, strings.Replace(address, "https:", scheme+":", 1), body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer secret")
		req.Header.Set("X-Forwarded-For", "192.0.2.9") // who says so is not to be believed
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, address, err)
		}
		_, _ = io.Copy(io.Discard, resp.Body) // it is the headers that count
		resp.Body.Close()
		return resp
	}
	host, path, _ := strings.Cut(strings.TrimPrefix(l.Base, "https://"), "/")
	photo := bytes.Repeat([]byte("12 megabytes"), 1<<20)
	want := arrived{host, "/" + path + "media?x=a%2Fb", "127.0.0.1", "Bearer secret", fmt.Sprintf("%x", sha256.Sum256(photo))}
	// A body whose length is told, and one that is not.
	for _, body := range []io.Reader{bytes.NewReader(photo), io.MultiReader(bytes.NewReader(photo))} {
		if resp := do("POST", l.Base+"media?x=a%2Fb", body); resp.StatusCode != http.StatusCreated {
			t.Fatalf("an upload: got %s", resp.Status)
		}
		if diff := cmp.Diff(want, last()); diff != "" {
			t.Errorf("an upload (-sent +arrived):\n%s", diff)
		}
	}
	nothing := fmt.Sprintf("%x", sha256.Sum256(nil))
	for _, rest := range []string{"metadata", "conversation?url=https%3A%2F%2Fexample.com%2Fa%2F%3Fb%26c", "a%20b/%C3%B1/x%2Fy"} {
		do("GET", l.Base+rest, nil)
		if diff := cmp.Diff(arrived{host, "/" + path + rest, "127.0.0.1", "Bearer secret", nothing}, last()); diff != "" {
			t.Errorf("GET %s (-sent +arrived):\n%s", rest, diff)
		}
	}
	var links []string
	for _, e := range l.Endpoints() {
		links = append(links, "<"+e.URL+`>; rel="`+e.Rel+`"`)
	}
	for _, page := range []string{l.Site, l.Site + "a/"} {
		for _, method := range []string{"GET", "HEAD"} {
			resp, status := do(method, page, nil), http.StatusOK
			if l.Serves {
				status = http.StatusCreated
				last()
			}
			if diff := cmp.Diff(links, resp.Header.Values("Link")); diff != "" || resp.StatusCode != status {
				t.Errorf("%s %s: %s, links (-want +got):\n%s", method, page, resp.Status, diff)
			}
		}
	}
	if resp := do("GET", l.Site+"nothing/", nil); !l.Serves && resp.StatusCode != http.StatusNotFound {
		t.Errorf("a page that is not there: got %s", resp.Status)
	}
}

// cut divides the lines where an owner does, to put each part where its comment says.
func cut(t *testing.T, lines, at string) (before, after string) {
	t.Helper()
	before, after, found := strings.Cut(lines, at)
	if !found {
		t.Fatalf("there is no %q in\n%s", at, lines)
	}
	return before, after
}

// The lines for nginx do what they promise, in nginx.
func TestNginxLines(t *testing.T) {
	needs(t, "nginx", true)
	for name, l := range map[string]attach.Lines{"whole": whole, "behind": behind, "within": within, "beside": beside} {
		t.Run(name, func(t *testing.T) {
			var last func() arrived
			l.Listen, last = service(t)
			dir, addr, scheme := t.TempDir(), freePort(t), "http"
			server := "server {\nlisten " + addr + ";\nserver_name example.com;\nroot " + pages(t) + ";\n"
			lines := text(t, l, "nginx.conf")
			switch name {
			case "whole", "behind":
				server += lines + "\n}"
			case "within":
				endpoints, headers := cut(t, lines, "# In the location that serves your pages:")
				server += endpoints + "location / {\n" + headers + "\n}\n}"
			case "beside":
				scheme = "https"
				certificate(t, dir)
				tls := "listen " + addr + " ssl;\nssl_certificate cert.pem;\nssl_certificate_key key.pem;"
				own, headers := cut(t, lines, "# If nginx serves your pages too, in their location:")
				own = strings.Replace(own, "listen 443 ssl;", tls, 1)
				server = strings.Replace(server, "listen "+addr+";", tls, 1) + "location / {\n" + headers + "\n}\n}\n" + own
			}
			through(t, nginx(t, dir, addr, server), l, scheme, last)
		})
	}
}

// nginx runs with a server block, and returns a browser for which every name leads there.
func nginx(t *testing.T, dir, addr, server string) *http.Client {
	t.Helper()
	put(t, dir, "nginx.conf", "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\nevents {}\nhttp {\naccess_log off;\n"+
		"types { text/html html; }\n"+
		"client_body_temp_path tmp;\nproxy_temp_path tmp;\nfastcgi_temp_path tmp;\nuwsgi_temp_path tmp;\nscgi_temp_path tmp;\n"+server+"\n}\n")
	return run(t, addr, dir, nil, "nginx", "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr")
}

// certificate makes cert.pem and key.pem.
func certificate(t *testing.T, dir string) {
	t.Helper()
	srv := httptest.NewTLSServer(nil)
	defer srv.Close()
	pair := srv.TLS.Certificates[0]
	put(t, dir, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// The lines for Caddy do what they promise, in Caddy, with certificates of its own.
func TestCaddyLines(t *testing.T) {
	needs(t, "caddy", true)
	for name, l := range map[string]attach.Lines{"whole": whole, "behind": behind, "within": within, "beside": beside} {
		t.Run(name, func(t *testing.T) {
			var last func() arrived
			l.Listen, last = service(t)
			dir, addr := t.TempDir(), freePort(t)
			serve := "root * " + pages(t) + "\nfile_server\n"
			lines := text(t, l, "Caddyfile")
			switch name {
			case "within":
				before, after := cut(t, lines, "# what serves your pages, and:")
				lines = "example.com {\n" + before + serve + after + "\n}"
			case "beside":
				own, headers := cut(t, lines, "# If Caddy serves your pages too, in their block:")
				lines = own + "example.com {\n" + serve + headers + "\n}"
			}
			names := []string{"example.com"}
			if name == "beside" {
				names = append(names, "talk.example.com")
			}
			through(t, caddy(t, dir, addr, lines, names...), l, "https", last)
		})
	}
}

// caddy runs with some blocks, and returns a browser for which every name leads there.
func caddy(t *testing.T, dir, addr, blocks string, names ...string) *http.Client {
	t.Helper()
	_, https, _ := net.SplitHostPort(addr)
	_, http, _ := net.SplitHostPort(freePort(t))
	put(t, dir, "Caddyfile", "{\nadmin off\nlocal_certs\nskip_install_trust\ndefault_bind 127.0.0.1\nhttp_port "+http+"\nhttps_port "+https+"\n}\n"+blocks+"\n")
	return run(t, addr, dir, names, "caddy", "run", "--config", filepath.Join(dir, "Caddyfile"), "--adapter", "caddyfile")
}
