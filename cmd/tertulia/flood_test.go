package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var flood = flag.Int("flood", 10, "percent of the full flood that TestFlood sends")

// host is a server of the flood, at an address of its own.
type host struct {
	address string
	asked   atomic.Int64
	busy    atomic.Int64
	most    atomic.Int64 // requests at once
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.asked.Add(1)
	if n := h.busy.Add(1); n > h.most.Load() {
		h.most.Store(n)
	}
	defer h.busy.Add(-1)
	w.Header().Set("Content-Type", "text/html")
	if target := r.URL.Query().Get("really"); target != "" {
		fmt.Fprintf(w, `<div class="h-entry"><a class="u-in-reply-to" href=%q>re</a><p class="e-content">hello</p></div>`, target)
		return
	}
	io.WriteString(w, "<p>This page links to nobody.")
}

// startHosts serves n hosts on addresses of 127.0.0.0/8 of their own.
func startHosts(t *testing.T, n int) []*host {
	t.Helper()
	var hosts []*host
	for i := range n {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.%d.%d:0", 2+i/250, 1+i%250))
		if err != nil {
			t.Fatal(err)
		}
		h := &host{address: l.Addr().String()}
		server := &http.Server{Handler: h}
		go server.Serve(l)
		t.Cleanup(func() { server.Close() })
		hosts = append(hosts, h)
	}
	return hosts
}

// startProgram builds and runs the real program, and stops it with the test.
func startProgram(t *testing.T, config string, env ...string) (*exec.Cmd, string) {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "tertulia")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	settings := filepath.Join(dir, "tertulia.toml")
	if err := os.WriteFile(settings, []byte(config+"\ndata = "+strconv.Quote(filepath.Join(dir, "data"))+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.Command(program, "serve", "--config", settings, "--listen", address)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = io.Discard
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the program said nothing and ended")
	}
	go io.Copy(io.Discard, out)
	_, port, _ := net.SplitHostPort(address)
	return cmd, "http://localhost:" + port + "/"
}

// memory reads a figure of the process in KiB: VmHWM is the most it ever had.
func memory(t *testing.T, pid int, name string) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skipf("SKIPPED: the memory of a process cannot be read here: %v", err)
	}
	for line := range bytes.Lines(status) {
		if rest, ok := bytes.CutPrefix(line, []byte(name+":")); ok {
			n, _ := strconv.Atoi(strings.Fields(string(rest))[0])
			return n
		}
	}
	return 0
}

// TestFlood: 10,000 mentions from one host and 100,000 from 1,000, by a thousand senders
// behind a proxy (HOSTILE 108, 109). They are put off with 429 or 503 and a time, memory
// stays flat, an honest mention in the middle of it is verified within a minute, and no
// host is asked for more than ten pages a minute that do not link, one at a time.
func TestFlood(t *testing.T) {
	cmd, home := startProgram(t, "proxies = [\"127.0.0.1\"]", "GOMEMLIMIT=150MiB")
	many := 1000 * *flood / 100
	hosts := startHosts(t, many+2)
	victim, honest := hosts[many], hosts[many+1]
	began := time.Now()
	var accepted, putOff, wrong atomic.Int64
	send := func(client *http.Client, n int, source string) {
		form := url.Values{"source": {source}, "target": {home}}
		req, err := http.NewRequest("POST", home+"-/webmention", strings.NewReader(form.Encode()))
		if err != nil {
			t.Error(err)
			return
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.%d.%d", n/250%4+1, n%250))
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		resp.Body.Close()
		switch {
		case resp.StatusCode == 201:
			accepted.Add(1)
		case (resp.StatusCode == 429 || resp.StatusCode == 503) && resp.Header.Get("Retry-After") != "":
			putOff.Add(1)
		default:
			wrong.Add(1)
		}
	}
	var wg sync.WaitGroup
	for worker := range 16 {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1}, Timeout: time.Minute}
		wg.Go(func() {
			for n := worker; n < many*100; n += 16 {
				send(client, n, fmt.Sprintf("http://%s/?n=%d", hosts[n%many].address, n))
				if n%10 == 0 {
					send(client, n, fmt.Sprintf("http://%s/?n=%d", victim.address, n))
				}
			}
		})
	}
	verified := honestMention(t, home, honest.address)
	wg.Wait()
	took := time.Since(began)
	peak := memory(t, cmd.Process.Pid, "VmHWM")
	t.Logf("%d accepted, %d put off in %v; peak memory %d MiB; the honest mention was verified after %v; the victim was asked %d times",
		accepted.Load(), putOff.Load(), took.Round(time.Millisecond), peak>>10, verified.Round(time.Millisecond), victim.asked.Load())
	if wrong.Load() > 0 {
		t.Errorf("%d answers were neither 201 nor 429 or 503 with Retry-After", wrong.Load())
	}
	if peak > 200<<10 {
		t.Errorf("peak memory: got %d KiB, want less than 200 MiB", peak)
	}
	if verified > time.Minute {
		t.Errorf("the honest mention was verified after %v, want a minute at the most", verified)
	}
	allowed := int64(10 + 10*time.Since(began).Minutes() + 1)
	for _, h := range hosts[:many+1] {
		if h.asked.Load() > allowed || h.most.Load() > 1 {
			t.Errorf("%s was asked %d times, %d at once; want %d and 1 at the most", h.address, h.asked.Load(), h.most.Load(), allowed)
			break
		}
	}
}

// honestMention sends one mention that is true and waits until it is verified.
func honestMention(t *testing.T, home, address string) time.Duration {
	t.Helper()
	source := fmt.Sprintf("http://%s/?really=%s", address, url.QueryEscape(home))
	began := time.Now()
	status := ""
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for time.Since(began) < 2*time.Minute {
		<-tick.C
		if status == "" {
			req, err := http.NewRequest("POST", home+"-/webmention", strings.NewReader(url.Values{"source": {source}, "target": {home}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("X-Forwarded-For", "198.51.100.7")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == 201 {
				status = resp.Header.Get("Location")
			}
			continue
		}
		req, err := http.NewRequest("GET", status, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var now struct{ Summary, Status string }
		err = json.NewDecoder(resp.Body).Decode(&now)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if asked := strings.Contains(now.Summary, "checked") && !strings.Contains(now.Summary, "Soon"); asked || now.Status == "success" {
			return time.Since(began)
		}
	}
	t.Error("the honest mention was never verified")
	return time.Since(began)
}
