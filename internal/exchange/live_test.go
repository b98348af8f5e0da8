package exchange_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"tertulia/internal/exchange"
)

// account is a service as webmention.io is one, with some mentions, and patience to be tried.
func account(t *testing.T, n int, trouble func(page int) int) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		page, _ := strconv.Atoi(q.Get("page"))
		since, _ := strconv.Atoi(q.Get("since_id"))
		if r.Header.Get("Authorization") != "Bearer secret" || r.URL.Path != "/api/mentions.jf2" || q.Get("sort-dir") != "up" {
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		if status := trouble(page); status != 0 {
			rw.WriteHeader(status)
			return
		}
		per := 50 // fewer than were asked for
		var some []string
		for i := since + page*per; i < min(since+(page+1)*per, n); i++ {
			some = append(some, fmt.Sprintf(`{"type":"entry","wm-id":%d,"wm-source":"https://a.example/%d","wm-target":"https://me.example/hola/","wm-property":"like-of"}`, i+1, i+1))
		}
		fmt.Fprintf(rw, `{"type":"feed","children":[%s],"paging":{}}`, strings.Join(some, ","))
	}))
	t.Cleanup(s.Close)
	return s.URL + "/"
}

func fine(int) int { return 0 }

// An account is read page by page to its end, from where it is asked to; a token that is not
// accepted and a service that answers nonsense end it.
func TestLiveAccounts(t *testing.T) {
	read := func(l exchange.Live) (ids []uint64, err error) {
		for f, err := range l.Open(t.Context()).All {
			if err != nil {
				return ids, err
			}
			ids = append(ids, f.Number)
		}
		return ids, nil
	}
	base := account(t, 120, fine)
	ids, err := read(exchange.Live{Client: http.DefaultClient, Base: base, Token: "secret", Home: home})
	if err != nil || len(ids) != 120 || ids[0] != 1 || ids[119] != 120 {
		t.Errorf("got %d, %v", len(ids), err)
	}
	ids, err = read(exchange.Live{Client: http.DefaultClient, Base: base, Token: "secret", Since: 100, Home: home})
	if err != nil || len(ids) != 20 || ids[0] != 101 {
		t.Errorf("since 100: got %d, %v", len(ids), err)
	}
	if _, err = read(exchange.Live{Client: http.DefaultClient, Base: base, Token: "wrong"}); !errors.Is(err, exchange.ErrToken) {
		t.Errorf("a wrong token: %v", err)
	}
	ids, err = read(exchange.Live{Client: http.DefaultClient, Base: account(t, 120, func(page int) int { return page * 404 }), Token: "secret"})
	if err == nil || len(ids) != 50 {
		t.Errorf("trouble at the second page: got %d, %v", len(ids), err)
	}
	same := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, `{"children":[{"wm-id":1}]}`) }))
	defer same.Close()
	if ids, err = read(exchange.Live{Client: http.DefaultClient, Base: same.URL, Token: "secret"}); err == nil || len(ids) != 1 {
		t.Errorf("the same page again and again: got %d, %v", len(ids), err)
	}
}
