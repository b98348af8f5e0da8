package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tertulia/internal/site"
)

// question is what a client of the read API asks, and who it says it is.
type question struct {
	site.Query
	pages  bool   // it names pages: the token is of no account then (READ-API 2)
	domain string // it asks about, "" when it does not say
	secret string // the token that it has shown
	id     string // of that token, once it was looked at
}

// asked reads a question.
func (p *pages) asked(r *http.Request) question {
	q := r.URL.Query()
	one := question{domain: q.Get("domain"), secret: cmp.Or(q.Get("token"), q.Get("access_token"), bearer(r))}
	one.Targets, one.pages = p.targets(q)
	one.Query.Property = values(q, "wm-property")
	one.PerPage, one.Page = number(q, "perPage", number(q, "per-page", 20)), number(q, "page", 0)
	one.SortBy, one.Upwards = q.Get("sort-by"), q.Get("sort-dir") != "" && q.Get("sort-dir") != "down"
	one.Since = since(q.Get("since"))
	if s := q.Get("since_id"); s != "" {
		if id, err := strconv.ParseUint(s, 10, 64); err == nil {
			one.SinceID = id
		}
	}
	return one
}

// question reads a question that names pages, or comes with a token; any other is answered
// here, and ok is false.
func (p *pages) question(w http.ResponseWriter, r *http.Request) (q question, ok bool) {
	if q = p.asked(r); q.pages {
		return q, true
	}
	if q.secret == "" {
		p.refuseAPI(w, r, http.StatusBadRequest, errNoTarget)
		return q, false
	}
	return p.everything(w, r)
}

// everything reads a question about the whole site, which needs a token. About a domain that
// is not the site's there is nothing to say.
func (p *pages) everything(w http.ResponseWriter, r *http.Request) (q question, ok bool) {
	if q = p.asked(r); q.secret == "" {
		p.refuseAPI(w, r, http.StatusBadRequest, errNoToken)
		return q, false
	}
	id, status, refused, err := p.mayRead(r, q.secret)
	switch {
	case err != nil:
		p.brokenAPI(w, r, err)
		return q, false
	case refused != nil:
		w.Header().Set("WWW-Authenticate", "Bearer")
		p.refuseAPI(w, r, status, *refused)
		return q, false
	}
	q.id, q.Targets = id, nil
	q.Everything = q.domain == "" || p.HasDomain(q.domain)
	return q, true
}

// refuseAPI tells a client what is wrong: on a page, if it is a person.
func (p *pages) refuseAPI(w http.ResponseWriter, r *http.Request, status int, refused apiError) {
	if strings.Contains(r.Header.Get("Accept"), "text/html") && !calls(r) {
		p.refuse(w, r, status, refused.Description, "")
		return
	}
	p.answer(w, r, status, refused)
}

// bearer is the token of the Authorization header, "" when there is none.
func bearer(r *http.Request) string {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(rest)
}

// since reads a time as clients write it; zero when it cannot be read. A plus sign
// that nobody escaped has become a space.
func since(s string) time.Time {
	if s == "" {
		return time.Time{}
	}
	if strings.Contains(s, "T") {
		s = strings.Replace(s, " ", "+", 1)
	}
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04",
		time.DateTime, "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04", time.DateOnly, time.RFC1123, time.RFC1123Z,
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}

// maxTargets bounds how many pages one request may ask for.
const maxTargets = 50

// targets are the pages that a client asks for, and whether it asks for any, if only for one
// that cannot be. One may lack its scheme: with https and with http it is the same page.
func (p *pages) targets(q url.Values) (targets []string, any bool) {
	all := every(q, "target")
	targets = bounded(all)
	for i, t := range targets {
		if strings.HasPrefix(t, "//") {
			targets[i] = p.URL.Scheme + ":" + t
		}
	}
	return targets, len(all) > 0
}

// maxTarget is the longest address, in bytes, that is looked for.
const maxTarget = 512

// every reads a parameter that may come once, as name[] or as name[0].
func every(q url.Values, name string) []string {
	var keys, found []string
	for key := range q {
		rest, ok := strings.CutPrefix(key, name)
		if ok && (rest == "" || rest[0] == '[' && rest[len(rest)-1] == ']') {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		found = append(found, q[key]...)
	}
	return slices.DeleteFunc(found, func(s string) bool { return s == "" })
}

// bounded leaves out values that are too long, and too many.
func bounded(all []string) []string {
	some := slices.DeleteFunc(slices.Clone(all), func(s string) bool { return len(s) > maxTarget })
	return some[:min(len(some), maxTargets)]
}

func values(q url.Values, name string) []string { return bounded(every(q, name)) }

// number reads a number from 0; one that is too large is the largest.
func number(q url.Values, name string, otherwise int) int {
	s := q.Get(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return otherwise
	}
	return max(n, 0)
}
