package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"slices"
	"strconv"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/store"
)

func listPosts(ctx context.Context, c call) error {
	posts, err := c.site.Posts.All(ctx, c.flags.limit)
	if err != nil {
		return err
	}
	return printAll(c, posts, []string{"DATE", "KIND", "STATE", "URL"}, func(p store.Post) []string {
		return []string{when(p.Date), p.Kind, postState(p), p.Permalink}
	})
}

// postState is how far a post's newest revision has come.
func postState(p store.Post) string {
	switch {
	case p.Draft:
		return "draft"
	case !p.Deleted.IsZero():
		return "deleted"
	case p.Private:
		return "private"
	case p.Scheduled:
		return "scheduled"
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
	if errors.Is(err, fs.ErrNotExist) {
		return showPage(ctx, c, err)
	}
	if err != nil {
		return err
	}
	if c.flags.json {
		return c.json(p)
	}
	fmt.Fprintf(c.io.out, "%s\n%s, %s, revision %d\n", p.Permalink, p.Kind, postState(p), p.Revision)
	printSent(c, p.Sent)
	history(c, p.History)
	return nil
}

// showPage shows what was sent for a page that is no post.
func showPage(ctx context.Context, c call, none error) error {
	p, err := c.site.Outgoing.Page(ctx, c.words[0])
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return none
	case err != nil:
		return err
	case c.flags.json:
		return c.json(p)
	}
	fmt.Fprintf(c.io.out, "%s\na page, %d times told\n", p.URL, p.Revision)
	printSent(c, p.Sent)
	history(c, p.History)
	return nil
}

func printSent(c call, sent []store.Sent) {
	for _, s := range sent {
		fmt.Fprintf(c.io.out, "  webmention to %s: %s %s\n", line(s.Target), s.State, line(s.Note))
	}
}

func retryPost(ctx context.Context, c call) error { return c.site.Posts.Retry(ctx, c.words[0]) }

func listMentions(ctx context.Context, c call) error {
	read := func() ([]store.Mention, error) {
		return c.site.Conversation.Mentions(ctx, store.State(c.flags.state), c.flags.limit)
	}
	if c.flags.unanswered {
		read = func() ([]store.Mention, error) { return c.site.Conversation.UnansweredMentions(ctx, c.flags.limit) }
	}
	mentions, err := read()
	if err != nil {
		return err
	}
	return printAll(c, mentions, []string{"ID", "RECEIVED", "TYPE", "FROM", "SOURCE"}, func(m store.Mention) []string {
		typ, from := "", ""
		if m.Shown != nil {
			typ, from = m.Shown.Type, m.Shown.Author.Name
		}
		return []string{m.ID, when(m.Received), typ, from, m.Source}
	})
}

func showMention(ctx context.Context, c call) error {
	m, err := c.site.Conversation.Mention(ctx, c.words[0])
	if err != nil {
		return err
	}
	if c.flags.json {
		return c.json(m)
	}
	fmt.Fprintf(c.io.out, "%s\n  from %s\n  to   %s\n  %s", m.ID, line(m.Source), line(m.Target), m.State)
	if m.Why != "" {
		fmt.Fprintf(c.io.out, " (%s)", line(m.Why))
	}
	fmt.Fprintf(c.io.out, "\n  %s\n", site.Answer(lang.For(c.site.Language), m))
	if m.Shown != nil {
		fmt.Fprintf(c.io.out, "  %s by %s: %s\n", m.Shown.Type, line(m.Shown.Author.Name), line(m.Shown.Text))
	}
	if m.Held != nil {
		fmt.Fprintf(c.io.out, "  changed to, and this waits: %s\n", line(m.Held.Text))
	}
	if since := site.Unverifiable(m, time.Now()); !since.IsZero() {
		fmt.Fprintf(c.io.out, "  unverifiable since %s: its source does not answer\n", when(since))
	}
	history(c, m.History)
	decisions, err := c.site.Mentions.Decisions(ctx, m.ID)
	audit(c, decisions)
	return err
}

// decide makes a verb of a decision about a mention.
func decide(how func(m *site.Mentions, ctx context.Context, by, id string) error) func(context.Context, call) error {
	return func(ctx context.Context, c call) error { return how(c.site.Mentions, ctx, by(), c.words[0]) }
}

// by is who decides on the command line.
func by() string {
	if u, err := user.Current(); err == nil {
		return u.Username + " (command line)"
	}
	return "command line"
}

func replayMention(ctx context.Context, c call) error {
	return c.site.Mentions.Replay(ctx, c.words[0])
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
	return printAll(c, jobs, []string{"ID", "KIND", "ABOUT", "STATE", "ATTEMPTS", "ERROR"}, func(j store.Job) []string {
		state := string(j.State())
		if j.State() == store.JobWaiting {
			state = "due " + when(j.Due)
		}
		return []string{j.ID, j.Kind, j.Key, state, strconv.Itoa(j.Attempts), j.Error}
	})
}

// retryJob has a job tried again, or all of a kind that were given up or have failed so far.
func retryJob(ctx context.Context, c call) error {
	known, err := c.isKind(ctx, c.words[0])
	if err != nil {
		return err
	}
	if !known {
		return c.site.Work.Retry(ctx, by(), c.words[0])
	}
	n, err := c.site.Work.RetryKind(ctx, by(), c.words[0])
	if err == nil {
		fmt.Fprintln(c.io.out, lang.For(c.site.Language).N("jobs.retried", n))
	}
	return err
}

// dropJob drops a job, or all of a kind that do not run, and says what is lost with it.
func dropJob(ctx context.Context, c call) error {
	l, kind, n := lang.For(c.site.Language), c.words[0], 1
	known, err := c.isKind(ctx, kind)
	if err != nil {
		return err
	}
	if known {
		n, err = c.site.Work.DropKind(ctx, by(), kind, "")
	} else if kind, err = c.site.Work.KindOf(ctx, c.words[0]); err == nil {
		err = c.site.Work.Drop(ctx, by(), c.words[0])
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.io.out, l.N("jobs.dropped", n))
	if lost := "joblost." + kind; n > 0 && l.Has(lost) {
		fmt.Fprintln(c.io.out, l.T(lost))
	}
	return nil
}

// isKind tells whether a word is a kind of the site's jobs, and no id of one.
func (c call) isKind(ctx context.Context, word string) (bool, error) {
	kinds, err := c.site.Work.Kinds(ctx)
	return slices.ContainsFunc(kinds, func(k site.WorkKind) bool { return k.Kind == word }), err
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func history(c call, events []store.Event) {
	for _, e := range events {
		fmt.Fprintf(c.io.out, "  %s  %-12s %s\n", e.At.Local().Format("2006-01-02 15:04:05"), e.Stage, line(e.Note))
	}
}

// approve approves what waits now, whatever it says: who uses the command line has
// just read it with "mention show".
func approve(m *site.Mentions, ctx context.Context, by, id string) error {
	return m.Approve(ctx, by, id, "")
}
