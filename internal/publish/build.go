package publish

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// Builder makes a site of its source.
type Builder interface {
	// Build returns when the site is built, or when it has been asked for where others
	// build it. It may be called again at any time.
	Build(ctx context.Context) error
}

// Command is a [Builder] that runs the generator. There is no shell: Args are what the
// program gets. It sees PATH, HOME, LANG and TZ of this service, and Env, but nothing
// else: no secret of ours is handed on.
type Command struct {
	Dir     string
	Args    []string      // the program, then its arguments
	Env     []string      // NAME=value, besides
	Timeout time.Duration // 0 means ten minutes
}

// BuildError is a build that failed, with the end of what it said, for the owner.
type BuildError struct {
	Err    error
	Output string
}

// Error has the last line of what the build said.
func (e *BuildError) Error() string {
	if last := lastLine(e.Output); last != "" {
		return e.Err.Error() + ": " + last
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *BuildError) Unwrap() error { return e.Err }

// maxTail is how much of a build's output is kept.
const maxTail = 8 << 10

// Build implements [Builder]. Its error is a *BuildError.
func (c *Command) Build(ctx context.Context) error {
	if len(c.Args) == 0 {
		return &BuildError{Err: errors.New("no command to run")}
	}
	var out tail
	if err := c.run(ctx, &out, &out); err != nil {
		return &BuildError{Err: err, Output: out.String()}
	}
	return nil
}

// run runs the command and, when the time is over, ends it with all that it has started.
func (c *Command) run(ctx context.Context, stdout, stderr io.Writer) error {
	timeout := cmp.Or(c.Timeout, 10*time.Minute)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = c.Dir, stdout, stderr
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR"} {
		if v, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+v)
		}
	}
	cmd.Env = append(cmd.Env, c.Env...)
	cmd.WaitDelay = 5 * time.Second
	group(cmd)
	err := cmd.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s: not done after %s", c.Args[0], timeout)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.Args[0], err)
	}
	return nil
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	n := len(p)
	if len(p) > maxTail {
		p = p[len(p)-maxTail:]
	}
	t.b = append(t.b, p...)
	if len(t.b) > maxTail {
		t.b = append(t.b[:0], t.b[len(t.b)-maxTail:]...)
	}
	return n, nil
}

func (t *tail) String() string { return strings.ToValidUTF8(string(t.b), "\uFFFD") }

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// Hook is a [Builder] that asks a service to build: a POST to the address that the
// service has given out, which is a secret.
type Hook struct {
	Client *http.Client
	URL    string
}

// Build implements [Builder]. No error tells the address.
func (h *Hook) Build(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader([]byte("{}")))
	if err != nil {
		return errors.New("build hook: its address is none")
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := h.Client.Do(req)
	if err != nil {
		var at *url.Error // which tells the address
		if errors.As(err, &at) {
			err = at.Err
		}
		return fmt.Errorf("build hook: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		said, err := io.ReadAll(io.LimitReader(resp.Body, maxTail))
		return &BuildError{Err: errors.Join(fmt.Errorf("build hook answers %s", resp.Status), err), Output: strings.ToValidUTF8(string(said), "\uFFFD")}
	}
	return nil
}
