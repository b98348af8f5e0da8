package main

import (
	"context"
	"fmt"

	"tertulia/internal/site"
)

// newLink prints a one-time sign-in link.
func newLink(ctx context.Context, c call) error {
	url, err := c.site.Access.NewLinkFor(ctx, c.flags.person)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.io.out, url)
	return nil
}

// listSessions lists where somebody is signed in, or everybody.
func listSessions(ctx context.Context, c call) error {
	of, err := keeperOf(c)
	if err != nil {
		return err
	}
	browsers, err := c.site.Access.Browsers(ctx, of, "")
	if err != nil {
		return err
	}
	if c.flags.json {
		list := []sessionLine{}
		for _, b := range browsers {
			list = append(list, sessionLine{b.ID, b.Keeper.Me, string(b.Keeper.Role), b.How, b.Agent, b.From, b.Since.Format(rfc3339), b.Seen.Format(rfc3339)})
		}
		return c.json(list)
	}
	return printAll(c, browsers, []string{"ID", "WHO", "SIGNED IN", "BY", "LAST SEEN", "FROM", "WITH"}, func(b site.Browser) []string {
		return []string{b.ID, b.Keeper.Me, when(b.Since), b.How, when(b.Seen), b.From, b.Agent}
	})
}

const rfc3339 = "2006-01-02T15:04:05Z07:00"

// sessionLine is a session in JSON.
type sessionLine struct {
	ID    string `json:"id"`
	Me    string `json:"me"`
	Role  string `json:"role"`
	How   string `json:"how"`
	Agent string `json:"agent,omitempty"`
	From  string `json:"from,omitempty"`
	Since string `json:"since"`
	Seen  string `json:"seen"`
}

// keeperOf is the address of the person whom the flag names, "" for everybody.
func keeperOf(c call) (string, error) {
	if c.flags.person == "" {
		return "", nil
	}
	keeper, err := c.site.Site.Keeper(c.flags.person)
	return keeper.Me, err
}

// revokeSession ends one session, or all of a person or of everybody.
func revokeSession(ctx context.Context, c call) error {
	of, err := keeperOf(c)
	if err != nil {
		return err
	}
	if c.words[0] == "all" {
		return c.site.Access.EndBrowsers(ctx, of, "")
	}
	return c.site.Access.EndBrowser(ctx, of, c.words[0])
}

// newPassphrase makes up a passphrase and prints it: words on a command line are seen by
// everybody on the machine.
func newPassphrase(ctx context.Context, c call) error {
	phrase, err := c.site.Access.NewPassphrase(ctx, c.flags.person)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.io.out, phrase)
	return nil
}

func dropPassphrase(ctx context.Context, c call) error {
	return c.site.Access.DropPassphrase(ctx, c.flags.person)
}
