package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"tertulia/indieauth"
	"tertulia/internal/site"
)

func newToken(ctx context.Context, c call) error {
	life, err := lifetime(c.flags.expires)
	if err != nil {
		return err
	}
	secret, err := c.site.Access.NewTokenFor(ctx, c.flags.name, strings.Fields(c.flags.scope), life)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.io.out, secret)
	return nil
}

// maxLife is ten years: what is meant to last longer ends when it is revoked.
const maxLife = 3653 * 24 * time.Hour

// lifetime reads how long a token works: "30d", "12h"; "" is until it is revoked, 0.
func lifetime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	life, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		life = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || life < time.Minute || life > maxLife {
		return 0, fmt.Errorf("--expires %q is not a time such as 30d or 12h, from a minute to ten years", text)
	}
	return life, nil
}

func listTokens(ctx context.Context, c call) error {
	tokens, err := c.site.Access.Tokens(ctx)
	if err != nil {
		return err
	}
	return printAll(c, tokens, []string{"ID", "MADE", "USED", "FROM", "FOR", "MAY"}, func(t indieauth.Token) []string {
		return []string{site.TokenID(t), when(t.Issued), when(t.LastUsed), t.LastFrom, cmp.Or(t.Name, t.ClientID), strings.Join(t.Granted(), " ")}
	})
}

func showToken(ctx context.Context, c call) error {
	t, err := c.site.Access.TokenBy(ctx, c.words[0])
	if err != nil {
		return err
	}
	twice, err := c.site.Access.Twice(ctx, t)
	if err != nil {
		return err
	}
	if c.flags.json {
		t.Lenient = twice
		return c.json(t)
	}
	until := "it is revoked"
	if !t.Ends().IsZero() {
		until = when(t.Ends())
	}
	fmt.Fprintf(c.io.out, "%s\n  for    %s\n  may    %s\n  made   %s\n  until  %s\n  used   %s",
		site.TokenID(t), cmp.Or(line(t.Name), line(t.ClientID), "-"), line(strings.Join(t.Granted(), " ")), when(t.Issued), until, when(t.LastUsed))
	if t.LastFrom != "" {
		fmt.Fprintf(c.io.out, " from %s", t.LastFrom)
	}
	fmt.Fprintln(c.io.out)
	if twice {
		fmt.Fprintln(c.io.out, "  may come twice in one request")
	}
	return nil
}

func narrowToken(ctx context.Context, c call) error {
	return c.site.Access.NarrowBy(ctx, c.words[0], c.words[1:])
}

func lenientToken(ctx context.Context, c call) error {
	return c.site.Access.LetTwice(ctx, c.words[0], !c.flags.off)
}

func revokeToken(ctx context.Context, c call) error {
	return c.site.Access.RevokeBy(ctx, c.words[0])
}
