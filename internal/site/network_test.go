package site_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/syndicate"
	"tertulia/store"
)

// network is a network in memory, with an account of ours. It outlives the program.
type network struct {
	at  string // its address
	can syndicate.Abilities

	takes time.Duration // each answer
	dated bool          // the key of a post has its date in it

	mu      sync.Mutex
	posts   []*netPost
	calls   []string                     // what it was asked, in order
	fails   func(doing string) error     // before anything is done
	cuts    func(doing string) error     // after it was done
	answers map[string]syndicate.Answers // by id of the post
	look    map[string]error             // by id of the answer
	who     error
	knows   map[string]syndicate.Ref // by address
}

// netPost is a post on the network.
type netPost struct {
	key, text string
	ref       syndicate.Ref
	replyTo   syndicate.Ref
	gone      bool
	edits     int
	photos    []string
}

// netDown, netBusy and netClosed are what a network says that cannot be asked now.
var (
	netDown   = &syndicate.Error{Doing: "ask", Unclear: false}
	netClosed = &syndicate.Error{Doing: "ask", Status: 401, Login: true}
	netCut    = &syndicate.Error{Doing: "publish", Unclear: true}
)

func newNetwork(kind syndicate.Idempotency) *network {
	return &network{
		at: "https://net.example/", answers: map[string]syndicate.Answers{}, look: map[string]error{}, knows: map[string]syndicate.Ref{},
		can: syndicate.Abilities{Idempotency: kind, Photos: 4, Alt: true, Edit: true, Delete: true, Reply: true, Reactions: true, Poll: true},
	}
}

// on gives the site an account there.
func (n *network) on(uid string, kinds ...string) func(*site.Site) {
	return func(s *site.Site) {
		s.Accounts = append(s.Accounts, &site.Account{
			UID: uid, Name: "Net", Kind: "net", Network: n.at, User: "me", Default: kinds,
			Open: func(string, site.Keeping) syndicate.Target { return n },
		})
	}
}

func (n *network) asked(doing string) error {
	n.calls = append(n.calls, doing)
	if n.fails != nil {
		return n.fails(doing)
	}
	return nil
}

func (n *network) cut(doing string) error {
	if n.cuts != nil {
		return n.cuts(doing)
	}
	return nil
}

// count is how often the network was asked something; "" for anything.
func (n *network) count(doing string) (times int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.calls {
		if doing == "" || c == doing {
			times++
		}
	}
	return times
}

// there are the posts that people see.
func (n *network) there() (there []*netPost) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.posts {
		if !p.gone {
			there = append(there, p)
		}
	}
	return there
}

func (n *network) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
}

func (n *network) Who(context.Context) (syndicate.Author, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return syndicate.Author{Name: "Me", Handle: "me@net.example", URL: n.at + "@me"}, n.who
}

func (n *network) Abilities(context.Context) (syndicate.Abilities, error) { return n.can, nil }

func (n *network) find(key string) *netPost {
	if i := slices.IndexFunc(n.posts, func(p *netPost) bool { return p.key == key && !p.gone }); i >= 0 {
		return n.posts[i]
	}
	return nil
}

func (n *network) Publish(_ context.Context, p syndicate.Post) (syndicate.Ref, error) {
	n.mu.Lock()
	takes := n.takes
	n.mu.Unlock()
	time.Sleep(takes)
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.asked("publish"); err != nil {
		return syndicate.Ref{}, err
	}
	if n.dated {
		p.Key += p.Date.String()
	}
	if was := n.find(p.Key); was != nil && n.can.Idempotency == syndicate.NaturalKey {
		return was.ref, n.cut("publish")
	}
	id := fmt.Sprint(len(n.posts) + 1)
	made := &netPost{key: p.Key, text: p.Item.Get("content"), ref: syndicate.Ref{ID: id, URL: n.at + "@me/" + id}, replyTo: p.ReplyTo}
	for _, photo := range p.Photos {
		if file, err := photo.Open(1<<20, 2000); err == nil {
			made.photos = append(made.photos, photo.Alt)
			_ = file.Close()
		} else if !errors.Is(err, syndicate.ErrNoPicture) {
			return syndicate.Ref{}, err
		}
	}
	n.posts = append(n.posts, made)
	return made.ref, n.cut("publish")
}

func (n *network) Find(_ context.Context, p syndicate.Post) (syndicate.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.asked("find"); err != nil {
		return syndicate.Ref{}, err
	}
	if n.can.Idempotency == syndicate.None {
		return syndicate.Ref{}, syndicate.ErrUnsupported
	}
	if was := n.find(p.Key); was != nil {
		return was.ref, nil
	}
	return syndicate.Ref{}, fs.ErrNotExist
}

func (n *network) byID(id string) *netPost {
	if i := slices.IndexFunc(n.posts, func(p *netPost) bool { return p.ref.ID == id && !p.gone }); i >= 0 {
		return n.posts[i]
	}
	return nil
}

func (n *network) Update(_ context.Context, ref syndicate.Ref, p syndicate.Post) (syndicate.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.asked("update"); err != nil {
		return ref, err
	}
	was := n.byID(ref.ID)
	if was == nil {
		return ref, fs.ErrNotExist
	}
	was.text = p.Item.Get("content")
	was.edits++
	return ref, n.cut("update")
}

func (n *network) Delete(_ context.Context, ref syndicate.Ref) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.asked("delete"); err != nil {
		return err
	}
	if was := n.byID(ref.ID); was != nil {
		was.gone = true
	}
	return n.cut("delete")
}

func (n *network) Poll(_ context.Context, ref syndicate.Ref, _ string) (syndicate.Answers, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.asked("poll"); err != nil {
		return syndicate.Answers{}, err
	}
	if n.byID(ref.ID) == nil {
		return syndicate.Answers{}, fs.ErrNotExist
	}
	return n.answers[ref.ID], nil
}

func (n *network) Look(_ context.Context, ref syndicate.Ref) (syndicate.Answer, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, "look")
	return syndicate.Answer{Ref: ref}, n.look[ref.ID]
}

func (n *network) Resolve(_ context.Context, address string) (syndicate.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls = append(n.calls, "resolve")
	if ref, ok := n.knows[address]; ok {
		return ref, nil
	}
	return syndicate.Ref{}, fs.ErrNotExist
}

// copyOf is the copy of a post.
func (w *world) copyOf(permalink, uid string) (c store.Copy) {
	w.t.Helper()
	w.view(func(tx *store.Tx) (err error) {
		c, err = tx.Copy(permalink, uid)
		return err
	})
	return c
}

// wantCopy fails unless a copy stands where it should, and the network has what it should.
func (w *world) wantCopy(when, permalink, uid string, want store.CopyState, n *network, texts ...string) {
	w.t.Helper()
	if c := w.copyOf(permalink, uid); c.State != want {
		w.t.Errorf("%s: the copy is %s (%s), want %s", when, c.State, c.Note, want)
	}
	var got []string
	for _, p := range n.there() {
		got = append(got, p.text)
	}
	if strings.Join(got, "|") != strings.Join(texts, "|") {
		w.t.Errorf("%s: the network has %q, want %q", when, got, texts)
	}
}

// minutely does what the service does every minute, for so long.
func (w *world) minutely(long time.Duration) {
	w.t.Helper()
	for end := time.Now().Add(long); time.Now().Before(end); pass(time.Minute) {
		if err := w.jobs.NoticeAnswers(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	pass(time.Second)
}

// networks are the owner's side of the accounts.
func (w *world) networks() *site.Networks {
	return &site.Networks{Site: w.site, DB: w.db, Jobs: w.jobs}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
