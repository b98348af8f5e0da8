package site

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"tertulia/store"
	"tertulia/webmention"
)

// profiles are the pages of authors that a source names, each read once: for who they are, and
// for whether they call the source theirs.
type profiles struct {
	jobs  *Jobs
	of    store.Mention
	final *url.URL // where its source is
	had   map[string]profile
}

type profile struct {
	page webmention.Verification
	err  error
}

func (j *Jobs) profilesOf(m store.Mention, final *url.URL) *profiles {
	return &profiles{j, m, final, map[string]profile{}}
}

// read reads a page. Whoever is named by others' pages is not asked without end (HOSTILE
// 109), and once for all mentions of one source at one time. The error says that nobody knows
// what is there.
func (p *profiles) read(ctx context.Context, at *url.URL) (webmention.Verification, error) {
	id := profileID(at)
	got, ok := p.had[id]
	if !ok {
		got.page, got.err = once(&p.jobs.heard, p.of.Source, "profile "+id, func() (webmention.Verification, int, error) {
			page, _, err := p.jobs.lookAt(ctx, at, p.final, p.of.ID)
			if code := page.Status; err == nil && (code >= 500 || code == http.StatusTooManyRequests) {
				err = fmt.Errorf("%s answers %d", at, code)
			}
			return page, page.Size, err
		})
		p.had[id] = got
	}
	return got.page, got.err
}
