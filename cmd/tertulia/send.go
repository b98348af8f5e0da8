package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tertulia/internal/site"
)

// sendFrom has the work done where the data is: in the running service or here. Directories
// are made absolute first, and the backlog is shown before it is asked about, because only
// this process has a terminal.
func sendFrom(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	if err := f.sendable(); err != nil {
		return io.misused(err, "tertulia help send says how it is used")
	}
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	args, err := f.sendArgs()
	if err != nil {
		return io.fail(err, "")
	}
	do := func(args []string) int {
		if code, ok := callService(ctx, set.Data, args, io); ok {
			return code
		}
		return runHere(ctx, set, args, io)
	}
	if !f.backlog || f.yes || f.dryRun {
		return do(args)
	}
	if code := do(append([]string{args[0], "--dry-run"}, args[1:]...)); code != 0 || !isTerminal(os.Stdin) {
		return code
	}
	ask := &asker{in: os.Stdin}
	fmt.Fprint(io.err, "Send them? [y/N] ")
	if answer, _ := ask.line(); !slices.Contains([]string{"y", "yes", "s", "sí", "si"}, strings.ToLower(strings.TrimSpace(answer))) {
		return 0 // no answer is none
	}
	return do(append([]string{args[0], "--yes"}, args[1:]...))
}

// sendable says whether the words and flags of a send fit together.
func (f given) sendable() error {
	switch {
	case (f.old == "") != (f.new == ""):
		return errors.New("--old and --new go together: two builds are compared")
	case f.old != "" && f.backlog:
		return errors.New("--backlog is about pages that are there already: no --old and --new with it")
	case (f.old != "" || f.backlog) && len(f.words) > 0:
		return fmt.Errorf("got %q beside flags that say which pages are meant", f.words)
	case f.old == "" && !f.backlog && len(f.words) == 0:
		return errors.New("say which page, or --old and --new, or --backlog")
	}
	return nil
}

// sendArgs are the words with which the command is handed on.
func (f given) sendArgs() ([]string, error) {
	args := []string{"send"}
	for name, set := range map[string]bool{"--dry-run": f.dryRun, "--backlog": f.backlog, "--yes": f.yes, "--json": f.json} {
		if set {
			args = append(args, name)
		}
	}
	if f.site != "" {
		args = append(args, "--site", f.site)
	}
	if f.old != "" {
		before, err1 := filepath.Abs(f.old)
		after, err2 := filepath.Abs(f.new)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		args = append(args, "--old="+before, "--new="+after)
	}
	return append(append(args, "--"), f.words...), nil
}

// send promises what there is to tell about pages of the site, and prints it.
func send(ctx context.Context, c call) error {
	f, out := c.flags, c.site.Outgoing
	switch {
	case f.backlog:
		all, waiting, err := out.Backlog(ctx)
		if err != nil {
			return err
		}
		if waiting > 0 {
			fmt.Fprintf(c.io.err, "%d more pages have not been looked at yet\n", waiting)
		}
		if f.yes && !f.dryRun {
			err = out.SendBacklog(ctx, all)
		}
		return errors.Join(err, c.printTargets(targetsOf(all)))
	case f.old != "":
		all, err := out.Compare(ctx, f.old, f.new)
		if err != nil {
			return err
		}
		targets := targetsOf(all)
		if f.dryRun {
			out.Ask(ctx, targets)
		} else {
			err = out.Build(ctx, all)
		}
		return errors.Join(err, c.printTargets(targets))
	}
	return c.sendPage(ctx)
}

// sendPage tells of one page.
func (c call) sendPage(ctx context.Context) error {
	if len(c.words) == 0 {
		return errors.New("say which page")
	}
	plan, err := c.site.Outgoing.Plan(ctx, c.words[0], c.words[1:])
	if err != nil {
		return err
	}
	if plan.Left > 0 {
		fmt.Fprintf(c.io.err, "tertulia: the page has %d links more than are told of one page\n", plan.Left)
	}
	switch {
	case c.flags.dryRun:
		c.site.Outgoing.Ask(ctx, plan.Targets)
	case len(plan.Targets) > 0:
		if err := c.site.Outgoing.Send(ctx, plan); err != nil {
			return err
		}
	}
	return c.printTargets(plan.Targets)
}

func targetsOf(all []site.Difference) (targets []site.Target) {
	for _, d := range all {
		targets = append(targets, d.Targets...)
	}
	return targets
}

// printTargets prints who hears of what.
func (c call) printTargets(targets []site.Target) error {
	if len(targets) == 0 && !c.flags.json {
		fmt.Fprintln(c.io.err, "there is nothing to tell")
		return nil
	}
	head := []string{"SOURCE", "TARGET", "NEWS"}
	if c.flags.dryRun && !c.flags.backlog {
		head = append(head, "ENDPOINT")
	}
	return printAll(c, targets, head, func(t site.Target) []string {
		row := []string{t.Source, t.Target, t.News}
		if len(head) > len(row) {
			if row = append(row, t.Endpoint); t.Endpoint == "" {
				row[3] = t.Note
			}
		}
		return row
	})
}
