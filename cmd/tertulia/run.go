package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"tertulia/internal/web"
	"tertulia/store"
)

// stdio is where a command reads and writes: the terminal, or the socket of a
// running service.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

// fail says what went wrong and what to try, and is the exit status 1.
func (s stdio) fail(err error, hint string) int {
	fmt.Fprintf(s.err, "tertulia: %v\n", err)
	if hint != "" {
		fmt.Fprintf(s.err, "  %s\n", hint)
	}
	return 1
}

// app is what a command works with: the sites and their data.
type app struct {
	settings *settings
	db       *store.DB
	sites    []*web.Site
}

// command is one subcommand. run is given the arguments behind its name, without
// the flags that every command takes.
type command struct {
	name  string
	args  string
	about string
	run   func(ctx context.Context, a *app, args []string, io stdio) int
	alone func(ctx context.Context, set *settings, args []string, io stdio) int // needs no app: it makes its own
}

func commands() []command {
	return []command{
		{name: "serve", about: "run the service", alone: serve},
		{name: "demo", args: "[--once]", about: "show a post, a reply from another site, and the conversation, in a temporary directory", alone: demo},
		{name: "link", about: "print a one-time sign-in link for the owner's pages", run: link},
		{name: "token", args: "new|list|revoke", about: "access tokens for scripts and editors", run: tokens},
		{name: "post", args: "list|show|retry", about: "posts and what became of them", run: posts},
		{name: "mention", args: "list|show|approve|reject|delete|replay", about: "what other sites have sent", run: mentions},
		{name: "job", args: "list|retry", about: "work that runs, waits or was given up", run: jobs},
		{name: "version", about: "print the version", alone: version},
	}
}

// run is the whole program but for the process around it.
func run(ctx context.Context, args []string, io stdio, env func(string) (string, bool)) int {
	given, args, err := parseGlobals(args)
	if err != nil {
		fmt.Fprintln(io.err, "tertulia:", err)
		return 2
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(io)
		if len(args) == 0 {
			return 2
		}
		return 0
	}
	cmd, ok := find(args[0])
	if !ok {
		fmt.Fprintf(io.err, "tertulia: there is no command %q\n  tertulia help lists them\n", args[0])
		return 2
	}
	set, err := loadSettings(given, env)
	if err != nil {
		return io.fail(err, "")
	}
	if cmd.alone != nil {
		return cmd.alone(ctx, set, args[1:], io)
	}
	if code, ok := callService(ctx, set.Data, args, io); ok {
		return code
	}
	return runHere(ctx, set, args, io)
}

// runHere opens the data and runs a command on it: no service holds it.
func runHere(ctx context.Context, set *settings, args []string, io stdio) int {
	db, err := store.Open(set.Data, store.Options{})
	if err != nil {
		return io.fail(err, "")
	}
	defer db.Close()
	log := slog.New(slog.DiscardHandler)
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		return io.fail(err, "")
	}
	return svc.app.call(ctx, args, io)
}

// call runs a command by its name: in this process, or asked for through the socket.
func (a *app) call(ctx context.Context, args []string, io stdio) int {
	if len(args) == 0 {
		return 2
	}
	cmd, ok := find(args[0])
	if !ok || cmd.run == nil {
		fmt.Fprintf(io.err, "tertulia: the running service knows no command %q\n", args[0])
		return 2
	}
	return cmd.run(ctx, a, args[1:], io)
}

func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func usage(io stdio) {
	fmt.Fprintln(io.out, "tertulia gives a site a conversation of its own.\n\nusage: tertulia COMMAND [flags]")
	for _, c := range commands() {
		fmt.Fprintf(io.out, "  %-48s %s\n", strings.TrimSpace(c.name+" "+c.args), c.about)
	}
	fmt.Fprintln(io.out, "\nEvery command takes --config FILE, --data DIR and --listen ADDRESS; those about a site take --site URL when there are several.")
}

// flags makes the flags of a command. What it says goes to the command's output.
func flags(name string, io stdio) *flag.FlagSet {
	fs := flag.NewFlagSet("tertulia "+name, flag.ContinueOnError)
	fs.SetOutput(io.err)
	return fs
}

// parse reads flags wherever they stand, and returns the other words. The status
// is 0 when help was asked for and given, 2 when the words were wrong.
func parse(fs *flag.FlagSet, args []string) (words []string, status int, ok bool) {
	for {
		if err := fs.Parse(args); errors.Is(err, flag.ErrHelp) {
			return nil, 0, false
		} else if err != nil {
			return nil, 2, false
		}
		if fs.NArg() == 0 {
			return words, 0, true
		}
		words = append(words, fs.Arg(0))
		args = fs.Args()[1:]
	}
}

// siteFlag lets a command name its site; with one site there is nothing to name.
func siteFlag(fs *flag.FlagSet) *string {
	return fs.String("site", "", "address of the `site`, when there are several")
}

// site finds the site that a command is about.
func (a *app) site(address string) (*web.Site, error) {
	if address == "" && len(a.sites) == 1 {
		return a.sites[0], nil
	}
	var known []string
	for _, s := range a.sites {
		if strings.TrimSuffix(s.Me(), "/") == strings.TrimSuffix(address, "/") || s.Key == address {
			return s, nil
		}
		known = append(known, s.Me())
	}
	return nil, fmt.Errorf("which site? name it with --site, one of: %s", strings.Join(known, ", "))
}
