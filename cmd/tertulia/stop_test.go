package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/webtest"
	"tertulia/store"
)

// pipes is a listener without a port.
type pipes struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes", Net: "pipe"} }

// dial connects, unless nobody accepts any more.
func (p *pipes) dial() (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.closed:
		return nil, errors.New("refused")
	}
}

// stopped stops a service and says how long it took.
func (p *person) stopped() time.Duration {
	begin := time.Now()
	p.stop()
	return time.Since(begin)
}

// A service that is stopped takes no more requests, lets those under way come to their
// end, and cuts off the ones that do not: it has ended within ten seconds (HOSTILE F22).
func TestStopWithSlowRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		door := newPipes()
		ana := newPerson(t, webtest.New(t), "ana.example", door)
		body := "h=entry&content=" + strings.Repeat("a", 1000)
		begin := func() net.Conn {
			conn, err := door.dial()
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "POST /-/micropub HTTP/1.1\r\nHost: ana.example\r\nAuthorization: Bearer %s\r\n"+
				"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\nh=entry", ana.token, len(body))
			return conn
		}
		for range 50 {
			defer begin().Close()
		}
		last := begin()
		defer last.Close()
		answered := make(chan *http.Response, 1)
		go func() {
			time.Sleep(3 * time.Second) // by then we are stopping
			if conn, err := door.dial(); err == nil {
				conn.Close()
				t.Error("a connection is accepted while the service stops")
			}
			_, _ = io.WriteString(last, body[len("h=entry"):])
			resp, err := http.ReadResponse(bufio.NewReader(last), nil)
			if err != nil {
				t.Errorf("a request that came to its end has no answer: %v", err)
			}
			answered <- resp
		}()
		synctest.Wait()
		if took := ana.stopped(); took > 10*time.Second {
			t.Errorf("stopping took %s, want at most 10s", took)
		}
		if resp := <-answered; resp != nil && resp.StatusCode != http.StatusAccepted {
			t.Errorf("the last request: got %s, want 202, since it is kept and not yet published", resp.Status)
		}
		if posts, err := ana.svc.app.sites[0].Posts.All(t.Context(), 100); err != nil || len(posts) != 1 {
			t.Errorf("got %d posts and %v, want the one whose request came to its end", len(posts), err)
		}
	})
}

// Fetches of strangers' pages do not hold up the stop, and none is lost: each is in the
// queue again, its attempt forgotten (HOSTILE F22).
func TestStopDuringSlowFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		web := webtest.New(t)
		ana := newPerson(t, web, "ana.example")
		post := ana.micropub(201, "h=entry&content=Base+camp")
		settle()
		web.Handle("slow.example", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		for i := range 50 {
			form := url.Values{"source": {fmt.Sprintf("https://slow.example/%d", i)}, "target": {post}}
			if resp, body := ana.do("POST", ana.base+"webmention", "application/x-www-form-urlencoded", form.Encode()); resp.StatusCode != 201 {
				t.Fatalf("webmention: got %s %s", resp.Status, body)
			}
		}
		synctest.Wait()
		if len(web.Requests("slow.example")) == 0 {
			t.Fatal("nothing is being fetched")
		}
		if took := ana.stopped(); took > time.Second {
			t.Errorf("stopping took %s, want at once", took)
		}
		var jobs []store.Job
		err := ana.svc.app.db.View(t.Context(), ana.svc.app.sites[0].Key, func(tx *store.Tx) (err error) {
			jobs, err = tx.Jobs()
			return err
		})
		if err != nil || len(jobs) != 50 {
			t.Fatalf("got %d jobs and %v, want 50", len(jobs), err)
		}
		for _, j := range jobs {
			if j.Owner != "" || j.Attempts != 0 || j.Panics != 0 || j.Error != "" {
				t.Errorf("job %s: got %+v, want it as if it had never been tried", j.Key, j)
			}
		}
	})
}

// A peer that opens the command socket and says nothing does not hold up the stop.
func TestStopWithMuteCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ana := newPerson(t, webtest.New(t), "ana.example")
		door := newPipes()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			ana.svc.answerCommands(ctx, door)
		}()
		conn, err := door.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		synctest.Wait()
		begin := time.Now()
		cancel()
		<-ended
		if took := time.Since(begin); took > stopTime {
			t.Errorf("stopping took %s, want at most %s", took, stopTime)
		}
	})
}
