package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"tertulia/internal/attach"
	"tertulia/internal/fetch"
)

// write writes the settings, where there are none yet, and prints the lines to paste.
func (p *plan) write(t told, io stdio) int {
	name := t.file()
	text := p.settings(t.globals)
	now, err := os.ReadFile(name)
	switch {
	case err == nil && string(now) == text:
		fmt.Fprintln(io.out, p.l.T("init.same", name))
	case err == nil:
		fmt.Fprintln(io.out, p.l.T("init.differs", name))
		fmt.Fprint(io.out, difference(string(now), text))
		return io.fail(fmt.Errorf("%s: %w", name, fs.ErrExist), p.l.T("init.keep"))
	case !errors.Is(err, fs.ErrNotExist):
		return io.fail(err, "")
	default:
		if err := newFile(name, text); err != nil {
			return io.fail(fmt.Errorf("write the settings: %w", err), "")
		}
		fmt.Fprintln(io.out, p.l.T("init.wrote", name))
	}
	if err := p.print(t, io); err != nil {
		return io.fail(err, "")
	}
	return 0
}

// newFile makes a new file, whole or not at all.
func newFile(name, text string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		_ = os.Remove(name) // it is ours, and nobody wants half of it
	}
	return err
}

// settings are what is not as it would be without a file.
func (p *plan) settings(g globals) string {
	var b strings.Builder
	set := func(key, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s = %s\n", key, quoted(value))
		}
	}
	fmt.Fprintf(&b, "# %s\n", p.l.T("init.file"))
	set("listen", p.listen(g))
	within := !p.serves() && sameServer(p.at, p.site.String())
	if !p.serves() {
		set("url", p.at)
	}
	set("data", g.Data)
	if !strings.HasPrefix(p.at, "http://") {
		fmt.Fprintf(&b, "proxies = [\"127.0.0.1\", \"::1\"]\n")
	}
	fmt.Fprintf(&b, "\n[[site]]\n")
	set("url", p.site.String())
	if within {
		set("base", p.at)
	}
	if alias := p.alias(); alias != "" {
		fmt.Fprintf(&b, "aliases = [%s]\n", quoted(alias))
	}
	if p.l.Tag() != "en" {
		set("language", p.l.Tag())
	}
	set("name", p.home.Title)
	p.author(&b)
	if p.serves() && p.dir != "" {
		set("root", filepath.Join(p.dir, attach.Output(p.preset)))
	}
	p.publish(&b)
	p.indieauth(&b)
	return b.String()
}

// listen is where the service listens, "" for where it does without being told.
func (p *plan) listen(g globals) string {
	at, err := url.Parse(p.at)
	if g.Listen != "" || err != nil || !isLoopback(at.Hostname()) || at.Port() == "" || at.Port() == "8080" {
		return g.Listen
	}
	return "127.0.0.1:" + at.Port()
}

// alias is the other address at which the home page was found: with or without www.
func (p *plan) alias() string {
	if p.failed != nil || p.home.URL.Path != p.site.Path || p.home.URL.Host == p.site.Host ||
		strings.TrimPrefix(p.home.URL.Host, "www.") != strings.TrimPrefix(p.site.Host, "www.") {
		return ""
	}
	alias, err := homeAddress(p.home.URL.String())
	if err != nil {
		return ""
	}
	return alias
}

func (p *plan) author(b *strings.Builder) {
	var parts []string
	for _, kv := range [][2]string{{"name", p.home.Author.Name}, {"photo", p.home.Author.Photo}, {"note", p.home.Author.Note}} {
		if kv[1] != "" {
			parts = append(parts, kv[0]+" = "+quoted(kv[1]))
		}
	}
	if parts != nil {
		fmt.Fprintf(b, "author = { %s }\n", strings.Join(parts, ", "))
	}
}

