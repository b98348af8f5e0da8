package webmention

import (
	"context"
	"net/url"
)

// Deliver tells an endpoint that [Sender.Discover] has just found for target that source
// links to it: Send in two steps, for who has something to do between them, such as to wait
// until nobody else asks the endpoint's host. The error is a *[SendError].
func (s *Sender) Deliver(ctx context.Context, endpoint, source, target *url.URL) (Delivery, error) {
	d, err := s.deliver(ctx, endpoint, source, target)
	if err != nil {
		return Delivery{}, sendError("send to", endpoint, err)
	}
	return d, nil
}
