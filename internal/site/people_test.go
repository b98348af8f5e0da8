package site_test

import (
	"fmt"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// signed is a page with a reply by somebody whose profile is named.
func signed(author, target string) string {
	return `<article class="h-entry"><a class="p-author h-card" href="` + author + `">Somebody</a>
<a class="u-in-reply-to" href="` + target + `">x</a> <div class="e-content">x</div></article>`
}

// Whose page it is: the rule of people.go, case by case. Each case has a fresh world in which
// the owner trusts the person that is named; the page gets that trust or it does not.
func TestAuthorsAreConfirmed(t *testing.T) {
	type pages map[string]string // address without scheme → body, "→ address" for a redirect
	const me = `<a rel="me" href="%s">x</a>`
	for name, tt := range map[string]struct {
		source, author string
		pages          pages // of the profile and others
		trusted        string
		before         []string // pages that named themselves or a profile above them, "page profile"
		want           bool
	}{
		"personal domain":               {source: "bea.example/2026/1", author: "bea.example/", want: true},
		"personal domain, other scheme": {source: "bea.example/1", author: "http://bea.example/", trusted: "https://bea.example/", want: true},
		"personal domain, www":          {source: "bea.example/1", author: "www.bea.example", trusted: "bea.example", want: true},
		"page at the root":              {source: "bea.example/", author: "bea.example/", want: true},
		"somebody else's domain":        {source: "mallory.example/1", author: "bea.example/", pages: pages{"bea.example/": `<a href="https://mallory.example/1">a friend</a>`}},
		"a name that begins alike":      {source: "bea.example.evil.test/1", author: "bea.example/", pages: pages{"bea.example/": ""}},
		"another port":                  {source: "bea.example:8443/1", author: "bea.example/", pages: pages{"bea.example/": ""}},
		"blog on a name below, rel=me":  {source: "blog.bea.example/1", author: "bea.example/", pages: pages{"bea.example/": fmt.Sprintf(me, "https://blog.bea.example/")}, want: true},
		"blog on a name below":          {source: "blog.bea.example/1", author: "bea.example/", pages: pages{"bea.example/": `<a href="https://blog.bea.example/1">x</a>`}},
		"the profile is down":           {source: "blog.bea.example/1", author: "bea.example/"},

		"home directory":                 {source: "tilde.example/~bea/1", author: "tilde.example/~bea/", want: true},
		"home directory without a slash": {source: "tilde.example/~bea/1", author: "tilde.example/~bea", trusted: "tilde.example/~bea/", want: true},
		"a page in the same home":        {source: "tilde.example/~bea/1", author: "tilde.example/~bea/about.html", want: true},
		"somebody else's home":           {source: "tilde.example/~mallory/1", author: "tilde.example/~bea/", pages: pages{"tilde.example/~bea/": `<a href="/~mallory/">friend</a> <a href="/~mallory/1">x</a>`}},
		"a home that begins alike":       {source: "tilde.example/~beatrix/1", author: "tilde.example/~bea", pages: pages{"tilde.example/~bea": ""}},
		"the root, from a home":          {source: "tilde.example/~mallory/1", author: "tilde.example/", pages: pages{"tilde.example/": `<a href="/~mallory/">mallory</a>`}},
		"the root, which says it is me":  {source: "bea.example/@bea/1", author: "bea.example/", pages: pages{"bea.example/": fmt.Sprintf(me, "/@bea")}, want: true},
		"rel=me above the home":          {source: "tilde.example/~mallory/1", author: "bea.example/", pages: pages{"bea.example/": fmt.Sprintf(me, "https://tilde.example/")}},
		"out of the home by dots":        {source: "tilde.example/~bea/../~mallory/1", author: "tilde.example/~bea/", pages: pages{"tilde.example/~bea/": ""}},

		"fediverse":                   {source: "social.example/@bea/1", author: "social.example/@bea", want: true},
		"fediverse, both spellings":   {source: "social.example/users/bea/statuses/1", author: "social.example/@Bea", trusted: "@bea@social.example", want: true},
		"fediverse, somebody else":    {source: "social.example/@mallory/1", author: "social.example/@bea", pages: pages{"social.example/@bea": `<a href="/@mallory/1">x</a>`}},
		"fediverse, the bio says it":  {source: "bea.example/1", author: "social.example/@bea", pages: pages{"social.example/@bea": fmt.Sprintf(me, "https://bea.example")}, want: true},
		"fediverse, one beside it":    {source: "social.example/@mallory/1", author: "bea.example/", pages: pages{"bea.example/": fmt.Sprintf(me, "https://social.example/@bea")}},
		"fediverse, seen from abroad": {source: "other.example/@bea@social.example/1", author: "social.example/@bea", pages: pages{"social.example/@bea": ""}},

		"blogs in directories":            {source: "press.example/bea/hello", author: "press.example/bea/", want: true},
		"blogs in directories, the other": {source: "press.example/mallory/hello", author: "press.example/bea/", pages: pages{"press.example/bea/": `<a href="https://example.org/">x</a>`}},
		"the root of a host of blogs":     {source: "press.example/mallory/hello", author: "press.example/", before: []string{"press.example/mallory/1 press.example/mallory/"}, pages: pages{"press.example/": `<a href="/mallory/">x</a>`}},
		"the root where others live":      {source: "press.example/mallory/hello", author: "press.example/", before: []string{"press.example/ana/1 press.example/ana", "press.example/bo/1 press.example/bo"}, pages: pages{"press.example/": `<a href="/mallory/">x</a>`}},
		"an author page, one site":        {source: "mag.example/2026/hello", author: "mag.example/author/bea", pages: pages{"mag.example/author/bea": `<a href="../2026/hello">hello</a>`}, want: true},
		"an author page of another":       {source: "mag.example/2026/hello", author: "mag.example/author/bea", pages: pages{"mag.example/author/bea": `<a href="/2025/other">x</a>`}},
		"a name below for each":           {source: "mallory.tumblr.example/1", author: "bea.tumblr.example/", pages: pages{"bea.tumblr.example/": ""}},

		"a bridge":                {source: "brid.gy/like/github/bea/1/2", author: "github.com/bea", want: true},
		"the bridge's twin":       {source: "brid-gy.appspot.com/like/github/bea/1/2", author: "github.com/bea", want: true},
		"a bridge, by its server": {source: "brid.gy/comment/mastodon/@me@small.example/1/2", author: "small.example/@bea", want: true},
		"a bridge, other server":  {source: "brid.gy/comment/mastodon/@me@evil.example/1/2", author: "small.example/@bea", pages: pages{"small.example/@bea": ""}},
		"a bridge, any other":     {source: "brid.gy/like/github/bea/1/2", author: "bea.example/", pages: pages{"bea.example/": fmt.Sprintf(me, "https://brid.gy/")}},
		"no bridge, but alike":    {source: "brid.gy.evil.test/like/1", author: "github.com/bea", pages: pages{"github.com/bea": ""}},
		"a bridge, itself":        {source: "brid.gy/1", author: "brid.gy/"},
		"an open redirect":        {source: "mallory.example/1", author: "bea.example/out", trusted: "bea.example/out", pages: pages{"bea.example/out": "→ https://mallory.example/"}},
		"a home that has moved":   {source: "new.example/1", author: "old.example/", pages: pages{"old.example/": "→ https://new.example/", "new.example/": "x"}, want: true},
		"nothing but a fragment":  {source: "team.example/1", author: "team.example/about#mallory", trusted: "https://team.example/about#bea", pages: pages{"team.example/about": `<a href="/1">x</a>`}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				post := w.create(entry("content", "hello"))
				hosts := map[string]*host{}
				at := func(address string) (*host, string) {
					u := parse(t, "https://"+address)
					if hosts[u.Host] == nil {
						hosts[u.Host] = w.host(u.Host)
					}
					return hosts[u.Host], u.Path
				}
				for address, body := range tt.pages {
					h, path := at(address)
					if to, ok := strings.CutPrefix(body, "→ "); ok {
						h.set(path, answer{status: 301, header: []string{"Location", to}})
						continue
					}
					h.says(path, body)
				}
				for _, b := range tt.before {
					page, profile, _ := strings.Cut(b, " ")
					h, path := at(page)
					h.says(path, signed("https://"+profile, post))
					if v := w.mention(w.receive("https://"+page, post)).Shown; v == nil || v.Person == "" {
						t.Fatalf("%s is by nobody: %+v", b, v)
					}
				}
				author, trusted := tt.author, tt.trusted
				if !strings.Contains(author, "://") {
					author = "https://" + author
				}
				if trusted == "" {
					trusted = author
				}
				if _, err := w.mentions.Decide(t.Context(), "me", trusted, store.Trusted); err != nil {
					t.Fatal(err)
				}
				h, path := at(tt.source)
				h.says(path, signed(author, post))
				m := w.mention(w.receive("https://"+tt.source, post))
				if got := m.State == store.Approved; got != tt.want || !got && m.Why != site.WhyAuthor && m.Why != site.WhyPerson {
					t.Errorf("got %s (%s), want the trust of %s: %v", m.State, m.Why, trusted, tt.want)
				}
			})
		})
	}
}