// publish writes the section of that name, if it would not be empty.
func (p *plan) publish(b *strings.Builder) {
	if p.preset == "html" && (p.serves() || p.dir == "") {
		return // that is what there is without it
	}
	if p.preset == "none" && !p.serves() {
		return
	}
	fmt.Fprintf(b, "\n[site.publish]\n")
	if p.preset != "none" && p.preset != "html" && p.dir == "" {
		fmt.Fprintf(b, "# %s\npreset = \"none\"\n", p.l.T("init.nodir", p.preset))
		return
	}
	fmt.Fprintf(b, "preset = %s\n", quoted(p.preset))
	if p.dir != "" {
		fmt.Fprintf(b, "dir = %s\n", quoted(p.dir))
	}
	switch {
	case p.built():
		var words []string
		for _, word := range attach.Build(p.preset) {
			words = append(words, quoted(word))
		}
		fmt.Fprintf(b, "build = [%s]\n", strings.Join(words, ", "))
	case p.pushes():
		fmt.Fprintf(b, "git = { commit = true }\n")
	case attach.Build(p.preset) != nil:
		fmt.Fprintf(b, "# %s\n", p.l.T("init.nobuild"))
	}
}

// quoted is a text as TOML has it: in JSON's quotes, which TOML knows too.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return `""` // a string can always be encoded
	}
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\x7f", `\u007f`)
}

// difference shows what one text has and the other has not, line by line.
func difference(now, then string) string {
	a, b := strings.Split(strings.TrimSuffix(now, "\n"), "\n"), strings.Split(strings.TrimSuffix(then, "\n"), "\n")
	const most = 2000
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	// common[i][j] is how many lines a[i:] and b[j:] have in common, in order.
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	var out strings.Builder
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			fmt.Fprintf(&out, "- %s\n", a[i])
			i++
		default:
			fmt.Fprintf(&out, "+ %s\n", b[j])
			j++
		}
	}
	return out.String()
}

// print prints what the owner pastes elsewhere.
func (p *plan) print(t told, io stdio) error {
	lines, err := p.lines(t)
	if err != nil {
		return err
	}
	all, err := toPaste(lines, p.l)
	if err != nil {
		return err
	}
	for _, one := range all {
		one.show(io.out)
	}
	show := func(title, text string) {
		if text = strings.TrimSpace(text); text != "" {
			pasted{title, text}.show(io.out)
		}
	}
	files, err := lines.Partials(p.preset)
	if err != nil {
		return err
	}
	for _, f := range files {
		show(p.l.T("init.theme", f.Name), f.Text)
	}
	if one := (publishSettings{Preset: p.preset}); one.generates() {
		preset, err := one.preset(p.site.String())
		if err != nil {
			return err
		}
		show(p.l.T("init.setup"), preset.Setup())
	}
	next := "init.next"
	if !p.publishes() {
		next = "init.dynamic"
	}
	fmt.Fprintf(io.out, "\n%s\n", p.l.T(next, t.file(), p.site.String()))
	return nil
}

// lines is what the lines to paste are made of.
func (p *plan) lines(t told) (attach.Lines, error) {
	config, err := filepath.Abs(t.file())
	if err != nil {
		return attach.Lines{}, err
	}
	program, err := os.Executable()
	if err != nil {
		program = "/usr/local/bin/tertulia"
	}
	one := siteSettings{URL: p.site.String()}
	l := attach.Lines{
		Site: one.URL, Base: p.base(), Auth: p.auth(), Listen: cmp.Or(first(p.listen(t.globals)), "127.0.0.1:8080"),
		Serves: p.serves(), Publish: p.publishes(), Author: cmp.Or(p.home.Author.Name, p.home.Title, p.site.Host),
		Program: program, Config: config, Dir: filepath.Dir(config), User: username(),
		Words: map[string]string{},
	}
	for word, key := range map[string]string{"reply": "post.reply", "like": "post.like", "repost": "post.repost",
		"bookmark": "post.bookmark", "rsvp": "post.kind.rsvp", "conversation": "post.conversation"} {
		l.Words[word] = p.l.T(key)
	}
	if p.serves() && p.dir != "" {
		l.Root = filepath.Join(p.dir, attach.Output(p.preset))
	}
	for _, dir := range []string{p.dir, t.globals.Data} {
		if abs, err := filepath.Abs(dir); dir != "" && err == nil && abs != l.Dir {
			l.Writable = append(l.Writable, abs)
		}
	}
	return l, nil
}

// first is the first of a list of addresses.
func first(words string) string {
	for _, word := range list(words) {
		return word
	}
	return ""
}

// sameServer tells whether two addresses are on one host and port.
func sameServer(a, b string) bool {
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && fetch.HostPort(u) == fetch.HostPort(v)
}

// username is who runs this, for the service to be run by.
func username() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "tertulia"
}
