// Package hostile is a web server that treats its visitors as no server may.
//
//	server, err := hostile.Listen("127.0.2.1:0", hostile.Options{Forbidden: "http://127.0.0.1:4444/"})
//	defer server.Close()
//	resp, err := client.Get(server.URL("slow-headers")) // one of Behaviours()
//
// Each behaviour is a script of bytes and pauses with a name, which is its path.
// With "?link=URL" the page that it gives, if it gives any, links to that URL. It
// breaks HTTP/1.1 (RFC 9112) on purpose and follows nothing else. By hand:
//
//	go run ./internal/hostile/serve
package hostile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Behaviour is one way to treat a visitor.
type Behaviour struct {
	Name  string // its path on the server, "slow-headers"
	About string // what it does, in a few words

	first  bool // it does not wait for a request, and has a port of its own
	secure bool // visitors come with https
	script func(*visit)
}

// Behaviours lists all there are, in a fixed order.
func Behaviours() []Behaviour { return append([]Behaviour(nil), behaviours...) }

// Options are what a server needs to know. The zero value will do.
type Options struct {
	Pause     time.Duration // between two bytes of what is slow; 0 is a second
	Forbidden string        // an address where visitors must not let themselves be sent, for the behaviours that try; "" is http://127.0.0.1:1/
}

// Server is a listening server. Its methods may be called concurrently.
type Server struct {
	options   Options
	listeners []net.Listener
	urls      map[string]string
	written   atomic.Int64
	done      chan struct{}
	working   sync.WaitGroup

	mu   sync.Mutex
	open map[net.Conn]bool
}

// Listen starts a server on address ("127.0.2.1:0"). What cannot share its port gets
// others of the same host.
func Listen(address string, o Options) (*Server, error) {
	if o.Pause == 0 {
		o.Pause = time.Second
	}
	if o.Forbidden == "" {
		o.Forbidden = "http://127.0.0.1:1/"
	}
	s := &Server{options: o, urls: map[string]string{}, done: make(chan struct{}), open: map[net.Conn]bool{}}
	at, err := s.listen(address, nil)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	s.urls[""] = "http://" + at + "/"
	for i := range behaviours {
		b := &behaviours[i]
		place, scheme := at, "http"
		if b.first {
			if place, err = s.listen(net.JoinHostPort(host, "0"), b); err != nil {
				return nil, errors.Join(err, s.Close())
			}
		}
		if b.secure {
			scheme = "https"
		}
		s.urls[b.Name] = scheme + "://" + place + "/" + b.Name
	}
	return s, nil
}

// URL is where a behaviour is found; that of "" is the list of all. It panics when
// there is no such behaviour.
func (s *Server) URL(name string) string {
	u, ok := s.urls[name]
	if !ok {
		panic("hostile: there is no behaviour " + name)
	}
	return u
}

// Written is how many bytes all visitors together have been sent.
func (s *Server) Written() int64 { return s.written.Load() }

// Visitors is how many connections are open.
func (s *Server) Visitors() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Close hangs up and returns when everything that was started has ended.
func (s *Server) Close() error {
	s.mu.Lock()
	select {
	case <-s.done:
	default:
		close(s.done)
	}
	for c := range s.open {
		_ = c.Close() // its script ends with an error, which is what is wanted
	}
	s.mu.Unlock()
	var errs []error
	for _, l := range s.listeners {
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	s.working.Wait()
	return errors.Join(errs...)
}

// listen accepts visitors on address, all for the one behaviour, or if it is nil for
// the one that their request names.
func (s *Server) listen(address string, only *Behaviour) (at string, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	s.listeners = append(s.listeners, l)
	s.working.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			if !s.enter(c) {
				return
			}
			s.working.Go(func() {
				defer s.leave(c)
				s.meet(c, only)
			})
		}
	})
	return l.Addr().String(), nil
}

// enter takes note of a visitor, unless the server is closed.
func (s *Server) enter(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.done:
		_ = c.Close() // nobody is let in any more
		return false
	default:
	}
	s.open[c] = true
	return true
}

func (s *Server) leave(c net.Conn) {
	_ = c.Close() // the visitor may have done so first
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, c)
}