// A profile that cannot be asked makes nobody of who was somebody: failures of the network change nothing.
func TestAuthorsStayWhileTheirProfileIsDown(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		about, blog := w.host("bea.example"), w.host("mag.example")
		about.says("/", `<a rel="me" href="https://elsewhere.example/">x</a>`)
		blog.says("/author/bea", `<a href="/1">x</a>`)
		blog.says("/1", signed("https://mag.example/author/bea", post))
		id := w.receive("https://mag.example/1", post)
		w.decide(w.approve, id)
		who := w.mention(id).Shown.Person
		blog.set("/author/bea", answer{status: 503})
		w.receive("https://mag.example/1", post)
		if got := w.mention(id).Shown.Person; got != who || who == "" {
			t.Errorf("it is by %q, and was by %q", got, who)
		}
		blog.says("/author/bea", "another page")
		w.receive("https://mag.example/1", post)
		if got := w.mention(id); got.Shown.Person != "" || got.State != store.Approved {
			t.Errorf("the profile knows nothing of it: %s by %q", got.State, got.Shown.Person)
		}
	})
}

// An author who is only an address has their page read once: for their name, and for whether
// they call the source theirs. While it is down they stay who they were, by name as well (TRAPS T-WR11).
func TestAnAuthorsPageIsReadOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		bea, blog := w.host("bea.example"), w.host("blog.example")
		bea.says("/", `<p class="h-card"><a class="p-name u-url u-uid" href="https://bea.example/">Bea</a> <a rel="me" href="https://blog.example/">x</a>`)
		says := func(text string) {
			blog.says("/1", `<p class="h-entry"><a class="u-author" href="https://bea.example/"></a><a class="u-in-reply-to" href="`+post+`"></a><b class="p-content">`+text)
		}
		says("first")
		id := w.receive("https://blog.example/1", post)
		m := w.mention(id)
		if n := len(w.web.Requests("bea.example")); n != 1 || m.Shown.Author.Name != "Bea" || m.Shown.Person == "" {
			t.Errorf("asked %d times, it is by %+v", n, m.Shown)
		}
		w.decide(w.approve, id)
		for _, down := range []answer{{status: 503}, {status: 429}} {
			bea.set("/", down)
			before := len(w.web.Requests("bea.example"))
			pass(time.Minute)
			w.receive("https://blog.example/1", post)
			got := w.mention(id)
			if n := len(w.web.Requests("bea.example")) - before; n != 1 || got.Shown.Digest != m.Shown.Digest || got.Shown.Person != m.Shown.Person {
				t.Errorf("%d: asked %d times, it is by %+v", down.status, n, got.Shown)
			}
		}
		says("second")
		w.receive("https://blog.example/1", post)
		w.wantTexts("trusted, while their page is down", post, "second")
	})
}

