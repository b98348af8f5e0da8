package fetch

import (
	"context"
	"fmt"
	"net"
	"time"
)

// Mail returns how the mail server of the settings is reached: host:port as they name it, whatever its
// address, and no other place. A connection ends with the context that it was made with, so that a
// server that stalls holds up nobody.
func Mail(server string) func(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if network != "tcp" || address != server {
			return nil, fmt.Errorf("%w: %q is not the mail server of the settings", ErrBlocked, address)
		}
		return dialer.DialContext(ctx, network, address)
	}
}
