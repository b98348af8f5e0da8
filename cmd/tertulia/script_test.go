package main

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tertulia/internal/leaktest"
)

// TestMain lets the test binary stand in for the program, in scripts and wherever else it is
// started, and searches what it leaves behind for secrets.
func TestMain(m *testing.M) {
	testscript.Main(leaktest.Of(m), map[string]func(){"tertulia": func() {
		leaktest.Join()
		os.Exit(process(io.MultiWriter(os.Stderr, leaktest.Log())))
	}})
}

// dataDir is a directory for data that is searched for secrets when the test ends.
func dataDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	leaktest.Dir(t, dir)
	return dir
}

// quiet is a log that nobody reads, but for who looks for secrets.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(leaktest.Log(), nil)) }

// TestScripts runs testdata/*.txtar: the program as somebody at a terminal meets it.
// Beside the commands of testscript there are those of scriptCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: scriptCommands,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else every program that ends takes a second more under -race
			env.Setenv(leaktest.Variable, os.Getenv(leaktest.Variable))
			env.Defer(func() {
				for _, leak := range leaktest.Search(env.WorkDir) {
					if !strings.Contains(leak, "/said: ") { // where scripts keep what was said to the owner
						t.Error(leak)
					}
				}
			})
			return nil
		},
	})
}

var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	// exits STATUS PROGRAM… runs a program that must end with the status.
	"exits": func(ts *testscript.TestScript, _ bool, args []string) {
		want, err := strconv.Atoi(args[0])
		ts.Check(err)
		var exit *exec.ExitError
		got := 0
		if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
			got = exit.ExitCode()
		} else {
			ts.Check(err)
		}
		if got != want {
			ts.Fatalf("got exit status %d, want %d", got, want)
		}
	},
	// free-port NAME… sets each variable to a port that nobody has.
	"free-port": func(ts *testscript.TestScript, _ bool, names []string) {
		for _, name := range names {
			l, port := listenFree(ts)
			ts.Check(l.Close())
			ts.Setenv(name, port)
		}
	},
	// taken-port NAME sets it to a port on which somebody listens while the script runs.
	"taken-port": func(ts *testscript.TestScript, _ bool, args []string) {
		l, port := listenFree(ts)
		ts.Defer(func() { l.Close() })
		ts.Setenv(args[0], port)
	},
	// wait-up URL waits until it answers 200.
	"wait-up": func(ts *testscript.TestScript, _ bool, args []string) {
		poll(ts, args[0]+" does not answer", func() bool {
			resp, err := http.Get(args[0])
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	},
	// until PATTERN PROGRAM… runs a program until what it prints matches.
	"until": func(ts *testscript.TestScript, _ bool, args []string) {
		pattern := regexp.MustCompile("(?m)" + args[0])
		poll(ts, "nothing printed matches "+args[0], func() bool {
			ts.Check(ts.Exec(args[1], args[2:]...))
			return pattern.MatchString(ts.ReadFile("stdout"))
		})
	},
	// let NAME PATTERN sets a variable to the first match, or its group, in what was printed.
	"let": func(ts *testscript.TestScript, _ bool, args []string) {
		found := regexp.MustCompile("(?m)" + args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
		if found == nil {
			ts.Fatalf("%s is not in what was printed", args[1])
		}
		ts.Setenv(args[0], found[len(found)-1])
	},
	// expand FILE puts the values of variables into a file.
	"expand": func(ts *testscript.TestScript, _ bool, args []string) {
		name := ts.MkAbs(args[0])
		ts.Check(os.WriteFile(name, []byte(os.Expand(ts.ReadFile(args[0]), ts.Getenv)), 0o600))
	},
	// http STATUS METHOD URL [TOKEN [FORM]] makes a request and prints Location and body.
	"http": func(ts *testscript.TestScript, _ bool, args []string) {
		args = append(args, "", "")
		req, err := http.NewRequest(args[1], args[2], strings.NewReader(args[4]))
		ts.Check(err)
		if args[3] != "" {
			req.Header.Set("Authorization", "Bearer "+args[3])
		}
		if args[4] != "" {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := http.DefaultClient.Do(req)
		ts.Check(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		ts.Check(err)
		if strconv.Itoa(resp.StatusCode) != args[0] {
			ts.Fatalf("%s %s: got %s, want %s\n%s", args[1], args[2], resp.Status, args[0], body)
		}
		ts.Setenv("LOCATION", resp.Header.Get("Location"))
		ts.Check(os.WriteFile(ts.MkAbs("body"), body, 0o600))
	},
	// terminate asks everything in the background to end, as service managers do.
	"terminate": func(ts *testscript.TestScript, _ bool, _ []string) {
		for _, cmd := range ts.BackgroundCmds() {
			ts.Check(cmd.Process.Signal(syscall.SIGTERM))
		}
	},
	// mode MODE FILE… compares types and permissions with those that ls shows.
	"mode": func(ts *testscript.TestScript, _ bool, args []string) {
		for _, name := range args[1:] {
			info, err := os.Lstat(ts.MkAbs(name))
			ts.Check(err)
			if got := info.Mode().String(); got != args[0] {
				ts.Fatalf("%s: got mode %s, want %s", name, got, args[0])
			}
		}
	},
	// deep NAME sets a variable to a directory whose path is too long for a socket.
	"deep": func(ts *testscript.TestScript, _ bool, args []string) {
		ts.Setenv(args[0], ts.MkAbs(filepath.Join(strings.Repeat("deep/", 30), "data")))
	},
}

var lastPort atomic.Uint32

// listenFree listens on a port that was free. It is below those that systems give to
// connections, so that it stays free when it is closed.
func listenFree(ts *testscript.TestScript) (net.Listener, string) {
	for range 1000 {
		port := strconv.Itoa(10_000 + (os.Getpid()*17+int(lastPort.Add(1)))%20_000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			return l, port
		}
	}
	ts.Fatalf("no port is free")
	return nil, ""
}

// poll asks again and again until something has happened.
func poll(ts *testscript.TestScript, complaint string, happened func() bool) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !happened(); <-tick.C {
		if time.Now().After(deadline) {
			ts.Fatalf("%s after half a minute", complaint)
		}
	}
}
