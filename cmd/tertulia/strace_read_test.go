package main

import (
	"bufio"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// syscalled is one call in a trace. It begins and is over at a line each; when they
// are the same the tracer saw nothing in between.
type syscalled struct {
	number      int // in the order of their beginnings
	begun, done int // numbers of lines
	name        string
	file        string // of the descriptor, as strace -y names it
	text        string // the bytes that were read or written, or all arguments
	ok          bool
}

var (
	traceLine   = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(\w+)(?: resumed>|\()(.*)$`)
	traceFile   = regexp.MustCompile(`^(?:AT_FDCWD|\d+)<([^>]*)>`)
	traceString = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
	traceResult = regexp.MustCompile(`\) += (-?\d+)`)
)

// readTrace reads what strace -f -y -o writes. Calls of one thread that another's cut
// in two are put together. They come in the order of their beginnings.
func readTrace(raw string) ([]syscalled, error) {
	var calls []syscalled
	open := map[string]int{} // thread → its call that is not over
	args := map[int]string{}
	lines := bufio.NewScanner(strings.NewReader(raw))
	lines.Buffer(nil, 1<<26)
	for n := 1; lines.Scan(); n++ {
		m := traceLine.FindStringSubmatch(lines.Text())
		if m == nil {
			continue // a signal, or the end of a thread
		}
		thread, name, rest := m[1], m[2], m[3]
		i, halfway := open[thread]
		if !halfway {
			i = len(calls)
			calls = append(calls, syscalled{number: i, begun: n, name: name})
		} else if calls[i].name != name {
			return nil, fmt.Errorf("line %d: thread %s ends %s in the middle of %s", n, thread, name, calls[i].name)
		}
		if rest, cut := strings.CutSuffix(rest, "<unfinished ...>"); cut {
			open[thread] = i
			args[i] = rest
			calls[i].done = int(^uint(0) >> 1)
			continue
		}
		delete(open, thread)
		calls[i].finish(n, args[i]+rest)
	}
	return calls, lines.Err()
}

func (c *syscalled) finish(line int, args string) {
	c.done = line
	if m := traceFile.FindStringSubmatch(args); m != nil {
		c.file = m[1]
	}
	c.text = args
	if c.name == "read" || c.name == "write" || c.name == "pwrite64" {
		c.text = ""
		if m := traceString.FindStringSubmatch(args); m != nil {
			c.text = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(m[1])
		}
	}
	if m := traceResult.FindAllStringSubmatch(args, -1); m != nil {
		result, err := strconv.Atoi(m[len(m)-1][1])
		c.ok = err == nil && result >= 0
	}
}

// renamed is the old name in a rename, without its beginning.
func (c syscalled) renamed() string {
	if m := traceString.FindStringSubmatch(c.text); m != nil {
		return m[1]
	}
	return ""
}

// The calls of threads that run at the same time are told apart, and which was over
// before which began.
func TestReadTrace(t *testing.T) {
	calls, err := readTrace(strings.Join([]string{
		`11 read(7<socket:[99]>,  <unfinished ...>`,
		`12 fdatasync(5</data/tertulia.db> <unfinished ...>`,
		`11 <... read resumed>"POST /x \"a\"\r\n", 4096) = 12`,
		`12 <... fdatasync resumed>)         = 0`,
		`12 --- SIGURG {si_signo=SIGURG} ---`,
		`12 write(7<socket:[99]>, "HTTP/1.1 201", 12) = 12`,
		`11 read(7<socket:[99]>, 0xc000, 4096) = -1 EAGAIN (Resource temporarily unavailable)`,
		`11 renameat(AT_FDCWD</>, "/m/tmp/1", AT_FDCWD</>, "/m/k.png") = 0`,
		`11 fsync(5</m> <unfinished ...>) = ?`,
		`11 +++ exited with 0 +++`,
	}, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []syscalled{
		{0, 1, 3, "read", "socket:[99]", `POST /x "a"\r\n`, true},
		{1, 2, 4, "fdatasync", "/data/tertulia.db", `5</data/tertulia.db> )         = 0`, true},
		{2, 6, 6, "write", "socket:[99]", "HTTP/1.1 201", true},
		{3, 7, 7, "read", "socket:[99]", "", false},
		{4, 8, 8, "renameat", "/", `AT_FDCWD</>, "/m/tmp/1", AT_FDCWD</>, "/m/k.png") = 0`, true},
		{5, 9, 9, "fsync", "/m", `5</m> <unfinished ...>) = ?`, false},
	}
	if diff := cmp.Diff(want, calls, cmp.AllowUnexported(syscalled{})); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := calls[4].renamed(); got != "/m/tmp/1" {
		t.Errorf("renamed: got %q", got)
	}
}
