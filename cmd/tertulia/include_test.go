package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// WIDGET 2: web servers that put pages together include the conversation with the lines of
// docs/widget.md; without an answer readers get the link.
func TestServersIncludeTheConversation(t *testing.T) {
	for name, server := range map[string]struct{ program, config, page, broken string }{
		"nginx": {"nginx", `daemon off; master_process off; pid %[1]s/pid; error_log stderr; events {}
			http { access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
			server { listen %[2]s; root %[1]s/pages; location / { ssi on; } location /-/ { proxy_pass %[3]s; } location /down/ { proxy_pass http://127.0.0.1:1/; } } }`,
			`<!--# block name="link" --><a href="/-/conversation?url=%[1]s$uri">See the conversation</a><!--# endblock --><!--# include virtual="/-/conversation?fragment=1&url=%[1]s$uri" stub="link" -->`,
			`<!--# block name="link" --><a href="/-/conversation?url=%[1]s$uri">See the conversation</a><!--# endblock --><!--# include virtual="/down/conversation?fragment=1&url=%[1]s$uri" stub="link" -->`},
		"caddy": {"caddy", `{ "admin": { "disabled": true }, "apps": { "http": { "servers": { "one": { "listen": ["%[2]s"], "automatic_https": { "disable": true }, "routes": [
			{ "match": [{ "path": ["/-/*"] }], "handle": [{ "handler": "rewrite", "strip_path_prefix": "/-" }, { "handler": "rewrite", "uri": "%[4]s{http.request.uri}" }, { "handler": "reverse_proxy", "upstreams": [{ "dial": "%[5]s" }] }], "terminal": true },
			{ "handle": [{ "handler": "templates" }, { "handler": "file_server", "root": "%[1]s/pages" }] } ] } } } } }`,
			`{{httpInclude (printf "/-/conversation?fragment=1&url=%[1]s%%s" (urlquery .OriginalReq.URL.Path))}}`, ""},
		"php": {"php", `<?php
			$at = strtok($_SERVER['REQUEST_URI'], '?');
			$talk = $at === '/broken/' ? 'http://127.0.0.1:1/' : '%[3]s';
			include __DIR__ . '/pages' . $at . 'index.html';`,
			`<?php $home = '%[1]s'; readfile($talk . 'conversation?fragment=1&url=' . urlencode($home . strtok($_SERVER['REQUEST_URI'], '?'))); ?>`,
			`<a href="/">See the conversation</a><?php $home = '%[1]s'; @readfile($talk . 'conversation?fragment=1&url=' . urlencode($home)); ?>`},
		"varnish": {"varnishd", `vcl 4.1;
			backend pages { .host = "127.0.0.1"; .port = "%[6]s"; }
			backend talk { .host = "127.0.0.1"; .port = "%[7]s"; }
			sub vcl_recv {
				set req.backend_hint = pages;
				if (req.url ~ "^/-/") { set req.url = regsub(req.url, "^/-", "%[4]s"); set req.backend_hint = talk; }
			}
			sub vcl_backend_response { set beresp.do_esi = beresp.http.Content-Type ~ "html"; }`,
			`<esi:include src="/-/conversation?fragment=1&amp;url=%[1]s/post/"/>`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			program := needProgram(t, server.program, "/usr/sbin/"+server.program)
			a := newApart(t)
			a.talk(a.home() + "post/")
			dir := t.TempDir()
			at := strings.TrimSuffix(a.home(), "/")
			for path, text := range map[string]string{"post": server.page, "broken": server.broken} {
				file := filepath.Join(dir, "pages", path, "index.html")
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, fmt.Appendf([]byte("<!doctype html>\n"), text, at), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			listen := freeAddress(t)
			rest := strings.TrimPrefix(a.ana.Base, "http://")
			host, path, _ := strings.Cut(rest, "/")
			config := filepath.Join(dir, "config.json")
			files := httptest.NewServer(http.FileServer(http.Dir(filepath.Join(dir, "pages"))))
			t.Cleanup(files.Close)
			_, port, _ := strings.Cut(host, ":")
			_, filesPort, _ := strings.Cut(strings.TrimPrefix(files.URL, "http://"), ":")
			text := fmt.Sprintf(server.config+"%.0[1]s%.0[2]s%.0[3]s%.0[4]s%.0[5]s%.0[6]s%.0[7]s", dir, listen, a.ana.Base, "/"+strings.TrimSuffix(path, "/"), host, filesPort, port)
			if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(program, map[string][]string{
				"nginx": {"-c", config, "-e", "stderr"}, "caddy": {"run", "--config", config},
				"php": {"-S", listen, config}, "varnishd": {"-F", "-j", "none", "-n", filepath.Join(dir, "v"), "-f", config, "-a", listen, "-s", "malloc,16m", "-T", "none"},
			}[server.program]...)
			cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
			var said strings.Builder
			cmd.Stdout, cmd.Stderr = &said, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				_ = cmd.Process.Signal(os.Interrupt) // it may have ended
				_ = cmd.Wait()                       // as it was told
				if t.Failed() {
					t.Log(said.String())
				}
			})
			get := func(path string) string {
				t.Helper()
				for begun, tick := time.Now(), time.NewTicker(20*time.Millisecond); ; <-tick.C {
					resp, err := http.Get("http://" + listen + path)
					if err == nil {
						defer resp.Body.Close()
						body, err := io.ReadAll(resp.Body)
						if err != nil {
							t.Fatal(err)
						}
						return string(body)
					}
					if time.Since(begun) > 20*time.Second {
						t.Fatal(err)
					}
				}
			}
			body := get("/post/")
			for _, want := range []string{`<section class="tertulia" id="tertulia" lang="es"`, "A 5 personas les gusta", "La respuesta se queda."} {
				if !strings.Contains(body, want) {
					t.Errorf("there is no %q in\n%s", want, body)
				}
			}
			if strings.Contains(body, "See the conversation") || strings.Contains(body, "&lt;section") {
				t.Errorf("got\n%s", body)
			}
			if server.broken != "" {
				if body := get("/broken/"); !strings.Contains(body, ">See the conversation</a>") {
					t.Errorf("without an answer: got\n%s", body)
				}
			}
		})
	}
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
