package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/user"
	"strings"
	"text/tabwriter"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/store"
)

// link prints a one-time sign-in link.
func link(ctx context.Context, a *app, args []string, io stdio) int {
	fs := flags("link", io)
	address := siteFlag(fs)
	if _, status, ok := parse(fs, args); !ok {
		return status
	}
	s, err := a.site(*address)
	if err != nil {
		return io.fail(err, "")
	}
	url, err := s.Access.NewLink(ctx)
	if err != nil {
		return io.fail(err, "")
	}
	fmt.Fprintln(io.out, url)
	return 0
}

// verb is one thing that a command can do with a site.
type verb struct {
	words int // how many words it takes
	usage string
	run   func(ctx context.Context, c call) error
}

// call is a verb on its way: the site, the words, the common flags.
type call struct {
	site  *web.Site
	app   *app
	words []string
	flags given
	io    stdio
}

// given are the flags that verbs take.
type given struct {
	json  bool
	scope string
	name  string
	state string
	limit int
}

// dispatch runs the verb that the first word names.
func dispatch(ctx context.Context, name string, verbs map[string]verb, a *app, args []string, io stdio) int {
	fs := flags(name, io)
	var g given
	address := siteFlag(fs)
	fs.BoolVar(&g.json, "json", false, "print JSON")
	fs.StringVar(&g.scope, "scope", "create", "what a new token may do, as `words`")
	fs.StringVar(&g.name, "name", "", "what a new token is called")
	fs.StringVar(&g.state, "state", "pending", "which mentions: pending, approved, rejected, deleted, withdrawn, failed, received")
	fs.IntVar(&g.limit, "limit", 50, "how many at the most")
	words, status, ok := parse(fs, args)
	if !ok {
		return status
	}
	v, known := verb{}, false
	if len(words) > 0 {
		v, known = verbs[words[0]]
	}
	if !known || len(words)-1 != v.words {
		fmt.Fprintf(io.err, "usage of tertulia %s:\n", name)
		for _, v := range verbs {
			fmt.Fprintf(io.err, "  tertulia %s %s\n", name, v.usage)
		}
		return 2
	}
	s, err := a.site(*address)
	if err != nil {
		return io.fail(err, "")
	}
	if err := v.run(ctx, call{site: s, app: a, words: words[1:], flags: g, io: io}); err != nil {
		return io.fail(err, "")
	}
	return 0
}

