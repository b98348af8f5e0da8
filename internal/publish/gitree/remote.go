package gitree

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
)

// remote is an address to push to, checked and without secrets.
type remote struct {
	url    string // "" where there is none
	scheme string // as GIT_ALLOW_PROTOCOL calls it
	origin string // scheme and host of http and https
	user   string // out of the address
	secret string // out of the address
	track  string // refs/remotes/NAME/ where the tree has a name for it
}

var (
	scpLike    = regexp.MustCompile(`^([A-Za-z0-9_][\w.+-]*@)?[A-Za-z0-9][\w.-]*:[^:].*$`)
	remoteName = regexp.MustCompile(`^[A-Za-z0-9_][\w.-]*$`)
)

// parseRemote refuses whatever git could take for an option or for a program to run
// (ext::…), and protocols that show what they carry.
func parseRemote(s string) (remote, error) {
	bad := func(why string) (remote, error) {
		return remote{}, fmt.Errorf("git remote %s: %s", userinfo.ReplaceAllString(s, "://"), why)
	}
	switch {
	case s == "":
		return remote{}, nil
	case strings.HasPrefix(s, "-") || strings.IndexFunc(s, unicode.IsControl) >= 0:
		return bad("this is no address")
	case path.IsAbs(s):
		return remote{url: s, scheme: "file"}, nil
	case !strings.Contains(s, "://") && scpLike.MatchString(s):
		return remote{url: s, scheme: "ssh"}, nil
	}
	u, err := url.Parse(s)
	if err != nil || !strings.Contains(s, "://") {
		return bad("use https://…, ssh://…, user@host:path or file:///…")
	}
	to := remote{scheme: u.Scheme}
	if u.User != nil {
		to.user = u.User.Username()
		to.secret, _ = u.User.Password()
	}
	if why := to.wrong(u); why != "" {
		return bad(why)
	}
	switch u.Scheme {
	case "http", "https":
		u.User = nil
		to.origin = u.Scheme + "://" + u.Host
	case "file":
		to.url = "file://" + u.Path // git does not decode it
		return to, nil
	}
	to.url = u.String()
	return to, nil
}

// wrong says why an address cannot be pushed to, "" when it can.
func (to remote) wrong(u *url.URL) string {
	switch u.Scheme {
	case "http", "https":
		if u.Scheme == "http" && !loopback(u.Hostname()) {
			return "http is for this machine only: anybody on the way could read the token, use https"
		}
		if u.Host == "" {
			return "it names no host"
		}
	case "ssh":
		if u.Host == "" || strings.HasPrefix(u.Host, "-") || strings.HasPrefix(to.user, "-") || to.secret != "" {
			return "use ssh://user@host/path, with a key"
		}
	case "file":
		if u.Host != "" || !path.IsAbs(u.Path) {
			return "use file:///path"
		}
	default:
		return "the protocol is not one of https, ssh, file"
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// findRemote turns Remote into an address: a remote of the tree by its name, or itself.
func (r *Repo) findRemote(ctx context.Context) (err error) {
	name := or(r.Remote, "origin")
	if !remoteName.MatchString(name) || r.Clone {
		r.remote, err = parseRemote(r.Remote)
		if err == nil && r.Clone && r.remote.url == "" {
			err = errors.New("git: a clone needs a remote")
		}
		return err
	}
	address, err := r.git(ctx, "remote", "get-url", "--push", "--", name)
	if err != nil {
		if r.Remote == "" {
			return nil // a tree without a remote has a history all the same
		}
		return fmt.Errorf("git: the repository has no remote %q: %w", name, err)
	}
	if r.remote, err = parseRemote(address); err != nil {
		return err
	}
	r.remote.track = "refs/remotes/" + name + "/"
	return nil
}

// secret is what http remotes ask for.
type secret struct{ user, password string }

// secret gives nil where there is none.
func (r *Repo) secret() (*secret, error) {
	if r.remote.origin == "" {
		return nil, nil
	}
	s := &secret{user: or(or(r.User, r.remote.user), "git"), password: r.remote.secret}
	if r.Token != nil {
		token, err := r.Token()
		if err != nil {
			return nil, err
		}
		s.password = strings.TrimSpace(token)
	}
	if s.password == "" {
		return nil, nil
	}
	if strings.IndexFunc(s.user+s.password, unicode.IsControl) >= 0 {
		return nil, errors.New("the token has control characters in it")
	}
	return s, nil
}

// pipe gives the secret's words to whoever reads it first, and to nobody else: it is
// in no file, no argument and no environment.
func (s *secret) pipe() (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("username=%s\npassword=%s\n", s.user, s.password)
	if len(text) > 4096 { // more could block
		err = errors.New("the token is too long")
	} else {
		_, err = write.WriteString(text)
	}
	if err = errors.Join(err, write.Close()); err != nil {
		return nil, errors.Join(err, read.Close())
	}
	return read, nil
}

// helper is what git runs to learn the secret. It is the same for everybody.
const helper = `!f() { test "$1" = get && cat <&3; }; f`

// config is what git must know for this remote. The helper is asked for its origin
// alone, so that a redirect does not carry the secret elsewhere.
func (to remote) config(s *secret) [][2]string {
	if s == nil {
		return nil
	}
	return [][2]string{{"credential." + to.origin + ".helper", helper}}
}

// ssh is the ssh command. A host is trusted when it is seen first, and held to its key
// from then on.
func (r *Repo) ssh() string {
	known := `UserKnownHostsFile="` + filepath.Join(r.home(), "known_hosts") + `" ~/.ssh/known_hosts`
	words := []string{
		"ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=accept-new", "-o", quote(known), "-o", "ControlPath=none",
		"-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15",
	}
	if r.SSHKey != "" {
		words = append(words, "-o", "IdentitiesOnly=yes", "-i", quote(r.SSHKey))
	}
	return strings.Join(words, " ")
}

// quote makes one word of s for a shell, which git uses to split the ssh command.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
