package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/store"
)

// erased is what erase prints as JSON.
type erased struct {
	DryRun bool           `json:"dry_run,omitempty"`
	Sites  []erasedAtSite `json:"sites"`
	store.Copies
}

type erasedAtSite struct {
	Site string `json:"site"`
	store.Erasure
}

// erase removes every trace of somebody from one site, or from all: from the records, the
// file of the database, and the daily backups.
func erase(ctx context.Context, c call) error {
	what := site.Erasable{Domain: c.flags.domain, Person: c.flags.person, Source: c.flags.source, Mention: c.flags.mention}
	sites := c.app.sites
	if c.flags.site != "" {
		one, err := c.app.site(c.flags.site)
		if err != nil {
			return err
		}
		sites = []*web.Site{one}
	}
	if c.flags.lift {
		return letBack(ctx, sites, what)
	}
	done, err := eraseAt(ctx, sites, what, c.flags.dryRun)
	if err == nil && !c.flags.dryRun {
		if err = c.app.db.Scrub(ctx); err == nil {
			done.Copies, err = c.app.db.EraseFromCopies(ctx)
		}
	}
	if err != nil {
		return err
	}
	if c.flags.json {
		done.Cleaned, done.Left = nonNil(done.Cleaned), nonNil(done.Left)
		return c.json(done)
	}
	done.print(c)
	return nil
}

// eraseAt erases from sites. Who is known by an id is known at one of them.
func eraseAt(ctx context.Context, sites []*web.Site, what site.Erasable, dry bool) (done erased, err error) {
	done.DryRun = dry
	var missing error
	for _, s := range sites {
		one, err := s.Erasing.Erase(ctx, by(), what, dry)
		if errors.Is(err, fs.ErrNotExist) {
			missing = err
			continue
		}
		if err != nil {
			return done, err
		}
		done.Sites = append(done.Sites, erasedAtSite{s.Me(), one})
	}
	if len(done.Sites) == 0 {
		return done, missing
	}
	return done, nil
}

func letBack(ctx context.Context, sites []*web.Site, what site.Erasable) (err error) {
	back := false
	for _, s := range sites {
		one := s.Erasing.LetBack(ctx, by(), what)
		if one != nil && !errors.Is(one, fs.ErrNotExist) {
			return one
		}
		back, err = back || one == nil, cmp.Or(err, one)
	}
	if back {
		return nil
	}
	return err
}

// print says what went, what stays, and where it may still be.
func (e erased) print(c call) {
	out := c.io.out
	for _, s := range e.Sites {
		fmt.Fprintf(out, "%s\n", line(s.Site))
		for _, n := range []struct {
			n    int
			what string
		}{
			{s.Mentions, "mentions"}, {s.Originals, "originals of them"}, {s.Earlier, "earlier texts"}, {s.People, "people and hosts"},
			{s.Pictures, "pictures"}, {s.Jobs, "jobs"}, {s.Mended, "others that stay, without an address there"},
		} {
			fmt.Fprintf(out, "  %6d  %s\n", n.n, n.what)
		}
		for _, post := range s.Posts {
			fmt.Fprintf(out, "  a post of yours links there, and stays: %s\n", line(post))
		}
	}
	if e.DryRun {
		fmt.Fprintln(out, "nothing was changed")
		return
	}
	for _, file := range e.Cleaned {
		fmt.Fprintf(out, "written anew without it: %s\n", line(file))
	}
	for _, file := range e.Left {
		fmt.Fprintf(out, "may still have it, delete it if you can do without: %s\n", line(file))
	}
}

// eraseHint is what to try after erase has failed.
func eraseHint(err error) string {
	switch {
	case errors.Is(err, site.ErrSelf):
		return "your own posts are yours to delete; tertulia erase --mention ID takes one comment"
	case errors.Is(err, fs.ErrNotExist):
		return "tertulia mention list --state STATE and tertulia person list show what there is"
	}
	return "run it again: it goes on where it was"
}
