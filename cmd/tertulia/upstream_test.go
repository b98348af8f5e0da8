package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"tertulia/internal/webtest"
	"tertulia/store"
)

func TestConfigOfWhatStandsBehind(t *testing.T) {
	for text, want := range map[string]string{
		"upstream='http://127.0.0.1:1313'\nroot='/srv'": "site.upstream: there is root already (root serves the pages from files",
		"upstream='127.0.0.1:1313'":                     "site.upstream: \"127.0.0.1:1313\" is not the address of a server",
		"upstream='http://127.0.0.1:1313/blog'":         "site.upstream: \"http://127.0.0.1:1313/blog\" is not",
		"upstream='ftp://127.0.0.1'":                    "site.upstream: \"ftp://127.0.0.1\" is not",
		"upstream='http://u:p@127.0.0.1'":               "site.upstream: \"http://u:p@127.0.0.1\" is not",
		"upstream='http://127.0.0.1:8080'":              "site.upstream: \"http://127.0.0.1:8080\" is this service itself",
		"upstream='http://localhost:8080/'":             "site.upstream: \"http://localhost:8080/\" is this service itself",
		"upstream='https://A.example'":                  "site.upstream: \"https://A.example\" is this service itself",
		"conversation.at='div p'":                       "site.conversation.at: \"div p\": it is no selector that is known here",
		"conversation.at='script'":                      "site.conversation.at: \"script\": <script> cannot hold",
	} {
		if got := faults(t, "[[site]]\nurl='https://a.example/'\n"+text+"\n", nil); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%q:\n got %q\nwant %s", text, got, want)
		}
	}
	s := load(t, "[[site]]\nurl='https://a.example/'\nupstream='http://127.0.0.1:1313/'\nconversation.at='#comments'\n", nil)
	if one := s.Sites[0]; s.serves(one) || !s.fronts(one) || one.Publish.Preset != "none" {
		t.Errorf("got %+v", one)
	}
}

// inFrontOf is the address of a service that stands in front of another server.
func inFrontOf(t *testing.T, upstream string, proxies ...string) *url.URL {
	t.Helper()
	front := httptest.NewUnstartedServer(nil)
	set := defaults()
	set.Data, set.Proxies = dataDir(t), proxies
	set.Sites = []siteSettings{{
		URL: "http://" + front.Listener.Addr().String() + "/", Name: "Ana", Language: "en", Upstream: "http://" + upstream,
		Publish: publishSettings{Preset: "none"}, Conversation: conversationSettings{Approve: "people", At: "#talk"},
	}}
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	log := quiet()
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = svc.http
	front.Start()
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		db.Close()
	})
	return address(t, set.Sites[0].URL)
}

// Who the visitor is says a front server that the settings trust, and nobody else (HOSTILE 88).
func TestUpstreamLearnsWhoVisits(t *testing.T) {
	seen := make(chan http.Header, 1)
	up := webtest.Serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) { seen <- r.Header })
	for _, c := range []struct {
		proxies           []string
		from, real, proto string
	}{{nil, "127.0.0.1", "", "http"}, {[]string{"192.0.2.0/24"}, "127.0.0.1", "", "http"}, {[]string{"127.0.0.1"}, "192.0.2.9, 127.0.0.1", "192.0.2.9", "https"}} {
		front := inFrontOf(t, up, c.proxies...)
		r, _ := speak(t, front, "GET /a HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-For: 192.0.2.9\r\nX-Real-IP: 192.0.2.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\n\r\n")
		if _, err := http.ReadResponse(r, nil); err != nil {
			t.Fatal(err)
		}
		h := <-seen
		if h.Get("X-Forwarded-For") != c.from || h.Get("X-Real-Ip") != c.real || h.Get("X-Forwarded-Proto") != c.proto || h.Get("X-Forwarded-Host") != front.Host {
			t.Errorf("%v: got %v", c.proxies, h)
		}
	}
}

