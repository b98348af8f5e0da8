package attach

import (
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Generators are what Guess can find out: those that a preset is for, and after them
// the systems that keep their posts themselves.
func Generators() []string {
	return []string{"hugo", "jekyll", "eleventy", "astro", "zola", "html", Dynamic}
}

// Dynamic is a site whose posts stay with its own program, such as WordPress.
const Dynamic = "dynamic"

// Guess says who makes the pages of a site: by the files of its source, which are surer,
// else by what its home page says of itself. "" when neither tells.
func Guess(source fs.FS, home Home) string {
	if source != nil {
		if made := GuessFiles(source); made != "" {
			return made
		}
	}
	return GuessMade(home.Made)
}

// GuessMade reads a meta element "generator".
func GuessMade(made string) string {
	name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(made)), " ")
	switch {
	case slices.Contains([]string{"hugo", "jekyll", "eleventy", "astro", "zola"}, name):
		return name
	case slices.Contains([]string{"wordpress", "wordpress.com", "drupal", "ghost", "joomla!", "blogger", "squarespace", "wix.com", "micro.blog",
		"typo3", "mediawiki", "plone", "known", "indiekit", "tumblr", "kirby", "craft", "october", "grav", "discourse", "writefreely", "textpattern"}, name):
		return Dynamic
	}
	return ""
}

// zolaKeys are settings that Zola's config.toml must or mostly does have, and Hugo's never.
var zolaKeys = regexp.MustCompile(`(?m)^\s*(base_url|compile_sass|build_search_index|generate_feeds?)\s*=|^\s*\[markdown\]`)

// GuessFiles says which generator a directory is the source for, or "html" when there
// are finished pages in it, "" when there is nothing of the kind.
func GuessFiles(dir fs.FS) string {
	has := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			_, err := fs.Stat(dir, name)
			return err == nil
		})
	}
	if has("hugo.toml", "hugo.yaml", "hugo.yml", "hugo.json", "config/_default") {
		return "hugo"
	}
	if has(".eleventy.js", "eleventy.config.js", "eleventy.config.mjs", "eleventy.config.cjs", "eleventy.config.ts") {
		return "eleventy"
	}
	if has("astro.config.mjs", "astro.config.js", "astro.config.ts", "astro.config.cjs", "astro.config.mts") {
		return "astro"
	}
	if has("_config.yml", "_config.yaml", "_config.toml") {
		return "jekyll"
	}
	if has("config.toml", "config.yaml", "config.yml", "config.json") && has("content", "archetypes", "layouts", "themes") {
		if text, err := readSome(dir, "config.toml"); err == nil && zolaKeys.Match(text) {
			return "zola"
		}
		return "hugo"
	}
	if has("wp-config.php", "wp-login.php", "index.php") {
		return Dynamic
	}
	if has("index.html", "index.htm") {
		return "html"
	}
	return ""
}

// maxConfig bounds how much of a generator's settings is read.
const maxConfig = 256 << 10

func readSome(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxConfig))
}

// Output is the directory that a generator writes its pages into, below its source: ""
// is the source itself.
func Output(generator string) string {
	return map[string]string{"hugo": "public", "zola": "public", "jekyll": "_site", "eleventy": "_site", "astro": "dist"}[generator]
}

// Build is the command that builds a site, nil where there is nothing to build.
func Build(generator string) []string {
	return map[string][]string{
		"hugo": {"hugo"}, "zola": {"zola", "build"}, "jekyll": {"jekyll", "build"},
		"eleventy": {"npx", "@11ty/eleventy"}, "astro": {"npx", "astro", "build"},
	}[generator]
}
