// Package webmention receives, verifies and sends Webmentions.
//
// A [Receiver] is an http.Handler: it checks the syntax of what was sent and
// hands source and target to an [Inbox]. A [Verifier] fetches a source later and
// says whether it links to the target, and to what else. A [Sender] finds the
// endpoint of a target, notifies it, and asks later how the mention fares; [Links]
// says whom a post should notify.
//
//	http.Handle("/webmention", &webmention.Receiver{Inbox: inbox})
//	v, err := (&webmention.Verifier{Client: client}).Verify(ctx, source, target)
//	d, err := (&webmention.Sender{Client: client}).Send(ctx, source, target)
//
// It follows the W3C Recommendation Webmention (2017-01-12); the comments cite
// its paragraphs, and testdata has its rules as cases, numbered. What strangers' addresses may lead to (private networks,
// loopback, ports, time) is decided by the http.Client that is handed in, at
// dial, where every real address is seen: give the Verifier and the Sender one
// that refuses what yours should not reach, and that has a timeout.
package webmention

// DefaultUserAgent is what the Verifier and the Sender call themselves. It names
// the protocol so that the owner of a log learns why the request was made.
// Spec: webmention#sender-discovers-receiver-webmention-endpoint-p-7
const DefaultUserAgent = "Tertulia (Webmention)"
