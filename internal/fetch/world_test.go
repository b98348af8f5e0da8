package fetch_test

import (
	"net/netip"
	"time"

	"tertulia/internal/fetch"
	"tertulia/internal/webtest"
)

func options() fetch.Options {
	return fetch.Options{Allow: []netip.Prefix{webtest.Street}, Timeout: 5 * time.Second}
}
