// Package exchange brings conversations in from other systems, and out again.
//
//	source, err := exchange.Open("", file, home)             // which system's it is, it finds out
//	report, err := exchange.Load(ctx, importer, lines, nil)  // lines are what Send has written
//	err = exchange.Export(ctx, "csv", view, w)
//
// Reading and taking in are two steps, because they may happen in two processes: a command reads
// the file, with its user's rights and its own memory, and the service that holds the data takes
// in the responses one line after the other. Files are streamed: what is in memory does not
// grow with what they hold, but for a few bytes to each response. All they hold is a stranger's,
// and is made harmless when it is taken in ([site.Importer]).
package exchange

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"strings"

	"tertulia/internal/site"
)

// Source is what another system has kept.
type Source struct {
	Kind  string // one of Kinds
	Total int    // how many responses come; 0 when that is not known before
	All   iter.Seq2[site.Foreign, error]
}

// Kinds are the systems that Open knows, by the name that a user gives.
func Kinds() []string {
	return []string{"webmention.io", "jf2", "disqus", "wordpress", "isso", "remark42"}
}

// readers open a file that is known to be of a kind.
var readers = map[string]func(file *os.File, home *url.URL) (*Source, error){
	"webmention.io": openJF2,
	"jf2":           openJF2,
	"disqus":        openDisqus,
	"wordpress":     openWordPress,
	"isso":          openIsso,
	"remark42":      openRemark42,
}

// ErrKind is returned when a file is of no kind that is known.
var ErrKind = errors.New("nobody knows what system that is of")

// Open reads a file that another system has written; "" finds out which. home is the site
// that the responses are for. The file must be one that can be read again from its start.
func Open(kind string, file *os.File, home *url.URL) (*Source, error) {
	if kind == "" {
		var err error
		if kind, err = guess(file); err != nil {
			return nil, err
		}
	}
	open, ok := readers[kind]
	if !ok {
		return nil, fmt.Errorf("%q: %w", kind, ErrKind)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	source, err := open(file, home)
	if err != nil {
		return nil, fmt.Errorf("read it as %s: %w", kind, err)
	}
	source.Kind = kind
	return source, nil
}

// ErrSQLite is returned for a database of Isso's: it has to be written out first (decision 016).
var ErrSQLite = errors.New("it is a database; what it holds has to be written out first")

// signs are what files of JSON have near their beginning, the more telling first.
var signs = []struct{ kind, has string }{
	{"remark42", `"version":1`},
	{"isso", `"mode"`},
	{"isso", `"tid"`},
	{"webmention.io", `"wm-id"`},
	{"jf2", `"children"`},
}

// guess looks at the beginning of a file.
func guess(file *os.File) (kind string, err error) {
	head := make([]byte, 16<<10)
	n, err := file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	head = head[:n]
	switch {
	case bytes.HasPrefix(head, []byte("SQLite format 3")):
		return "", ErrSQLite
	case bytes.HasPrefix(head, gzipMagic):
		return "remark42", nil
	}
	switch root := rootOf(head); {
	case root == "disqus":
		return "disqus", nil
	case root == "rss" && bytes.Contains(head, []byte("wordpress.org/export")):
		return "wordpress", nil
	case root != "":
		return "", ErrKind
	}
	squeezed := strings.NewReplacer(" ", "", "\t", "").Replace(string(head))
	for _, s := range signs {
		if strings.Contains(squeezed, s.has) {
			return s.kind, nil
		}
	}
	return "", ErrKind
}

var gzipMagic = []byte{0x1f, 0x8b}

// maxPart is how many bytes one response, or anything else that is read in one go, may have.
const maxPart = 4 << 20

// errPart is what a file gives that has something longer.
var errPart = fmt.Errorf("something in it is longer than %d MiB", maxPart>>20)

// metered is a reader that refuses to go on when nobody has said for maxPart bytes that
// something whole has been read: decoders keep what they are at in memory.
type metered struct {
	r    io.Reader
	left int
}

func meter(r io.Reader) *metered { return &metered{r, maxPart} }

// whole says that something whole has been read.
func (m *metered) whole() { m.left = maxPart }

// Read implements [io.Reader].
func (m *metered) Read(b []byte) (int, error) {
	if m.left <= 0 {
		return 0, errPart
	}
	n, err := m.r.Read(b[:min(len(b), m.left)])
	m.left -= n
	return n, err
}

// withoutBOM passes over the mark that some programs begin a file of UTF-8 with.
func withoutBOM(r io.Reader) io.Reader {
	text, _ := passBOM(r)
	return text
}

// passBOM does the same, and says how many bytes that were.
func passBOM(r io.Reader) (text io.Reader, passed int64) {
	b := bufio.NewReader(r)
	if head, err := b.Peek(3); err == nil && string(head) == "\ufeff" {
		_, _ = b.Discard(3) // they are there
		passed = 3
	}
	return b, passed
}

// maxThreads is how many pages a file may name before its comments.
const maxThreads = 1_000_000

var (
	errThreads = fmt.Errorf("it names more than %d pages", maxThreads)
	errEnough  = errors.New("nobody wants more")
)

// finish hands over the error that a reader has ended with.
func finish(err error, yield func(site.Foreign, error) bool) {
	if err != nil && !errors.Is(err, errEnough) {
		yield(site.Foreign{}, err)
	}
}
