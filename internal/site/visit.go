package site

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tertulia/webmention"
)

// visit is one look at a source and the domains that it leads to: each is asked whether it
// may be disturbed before it is.
type visit struct {
	hosts   *Hosts
	domains []string
	wait    time.Duration // 0, or how long the domain wants to be left alone that ended it
}

// enter is asked before each hop.
func (v *visit) enter(u *url.URL) error {
	host := hostName(u)
	if slices.Contains(v.domains, domainOf(host)) {
		return nil
	}
	if v.wait = v.hosts.enter(host); v.wait > 0 {
		return errBusyHost
	}
	v.domains = append(v.domains, domainOf(host))
	return nil
}

// leave ends the visit.
func (v *visit) leave(linked bool) {
	for _, domain := range v.domains {
		v.hosts.leave(domain, linked)
	}
}

// lookAt asks a source, or the profile that one names, whether it links to a target. wait is how long to leave its host
// alone first, when nothing was asked for that reason.
func (j *Jobs) lookAt(ctx context.Context, source, target *url.URL, mention string) (seen webmention.Verification, wait time.Duration, err error) {
	if seen, ok := j.heard.linked(j.Verifier, source.String(), target, mention); ok {
		return seen, 0, nil
	}
	if wait := j.Hosts.down(lane(source.String())); wait > 0 {
		return seen, wait, errBusyHost
	}
	v := &visit{hosts: j.Hosts}
	if err := v.enter(source); err != nil {
		return seen, v.wait, err
	}
	verifier, client := *j.Verifier, *j.Verifier.Client
	check := client.CheckRedirect
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if check != nil {
			if err := check(next, via); err != nil {
				return err
			}
		}
		return v.enter(next.URL)
	}
	verifier.Client = &client
	seen, err = verifier.Verify(ctx, source, target)
	if errors.Is(err, errBusyHost) {
		v.leave(true) // what led there has done nothing wrong yet
		return seen, v.wait, err
	}
	v.leave(seen.Linked || sameHost(source, target)) // what a host says of itself names no victim
	if ctx.Err() == nil {
		j.Hosts.answered(lane(source.String()), j.hopeless(err) || err == nil && seen.Status < 500 && seen.Status != http.StatusTooManyRequests)
	}
	j.heard.keep(source.String(), seen, mention)
	return seen, 0, err
}