// HOSTILE 109: whoever is named by many pages is not asked for each.
func TestNamedProfilesAreNotFlooded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		w.host("victim.example").says("/", "nothing of it")
		for i := range 30 {
			h := fmt.Sprintf("evil%d.example", i)
			w.host(h).says("/1", signed("https://victim.example/", post))
			if _, err := w.send("https://"+h+"/1", post); err != nil {
				t.Fatal(err)
			}
		}
		pass(30 * time.Second)
		if n := len(w.web.Requests("victim.example")); n > 20 {
			t.Errorf("it was asked %d times in a minute", n)
		}
	})
}

// Two people that turn out to be one are one, with the more careful decision, and their mentions follow.
func TestPeopleAreMerged(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		old, now := w.host("old.example"), w.host("new.example")
		old.says("/1", signed("https://old.example/", post))
		now.says("/1", signed("https://new.example/", post))
		first, second := w.receive("https://old.example/1", post), w.receive("https://new.example/1", post)
		w.decide(w.approve, second)
		w.wantState("before", first, store.Pending)
		old.set("/", answer{status: 301, header: []string{"Location", "https://new.example/"}})
		now.says("/", "x")
		now.says("/2", signed("https://old.example/", post))
		third := w.receive("https://new.example/2", post)
		w.wantState("old", first, store.Approved)
		w.wantState("new", third, store.Approved)
		a, b, c := w.mention(first).Shown.Person, w.mention(second).Shown.Person, w.mention(third).Shown.Person
		if a != b || b != c || a == "" {
			t.Errorf("they are %q, %q, %q", a, b, c)
		}
		if _, err := w.mentions.Decide(t.Context(), "me", "old.example", store.Blocked); err != nil {
			t.Fatal(err)
		}
		w.wantTexts("blocked", post)
	})
}

