package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"tertulia/store"
)

// trusts are the words for what can be decided about somebody.
func trusts() []string { return []string{"unknown", "trusted", "muted", "blocked"} }

// trustWord is a trust in a word.
func trustWord(t store.Trust) string { return cmp.Or(string(t), "unknown") }

func listPeople(ctx context.Context, c call) error {
	var only *store.Trust
	if c.flags.trust != "" {
		t := store.Trust(strings.TrimPrefix(c.flags.trust, "unknown"))
		only = &t
	}
	people, err := c.site.Mentions.People(ctx, only, c.flags.limit)
	if err != nil {
		return err
	}
	return printAll(c, people, []string{"ID", "SINCE", "TRUST", "NAME", "KNOWN BY"}, func(p store.Person) []string {
		since := p.Since
		if since.IsZero() {
			since = p.Created
		}
		known := p.URL
		if known == "" && len(p.Identities) > 0 {
			known = p.Identities[0]
		}
		return []string{p.ID, when(since), trustWord(p.Trust), p.Name, known}
	})
}

// maxOfPerson is how many mentions of a person are shown.
const maxOfPerson = 20

func showPerson(ctx context.Context, c call) error {
	p, mentions, decisions, err := c.site.Mentions.Person(ctx, c.words[0], maxOfPerson)
	if err != nil {
		return err
	}
	if c.flags.json {
		return c.json(map[string]any{"person": p, "mentions": nonNil(mentions), "decisions": nonNil(decisions)})
	}
	fmt.Fprintf(c.io.out, "%s\n  %s, %s\n", p.ID, line(p.Name), trustWord(p.Trust))
	for _, identity := range p.Identities {
		fmt.Fprintf(c.io.out, "  known by  %s\n", line(identity))
	}
	for _, place := range p.Places {
		fmt.Fprintf(c.io.out, "  writes at %s\n", line(place))
	}
	for _, m := range mentions {
		fmt.Fprintf(c.io.out, "  %s  %s  %-10s %s\n", when(m.Received), m.ID, m.State, line(m.Source))
	}
	audit(c, decisions)
	return nil
}

// nonNil has none printed as [], not null.
func nonNil[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// entrust makes a verb of a decision about a person or a host. It prints the decision's id,
// by which it can be undone.
func entrust(trust store.Trust) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		id, err := c.site.Mentions.Decide(ctx, by(), c.words[0], trust)
		if err != nil {
			return err
		}
		if c.flags.json {
			return c.json(map[string]string{"decision": id})
		}
		fmt.Fprintln(c.io.out, id)
		return nil
	}
}

// listAudit lists all that was decided and changed.
func listAudit(ctx context.Context, c call) error {
	list, err := c.site.Access.Audit(ctx, c.flags.limit)
	if err != nil {
		return err
	}
	return printAll(c, list, []string{"WHEN", "WHO", "WHAT", "ABOUT", "HOW"}, func(d store.Decision) []string {
		return []string{when(d.At), cmp.Or(d.By, "the program"), d.Action, d.Subject, d.Note}
	})
}

// audit prints decisions, newest first, with the ids by which they can be undone.
func audit(c call, decisions []store.Decision) {
	for _, d := range decisions {
		note := d.Note
		switch {
		case !d.Undone.IsZero():
			note += ", undone " + when(d.Undone)
		case d.Undoes != "":
			note += " " + d.Undoes
		}
		fmt.Fprintf(c.io.out, "  %s  decision %s: %s by %s (%s)\n", when(d.At), d.ID, d.Action, line(d.By), note)
	}
}
