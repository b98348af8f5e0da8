package micropub_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"

	"tertulia/mf2"
	"tertulia/micropub"
)

// notebook is a whole Backend: posts in memory, by address.
type notebook struct {
	sync.Mutex
	posts map[string]mf2.Item
}

func (n *notebook) Create(_ context.Context, g micropub.Grant, c micropub.Create) (micropub.Created, error) {
	defer n.lock()()
	address := fmt.Sprintf("%s%d", g.Me, len(n.posts)+1)
	n.posts[address] = c.Item
	return micropub.Created{URL: address}, nil
}

func (n *notebook) Source(_ context.Context, _ micropub.Grant, url string) (mf2.Item, error) {
	defer n.lock()()
	it, ok := n.posts[url]
	if !ok {
		return it, fs.ErrNotExist
	}
	return it, nil
}

func (n *notebook) Update(_ context.Context, _ micropub.Grant, url string, u micropub.Update) (string, error) {
	defer n.lock()()
	it, ok := n.posts[url]
	if !ok {
		return "", fs.ErrNotExist
	}
	it, err := u.Apply(it)
	if err == nil {
		n.posts[url] = it
	}
	return "", err
}

func (n *notebook) Delete(context.Context, micropub.Grant, string) error {
	return errors.ErrUnsupported
}

func (n *notebook) Undelete(context.Context, micropub.Grant, string) (string, error) {
	return "", errors.ErrUnsupported
}

func (n *notebook) lock() (unlock func()) {
	n.Lock()
	return n.Unlock
}

// A server that keeps posts in memory and knows one token.
func Example() {
	server := httptest.NewServer(&micropub.Handler{
		Backend: &notebook{posts: map[string]mf2.Item{}},
		Authorize: func(_ context.Context, token string) (micropub.Grant, error) {
			if token != "open sesame" {
				return micropub.Grant{}, fs.ErrNotExist
			}
			return micropub.Grant{Me: "https://ana.example/", Scopes: []string{"create", "update"}}, nil
		},
	})
	defer server.Close()

	resp, err := http.PostForm(server.URL, url.Values{
		"access_token": {"open sesame"},
		"content":      {"¡Hola, mundo!"},
	})
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, resp.Header.Get("Location"))
	// Output: 201 Created https://ana.example/1
}
