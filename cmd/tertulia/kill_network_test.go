package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"tertulia/internal/leaktest"
	"tertulia/internal/syndicate/faketest"
	"tertulia/mf2"
	"tertulia/store"
)

// loudspeaker is the network that copies go to. It takes the first, and the connection is cut
// before it says so: whoever sends a second one is found out.
type loudspeaker struct {
	*faketest.Mastodon
	answers map[string]bool // their addresses
}

const networkToken = "the token of the account on the network"

func (n *loudspeaker) account() string { return "mastodon:ana@" + n.Host }

// amplify gives the site an account on a network, before the program starts.
func (w *world) amplify() {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.network = &loudspeaker{&faketest.Mastodon{Host: l.Addr().String(), Token: networkToken}, map[string]bool{}}
	door := &faketest.Door{Next: w.network}
	door.Break(faketest.Fault{Method: http.MethodPost, Path: "/api/v1/statuses", Cut: true})
	server := &http.Server{Handler: door}
	w.t.Cleanup(func() { server.Close() })
	go server.Serve(l)
	leaktest.Secret(networkToken)
	token := filepath.Join(w.t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(networkToken+"\n"), 0o600); err != nil {
		w.t.Fatal(err)
	}
	config, err := os.ReadFile(w.config())
	if err == nil {
		config = fmt.Appendf(config, "\n[[site.syndicate]]\nkind = \"mastodon\"\nserver = \"http://%s\"\nuser = \"ana\"\ntoken_file = %q\n", w.network.Host, token)
		err = os.WriteFile(w.config(), config, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// copiesOf are the copies of a post that are on the network.
func (n *loudspeaker) copiesOf(permalink string) (found []faketest.Status) {
	for _, s := range n.Statuses() {
		if permalink != "" && strings.Contains(s.Text, permalink) {
			found = append(found, s)
		}
	}
	return found
}

// answerCopy has somebody answer the copy of a post, once it is there.
func (w *world) answerCopy(p *sentPost) bool {
	w.drained()
	copies := w.network.copiesOf(p.at)
	if len(copies) == 0 {
		return false
	}
	s := w.network.Put(faketest.Status{ReplyTo: copies[0].ID, Visibility: "public", Content: "<p>Sí</p>", Account: faketest.Person("bea")})
	w.network.answers[s.URL] = true
	return true
}

// checkCopies takes from a post what it says of its copies, which nobody has sent.
func (w *world) checkCopies(p *sentPost, item mf2.Item) {
	if w.network == nil {
		return
	}
	says := item.URLs("syndication")
	delete(item.Properties, "syndication")
	if len(says) > 1 {
		w.complain("%s says that it has the copies %v", p.at, says)
	}
}

// checkNetwork compares what is on the network with what was posted: each post is there once, and
// says what it says in the end.
func (w *world) checkNetwork() {
	if w.network == nil {
		return
	}
	for _, p := range w.posts {
		if p.at == "" || p.draft() {
			continue
		}
		copies := w.network.copiesOf(p.at)
		want := map[bool]int{true: 0, false: 1}[p.may[0].deleted]
		if len(copies) != want {
			w.complain("%s is on the network %d times, want %d", p.at, len(copies), want)
		}
		for _, c := range copies {
			if !strings.Contains(c.Text, p.may[0].content) {
				w.complain("the copy of %s says %q, want %q", p.at, c.Text, p.may[0].content)
			}
			_, page := w.get(p.at)
			if !strings.Contains(page, c.URL) {
				w.complain("%s does not say that its copy is at %s", p.at, c.URL)
			}
		}
	}
	if all := w.network.All(); len(all) > len(w.posts)+len(w.network.answers) {
		w.complain("%d statuses were made of %d posts", len(all)-len(w.network.answers), len(w.posts))
	}
	for address := range w.network.answers {
		found := 0
		for _, m := range listOf[store.Mention](w.mortal, "mention", "list", "--limit", "1000000") {
			if m.Source == address {
				found++
			}
		}
		if found != 1 {
			w.complain("the answer %s waits %d times", address, found)
		}
	}
}

// checkAnswer knows the answers that were given.
func (w *world) checkAnswer(is store.Mention) {
	if w.network == nil || !w.network.answers[is.Source] {
		w.complain("%s is there, and nobody has answered so", is.Source)
	}
}