// table prints rows in columns, or value as JSON.
func (c call) table(value any, rows [][]string) error {
	if c.flags.json {
		return c.json(value)
	}
	w := tabwriter.NewWriter(c.io.out, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

func (c call) json(value any) error {
	enc := json.NewEncoder(c.io.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func history(c call, events []store.Event) {
	for _, e := range events {
		fmt.Fprintf(c.io.out, "  %s  %-12s %s\n", e.At.Local().Format("2006-01-02 15:04:05"), e.Stage, e.Note)
	}
}

// by is who decides on the command line.
func by() string {
	if u, err := user.Current(); err == nil {
		return u.Username + " (command line)"
	}
	return "command line"
}

// tokens makes, lists and revokes access tokens.
func tokens(ctx context.Context, a *app, args []string, io stdio) int {
	return dispatch(ctx, "token", map[string]verb{
		"new":    {0, `new [--scope "create update delete undelete media"] [--name NAME]`, newToken},
		"list":   {0, "list [--json]", listTokens},
		"revoke": {1, "revoke ID", revokeToken},
	}, a, args, io)
}

func newToken(ctx context.Context, c call) error {
	secret, err := c.site.Access.NewToken(ctx, c.flags.name, strings.Fields(c.flags.scope))
	if err != nil {
		return err
	}
	fmt.Fprintln(c.io.out, secret)
	return nil
}

func listTokens(ctx context.Context, c call) error {
	tokens, err := c.site.Access.Tokens(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{{"ID", "MADE", "FOR", "MAY"}}
	for _, t := range tokens {
		who := t.ClientID
		if t.Name != "" {
			who = t.Name
		}
		rows = append(rows, []string{t.Hash[:12], when(t.Issued), who, strings.Join(t.Scopes, " ")})
	}
	return c.table(tokens, rows)
}

func revokeToken(ctx context.Context, c call) error {
	return c.site.Access.RevokeBy(ctx, c.words[0])
}

// posts shows posts and what became of them.
func posts(ctx context.Context, a *app, args []string, io stdio) int {
	return dispatch(ctx, "post", map[string]verb{
		"list":  {0, "list [--limit N] [--json]", listPosts},
		"show":  {1, "show URL [--json]", showPost},
		"retry": {1, "retry URL", func(ctx context.Context, c call) error { return c.site.Posts.Retry(ctx, c.words[0]) }},
	}, a, args, io)
}

func listPosts(ctx context.Context, c call) error {
	posts, err := c.site.Posts.All(ctx, c.flags.limit)
	if err != nil {
		return err
	}
	rows := [][]string{{"DATE", "KIND", "STATE", "URL"}}
	for _, p := range posts {
		rows = append(rows, []string{when(p.Date), p.Kind, postState(p), p.Permalink})
	}
	return c.table(posts, rows)
}

// postState is how far a post's newest revision has come.
func postState(p store.Post) string {
	switch {
	case p.Draft:
		return "draft"
	case !p.Deleted.IsZero():
		return "deleted"
	case p.Announced == p.Revision:
		return "announced"
	case p.Live == p.Revision:
		return "live"
	case p.Published == p.Revision:
		return "published"
	}
	return "queued"
}

func showPost(ctx context.Context, c call) error {
	p, err := c.site.Posts.Post(ctx, c.words[0])
	if err != nil || c.flags.json {
		if err == nil {
			err = c.json(p)
		}
		return err
	}
	fmt.Fprintf(c.io.out, "%s\n%s, %s, revision %d\n", p.Permalink, p.Kind, postState(p), p.Revision)
	for _, s := range p.Sent {
		fmt.Fprintf(c.io.out, "  webmention to %s: %s %s\n", s.Target, s.State, s.Note)
	}
	history(c, p.History)
	return nil
}

// mentions shows and decides what other sites have sent.
func mentions(ctx context.Context, a *app, args []string, io stdio) int {
	decide := func(how func(*site.Mentions, context.Context, string, string) error) func(context.Context, call) error {
		return func(ctx context.Context, c call) error { return how(c.site.Mentions, ctx, by(), c.words[0]) }
	}
	return dispatch(ctx, "mention", map[string]verb{
		"list":    {0, "list [--state STATE] [--limit N] [--json]", listMentions},
		"show":    {1, "show ID [--json]", showMention},
		"approve": {1, "approve ID", decide((*site.Mentions).Approve)},
		"reject":  {1, "reject ID", decide((*site.Mentions).Reject)},
		"delete":  {1, "delete ID", decide((*site.Mentions).Delete)},
		"replay":  {1, "replay ID", func(ctx context.Context, c call) error { return c.site.Mentions.Replay(ctx, c.words[0]) }},
	}, a, args, io)
}

func listMentions(ctx context.Context, c call) error {
	mentions, err := c.site.Conversation.Mentions(ctx, store.State(c.flags.state), c.flags.limit)
	if err != nil {
		return err
	}
	rows := [][]string{{"ID", "RECEIVED", "TYPE", "FROM", "SOURCE"}}
	for _, m := range mentions {
		typ, from := "-", "-"
		if m.Shown != nil {
			typ, from = m.Shown.Type, m.Shown.Author.Name
		}
		rows = append(rows, []string{m.ID, when(m.Received), typ, from, m.Source})
	}
	return c.table(mentions, rows)
}

func showMention(ctx context.Context, c call) error {
	m, err := c.site.Conversation.Mention(ctx, c.words[0])
	if err != nil || c.flags.json {
		if err == nil {
			err = c.json(m)
		}
		return err
	}
	fmt.Fprintf(c.io.out, "%s\n  from %s\n  to   %s\n  %s", m.ID, m.Source, m.Target, m.State)
	if m.Why != "" {
		fmt.Fprintf(c.io.out, " (%s)", m.Why)
	}
	fmt.Fprintln(c.io.out)
	if m.Shown != nil {
		fmt.Fprintf(c.io.out, "  %s by %s: %s\n", m.Shown.Type, m.Shown.Author.Name, m.Shown.Text)
	}
	history(c, m.History)
	return nil
}

// jobs shows the work that is owed.
func jobs(ctx context.Context, a *app, args []string, io stdio) int {
	return dispatch(ctx, "job", map[string]verb{
		"list": {0, "list [--json]", listJobs},
		"retry": {1, "retry ID", func(ctx context.Context, c call) error {
			return c.app.db.Update(ctx, c.site.Key, func(tx *store.Tx) error { return tx.Unpark(c.words[0]) })
		}},
	}, a, args, io)
}

func listJobs(ctx context.Context, c call) error {
	var jobs []store.Job
	err := c.app.db.View(ctx, c.site.Key, func(tx *store.Tx) (err error) {
		jobs, err = tx.Jobs()
		return err
	})
	if err != nil {
		return err
	}
	rows := [][]string{{"ID", "KIND", "ABOUT", "STATE", "ATTEMPTS", "ERROR"}}
	for _, j := range jobs {
		state := "due " + when(j.Due)
		switch {
		case !j.Parked.IsZero():
			state = "parked"
		case j.Owner != "":
			state = "running"
		}
		rows = append(rows, []string{j.ID, j.Kind, j.Key, state, fmt.Sprint(j.Attempts), j.Error})
	}
	return c.table(jobs, rows)
}
