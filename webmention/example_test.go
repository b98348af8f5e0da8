package webmention_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"tertulia/webmention"
)

// Mentions is an inbox in memory. A real one keeps a request before it says so.
type Mentions chan webmention.Request

func (m Mentions) Accept(ctx context.Context, r webmention.Request) (webmention.Receipt, error) {
	if r.Target.Path != "/post" {
		return webmention.Receipt{}, &webmention.Error{Code: "unknown_target", Message: "There is no such page here."}
	}
	m <- r
	return webmention.Receipt{}, nil
}

func Example() {
	mentions := make(Mentions, 10)
	me := http.NewServeMux()
	me.Handle("/webmention", &webmention.Receiver{Inbox: mentions})
	me.HandleFunc("/post", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `</webmention>; rel="webmention"`)
	})
	mine := httptest.NewServer(me)
	defer mine.Close()
	friend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<p class="h-entry">Nice <a class="u-in-reply-to" href="%s/post">post</a>!</p>`, mine.URL)
	}))
	defer friend.Close()

	client := friend.Client() // for strangers' addresses: one that refuses private networks
	source, _ := url.Parse(friend.URL + "/reply")
	target, _ := url.Parse(mine.URL + "/post")
	sent, err := (&webmention.Sender{Client: client}).Send(context.Background(), source, target)
	fmt.Println(sent.Status, err)

	mention := <-mentions
	verifier := &webmention.Verifier{Client: client}
	found, err := verifier.Verify(context.Background(), mention.Source, mention.Target)
	fmt.Println(found.Outcome, err)
	// Output:
	// 202 <nil>
	// linked <nil>
}
