package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"tertulia/internal/exchange"
	"tertulia/internal/fetch"
	"tertulia/internal/site"
	"tertulia/webmention"
)

// webmentionIO is where accounts are that nobody names another place for.
const webmentionIO = "https://webmention.io/"

// fetchExport is how long fetching a file that another system exports may take.
const fetchExport = 10 * time.Minute

// maxExport is how large such a file may be.
const maxExport = 1 << 30

func (g *given) addMove(s string) error {
	m, err := exchange.ParseMove(s)
	g.moves = append(g.moves, m)
	return err
}

// importFrom reads what another system has kept, with this user's rights, and hands it over to
// where the data is: to the running service or here.
func importFrom(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	home, err := set.home(f.site)
	if err != nil {
		return io.fail(err, "")
	}
	in, err := f.openImport(ctx, set, home)
	if err != nil {
		return io.fail(err, importHint(err))
	}
	defer in.close()
	r, w, err := os.Pipe()
	if err != nil {
		return io.fail(err, "")
	}
	last := uint64(0)
	sent := make(chan error, 1)
	bar := newProgress(io, in.source.Total, f.json)
	go func() {
		defer w.Close()
		defer bar.end()
		sent <- exchange.Send(w, lastOf(exchange.Moved(in.source.All, f.moves), &last), bar.at)
	}()
	io.in = bufio.NewReader(r)
	args := f.importArgs(in.source.Kind)
	code, ok := callService(ctx, set.Data, args, io)
	if !ok {
		code = runHere(ctx, set, args, io)
	}
	r.Close() // whoever still writes is told that nobody reads
	if err := <-sent; err != nil && code == 0 {
		hint := "what came before is taken in; the same again goes on from there"
		if last > 0 && in.live {
			hint = fmt.Sprintf("what came before is taken in; --since-id %d goes on from there", last)
		}
		return io.fail(err, hint)
	}
	return code
}

// importArgs are the words with which the command is handed on.
func (g given) importArgs(kind string) []string {
	args := []string{"import"}
	if g.dryRun {
		args = append(args, "--dry-run")
	}
	if g.json {
		args = append(args, "--json")
	}
	if g.site != "" {
		args = append(args, "--site", g.site)
	}
	return append(args, "--", kind)
}

// lastOf remembers the wm-id of what has gone through last.
func lastOf(all func(func(site.Foreign, error) bool), last *uint64) func(func(site.Foreign, error) bool) {
	return func(yield func(site.Foreign, error) bool) {
		for f, err := range all {
			if !yield(f, err) {
				return
			}
			*last = max(*last, f.Number)
		}
	}
}

// importNow takes in what is handed over.
func importNow(ctx context.Context, c call) error {
	if len(c.words) != 1 || c.io.in == nil {
		return errors.New("say what is to be imported")
	}
	im := &site.Importer{Mentions: c.site.Mentions, Pages: c.site.Pages, From: c.words[0], Dry: c.flags.dryRun}
	report, err := exchange.Load(ctx, im, c.io.in)
	if c.flags.json {
		return errors.Join(err, c.json(report))
	}
	return errors.Join(err, c.printReport(report))
}

