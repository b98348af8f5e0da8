package web

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// personal tells whether an answer may be for its visitor alone.
func personal(r, answer http.Header) bool {
	return r.Get("Authorization") != "" || r.Get("Cookie") != "" || answer.Get("Set-Cookie") != ""
}

// fresh is how long a conversation may be shown without being asked for again.
const fresh = 60

// soon keeps caches from showing a conversation for longer than a minute. What an answer
// says of caches is respected otherwise; one that says nothing is asked for every time, and
// is nobody else's when it may be personal.
func soon(h http.Header, personal bool) {
	for _, name := range []string{"Cache-Control", "Cdn-Cache-Control", "Surrogate-Control"} {
		if values := h.Values(name); len(values) > 0 {
			h.Set(name, shortened(strings.Join(values, ", ")))
		}
	}
	expires, err := http.ParseTime(h.Get("Expires"))
	dated := h.Get("Expires") != ""
	d := directives(h)
	timed := d.has("max-age") || d.has("s-maxage") || d.has("no-store") || d.has("no-cache")
	switch {
	case dated && err == nil && time.Until(expires) > fresh*time.Second:
		h.Del("Expires")
		if !timed {
			h.Add("Cache-Control", "max-age="+strconv.Itoa(fresh))
		}
	case !dated && len(d) == 0 && personal:
		h.Set("Cache-Control", "private, no-cache")
	case !dated && !timed:
		h.Add("Cache-Control", "no-cache")
	}
}

// shortened is a Cache-Control with no time above a minute.
func shortened(value string) string {
	var kept []string
	for one := range strings.SplitSeq(value, ",") {
		one = strings.TrimSpace(one)
		name, seconds, _ := strings.Cut(strings.ToLower(one), "=")
		switch strings.TrimSpace(name) {
		case "immutable", "":
			continue
		case "max-age", "s-maxage", "stale-while-revalidate":
			if n, err := strconv.Atoi(strings.Trim(seconds, `" `)); err != nil || n > fresh {
				one = fmt.Sprintf("%s=%d", strings.TrimSpace(name), fresh)
			}
		}
		kept = append(kept, one)
	}
	return strings.Join(kept, ", ")
}

// cacheDirectives are the names in a Cache-Control, in lower case.
type cacheDirectives []string

func directives(h http.Header) (names cacheDirectives) {
	for one := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, _, _ := strings.Cut(one, "=")
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func (d cacheDirectives) has(name string) bool { return slices.Contains(d, name) }

// unchanged tells whether a visitor has an answer already, by the conditions of the request
// and the validators of the answer (RFC 9110, section 13.2.2).
func unchanged(r, answer http.Header) bool {
	if tags := strings.Join(r.Values("If-None-Match"), ","); tags != "" {
		tag := strings.TrimPrefix(answer.Get("ETag"), "W/")
		if strings.TrimSpace(tags) == "*" {
			return true
		}
		return len(tag) > 1 && slices.ContainsFunc(etags.FindAllString(tags, -1), func(one string) bool { return one == tag })
	}
	since, err := http.ParseTime(r.Get("If-Modified-Since"))
	changed, other := http.ParseTime(answer.Get("Last-Modified"))
	return err == nil && other == nil && !changed.After(since)
}

// etags finds entity tags without what makes them weak.
var etags = regexp.MustCompile(`"[^"]*"`)

// notModified makes an answer one that says so.
func notModified(resp *http.Response) {
	_ = resp.Body.Close() // nobody wants what is left of it
	resp.StatusCode, resp.Status = http.StatusNotModified, ""
	resp.Body, resp.ContentLength, resp.Trailer = http.NoBody, 0, nil
	for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Range"} {
		resp.Header.Del(name)
	}
}
