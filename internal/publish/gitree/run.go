package gitree

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

const (
	localTimeout  = 2 * time.Minute
	remoteTimeout = 10 * time.Minute
	patience      = 2 * time.Second // for git to remove its lock files when it is stopped
	maxAnswer     = 64 << 20        // bytes that a command may print: the names of a large tree
	maxTail       = 4 << 10         // bytes of what it complains that are kept
)

// command is one run of git.
type command struct {
	args   []string
	in     []byte
	env    []string
	remote bool // it talks to the remote: may use its protocol and the secret, and ends with ctx
}

// git runs a local command and gives what it prints, without the newline at the end.
func (r *Repo) git(ctx context.Context, args ...string) (string, error) {
	return r.run(ctx, command{args: args})
}

// run runs git with a scrubbed environment. A local command is not stopped half-way
// when ctx ends, since it takes moments and would leave its locks behind.
func (r *Repo) run(ctx context.Context, c command) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	var (
		limit        = localTimeout
		parent       = ctx
		secret       *secret
		err          error
		answer, tail capped
	)
	answer.max, tail.max, tail.last = maxAnswer, maxTail, true
	if c.remote {
		limit = remoteTimeout
		if r.Timeout > 0 {
			limit = r.Timeout
		}
		if secret, err = r.secret(); err != nil {
			return "", &CommandError{Command: c.args[0], Err: fmt.Errorf("%w: %w", ErrAuth, err)}
		}
	} else {
		ctx = context.WithoutCancel(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	cmd := exec.CommandContext(ctx, "git", c.args...)
	cmd.Dir, cmd.Env = r.top, append(r.environ(c, secret), c.env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(c.in), &answer, &tail
	r.at("git " + c.args[0])
	ended := endTogether(cmd, r.grace)
	if secret != nil {
		read, err := secret.pipe()
		if err != nil {
			return "", err
		}
		defer read.Close()
		cmd.ExtraFiles = []*os.File{read} // descriptor 3, which the helper reads
	}
	err = cmd.Run()
	ended()
	text := strings.TrimSuffix(answer.String(), "\n")
	if err == nil {
		return text, nil
	}
	failed := &CommandError{Command: c.args[0], Output: clean(tail.String(), secret), Err: err}
	switch {
	case c.remote && errors.Is(parent.Err(), context.Canceled):
		failed.Err = parent.Err()
	case c.remote && ctx.Err() != nil:
		failed.Err = fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
	case c.remote:
		failed.Err = reason(tail.String(), err)
	}
	return text, failed
}

// endTogether puts a command into a process group, which ends as one when its context
// does: git leaves the network to processes of its own. Call what it returns after Wait.
func endTogether(cmd *exec.Cmd, grace time.Duration) (ended func()) {
	group := func(sig syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, sig) }
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = grace + 10*time.Second // by then nobody is left to write, unless somebody left the group
	var kill *time.Timer
	cmd.Cancel = func() error {
		kill = time.AfterFunc(grace, func() { _ = group(syscall.SIGKILL) }) // an error says that none is left
		return group(syscall.SIGTERM)
	}
	return func() {
		if kill != nil && kill.Stop() {
			_ = group(syscall.SIGKILL) // as above
		}
	}
}

// environ is all that git knows of the world outside. What the owner has set up for
// themselves does not count: neither their settings nor their credentials.
func (r *Repo) environ(c command, s *secret) []string {
	config := [][2]string{
		// A commit survives a power cut.
		{"core.fsync", "all"},
		{"core.fsyncMethod", "fsync"},
		{"core.fsmonitor", "false"},
		{"core.quotePath", "false"},
		{"gc.auto", "0"},
		{"maintenance.auto", "false"},
		{"submodule.recurse", "false"},
		{"fetch.recurseSubmodules", "no"},
		{"push.recurseSubmodules", "no"},
		{"push.gpgSign", "false"},
		{"push.followTags", "false"},
		{"credential.helper", ""},
		{"safe.directory", "*"}, // the settings name it
		{"http.lowSpeedLimit", "1"},
		{"http.lowSpeedTime", "60"},
	}
	if r.Clone {
		config = append(config, [2]string{"core.hooksPath", os.DevNull})
	}
	path := os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	env := []string{
		"PATH=" + path, "LC_ALL=C", "HOME=" + r.home(),
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0", "GIT_LITERAL_PATHSPECS=1",
		"GIT_AUTHOR_NAME=" + or(r.Name, committer), "GIT_AUTHOR_EMAIL=" + or(r.Email, "tertulia@localhost"),
		"GIT_COMMITTER_NAME=" + committer, "GIT_COMMITTER_EMAIL=" + or(r.Email, "tertulia@localhost"),
	}
	if r.gitDir != "" {
		env = append(env, "GIT_DIR="+r.gitDir, "GIT_WORK_TREE="+r.top)
	}
	if c.remote {
		config = append(config, r.remote.config(s)...)
		env = append(env, "GIT_ALLOW_PROTOCOL="+r.remote.scheme, "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND="+r.ssh())
	} else {
		env = append(env, "GIT_ALLOW_PROTOCOL=none")
	}
	for i, pair := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, pair[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, pair[1]))
	}
	return append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(config)))
}

// committer tells our commits from the owner's: the author is the owner's name.
const committer = "Tertulia"

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// home is where git and ssh may keep what they want; before the repository is found, nowhere.
func (r *Repo) home() string { return or(r.own, os.DevNull) }

// exitedWith tells whether a command ended with this status.
func exitedWith(err error, status int) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit) && exit.ExitCode() == status
}

// capped keeps what is written to it: up to max bytes, or the last of them.
type capped struct {
	bytes.Buffer
	max  int
	last bool
}

func (c *capped) Write(p []byte) (int, error) {
	if !c.last && c.Len()+len(p) > c.max {
		return 0, errors.New("the command prints too much")
	}
	n, err := c.Buffer.Write(p)
	if over := c.Len() - c.max; over > 0 {
		c.Next(over)
	}
	return n, err
}

var userinfo = regexp.MustCompile(`://[^/\s@]+@`)

// clean makes what git said fit to be kept and shown: no secrets, no control characters.
func clean(text string, s *secret) string {
	text = userinfo.ReplaceAllString(strings.ToValidUTF8(text, "?"), "://")
	if s != nil {
		for _, form := range []string{
			base64.StdEncoding.EncodeToString([]byte(s.user + ":" + s.password)), url.QueryEscape(s.password), url.PathEscape(s.password), s.password,
		} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	text = strings.Map(func(c rune) rune {
		switch {
		case c == '\r':
			return '\n'
		case c != '\n' && unicode.IsControl(c):
			return -1
		}
		return c
	}, text)
	lines := strings.FieldsFunc(text, func(c rune) bool { return c == '\n' })
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// reasons tell from what git and ssh say in English what is the matter, first match first.
var reasons = []struct {
	says *regexp.Regexp
	err  error
}{
	{regexp.MustCompile(`(?i)authentication failed|could not read (username|password)|permission denied|host key verification failed|returned error: 40[134]|HTTP 40[134]|repository '.*' not found|invalid credentials`), ErrAuth},
	{regexp.MustCompile(`(?i)could not resolve|failed to connect|couldn't connect|connection (refused|reset|timed out|closed)|timed out|returned error: (408|429|5\d\d)|too slow|early EOF|hung up|unexpected disconnect|RPC failed|could not read from remote|empty reply|unable to access`), ErrUnreachable},
}

func reason(text string, err error) error {
	for _, r := range reasons {
		if r.says.MatchString(text) {
			return fmt.Errorf("%w (%w)", r.err, err)
		}
	}
	return err
}
