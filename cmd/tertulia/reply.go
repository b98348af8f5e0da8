package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tertulia/internal/site"
)

// replyMention answers a mention with a post of the owner's, and prints its address. What
// waits is approved by it.
func replyMention(ctx context.Context, c call) error {
	created, err := c.site.Answering.Answer(ctx, by(), site.OwnAnswer{Mention: c.words[0], Kind: site.ByReply, Text: c.words[1]})
	if err != nil {
		return err
	}
	fmt.Fprintln(c.io.out, created.URL)
	return nil
}

// setAside takes a mention from what is unanswered, or puts it back.
func setAside(ctx context.Context, c call) error {
	return c.site.Mentions.SetAside(ctx, by(), c.words[0], !c.flags.off)
}

// replyHint is what to try after a mention could not be answered or was not found; "" when nothing is known of it.
func replyHint(err error) string {
	switch {
	case errors.Is(err, site.ErrNoPosts):
		return "reply from your own editor to the source that tertulia mention show ID names; [site.publish] lets the service take posts"
	case errors.Is(err, site.ErrNoText):
		return `put the text in quotes: tertulia mention reply ID "Thank you!"`
	case errors.Is(err, site.ErrNotThere):
		return "tertulia mention show ID says what became of it"
	case errors.Is(err, fs.ErrNotExist):
		return "tertulia mention list shows those that wait, with --state the others, with --unanswered what you have not answered"
	}
	return ""
}
