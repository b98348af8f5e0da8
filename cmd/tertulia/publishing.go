package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/publish"
	"tertulia/internal/publish/gitree"
	"tertulia/internal/queue"
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

// outputs are the directories into which generators write pages, in the source.
var outputs = map[string]string{"hugo": "public", "jekyll": "_site", "eleventy": "_site", "astro": "dist", "zola": "public"}

// outputDir is where the finished pages of a site with a generator lie on this machine, ""
// where they do not.
func (s *settings) outputDir(one siteSettings) string {
	switch {
	case one.Publish.Output != "" || outputs[one.Publish.Preset] == "":
		return one.Publish.Output
	case one.Publish.Dir == "" && !one.Publish.Git.Clone:
		return ""
	case one.Publish.Git.Clone:
		return filepath.Join(s.sourceDir(one), filepath.FromSlash(one.Publish.Dir), outputs[one.Publish.Preset])
	}
	return filepath.Join(one.Publish.Dir, outputs[one.Publish.Preset])
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
	if !slices.Contains(publish.Presets(), p.Preset) {
		return
	}
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
	if _, err := p.preset(site.URL); err != nil {
		for line := range strings.Lines(err.Error()) {
			field, what, _ := strings.Cut(strings.TrimSpace(line), ": ")
			l.wrong("site.publish."+field+where, what, "")
		}
	}
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
		Gone: s.Root != "", Tombstone: lang.For(one.Language).T("post.gone"),
	}
	work := publish.Command{Dir: dir}
	if one.Publish.Git.commits() {
		repo := &gitSource{repo: newRepo(one, dir, s, log)}
		source.Tree, s.Remote = repo, repo
		if one.Publish.Git.Clone {
			work.Dir = filepath.Join(dir, filepath.FromSlash(one.Publish.Dir))
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
	s.Addresses = publish.SitemapAddresses(own, s.Me())
	if _, err := exec.LookPath("hugo"); one.Publish.Preset == "hugo" && err == nil {
		s.Addresses = publish.HugoAddresses(work)
	}
	s.Publish, s.Source = source, source
	return nil
}

func newRepo(one siteSettings, dir string, s *site.Site, log *slog.Logger) *gitree.Repo {
	g := one.Publish.Git
	repo := &gitree.Repo{
		Dir: dir, Clone: g.Clone, Remote: g.Remote, Branch: g.Branch, User: g.User, SSHKey: g.KeyFile,
		Name: cmp.Or(one.Author.Name, s.Name), Email: cmp.Or(one.Author.Email, "tertulia@"+s.URL.Hostname()), Log: log,
	}
	if g.TokenFile != "" {
		repo.Token = func() (string, error) {
			text, err := os.ReadFile(g.TokenFile)
			return strings.TrimSpace(string(text)), err
		}
	}
	return repo
}

// gitSource is a working tree of git as the jobs see it: opened when it is needed first, and
// what needs the owner is not tried again.
type gitSource struct {
	repo   *gitree.Repo
	mu     sync.Mutex
	opened bool
}

var (
	_ publish.Tree = (*gitSource)(nil)
	_ site.Remote  = (*gitSource)(nil)
)

func (h *gitSource) open(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.opened {
		return nil
	}
	err := h.repo.Open(ctx)
	h.opened = err == nil
	return forOwner(err)
}

// there tells whether the tree can be read without asking the remote, which a transaction
// must not wait for: jobs open it, and what needs it comes again.
func (h *gitSource) there() error {
	if !h.repo.Clone {
		return h.open(context.Background())
	}
	if !h.mu.TryLock() {
		return queue.After(time.Second, errors.New("the clone is being made"))
	}
	opened := h.opened
	h.mu.Unlock()
	if !opened {
		return queue.After(time.Second, errors.New("there is no clone yet"))
	}
	return nil
}

// Read implements [publish.Tree].
func (h *gitSource) Read(name string) ([]byte, error) {
	if err := h.there(); err != nil {
		return nil, err
	}
	return h.repo.Read(name)
}

// Stat tells whether a file has to be read anew.
func (h *gitSource) Stat(name string) (fs.FileInfo, error) {
	if err := h.there(); err != nil {
		return nil, err
	}
	return h.repo.Stat(name)
}

// Files implements [publish.Tree].
func (h *gitSource) Files(ctx context.Context, under string) iter.Seq2[string, error] {
	if err := h.open(ctx); err != nil {
		return func(yield func(string, error) bool) { yield("", err) }
	}
	return h.repo.Files(ctx, under)
}

// Apply implements [publish.Tree].
func (h *gitSource) Apply(ctx context.Context, message string, files []publish.File) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	return forOwner(h.repo.Apply(ctx, message, files))
}

// Push implements [site.Remote].
func (h *gitSource) Push(ctx context.Context) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	return forOwner(h.repo.Push(ctx))
}

// Pull implements [site.Remote]. A conflict names the branch that keeps our version: the
// tree is as the remote has it.
func (h *gitSource) Pull(ctx context.Context) (bool, error) {
	if err := h.open(ctx); err != nil {
		return false, err
	}
	changed, err := h.repo.Pull(ctx)
	return len(changed) > 0, forOwner(err)
}

func forOwner(err error) error {
	for _, hopeless := range []error{gitree.ErrAuth, gitree.ErrRejected, gitree.ErrConflict, gitree.ErrBranch, gitree.ErrOther} {
		if errors.Is(err, hopeless) {
			return queue.Permanent(err)
		}
	}
	return err
}