// No two addresses that a stranger writes make a page somebody's on another host, or in another's home.
func FuzzNobodyProvesAnother(f *testing.F) {
	for _, seed := range [][2]string{
		{"https://bea.example/1", "https://bea.example/"}, {"https://tilde.example/~bea/../~eve", "https://tilde.example/~bea"},
		{"https://social.example/users/bea/1", "https://social.example/@Bea"}, {"https://evil.test/@bea.example", "https://bea.example"},
		{"https://bea.example:443/1", "http://bea.example:80/"}, {"https://[::1]:80/%2F..", "http://[::1]/"}, {"https://www.a/", "https://a/"},
		{"https://brid.gy/x", "https://github.com/bea"}, {"https://bea.example/a%2f..%2fb", "https://bea.example/a"}, {"https://x.example/?a", "https://x.example/?b#c"}, {"//Brid.gY/0", "https://githuB.Com"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, page, profile string) {
		a, err := url.Parse(page)
		if err != nil || a.Host == "" {
			return
		}
		b, err := url.Parse(profile)
		if err != nil || b.Host == "" {
			return
		}
		ids := site.Known(b)
		if len(ids) == 0 || strings.Contains(ids[0], "\x00") {
			t.Errorf("%q: known by %q", profile, ids)
		}
		if !site.Proven(a, b) || strings.Contains(strings.ToLower(a.Host), "brid") {
			return
		}
		bare := func(u *url.URL) string { return strings.TrimPrefix(strings.ToLower(u.Hostname()), "www.") }
		if isASCII(a.Host+b.Host) && strings.TrimRight(bare(a), ".") != strings.TrimRight(bare(b), ".") {
			t.Errorf("%s proves %s", page, profile)
		}
		if home := path.Clean("/" + b.Path); strings.HasPrefix(home, "/~") && !strings.HasPrefix(path.Clean("/"+a.Path), "/"+strings.Split(home, "/")[1]) {
			t.Errorf("%s proves %s", page, profile)
		}
	})
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }
