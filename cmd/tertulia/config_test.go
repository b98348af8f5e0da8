package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const example = "../../tertulia.example.toml"

// environ is an environment for tests.
func environ(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

// write makes a settings file and returns its name.
func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "settings.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// load reads settings that must be right.
func load(t *testing.T, text string, vars map[string]string) *settings {
	t.Helper()
	s, err := loadSettings(globals{Config: write(t, text)}, environ(vars))
	if err != nil {
		t.Fatalf("settings %q: %v", text, err)
	}
	return s
}

// faults reads settings that must be wrong, and returns the lines of the error.
func faults(t *testing.T, text string, vars map[string]string) []string {
	t.Helper()
	s, err := loadSettings(globals{Config: write(t, text)}, environ(vars))
	if err == nil {
		t.Fatalf("settings %q: got %+v, want an error", text, s)
	}
	lines := strings.Split(err.Error(), "\n  ")
	if lines[0] != "the settings cannot be used" {
		t.Fatalf("settings %q: got %q, want what is wrong with them", text, err)
	}
	return lines[1:]
}

func TestSettingsOfTheFirstRun(t *testing.T) {
	t.Chdir(t.TempDir())
	s, err := loadSettings(globals{}, environ(nil))
	if err != nil {
		t.Fatal(err)
	}
	want := siteSettings{
		URL: "http://localhost:8080/", Language: "en",
		Publish: publishSettings{Preset: "html"}, Conversation: conversationSettings{Approve: "people", Bridged: "first-name"},
		Notify: notifySettings{
			Waiting: "digest", Unanswered: "digest", Patience: duration(7 * 24 * time.Hour), Public: "digest", Trouble: "now", Access: "now",
			Digest: "daily", Day: "monday", At: "08:00",
		},
	}
	if diff := cmp.Diff([]siteSettings{want}, s.Sites); diff != "" {
		t.Errorf("site (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(addresses{"127.0.0.1:8080", "[::1]:8080"}, s.Listen); diff != "" || !s.listenDefault {
		t.Errorf("listen (-want +got), default %v:\n%s", s.listenDefault, diff)
	}
	if s.Data != "./tertulia-data" || !s.requirePKCE() || s.Limits.FetchTimeout.Duration().String() != "10s" || s.Limits.UploadMB != 64 {
		t.Errorf("got %+v, want the defaults", s)
	}
	if got := s.base(s.Sites[0]); got != "http://localhost:8080/-/" {
		t.Errorf("got base %s", got)
	}
}

func TestSiteOfTheFirstRunStandsOnTheFirstListenAddress(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ listen, lang, url, language string }{
		{"127.0.0.1:9001", "", "http://localhost:9001/", "en"},
		{"[::1]:9002", "es_ES.UTF-8", "http://localhost:9002/", "es"},
		{"127.0.0.2:80", "de_DE", "http://localhost/", "en"},
		{"localhost:9003, 127.0.0.1:9004", "es", "http://localhost:9003/", "es"},
	} {
		s, err := loadSettings(globals{Listen: c.listen}, environ(map[string]string{"LANG": c.lang}))
		if err != nil {
			t.Errorf("listen %s: %v", c.listen, err)
			continue
		}
		if got := s.Sites[0]; got.URL != c.url || got.Language != c.language || s.listenDefault {
			t.Errorf("listen %s: got %s in %s, want %s in %s", c.listen, got.URL, got.Language, c.url, c.language)
		}
	}
}

func TestSettingsPrecedence(t *testing.T) {
	t.Chdir(t.TempDir())
	named := write(t, "data = 'named'")
	if err := os.WriteFile(settingsFile, []byte("data = 'here'\nlisten = ['127.0.0.1:1', '127.0.0.1:2']"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		given globals
		env   map[string]string
		data  string
	}{
		{"the file that lies here", globals{}, nil, "here"},
		{"a file that is named", globals{Config: named}, nil, "named"},
		{"a file that the environment names", globals{}, map[string]string{"TERTULIA_CONFIG": named}, "named"},
		{"the flag's file before it", globals{Config: settingsFile}, map[string]string{"TERTULIA_CONFIG": named}, "here"},
		{"the environment", globals{}, map[string]string{"TERTULIA_DATA": "env"}, "env"},
		{"an empty variable is none", globals{}, map[string]string{"TERTULIA_DATA": ""}, "here"},
		{"a file of the environment", globals{}, map[string]string{"TERTULIA_DATA_FILE": secret}, "from a file"},
		{"the flag", globals{Data: "flag"}, map[string]string{"TERTULIA_DATA": "env"}, "flag"},
	} {
		s, err := loadSettings(c.given, environ(c.env))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if s.Data != c.data {
			t.Errorf("%s: got data %q, want %q", c.name, s.Data, c.data)
		}
	}
	s, err := loadSettings(globals{Listen: "127.0.0.1:3"}, environ(map[string]string{"TERTULIA_LISTEN": "127.0.0.1:4"}))
	if err != nil || !cmp.Equal(s.Listen, addresses{"127.0.0.1:3"}) {
		t.Errorf("got %+v, %v, want the flag's address alone", s, err)
	}
}

func TestEnvironmentSetsEveryKind(t *testing.T) {
	s := load(t, "[limits]\nqueue = 7\nper_host = 8", map[string]string{
		"TERTULIA_LISTEN":                   "127.0.0.1:1,[::1]:1",
		"TERTULIA_FETCH_ALLOW":              "10.0.0.0/8, 192.168.1.7,",
		"TERTULIA_MICROPUB_LENIENT_CLIENTS": "https://Editor.example",
		"TERTULIA_INDIEAUTH_REQUIRE_PKCE":   "false",
		"TERTULIA_LIMITS_UPLOAD_MB":         "5",
		"TERTULIA_LIMITS_FETCH_BYTES":       "4096",
		"TERTULIA_LIMITS_FETCH_TIMEOUT":     "1m",
		"TERTULIA_LIMITS_QUEUE":             "9",
	})
	want := limitsSettings{UploadMB: 5, PerSender: 300, PerHost: 8, Queue: 9, FetchTimeout: duration(60e9), FetchBytes: 4096}
	if diff := cmp.Diff(want, s.Limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	if s.requirePKCE() || !cmp.Equal(s.Listen, addresses{"127.0.0.1:1", "[::1]:1"}) ||
		!cmp.Equal(s.Fetch.Allow, []string{"10.0.0.0/8", "192.168.1.7"}) || !cmp.Equal(s.Micropub.LenientClients, []string{"https://editor.example/"}) {
		t.Errorf("got %+v", s)
	}
}

func TestEnvironmentNamesItsFaults(t *testing.T) {
	got := faults(t, "", map[string]string{
		"TERTULIA_DATA": "a", "TERTULIA_DATA_FILE": "b",
		"TERTULIA_URL_FILE":               filepath.Join(t.TempDir(), "missing"),
		"TERTULIA_INDIEAUTH_REQUIRE_PKCE": "perhaps",
		"TERTULIA_LIMITS_QUEUE":           "many",
		"TERTULIA_LIMITS_FETCH_TIMEOUT":   "10",
	})
	for _, key := range []string{
		"TERTULIA_DATA", "TERTULIA_URL_FILE", "TERTULIA_INDIEAUTH_REQUIRE_PKCE", "TERTULIA_LIMITS_QUEUE", "TERTULIA_LIMITS_FETCH_TIMEOUT",
	} {
		if n := strings.Count("\n"+strings.Join(got, "\n"), "\n"+key+": "); n != 1 {
			t.Errorf("%s is named %d times in %q, want once", key, n, got)
		}
	}
}

func TestSettingsFileMustBeReadable(t *testing.T) {
	for name, file := range map[string]string{
		"missing": filepath.Join(t.TempDir(), "missing.toml"),
		"line 2":  write(t, "data = 'x'\nlisten = "),
	} {
		if _, err := loadSettings(globals{Config: file}, environ(nil)); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), file) {
			t.Errorf("got %v, want an error with %q and %s", err, name, file)
		}
	}
}

// The example is what an owner begins with, so it has every key, and the lines that
// are commented out are right too.
func TestExampleLoadsAndHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	s := load(t, string(text), nil)
	if got := s.base(s.Sites[0]); got != "https://talk.example.com/example.com/" {
		t.Errorf("got base %s", got)
	}
	if got := s.Sites[0].Author.Photo; got != "https://example.com/ana.jpg" {
		t.Errorf("got photo %s", got)
	}
	all := regexp.MustCompile(`(?m)^#([a-z_]+ = |\[\[)`).ReplaceAllString(string(text), "$1")
	load(t, all, nil)
	for _, key := range keys(reflect.TypeFor[settings](), "") {
		_, name := splitKey(key)
		if !regexp.MustCompile(`(?m)(^|[{,] )` + name + ` = |^\[+(site\.)?(publish\.)?` + name + `\]`).MatchString(all) {
			t.Errorf("%s is not in the example", key)
		}
	}
}

