package main

import (
	"cmp"
	"context"
	"fmt"
)

// privacy prints the privacy note of a site, in Markdown, to be put on a page of the owner's.
func privacy(_ context.Context, c call) error {
	l := c.site.Speaks(cmp.Or(c.flags.lang, c.site.Language))
	fmt.Fprintf(c.io.out, "# %s\n", l.T("privacy.title"))
	for _, s := range c.site.PrivacyNote(l) {
		fmt.Fprintf(c.io.out, "\n## %s\n", s.Title)
		for _, text := range s.Lines {
			fmt.Fprintf(c.io.out, "\n%s\n", line(text))
		}
	}
	fmt.Fprintf(c.io.out, "\n%s\n", l.T("privacy.disclaimer"))
	return nil
}
