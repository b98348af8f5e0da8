package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/web/theme"
)

// viewed reads settings from a file and is what the first site's owner sees of them: section and
// key → value, and where from.
func viewed(t *testing.T, text string, env map[string]string, g globals) (theme.Settings, map[string]string) {
	t.Helper()
	g.Config = filepath.Join(t.TempDir(), "tertulia.toml")
	if err := os.WriteFile(g.Config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := loadSettings(g, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	view := set.view(&set.Sites[0])
	found := map[string]string{}
	for _, group := range view.Groups {
		for _, one := range group.Settings {
			value := one.Value
			if one.Secret {
				value = "secret"
			}
			where := strings.ReplaceAll(one.Where, g.Config, "F")
			found[group.Title+" "+one.Key] = strings.TrimSpace(value + " " + one.From + " " + where)
		}
	}
	return view, found
}

func TestSettingsSayWhereTheyComeFrom(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "hook")
	if err := os.WriteFile(secret, []byte("https://hooks.example/5f1c"), 0o600); err != nil {
		t.Fatal(err)
	}
	view, got := viewed(t, `# mine
url = "https://talk.example/"
proxies = [
  "127.0.0.1", # here
  "::1",
]

[limits]
fetch_timeout = "5s"

[[site]]
url = "https://ana.example/"
author = { name = "Ana", note = "a = [b" }
name = """
url = "no"
"""
language="es"
  [site.publish]
  preset = "hugo"
  dir = '`+dir+`'
  hook_file = "`+secret+`"
  [site.publish.git]
  commit = true
  remote = "https://ana:pa%20ss@codeberg.example/ana/blog.git"
[[site.channel]]
uid = "fotos"
[[site.syndicate]]
kind = "mastodon"
server = "https://mastodon.example"
token_file = "`+secret+`"
[[site.syndicate]]
kind = "x"
name = "La otra"

[mail]
server = "smtp.example.com"
user = "ana@ana.example"
password = "5f1c-mail"

[[site]]
url = "https://bea.example/"
name = "Bea"
watch.every = "2h"

[[person]]
me = "https://carla.example/"
role = "moderator"
sites = ["https://bea.example/"]

[[person]]
me = "https://dora.example/"
role = "owner"
`, map[string]string{"TERTULIA_LIMITS_QUEUE": "99", "TERTULIA_FETCH_ALLOW_FILE": secretList(t)}, globals{Data: dir})
	for key, want := range map[string]string{
		" url": `"https://talk.example/" file F:2`, " data": `"` + dir + `" flag --data`, " proxies": `["127.0.0.1", "::1"] file F:3`,
		" listen": `["127.0.0.1:8080", "[::1]:8080"] default`, "[limits] fetch_timeout": `"5s" file F:9`, "[limits] queue": "99 environment TERTULIA_LIMITS_QUEUE",
		"[fetch] allow": `["10.1.0.0/16"] environment TERTULIA_FETCH_ALLOW_FILE`, "[limits] upload_mb": "64 default", "[indieauth] require_pkce": "true default",
		"[[site]] url": `"https://ana.example/" file F:12`, "[site.author] name": `"Ana" file F:13`, "[[site]] language": `"es" file F:17`, "[[site]] base": `"https://talk.example/ana.example/" derived`,
		"[site.publish] preset": `"hugo" file F:19`, "[site.publish] hook": "secret default", "[site.publish] hook_file": `"` + secret + `" file F:21`,
		"[site.publish.git] remote": `"https://ana:…@codeberg.example/ana/blog.git" file F:24`, "[site.publish.git] commit": "true file F:23",
		"[[site.channel]] uid": `"fotos" file F:26`, "[[site.syndicate]] name": `"La otra" file F:33`, "[mail] password": "secret file F:38",
		"[mail] from": `"ana@ana.example" default`, "[site.notify] patience": `"168h0m0s" default`, "[[person]] me": `"https://dora.example/" file F:51`, "[[site]] root": "default",
	} {
		if got[key] != want {
			t.Errorf("%s: got %s, want %s", key, got[key], want)
		}
	}
	for key, value := range got {
		if strings.Contains(value, "bea") || strings.Contains(value, "carla") || strings.Contains(value, "5f1c") || strings.Contains(value, "pa%20ss") {
			t.Errorf("%s: it shows another's, or a secret: %s", key, value)
		}
	}
	if !strings.HasSuffix(view.File, "tertulia.toml") {
		t.Errorf("the file: %q", view.File)
	}
}

func secretList(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "allow")
	if err := os.WriteFile(file, []byte("10.1.0.0/16\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Every setting that there is stands on the page, with what the reference says of it; and the page
// is small.
func TestEverySettingIsOnThePage(t *testing.T) {
	set := load(t, "[[site]]\nurl='https://ana.example/'\n", nil)
	view := set.view(&set.Sites[0])
	keys := map[string]bool{}
	for _, group := range view.Groups {
		if group.Title != "" && group.About == "" {
			t.Errorf("%s: nothing is said of it", group.Title)
		}
		for _, one := range group.Settings {
			keys[strings.Trim(group.Title, "[]")+"."+one.Key] = true
			if one.About == "" || strings.Contains(one.About, "Example:") {
				t.Errorf("%s %s: %q is said of it", group.Title, one.Key, one.About)
			}
		}
	}
	var walk func(of reflect.Type, path string)
	walk = func(of reflect.Type, path string) {
		for name, field := range fields(reflect.New(of).Elem()) {
			inner := strings.TrimPrefix(path+"."+name, ".")
			switch {
			case isSection(field.Type()):
				walk(field.Type(), inner)
			case isSections(field.Type()):
				if inner == "site" {
					walk(field.Type().Elem(), inner)
				}
			case !keys[path+"."+name]:
				t.Errorf("%s is not on the page", inner)
			}
		}
	}
	walk(reflect.TypeFor[settings](), "")
}

// What could let somebody in is not shown, whatever it is called later.
func TestSecretsAreMasked(t *testing.T) {
	for name, want := range map[string]bool{
		"hook": true, "password": true, "token": true, "client_secret": true, "secret": true, "api_key": true, "private_keys": true,
		"hook_file": false, "token_file": false, "client_secret_file": false, "token_endpoint": false, "keys": false, "require_pkce": false, "url": false,
	} {
		if got := secretSetting(name); got != want {
			t.Errorf("%s: got %t", name, got)
		}
	}
}

func TestLinesOfKeys(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want map[string]int
	}{
		"plain":                 {"a = 1\n# b = 2\n\nb = 3", map[string]int{"a": 1, "b": 4}},
		"tables":                {"[a]\nb = 1\n[a.c]\nd = 2\n[e]\nb = 3", map[string]int{"a.b": 2, "a.c.d": 4, "e.b": 6}},
		"dots and quotes":       {"a.b = 1\n[\"c\"]\n\"d\".'e' = 2", map[string]int{"a.b": 1, "c.d.e": 3}},
		"a list of lines":       {"a = [\n \"x = 1\",\n # ]\n [1, 2],\n]\nb = 2", map[string]int{"a": 1, "b": 6}},
		"texts of lines":        {"a = \"\"\"\nb = 1\n\\\"\"\" \"\"\"\nc = '''\nd = 1'''\ne = \"#\" # x\nf = 1", map[string]int{"a": 1, "c": 4, "e": 6, "f": 7}},
		"one of a list":         {"[[site]]\nurl = 1", map[string]int{"site.url": 2}},
		"several of a list":     {"[[site]]\nurl = 1\n[site.publish]\ndir = 1\n[[site]]\nurl = 2\n[fetch]\nallow = 1", map[string]int{"site.url of site 1": 2, "site.publish.dir of site 1": 4, "site.url of site 2": 6, "fetch.allow": 8}},
		"a list in each":        {"[[site]]\n[[site.channel]]\nuid = 1\n[[site]]\n[[site.channel]]\nuid = 2\n[site.publish]\ndir = 1", map[string]int{"site.publish.dir of site 2": 8}},
		"a text without an end": {"a = \"x\nb = 1", map[string]int{"a": 1, "b": 2}},
	} {
		if diff := cmp.Diff(c.want, keyLines(c.text)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
