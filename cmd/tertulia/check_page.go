package main

import (
	"context"

	"tertulia/internal/site"
	"tertulia/store"
)

// checkForPage is check as the owner's pages show it.
func (a *app) checkForPage(ctx context.Context, s *site.Site) ([]site.CheckPoint, error) {
	points, _, err := a.check(ctx, []string{s.Me()}, true)
	var found []site.CheckPoint
	for _, p := range points {
		one := site.CheckPoint{Name: p.Point, State: p.State, Seen: p.Seen, Do: p.Do}
		for _, text := range p.Paste {
			one.Paste = append(one.Paste, store.Paste{Title: text.Title, Text: text.Text})
		}
		found = append(found, one)
	}
	return found, err
}
