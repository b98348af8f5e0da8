package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Upstream is the server that has the pages of a site in front of which this service
// stands.
type Upstream struct {
	URL       *url.URL          // scheme and host alone
	Transport http.RoundTripper // goes there and nowhere else, and leaves answers as they are
}

// proxy answers with what the upstream has below one of the site's addresses. Pages get the
// endpoints in their headers and the conversation in its place; all else goes through as it
// is, both ways.
func (p *pages) proxy(home *url.URL) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
			p.fail(w, r, http.StatusMethodNotAllowed, "")
			return
		}
		w.Header().Del("X-Content-Type-Options") // the upstream's answers are the upstream's
		v := &visit{pages: p, home: home, w: w, r: r, loose: reads(r) && mayBePage(r.URL.Path)}
		v.address = *p.URL
		if rest, below := strings.CutPrefix(r.URL.Path, home.Path); below {
			v.address.Path, v.address.RawPath = p.URL.Path+rest, ""
		}
		v.address.RawQuery = r.URL.RawQuery
		through := httputil.ReverseProxy{
			Rewrite: v.rewrite, Transport: p.Upstream.Transport, ModifyResponse: v.look, ErrorHandler: v.failed,
			ErrorLog: slog.NewLogLogger(p.server.log().Handler(), slog.LevelWarn),
		}
		through.ServeHTTP(w, v.withPauses())
	}
}

// visit is one request that goes to the upstream.
type visit struct {
	*pages
	home    *url.URL // the address of the site at which it came
	address url.URL  // of the page it asks for, on the site's own host
	loose   bool     // it goes out without conditions: whether they hold is for us to say
	w       http.ResponseWriter
	r       *http.Request // as it came
	out     *http.Request // as it went out
	broken  atomic.Bool   // its body did not come to its end
}

// bodyPause is how long nothing may come of the body of a request.
const bodyPause = time.Minute

// withPauses is the request with a body that may come as slowly as it likes, as long as
// something comes.
func (v *visit) withPauses() *http.Request {
	control := http.NewResponseController(v.w)
	_ = control.SetReadDeadline(time.Time{}) // a connection without deadlines, as in a test, goes without
	if v.r.Body == nil || v.r.Body == http.NoBody {
		return v.r
	}
	slow := *v.r
	slow.Body = &paused{v.r.Body, control, &v.broken}
	return &slow
}

type paused struct {
	io.ReadCloser
	control *http.ResponseController
	broken  *atomic.Bool
}

func (b *paused) Read(buf []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(bodyPause)) // see withPauses
	n, err := b.ReadCloser.Read(buf)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{})
		b.broken.Store(!errors.Is(err, io.EOF))
	}
	return n, err
}

// rewrite makes the request to the upstream. Its path and query arrive as they came, its
// Host is the site's and not what a visitor says (HOSTILE 87), and who the visitor is says
// nobody but a front server that the settings trust (HOSTILE 88).
func (v *visit) rewrite(pr *httputil.ProxyRequest) {
	out := pr.Out
	out.URL.Scheme, out.URL.Host = v.Upstream.URL.Scheme, v.Upstream.URL.Host
	out.URL.RawPath, out.URL.RawQuery = asItCame(pr.In.URL), pr.In.URL.RawQuery
	out.Host = v.home.Host
	trusted := false
	if peer, err := netip.ParseAddrPort(pr.In.RemoteAddr); err == nil {
		trusted = v.server.trusts(peer.Addr().Unmap())
	}
	for name := range out.Header {
		// To many a program X_Forwarded_For is the same.
		if alike := strings.ReplaceAll(strings.ToLower(name), "_", "-"); forwarding(alike) && (!trusted || strings.Contains(name, "_")) {
			delete(out.Header, name)
		}
	}
	proto := ""
	if trusted {
		out.Header["X-Forwarded-For"] = pr.In.Header["X-Forwarded-For"]
		proto = pr.In.Header.Get("X-Forwarded-Proto")
	}
	pr.SetXForwarded()
	if proto != "http" && proto != "https" {
		proto = v.home.Scheme
	}
	out.Header.Set("X-Forwarded-Proto", proto)
	out.Header.Set("X-Forwarded-Host", v.home.Host)
	if !httpguts.HeaderValuesContainsToken(out.Header["Upgrade"], "websocket") {
		out.Header.Del("Upgrade") // h2c would be a way past all of this
		out.Header.Del("Connection")
	}
	withoutOurCookies(out)
	if v.loose {
		v.loosen(out.Header)
	}
	v.out = out
}

