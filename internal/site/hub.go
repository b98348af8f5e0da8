package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// Feed is the address of the feed that we write ourselves; "" when there is none.
func (s *Site) Feed() string {
	if s.Dir == "" {
		return ""
	}
	return s.URL.JoinPath(feedName).String()
}

const feedName = "feed.xml"

// feedWritten promises a ping when the feed that we have just written says something else
// than at the last one.
func (s *Site) feedWritten() queue.Commit {
	if s.Hub == "" || s.Dir == "" {
		return nil
	}
	body, err := os.ReadFile(filepath.Join(s.Dir, feedName))
	if err != nil {
		return nil // there is nothing to fetch for the hub either
	}
	digest := digestOf(string(body))
	return func(tx *store.Tx) error {
		feed, err := tx.Feed(s.Feed())
		if err := ignore(err, fs.ErrNotExist); err != nil || feed.Digest == digest {
			return err
		}
		feed.URL, feed.Digest = s.Feed(), digest
		if err := tx.PutFeed(feed); err != nil {
			return err
		}
		return s.promisePing(tx, feed.URL)
	}
}

// promisePing promises to tell the hub that a feed has changed: once for all changes until
// it is told.
func (s *Site) promisePing(tx *store.Tx, feed string) error {
	if s.Hub == "" {
		return nil
	}
	ping := newJob(jobHub, feed, feed)
	ping.Lane = lane(s.Hub)
	return tx.Enqueue(ping)
}

// ping tells the hub that a feed has changed. How a publisher does that is left to the two of
// them; these are the words that hubs know (WebSub, section 4).
func (j *Jobs) ping(ctx context.Context, job store.Job) (queue.Commit, error) {
	var feed string
	s, err := j.begin(job, &feed)
	if err != nil || s.Hub == "" {
		return nil, err
	}
	form := url.Values{"hub.mode": {"publish"}, "hub.url": {feed}, "hub.topic": {feed}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Hub, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, queue.Permanent(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	resp, err := j.Own.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ping the hub: %w", err)
	}
	_ = resp.Body.Close() // nothing of it is used
	code, failed := resp.StatusCode, errors.New("the hub answers "+resp.Status)
	switch {
	case code >= 200 && code <= 299:
		return nil, nil
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooManyRequests:
		return nil, failed
	}
	return nil, queue.Permanent(failed)
}
