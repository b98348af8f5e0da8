package publish

import (
	"context"
	"crypto/rand"
	"path"
	"slices"
	"strings"
)

// customs are the addresses that generators give to pages whose files name none, below the
// site's. Besides the tokens of paths, {dir} is the directory of the file below that of all
// posts, {rest} the same without its first name, and {stem} the file's name without its ending.
//
// Sources: Eleventy's default, which keeps the date in a file's name, and its filePathStem,
// which does not; Jekyll's permalink styles date and pretty, with and
// without the directory above _posts as a category, and that of collections; Zola's and Astro's
// pages by their place.
var customs = map[string]struct {
	under    string // the directory of all posts
	patterns []string
}{
	"eleventy": {"", []string{
		"{dir}/{stem}/", "{rest}/{stem}/", "{dir}/{slug}/", "{rest}/{slug}/", "{dir}/{stem}.html", "{dir}/{slug}.html",
	}},
	"jekyll": {"", []string{
		"{dir}/{yyyy}/{MM}/{dd}/{slug}.html", "{dir}/{yyyy}/{MM}/{dd}/{slug}/",
		"{dir}/{stem}.html", "{dir}/{stem}/", "{dir}/{slug}.html", "{dir}/{slug}/",
	}},
	"astro": {"src/content/", []string{"{dir}/{slug}/", "{rest}/{slug}/", "{slug}/", "posts/{slug}/", "blog/{slug}/"}},
	"zola":  {"content/", []string{"{dir}/{slug}/"}},
	"plain": {"", []string{"{dir}/{slug}/", "{dir}/{slug}.html", "{rest}/{slug}/", "{rest}/{slug}.html"}},
}

// candidates are the addresses at which the page of a file may be that names none, the
// preset's own first: with it the settings can say the rule.
func (p *Preset) candidates(entry Entry, slug string) []string {
	var all []string
	post := Post{Slug: slug, Kind: entry.Kind, Published: entry.Published, Channel: entry.Channel}
	if own, err := p.Address(post); err == nil {
		all = append(all, own)
	}
	custom := customs[p.Name]
	dir := path.Dir(strings.TrimPrefix(entry.File, custom.under))
	stem := stemOf(entry.File)
	if strings.HasPrefix(path.Base(entry.File), "index.") && dir != "." {
		dir = path.Dir(dir)
	}
	if p.Name == "jekyll" {
		dir = strings.TrimSuffix(dir, "_posts") // what is above it is a category
		dir = strings.TrimPrefix(dir, "_")      // a collection
	}
	_, rest, _ := strings.Cut(dir, "/")
	place := strings.NewReplacer("{dir}", dir, "{rest}", rest, "{stem}", stem)
	for _, c := range custom.patterns {
		at := path.Join("/", pattern(place.Replace(c)).expand(p.subject(post)))
		if strings.HasSuffix(c, "/") {
			at += "/"
		}
		if u := p.own(at); u != "" && !slices.Contains(all, u) {
			all = append(all, u)
		}
	}
	return all
}

// there finds which of some addresses is there: the first that the site answers for. A site
// that has a page for everything tells nothing, and then the first is as good as any.
func (f *finder) there(ctx context.Context, candidates []string) (string, error) {
	if len(candidates) == 0 {
		return "", ErrNoAddress
	}
	if f.Exists == nil {
		return candidates[0], nil
	}
	if !f.probed {
		f.probed = true
		f.answersAll, f.failed = f.Exists(ctx, f.site.JoinPath(strings.ToLower(rand.Text())).String())
	}
	if f.failed != nil {
		return "", f.failed
	}
	if f.answersAll {
		return candidates[0], nil
	}
	for _, c := range candidates {
		yes, err := f.Exists(ctx, c)
		if err != nil {
			f.failed = err
			return "", err
		}
		if yes {
			return c, nil
		}
	}
	return "", ErrNoAddress
}
