package hostile_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// street is the network that plays the public Internet.
var street = []netip.Prefix{netip.MustParsePrefix("127.0.2.0/24")}

func parse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// serve answers on address and returns the host:port.
func serve(t testing.TB, address string, h http.HandlerFunc) string {
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

// canary listens where nobody may lead us, and fails the test when somebody comes.
func canary(t testing.TB, address string) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var visitors atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			visitors.Add(1)
			_ = c.Close() // the visitor is counted, nothing was written
		}
	}()
	t.Cleanup(func() {
		_ = l.Close() // ends the loop
		<-done
		if n := visitors.Load(); n != 0 {
			t.Errorf("the canary on %s had %d visitors, want none", l.Addr(), n)
		}
	})
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// names is a name system whose answers are scripted: the n-th question for the IPv4
// addresses of a name gets those of its n-th list, later ones of the last. Its IPv6
// addresses are those of all lists.
type names struct {
	mu      sync.Mutex
	answers map[string][][]string
}

func (n *names) four(name string) (found []netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	lists := n.answers[name]
	if len(lists) == 0 {
		return nil
	}
	if len(lists) > 1 {
		n.answers[name] = lists[1:]
	}
	return addresses(lists[0], netip.Addr.Is4)
}

func (n *names) six(name string) []netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	return addresses(slices.Concat(n.answers[name]...), netip.Addr.Is6)
}

func addresses(list []string, wanted func(netip.Addr) bool) (found []netip.Addr) {
	for _, a := range list {
		if addr := netip.MustParseAddr(a); wanted(addr) {
			found = append(found, addr)
		}
	}
	return found
}

// resolver is Go's own, asking n over a pipe in memory.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go n.serve(theirs)
		return ours, nil
	}}
}

// serve answers as over TCP, where each message comes after its length.
func (n *names) serve(c net.Conn) {
	defer c.Close()
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			return
		}
		query := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		reply := n.reply(query)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

func (n *names) reply(query []byte) []byte {
	var msg dnsmessage.Message
	if msg.Unpack(query) != nil || len(msg.Questions) != 1 {
		return nil
	}
	q := msg.Questions[0]
	msg.Header = dnsmessage.Header{ID: msg.Header.ID, Response: true, Authoritative: true, RecursionAvailable: true}
	msg.Additionals = nil
	add := func(body dnsmessage.ResourceBody) {
		head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
		msg.Answers = append(msg.Answers, dnsmessage.Resource{Header: head, Body: body})
	}
	name := strings.ToLower(q.Name.String())
	switch q.Type {
	case dnsmessage.TypeA:
		for _, a := range n.four(name) {
			add(&dnsmessage.AResource{A: a.As4()})
		}
	case dnsmessage.TypeAAAA:
		for _, a := range n.six(name) {
			add(&dnsmessage.AAAAResource{AAAA: a.As16()})
		}
	}
	reply, err := msg.Pack()
	if err != nil {
		return nil
	}
	return reply
}
