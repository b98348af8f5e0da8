package webmention_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"

	"tertulia/webmention"
)

// Queue is an inbox in memory. A real one keeps a request before it says so.
type Queue chan webmention.Request

func (q Queue) Accept(ctx context.Context, r webmention.Request) (webmention.Receipt, error) {
	if r.Target.Path != "/post" {
		return webmention.Receipt{}, &webmention.Error{Code: "unknown_target", Message: "There is no such page here."}
	}
	q <- r
	return webmention.Receipt{}, nil
}

func ExampleReceiver() {
	friend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<p class="h-entry"><a class="u-in-reply-to" href="https://me.example/post">Nice post</a>`)
	}))
	defer friend.Close()
	queue := make(Queue, 10)
	me := httptest.NewServer(&webmention.Receiver{Inbox: queue})
	defer me.Close()

	// What anybody's sender does:
	resp, err := http.PostForm(me.URL, url.Values{"source": {friend.URL + "/reply"}, "target": {"https://me.example/post"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)

	// What becomes of it later. For strangers' addresses give the verifier a client
	// that refuses private networks.
	mention := <-queue
	verifier := &webmention.Verifier{Client: friend.Client()}
	found, err := verifier.Verify(context.Background(), mention.Source, mention.Target)
	fmt.Println(found.Outcome, err)
	if entry, ok := found.Page.Entry(); ok {
		fmt.Println(entry.URLs("in-reply-to"))
	}
	// Output:
	// 202 Accepted
	// linked <nil>
	// [https://me.example/post]
}

func ExampleSender() {
	friend := http.NewServeMux()
	friend.HandleFunc("GET /post", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", `</webmention?site=1>; rel="webmention"`)
	})
	friend.HandleFunc("POST /webmention", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("the endpoint got", r.PostFormValue("source"))
		w.Header().Set("Location", "/status/7")
		w.WriteHeader(http.StatusCreated)
	})
	friend.HandleFunc("GET /status/7", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"status": "success", "summary": "Thank you."}`)
	})
	server := httptest.NewServer(friend)
	defer server.Close()

	// The example's friend lives on this machine, where otherwise nothing is sent.
	sender := &webmention.Sender{Client: server.Client(), Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	source, _ := url.Parse("https://me.example/reply")
	target, _ := url.Parse(server.URL + "/post")
	sent, err := sender.Send(context.Background(), source, target)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sent.Status, strings.TrimPrefix(sent.Endpoint.String(), server.URL))
	report, err := sender.Status(context.Background(), sent.Location)
	fmt.Println(report.State, report.Text, err)
	// Output:
	// the endpoint got https://me.example/reply
	// 201 /webmention?site=1
	// accepted Thank you. <nil>
}