// speak sends bytes to a service and returns a reader of what comes back.
func speak(t *testing.T, to *url.URL, text string) (*bufio.Reader, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", to.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return bufio.NewReader(conn), conn
}

// A connection that changes to WebSocket belongs to the two that speak; no other protocol
// is a way past the service.
func TestUpstreamWebSockets(t *testing.T) {
	up := webtest.Serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") == "" {
			w.WriteHeader(http.StatusUpgradeRequired)
			return
		}
		conn, rest, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello %s\n", r.Host)
		_, _ = io.Copy(conn, rest) // an echo, until the visitor goes
	})
	front := inFrontOf(t, up)
	ask := "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n"
	r, conn := speak(t, front, fmt.Sprintf(ask, "WebSocket"))
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("got %v, %v", resp, err)
	}
	for _, word := range []string{"hello " + front.Host + "\n", "one\n", "two\n"} {
		got, err := r.ReadString('\n')
		if got != word {
			t.Fatalf("got %q, %v, want %q", got, err, word)
		}
		if _, err := io.WriteString(conn, map[bool]string{true: "one\n", false: "two\n"}[strings.HasPrefix(word, "hello")]); err != nil {
			t.Fatal(err)
		}
	}
	r, _ = speak(t, front, fmt.Sprintf(ask, "h2c"))
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("h2c: got %v, %v", resp, err)
	}
}

// What comes bit by bit goes on bit by bit: events, hints before the answer, trailers after it.
func TestUpstreamStreams(t *testing.T) {
	proceed := make(chan bool)
	up := webtest.Serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, "data: 1\n\n")
			http.NewResponseController(w).Flush()
			<-proceed
			io.WriteString(w, "data: 2\n\n")
		case "/hints":
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, `<div id="talk"></div>`)
		case "/trailer":
			w.Header().Set("Trailer", "X-Sum")
			io.WriteString(w, "x")
			w.Header().Set("X-Sum", "1")
		case "/upload":
			b := make([]byte, 3)
			if _, err := io.ReadFull(r.Body, b); err != nil {
				return
			}
			<-proceed
			rest, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s+%s", b, rest)
		}
	})
	front := inFrontOf(t, up).String()
	get := func(path string, trace *httptrace.ClientTrace) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(httptrace.WithClientTrace(t.Context(), trace), "GET", front+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	events := bufio.NewReader(get("events", &httptrace.ClientTrace{}).Body)
	if line, err := events.ReadString('\n'); line != "data: 1\n" {
		t.Fatalf("the first event: got %q, %v", line, err)
	}
	proceed <- true
	if rest, err := io.ReadAll(events); err != nil || string(rest) != "\ndata: 2\n\n" {
		t.Errorf("the second event: got %q, %v", rest, err)
	}
	hinted := ""
	resp := get("hints", &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		hinted = fmt.Sprint(code, h.Get("Link"))
		return nil
	}})
	if body, err := io.ReadAll(resp.Body); err != nil || hinted != "103</a.css>; rel=preload" || !strings.Contains(string(body), `<div id="talk"><link rel="stylesheet" href="`) {
		t.Errorf("hints: got %q, %s, %v", hinted, body, err)
	}
	resp = get("trailer", &httptrace.ClientTrace{})
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "x" || resp.Trailer.Get("X-Sum") != "1" {
		t.Errorf("trailer: got %q %v, %v", body, resp.Trailer, err)
	}
	body, more := io.Pipe()
	go func() {
		io.WriteString(more, "abc")
		proceed <- true // once the upstream has it, though there is more to come
		io.WriteString(more, "def")
		more.Close()
	}()
	sent, err := http.Post(front+"upload", "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer sent.Body.Close()
	if got, err := io.ReadAll(sent.Body); err != nil || string(got) != "abc+def" {
		t.Errorf("upload: got %q, %v", got, err)
	}
}

