package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inbound is what another service has kept, of somebody who means no good: everything that
// can break out of markup, and an address of each kind that may be missing.
const inbound = `{"type":"feed","children":[
{"type":"entry","author":{"type":"card","name":"Bea \"onmouseover=alert(1) <img src=x onerror=alert(1)>","photo":"javascript:alert(1)","url":"https://bea.example/"},"url":"https://bea.example/1","published":"2013-04-22T15:03:00-07:00","wm-received":"2013-04-25T17:09:33Z","wm-id":900,"wm-source":"https://bea.example/1","wm-target":"https://me.example/hola/","content":{"html":"<p>Bonito <b>texto</b><script>alert(1)</script><img src=x onerror=alert(1)></p>","text":"Bonito texto"},"in-reply-to":"https://me.example/hola/","wm-property":"in-reply-to"},
{"type":"entry","author":{"type":"card","name":"Cleo","photo":null,"url":null},"url":"https://cleo.example/2","published":null,"wm-received":"2014-04-25T17:09:33Z","wm-id":1200,"wm-source":"https://cleo.example/2","wm-target":"https://me.example/hola","like-of":"https://me.example/hola","wm-property":"like-of"},
{"type":"entry","author":{"type":"card","name":"Dan & <i>Co</i>","photo":"","url":"https://dan.example/\"><script>"},"url":"https://dan.example/3","wm-received":"2015-04-25T17:09:33Z","wm-id":1300,"wm-source":"https://dan.example/3","wm-target":"https://me.example/hola/","content":{"text":"Sí:\n1 < 2 & {{ page }}"},"mention-of":"https://me.example/hola/","wm-property":"mention-of"}
]}`

// talkedAbout makes a site with one page that somebody else has talked about, and runs a command
// on it.
func talkedAbout(t *testing.T) (tertulia func(words ...string)) {
	t.Helper()
	dir := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("root/hola/index.html", "<p>Hola")
	put("in.jf2", inbound)
	put("tertulia.toml", "data = "+quoted(filepath.Join(dir, "data"))+"\n[[site]]\nurl = \"https://me.example/\"\nroot = "+quoted(filepath.Join(dir, "root"))+"\n")
	tertulia = func(words ...string) {
		t.Helper()
		var out, wrong bytes.Buffer
		args := append([]string{"--config", filepath.Join(dir, "tertulia.toml")}, words...)
		if code := run(t.Context(), args, stdio{out: &out, err: &wrong}, func(string) (string, bool) { return "", false }); code != 0 {
			t.Fatalf("%q: %d\n%s%s", words, code, &out, &wrong)
		}
	}
	tertulia("import", filepath.Join(dir, "in.jf2"))
	return tertulia
}

// noNetwork is put before a program of Node's: it writes down each attempt to reach anybody.
const noNetwork = `const net = require("net"), fs = require("fs");
net.Socket.prototype.connect = function () { fs.appendFileSync(process.env.NO_NETWORK, "connect\n"); throw new Error("there is no network"); };
require("dns").lookup = function () { fs.appendFileSync(process.env.NO_NETWORK, "lookup\n"); throw new Error("there is no network"); };
`