func (c call) printReport(r exchange.Report) error {
	type row struct{ fresh, known, skipped, page, why string }
	var rows []row
	n := func(i int) string {
		if i == 0 {
			return ""
		}
		return strconv.Itoa(i)
	}
	for _, p := range r.Pages {
		if p.New+p.Known > 0 {
			rows = append(rows, row{n(p.New), n(p.Known), "", p.Page, ""})
		}
		for _, why := range sortedKeys(p.Skipped) {
			rows = append(rows, row{"", "", n(p.Skipped[why]), p.Page, why})
		}
	}
	rows = append(rows, row{strconv.Itoa(r.New), strconv.Itoa(r.Known), strconv.Itoa(r.Skipped), "all", ""})
	return printAll(c, rows, []string{"NEW", "KNOWN", "SKIPPED", "PAGE", "WHY"}, func(r row) []string {
		return []string{r.fresh, r.known, r.skipped, r.page, r.why}
	})
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// incoming is what is to be imported.
type incoming struct {
	source *exchange.Source
	live   bool
	file   *os.File
	spool  bool // the file is ours
}

func (in incoming) close() {
	if in.file != nil {
		in.file.Close()
		if in.spool {
			_ = os.Remove(in.file.Name()) // it lies in the temporary directory
		}
	}
}

// openImport opens what the words name.
func (g given) openImport(ctx context.Context, set *settings, home *url.URL) (in incoming, err error) {
	kind, name := "", ""
	for _, word := range g.words {
		if kind == "" && name == "" && slices.Contains(exchange.Kinds(), word) {
			kind = word
			continue
		}
		if name != "" {
			return in, fmt.Errorf("%q is no system that is known: %s", name, strings.Join(exchange.Kinds(), ", "))
		}
		name = word
	}
	token, err := g.secret()
	if err != nil {
		return in, err
	}
	if token != "" && (kind == "" || kind == "webmention.io") {
		base, client, err := ownerAt(set, cmp.Or(name, webmentionIO), 0)
		if err != nil {
			return in, err
		}
		in.source, in.live = exchange.Live{Client: client, Base: base, Token: token, Since: g.sinceID, Home: home}.Open(ctx), true
		return in, nil
	}
	if name == "" {
		return in, errors.New("say which file, or - for the standard input; an account at webmention.io needs --token")
	}
	if in.file, in.spool, err = openFile(ctx, set, name); err != nil {
		return in, err
	}
	if in.source, err = exchange.Open(kind, in.file, home); err != nil {
		in.close()
	}
	return in, err
}

func (g given) secret() (string, error) {
	if g.tokenFile == "" {
		return g.token, nil
	}
	text, err := os.ReadFile(g.tokenFile)
	return strings.TrimSpace(string(text)), err
}

// ownerAt is a client for one address that the owner names, and nothing else.
func ownerAt(set *settings, address string, timeout time.Duration) (string, *http.Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && !isLoopback(u.Hostname()) {
		return "", nil, fmt.Errorf("%q is no address of another system", address)
	}
	options := fetch.Options{MaxBody: maxExport, Timeout: timeout, UserAgent: webmention.DefaultUserAgent}
	return address, fetch.Owner([]string{fetch.HostPort(u)}, options), nil
}

// openFile opens a file that can be read more than once: what is none, such as the standard
// input and an address, is copied first.
func openFile(ctx context.Context, set *settings, name string) (file *os.File, spool bool, err error) {
	var from io.Reader = os.Stdin
	if strings.Contains(name, "://") {
		address, client, err := ownerAt(set, name, fetchExport)
		if err != nil {
			return nil, false, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return nil, false, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, false, err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return nil, false, fmt.Errorf("%s answers %s", address, resp.Status)
		}
		from = resp.Body
	} else if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, false, err
		}
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
			return file, false, nil
		}
		defer file.Close()
		from = file
	}
	if file, err = os.CreateTemp("", "tertulia-import-*"); err != nil {
		return nil, false, err
	}
	if _, err = io.Copy(file, from); err != nil {
		incoming{file: file, spool: true}.close()
		return nil, false, err
	}
	return file, true, nil
}

// importHint is what to try after an import could not begin.
func importHint(err error) string {
	var syntax *json.SyntaxError
	switch {
	case errors.Is(err, exchange.ErrSQLite):
		return `write it out first: sqlite3 -json comments.db "SELECT c.*, t.uri FROM comments c JOIN threads t ON t.id = c.tid" > isso.json`
	case errors.Is(err, exchange.ErrKind):
		return "name the system: tertulia import " + strings.Join(exchange.Kinds(), "|") + " FILE"
	case errors.Is(err, os.ErrNotExist):
		return "tertulia help import says how it is used"
	case errors.As(err, &syntax):
		return "is it whole, and of the system that was named?"
	}
	return ""
}

// home is the address of the site that a command names.
func (s *settings) home(address string) (*url.URL, error) {
	var known []string
	for _, one := range s.Sites {
		if address == "" && len(s.Sites) == 1 || strings.TrimSuffix(one.URL, "/") == strings.TrimSuffix(address, "/") || s.siteKey(one) == address {
			return url.Parse(one.URL)
		}
		known = append(known, one.URL)
	}
	return nil, fmt.Errorf("which site? name it with --site, one of: %s", strings.Join(known, ", "))
}
