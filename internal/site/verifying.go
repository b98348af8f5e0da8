package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// A source that has gone without saying so (404, 451) counts as withdrawn after
// this many looks over this long.
const (
	missingLooks = 3
	missingSpan  = 72 * time.Hour
)

// longestWait is how long others may make us wait.
const longestWait = 24 * time.Hour

// maxLooks is after how many attempts a source that cannot be reached is given
// up: a new mention has failed then, a known one stays as it is.
const maxLooks = 12

// verify looks at a mention's source and writes down what it says now. Only the
// transaction at its end changes anything, so an interrupted look is simply taken
// again (TRAPS T-WR10, T-WR11, T-WR13).
func (j *Jobs) verify(ctx context.Context, job store.Job) (queue.Commit, error) {
	var id string
	s, err := j.begin(job, &id)
	if err != nil {
		return nil, err
	}
	mention, page, err := j.mentioned(ctx, s, id)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && mention.State == store.Deleted:
		return nil, nil // it has been removed meanwhile
	case err != nil:
		return nil, err
	case page.ID == "":
		return dropMention(id), nil
	case !page.Found:
		exists, err := j.exists(ctx, page.URL)
		if err != nil {
			return nil, err
		}
		if !exists {
			return dropUnknown(mention), nil
		}
	}
	source, target, err := addresses(mention)
	if err != nil {
		return nil, queue.Permanent(err)
	}
	seen, err := j.Verifier.Verify(ctx, source, target)
	failpoint.Hit("verify.fetch")
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	look := look{site: s, attempt: job.Attempts, now: j.DB.Now(), err: err, hopeless: j.hopeless(err)}
	if mention.Shown != nil && seen.Outcome == webmention.Unlinked {
		// Anybody may send it with another spelling of the target: a mention that
		// was verified is not taken back for that (TRAPS T-WR13).
		if look.target = s.linked(seen, mention.Target); look.target != "" {
			seen.Outcome, seen.Linked, seen.Reason = webmention.Linked, true, "the page links here in another spelling"
		}
	}
	look.sites = s.sitesLinked(seen)
	seen.Doc = nil // it can be large, and has said all
	if look.seen = seen; seen.Linked {
		look.version, look.entry, look.posted = j.read(ctx, s, mention, seen)
		look.by = j.claimed(ctx, s, mention, seen, look.version.Author)
		look.pictures = j.keepsPictures(s)
	} else {
		j.Hosts.disappoint(lane(mention.Source))
	}
	j.log().Info("webmention looked at", "source", mention.Source, "target", mention.Target, "outcome", seen.Outcome.String(), "status", seen.Status, "attempt", job.Attempts)
	return look.commit(id, page.ID), look.again(mention)
}

// mentioned reads a mention and its page. The page is empty when there is none, or
// when it is a post that nobody may know of.
func (j *Jobs) mentioned(ctx context.Context, s *Site, id string) (m store.Mention, page store.Page, err error) {
	err = j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
		if m, err = tx.Mention(id); err != nil {
			return err
		}
		if page, err = tx.Page(m.Page); err != nil {
			page = store.Page{}
			return ignore(err, fs.ErrNotExist)
		}
		post, err := tx.Post(page.URL)
		if err == nil && secret(post) {
			page = store.Page{}
		}
		return ignore(err, fs.ErrNotExist)
	})
	return m, page, err
}

// ignore is err unless it is the one that does not matter here.
func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

func addresses(m store.Mention) (source, target *url.URL, err error) {
	if source, err = url.Parse(m.Source); err != nil {
		return nil, nil, err
	}
	target, err = url.Parse(m.Target)
	return source, target, err
}

// exists asks our own site whether it has a page. An outage is no answer (TRAPS T-WR21).
func (j *Jobs) exists(ctx context.Context, address string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, queue.Permanent(err)
	}
	resp, err := j.Own.Do(req)
	if err != nil {
		return false, fmt.Errorf("look for our own page: %w", err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code >= 200 && code <= 299:
		return true, nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return false, nil
	}
	return false, fmt.Errorf("look for our own page %s: it answers %s", address, resp.Status)
}

// dropMention forgets a mention of nothing.
func dropMention(id string) queue.Commit {
	return func(tx *store.Tx) error { return ignore(tx.DropMention(id), fs.ErrNotExist) }
}

// dropUnknown forgets a mention of a page that we do not have, and the page: the
// jobs of its other mentions find it gone. When another look has found the page
// meanwhile this one is taken again.
func dropUnknown(m store.Mention) queue.Commit {
	return func(tx *store.Tx) error {
		page, err := tx.Page(m.Page)
		if err == nil && page.Found {
			return tx.Enqueue(verifyJob(m))
		}
		if err == nil {
			err = tx.DropPage(page.ID)
		}
		if err := ignore(err, fs.ErrNotExist); err != nil {
			return err
		}
		return dropMention(m.ID)(tx)
	}
}