// forwarding tells whether a header, in lower case, says where a request comes from.
func forwarding(name string) bool {
	return name == "forwarded" || name == "x-real-ip" || strings.HasPrefix(name, "x-forwarded-")
}

// withoutOurCookies keeps the sessions of this service from the upstream.
func withoutOurCookies(out *http.Request) {
	const ours = "tertulia-"
	for i, line := range out.Header["Cookie"] {
		if !strings.Contains(line, ours) {
			continue
		}
		kept := slices.DeleteFunc(strings.Split(line, ";"), func(c string) bool {
			return strings.HasPrefix(strings.TrimPrefix(strings.TrimSpace(c), "__Host-"), ours)
		})
		out.Header["Cookie"][i] = strings.TrimSpace(strings.Join(kept, ";"))
	}
	lines := slices.DeleteFunc(out.Header["Cookie"], func(line string) bool { return line == "" })
	if out.Header["Cookie"] = lines; len(lines) == 0 {
		out.Header.Del("Cookie")
	}
}

// loosen has a page come whole, in an encoding that can be read here, and whatever the
// visitor has of it: what the visitor has may be without its conversation, or with another.
func (v *visit) loosen(h http.Header) {
	h.Del("If-None-Match")
	h.Del("If-Modified-Since")
	if strings.Contains(h.Get("Range"), ",") {
		h.Del("Range") // several parts of a page would come without saying that they are of one
		h.Del("If-Range")
	}
	coding := "identity"
	if takesGzip(v.r.Header) {
		coding = "gzip"
	}
	h.Set("Accept-Encoding", coding)
}

// takesGzip tells whether a visitor's program reads gzip.
func takesGzip(h http.Header) bool {
	for one := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(one, ";")
		weight := strings.TrimPrefix(strings.ReplaceAll(strings.ToLower(params), " ", ""), "q=")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return weight == "" || strings.Trim(weight, "0.") != ""
		}
	}
	return false
}

// noPages are the endings of addresses behind which pages are rarely found. What lies there
// is asked for as the visitor asks; if it is a page all the same, it is filled in where that
// can be done.
var noPages = []string{
	".css", ".js", ".mjs", ".map", ".json", ".xml", ".atom", ".rss", ".txt", ".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg", ".ico",
	".woff", ".woff2", ".ttf", ".otf", ".mp4", ".webm", ".mp3", ".m4a", ".ogg", ".wav", ".pdf", ".zip", ".gz", ".wasm",
}

func mayBePage(at string) bool { return !slices.Contains(noPages, strings.ToLower(path.Ext(at))) }

// asItCame is the path of a URL as it was written; what cannot stand in a path is escaped,
// and nothing else is touched, so that %2F stays what it is.
func asItCame(u *url.URL) string {
	const legal = "-._~!$&'()*+,;=:@/%[]"
	var b strings.Builder
	for _, c := range []byte(cmp.Or(u.RawPath, u.EscapedPath())) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(legal, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// errAnswered ends the way of an answer that was given in place of the upstream's.
var errAnswered = errors.New("answered")

// failed answers for an upstream that does not.
func (v *visit) failed(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errAnswered) {
		return
	}
	v.nosniff()
	switch {
	case v.broken.Load(): // by the visitor
		v.fail(w, v.r, http.StatusBadRequest, "")
		return
	case errors.Is(r.Context().Err(), context.Canceled):
		panic(http.ErrAbortHandler) // the visitor has gone; nothing said would be 200
	}
	v.server.log().Error("the upstream does not answer", "upstream", v.Upstream.URL.String(), "path", v.r.URL.Path, "error", err)
	v.fail(w, v.r, http.StatusBadGateway, "")
}

// nosniff is for the answers that are ours.
func (v *visit) nosniff() { v.w.Header().Set("X-Content-Type-Options", "nosniff") }