// Whatever an upstream writes, the visitor gets an answer that is one, and the service goes on.
func TestUpstreamsThatMisbehave(t *testing.T) {
	said := make(chan string, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				io.WriteString(conn, <-said)
			}
			conn.Close()
		}
	}()
	front := inFrontOf(t, l.Addr().String()).String()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{DisableKeepAlives: true}}
	const ok, html = "HTTP/1.1 200 OK\r\n", "Content-Type: text/html; charset=utf-8\r\n"
	for name, c := range map[string]struct {
		says   string
		status int // 0: no whole answer
		body   string
	}{
		"nothing":           {"", 502, ""},
		"no HTTP":           {"SSH-2.0-x\r\n", 502, ""},
		"too large a head":  {ok + "X-Large: " + strings.Repeat("x", 200<<10) + "\r\n\r\n", 502, ""},
		"two lengths":       {ok + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy", 502, ""},
		"a negative length": {ok + "Content-Length: -1\r\n\r\nxy", 502, ""},
		"two answers":       {ok + "Content-Length: 1\r\n\r\nx" + ok + "Content-Length: 1\r\n\r\ny", 200, "x"},
		"a bad chunk":       {ok + "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n", 0, ""},
		"shorter":           {ok + html + "Content-Length: 100\r\n\r\n<div id=talk></div>", 0, ""},
		"until it closes":   {ok + html + "\r\n<div id=talk></div>", 200, "<div id=talk><link rel="},
		"redirects":         {"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", 302, ""},
		"without asking":    {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", 502, ""},
		"a strange status":  {"HTTP/1.1 299 Fine\r\nContent-Length: 1\r\n\r\nx", 299, "x"},
		"hop by hop":        {ok + html + "Connection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 1\r\n\r\nx", 200, "x"},
	} {
		said <- c.says
		resp, err := client.Get(front + "a")
		var body []byte
		if err == nil {
			body, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		switch {
		case c.status == 0:
			if err == nil {
				t.Errorf("%s: got %s %q", name, resp.Status, body)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case resp.StatusCode != c.status || !strings.HasPrefix(string(body), c.body) && c.status != 502 || resp.Header.Get("X-Hop") != "":
			t.Errorf("%s: got %s %v %.200q", name, resp.Status, resp.Header, body)
		}
		if resp, err := client.Get(front + "-/metadata"); err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: the service has gone: %v", name, err)
		}
	}
}

// One request of a visitor is one request to the upstream, however it is written.
func TestUpstreamGetsOneRequestForOne(t *testing.T) {
	seen := make(chan string, 10)
	up := webtest.Serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusRequestEntityTooLarge) // of a body that was not read
			return
		}
		b, _ := io.ReadAll(r.Body)
		seen <- fmt.Sprintf("%s %s %q", r.Method, r.URL.Path, b)
	})
	front := inFrontOf(t, up)
	for name, c := range map[string]struct{ sent, want string }{
		"length and chunks":  {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nsmuggled\r\n\r\n", "POST /a \"\""},
		"two lengths":        {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 5\r\n\r\nabcde", ""},
		"a chunk of chunks":  {"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", ""},
		"a space in a name":  {"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length : 1\r\n\r\na", ""},
		"a folded header":    {"GET /a HTTP/1.1\r\nHost: x\r\nX: 1\r\n\tY: 2\r\n\r\n", "GET /a \"\""},
		"a line in a target": {"GET /a\rX:1 HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		"two hosts":          {"GET /a HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", ""},
	} {
		r, conn := speak(t, front, c.sent)
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		conn.Close()
		got := ""
		select {
		case got = <-seen:
		default:
		}
		if got != c.want || c.want == "" && resp.StatusCode < 400 {
			t.Errorf("%s: got %q and %s, want %q", name, got, resp.Status, c.want)
		}
	}
	// Who asks before sending is told no before sending.
	r, _ := speak(t, front, "POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
	if resp, err := http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("refused: got %v, %v", resp, err)
	}
}
