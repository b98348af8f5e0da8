package micropub_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/mf2"
	"tertulia/micropub"
)

// blog is a Backend with every ability and a few knobs.
type blog struct {
	posts    map[string]mf2.Item
	created  []micropub.Create
	commands map[string][]any  // of the last create or update
	files    map[string]string // address → bytes
	claims   []micropub.File   // what was said about them
	dropped  []string          // files taken back

	fail    error  // returned by everything
	pending bool   // creates are not live yet
	moved   string // where updates and undeletes put the post
	lazy    bool   // uploads are not read to their end
	single  bool   // it has no channels and is the only site
	listed  []micropub.Query
}

const home = "https://blog.example/"

func newBlog() *blog {
	return &blog{
		files: map[string]string{},
		posts: map[string]mf2.Item{
			home + "1": {Type: []string{"h-entry"}, Properties: map[string][]any{
				"content": {"hello"}, "category": {"a", "b"}, "published": {"2026-01-02T03:04:05Z"},
			}},
			home + "2": {Type: []string{"h-entry"}, Properties: map[string][]any{
				"name": {"Two"}, "content": {map[string]any{"html": "<b>Hello</b> & goodbye"}},
			}},
			home + "?p=5&lang=es": {Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"five"}}},
		},
	}
}

func (b *blog) Create(_ context.Context, _ micropub.Grant, c micropub.Create) (micropub.Created, error) {
	if b.fail != nil {
		return micropub.Created{}, b.fail
	}
	b.created = append(b.created, c)
	b.commands = c.Commands
	address := fmt.Sprintf("%snew/%d", home, len(b.created))
	b.posts[address] = c.Item
	return micropub.Created{URL: address, Pending: b.pending}, nil
}

func (b *blog) Update(ctx context.Context, g micropub.Grant, url string, u micropub.Update) (string, error) {
	it, err := b.Source(ctx, g, url)
	if err != nil {
		return "", err
	}
	if it, err = u.Apply(it); err != nil {
		return "", err
	}
	b.posts[url] = it
	b.commands = u.Commands
	return b.moved, nil
}

func (b *blog) Delete(ctx context.Context, g micropub.Grant, url string) error {
	if _, err := b.Source(ctx, g, url); err != nil {
		return err
	}
	delete(b.posts, url)
	return nil
}

func (b *blog) Undelete(_ context.Context, _ micropub.Grant, url string) (string, error) {
	if b.fail != nil {
		return "", b.fail
	}
	b.posts[url] = mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {"back"}}}
	return b.moved, nil
}

func (b *blog) Source(_ context.Context, _ micropub.Grant, url string) (mf2.Item, error) {
	if b.fail != nil {
		return mf2.Item{}, b.fail
	}
	it, ok := b.posts[url]
	if !ok {
		return mf2.Item{}, fmt.Errorf("post %s: %w", url, fs.ErrNotExist)
	}
	return it, nil
}

func (b *blog) Upload(_ context.Context, _ micropub.Grant, f micropub.File) (string, error) {
	if b.fail != nil {
		return "", b.fail
	}
	var body []byte
	var err error
	if !b.lazy {
		if body, err = io.ReadAll(f.Body); err != nil {
			return "", fmt.Errorf("read upload: %v", err) // on purpose without %w
		}
	}
	f.Body = nil
	b.claims = append(b.claims, f)
	address := fmt.Sprintf("%smedia/%d", home, len(b.claims))
	b.files[address] = string(body)
	return address, nil
}

func (b *blog) Discard(_ context.Context, _ micropub.Grant, url string) error {
	b.dropped = append(b.dropped, url)
	delete(b.files, url)
	return nil
}

func (b *blog) ListMedia(_ context.Context, _ micropub.Grant, limit, offset int) ([]micropub.MediaItem, error) {
	var items []micropub.MediaItem
	for i := len(b.claims); i > 0; i-- {
		address := fmt.Sprintf("%smedia/%d", home, i)
		if _, ok := b.files[address]; ok {
			items = append(items, micropub.MediaItem{URL: address, MimeType: b.claims[i-1].ContentType, Published: time.Date(2026, 1, 2, 3, 4, i, 0, time.UTC)})
		}
	}
	items = items[min(offset, len(items)):]
	if limit > 0 {
		items = items[:min(limit, len(items))]
	}
	return items, b.fail
}

func (b *blog) DeleteMedia(_ context.Context, _ micropub.Grant, url string) error {
	if _, ok := b.files[url]; !ok {
		return cmp.Or(b.fail, fmt.Errorf("file %s: %w", url, fs.ErrNotExist))
	}
	delete(b.files, url)
	return b.fail
}

func (b *blog) SyndicateTo(context.Context) ([]micropub.Target, error) {
	return []micropub.Target{
		{UID: "masto", Name: "@ana on Mastodon", Service: &micropub.Account{Name: "Mastodon"}},
		{UID: "pixels", Name: "ana on Pixelfed", PostTypes: []string{"photo"}},
	}, b.fail
}

func (b *blog) Channels(context.Context) ([]micropub.Channel, error) {
	if b.single {
		return nil, b.fail
	}
	return []micropub.Channel{{UID: "main", Name: "Main"}}, b.fail
}

