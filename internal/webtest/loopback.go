package webtest

import (
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"testing"
)

// Street is the network of loopback that plays the public Internet where dialling itself
// is tested (HOSTILE, harness 1).
var Street = netip.MustParsePrefix("127.0.2.0/24")

// Serve answers on an address such as "127.0.2.1:0" until the test ends, and returns its
// host:port.
func Serve(t testing.TB, address string, h http.HandlerFunc) string {
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

// Canary listens where nobody may let themselves be led: who connects fails the test when
// it ends. It returns its host:port.
func Canary(t testing.TB, address string) string {
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
	return l.Addr().String()
}
