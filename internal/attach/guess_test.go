package attach_test

import (
	"testing"
	"testing/fstest"

	"tertulia/internal/attach"
)

func TestGuess(t *testing.T) {
	for name, one := range map[string]struct {
		files map[string]string
		made  string
		want  string
	}{
		"hugo":                      {map[string]string{"hugo.toml": ""}, "", "hugo"},
		"hugo of old":               {map[string]string{"config.toml": "baseURL = \"https://a.example/\"\n", "content/posts/a.md": ""}, "", "hugo"},
		"hugo in many files":        {map[string]string{"config/_default/hugo.toml": "", "package.json": ""}, "", "hugo"},
		"zola":                      {map[string]string{"config.toml": "# mine\nbase_url = \"https://a.example\"\ncompile_sass = true\n", "content/_index.md": ""}, "", "zola"},
		"settings of something":     {map[string]string{"config.toml": "x = 1"}, "", ""},
		"jekyll":                    {map[string]string{"_config.yml": "title: x", "index.html": ""}, "", "jekyll"},
		"eleventy":                  {map[string]string{".eleventy.js": ""}, "", "eleventy"},
		"eleventy of late":          {map[string]string{"eleventy.config.mjs": "", "index.html": ""}, "", "eleventy"},
		"astro":                     {map[string]string{"astro.config.mjs": ""}, "", "astro"},
		"plain html":                {map[string]string{"index.html": ""}, "", "html"},
		"wordpress's files":         {map[string]string{"wp-config.php": "", "index.php": ""}, "", attach.Dynamic},
		"nothing":                   {nil, "", ""},
		"says hugo":                 {nil, "Hugo 0.111.3", "hugo"},
		"says jekyll":               {nil, "Jekyll v4.3.1", "jekyll"},
		"says eleventy":             {nil, "Eleventy v3.1.6", "eleventy"},
		"says wordpress":            {nil, "WordPress 6.8", attach.Dynamic},
		"says drupal":               {nil, "Drupal 11 (https://www.drupal.org)", attach.Dynamic},
		"says what nobody knows":    {nil, "hugoesque", ""},
		"files count before a page": {map[string]string{"astro.config.ts": ""}, "Hugo 0.1", "astro"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := fstest.MapFS{}
			for file, text := range one.files {
				dir[file] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := attach.Guess(dir, attach.Home{Made: one.made}); got != one.want {
				t.Errorf("got %q, want %q", got, one.want)
			}
		})
	}
	if got := attach.Guess(nil, attach.Home{Made: "Zola"}); got != "zola" {
		t.Errorf("without files: got %q", got)
	}
}
