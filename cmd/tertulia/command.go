package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"text/tabwriter"

	"tertulia/internal/exchange"
	"tertulia/internal/sanitize"
	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/store"
)

// command is one subcommand: a verb, or a choice of them.
type command struct {
	name  string
	about string
	verbs []verb
}

// verb is one thing that a command can do. It works on a site, in whichever process
// holds the data, or alone.
type verb struct {
	name  string // "" for the only one of a command
	word  string // the arguments it takes, as "URL", or "[URL]" if it may be missing; "" for none
	flags string // those that it takes, beside --site and those of every command
	one   string // those of which it takes exactly one; "" for none
	run   func(context.Context, call) error
	whole bool // it is about all the data, not a site
	alone func(ctx context.Context, load func() (*settings, error), f given, io stdio) int
}

// call is a verb on its way.
type call struct {
	site  *web.Site
	app   *app
	words []string
	flags given
	io    stdio
}

// given are the flags of verbs, with their defaults in [given.set].
type given struct {
	once, verbose, json, force, yes bool
	scope, name, state, site, trust string
	dryRun, backlog, prefix         bool
	old, new                        string // directories
	person                          string
	domain, source, mention         string
	lift                            bool
	lang                            string
	dir, preset, at                 string
	expires                         string // a time, such as 30d
	off, unanswered                 bool
	limit                           int
	moves                           []exchange.Move
	token, tokenFile, code          string
	sinceID                         uint64
	page                            string
	excel                           bool
	words                           []string // of a verb that works alone
	told                            told     // to a verb that works alone
}

// request is a verb with the words and flags that it was given.
type request struct {
	verb  verb
	words []string
	flags given
}

