package syndicate_test

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"testing"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
)

// bluesky is an account in the contract, on servers that the door stands before.
func bluesky(door *faketest.Door, account, password string) subject {
	with := func(password string) func(*http.Client) syndicate.Target {
		return func(c *http.Client) syndicate.Target {
			return &syndicate.Bluesky{Client: c, Server: "https://pds.example", AppView: "https://pds.example", Account: account, Password: password}
		}
	}
	return subject{host: "pds.example", door: door, secret: password, target: with(password), wrong: with("wrong"), json: true,
		makes: faketest.Fault{Method: "POST", Path: "com.atproto.repo.putRecord"}}
}

func TestBlueskyKeepsTheContract(t *testing.T) {
	t.Run("fake", func(t *testing.T) {
		conforms(t, func() subject {
			fake := &faketest.Bluesky{Graphemes: syndicate.Graphemes}
			fake.Join("ana.test", "abcd-efgh-ijkl-mnop")
			s := bluesky(&faketest.Door{Next: fake}, "ana.test", "abcd-efgh-ijkl-mnop")
			s.copies, s.remove = fake.Posts, func(ref syndicate.Ref) { fake.Remove(ref.ID) }
			return s
		})
	})
	t.Run("real", func(t *testing.T) {
		n := needsReal(t, true)
		var accounts []*person // made outside of the clock's bubble
		for range contract {
			accounts = append(accounts, n.person(t, "ana"))
		}
		conforms(t, func() subject {
			ana := accounts[0]
			accounts = accounts[1:]
			// Nothing of a connection may outlive the bubble.
			road := &http.Transport{DisableKeepAlives: true}
			inside := *n
			inside.client = &http.Client{Transport: road}
			ana.n = &inside
			s := bluesky(&faketest.Door{Next: both(t, n, road)}, ana.Handle, ana.Password)
			s.copies = func() (all []string) {
				for _, record := range ana.records(t, bskyPost) {
					all = append(all, valueAt(record, "text"))
				}
				return all
			}
			s.remove = func(ref syndicate.Ref) {
				ana.remove(t, ref)
				n.settle(t)
			}
			return s
		})
	})
}

// both leads to the AppView and to the account's server, by the method.
func both(t *testing.T, n *network, road http.RoundTripper) http.Handler {
	t.Helper()
	to := func(address string) http.Handler {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		return &httputil.ReverseProxy{Transport: road, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u) }}
	}
	mux := http.NewServeMux()
	mux.Handle("/", to(n.PDS))
	mux.Handle("/xrpc/app.bsky.feed.getPostThread", to(n.AppView))
	return mux
}
