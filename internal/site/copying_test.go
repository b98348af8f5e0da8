package site_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/internal/syndicate"
	"tertulia/micropub"
	"tertulia/store"
)

// Without a word about copies a post goes where its kind goes by default; a word, and be it none,
// counts more. Old posts that are brought along, unlisted and private ones are no news.
func TestCopiesByDefault(t *testing.T) {
	n := newNetwork(syndicate.Look)
	inWorld(t, func(t *testing.T, w *world) {
		create := func(commands map[string][]any, pairs ...any) store.Post {
			made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry(pairs...), Digest: newDigest(), Commands: commands})
			must(t, err)
			return w.post(made.URL)
		}
		for _, c := range []struct {
			name     string
			commands map[string][]any
			item     []any
			want     string
		}{
			{"a note", nil, []any{"content", "x"}, "notes all"},
			{"an article", nil, []any{"content", "x", "name", "Name"}, "all"},
			{"a reply", nil, []any{"content", "x", "in-reply-to", "https://ana.example/"}, ""},
			{"none, said so", map[string][]any{"mp-syndicate-to": {}}, []any{"content", "x"}, ""},
			{"an empty field", map[string][]any{"mp-syndicate-to": {""}}, []any{"content", "x"}, ""},
			{"one of them", map[string][]any{"mp-syndicate-to": {"all"}}, []any{"content", "x"}, "all"},
			{"an old one", nil, []any{"content", "x", "published", "1999-01-01T00:00:00Z"}, ""},
			{"an old one, chosen", map[string][]any{"mp-syndicate-to": {"all"}}, []any{"content", "x", "published", "1998-01-01T00:00:00Z"}, "all"},
			{"unlisted", nil, []any{"content", "x", "visibility", "unlisted"}, ""},
			{"a draft", nil, []any{"content", "x", "post-status", "draft"}, "notes all"},
		} {
			if got := strings.Join(create(c.commands, c.item...).Syndicate, " "); got != c.want {
				t.Errorf("%s: goes to %q, want %q", c.name, got, c.want)
			}
		}
		pass(time.Minute)
		if got := len(n.there()); got != 5 {
			t.Errorf("%d copies are there, want 5: nothing of a draft", got)
		}
		targets, err := w.posts.SyndicateTo(t.Context())
		if err != nil || len(targets) != 2 || targets[0].Service.Name != "net" || targets[0].Service.URL != n.at || targets[0].User.Name != "me" {
			t.Errorf("editors are offered %+v, %v", targets, err)
		}
	}, n.on("notes", "note"), n.on("all", "all"))
}

// A post that moves keeps its copies.
func TestACopyMovesWithItsPost(t *testing.T) {
	n := newNetwork(syndicate.Look)
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola", net)
		pass(time.Minute)
		now, err := w.posts.Update(t.Context(), editor, post, micropub.Update{Commands: map[string][]any{"mp-slug": {"elsewhere"}}})
		must(t, err)
		pass(time.Minute)
		w.wantCopy("moved", now, net, store.CopyPublished, n, "Hola")
		if there := n.there(); there[0].edits != 1 {
			t.Error("the copy does not lead to the new address")
		}
		w.remove(now)
		pass(time.Minute)
		w.wantCopy("deleted", now, net, store.CopyDeleted, n)
	}, n.on(net))
}

// A network without a door: the owner posts what was prepared, and says where.
func TestAPreparedTextIsTheOwnersToPost(t *testing.T) {
	door := func(s *site.Site) {
		s.Accounts = []*site.Account{{UID: "x", Name: "X", Kind: "x", ByHand: true}}
	}
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola", "x")
		pass(time.Minute)
		all, err := w.networks().Attention(t.Context(), 10)
		if err != nil || len(all) != 1 || all[0].Text != "Hola\n\n"+post || !strings.HasPrefix(all[0].Composer, "https://x.com/intent/post?text=Hola") || all[0].Title != "Hola" {
			t.Fatalf("the owner sees %+v %v", all, err)
		}
		w.update(post, saying("Adiós"))
		pass(time.Minute)
		if c := w.copyOf(post, "x"); c.Text != "Adiós\n\n"+post || c.State != store.CopyPrepared {
			t.Errorf("after an update: %+v", c)
		}
		for _, bad := range []string{"", "nowhere", "javascript:alert(1)", "ftp://x.example/1"} {
			if err := w.networks().Found(t.Context(), post, "x", bad); err == nil {
				t.Errorf("%q is taken for the address of a copy", bad)
			}
		}
		must(t, w.networks().Found(t.Context(), post, "x", " https://x.example/me/1 "))
		pass(time.Minute)
		w.wantCopies("posted", post, "https://x.example/me/1")
		if jobs := w.jobList(); len(jobs) > 0 {
			t.Errorf("left: %+v", jobs)
		}
		w.remove(post)
		pass(time.Minute)
		if c := w.copyOf(post, "x"); c.State != store.CopyUnclear || !strings.Contains(c.Note, "https://x.example/me/1") {
			t.Errorf("after its post has gone: %+v, want the owner told", c)
		}
	}, door)
}

// A restore never sends a copy a second time (HOSTILE F16): what waited when the backup was made
// may be out, so the network is asked first. Here the copy was published after the backup.
func TestWhatMayBeOutIsLookedForFirst(t *testing.T) {
	n := newNetwork(syndicate.Look)
	n.fails = func(string) error { return netDown }
	inWorld(t, func(t *testing.T, w *world) {
		post := w.chosen("Hola", net)
		pass(time.Minute)
		n.set(func() {
			n.fails = nil
			n.posts = append(n.posts, &netPost{key: w.copyOf(post, net).Key, text: "Hola", ref: syndicate.Ref{ID: "1", URL: "https://net.example/@me/1"}})
		})
		must(t, w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			c, err := tx.Copy(post, net)
			c.Begun = c.Since
			return cmp.Or(err, tx.PutCopy(c))
		}))
		pass(time.Hour)
		w.wantCopy("in the end", post, net, store.CopyPublished, n, "Hola")
	}, n.on(net))
}
