package micropub_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tertulia/mf2"
	"tertulia/micropub"
)

// MX-11, MX-12, MX-13: what each filter lets through. Who says nothing is
// published and public.
func TestQueryMatches(t *testing.T) {
	posts := map[string]mf2.Item{
		"note":  {Type: []string{"h-entry"}, Properties: values{"content": {"Hola, café"}, "category": {"a", "b"}}},
		"draft": {Type: []string{"h-entry"}, Properties: values{"name": {"Pan"}, "content": {map[string]any{"html": "<p>Harina</p>"}}, "post-status": {"Draft"}}},
		"reply": {Type: []string{"h-entry"}, Properties: values{"content": {"sí"}, "visibility": {"unlisted"}, "rsvp": {""}, "photo": {map[string]any{"value": "https://p.example/1", "alt": "x"}},
			"in-reply-to": {map[string]any{"type": []any{"h-cite"}, "properties": map[string]any{"url": []any{"https://a.example/1"}, "name": []any{"Una"}}}}}},
	}
	for _, tt := range []struct {
		q    micropub.Query
		want string
	}{
		{micropub.Query{}, "draft note reply"},
		{micropub.Query{PostType: "note"}, "note"},
		{micropub.Query{PostType: "article"}, "draft"},
		{micropub.Query{PostType: "reply"}, "reply"},
		{micropub.Query{PostStatus: "published"}, "note reply"},
		{micropub.Query{PostStatus: "draft"}, "draft"},
		{micropub.Query{Visibility: "public"}, "draft note"},
		{micropub.Query{Visibility: "unlisted"}, "reply"},
		{micropub.Query{Visibility: "private"}, ""},
		{micropub.Query{Filter: "CAFÉ"}, "note"},
		{micropub.Query{Filter: "harina"}, "draft"},
		{micropub.Query{Filter: "html"}, ""},
		{micropub.Query{Filter: "b"}, "note"},
		{micropub.Query{Exists: []string{"content", "category"}}, "note"},
		{micropub.Query{Exists: []string{"category", "photo"}}, ""},
		{micropub.Query{NotExists: []string{"category", "photo"}}, "draft"},
		{micropub.Query{Exists: []string{"content"}, NotExists: []string{"content"}}, ""},
		{micropub.Query{Properties: map[string][]string{"category": {"a"}}}, "note"},
		{micropub.Query{Properties: map[string][]string{"category": {"b", "a"}}}, "note"},
		{micropub.Query{Properties: map[string][]string{"category": {"a", "c"}}}, ""},
		{micropub.Query{Properties: map[string][]string{"category": {"a"}, "name": {"Pan"}}}, ""},
		{micropub.Query{Properties: map[string][]string{"in-reply-to": {"https://a.example/1"}}}, "reply"},
		{micropub.Query{Properties: map[string][]string{"photo": {"https://p.example/1"}}}, "reply"},
		{micropub.Query{Properties: map[string][]string{"": {"x"}}}, ""},
	} {
		var got []string
		for _, name := range []string{"draft", "note", "reply"} {
			if tt.q.Matches(posts[name]) {
				got = append(got, name)
			}
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%+v: (-want +got)\n%s", tt.q, diff)
		}
	}
}

// Asking for what is there and for what is not there are opposites.
func TestQueryMatchesOrNot(t *testing.T) {
	name := rapid.SampledFrom([]string{"name", "content", "photo"})
	rapid.Check(t, func(t *rapid.T) {
		it := mf2.Item{Properties: rapid.MapOf(name, rapid.SliceOfN(rapid.Just(any("x")), 0, 2)).Draw(t, "properties")}
		asked := name.Draw(t, "asked")
		with, without := micropub.Query{Exists: []string{asked}}, micropub.Query{NotExists: []string{asked}}
		if with.Matches(it) == without.Matches(it) {
			t.Errorf("%v: both or neither of exists and not-exists %q", it, asked)
		}
	})
}

// configured says everything in its Config, as a backend may that has no typed
// list of what it says.
type configured struct {
	micropub.Backend
	config map[string]any
}

func (c configured) Config(context.Context, micropub.Grant) (map[string]any, error) {
	return c.config, nil
}