func commands() []command {
	return []command{
		{"serve", "run the service", []verb{{flags: "verbose", alone: serve}}},
		{"demo", "show a post, a reply from another site, and the conversation, in a temporary directory",
			[]verb{{flags: "once verbose", alone: demo}}},
		{"init", "look at your site, write its settings and print the lines to paste", []verb{{word: "URL", flags: "dir preset at yes", alone: initSite}}},
		{"check", "say point by point what works and what does not; it leaves everything as it was",
			[]verb{{word: "[URL]", flags: "json", whole: true, alone: check, run: checkNow}}},
		{"link", "print a one-time sign-in link for the owner's pages", []verb{{flags: "person", run: newLink}}},
		{"widget", "print the lines that show conversations in pages that this service does not serve", []verb{{flags: "json", run: widget}}},
		{"session", "where those who look after the site are signed in", []verb{
			{name: "list", flags: "person json", run: listSessions},
			{name: "revoke", word: "ID|all", flags: "person", run: revokeSession},
		}},
		{"passphrase", "a passphrase to sign in with, instead of a link", []verb{
			{name: "new", flags: "person", run: newPassphrase},
			{name: "remove", flags: "person", run: dropPassphrase},
		}},
		{"token", "access tokens for scripts and editors", []verb{
			{name: "new", flags: "scope name expires", run: newToken},
			{name: "list", flags: "json", run: listTokens},
			{name: "show", word: "ID", flags: "json", run: showToken},
			{name: "narrow", word: "ID SCOPE...", run: narrowToken},
			{name: "lenient", word: "ID", flags: "off", run: lenientToken},
			{name: "revoke", word: "ID", run: revokeToken},
		}},
		{"post", "posts and what became of them", []verb{
			{name: "list", flags: "limit json", run: listPosts},
			{name: "show", word: "URL", flags: "json", run: showPost},
			{name: "retry", word: "URL", run: retryPost},
		}},
		{"mention", "what other sites have sent", []verb{
			{name: "list", flags: "state unanswered limit json", run: listMentions},
			{name: "show", word: "ID", flags: "json", run: showMention},
			{name: "approve", word: "ID", run: decide(approve)},
			{name: "reject", word: "ID", run: decide((*site.Mentions).Reject)},
			{name: "delete", word: "ID", run: decide((*site.Mentions).Delete)},
			{name: "reply", word: "ID TEXT", run: replyMention},
			{name: "aside", word: "ID", flags: "off", run: setAside},
			{name: "replay", word: "ID", run: replayMention},
			{name: "undo", word: "DECISION", run: decide((*site.Mentions).Undo)},
		}},
		{"person", "whom you trust, mute or block: people by profile URL, @name@host or id, hosts as host:NAME", []verb{
			{name: "list", flags: "trust limit json", run: listPeople},
			{name: "show", word: "WHO", flags: "json", run: showPerson},
			{name: "trust", word: "WHO", flags: "json", run: entrust(store.Trusted)},
			{name: "mute", word: "WHO", flags: "json", run: entrust(store.Muted)},
			{name: "block", word: "WHO", flags: "json", run: entrust(store.Blocked)},
			{name: "undo", word: "WHO|DECISION", run: decide((*site.Mentions).UndoPerson)},
		}},
		{"audit", "what was decided and changed, the newest first, and by whom", []verb{{flags: "limit json", run: listAudit}}},
		{"send", "tell those that a page of yours links to, for pages that were written by hand",
			[]verb{{word: "[SOURCE] [TARGET]...", flags: "dry-run old new backlog yes json", alone: sendFrom, run: send}}},
		{"remap", "let the conversation of a page that has moved go on at its new address",
			[]verb{{word: "OLD NEW", flags: "prefix dry-run json", run: remap}}},
		{"erase", "remove every trace of a domain, a person, or a page that links here",
			[]verb{{flags: "lift dry-run json site", one: "domain person source mention", whole: true, run: erase}}},
		{"privacy", "print the privacy note that the service shows, as its settings have it", []verb{{flags: "lang", run: privacy}}},
		{"import", "take in what another system has kept of your conversations: " + strings.Join(exchange.Kinds(), ", "),
			[]verb{{word: "[KIND] [FILE|URL]", flags: "map token token-file since-id dry-run json", alone: importFrom, run: importNow}}},
		{"export", "write what readers may see of your conversations, as: " + strings.Join(exchange.Formats(), ", "),
			[]verb{{word: "FORMAT [FILE]", flags: "page excel", alone: exportTo, run: exportNow}}},
		{"network", "accounts that copies of your posts go to", []verb{
			{name: "list", flags: "json", run: listNetworks},
			{name: "connect", word: "ACCOUNT", flags: "token-file code", alone: connectFrom, run: connectNetwork},
			{name: "disconnect", word: "ACCOUNT", run: disconnectNetwork},
		}},
		{"copy", "copies of your posts on networks", []verb{
			{name: "list", word: "[POST]", flags: "limit json", run: listCopies},
			{name: "ask", word: "POST ACCOUNT", run: askCopy},
			{name: "retry", word: "POST ACCOUNT", run: retryCopy},
			{name: "found", word: "POST ACCOUNT URL", run: foundCopy},
			{name: "leave", word: "POST ACCOUNT", run: leaveCopy},
		}},
		{"job", "work that runs, waits or was given up", []verb{
			{name: "list", flags: "json", run: listJobs},
			{name: "retry", word: "ID|KIND", run: retryJob},
			{name: "drop", word: "ID|KIND", run: dropJob},
		}},
		{"backup", "copy everything that is kept into one new file", []verb{{word: "FILE", whole: true, alone: backup, run: backupNow}}},
		{"restore", "bring a backup back into the data directory, while no service runs",
			[]verb{{word: "FILE", flags: "force", alone: restore}}},
		{"resume", "let jobs go on after a restore", []verb{{whole: true, run: resume}}},
		{"repair", "make every index anew and name damaged records, while no service runs", []verb{{alone: repair}}},
		{"version", "print the version", []verb{{alone: version}}},
	}
}

func find(name string) (command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}