func TestParseGlobals(t *testing.T) {
	for _, c := range []struct {
		args string
		want globals
		rest string
		bad  bool
	}{
		{args: "", want: globals{}},
		{args: "serve", rest: "serve"},
		{args: "--config a serve --data=b --verbose -listen c", want: globals{"a", "b", "c"}, rest: "serve --verbose"},
		{args: "serve -config=a=b -data x --data y", want: globals{Config: "a=b", Data: "y"}, rest: "serve"},
		{args: "send a -- --data b", rest: "send a -- --data b"},
		{args: "token new --database x config", rest: "token new --database x config"},
		{args: "serve --data", bad: true},
		{args: "serve --data=", bad: true},
		{args: "serve --data --listen x", bad: true},
	} {
		got, rest, err := parseGlobals(strings.Fields(c.args))
		if (err != nil) != c.bad || got != c.want || strings.Join(rest, " ") != c.rest {
			t.Errorf("%q: got %+v, %q, %v, want %+v, %q", c.args, got, rest, err, c.want, c.rest)
		}
	}
}

// What strangers' links may lead to is this machine only while nobody else can
// reach it (SPECS D7).
func TestAllow(t *testing.T) {
	loopback := []string{"127.0.0.0/8", "::1/128"}
	local := "[[site]]\nurl = 'http://localhost:8080/'\n"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"the first run", "", loopback},
		{"an address of ours alone", "listen = '127.0.0.7:9001'", loopback},
		{"a wider listen", "listen = ['127.0.0.1:8080', ':8080']\n" + local, nil},
		{"a public listen", "listen = '192.0.2.1:80'\n" + local, nil},
		{"a site elsewhere", local + "[[site]]\nurl = 'https://ana.example/'", nil},
		{"a name outside", "url = 'https://tunnel.example/'\n" + local, nil},
		{"an alias outside", local + "aliases = ['https://tunnel.example/']", nil},
		{"networks that the owner names", "[fetch]\nallow = ['10.1.0.0/16', '::ffff:10.2.3.4']", append([]string{"10.1.0.0/16", "10.2.3.4/32"}, loopback...)},
	} {
		var want []netip.Prefix
		for _, p := range c.want {
			want = append(want, netip.MustParsePrefix(p))
		}
		got := load(t, c.text, nil).allow()
		if !cmp.Equal(got, want, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })) {
			t.Errorf("%s: got %v, want %v", c.name, got, want)
		}
	}
}
