package web

import (
	"io"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"tertulia/internal/metrics"
)

// groups are the routes below a base by what they are for, by the first segment of their path:
// requests are counted by these, and by nothing that a visitor chooses. What is not named is other.
var groups = map[string]string{
	"webmention": "webmention", "micropub": "micropub", "media": "media", "picture": "media",
	"auth": "indieauth", "token": "indieauth", "introspect": "indieauth", "revoke": "indieauth", "userinfo": "indieauth", "metadata": "indieauth",
	"conversation": "conversation", "conversation.css": "conversation", "counts": "conversation", "widget.js": "conversation", "count.js": "conversation",
	"api": "api", "comment": "comment", "admin": "owner", "link": "owner", "signin": "owner", "signout": "owner",
}

// The groups of requests that are not below a base, and of those that no other has.
const (
	sitePages   = "pages"
	otherRoutes = "other"
)

// traffic counts the requests of each group. The groups are all there from the start, so
// that counting takes no lock.
type traffic map[string]*requests

// requests are those of a group: how long they took, and how they were answered, by the
// first digit of the status.
type requests struct {
	took  metrics.Histogram
	codes [6]atomic.Uint64
}

func newTraffic() traffic {
	t := traffic{sitePages: {}, otherRoutes: {}}
	for _, group := range groups {
		t[group] = &requests{}
	}
	return t
}

// measured counts the requests to a path below a base.
func (t traffic) measured(path string, next http.Handler) http.Handler {
	first, _, _ := strings.Cut(path, "/")
	of := t[groups[first]]
	if of == nil {
		of = t[otherRoutes]
	}
	return of.measure(next)
}

func (of *requests) measure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, seen := time.Now(), recorder{ResponseWriter: w}
		defer func() { // also of a handler that breaks off
			of.took.Observe(time.Since(began))
			if seen.status == 0 {
				seen.status = http.StatusInternalServerError
			}
			of.codes[min(seen.status/100, 5)].Add(1)
		}()
		next.ServeHTTP(&seen, r)
		if seen.status == 0 {
			seen.status = http.StatusOK
		}
	})
}

// recorder sees with which status a request is answered.
type recorder struct {
	http.ResponseWriter
	status int // 0: none yet
}

// WriteHeader is of http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status < http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write is of http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status < http.StatusOK {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// ReadFrom lets files go to the network without passing through the program.
func (r *recorder) ReadFrom(from io.Reader) (int64, error) {
	if r.status < http.StatusOK {
		r.status = http.StatusOK
	}
	return io.Copy(r.ResponseWriter, from)
}

// Unwrap is for [http.ResponseController].
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// write adds the requests to a page of numbers.
func (t traffic) write(page *metrics.Page) {
	names := slices.Sorted(maps.Keys(t))
	page.Family("tertulia_http_request_seconds", metrics.Times, "How long requests took, by group of routes.")
	for _, group := range names {
		page.Histogram(&t[group].took, "group", group)
	}
	page.Family("tertulia_http_requests_total", metrics.Counter, "Requests that were answered, by group of routes and first digit of the status.")
	for _, group := range names {
		for digit := 1; digit < len(t[group].codes); digit++ {
			if n := t[group].codes[digit].Load(); n > 0 {
				page.Sample(float64(n), "group", group, "code", strconv.Itoa(digit)+"xx")
			}
		}
	}
}

// numbers answers with what was counted, for Prometheus.
func (s *Server) numbers(w http.ResponseWriter, r *http.Request) {
	if !reads(r) {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	var page metrics.Page
	s.traffic.write(&page)
	if s.Numbers != nil {
		if err := s.Numbers(r.Context(), &page); err != nil {
			s.log().Error("numbers cannot be read", "error", err)
			http.Error(w, "the numbers cannot be read", http.StatusServiceUnavailable)
			return
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	send(w, r, http.StatusOK, metrics.ContentType, page.Bytes())
}

// within tells whether a request comes from one of some networks, and from nobody whom somebody
// there lets through: a web server that stands in front of us and is not among the proxies of the
// settings makes everybody look like itself. It is told by the headers with which such servers
// say for whom they ask, and on this machine by the name that the visitor used.
func (s *Server) within(r *http.Request, networks []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	at, from := peer.Addr().Unmap(), s.sender(r)
	forwarded := slices.ContainsFunc([]string{"X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Forwarded", "Via"}, func(name string) bool {
		return r.Header.Get(name) != ""
	})
	if forwarded && from == at || at.IsLoopback() && !forwarded && !ownName(r.Host) {
		return false
	}
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(from.WithZone("")) })
}

// ownName tells whether a host is what programs on this machine call it.
func ownName(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	at, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && at.Unmap().IsLoopback()
}

// loopback are the networks of this machine.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
