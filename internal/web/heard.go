package web

import (
	"io"
	"net/http"
	"time"
)

const (
	// mostUnread and longestUnread bound what is read of a request after its answer is known:
	// as much as an upload may have, and as long as that takes on a slow line.
	mostUnread    = 80 << 20
	longestUnread = time.Minute
)

// heard sees to it that who is refused hears why. An answer that is sent while its request
// is still coming ends the connection, and a front server that is still sending then has
// nothing but an error to hand on: nginx says 502 for every upload that we refuse. So what
// is left is read first, unless the client waits to be asked for it.
func heard(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := r.Body
		h.ServeHTTP(w, r)
		if r.Method != http.MethodPost || r.Header.Get("Expect") != "" {
			return
		}
		// The answer waits in the writer's buffer. What cannot be read is the client's loss.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(longestUnread))
		_, _ = io.CopyN(io.Discard, body, mostUnread)
	})
}
