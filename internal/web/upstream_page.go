package web

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// look is what happens to an answer of the upstream: its error is errAnswered when another
// was given in its stead.
func (v *visit) look(resp *http.Response) error {
	switch {
	case v.r.Method == http.MethodOptions && v.preflights(resp):
		v.nosniff()
		v.w.Header().Set("Access-Control-Allow-Origin", "*")
		preflight(v.w)
		return errAnswered
	case !reads(v.r):
		return nil
	case resp.StatusCode == http.StatusNotFound:
		v.nosniff()
		if v.known(v.w, v.r, &v.address) {
			return errAnswered
		}
		v.w.Header().Del("X-Content-Type-Options")
		return nil
	case resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusPartialContent:
		return nil
	}
	if isHTML(resp.Header) {
		v.advertiseIn(resp.Header)
		filled, err := v.filled(resp)
		if err != nil {
			v.server.log().Error("conversation cannot be shown", "page", v.address.String(), "error", err)
			resp.Header.Set("Cache-Control", "no-store")
			return nil
		}
		if filled != nil {
			v.answer(resp.Header, filled)
			return errAnswered
		}
	}
	if v.loose && unchanged(v.r.Header, resp.Header) {
		notModified(resp)
	}
	return nil
}

// preflights tells whether a browser asks for a script of another origin if it may read the
// home page with a token, and the upstream knows nothing of that (SPECS CL-31).
func (v *visit) preflights(resp *http.Response) bool {
	method := v.r.Header.Get("Access-Control-Request-Method")
	return v.r.URL.Path == v.home.Path && (method == http.MethodGet || method == http.MethodHead) && resp.Header.Get("Access-Control-Allow-Origin") == ""
}

// isHTML tells whether an answer is a page, in one of its two spellings.
func isHTML(h http.Header) bool {
	k := kindOf(h)
	return k == "text/html" || k == "application/xhtml+xml"
}

// kindOf is the media type of an answer, also where its parameters are beyond reading.
func kindOf(h http.Header) string {
	kind, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// rels finds the rels in Link headers, one or several of them in the first or second group.
var rels = regexp.MustCompile(`(?i);\s*rel\s*=\s*(?:"([^"]*)"|([^\s;,"]+))`)

// advertiseIn names the endpoints in the headers of a page, but for rels that it names
// itself. Scripts of other origins may read what anybody may.
func (v *visit) advertiseIn(h http.Header) {
	var named []string
	for _, m := range rels.FindAllStringSubmatch(strings.Join(h.Values("Link"), ","), -1) {
		named = append(named, strings.Fields(strings.ToLower(m[1]+m[2]))...)
	}
	links := v.Links()
	for _, rel := range slices.Sorted(maps.Keys(links)) {
		if !slices.Contains(named, rel) {
			h.Add("Link", fmt.Sprintf("<%s>; rel=\"%s\"", links[rel], rel))
		}
	}
	if d := directives(h); !d.has("private") && !d.has("no-store") && h.Get("Set-Cookie") == "" && h.Get("Access-Control-Allow-Origin") == "" {
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Link")
	}
}

// filled is the page of an answer with its conversation, nil when it is to go out as it is:
// the body of the answer is whole then.
func (v *visit) filled(resp *http.Response) ([]byte, error) {
	if !fillable(resp) {
		return nil, nil
	}
	page := resp
	if v.r.Method == http.MethodHead || resp.StatusCode == http.StatusPartialContent {
		whole := v.out.Clone(v.r.Context())
		whole.Method = http.MethodGet
		whole.Header.Del("Range")
		whole.Header.Del("If-Range")
		var err error
		if page, err = v.Upstream.Transport.RoundTrip(whole); err != nil {
			return nil, nil // it has just answered for a part of it, and does not for the whole: that part is what there is
		}
		defer func() { _ = page.Body.Close() }() // whatever body it has by then
		if page.StatusCode != http.StatusOK || !isHTML(page.Header) || !fillable(page) {
			return nil, nil
		}
	}
	raw, rest := gather(page.Body)
	if rest != nil {
		page.Body = rest // of an answer that is only ours it is closed with it
		return nil, nil
	}
	text, ok := decoded(raw, page.Header.Get("Content-Encoding"))
	if !ok {
		page.Body = io.NopCloser(bytes.NewReader(raw))
		return nil, nil
	}
	filled, err := v.fill(v.r.Context(), text, page.Header.Get("Content-Type"), v.address.String())
	page.Body = io.NopCloser(bytes.NewReader(raw))
	return filled, err
}

// fillable tells whether an answer is a page that may be changed on its way: not one that
// is to be kept as a file, in an encoding that nobody has asked for, or whose author
// forbids it (RFC 9111, section 5.2.2.6). XHTML would have to stay well-formed.
func fillable(resp *http.Response) bool {
	h := resp.Header
	disposition, _, _ := strings.Cut(h.Get("Content-Disposition"), ";")
	_, readable := map[string]bool{"": true, "identity": true, "gzip": true, "x-gzip": true}[coding(h)]
	return kindOf(h) == "text/html" && !strings.EqualFold(strings.TrimSpace(disposition), "attachment") &&
		readable && !directives(h).has("no-transform") && (resp.ContentLength <= maxPage || resp.StatusCode == http.StatusPartialContent)
}

func coding(h http.Header) string {
	return strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ",")))
}

// decoded is a page without its compression; false when it is too large, or broken.
func decoded(raw []byte, encoding string) ([]byte, bool) {
	if encoding == "" || strings.EqualFold(encoding, "identity") {
		return raw, true
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, false
	}
	text, err := io.ReadAll(io.LimitReader(z, maxPage+1))
	return text, err == nil && len(text) <= maxPage
}

// answer gives a filled page for the one that came with some headers.
func (v *visit) answer(from http.Header, page []byte) {
	h := v.w.Header()
	maps.Copy(h, from)
	for _, name := range []string{"Last-Modified", "Content-Length", "Content-Encoding", "Content-Range", "Accept-Ranges", "Age",
		"Content-Md5", "Digest", "Repr-Digest", "Content-Digest", "Trailer"} {
		h.Del(name) // they were another body's
	}
	soon(h, personal(v.r.Header, from))
	contentType := h.Get("Content-Type")
	h.Del("Content-Type")
	send(v.w, v.r, http.StatusOK, contentType, page)
}