// set makes the flags of all verbs; which of them a verb takes, it says itself.
func (g *given) set() *flag.FlagSet {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // what it finds wrong comes back as an error
	fs.BoolVar(&g.once, "once", false, "end when the reply is shown: exit status 0, or 1 if it never was")
	fs.BoolVar(&g.verbose, "verbose", false, "log every detail")
	fs.StringVar(&g.scope, "scope", "create", "what the token may do, as `WORDS` in quotes: "+strings.Join(site.Scopes(), " "))
	fs.StringVar(&g.name, "name", "", "the `NAME` by which you know it")
	fs.StringVar(&g.person, "person", "", "the person, by `URL`: the one who looks after the site, when several do, or the one who is to be erased")
	fs.StringVar(&g.lang, "lang", "", "`es` or en (default: the site's language)")
	fs.StringVar(&g.domain, "domain", "", "a `HOST`, with those below it")
	fs.StringVar(&g.source, "source", "", "the `URL` of a page that links here, or of a comment")
	fs.StringVar(&g.mention, "mention", "", "the `ID` of a mention: its source is meant")
	fs.BoolVar(&g.lift, "lift", false, "take mentions from there again; nothing that was erased comes back")
	fs.StringVar(&g.expires, "expires", "", "it works for a `TIME` such as 30d or 12h (default: until it is revoked)")
	fs.BoolVar(&g.off, "off", false, "no longer")
	fs.BoolVar(&g.unanswered, "unanswered", false, "those that readers see and you have not answered, the longest waiting first")
	fs.StringVar(&g.state, "state", string(store.Pending), "those in a `STATE`: "+strings.Join(states(), ", "))
	fs.StringVar(&g.trust, "trust", "", "only those whose `TRUST` is one of: "+strings.Join(trusts(), ", "))
	fs.IntVar(&g.limit, "limit", 50, "at most `N` of them")
	fs.BoolVar(&g.force, "force", false, "put the data that is there aside, in a directory beside it")
	fs.BoolVar(&g.json, "json", false, "print JSON")
	fs.StringVar(&g.dir, "dir", "", "the `DIR` with the source of the site (default: here, if it is one)")
	fs.StringVar(&g.preset, "preset", "", "who makes its pages, as a `NAME`: "+strings.Join(initPresets(), ", "))
	fs.StringVar(&g.at, "at", "", "the `URL` at which the service will be")
	fs.BoolVar(&g.prefix, "prefix", false, "all pages at and below OLD, each to its place below NEW")
	fs.BoolVar(&g.yes, "yes", false, "ask nothing")
	fs.BoolVar(&g.dryRun, "dry-run", false, "change and send nothing, and say what would happen")
	fs.StringVar(&g.old, "old", "", "the `DIR` with the finished pages of the site as they were")
	fs.StringVar(&g.new, "new", "", "and the `DIR` with those that are going live")
	fs.BoolVar(&g.backlog, "backlog", false, "all pages that were there before the service knew them")
	fs.Func("map", "pages at and below OLD are those below NEW now; may be given several times, as `OLD=NEW`", g.addMove)
	fs.StringVar(&g.token, "token", "", "the `TOKEN` of your account there")
	fs.StringVar(&g.tokenFile, "token-file", "", "the `FILE` that it is in")
	fs.StringVar(&g.code, "code", "", "the `CODE` that the network has shown")
	fs.StringVar(&g.page, "page", "", "only the conversation of the page at an address, as `URL`")
	fs.BoolVar(&g.excel, "excel", false, "CSV with semicolons and a mark at its beginning, as spreadsheets in Spanish open it")
	fs.Uint64Var(&g.sinceID, "since-id", 0, "only what has a wm-id above `N`: it goes on where it was broken off")
	fs.StringVar(&g.site, "site", "", "the `URL` of the site, when there are several")
	return fs
}

func states() []string {
	var words []string
	for _, s := range []store.State{store.Pending, store.Approved, store.Rejected, store.Deleted, store.Withdrawn, store.Failed, store.Received,
		store.Quarantined, store.Silent, store.Duplicate} {
		words = append(words, string(s))
	}
	return words
}

// parse reads the words behind a command's name, flags wherever they stand before
// "--". flag.ErrHelp asks for the command's usage.
func (c command) parse(args []string) (request, error) {
	var r request
	set := r.flags.set()
	var literal []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, literal = args[:i], args[i+1:]
	}
	for len(args) > 0 {
		if err := set.Parse(args); err != nil {
			return r, err
		}
		if args = set.Args(); len(args) > 0 {
			r.words, args = append(r.words, args[0]), args[1:]
		}
	}
	r.words = append(r.words, literal...)
	if r.verb = c.verbs[0]; r.verb.name != "" {
		i := -1
		if len(r.words) > 0 {
			i = slices.IndexFunc(c.verbs, func(v verb) bool { return v.name == r.words[0] })
		}
		if i < 0 {
			return r, fmt.Errorf("%s: say what to do, one of: %s", c.name, c.choice())
		}
		r.verb, r.words = c.verbs[i], r.words[1:]
	}
	return r, r.check(c.line(r.verb), set)
}

