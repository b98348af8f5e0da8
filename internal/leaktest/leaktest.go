// Package leaktest finds secrets where they must not be: in the data directory, free pages of the
// database and backups included, in a log, or in an error page (HOSTILE 115). It knows them
// because it stands in for the system's source of randomness while tests run: whatever the
// program makes of random bytes counts as secret, but for the few makers that open names.
//
//	func TestMain(m *testing.M) { os.Exit(leaktest.Of(m).Run()) }
//
//	leaktest.Dir(t, data)                      // searched when the test ends
//	log := slog.NewTextHandler(leaktest.Log(), nil)
//	handler = leaktest.Handler(handler)        // keeps what it says when it refuses
//
// Processes that a test starts call [Join]. It follows no specification; only tests use it.
package leaktest

import (
	"crypto/rand"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Variable names the directory in which the processes of one run meet. It holds what they
// said, in files to be searched, and the secrets that they made:
//
//	secrets   a line for each: r or t, the bytes in hex, and who made it; r is random, t a text
//	log       what was logged
//	refusals  what was said when something was refused
const Variable = "TERTULIA_LEAKTEST"

// open are those who make names and salts of random bytes, which are no secrets. A
// maker that is not here makes secrets.
var open = []string{
	"indieauth.newState", // for who answers to keep and send back
	"store.NewID",
	"store.(*ledger).",
	"store.(*reserve).",
	"store.(*sealing).", // the key that the secrets of networks are sealed with: it has its file, and no backup has it
	"internal/media.",
	"internal/publish.",
	"internal/site.(*Posts).",
	"internal/site.(*challenges).make",      // shown to everybody who may sign in
	"internal/site.(*Comments).sealKey",     // kept, as forms outlive a restart: it dates them and lets nobody in
	"internal/site.(*Access).SetPassphrase", // the salt
	"internal/site.newHookSecret",           // kept: what a hook is told is signed with it
}

// Tests runs a package's tests, and then searches.
type Tests struct{ run interface{ Run() int } }

// Of are the tests of a package.
func Of(m interface{ Run() int }) Tests { return Tests{m} }

// Run runs the tests and returns the exit status, which is not 0 when a secret was found. Where
// the tests measure or fuzz, they are left alone.
func (all Tests) Run() int {
	flag.Parse()
	for _, name := range []string{"test.bench", "test.fuzz", "test.fuzzworker", "test.list"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" && f.Value.String() != "false" {
			return all.run.Run()
		}
	}
	dir, err := os.MkdirTemp("", "leaktest")
	if err == nil {
		err = os.Setenv(Variable, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "leaktest:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	Join()
	http.DefaultTransport = listening{http.DefaultTransport}
	code := all.run.Run()
	for _, name := range []string{"log", "refusals"} {
		for _, leak := range run.search(filepath.Join(dir, name)) {
			fmt.Fprintln(os.Stderr, "leaktest:", leak)
			code = 1
		}
	}
	return code
}

// run is this process's part. The source of randomness is one for all, and so is this.
var run = &part{heads: map[uint64][]needle{}}

// part is what one process knows of the run.
type part struct {
	dir string // "": nothing is recorded

	mu    sync.Mutex
	read  int64 // so much of the secrets
	heads map[uint64][]needle
	bloom [1 << 11]uint64 // of the heads
}

// Join makes this process one of the run that its environment names; without one it does nothing.
func Join() {
	if run.dir = os.Getenv(Variable); run.dir != "" {
		rand.Reader = source{rand.Reader}
	}
}

// source is the system's randomness, with somebody who takes notes.
type source struct{ io.Reader }

// leastSecret is how many bytes nobody guesses.
const leastSecret = 16

// Read is of io.Reader.
func (s source) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if n >= leastSecret && n <= 64 {
		if who := maker(); who != "" {
			run.note('r', b[:n], who)
		}
	}
	return n, err
}

// maker is the function of ours that asks for random bytes, "" for a test. What it makes is open
// as well when the one that calls it is.
func maker() (who string) {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		name, ours := strings.CutPrefix(f.Function, "tertulia/")
		switch {
		case !ours || strings.HasPrefix(name, "internal/leaktest."):
			continue
		case slices.ContainsFunc(open, func(prefix string) bool { return strings.HasPrefix(name, prefix) }):
			return ""
		case who != "":
			return who
		case strings.HasSuffix(f.File, "_test.go"):
			return ""
		}
		who = name
	}
	return who
}

// Secret is a secret that a test has made up: a passphrase, or what another server gave out.
// Short ones cannot be told from words and are not looked for.
func Secret(texts ...string) {
	for _, text := range texts {
		if len(text) >= leastText {
			run.note('t', []byte(text), "a test")
		}
	}
}

func (p *part) note(kind byte, secret []byte, who string) {
	p.add("secrets", fmt.Appendf(nil, "%c %s %s\n", kind, hex.EncodeToString(secret), strings.ReplaceAll(who, " ", "_")))
}

// add appends to a file of the run, whole: processes may be killed at any moment.
func (p *part) add(name string, text []byte) {
	if p.dir == "" {
		return
	}
	f, err := os.OpenFile(filepath.Join(p.dir, name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return // the run has ended; what lives on is nobody's any more
	}
	defer f.Close()
	_, _ = f.Write(text) // the same
}
