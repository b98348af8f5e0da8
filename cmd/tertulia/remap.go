package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"tertulia/internal/site"
)

// remap joins the conversation at a former address to that of the page at a new one.
func remap(ctx context.Context, c call) error {
	how := site.Remap{By: by(), Prefix: c.flags.prefix, Dry: c.flags.dryRun}
	done, err := c.site.Pages.Remap(ctx, c.words[0], c.words[1], how)
	if err != nil {
		return err
	}
	stay := 0
	err = printAll(c, done, []string{"MENTIONS", "OLD", "NEW", "PROBLEM"}, func(r site.Remapped) []string {
		if r.Problem != "" {
			stay++
		}
		return []string{strconv.Itoa(r.Mentions), r.Old, r.New, r.Problem}
	})
	switch {
	case err != nil:
		return err
	case len(done) == 0:
		return errors.New("no page there was ever mentioned")
	case stay > 0:
		return fmt.Errorf("%d of %d stay where they are", stay, len(done))
	}
	return nil
}

// remapHint is what to try after remap has failed.
func remapHint(err error) string {
	if errors.Is(err, site.ErrStays) {
		return "tertulia remap --dry-run says what would happen"
	}
	return "the new page must be there before the conversation is"
}
