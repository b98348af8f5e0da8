package main

import (
	"errors"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Of the two addresses that stand for localhost one may be missing on this machine, but
// neither may be another program's: a browser would show its pages as the owner's.
func TestListenOnLocalhost(t *testing.T) {
	taken, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("SKIPPED: this machine has no IPv6: %v", err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	tests := []struct {
		name   string
		listen addresses
		unset  bool // nobody said where to listen
		open   int
		want   error
	}{
		{"one is another program's", addresses{"127.0.0.1:0", "[::1]:" + port}, true, 0, syscall.EADDRINUSE},
		{"so it is, the other way round", addresses{"[::1]:" + port, "127.0.0.1:0"}, true, 0, syscall.EADDRINUSE},
		{"one is missing", addresses{"127.0.0.1:0", "[2001:db8::1]:0"}, true, 1, nil},
		{"the first is missing", addresses{"192.0.2.1:0", "[::1]:0"}, true, 1, nil},
		{"both are missing", addresses{"192.0.2.1:0", "[2001:db8::1]:0"}, true, 0, syscall.EADDRNOTAVAIL},
		{"one that was asked for is missing", addresses{"127.0.0.1:0", "192.0.2.1:0"}, false, 0, syscall.EADDRNOTAVAIL},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			open, err := listen(&settings{Listen: tt.listen, listenDefault: tt.unset})
			closeAll(open)
			if len(open) != tt.open || !errors.Is(err, tt.want) {
				t.Errorf("listen on %q: got %d listeners and %v, want %d and %v", tt.listen, len(open), err, tt.open, tt.want)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "listen on "+tt.listen[0]) && !strings.HasPrefix(err.Error(), "listen on "+tt.listen[1]) {
				t.Errorf("the error does not name the address: %v", err)
			}
		})
	}
}
