package fetch_test

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"tertulia/internal/fetch"
)

// street is the network that plays the public Internet in these tests.
var street = []netip.Prefix{netip.MustParsePrefix("127.0.2.0/24")}

func options() fetch.Options {
	return fetch.Options{Allow: street, Timeout: 5 * time.Second}
}

// serve answers on address ("127.0.2.1:0") and returns the host:port.
func serve(t *testing.T, address string, h http.HandlerFunc) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // always ErrServerClosed after Close
	}()
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return l.Addr().String()
}

// canary listens where no stranger may lead us and counts the connections.
func canary(t *testing.T, address string) (hostport string, hits *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	hits = new(atomic.Int64)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			hits.Add(1)
			_ = c.Close() // the visitor is counted, nothing was written
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // ends the loop
		<-done
		if n := hits.Load(); n != 0 {
			t.Errorf("canary on %s had %d visitors, want none", address, n)
		}
	})
	return l.Addr().String(), hits
}

// names is a name server whose answers are scripted: the n-th question for a name
// gets the n-th list of addresses, later ones the last.
type names struct {
	mu      sync.Mutex
	answers map[string][][]string
}

func (n *names) next(name string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists := n.answers[name]
	if len(lists) == 0 {
		return nil
	}
	if len(lists) > 1 {
		n.answers[name] = lists[1:]
	}
	return lists[0]
}

// resolver starts the name server and returns a resolver that asks it.
func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 4096)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if reply := n.reply(buf[:size]); reply != nil {
				_, _ = conn.WriteTo(reply, from) // a lost answer is a slow one
			}
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close() // ends the loop
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func (n *names) reply(query []byte) []byte {
	var msg dnsmessage.Message
	if msg.Unpack(query) != nil || len(msg.Questions) != 1 {
		return nil
	}
	q := msg.Questions[0]
	msg.Header = dnsmessage.Header{ID: msg.Header.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	msg.Additionals = nil
	if q.Type == dnsmessage.TypeA {
		for _, a := range n.next(q.Name.String()) {
			msg.Answers = append(msg.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class},
				Body:   &dnsmessage.AResource{A: netip.MustParseAddr(a).As4()},
			})
		}
	}
	reply, err := msg.Pack()
	if err != nil {
		return nil
	}
	return reply
}
