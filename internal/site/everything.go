package site

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"tertulia/store"
)

// somePublic is how many mentions are copied out of one transaction.
const somePublic = 500

// Each hands over the public mentions of the site in the order of wm-id, oldest first, as
// readers see them; Target is the page's own address with the fragment that was linked. What
// changes meanwhile may be met in its old or its new state; what becomes public meanwhile is
// met. fn may take its time, since no transaction is open when it is called; its error ends
// the walk.
func (c *Conversation) Each(ctx context.Context, fn func(Response) error) error {
	for after := uint64(0); ; {
		var some []Response
		err := c.DB.View(ctx, c.Site.Key, func(tx *store.Tx) error {
			some = nil
			in := c.listing(tx)
			types := slices.Sorted(maps.Keys(tx.Totals()))
			from := after
			for place := range in.all(store.Listing{Types: types, After: from}) {
				if r, ok := in.response(place); ok {
					some = append(some, r)
				}
				if len(some) == somePublic {
					break
				}
			}
			return in.err
		})
		if err != nil || len(some) == 0 {
			return err
		}
		for _, r := range some {
			if err := fn(r); err != nil {
				return err
			}
			after = r.Number
		}
	}
}

// The beginning and the end of an export.
const (
	exportHead = `{"type":"feed","name":"` + mentionsName + `","children":[`
	exportTail = "\n]}\n"
)

// EmptyExport is the export of a site on which nothing is public.
const EmptyExport = exportHead + exportTail

// Export writes all public mentions of the site as one feed of JF2, oldest first, one to a
// line (READ-API 6). It holds no more than some of them in memory.
func (c *Conversation) Export(ctx context.Context, w io.Writer) error {
	out := bufio.NewWriter(w)
	// What cannot be written makes Flush fail.
	_, _ = out.WriteString(exportHead)
	separator := "\n"
	err := c.Each(ctx, func(r Response) error {
		line, err := json.Marshal(r.JF2())
		if err != nil {
			return err
		}
		_, _ = out.WriteString(separator)
		_, err = out.Write(line)
		separator = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	_, _ = out.WriteString(exportTail)
	return out.Flush()
}
