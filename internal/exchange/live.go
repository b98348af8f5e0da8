package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tertulia/internal/site"
)

// Live is an account at a service that answers as webmention.io does (READ-API 2).
type Live struct {
	Client *http.Client // to Base
	Base   string       // "https://webmention.io"
	Token  string
	Since  uint64   // only what has a higher wm-id; 0: all
	Home   *url.URL // the site that the responses are for
}

const (
	perPage   = 200
	maxPages  = 100_000
	liveTries = 5
	longPause = time.Minute
)

// ErrToken is returned when the service does not know the token.
var ErrToken = errors.New("the token is not accepted")

// Open gives what the account holds, the oldest first, page by page. After an error the
// last wm-id that came says where to go on.
func (l Live) Open(ctx context.Context) *Source {
	return &Source{Kind: "webmention.io", All: func(yield func(site.Foreign, error) bool) {
		last := ""
		for page := range maxPages {
			entries, err := l.page(ctx, page)
			if err != nil {
				yield(site.Foreign{}, err)
				return
			}
			if len(entries) == 0 {
				return
			}
			if string(entries[0]) == last {
				yield(site.Foreign{}, errors.New("it gives the same page again and again"))
				return
			}
			last = string(entries[0])
			for _, raw := range entries {
				if !yield(fromJF2(raw, l.Home), nil) {
					return
				}
			}
		}
	}}
}

// page reads one page, with patience.
func (l Live) page(ctx context.Context, page int) (entries []json.RawMessage, err error) {
	for try := range liveTries {
		var wait time.Duration
		if entries, wait, err = l.ask(ctx, page); err == nil || wait == 0 || ctx.Err() != nil {
			return entries, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(wait<<try, longPause)):
		}
	}
	return nil, err
}

// ask reads one page; wait is how long to wait before another attempt, 0: there is no
// point in one.
func (l Live) ask(ctx context.Context, page int) (entries []json.RawMessage, wait time.Duration, err error) {
	query := url.Values{
		"per-page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}, "sort-by": {"created"}, "sort-dir": {"up"},
	}
	if l.Since > 0 {
		query.Set("since_id", strconv.FormatUint(l.Since, 10))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(l.Base, "/")+"/api/mentions.jf2?"+query.Encode(), nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Authorization", "Bearer "+l.Token) // and not in the address, which ends up in logs
	req.Header.Set("Accept", "application/json")
	resp, err := l.Client.Do(req)
	if err != nil {
		return nil, time.Second, err
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return nil, 0, fmt.Errorf("%s: %w", l.Base, ErrToken)
	case code == http.StatusTooManyRequests || code >= 500:
		seconds, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // none: a second
		return nil, max(time.Duration(seconds), 1) * time.Second, fmt.Errorf("%s answers %s", l.Base, resp.Status)
	case code != http.StatusOK:
		return nil, 0, fmt.Errorf("%s answers %s", l.Base, resp.Status)
	}
	err = eachChild(io.LimitReader(resp.Body, 16*maxPart), func(raw json.RawMessage, _ int64) error {
		entries = append(entries, raw)
		return nil
	})
	if err != nil {
		err = fmt.Errorf("what %s answers: %w", l.Base, err)
	}
	return entries, time.Second, err
}