// meet reads the request, unless the behaviour speaks first, and plays the script.
func (s *Server) meet(c net.Conn, only *Behaviour) {
	v := &visit{server: s, conn: c}
	if only != nil {
		only.script(v)
		return
	}
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(r.Body, 1<<20)); err != nil {
		return
	}
	v.host, v.link = r.Host, r.FormValue("link")
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	v.rest = rest
	for i := range behaviours {
		if b := &behaviours[i]; b.Name == name && !b.first {
			b.script(v)
			return
		}
	}
	v.say(status("404 Not Found"), "Connection: close\r\n\r\n", s.list())
}

// list is a page of all behaviours.
func (s *Server) list() string {
	var page strings.Builder
	page.WriteString("<!doctype html><title>Hostile</title><ul>\n")
	for _, b := range behaviours {
		fmt.Fprintf(&page, "<li><a href=\"%s\">%s</a>: %s\n", html.EscapeString(s.urls[b.Name]), b.Name, html.EscapeString(b.About))
	}
	return page.String() + "</ul>\n"
}

// visit is one connection. After an error, usually that the visitor has hung up, its
// verbs do nothing.
type visit struct {
	server *Server
	conn   net.Conn
	host   string // as the visitor calls us
	link   string // the URL that the page is to link to; may be empty
	rest   string // of the path, after the behaviour's name and a slash
	err    error
}

// say sends.
func (v *visit) say(parts ...string) {
	for _, part := range parts {
		v.write([]byte(part))
	}
}

func (v *visit) write(b []byte) {
	if v.err != nil {
		return
	}
	n, err := v.conn.Write(b)
	v.server.written.Add(int64(n))
	v.err = err
}

// slowly sends a byte, a pause, a byte.
func (v *visit) slowly(text string) {
	tick := time.NewTicker(v.server.options.Pause)
	defer tick.Stop()
	for i := 0; i < len(text) && v.err == nil; i++ {
		v.say(text[i : i+1])
		select {
		case <-tick.C:
		case <-v.server.done:
			return
		}
	}
}

// repeat sends text n times.
func (v *visit) repeat(text string, n int) {
	many := min((32<<10)/len(text)+1, n)
	block := bytes.Repeat([]byte(text), many)
	for ; n > 0 && v.err == nil; n -= many {
		v.write(block[:min(many, n)*len(text)])
	}
}

// forever sends text until the visitor has had enough.
func (v *visit) forever(text string) { v.repeat(text, math.MaxInt) }

// wait says nothing until the visitor hangs up.
func (v *visit) wait() {
	if v.err == nil {
		_, v.err = io.Copy(io.Discard, v.conn)
	}
}

// reset hangs up with a TCP reset instead of an end.
func (v *visit) reset() {
	if c, ok := v.conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0) // if it fails the visitor sees an end, which is bad enough
	}
	_ = v.conn.Close() // leave will find it closed
}

// anchor is the link that was asked for.
func (v *visit) anchor() string {
	if v.link == "" {
		return ""
	}
	return `<a href="` + html.EscapeString(v.link) + `">a link</a>`
}

// page is a whole page, which begins with the link if there is to be one.
func (v *visit) page() string {
	return "<!doctype html><title>A page</title><p>" + v.anchor() + " Some words.</p>\n"
}

// answer sends a page with everything as it should be.
func (v *visit) answer(head, page string) {
	v.say(head, fmt.Sprintf("Content-Length: %d\r\n\r\n", len(page)), page)
}

// redirect sends the visitor elsewhere.
func (v *visit) redirect(code, to string) {
	v.say("HTTP/1.1 "+code+"\r\nConnection: close\r\nLocation: ", to, "\r\nContent-Length: 0\r\n\r\n")
}

// at is the path of a behaviour, for the same link.
func (v *visit) at(name string) string {
	return "/" + name + "?link=" + url.QueryEscape(v.link)
}

// status begins the head of an HTML page.
func status(line string) string {
	return "HTTP/1.1 " + line + "\r\nContent-Type: text/html; charset=utf-8\r\n"
}
