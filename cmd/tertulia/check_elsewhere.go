package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
)

// elsewhere says whether the owner's IndieAuth server can be asked about tokens, with one
// that nobody has ever given out.
func (k *checker) elsewhere(ctx context.Context) {
	server := newElsewhere(k.one, k.own, nil)
	if server == nil {
		return
	}
	_, err := server.Check(ctx, rand.Text())
	switch {
	case err == nil:
		k.fail("elsewhere", "elsewhere.yes", server.Token)
	case errors.Is(err, fs.ErrNotExist):
		k.ok("elsewhere", "elsewhere.ok", server.Token)
	default:
		k.fail("elsewhere", "elsewhere.down", server.Token, why(err))
	}
}
