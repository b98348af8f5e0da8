package exchange_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/exchange"
	"tertulia/internal/site"
	"tertulia/mf2"
)

var home = &url.URL{Scheme: "https", Host: "me.example", Path: "/"}

// write makes a file of some bytes.
func write(t testing.TB, data string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "export")
	if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// read gives what a file holds, and the error that it ends with.
func read(t testing.TB, kind, data string) (all []site.Foreign, source *exchange.Source, err error) {
	t.Helper()
	source, err = exchange.Open(kind, write(t, data), home)
	if err != nil {
		return nil, nil, err
	}
	for f, err := range source.All {
		if err != nil {
			return all, source, err
		}
		all = append(all, f)
	}
	return all, source, nil
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

const disqusFile = `<?xml version="1.0" encoding="utf-8"?>
<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<category dsq:id="1"><forum>blog</forum><title>General</title></category>
<thread dsq:id="10"><id>hola</id><forum>blog</forum><category dsq:id="1"/><link>https://me.example/hola/</link><title>Hola</title><createdAt>2015-01-01T00:00:00Z</createdAt><isDeleted>false</isDeleted></thread>
<post dsq:id="100"><message><![CDATA[<p>Uno &amp; dos</p>]]></message><createdAt>2015-01-02T03:04:05Z</createdAt><isDeleted>false</isDeleted><isSpam>false</isSpam><author><email>ana@example.com</email><name>Ana &ntilde;</name></author><thread dsq:id="10"/></post>
<post dsq:id="101"><message>Tres</message><createdAt>2015-01-03T03:04:05Z</createdAt><isDeleted>false</isDeleted><isSpam>true</isSpam><author><name>Bot</name></author><thread dsq:id="10"/><parent dsq:id="100"/></post>
</disqus>`

const wordpressFile = `<?xml version="1.0" encoding="UTF-8" ?>
<rss version="2.0" xmlns:wp="http://wordpress.org/export/1.2/" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Blog</title><link>https://me.example</link>
<item><title>Hola</title><link>https://me.example/hola/</link><content:encoded><![CDATA[Texto]]></content:encoded><wp:status><![CDATA[publish]]></wp:status>
<wp:comment><wp:comment_id>7</wp:comment_id><wp:comment_author><![CDATA[Bea]]></wp:comment_author><wp:comment_author_email>bea@example.com</wp:comment_author_email><wp:comment_author_url>https://bea.example</wp:comment_author_url><wp:comment_author_IP>192.0.2.1</wp:comment_author_IP><wp:comment_date_gmt><![CDATA[2014-05-06 07:08:09]]></wp:comment_date_gmt><wp:comment_content><![CDATA[Primera

Segunda]]></wp:comment_content><wp:comment_approved><![CDATA[1]]></wp:comment_approved><wp:comment_type><![CDATA[comment]]></wp:comment_type><wp:comment_parent>0</wp:comment_parent></wp:comment>
<wp:comment><wp:comment_id>8</wp:comment_id><wp:comment_author>Otro blog</wp:comment_author><wp:comment_author_url>https://otro.example/post</wp:comment_author_url><wp:comment_date_gmt>2014-05-07 07:08:09</wp:comment_date_gmt><wp:comment_content>[…] dice […]</wp:comment_content><wp:comment_approved>0</wp:comment_approved><wp:comment_type>pingback</wp:comment_type><wp:comment_parent>0</wp:comment_parent></wp:comment>
<wp:comment><wp:comment_id>9</wp:comment_id><wp:comment_approved>spam</wp:comment_approved><wp:comment_type/><wp:comment_parent>7</wp:comment_parent></wp:comment></item>
<item><title>Borrador</title><link>https://me.example/?p=2</link><wp:status>draft</wp:status><wp:comment><wp:comment_id>10</wp:comment_id><wp:comment_approved>1</wp:comment_approved></wp:comment></item>
</channel></rss>`

const issoFile = `[{"tid":1,"id":1,"parent":null,"created":1520000000.5,"mode":1,"remote_addr":"192.0.2.0","text":"Uno","author":"Ana","email":"a@b","website":"https://ana.example","uri":"/hola/"},
{"tid":1,"id":2,"parent":1,"created":1520000001.5,"mode":2,"text":"Dos","author":null,"website":null,"uri":"/hola/"},
{"tid":1,"id":3,"parent":1,"created":1520000002.5,"mode":4,"text":"","uri":"/hola/"}]`

const remarkFile = `{"version":1,"users":[],"posts":[]}
{"id":"a1","pid":"","text":"<p>Uno</p>","user":{"name":"Ana","id":"x","picture":"https://p.example/a.png","ip":"hash"},"locator":{"site":"s","url":"https://me.example/hola/"},"time":"2019-05-06T07:08:09.123-05:00"}
{"id":"b2","pid":"a1","text":"<p>Dos</p>","user":{"name":"Bea"},"locator":{"url":"https://me.example/hola/"},"time":"2019-05-06T07:09:09Z","delete":true}
`

const jf2File = `{"type":"feed","name":"Webmentions","children":[
{"type":"entry","author":{"type":"card","name":"Bea","photo":"","url":"https://bea.example/"},"url":"https://bea.example/2","published":null,"wm-received":"2020-01-02T00:00:00Z","wm-id":20,"wm-source":"https://bea.example/2","wm-target":"https://me.example/hola/","content":{"html":"<p>Dos</p>","text":"Dos"},"in-reply-to":"https://me.example/hola/","wm-property":"in-reply-to","wm-private":false,"wm-fragment":"c1"},
{"type":"entry","author":{"type":"card","name":"Ana","url":""},"url":"https://ana.example/1","wm-received":"2020-01-01T00:00:00Z","wm-id":10,"wm-source":"https://ana.example/1","wm-target":"https://me.example/hola/","rsvp":"yes","in-reply-to":"https://me.example/hola/","wm-property":"rsvp","wm-private":true},
{"type":"entry","url":"https://cleo.example/3","like-of":["https://other.example/","https://me.example/hola/"],"author":"https://cleo.example/"}
]}`

// Each system's file is known by what it holds, and gives the same responses each time; mail
// and network addresses of commenters are not among what is read.
func TestFilesOfOtherSystems(t *testing.T) {
	ana := mf2.Author{Name: "Ana"}
	const page = "https://me.example/hola/"
	for _, c := range []struct {
		kind, data string
		want       []site.Foreign
	}{
		{"disqus", disqusFile, []site.Foreign{
			{Type: "reply", Comment: "100", Target: page, HTML: "<p>Uno &amp; dos</p>", Published: "2015-01-02T03:04:05Z", Author: mf2.Author{Name: "Ana ñ"}},
			{Type: "reply", Comment: "101", Answers: "100", Target: page, HTML: "Tres", Published: "2015-01-03T03:04:05Z", Author: mf2.Author{Name: "Bot"}, Skip: "it is spam"},
		}},
		{"wordpress", wordpressFile, []site.Foreign{
			{Type: "reply", Comment: "7", Target: page, HTML: "<p>Primera</p>\n<p>Segunda</p>", Published: "2014-05-06T07:08:09Z", Author: mf2.Author{Name: "Bea", URL: "https://bea.example"}},
			{Type: "mention", Comment: "8", Source: "https://otro.example/post", Target: page, Name: "Otro blog", HTML: "<p>[…] dice […]</p>", Published: "2014-05-07T07:08:09Z", Waits: true},
			{Type: "reply", Comment: "9", Answers: "7", Target: page, Skip: "it is spam"},
			{Type: "reply", Comment: "10", Target: "https://me.example/?p=2", Skip: "its post is not public"},
		}},
		{"isso", issoFile, []site.Foreign{
			{Type: "reply", Comment: "1", Target: page, Text: "Uno", Published: "2018-03-02T14:13:20Z", Author: mf2.Author{Name: "Ana", URL: "https://ana.example"}},
			{Type: "reply", Comment: "2", Answers: "1", Target: page, Text: "Dos", Published: "2018-03-02T14:13:21Z", Waits: true},
			{Type: "reply", Comment: "3", Answers: "1", Target: page, Published: "2018-03-02T14:13:22Z", Skip: "it is deleted"},
		}},
		{"remark42", gzipped(remarkFile), []site.Foreign{
			{Type: "reply", Comment: "a1", Target: page, HTML: "<p>Uno</p>", Published: "2019-05-06T07:08:09.123-05:00", Author: mf2.Author{Name: "Ana", Photo: "https://p.example/a.png"}},
			{Type: "reply", Comment: "b2", Answers: "a1", Target: page, HTML: "<p>Dos</p>", Published: "2019-05-06T07:09:09Z", Author: mf2.Author{Name: "Bea"}, Skip: "it is deleted"},
		}},
		{"webmention.io", jf2File, []site.Foreign{
			{Type: "rsvp", RSVP: "yes", Number: 10, Source: "https://ana.example/1", URL: "https://ana.example/1", Target: page, Received: "2020-01-01T00:00:00Z", Author: ana, Skip: "it is private"},
			{Type: "reply", Number: 20, Source: "https://bea.example/2", URL: "https://bea.example/2", Target: page + "#c1", Received: "2020-01-02T00:00:00Z", HTML: "<p>Dos</p>", Text: "Dos", Author: mf2.Author{Name: "Bea", URL: "https://bea.example/"}},
			{Type: "like", Source: "https://cleo.example/3", URL: "https://cleo.example/3", Target: page, Author: mf2.Author{URL: "https://cleo.example/"}},
		}},
	} {
		for i := range c.want {
			if c.want[i].Comment != "" || c.want[i].Waits {
				c.want[i].Received = c.want[i].Published
			}
		}
		for _, kind := range []string{"", c.kind} {
			got, source, err := read(t, kind, c.data)
			if err != nil || source.Kind != c.kind {
				t.Fatalf("%s: %v, %+v", c.kind, err, source)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", c.kind, d)
			}
		}
	}
}

// What people have written about other systems does not make a file one of theirs.
func TestWhatIsSaidInAFileDoesNotSayWhatItIs(t *testing.T) {
	const said = "http://disqus.com wordpress.org/export &lt;disqus&gt;"
	for want, data := range map[string]string{
		"webmention.io": strings.Replace(jf2File, `"text":"Dos"`, `"text":"`+said+`"`, 1),
		"wordpress":     strings.Replace(wordpressFile, "Texto", said+"<disqus>", 1),
		"disqus":        strings.Replace(disqusFile, "Tres", said, 1),
		"remark42":      strings.Replace(remarkFile, "Uno", said, 1),
	} {
		for _, mark := range []string{"", "\ufeff"} {
			_, source, err := read(t, "", mark+data)
			if err != nil || source.Kind != want {
				t.Errorf("got %+v, %v, want %s", source, err, want)
			}
		}
	}
	if _, _, err := read(t, "", `<rss><channel><title>"mode"</title></channel></rss>`); !errors.Is(err, exchange.ErrKind) {
		t.Errorf("a feed: %v", err)
	}
}

// A file that wants to be large, deep, or another than it says costs little memory, and says
// what is wrong (HOSTILE, import).
func TestHostileFiles(t *testing.T) {
	open, shut := `<disqus xmlns="http://disqus.com">`, "</disqus>"
	laughs := `<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`
	long := strings.Repeat("x", 9<<20)
	for name, c := range map[string]struct{ kind, data, want string }{
		"billion laughs":      {"disqus", laughs + open + `<post dsq:id="1"><message>&c;</message></post>` + shut, "invalid character entity &c;"},
		"an outside entity":   {"disqus", `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + open + `<post><message>&x;</message></post>` + shut, "invalid character entity &x;"},
		"deep XML":            {"disqus", open + strings.Repeat("<a>", 100_000), "deep"},
		"deep containers":     {"wordpress", strings.Repeat("<rss>", 100_000), "deep"},
		"a long text":         {"disqus", open + "<post><message>" + long, "longer than"},
		"a long name":         {"disqus", open + "<" + long, "longer than"},
		"long outside":        {"disqus", long, "longer than"},
		"XML that ends":       {"disqus", open + "<post>", "ends too early"},
		"XML of UTF-16":       {"disqus", "\ufffe<\x00", ""},
		"JSON that ends":      {"jf2", `{"children":[{"wm-id":1},`, "ends too early"},
		"a long entry":        {"jf2", `{"children":[{"content":"` + long + `"}]}`, "longer than"},
		"deep JSON":           {"jf2", `{"children":[` + strings.Repeat(`[`, 200_000), "exceeded max depth"},
		"no feed":             {"jf2", `{"a":1}`, "no list of entries"},
		"a number":            {"jf2", `1`, "no list of entries"},
		"a gzip that ends":    {"remark42", gzipped(remarkFile)[:60], "ends too early"},
		"a bomb":              {"remark42", gzipped(`{"version":1}` + "\n" + `{"id":"` + long + `"}`), "longer than"},
		"nothing":             {"", "", "what system"},
		"a database":          {"", "SQLite format 3\x00 and more", "database"},
		"an unknown encoding": {"disqus", `<?xml version="1.0" encoding="x-klingon"?>` + open + shut, "unsupported charset"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err := read(t, c.kind, c.data)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if spent := int(after.TotalAlloc-before.TotalAlloc) - 3*len(c.data); spent > 64<<20 {
				t.Errorf("it has cost %d MiB", spent>>20)
			}
		})
	}
}

// Old exports are in old encodings, and hold what their encoding does not have.
func TestEncodings(t *testing.T) {
	latin := strings.Replace(disqusFile, "utf-8", "iso-8859-1", 1)
	latin = strings.Replace(latin, "Uno &amp; dos", "A\xf1o \x01nuevo", 1)
	broken := strings.Replace(disqusFile, "Uno &amp; dos", "A\xff\x0bo", 1)
	for data, want := range map[string]string{
		latin: "<p>Año  nuevo</p>", broken: "<p>A\ufffd o</p>", "\ufeff" + disqusFile: "<p>Uno &amp; dos</p>",
	} {
		got, _, err := read(t, "disqus", data)
		if err != nil || len(got) != 2 || got[0].HTML != want {
			t.Errorf("got %+v, %v, want %q", got, err, want)
		}
	}
}

// Values of the wrong type are none; an entry that is none costs itself alone.
func TestEntriesThatAreNone(t *testing.T) {
	got, _, err := read(t, "jf2", `[1,null,"x",{"type":"card"},{"wm-id":"7","wm-source":{"a":1},"author":[{"name":["Ana"]}],"content":["<b>"],"in-reply-to":[{"url":"https://me.example/a"}]},{"wm-id":-1},{"wm-id":1e300}]`)
	if err != nil || len(got) != 7 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i, skip := range []string{"it is no entry", "it is no entry", "it is no entry", "it is a card", "", "", ""} {
		if got[i].Skip != skip || got[i].Number != 0 {
			t.Errorf("%d: got %+v, want it skipped as %q", i, got[i], skip)
		}
	}
	if f := got[4]; f.Target != "https://me.example/a" || f.Text != "<b>" {
		t.Errorf("got %+v", f)
	}
}

// Twenty thousand entries in the wrong order come by their ids, in little memory.
func TestManyEntriesAreStreamed(t *testing.T) {
	const n = 20_000
	var b strings.Builder
	b.WriteString(`{"children":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"wm-id":%d,"wm-source":"https://a.example/%d","wm-target":"https://me.example/","content":{"text":"%s"}}`, n-i, i, strings.Repeat("x", 100))
	}
	b.WriteString("]}")
	file := write(t, b.String())
	source, err := exchange.Open("", file, home)
	if err != nil || source.Total != n {
		t.Fatalf("got %+v, %v", source, err)
	}
	last := uint64(0)
	var sent discard
	err = exchange.Send(&sent, func(yield func(site.Foreign, error) bool) {
		for f, err := range source.All {
			if f.Number != last+1 {
				t.Fatalf("after %d comes %d", last, f.Number)
			}
			if last = f.Number; !yield(f, err) {
				return
			}
		}
	}, nil)
	if err != nil || last != n || sent < n*100 {
		t.Errorf("got %d, %d bytes, %v", last, sent, err)
	}
}

type discard int

func (d *discard) Write(b []byte) (int, error) { *d += discard(len(b)); return len(b), nil }

func TestMoves(t *testing.T) {
	for _, bad := range []string{"", "a=b", "https://a.example", "x=https://a.example"} {
		if m, err := exchange.ParseMove(bad); err == nil {
			t.Errorf("%q: got %+v", bad, m)
		}
	}
	moves := []exchange.Move{{"http://old.example", "https://me.example"}, {"http://old.example/blog/", "https://me.example/"}}
	for from, want := range map[string]string{
		"http://old.example/a?b=c":   "https://me.example/a?b=c",
		"http://old.example/blog/x/": "https://me.example/x/",
		"http://old.example":         "https://me.example",
		"http://old.example.net/":    "http://old.example.net/",
	} {
		for f := range exchange.Moved(func(yield func(site.Foreign, error) bool) { yield(site.Foreign{Target: from}, nil) }, moves) {
			if f.Target != want {
				t.Errorf("%s: got %s, want %s", from, f.Target, want)
			}
		}
	}
}

// FuzzOpen reads whatever there is: it ends, does not panic, and what it gives can be handed over.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{disqusFile, wordpressFile, issoFile, remarkFile, gzipped(remarkFile), jf2File, "[{}]", `{"children":[{"wm-id":1}]}`, "<rss><channel><item>"} {
		f.Add("", s)
	}
	for _, kind := range exchange.Kinds() {
		f.Add(kind, "<a/>")
	}
	f.Fuzz(func(t *testing.T, kind, data string) {
		all, source, err := read(t, kind, data)
		if err == nil && source.Total > 0 && source.Total != len(all) {
			t.Errorf("%d were promised, %d came", source.Total, len(all))
		}
		if err != nil && errors.Is(err, exchange.ErrKind) && len(all) > 0 {
			t.Error("it is of no kind and holds something")
		}
		for _, one := range all {
			raw, err := json.Marshal(one)
			var again site.Foreign
			if err == nil {
				err = json.Unmarshal(raw, &again)
			}
			if err != nil {
				t.Errorf("%+v cannot be handed over: %v", one, err)
			}
		}
	})
}
