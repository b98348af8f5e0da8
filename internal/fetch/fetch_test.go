package fetch_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/fetch"
	"tertulia/internal/webtest"
)

// read gets a URL and its whole body.
func read(c *http.Client, url string) (string, error) {
	resp, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

func say(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) } // the client may hang up
}

func TestStrangersReadsPages(t *testing.T) {
	var agent string
	host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		say("hello")(w, r)
	})
	o := options()
	o.UserAgent = "Tertulia (Webmention)"
	got, err := read(fetch.Strangers(o), "http://"+host+"/")
	if err != nil || got != "hello" {
		t.Errorf("got %q, %v, want hello", got, err)
	}
	if agent != o.UserAgent {
		t.Errorf("User-Agent: got %q, want %q", agent, o.UserAgent)
	}
}

// HOSTILE 1, 8 and 9: the canary's own port, other spellings of it, and what is not a web address.
func TestStrangersRefusesURLs(t *testing.T) {
	home := webtest.Canary(t, "127.0.0.1:0")
	_, port, err := net.SplitHostPort(home)
	if err != nil {
		t.Fatal(err)
	}
	server := webtest.Names{Answers: map[string][][]string{"inside.example.": {{"127.0.0.1"}}}}
	o := options()
	o.Resolver = server.Resolver()
	client := fetch.Strangers(o)
	for _, raw := range []string{
		"http://" + home + "/", "https://" + home + "/", "http://[::ffff:127.0.0.1]:" + port + "/",
		"http://127.0.0.1/", "http://[::1]:" + port + "/", "http://0.0.0.0:" + port + "/",
		"http://inside.example:" + port + "/", "http://inside.example/",
		"http://169.254.169.254/latest/", "http://[fd00:ec2::254]/", "http://127.0.2.1:80@" + home + "/",
		"file:///etc/passwd", "gopher://127.0.2.1/", "ftp://127.0.2.1/",
	} {
		if _, err := read(client, raw); !errors.Is(err, fetch.ErrBlocked) {
			t.Errorf("%s: got %v, want it blocked", raw, err)
		}
	}
	for _, raw := range []string{"http:host", "http:///x", "http://127.0.2.1:99999/", "http://nobody.example/"} {
		if _, err := read(client, raw); err == nil {
			t.Errorf("%s: got no error", raw)
		}
	}
}

func TestUserNamesAreRefused(t *testing.T) {
	var host string
	host = webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://user@"+host+"/", http.StatusFound)
		}
	})
	strangers, owner := fetch.Strangers(options()), fetch.Owner([]string{host}, options())
	for name, get := range map[string]func() (string, error){
		"by strangers":         func() (string, error) { return read(strangers, "http://user@"+host+"/") },
		"in their redirects":   func() (string, error) { return read(strangers, "http://"+host+"/away") },
		"in redirects of ours": func() (string, error) { return read(owner, "http://"+host+"/away") },
	} {
		if _, err := get(); !errors.Is(err, fetch.ErrBlocked) {
			t.Errorf("%s: got %v, want it blocked", name, err)
		}
	}
	// The settings may hold a password in a URL.
	if _, err := read(owner, "http://user@"+host+"/"); err != nil {
		t.Errorf("by the owner: got %v", err)
	}
}

// HOSTILE 4: every hop is checked.
func TestStrangersRefusesRedirects(t *testing.T) {
	home := webtest.Canary(t, "127.0.0.1:0")
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, to := range []string{"http://" + home + "/", "http://user@127.0.2.1/", "file:///etc/passwd", "gopher://x/", "ftp://127.0.2.1/"} {
			host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", to)
				w.WriteHeader(status)
			})
			if _, err := read(fetch.Strangers(options()), "http://"+host+"/"); !errors.Is(err, fetch.ErrBlocked) {
				t.Errorf("%d to %s: got %v, want it blocked", status, to, err)
			}
		}
	}
}

func TestRedirectsAreCounted(t *testing.T) {
	hops := 0
	host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		var left int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &left); err != nil || left == 0 {
			say("there")(w, r)
			return
		}
		hops++
		http.Redirect(w, r, fmt.Sprintf("/%d", left-1), http.StatusFound)
	})
	for _, test := range []struct {
		most, hops int
		ok         bool
	}{{0, 5, true}, {0, 6, false}, {2, 2, true}, {2, 3, false}, {-1, 0, true}, {-1, 1, false}} {
		hops = 0
		o := options()
		o.MaxRedirects = test.most
		_, err := read(fetch.Strangers(o), fmt.Sprintf("http://%s/%d", host, test.hops))
		if (err == nil) != test.ok {
			t.Errorf("MaxRedirects %d, %d hops: got %v, want success %t", test.most, test.hops, err, test.ok)
		}
		if hops > 6 {
			t.Errorf("MaxRedirects %d: the server saw %d redirects", test.most, hops)
		}
	}
}

// HOSTILE 5: the name is public when it is first asked for, ours on the second hop.
func TestStrangersRefusesRebinding(t *testing.T) {
	var again string
	host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, again, http.StatusFound)
	})
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	webtest.Canary(t, "127.0.0.1:"+port)
	again = "http://rebind.example:" + port + "/again"
	server := webtest.Names{Answers: map[string][][]string{"rebind.example.": {{"127.0.2.1"}, {"127.0.0.1"}}}}
	o := options()
	o.Resolver = server.Resolver()
	if _, err := read(fetch.Strangers(o), "http://rebind.example:"+port+"/"); !errors.Is(err, fetch.ErrBlocked) {
		t.Errorf("got %v, want it blocked", err)
	}
}

