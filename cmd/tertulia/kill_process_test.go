package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// mortal is the real program as a process of its own, which is killed and started
// again with the same data on the same port.
type mortal struct {
	t       testing.TB
	program []string // and what stands before it, such as strace
	env     []string // beside ours, of the next start
	dir     string
	home    string // the site's address
	output  string // the file of what it says on standard error, in all its lives

	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has ended
}

// newMortal makes a directory with settings that no load can reach.
func newMortal(t testing.TB, program ...string) *mortal {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	dir := dataDir(t)
	m := &mortal{t: t, program: program, dir: filepath.Join(dir, "data"), home: "http://" + address + "/", output: filepath.Join(dir, "output")}
	config := fmt.Sprintf(`
		listen = %q
		data = %q
		[[site]]
		url = %q
		name = "Mortal"
		[site.conversation]
		approve = "all"
		comments = true
		[limits]
		per_sender = 1000000
		per_host = 1000000
		queue = 1000000
		`, address, m.dir, m.home)
	if err := os.WriteFile(m.config(), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.kill)
	return m
}

func (m *mortal) config() string         { return filepath.Join(filepath.Dir(m.dir), "tertulia.toml") }
func (m *mortal) at(place string) string { return m.home + "-/" + place }

// launch starts the program and does not wait for it.
func (m *mortal) launch() {
	m.t.Helper()
	words := append(m.program[:len(m.program):len(m.program)], "serve", "--config", m.config())
	out, err := os.OpenFile(m.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	defer out.Close()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stderr = out
	cmd.Env = append(os.Environ(), m.env...)
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it is killed more often than not
		close(ended)
	}()
	m.cmd, m.ended = cmd, ended
}

// start starts the program and waits until it answers.
func (m *mortal) start() {
	m.t.Helper()
	if !m.rise() {
		m.t.Fatalf("the program does not start:\n%s", m.said())
	}
}

// rise is a start that may end in death.
func (m *mortal) rise() bool {
	m.t.Helper()
	m.launch()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); m.alive() && time.Now().Before(deadline); <-tick.C {
		if resp, err := http.Get(m.home + "healthz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
	}
	return false
}

func (m *mortal) alive() bool {
	select {
	case <-m.ended:
		return false
	default:
		return true
	}
}

// kill ends the program as a power cut does, at once and with no last word.
func (m *mortal) kill() {
	if m.cmd == nil {
		return
	}
	if m.alive() {
		_ = m.cmd.Process.Kill() // it may just have ended
	}
	<-m.ended
	http.DefaultClient.CloseIdleConnections()
}

// stop asks the program to end, even where another stands before it.
func (m *mortal) stop() {
	m.t.Helper()
	raw, err := os.ReadFile(filepath.Join(m.dir, "tertulia.pid"))
	if err != nil {
		m.t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(raw), &pid); err != nil {
		m.t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		m.t.Fatal(err)
	}
	select {
	case <-m.ended:
	case <-time.After(30 * time.Second):
		m.t.Fatal("the program does not end")
	}
}

func (m *mortal) said() string {
	out, err := os.ReadFile(m.output)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(out)
}

// command hands a command to the running program through its socket, as the program
// itself would. ok is that it was carried out: nobody says so before it is.
func (m *mortal) command(words ...string) (out, complaint string, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var result, wrong bytes.Buffer
	code, there := callService(ctx, m.dir, words, stdio{out: &result, err: &wrong})
	return result.String(), wrong.String(), there && code == 0
}

// must is a command that has to succeed.
func (m *mortal) must(words ...string) string {
	m.t.Helper()
	out, complaint, ok := m.command(words...)
	if !ok {
		m.t.Fatalf("tertulia %s: %s\n%s", strings.Join(words, " "), complaint, m.said())
	}
	return strings.TrimSpace(out)
}

// listOf is a command that prints JSON.
func listOf[T any](m *mortal, words ...string) []T {
	m.t.Helper()
	var all []T
	if err := json.Unmarshal([]byte(m.must(append(words, "--json")...)), &all); err != nil {
		m.t.Fatalf("tertulia %s: %v", strings.Join(words, " "), err)
	}
	return all
}
