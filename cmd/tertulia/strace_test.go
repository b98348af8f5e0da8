package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"tertulia/store"
)

// Between a request and its 2xx lies the way to the disk: what the request brought is
// written to the database and synced, head and all; an upload before that is written,
// synced, renamed, and its directory synced (HOSTILE F2, R2; DESIGN section 2, rule 2).
func TestSyncedBeforeAnswered(t *testing.T) {
	t.Parallel()
	report(t, traced(t, tertulia(t), nil))
}

// needTracing skips where no program may watch another, and says so.
func needTracing(t *testing.T) string {
	t.Helper()
	strace := needProgram(t, "strace")
	out, err := exec.Command(strace, "-f", "-o", os.DevNull, "true").CombinedOutput()
	if err == nil {
		return strace
	}
	if text := strings.ToLower(string(out)); strings.Contains(text, "ptrace") || strings.Contains(text, "not permitted") {
		t.Skipf("SKIPPED: nobody may trace here: %s", out)
	}
	t.Fatalf("strace: %v\n%s", err, out)
	return ""
}

// promise is one answer and what must be on disk before it.
type promise struct {
	what    string
	request string // how what is read begins
	answer  string // and how what is written
	marker  string // what the database must have been given in between
	file    string // of an upload, "" else
}

// traced has the program promise one thing of each kind while strace looks on, and
// returns what was promised too early.
func traced(t *testing.T, program string, env []string) (wrong []string) {
	t.Helper()
	strace := needTracing(t)
	trace := filepath.Join(t.TempDir(), "trace")
	w := newWorld(t, 1, env, strace, "-f", "-qq", "-y", "-s", "65536", "--seccomp-bpf", "-o", trace,
		"-e", "trace=read,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2", program)
	var promises []promise
	keep := func(ok bool, p promise) {
		t.Helper()
		if !ok {
			t.Fatalf("%s is not acknowledged: %v\n%s", p.what, w.wrong, w.said())
		}
		promises = append(promises, p)
		w.must("token", "new") // when this is committed, so is the rest: a mutant must not get in its own way
	}
	micropub := promise{request: "POST /-/micropub ", answer: "HTTP/1.1 20"}
	keep(true, promise{"create anchor", micropub.request, micropub.answer, w.posts[0].marker + " says", ""})
	for i, name := range []string{"form", "json", "draft"} {
		p := w.newPost("traced"+name, i > 0, i == 2)
		keep(w.create(p), promise{"create " + name, micropub.request, micropub.answer, p.marker + " says", ""})
		for _, to := range []sentState{{content: p.marker + " says more"}, {content: p.marker + " says more", deleted: true}, {content: p.marker + " says more"}} {
			keep(w.change(p, to), promise{fmt.Sprintf("change %s to %v", name, to), micropub.request, micropub.answer, p.marker + " says more", ""})
		}
		u := w.newUpload(100_000)
		keep(w.upload(u), promise{"upload", "POST /-/media ", "HTTP/1.1 201", path.Base(u.at), path.Base(u.at)})
	}
	for i := range 4 {
		m := w.newMention("good", fmt.Sprint("traced", i))
		keep(w.mention(m), promise{"mention", "POST /-/webmention ", "HTTP/1.1 201", fmt.Sprint("/good/traced", i), ""})
		w.drain()
		if i%2 == 0 {
			keep(w.decide(m, m.id(), store.Approved, true), promise{"decision by form", "POST /-/admin/decide ", "HTTP/1.1 303", m.id(), ""})
		} else {
			keep(w.decide(m, m.id(), store.Rejected, false), promise{"decision by command", `["mention","reject"`, `{"exit":0}`, m.id(), ""})
		}
	}
	w.stop()
	raw, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	calls, err := readTrace(string(raw))
	if err != nil {
		t.Fatal(err)
	}
	from := 0
	for _, p := range promises {
		answered, err := p.kept(calls, from)
		if answered < 0 {
			t.Fatalf("%s: %v in the trace", p.what, err)
		}
		if err != nil {
			wrong = append(wrong, fmt.Sprintf("%s: %v", p.what, err))
		}
		from = answered + 1
	}
	return wrong
}

var errNotFound = errors.New("not found")

// kept looks from a call on for the request, its answer, and everything that must lie
// between them, and returns the number of the answer, -1 when there is none.
func (p promise) kept(calls []syscalled, from int) (answered int, err error) {
	find := func(from, before int, what string, is func(syscalled) bool) (int, error) {
		for i := from; i < len(calls); i++ {
			c := calls[i]
			if c.done > before {
				continue // it may not have been over by then
			}
			if c.ok && is(c) {
				return i, nil
			}
		}
		return -1, fmt.Errorf("%s: %w", what, errNotFound)
	}
	const end = int(^uint(0) >> 1)
	asked, err := find(from, end, "the request", func(c syscalled) bool {
		// net/http may have read the first byte on its own, when it watched the connection.
		return c.name == "read" && (strings.HasPrefix(c.text, p.request) || strings.HasPrefix(c.text, p.request[1:]))
	})
	if err != nil {
		return -1, err
	}
	answered, err = find(asked, end, "the answer", func(c syscalled) bool {
		return c.name == "write" && c.file == calls[asked].file && strings.HasPrefix(c.text, p.answer)
	})
	if err != nil {
		return -1, err
	}
	// A step has begun after the one before it was over, and is over before the answer begins.
	at, before := asked, calls[answered].begun
	step := func(what string, is func(syscalled) bool) {
		if err != nil {
			return
		}
		over := calls[at].done
		at, err = find(at+1, before, what, func(c syscalled) bool { return c.begun > over && is(c) })
		if err != nil {
			err = fmt.Errorf("before the answer %w", err)
		}
	}
	on := func(name, file string) func(syscalled) bool {
		return func(c syscalled) bool { return c.name == name && strings.HasSuffix(c.file, file) }
	}
	if p.file != "" {
		rename, failed := find(asked, before, "the rename", func(c syscalled) bool {
			return strings.HasPrefix(c.name, "rename") && strings.Contains(c.text, p.file)
		})
		if failed != nil {
			return answered, failed
		}
		tmp := calls[rename].renamed()
		step("the file is written", on("write", tmp))
		step("the file is synced", on("fsync", tmp))
		step("the file is renamed", func(c syscalled) bool { return c.number == calls[rename].number })
		step("the directory is synced", on("fsync", path.Dir(path.Dir(tmp))))
	}
	step("the record is written", func(c syscalled) bool {
		return on("pwrite64", "/tertulia.db")(c) && strings.Contains(c.text, p.marker)
	})
	step("the record is synced", on("fdatasync", "/tertulia.db"))
	step("the head of the database is written", on("pwrite64", "/tertulia.db"))
	step("the head of the database is synced", on("fdatasync", "/tertulia.db"))
	return answered, err
}
