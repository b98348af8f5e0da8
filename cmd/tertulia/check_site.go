package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tertulia/internal/attach"
	"tertulia/internal/fetch"
)

// look looks at the home page as clients do; false when there is none.
func (k *checker) look(ctx context.Context) bool {
	site, err := url.Parse(k.one.URL)
	if err != nil {
		k.fail("home", "home.down", k.one.URL, err.Error())
		return false
	}
	k.home, err = attach.Look(ctx, k.own, site)
	if err != nil {
		k.unreachable(site, err)
		return false
	}
	if k.home.Status != http.StatusOK {
		k.fail("home", "home.status", k.one.URL, fmt.Sprint(k.home.Status))
		return false
	}
	if k.home.URL.String() != site.String() {
		k.warn("home", "home.leads", k.one.URL, k.home.URL.String())
	} else {
		k.ok("home", "home.ok", k.one.URL)
	}
	k.clock()
	k.certificate(ctx, site)
	k.rels()
	return true
}

// rels compares what the home page names with what it should.
func (k *checker) rels() {
	want := map[string]string{}
	lines := k.set.joined(k.one)
	for _, e := range lines.Endpoints() {
		want[e.Rel] = e.URL
	}
	problems := k.home.Problems(want)
	missing := 0
	for _, p := range problems {
		if p.What == attach.Missing {
			missing++
		}
	}
	switch {
	case missing == len(want) && k.home.Refresh != "":
		k.fail("rels", "rels.refresh", k.one.URL, k.home.Refresh)
		return
	case k.home.HeadErr != nil:
		k.fail("rels", "rels.head", why(k.home.HeadErr))
	case len(problems) == 0:
		k.ok("rels", "rels.ok", fmt.Sprint(len(want)))
	}
	for _, p := range problems {
		k.rel(p, want[p.Rel])
	}
	if missing > 0 {
		k.paste(lines)
	}
}

// paste puts what would mend the last point beside it.
func (k *checker) paste(lines attach.Lines) {
	all, err := toPaste(lines, k.l)
	if err != nil {
		return // the lines are the program's own; a test reads them all
	}
	k.points[len(k.points)-1].Paste = all
}

// rel says what is wrong with one rel.
func (k *checker) rel(p attach.Problem, want string) {
	line := fmt.Sprintf("<link rel=%q href=%q>", p.Rel, want)
	switch p.What {
	case attach.Missing:
		k.fail("rels", "rels.missing", p.Rel, line)
	case attach.Other:
		k.fail("rels", "rels.differs", p.Rel, p.Seen, line)
	case attach.Late:
		k.warn("rels", "rels.late", p.Rel, fmt.Sprintf("Link: <%s>; rel=%q", want, p.Rel))
	case attach.Shared:
		k.warn("rels", "rels.shared", p.Rel, line)
	case attach.Unequal:
		k.warn("rels", "rels.unequal", p.Rel)
	}
}

// unreachable says why there is no home page.
func (k *checker) unreachable(site *url.URL, err error) {
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		k.fail("tls", "tls.bad", site.Host, certificate.Err.Error())
	case errors.Is(err, fetch.ErrBlocked):
		k.fail("home", "home.elsewhere", k.one.URL, why(err))
	default:
		k.fail("home", "home.down", k.one.URL, why(err))
	}
}

// clock compares the site's clock with this machine's.
func (k *checker) clock() {
	if k.home.Date.IsZero() {
		return
	}
	switch off := time.Since(k.home.Date).Round(time.Second); {
	case off.Abs() > time.Minute:
		k.warn("clock", "clock.off", off.String())
	default:
		k.ok("clock", "clock.ok")
	}
}

// soon is when a certificate should have been renewed: who renews by themselves does so
// a month before.
const soon = 14

// certificate says for how long the site's certificate is good. Where the site is fetched
// from elsewhere without TLS, it is asked for as strangers do.
func (k *checker) certificate(ctx context.Context, site *url.URL) {
	if site.Scheme != "https" {
		return
	}
	until := k.home.Expires
	if until.IsZero() {
		outside, err := attach.Look(ctx, k.outside, site)
		if err != nil || outside.Expires.IsZero() {
			k.warn("tls", "tls.unseen", site.Host)
			return
		}
		until = outside.Expires
	}
	days := int(time.Until(until).Hours() / 24)
	if days < soon {
		k.warn("tls", "tls.soon", site.Host, days)
		return
	}
	k.ok("tls", "tls.ok", site.Host, days)
}

// maxSaid is how much of an answer is read.
const maxSaid = 64 << 10

// reply is what came back from an endpoint.
type reply struct {
	status   int
	location string
	ours     bool // it is JSON, as all answers of the service to programs are
	body     []byte
}

// parse reads an answer in JSON.
func (r reply) parse(into any) error { return json.Unmarshal(r.body, into) }

// send makes a request of the site's own endpoints.
func (k *checker) send(req *http.Request) (reply, error) {
	resp, err := k.own.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxSaid))
	if err != nil {
		return reply{}, err
	}
	return reply{resp.StatusCode, resp.Header.Get("Location"), strings.Contains(resp.Header.Get("Content-Type"), "json"), body}, nil
}

// endpoints says whether what the pages should name leads here.
func (k *checker) endpoints(ctx context.Context) bool {
	base := k.set.base(k.one)
	got, err := k.get(ctx, base+"metadata", "")
	var metadata struct {
		Issuer string `json:"issuer"`
	}
	switch {
	case err != nil:
		k.fail("endpoints", "endpoints.down", base, why(err))
		return false
	case got.status == http.StatusBadGateway || got.status == http.StatusServiceUnavailable || got.status == http.StatusGatewayTimeout:
		k.fail("endpoints", "endpoints.gateway", base, fmt.Sprint(got.status))
		return false
	case got.status != http.StatusOK || got.parse(&metadata) != nil:
		k.fail("endpoints", "endpoints.not", base, fmt.Sprint(got.status))
		return false
	case metadata.Issuer != base:
		k.fail("endpoints", "endpoints.differs", base, metadata.Issuer)
		return false
	}
	ours := k.set.joined(k.one)
	ours.Auth = nil
	for _, e := range ours.Endpoints() {
		got, err := k.get(ctx, e.URL, "")
		if err != nil || got.status == http.StatusNotFound || got.status >= 500 {
			said := fmt.Sprint(got.status)
			if err != nil {
				said = why(err)
			}
			k.fail("endpoints", "endpoints.one", e.URL, said)
			return false
		}
	}
	k.ok("endpoints", "endpoints.ok", base)
	return true
}

// get asks for something below the site's base, with a token where one is given.
func (k *checker) get(ctx context.Context, address, token string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Accept", cmp.Or(map[bool]string{true: "application/json"}[token != ""], "*/*"))
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return k.send(req)
}
