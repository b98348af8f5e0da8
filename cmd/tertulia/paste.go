package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"

	"tertulia/internal/attach"
	"tertulia/internal/lang"
)

// pasted are lines that the owner pastes elsewhere.
type pasted struct {
	Title string `json:"title"` // where they go
	Text  string `json:"text"`
}

// pasting are the names of the lines that there may be, with the keys of their titles.
func pasting() map[string]string {
	return map[string]string{
		"head.html": "init.head", "nginx.conf": "init.nginx", "Caddyfile": "init.caddy", "_headers": "init.headers",
		"_redirects": "init.redirects", "tertulia.service": "init.unit",
	}
}

// toPaste is what joins a site and the service. Where the service answers for the site its
// own headers say what the head of a page would; where it goes by http nothing stands in
// front of it.
func toPaste(l attach.Lines, t lang.Lang) (all []pasted, err error) {
	titles := pasting()
	for _, name := range attach.Names() {
		if name == "head.html" && l.Serves || name != "head.html" && strings.HasPrefix(l.Base, "http://") {
			continue
		}
		text, err := l.Text(name)
		if err != nil {
			return nil, err
		}
		if text = strings.TrimSpace(text); text != "" {
			all = append(all, pasted{t.T(titles[name]), text})
		}
	}
	return all, nil
}

// show prints lines with what they are.
func (p pasted) show(out io.Writer) { fmt.Fprintf(out, "\n== %s\n\n%s\n", p.Title, p.Text) }

// joined is what the lines are made of by which a site and this service come together.
func (s *settings) joined(one siteSettings) attach.Lines {
	l := attach.Lines{
		Site: one.URL, Base: s.base(one), Listen: dialled(s.Listen), Publish: one.Publish.Preset != "none",
		Serves: s.fronts(one), Upstream: strings.TrimSuffix(one.Upstream, "/"),
	}
	if root := cmp.Or(one.Root, map[bool]string{true: s.outputDir(one)}[one.Publish.generates()]); root != "" && s.serves(one) {
		if abs, err := filepath.Abs(root); err == nil {
			l.Root = abs
		}
	}
	l.Auth = one.IndieAuth.named()
	return l
}

// dialled is where a web server on this machine finds a service that listens on some
// addresses.
func dialled(listen addresses) string {
	for _, address := range listen {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			continue
		}
		if host == "" || net.ParseIP(host).IsUnspecified() {
			host = "127.0.0.1"
		}
		return net.JoinHostPort(host, port)
	}
	return "127.0.0.1:8080"
}
