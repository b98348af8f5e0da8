package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"tertulia/internal/attach"
	"tertulia/internal/publish"
	"tertulia/internal/publish/gitree"
	"tertulia/internal/site"
	"tertulia/store"
)

// sourceDir is where the source of a site lies: its own clone, or the owner's directory.
func (s *settings) sourceDir(one siteSettings) string {
	if one.Publish.Git.Clone {
		return filepath.Join(s.Data, "source", store.DirName(s.siteKey(one)))
	}
	return one.Publish.Dir
}

// outputDir is where the finished pages of a site with a generator lie on this machine, ""
// where they do not.
func (s *settings) outputDir(one siteSettings) string {
	usual := attach.Output(one.Publish.Preset)
	switch {
	case one.Publish.Output != "" || usual == "":
		return one.Publish.Output
	case one.Publish.Dir == "" && !one.Publish.Git.Clone:
		return ""
	}
	return filepath.Join(s.sourceDir(one), inClone(one.Publish), usual)
}

// preset is how posts lie in the source of a site.
func (p publishSettings) preset(home string) (*publish.Preset, error) {
	return publish.NewPreset(p.Preset, home, publish.Overrides{
		Path: forAll(p.Path), Permalink: forAll(p.Permalink), Media: p.Media, Format: p.Format, Keys: p.Keys, Defaults: p.Defaults,
	})
}

// generates says whether a program of the owner's makes the pages of posts.
func (p publishSettings) generates() bool { return p.Preset != "html" && p.Preset != "none" }

// forAll writes the name that stands for all kinds as a preset does.
func forAll(patterns map[string]string) map[string]string {
	all := map[string]string{}
	for kind, p := range patterns {
		if kind == "all" {
			kind = ""
		}
		all[kind] = p
	}
	return all
}

// publishing completes and checks how a site is published.
func (l *loader) publishing(site *siteSettings, where string) {
	p, preset := &site.Publish, "none"
	if l.set.serves(*site) || p.Dir != "" {
		preset = "html"
	}
	l.choice("site.publish.preset"+where, &p.Preset, append([]string{preset, "html", "none"}, publish.Presets()...)...)
	if p.Batch < 0 {
		l.wrong("site.publish.batch"+where, "it is negative", `write it like "24h"`)
	}
	if !slices.Contains(publish.Presets(), p.Preset) {
		return
	}
	l.building(p, where)
	if _, err := p.preset(site.URL); err != nil {
		for line := range strings.Lines(err.Error()) {
			field, what, _ := strings.Cut(strings.TrimSpace(line), ": ")
			l.wrong("site.publish."+field+where, what, "")
		}
	}
	l.sourcePlace(p, where)
}

// building checks what follows writing.
func (l *loader) building(p *publishSettings, where string) {
	if p.HookFile != "" {
		text, err := os.ReadFile(p.HookFile)
		if err != nil {
			l.wrong("site.publish.hook_file"+where, bare(err).Error(), "it names a file that holds the address")
		}
		p.Hook = strings.TrimSpace(string(text))
	}
	if u, err := url.Parse(p.Hook); p.Hook != "" && (err != nil || u.Scheme != "https" && !isLoopback(u.Hostname()) || u.Host == "") {
		l.wrong("site.publish.hook"+where, "it is no address that can be called", `write it like "https://api.example.com/build/5f1c"`)
	}
	if len(p.Build) > 0 && p.Hook != "" {
		l.wrong("site.publish.hook"+where, "the site is built by build already", "keep one of them")
	}
}

// sourcePlace checks where the source of a site is.
func (l *loader) sourcePlace(p *publishSettings, where string) {
	info, err := os.Stat(p.Dir)
	switch {
	case p.Git.Clone && p.Git.Remote == "":
		l.wrong("site.publish.git.remote"+where, "it is missing", "a clone needs the address of what it is a clone of")
	case p.Git.Clone && p.Dir != "" && !filepath.IsLocal(p.Dir):
		l.wrong("site.publish.dir"+where, fmt.Sprintf("%q is no directory in the clone", p.Dir), "")
	case p.Git.Clone:
	case p.Dir == "":
		l.wrong("site.publish.dir"+where, "it is missing", "the directory with the source of your site")
	case err != nil || !info.IsDir():
		l.wrong("site.publish.dir"+where, fmt.Sprintf("%q is no directory", p.Dir), "the directory with the source of your site")
	}
}

// commits says whether what is written is committed to git.
func (g gitSettings) commits() bool {
	if g.Commit != nil {
		return *g.Commit
	}
	return g.Remote != "" || g.Clone
}

// attachSource gives a site the source that its posts go into.
func attachSource(set *settings, one siteSettings, s *site.Site, own *http.Client, log *slog.Logger) error {
	preset, err := one.Publish.preset(s.Me())
	if err != nil {
		return fmt.Errorf("site %s: %w", s.Me(), err)
	}
	dir := set.sourceDir(one)
	source := &publish.Source{
		Preset: preset, Tree: &publish.Dir{Path: dir}, Output: set.outputDir(one),
		Gone: set.fronts(one), Tombstone: s.Speaks(one.Language).T("post.gone"),
	}
	work := publish.Command{Dir: dir}
	if one.Publish.Git.commits() {
		repo := &gitSource{repo: newRepo(one, dir, log)}
		source.Tree, s.Remote = repo, repo
		if one.Publish.Git.Clone {
			work.Dir = filepath.Join(dir, inClone(one.Publish))
		}
	}
	if len(one.Publish.Build) > 0 {
		build := work
		build.Args = one.Publish.Build
		source.Build = &build
	}
	if one.Publish.Hook != "" {
		source.Build = &publish.Hook{Client: own, URL: one.Publish.Hook}
	}
	s.Addresses = publish.SiteAddresses(own, s.Me())
	if _, err := exec.LookPath("hugo"); one.Publish.Preset == "hugo" && err == nil {
		s.Addresses = publish.HugoAddresses(work)
	}
	s.Publish, s.Source, s.Batch, s.Data = source, source, one.Publish.Batch.Duration(), one.dataDir()
	return nil
}

// newRepo is the history that the settings of a site name.
func newRepo(one siteSettings, dir string, log *slog.Logger) *gitree.Repo {
	g := one.Publish.Git
	repo := &gitree.Repo{
		Dir: dir, Clone: g.Clone, Remote: g.Remote, Branch: g.Branch, User: g.User, SSHKey: g.KeyFile,
		Name: cmp.Or(one.Author.Name, one.Name), Email: one.Author.Email, Log: log,
	}
	if home, err := url.Parse(one.URL); err == nil {
		repo.Name = cmp.Or(repo.Name, home.Host)
		repo.Email = cmp.Or(repo.Email, "tertulia@"+home.Hostname())
	}
	if g.TokenFile != "" {
		repo.Token = func() (string, error) {
			text, err := os.ReadFile(g.TokenFile)
			return strings.TrimSpace(string(text)), err
		}
	}
	return repo
}