func (b *blog) Categories(_ context.Context, filter string) ([]string, error) {
	return slices.DeleteFunc([]string{"caf\u00e9", "cats", "dogs"}, func(s string) bool { return !strings.Contains(s, filter) }), b.fail
}

func (b *blog) Destinations(context.Context) ([]micropub.Destination, error) {
	if b.single {
		return nil, b.fail
	}
	return []micropub.Destination{{UID: home, Name: "Blog"}, {UID: "https://fotos.example/", Name: "Fotos"}}, b.fail
}

func (b *blog) PostTypes(context.Context) ([]micropub.PostType, error) {
	return []micropub.PostType{
		{Type: "note", Name: "Nota", H: "entry", Properties: []string{"content", "category"}, Required: []string{"content"}},
		{Type: "photo", Name: "Foto", H: "entry", Properties: []string{"photo", "category"}},
	}, b.fail
}

func (b *blog) Contacts(context.Context, micropub.Grant) ([]micropub.Contact, error) {
	return []micropub.Contact{
		{Name: "Ana Mar\u00eda", Nickname: "ana", URL: "https://ana.example/", Photo: "https://ana.example/me.jpg", InternalURL: home + "contacts/1"},
		{Name: "Bob"},
	}, b.fail
}

func (b *blog) Locate(_ context.Context, _ micropub.Grant, latitude, longitude float64) (micropub.Location, error) {
	if latitude == 0 && longitude == 0 {
		return micropub.Location{}, b.fail
	}
	return micropub.Location{
		Here: &micropub.Place{Label: "Triana", Latitude: latitude, Longitude: longitude, Visibility: "public"},
		Near: []micropub.Place{{Label: "Bar", Latitude: 37.38, Longitude: -6, URL: "https://bar.example/"}},
	}, b.fail
}

// Config claims two things that are not its to say.
func (b *blog) Config(context.Context, micropub.Grant) (map[string]any, error) {
	return map[string]any{
		"visibility":     []string{"public", "unlisted"},
		"media-endpoint": "https://elsewhere.example/",
		"destination":    "elsewhere",
	}, b.fail
}

func (b *blog) List(_ context.Context, _ micropub.Grant, q micropub.Query) (micropub.List, error) {
	b.listed = append(b.listed, q)
	if q.After == "end" {
		return micropub.List{Before: "start", After: "x"}, nil
	}
	return micropub.List{Before: "start", After: "end", Items: []mf2.Item{
		{Type: []string{"h-entry"}, Properties: map[string][]any{"url": {home + "1"}, "content": {"hello"}, "category": {"a"}}},
	}}, b.fail
}

var _ interface {
	micropub.Discarder
	micropub.MediaBackend
	micropub.MediaLister
	micropub.MediaDeleter
	micropub.Syndicator
	micropub.Channeler
	micropub.DestinationLister
	micropub.PostTyper
	micropub.ContactLister
	micropub.Locator
	micropub.Categorizer
	micropub.Configurer
	micropub.Lister
} = (*blog)(nil)

// plain hides what a blog can do besides the five methods.
type plain struct{ micropub.Backend }

// authorize knows one token for each scope, named after it, and a few more.
func authorize(_ context.Context, token string) (micropub.Grant, error) {
	g := micropub.Grant{Me: home, ClientID: "https://client.example/", TokenID: token}
	switch token {
	case "all":
		g.Scopes = []string{"create", "update", "delete", "undelete", "media"}
	case "quill":
		g.Scopes = []string{"create", "update", "media", "profile"}
		g.ClientID, g.Lenient = "https://quill.p3k.io/", true
	case "other":
		g.Scopes, g.ClientID = []string{"create"}, "https://other.example/"
	case "create", "update", "delete", "undelete", "media", "draft", "post", "profile", "read":
		g.Scopes = []string{token}
	case "drafts", "drafts+create", "delete+create", "delete+media":
		g.Scopes = map[string][]string{
			"drafts": {"draft", "update", "delete", "undelete"}, "drafts+create": {"draft", "update", "create"},
			"delete+create": {"delete", "create"}, "delete+media": {"delete", "media"},
		}[token]
	case "none":
	case "blank":
		g.Scopes = []string{""}
	case "slow":
		return g, &micropub.Error{Code: micropub.TemporarilyUnavailable, Status: 429, Description: "slow down", RetryAfter: 1500 * time.Millisecond}
	case "broken":
		return g, fmt.Errorf("secret of the token store")
	default:
		return g, fmt.Errorf("token: %w", fs.ErrNotExist)
	}
	return g, nil
}

func handler(b micropub.Backend) *micropub.Handler {
	return &micropub.Handler{Backend: b, Authorize: authorize, MediaEndpoint: home + "media"}
}

// post sends a body to the handler with a token in the header.
func post(h http.Handler, token, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", home+"micropub", strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// want fails the test when the answer has another status, or an address on an error.
func want(t *testing.T, w *httptest.ResponseRecorder, status int) {
	t.Helper()
	if w.Code != status {
		t.Errorf("got status %d with %s, want %d", w.Code, strings.TrimSpace(w.Body.String()), status)
	}
	if w.Code >= 400 && w.Header().Get("Location") != "" {
		t.Errorf("got Location %q on an error, want none", w.Header().Get("Location"))
	}
}

const (
	form = "application/x-www-form-urlencoded"
	js   = "application/json"
)
