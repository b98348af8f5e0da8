package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"

	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/store"
)

// stdio is where a command reads and writes: the terminal, or the socket of a
// running service.
type stdio struct {
	out, err io.Writer
	in       io.Reader // what a command that works elsewhere is handed; nil for nothing
}

// fail says what went wrong and what to try, and is the exit status 1.
func (s stdio) fail(err error, hint string) int {
	s.complain(err, hint)
	return 1
}

// misused says what is wrong with the words of a command, and is the exit status 2.
func (s stdio) misused(err error, hint string) int {
	s.complain(err, hint)
	return 2
}

func (s stdio) complain(err error, hint string) {
	what := err.Error()
	if before, ok := strings.CutSuffix(what, ": "+fs.ErrNotExist.Error()); ok {
		what = before + ": not found"
	}
	fmt.Fprintf(s.err, "tertulia: %s\n", what)
	if hint != "" {
		fmt.Fprintf(s.err, "  %s\n", hint)
	}
}

// app is what a command works with: the sites and their data.
type app struct {
	settings *settings
	db       *store.DB
	sites    []*web.Site
}

// run is the whole program but for the process around it. Its result, and help that
// was asked for, is all that goes to io.out. The exit status is 0, 1 when it failed,
// or 2 when the words were wrong.
func run(ctx context.Context, args []string, io stdio, env func(string) (string, bool)) int {
	out := &remembering{Writer: io.out}
	io.out = out
	code := choose(ctx, args, io, env)
	if code == 0 && out.err != nil {
		return io.fail(fmt.Errorf("write the result: %w", out.err), "")
	}
	return code
}

// choose finds the command that the words name and runs it where the data is.
func choose(ctx context.Context, args []string, io stdio, env func(string) (string, bool)) int {
	globals, args, err := parseGlobals(args)
	if err != nil {
		return io.misused(err, "tertulia help lists the commands and their flags")
	}
	if len(args) == 0 {
		usage(io.err)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		return help(args[1:], io)
	}
	cmd, ok := find(args[0])
	if !ok {
		return io.misused(fmt.Errorf("there is no command %q", args[0]), "tertulia help lists them")
	}
	r, err := cmd.parse(args[1:])
	if err != nil {
		return cmd.misused(err, io)
	}
	load := func() (*settings, error) { return loadSettings(globals, env) }
	if r.verb.alone != nil {
		r.flags.words, r.flags.told = r.words, told{globals, env}
		return r.verb.alone(ctx, load, r.flags, io)
	}
	set, err := load()
	if err != nil {
		return io.fail(err, "")
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
		return io.fail(err, otherData)
	}
	defer db.Close()
	log := slog.New(slog.DiscardHandler)
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		return io.fail(err, "")
	}
	return svc.app.call(ctx, args, io)
}

// otherData is the hint when the data cannot be opened.
const otherData = "--data DIR takes the data in another directory"

// call runs a command with all its words: in this process, or asked for through the
// socket, perhaps by a program of another version.
func (a *app) call(ctx context.Context, args []string, io stdio) int {
	if len(args) == 0 {
		return io.misused(errors.New("no command"), "")
	}
	cmd, ok := find(args[0])
	if !ok {
		return io.misused(fmt.Errorf("the running service knows no command %q", args[0]), "")
	}
	r, err := cmd.parse(args[1:])
	if err != nil {
		return cmd.misused(err, io)
	}
	if r.verb.run == nil {
		return io.misused(fmt.Errorf("the running service does not do %q for others", args[0]), "")
	}
	var s *web.Site
	if !r.verb.whole {
		if s, err = a.site(r.flags.site); err != nil {
			return io.fail(err, "")
		}
	}
	if err := r.verb.run(site.By(ctx, by()), call{site: s, app: a, words: r.words, flags: r.flags, io: io}); err != nil {
		return io.fail(err, cmd.hint(err))
	}
	return 0
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

// help prints what was asked for: the list of commands, or one of them.
func help(words []string, io stdio) int {
	if len(words) == 0 {
		usage(io.out)
		return 0
	}
	cmd, ok := find(words[0])
	if !ok {
		return io.misused(fmt.Errorf("there is no command %q", words[0]), "tertulia help lists them")
	}
	cmd.usage(io.out)
	return 0
}

func usage(w io.Writer) {
	fmt.Fprint(w, "tertulia gives a site a conversation of its own.\n\nusage: tertulia COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-48s %s\n", strings.TrimSpace(c.name+" "+c.choice()), c.about)
	}
	fmt.Fprint(w, "\n"+everywhere+"\ntertulia help COMMAND says more.\n")
}

// everywhere is what parseGlobals takes.
const everywhere = "Every command takes --config FILE, --data DIR and --listen HOST:PORT."

// misused answers words that the command does not understand, or a call for help.
func (c command) misused(err error, io stdio) int {
	if errors.Is(err, flag.ErrHelp) {
		c.usage(io.out)
		return 0
	}
	return io.misused(err, "tertulia help "+c.name+" says how it is used")
}

// remembering is a writer that keeps its first error.
type remembering struct {
	io.Writer
	err error
}

func (r *remembering) Write(b []byte) (int, error) {
	n, err := r.Writer.Write(b)
	if r.err == nil {
		r.err = err
	}
	return n, err
}
