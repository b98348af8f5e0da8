package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// git says whether what is written could be pushed: with a push that is not made, from an
// empty repository of its own, so that neither the owner's tree nor the remote changes.
func (k *checker) git(ctx context.Context) {
	g := k.one.Publish.Git
	if !k.one.Publish.generates() || !g.commits() {
		return
	}
	try := &pushing{git: g, dir: k.set.sourceDir(k.one)}
	if g.TokenFile != "" {
		var ok bool
		if try.token, ok = k.secretFile(g.TokenFile); !ok {
			return
		}
	}
	if g.KeyFile != "" {
		if _, ok := k.secretFile(g.KeyFile); !ok {
			return
		}
	}
	tmp, err := os.MkdirTemp("", "tertulia-check-")
	if err != nil {
		k.fail("git", "git.failed", plainErr(err))
		return
	}
	defer os.RemoveAll(tmp)
	try.tmp = tmp
	if _, err := exec.LookPath("git"); err != nil {
		k.fail("git", "git.missing")
		return
	}
	remote, err := try.remote(ctx)
	switch {
	case err != nil:
		k.fail("git", "git.failed", err.Error())
		return
	case remote == "":
		k.ok("git", "git.none")
		return
	}
	shown := userinfo.ReplaceAllString(remote, "://")
	if err := try.push(ctx, remote); err != nil {
		k.fail("git", "git.refused", shown, err.Error())
		return
	}
	if heads, err := try.run(ctx, "ls-remote", "--heads", "--", remote, "refs/heads/"+g.Branch); g.Branch != "" && err == nil && heads == "" {
		k.warn("git", "git.branch", shown, g.Branch)
		return
	}
	k.ok("git", "git.ok", shown)
}

// userinfo is what must not be shown of an address.
var userinfo = regexp.MustCompile(`://[^/@\s]*@`)

// pushing tries out a remote.
type pushing struct {
	git     gitSettings
	dir     string // the tree
	tmp     string // where it may write
	address string // of the remote, once it is known
	token   string
}

// remoteName is one that stands for an address in the owner's tree.
var remoteName = regexp.MustCompile(`^[A-Za-z0-9_][\w.-]*$`)

// remote is the address that would be pushed to, "" when there is none.
func (p *pushing) remote(ctx context.Context) (string, error) {
	name := cmp.Or(p.git.Remote, "origin")
	if p.git.Clone || !remoteName.MatchString(name) {
		if strings.HasPrefix(name, "-") {
			return "", fmt.Errorf("%q is no address", name)
		}
		p.address = name
		return name, nil
	}
	if _, err := p.run(ctx, "-C", p.dir, "rev-parse", "--show-toplevel"); err != nil {
		return "", err
	}
	address, err := p.run(ctx, "-C", p.dir, "remote", "get-url", "--push", "--", name)
	if err != nil && p.git.Remote == "" {
		return "", nil
	}
	p.address = address
	return address, err
}

// push asks the remote whether it would take a branch, and sends none.
func (p *pushing) push(ctx context.Context, remote string) error {
	if _, err := p.run(ctx, "init", "--quiet", "--bare", "--template=", p.tmp); err != nil {
		return err
	}
	tree, err := p.run(ctx, "-C", p.tmp, "hash-object", "-t", "tree", "-w", os.DevNull)
	if err != nil {
		return err
	}
	commit, err := p.run(ctx, "-C", p.tmp, "commit-tree", "-m", "tertulia check", tree)
	if err != nil {
		return err
	}
	_, err = p.run(ctx, "-C", p.tmp, "push", "--dry-run", "--quiet", "--", remote, commit+":refs/heads/tertulia-check")
	return err
}

// pushTime bounds one run of git.
const pushTime = time.Minute

// run runs git and gives what it prints; the error is the last line of what it says. It
// knows nothing of its user's settings and credentials, as the service's git does not.
func (p *pushing) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, pushTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", args...)
	var out, said bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = p.tmp, p.environ(), &out, &said
	cmd.WaitDelay = 2 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if p.token != "" {
		read, err := p.pipe()
		if err != nil {
			return "", err
		}
		defer read.Close()
		cmd.ExtraFiles = []*os.File{read} // descriptor 3, which the helper reads
	}
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("git: no answer after %s", pushTime)
	}
	if err != nil {
		lines := strings.Split(strings.TrimSpace(userinfo.ReplaceAllString(said.String(), "://")), "\n")
		return "", errors.New(cmp.Or(lines[len(lines)-1], err.Error()))
	}
	return strings.TrimSpace(out.String()), nil
}

// pipe gives the token to whoever reads it first: it is in no argument and no environment.
func (p *pushing) pipe() (*os.File, error) {
	user := p.git.User
	if u, err := url.Parse(p.address); user == "" && err == nil && u.User != nil {
		user = u.User.Username()
	}
	text := fmt.Sprintf("username=%s\npassword=%s\n", cmp.Or(user, "git"), p.token)
	if strings.Count(text, "\n") != 2 || len(text) > 4096 {
		return nil, errors.New("the token is not one line")
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	_, err = write.WriteString(text)
	return read, errors.Join(err, write.Close())
}

// environ is what git may know.
func (p *pushing) environ() []string {
	known := `UserKnownHostsFile="` + filepath.Join(p.tmp, "known_hosts") + `" ~/.ssh/known_hosts`
	ssh := "ssh -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ControlPath=none -o ConnectTimeout=15 -o '" + known + "'"
	if p.git.KeyFile != "" {
		ssh += " -o IdentitiesOnly=yes -i '" + strings.ReplaceAll(p.git.KeyFile, "'", `'\''`) + "'"
	}
	config := [][2]string{{"credential.helper", ""}, {"safe.directory", "*"}, {"core.hooksPath", os.DevNull}}
	if u, err := url.Parse(p.address); err == nil && p.token != "" && (u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname())) {
		// For this server alone: a redirect does not carry the token elsewhere.
		config = append(config, [2]string{"credential." + u.Scheme + "://" + u.Host + ".helper", `!f() { test "$1" = get && cat <&3; }; f`})
	}
	env := []string{
		"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "HOME=" + p.tmp, "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=" + os.DevNull,
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=", "GIT_OPTIONAL_LOCKS=0", "GIT_ALLOW_PROTOCOL=file:https:http:ssh",
		"GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND=" + ssh,
		"GIT_AUTHOR_NAME=Tertulia", "GIT_AUTHOR_EMAIL=tertulia@localhost", "GIT_COMMITTER_NAME=Tertulia", "GIT_COMMITTER_EMAIL=tertulia@localhost",
	}
	for i, pair := range config {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, pair[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, pair[1]))
	}
	return append(env, "GIT_CONFIG_COUNT="+strconv.Itoa(len(config)))
}
