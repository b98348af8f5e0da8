package web

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"tertulia/internal/site"
)

// exportEvery is how often a token may ask for everything.
const exportEvery = 5 * time.Minute

// export gives everything that is public on the site, as a file (READ-API 6).
func (p *pages) export(w http.ResponseWriter, r *http.Request) {
	q, ok := p.everything(w, r)
	if !ok {
		return
	}
	h := w.Header()
	if r.Method != http.MethodHead {
		if wait := p.server.exports.take(p.Key+" "+q.id, time.Now()); wait > 0 {
			h.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
			p.answer(w, r, http.StatusTooManyRequests, errTooOften)
			return
		}
	}
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", jsonType)
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", "webmentions-"+p.URL.Hostname()+"-"+time.Now().UTC().Format(time.DateOnly)+".jf2.json"))
	if r.Method == http.MethodHead {
		return
	}
	if !q.Everything {
		_, _ = io.WriteString(w, site.EmptyExport) // the client may have gone
		return
	}
	out := &begun{ResponseWriter: w}
	err := p.Conversation.Export(r.Context(), out)
	switch {
	case err == nil:
	case out.yes:
		p.logFailure(r, err)
		panic(http.ErrAbortHandler) // half a file must not look like a whole one
	default:
		p.server.exports.giveBack(p.Key + " " + q.id)
		h.Del("Content-Disposition")
		p.brokenAPI(w, r, err)
	}
}

// begun knows whether anything of an answer has gone out.
type begun struct {
	http.ResponseWriter
	yes bool
}

// Write is of io.Writer.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// spacing keeps requests of the same kind apart. Its zero value has seen none; it forgets
// what is over.
type spacing struct {
	mu   sync.Mutex
	last map[string]time.Time
}

// take lets a request through, or says how long it has to wait.
func (s *spacing) take(key string, now time.Time) (wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for old, at := range s.last {
		if now.Sub(at) >= exportEvery {
			delete(s.last, old)
		}
	}
	if at, ok := s.last[key]; ok {
		return exportEvery - now.Sub(at)
	}
	if s.last == nil {
		s.last = map[string]time.Time{}
	}
	s.last[key] = now
	return 0
}

// giveBack takes back what was let through and came to nothing.
func (s *spacing) giveBack(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.last, key)
}
