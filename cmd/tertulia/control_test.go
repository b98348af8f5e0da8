package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"tertulia/internal/leaktest"
	"tertulia/store"
)

// newControlled is a service that answers commands and nothing else.
func newControlled(t *testing.T) (set *settings, logged *bytes.Buffer) {
	t.Helper()
	dir, err := os.MkdirTemp("", "control") // short enough for a socket, as t.TempDir may not be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	leaktest.Dir(t, dir)
	set, err = loadSettings(globals{Config: os.DevNull, Data: dir}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	logged = &bytes.Buffer{}
	log := slog.New(slog.NewTextHandler(io.MultiWriter(logged, leaktest.Log()), nil))
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		t.Fatal(err)
	}
	control, err := listenControl(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		svc.answerCommands(ctx, control)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		db.Close()
	})
	return set, logged
}

// ask hands a command to the service of a data directory.
func ask(t *testing.T, dir string, args ...string) (code int, out, complaint string) {
	t.Helper()
	var o, e bytes.Buffer
	code, ok := callService(t.Context(), dir, args, stdio{out: &o, err: &e})
	if !ok {
		t.Errorf("%q: nobody answers", args)
	}
	return code, o.String(), e.String()
}

func TestFiftyCommandsAtOnce(t *testing.T) {
	set, _ := newControlled(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	made := map[string]bool{}
	for range 50 {
		wg.Go(func() {
			code, out, complaint := ask(t, set.Data, "token", "new")
			if code != 0 || complaint != "" {
				t.Errorf("token new: got %d and %q", code, complaint)
			}
			mu.Lock()
			defer mu.Unlock()
			made[out] = true
		})
	}
	wg.Wait()
	_, out, _ := ask(t, set.Data, "token", "list")
	if rows := strings.Count(out, "\n") - 1; len(made) != 50 || rows != 50 {
		t.Errorf("got %d tokens of which %d are listed, want 50", len(made), rows)
	}
}

// What another program, or another version of this one, says to the socket is answered
// in the command's own way and never takes the service down.
func TestSocketSurvivesStrangeWords(t *testing.T) {
	set, logged := newControlled(t)
	for _, args := range [][]string{{}, {"fly"}, {"serve"}, {"version"}, {"token", "new", "--nope"}, {"post", "show"}} {
		if code, out, complaint := ask(t, set.Data, args...); code != 2 || out != "" || !strings.HasPrefix(complaint, "tertulia: ") {
			t.Errorf("%q: got status %d, %q and %q, want 2 and a complaint", args, code, out, complaint)
		}
	}
	for _, raw := range []string{"", "GET / HTTP/1.1\r\n\r\n", `{"args":1}`, `["token"`, "[" + strings.Repeat(`"x",`, 300_000)} {
		conn, err := net.Dial("unix", filepath.Join(set.Data, socketName))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, raw) // it may be cut off before its end
		conn.Close()
	}
	if code, out, _ := ask(t, set.Data, "link"); code != 0 || !strings.HasPrefix(out, "http://localhost:8080/-/link/") {
		t.Errorf("link: got %d and %q", code, out)
	}
	if logged.Len() > 0 {
		t.Errorf("the log says: %s", logged)
	}
}

// A command whose code panics is one failed command.
func TestCommandPanicIsItsOwn(t *testing.T) {
	var logged, complaint bytes.Buffer
	svc := &service{log: slog.New(slog.NewTextHandler(&logged, nil))} // without an app: link must panic
	code := svc.protected(t.Context(), []string{"link"}, stdio{out: io.Discard, err: &complaint})
	if code != 1 || !strings.Contains(complaint.String(), "look at its log") || !strings.Contains(logged.String(), "a command panicked") {
		t.Errorf("got status %d, %q, log %q", code, &complaint, &logged)
	}
}

// A stranger's words reach the terminal as text: no escape sequence, no line of its own.
func TestLineIsOneHarmlessLine(t *testing.T) {
	got := line("\x1b]0;owned\x07Bea\n\x1b[31mred\u202egpj")
	if strings.ContainsAny(got, "\x1b\x07\n\u202e") || !strings.Contains(got, "Bea") {
		t.Errorf("got %q", got)
	}
}
