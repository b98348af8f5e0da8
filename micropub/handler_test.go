package micropub_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tertulia/micropub"
)

// MP-13, MP-16, MP-17, T-MP15, T-MP27: what the backend says becomes the status.
// Spec: micropub#error-response-li-1
// Spec: micropub#error-response-li-4
func TestStatusFollowsTheBackend(t *testing.T) {
	const (
		create   = "content=hi"
		update   = `{"action":"update","url":"https://blog.example/1","add":{"category":["c"]}}`
		undelete = "action=undelete&url=https://blog.example/1"
	)
	for _, tt := range []struct {
		name, contentType, body string
		backend                 blog
		status                  int
		location                string
	}{
		{"created", form, create, blog{}, 201, home + "new/1"},
		{"pending", form, create, blog{pending: true}, 202, home + "new/1"},
		{"updated", js, update, blog{}, 204, ""},
		{"updated at the same url", js, update, blog{moved: home + "1"}, 204, ""},
		{"moved", js, update, blog{moved: home + "uno"}, 201, home + "uno"},
		{"moved to a name in Spanish", js, update, blog{moved: home + "año"}, 201, home + "a%C3%B1o"},
		{"undeleted", form, undelete, blog{}, 204, ""},
		{"undeleted elsewhere", form, undelete, blog{moved: home + "uno"}, 201, home + "uno"},
		{"an address that is not absolute", js, update, blog{moved: "/uno"}, 500, ""},
		{"an address that is none", js, update, blog{moved: "https://[::1"}, 500, ""},
		{"not allowed", form, create, blog{fail: fmt.Errorf("no: %w", fs.ErrPermission)}, 403, ""},
		{"not supported", form, undelete, blog{fail: errors.ErrUnsupported}, 400, ""},
		{"not found", form, undelete, blog{fail: fs.ErrNotExist}, 400, ""},
		{"out of time", form, create, blog{fail: fmt.Errorf("late: %w", context.DeadlineExceeded)}, 503, ""},
		{"out of order", form, create, blog{fail: errors.New("disk on fire")}, 500, ""},
		{"full", form, create, blog{fail: fmt.Errorf("create: %w", &micropub.Error{Code: micropub.TemporarilyUnavailable, RetryAfter: time.Minute})}, 503, ""},
		{"its own word", form, create, blog{fail: &micropub.Error{Code: "teapot", Status: 418}}, 418, ""},
		{"its own word without a status", form, create, blog{fail: &micropub.Error{Code: "teapot"}}, 500, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBlog()
			b.pending, b.moved, b.fail = tt.backend.pending, tt.backend.moved, tt.backend.fail
			w := post(handler(b), "all", tt.contentType, tt.body)
			want(t, w, tt.status)
			if got := w.Header().Get("Location"); got != tt.location {
				t.Errorf("got Location %q, want %q", got, tt.location)
			}
			if strings.Contains(w.Body.String(), "fire") {
				t.Errorf("got %s, want no cause in a 5xx", w.Body)
			}
		})
	}
}

// A failure is logged once, with its cause and without the token (T-MP02).
func TestLog(t *testing.T) {
	var log bytes.Buffer
	b := newBlog()
	b.fail = errors.New("disk on fire")
	h := handler(b)
	h.Log = slog.New(slog.NewTextHandler(&log, nil))
	want(t, post(h, "", form, "access_token=create&content=hi"), 500)
	if got := log.String(); strings.Count(got, "disk on fire") != 1 || strings.Contains(got, "access_token") {
		t.Errorf("got log %q, want the cause once and no token", got)
	}
	log.Reset()
	b.fail = context.Canceled
	want(t, post(h, "create", form, "content=hi"), 500)
	want(t, post(h, "create", form, "action=explode"), 400)
	if log.Len() > 0 {
		t.Errorf("got log %q, want nothing: a client that left, a client's mistake", log.String())
	}
}

// T-MP19: a backend that can do nothing else has nothing to advertise.
func TestPlainBackend(t *testing.T) {
	h := handler(plain{newBlog()})
	for query, wanted := range map[string]string{
		"q=config":       `{"q":["config","source","syndicate-to"],"syndicate-to":[]}`,
		"q=syndicate-to": `{"syndicate-to":[]}`,
		"":               `{}`,
	} {
		if w := get(h, "all", query); w.Code != 200 || strings.TrimSpace(w.Body.String()) != wanted {
			t.Errorf("%s: got %d %s, want 200 %s", query, w.Code, w.Body, wanted)
		}
	}
	for _, query := range []string{"q=category", "q=channel", "q=post-types", "q=source", "q=source&url=", "q=%00"} {
		want(t, get(h, "all", query), 400)
	}
	if w := get(h.Media(), "all", "q=source"); strings.TrimSpace(w.Body.String()) != `{"items":[]}` {
		t.Errorf("got %s, want an empty list", w.Body)
	}
}

// Every query of a backend that fails is a 500 without the cause.
func TestQueriesFail(t *testing.T) {
	b := newBlog()
	b.fail = errors.New("disk on fire")
	h := handler(b)
	for _, q := range []string{"q=config", "q=syndicate-to", "q=category", "q=channel", "q=post-types", "q=source", "q=source&url=" + home + "1"} {
		w := get(h, "all", q)
		want(t, w, 500)
		if strings.Contains(w.Body.String(), "fire") {
			t.Errorf("%s: got %s, want no cause", q, w.Body)
		}
	}
	want(t, get(h.Media(), "all", "q=source"), 500)
}

// A Lister sees the query as it was sent, and never a token.
func TestListQuery(t *testing.T) {
	b := newBlog()
	want(t, get(handler(b), "all", "q=source&limit=5000&offset=20&before=b&post-type=note&filter=caf%C3%A9&exists[]=photo&access_token=secret"), 200)
	got := b.listed[0]
	if got.Limit != 100 || got.Offset != 20 || got.Before != "b" || got.PostType != "note" || got.Filter != "café" {
		t.Errorf("got %+v", got)
	}
	if got.Values.Get("exists[]") != "photo" || got.Values.Has("access_token") {
		t.Errorf("got values %v, want the filters and no token", got.Values)
	}
}

// CL-29: an address that came undecoded is tried both ways.
func TestSourceAddressTriedBothWays(t *testing.T) {
	b := newBlog()
	b.posts[home+"c++"] = b.posts[home+"1"]
	b.posts[home+"a b"] = b.posts[home+"1"]
	for _, u := range []string{"https://blog.example/c++", "https%3A%2F%2Fblog.example%2Fc%2B%2B", "https://blog.example/a%20b", "https://blog.example/a+b", "https://blog.example/?p=5%26lang=es", "https://blog.example/?p=5&lang=es&q=x"} {
		want(t, get(handler(b), "all", "q=source&url="+u), 200)
	}
	for _, u := range []string{"https://blog.example/none&x=y", "https%3A%2F%2Fblog.example%2F%3Fp%3D5&lang=es", "javascript:1", strings.Repeat("h", 3000), "https://blog.example/" + strings.Repeat("h", 3000), "%zz"} {
		want(t, get(handler(b), "all", "q=source&url="+u), 400)
	}
}

func get(h http.Handler, token, query string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", home+"micropub?"+query, nil)
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