// check compares what was given with what the verb takes. line is how it is written.
func (r request) check(line string, set *flag.FlagSet) error {
	least, most := 0, 0
	for _, word := range strings.Fields(r.verb.word) {
		if most++; !strings.HasPrefix(word, "[") {
			least++
		}
	}
	if strings.HasSuffix(r.verb.word, "...") {
		most = len(r.words)
	}
	if len(r.words) < least || len(r.words) > most {
		return fmt.Errorf("got %q, want: %s", r.words, line)
	}
	var wrong []error
	chosen, choice := 0, strings.Fields(r.verb.one)
	set.Visit(func(f *flag.Flag) {
		if slices.Contains(choice, f.Name) && f.Value.String() != "" {
			chosen++
		}
		if !slices.Contains(r.verb.taken(), f.Name) {
			wrong = append(wrong, fmt.Errorf("no --%s here, want: %s", f.Name, line))
		}
	})
	if len(choice) > 0 && chosen != 1 {
		wrong = append(wrong, fmt.Errorf("say one of --%s", strings.Join(choice, ", --")))
	}
	if r.flags.limit < 1 {
		wrong = append(wrong, errors.New("--limit must be 1 or more"))
	}
	if !slices.Contains(states(), r.flags.state) {
		wrong = append(wrong, fmt.Errorf("there is no state %q, only: %s", r.flags.state, strings.Join(states(), ", ")))
	}
	if r.flags.trust != "" && !slices.Contains(trusts(), r.flags.trust) {
		wrong = append(wrong, fmt.Errorf("there is no trust %q, only: %s", r.flags.trust, strings.Join(trusts(), ", ")))
	}
	for _, scope := range strings.Fields(r.flags.scope) {
		if !slices.Contains(site.Scopes(), scope) {
			wrong = append(wrong, fmt.Errorf("there is no scope %q, only: %s", scope, strings.Join(site.Scopes(), ", ")))
		}
	}
	if strings.TrimSpace(r.flags.scope) == "" {
		wrong = append(wrong, errors.New("--scope must say what the token may do"))
	}
	if l := r.flags.lang; l != "" && l != "es" && l != "en" {
		wrong = append(wrong, fmt.Errorf("--lang is es or en, not %q", l))
	}
	if _, err := lifetime(r.flags.expires); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// taken are the names of the flags that a verb takes.
func (v verb) taken() []string {
	names := strings.Fields(v.one + " " + v.flags)
	if v.run != nil && !v.whole {
		names = append(names, "site")
	}
	return names
}

// choice lists the names of a command's verbs.
func (c command) choice() string {
	var names []string
	for _, v := range c.verbs {
		names = append(names, v.name)
	}
	return strings.Join(names, "|")
}

// line is how a verb is written, with its flags.
func (c command) line(v verb) string {
	line := "tertulia " + c.name
	for _, word := range []string{v.name, v.word} {
		if word != "" {
			line += " " + word
		}
	}
	set := new(given).set()
	for _, name := range v.taken() {
		value, _ := flag.UnquoteUsage(set.Lookup(name))
		line += " [" + strings.TrimSpace("--"+name+" "+value) + "]"
	}
	return line
}

// usage says how a command is used.
func (c command) usage(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n\n", c.name, c.about)
	var taken []string
	for _, v := range c.verbs {
		fmt.Fprintf(w, "  %s\n", c.line(v))
		taken = append(taken, v.taken()...)
	}
	fmt.Fprintln(w)
	new(given).set().VisitAll(func(f *flag.Flag) {
		if !slices.Contains(taken, f.Name) {
			return
		}
		value, about := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" {
			about += " (default: " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  %-16s %s\n", strings.TrimSpace("--"+f.Name+" "+value), about)
	})
	fmt.Fprintln(w, "\n"+everywhere)
}

// hint is what to try after a verb has failed.
func (c command) hint(err error) string {
	switch {
	case c.name == "mention" && replyHint(err) != "":
		return replyHint(err)
	case errors.Is(err, site.ErrUndecidable) && c.name == "person":
		return "tertulia person show WHO lists what was decided about them"
	case errors.Is(err, site.ErrNotGranted):
		return "tertulia token show ID says what it has; token revoke ID takes away everything"
	case errors.Is(err, site.ErrEverybody):
		return "name one host, such as host:blog.example.com: those below it are hit as well"
	case errors.Is(err, site.ErrUndecidable):
		return "tertulia mention show ID says what became of it; mention replay ID looks at its source again"
	case c.name == "erase":
		return eraseHint(err)
	case c.name == "remap":
		return remapHint(err)
	case c.name == "backup":
		return backupHint(err)
	case errors.Is(err, fs.ErrNotExist) && c.name == "export":
		return "--page takes the address of a page of the site"
	case errors.Is(err, fs.ErrNotExist) && (c.name == "link" || c.name == "passphrase"):
		return "--person takes an address that [[person]] names in the settings"
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("tertulia %s list shows what there is", c.name)
	case errors.Is(err, store.ErrRunning):
		return "it is left to end; tertulia job list says whether it still runs"
	case errors.Is(err, store.ErrClosed):
		return "the service is stopping: try again when it has"
	}
	return ""
}

// printAll prints records as a table, or as JSON.
func printAll[T any](c call, records []T, head []string, row func(T) []string) error {
	if c.flags.json {
		if records == nil {
			records = []T{} // none is [], not null
		}
		return c.json(records)
	}
	w := tabwriter.NewWriter(c.io.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, r := range records {
		cells := row(r)
		for i := range cells {
			cells[i] = cmp.Or(line(cells[i]), "-")
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	return w.Flush()
}

func (c call) json(value any) error {
	enc := json.NewEncoder(c.io.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(value)
}

// line makes one line of what a stranger may have written, without the controls that
// terminals obey.
func line(s string) string { return sanitize.Text(s, 400) }
