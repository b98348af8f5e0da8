package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"html"
	"image"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// serveApart makes the program ready to start on a venue as a process of its own, so that
// what it costs is not mixed with what it costs to ask. Nobody's mentions wait.
func (r *rig) serveApart(b *testing.B, p venue) *mortal {
	b.Helper()
	dir := filepath.Dir(p.dir)
	m := &mortal{t: b, program: []string{must(b, r.program)}, dir: p.dir, home: p.home(), output: filepath.Join(dir, "output")}
	config := fmt.Sprintf(`
		listen = %q
		data = %q
		[[site]]
		url = %q
		name = "Bench"
		[site.conversation]
		approve = "none"
		[limits]
		per_sender = 1000000000
		per_host = 1000000000
		queue = 1000000000
		`, p.address, p.dir, p.home())
	if err := os.WriteFile(m.config(), []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(m.kill)
	return m
}

// cpu is the processor time of the program so far, all its threads in user and system
// together, in steps of 10 ms.
func (m *mortal) cpu() time.Duration {
	m.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.cmd.Process.Pid))
	if err != nil {
		m.t.Fatal(err)
	}
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:])) // from the third on: proc(5)
	user, err := strconv.Atoi(fields[14-3])
	if err != nil {
		m.t.Fatal(err)
	}
	system, err := strconv.Atoi(fields[15-3])
	if err != nil {
		m.t.Fatal(err)
	}
	return time.Duration(user+system) * time.Second / 100
}

// ownCPU is the same of this process.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // there is no other way to fail than by its arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// memory is a figure of the program in MiB. RssAnon is what it has for itself; VmRSS
// counts the pages of files as well, most of them of the database, that it has looked
// at and the system takes back when it likes.
func (m *mortal) memory(name string) float64 {
	m.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.cmd.Process.Pid))
	if err != nil {
		m.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\n"+name+":")
	kib, err := strconv.Atoi(strings.Fields(rest + " none")[0])
	if err != nil {
		m.t.Fatalf("%s: %v", name, err)
	}
	return float64(kib) / 1024
}

// settle waits until the program has done nothing for a while.
func (m *mortal) settle() {
	m.t.Helper()
	for before := time.Duration(-1); before != m.cpu(); {
		before = m.cpu()
		<-time.After(300 * time.Millisecond)
	}
}

// sources is a server of pages that reply to what their query names, found on many
// loopback addresses: as many hosts, each of a person with a picture. Every fourth page also
// answers the one before.
type sources struct {
	port   string
	hosts  int64
	made   atomic.Int64
	served atomic.Int64
}

func newSources(tb testing.TB, hosts, size int) *sources {
	tb.Helper()
	before, after, _ := bytes.Cut(replyPage("TARGET", size), []byte("TARGET"))
	s := &sources{hosts: int64(hosts)}
	s.listen(tb, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/photo.png" {
			w.Header().Set("Content-Type", "image/png")
			w.Write(face(r.Host))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write(before)
		io.WriteString(w, r.URL.Query().Get("to"))
		if re := r.URL.Query().Get("re"); re != "" {
			fmt.Fprintf(w, `">a post</a> and <a class="u-in-reply-to" href="%s`, html.EscapeString(re))
		}
		w.Write(after)
		s.served.Add(1)
	})
	return s
}

// face is the picture of somebody, another one for each host.
func face(host string) []byte {
	img := image.NewGray(image.Rect(0, 0, 96, 96))
	sum := sha256.Sum256([]byte(host))
	for i := range img.Pix {
		img.Pix[i] = sum[i%len(sum)] // which no encoder makes small
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}

// listen serves on all addresses of this machine.
func (s *sources) listen(tb testing.TB, h http.HandlerFunc) {
	tb.Helper()
	l, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	tb.Cleanup(func() { server.Close() })
	s.port = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// next is a source that was not there before, a reply to target.
func (s *sources) next(target string) string {
	n := s.made.Add(1)
	if n%4 == 0 {
		return s.page(n, target) + "&re=" + url.QueryEscape(s.page(n-1, target))
	}
	return s.page(n, target)
}

func (s *sources) page(n int64, target string) string {
	return fmt.Sprintf("http://127.10.%d.%d:%s/%d?to=%s", n%s.hosts/250, 1+n%s.hosts%250, s.port, n, url.QueryEscape(target))
}

// replyPage is a page with a reply to target in it, of about size bytes when it has
// 20,000 or fewer: a dozen paragraphs and what a theme puts around them.
func replyPage(target string, size int) []byte {
	var b bytes.Buffer
	b.WriteString(`<!doctype html><html><head><meta charset="utf-8"><title>A reply</title></head><body><nav><ul>`)
	for i := range size / 500 {
		fmt.Fprintf(&b, `<li><a href="/tag/%d">tag number %d</a></li>`, i, i)
	}
	fmt.Fprintf(&b, `</ul></nav><article class="h-entry"><p>In reply to <a class="u-in-reply-to" href=%q>a post</a></p>`, target)
	b.WriteString(`<div class="p-author h-card"><img class="u-photo" src="/photo.png" alt=""><a class="p-name u-url" href="/">Bea</a></div><time class="dt-published" datetime="2026-11-21T18:05:00+01:00">today</time><div class="e-content">`)
	for i := range size / 1600 {
		fmt.Fprintf(&b, `<p>Paragraph %d says <em>something</em> with a <a href="https://elsewhere.example/%d">link</a> and goes on for a while so that there is text.</p>`, i, i)
	}
	b.WriteString(`</div></article><aside><ul>`)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, `<li class="older"><a href="/2026/%d/">An older post that somebody may read as well</a> <time>2026-%02d-11</time></li>`, i, 1+i%12)
	}
	b.WriteString(`</ul></aside></body></html>`)
	return b.Bytes()
}