// MX-5, MX-14, MX-15: a Configurer's own post types and properties are passed on,
// those of a PostTyper come first, and nobody's map is changed.
func TestConfigurerSpeaksForItself(t *testing.T) {
	types := []map[string]string{{"type": "note", "name": "Note"}}
	config := map[string]any{"post-types": types, "properties": []string{"content"}, "q": []string{"lies"}, "syndicate-to": "lies", "channels": "lies", "destination": "lies"}
	h := handler(configured{newBlog(), config})
	want(t, get(h, "all", "q=post-types"), 200)
	w := get(h, "all", "q=config")
	var got any
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]any{
		"post-types": []any{map[string]any{"type": "note", "name": "Note"}}, "properties": []any{"content"}, "syndicate-to": []any{},
		"q": []any{"config", "source", "syndicate-to", "post-types", "properties"},
	}
	if diff := cmp.Diff(any(wanted), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(config) != 6 {
		t.Errorf("the backend's map was changed: %v", config)
	}
	want(t, get(h, "all", "q=channel"), 400)
	want(t, get(h, "all", "q=mystery"), 400)

	h = handler(typed{configured{newBlog(), config}, newBlog()})
	if w := get(h, "all", "q=properties"); strings.TrimSpace(w.Body.String()) != `{"properties":["content"]}` {
		t.Errorf("got %s, want the backend's own properties", w.Body)
	}
	if w := get(h, "all", "q=post-types&limit=1"); !strings.Contains(w.Body.String(), "Nota") {
		t.Errorf("got %s, want those of the PostTyper", w.Body)
	}
}

// typed is a Configurer that is a PostTyper as well.
type typed struct {
	configured
	micropub.PostTyper
}

// MX-11, MX-23: a filter finds an upload however far back, by pages of the backend's.
func TestMediaFilterLooksFarBack(t *testing.T) {
	b := newBlog()
	for i := range 350 {
		kind := "image/png"
		if i%100 == 7 {
			kind = "video/mp4"
		}
		b.claims = append(b.claims, micropub.File{ContentType: kind})
		b.files[fmt.Sprintf("%smedia/%d", home, i+1)] = "x"
	}
	for query, wanted := range map[string]string{
		"filter=video":                  "media/308 media/208 media/108 media/8",
		"filter=VIDEO&limit=2":          "media/308 media/208",
		"filter=video&limit=2&offset=1": "media/208 media/108",
		"filter=media/300":              "media/300",
		"filter=none":                   "",
	} {
		w := get(handler(b).Media(), "all", "q=source&"+query)
		var got struct{ Items []micropub.MediaItem }
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, item := range got.Items {
			found = append(found, strings.TrimPrefix(item.URL, home))
		}
		if diff := cmp.Diff(wanted, strings.Join(found, " ")); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", query, diff)
		}
	}
	for query, n := range map[string]int{"filter=image": 100, "limit=5000": 100, "limit=3&offset=348": 2} {
		w := get(handler(b).Media(), "all", "q=source&"+query)
		if got := strings.Count(w.Body.String(), `"url"`); got != n {
			t.Errorf("%s: got %d, want %d", query, got, n)
		}
	}
}

// Every list of a backend that fails is a 500 without the cause, and so is deleting.
func TestAbilitiesFail(t *testing.T) {
	b := newBlog()
	b.fail = errors.New("disk on fire")
	h := handler(b)
	for _, w := range []*httptest.ResponseRecorder{
		get(h, "all", "q=contact"), get(h, "all", "q=destination"), get(h, "all", "q=geo&lat=1&lon=2"), get(h, "all", "q=visibility"),
		get(h.Media(), "all", "q=last"), get(h.Media(), "all", "q=source&filter=x"),
		post(h.Media(), "all", form, "action=delete&url="+home+"media/1"),
	} {
		want(t, w, 500)
		if strings.Contains(w.Body.String(), "fire") {
			t.Errorf("got %s, want no cause", w.Body)
		}
	}
}

// T-MP25: Location is there on HTTP/2 too, where names are in lower case.
func TestLocationOverHTTP2(t *testing.T) {
	server := httptest.NewUnstartedServer(handler(newBlog()))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, strings.NewReader("content=hola"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", form)
	r.Header.Set("Authorization", "Bearer create")
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Location"); resp.ProtoMajor != 2 || resp.StatusCode != 201 || got != home+"new/1" {
		t.Errorf("got HTTP/%d %d with %q, want HTTP/2, 201, %snew/1", resp.ProtoMajor, resp.StatusCode, got, home)
	}
}