// HOSTILE 6: of several addresses only the public ones are tried.
func TestStrangersSkipsPrivateAddresses(t *testing.T) {
	host := webtest.Serve(t, "127.0.2.7:0", say("public"))
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	webtest.Canary(t, "127.0.0.1:"+port)
	server := webtest.Names{Answers: map[string][][]string{"mixed.example.": {{"127.0.0.1", "127.0.2.7"}}}}
	o := options()
	o.Resolver = server.Resolver()
	if got, err := read(fetch.Strangers(o), "http://mixed.example:"+port+"/"); got != "public" {
		t.Errorf("got %q, %v, want public", got, err)
	}
}

// HOSTILE 10: the environment cannot lead us past the guard.
func TestProxySettingsHaveNoEffect(t *testing.T) {
	// net/http reads the environment once in a process, so this takes a new one.
	if os.Getenv("HTTP_PROXY") == "" {
		proxy := webtest.Canary(t, "127.0.0.1:0")
		cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "HTTP_PROXY=http://"+proxy, "HTTPS_PROXY=http://"+proxy, "NO_PROXY=", "no_proxy=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	host := webtest.Serve(t, "127.0.2.1:0", say("direct"))
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		t.Fatal(err)
	}
	server := webtest.Names{Answers: map[string][][]string{"a.example.": {{"127.0.2.1"}}}}
	o := options()
	o.Resolver = server.Resolver()
	page := "http://a.example:" + port + "/"
	for name, client := range map[string]*http.Client{
		"strangers": fetch.Strangers(o), "owner": fetch.Owner([]string{"a.example:" + port}, o),
	} {
		if got, err := read(client, page); got != "direct" {
			t.Errorf("%s: got %q, %v, want direct", name, got, err)
		}
	}
}

func TestRedirectsCarryNoSecrets(t *testing.T) {
	var got http.Header
	last := webtest.Serve(t, "127.0.2.2:0", func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	first := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+last+"/", http.StatusFound)
	})
	req, err := http.NewRequest("GET", "http://"+first+"/?secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Authorization", "Cookie", "DPoP"} {
		req.Header.Set(name, "tok_TEST_1")
	}
	resp, err := fetch.Strangers(options()).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	for _, name := range []string{"Authorization", "Cookie", "DPoP", "Referer"} {
		if v := got.Get(name); v != "" {
			t.Errorf("%s: got %q, want none", name, v)
		}
	}
}

// HOSTILE 14: a body goes to the host that it was meant for.
func TestPostsAreNotRepeatedElsewhere(t *testing.T) {
	posts := 0
	other := webtest.Serve(t, "127.0.2.2:0", func(http.ResponseWriter, *http.Request) { posts++ })
	host := webtest.Serve(t, "127.0.2.1:0", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "http://"+other+"/", http.StatusTemporaryRedirect)
		case "/here":
			http.Redirect(w, r, "/there", http.StatusPermanentRedirect)
		}
	})
	post := func(path string) error {
		resp, err := fetch.Strangers(options()).PostForm("http://"+host+path, url.Values{"source": {"x"}})
		if err == nil {
			resp.Body.Close()
		}
		return err
	}
	if err := post("/away"); !errors.Is(err, fetch.ErrBlocked) || posts != 0 {
		t.Errorf("other host: got %v and %d posts, want it blocked", err, posts)
	}
	if err := post("/here"); err != nil {
		t.Errorf("same host: got %v", err)
	}
}

func TestOwnerGoesOnlyToNamedHosts(t *testing.T) {
	home := webtest.Canary(t, "127.0.0.1:0")
	var to string
	host := webtest.Serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		say("ours")(w, r)
	})
	client := fetch.Owner([]string{host}, fetch.Options{})
	if got, err := read(client, "http://"+host+"/"); got != "ours" {
		t.Errorf("named host: got %q, %v", got, err)
	}
	to = "http://" + home + "/"
	for _, raw := range []string{to, "http://" + host + "/away", "http://localhost/", "ftp://" + host + "/"} {
		if _, err := read(client, raw); !errors.Is(err, fetch.ErrBlocked) {
			t.Errorf("%s: got %v, want it blocked", raw, err)
		}
	}
}

func TestOwnerFindsPagesAtTheirOrigin(t *testing.T) {
	type seen struct{ Host, Proto string }
	var got seen
	host := webtest.Serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/post", http.StatusFound)
			return
		}
		got = seen{r.Host, r.Header.Get("X-Forwarded-Proto")}
	})
	client := fetch.Owner([]string{"example.com:443", "example.com:80"}, fetch.Options{Origin: map[string]string{
		"example.com:443": "http://" + host,
		"example.com:80":  host,
	}})
	for raw, want := range map[string]seen{
		"https://example.com/post": {"example.com", "https"},
		"http://example.com/post":  {"example.com", ""},
	} {
		resp, err := client.Get(strings.Replace(raw, "/post", "/old", 1))
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		resp.Body.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", raw, diff)
		}
		if final := resp.Request.URL.String(); final != raw {
			t.Errorf("final URL: got %s, want %s", final, raw)
		}
	}
}

func TestHostPortIsCanonical(t *testing.T) {
	for raw, want := range map[string]string{
		"https://Example.COM/":      "example.com:443",
		"http://example.com":        "example.com:80",
		"http://example.com:8080/x": "example.com:8080",
		"https://ñandú.example/":    "xn--and-6ma2c.example:443",
		"http://[::1]:80/":          "[::1]:80",
		"http:///x":                 "",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := fetch.HostPort(u); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}