// eleventy-plugin-webmentions 2.1.0, as its users have it, builds a page under Eleventy 3.1.6
// from our cache, and asks nobody (READ-API 7).
func TestEleventyPluginReadsOurCache(t *testing.T) {
	t.Parallel()
	program, err := filepath.EvalSymlinks(needProgram(t, "eleventy"))
	modules, _, found := strings.Cut(program, "/@11ty/")
	if err != nil || !found {
		t.Fatalf("%s: %v", program, err)
	}
	if _, err := os.Stat(filepath.Join(modules, "eleventy-plugin-webmentions")); err != nil {
		needProgram(t, "eleventy-plugin-webmentions") // a module and no program: it is missing
	}
	blog := t.TempDir()
	for name, text := range map[string]string{
		"eleventy.config.js": `const plugin = require("eleventy-plugin-webmentions");
module.exports = function (config) { config.addPlugin(plugin, { domain: "me.example", token: "none" }); };
`,
		"package.json": `{"type":"commonjs"}`,
		"hola.njk": `---
permalink: /hola/
---
{% set w = webmentions | webmentionsForPage %}<p>{{ w.total }} in all, {{ w.likes.length }} likes</p>
{% for m in w.comments %}<article><b title="{{ m.author.name }}">{{ m.author.name }}</b> <a href="{{ m.author.url }}">{{ m.url }}</a> {{ m.content.value | safe }}</article>
{% endfor %}`,
		"none.cjs": noNetwork,
	} {
		if err := os.WriteFile(filepath.Join(blog, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(blog, "node_modules")); err != nil {
		t.Fatal(err)
	}
	talkedAbout(t)("export", "eleventy-cache", filepath.Join(blog, usual["eleventy-cache"]))
	asked := filepath.Join(blog, "asked")
	cmd := exec.Command(program, "--quiet")
	cmd.Dir, cmd.Env = blog, append(os.Environ(), "NODE_OPTIONS=--require "+filepath.Join(blog, "none.cjs"), "NO_NETWORK="+asked)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "Getting") {
		t.Fatalf("eleventy: %v\n%s", err, out)
	}
	if log, err := os.ReadFile(asked); err == nil {
		t.Errorf("it has tried to reach somebody:\n%s", log)
	}
	page, err := os.ReadFile(filepath.Join(blog, "_site/hola/index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"3 in all, 1 likes", "<b>texto</b>", "https://dan.example/3", "Dan &amp; &lt;i&gt;Co"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("%q is not on the page", want)
		}
	}
	for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", `"onmouseover`, "javascript:"} {
		if strings.Contains(string(page), bad) {
			t.Errorf("%q is on the page", bad)
		}
	}
	if t.Failed() {
		t.Logf("%s", page)
	}
}

// Ruby reads our cache for jekyll-webmention_io as the plugin's own, with dates as dates, and
// what its templates print is inert (READ-API 7).
func TestJekyllPluginReadsOurCache(t *testing.T) {
	t.Parallel()
	ruby := needProgram(t, "ruby")
	cache := filepath.Join(t.TempDir(), usual["jekyll-cache"])
	talkedAbout(t)("export", "jekyll-cache", cache)
	const script = `
require "yaml"
all = YAML.safe_load(File.read(ARGV[0]), permitted_classes: [Time, Date, Symbol])
all.each do |path, mentions|
  mentions.values.sort_by { |m| m["pubdate"].to_i }.each do |m|
    puts [path, m["id"].class, m["type"], m["pubdate"].class, m["pubdate"].utc.iso8601, m["uri"], m["source"], m["author"]["name"], m["author"]["url"], m["author"]["photo"], m["title"], m["content"].gsub("\n", " "), m["raw"]["id"]].join("|")
  end
end`
	out, err := exec.Command(ruby, "-rtime", "-rdate", "-e", script, cache).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `/hola/|String|reply|Time|2013-04-22T22:03:00Z|https://bea.example/1|false|Bea &#34;onmouseover=alert(1) &lt;img src=x onerror=alert(1)&gt;|https://bea.example/|||<p>Bonito <b>texto</b><a href="https://bea.example/x" rel="nofollow ugc noopener">x</a></p>|900
/hola/|String|like|Time|2014-04-25T17:09:33Z|https://cleo.example/2|false|Cleo|||||1200
/hola/|String|link|Time|2015-04-25T17:09:33Z|https://dan.example/3|false|Dan &amp; &lt;i&gt;Co&lt;/i&gt;|https://dan.example/%22%3E%3Cscript%3E|||Sí:<br> 1 &lt; 2 &amp; {{ page }}|1300
`
	if string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}
