package micropub_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"

	"tertulia/mf2"
	"tertulia/micropub"
)

// notebook keeps posts in memory.
type notebook struct {
	sync.Map // url → mf2.Item
}

func (n *notebook) Create(_ context.Context, g micropub.Grant, c micropub.Create) (micropub.Created, error) {
	address := g.Me + c.Digest[:8]
	n.Store(address, c.Item)
	return micropub.Created{URL: address}, nil
}

func (n *notebook) Source(_ context.Context, _ micropub.Grant, url string) (mf2.Item, error) {
	if it, ok := n.Load(url); ok {
		return it.(mf2.Item), nil
	}
	return mf2.Item{}, fs.ErrNotExist
}

func (n *notebook) Update(ctx context.Context, g micropub.Grant, url string, u micropub.Update) (string, error) {
	it, err := n.Source(ctx, g, url)
	if err == nil {
		it, err = u.Apply(it)
	}
	if err == nil {
		n.Store(url, it)
	}
	return "", err
}

func (n *notebook) Delete(_ context.Context, _ micropub.Grant, url string) error {
	n.LoadAndDelete(url)
	return nil
}

func (n *notebook) Undelete(context.Context, micropub.Grant, string) (string, error) {
	return "", fmt.Errorf("undelete: %w", fs.ErrNotExist)
}

// A server that keeps posts in memory and knows one token.
func Example() {
	h := &micropub.Handler{
		Backend: &notebook{},
		Authorize: func(_ context.Context, token string) (micropub.Grant, error) {
			if token != "open sesame" {
				return micropub.Grant{}, fs.ErrNotExist
			}
			return micropub.Grant{Me: "https://ana.example/", Scopes: []string{"create", "update"}}, nil
		},
	}
	server := httptest.NewServer(h)
	defer server.Close()

	resp, err := http.PostForm(server.URL, url.Values{
		"access_token": {"open sesame"},
		"content":      {"¡Hola, mundo!"},
	})
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, strings.HasPrefix(resp.Header.Get("Location"), "https://ana.example/"))
	// Output: 201 Created true
}

// Apply needs no server.
func ExampleUpdate_Apply() {
	it := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"category": {"bread", "draft"}}}
	it, err := micropub.Update{
		Add:    map[string][]any{"category": {"recipe"}},
		Delete: map[string][]any{"category": {"draft"}},
	}.Apply(it)
	fmt.Println(it.Properties["category"], err)
	// Output: [bread recipe] <nil>
}
