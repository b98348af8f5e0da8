package site_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/publish"
	"tertulia/internal/site"
	"tertulia/micropub"
)

func choices(s *site.Site) {
	s.Channels = []micropub.Channel{{UID: "fotos", Name: "Fotos"}, {UID: "mar", Name: "El mar"}}
	s.Accounts = []*site.Account{{UID: "masto", Name: "Mastodon"}, {UID: "pixels", Name: "Pixelfed"}}
}

func commands(pairs ...string) map[string][]any {
	all := map[string][]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = append(all[pairs[i]], pairs[i+1])
	}
	return all
}

// MX-2, MX-16, MP-5: what a create or an update tells us to do is kept beside the post, in one
// way for both; what is not known is as good as none, and nothing of it is in the source.
func TestCommandsAreKeptBesideThePost(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{
			Item: entry("content", "x"), Digest: newDigest(),
			Commands: commands("mp-channel", "nowhere", "mp-channel", "mar", "mp-syndicate-to", "gone", "mp-syndicate-to", "masto"),
		})
		if err != nil {
			t.Fatal(err)
		}
		wantKept := func(when, channel string, revision int, targets ...string) {
			t.Helper()
			p := w.post(made.URL)
			if diff := cmp.Diff(targets, p.Syndicate); p.Channel != channel || diff != "" || p.Revision != revision {
				t.Errorf("%s: channel %q, revision %d, want %q, %d; targets (-want +got)\n%s", when, p.Channel, p.Revision, channel, revision, diff)
			}
			item, err := w.posts.Source(t.Context(), editor, made.URL)
			if _, shown := item.Properties["mp-channel"]; err != nil || shown || len(item.Properties) != 2 {
				t.Errorf("%s: the source is %v, %v", when, item, err)
			}
		}
		wantKept("created", "mar", 1, "masto")
		for _, c := range []struct {
			when, command, value string
			channel              string
			revision             int
			targets              []string
		}{
			{"an unknown channel", "mp-channel", "nowhere", "mar", 1, []string{"masto"}},
			{"the same channel", "mp-channel", "mar", "mar", 1, []string{"masto"}},
			{"another channel", "mp-channel", "fotos", "fotos", 2, []string{"masto"}},
			{"an unknown target", "mp-syndicate-to", "gone", "fotos", 2, []string{"masto"}},
			{"the same target", "mp-syndicate-to", "masto", "fotos", 2, []string{"masto"}},
			{"another target", "mp-syndicate-to", "pixels", "fotos", 3, []string{"masto", "pixels"}},
			{"a command that nobody knows", "mp-dance", "yes", "fotos", 3, []string{"masto", "pixels"}},
		} {
			if now, err := w.posts.Update(t.Context(), editor, made.URL, micropub.Update{Commands: commands(c.command, c.value)}); now != "" || err != nil {
				t.Errorf("%s: got %q, %v", c.when, now, err)
			}
			wantKept(c.when, c.channel, c.revision, c.targets...)
		}
		if p := w.post(made.URL); !p.Updated.IsZero() {
			t.Error("a post whose text is the same was updated")
		}
		w.remove(made.URL)
		if _, err := w.posts.Update(t.Context(), editor, made.URL, micropub.Update{Commands: commands("mp-channel", "mar")}); !refused(t, err) {
			t.Errorf("a deleted post: got %v", err)
		}
	}, choices)
}

// A channel's page and feed follow what is posted, moved, hidden and taken back.
func TestChannelsShowTheirPosts(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := func(text, channel string, more ...any) string {
			made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry(append([]any{"content", text}, more...)...), Digest: newDigest(), Commands: commands("mp-channel", channel)})
			if err != nil {
				t.Fatal(err)
			}
			return made.URL
		}
		post("a wave", "mar")
		moved := post("a sunset", "mar")
		post("a lamp", "nowhere")
		post("a shy wave", "mar", "visibility", "unlisted")
		post("a wave to come", "mar", "post-status", "draft")
		gone := post("a lost wave", "mar")
		w.remove(gone)
		w.update(moved, micropub.Update{Commands: commands("mp-channel", "fotos")})
		pass(time.Minute)
		for name, want := range map[string]string{"mar": "a wave", "fotos": "a sunset"} {
			for _, file := range []string{"index.html", "feed.xml"} {
				text := readFile(t, filepath.Join(w.root, name, file))
				if !strings.Contains(text, want) || strings.Count(text, "a wave")+strings.Count(text, "a sunset")+strings.Count(text, "a lamp")+strings.Count(text, "shy")+strings.Count(text, "lost")+strings.Count(text, "to come") != strings.Count(text, want) {
					t.Errorf("%s/%s is\n%s", name, file, text)
				}
			}
		}
		if home := readFile(t, filepath.Join(w.root, "index.html")); !strings.Contains(home, "a wave") || !strings.Contains(home, "a sunset") || !strings.Contains(home, "a lamp") {
			t.Errorf("the home page is\n%s", home)
		}
	}, choices)
}

// The page of a channel offers a picture's smaller copies, as the home page does.
func TestChannelsShowPictures(t *testing.T) {
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		address := w.upload(photo(t, 1000, 10))
		if _, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("photo", address), Digest: newDigest(), Commands: commands("mp-channel", "mar")}); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if text := readFile(t, filepath.Join(w.root, "mar", "index.html")); !strings.Contains(text, "srcset=") {
			t.Errorf("the page is\n%s", text)
		}
	}, choices)
}

// In a source the channel is in front matter and, where the settings say so, in the address;
// the address stays when the channel changes, and what the owner writes there counts.
func TestChannelsInTheSource(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		choices(w.site)
		preset, err := publish.NewPreset("hugo", w.site.Me(), publish.Overrides{Permalink: map[string]string{"": "{channel}/{slug}/"}})
		if err != nil {
			t.Fatal(err)
		}
		g.source.Preset = preset
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "A wave"), Digest: newDigest(), Commands: commands("mp-channel", "mar", "mp-slug", "wave")})
		if err != nil || made.URL != "https://me.example/mar/wave/" {
			t.Fatalf("got %+v, %v", made, err)
		}
		if none := w.create(entry("content", "A lamp"), "lamp"); none != "https://me.example/lamp/" {
			t.Errorf("in no channel: got %s", none)
		}
		pass(time.Minute)
		file := filepath.Join(dir, w.post(made.URL).File)
		says := func(when, want string) {
			t.Helper()
			if text := readFile(t, file); !strings.Contains(text, "channel: "+want+"\n") && !strings.Contains(text, "channel: \""+want+"\"\n") {
				t.Errorf("%s: the file is\n%s", when, text)
			}
		}
		says("new", "mar")
		w.update(made.URL, micropub.Update{Commands: commands("mp-channel", "fotos")})
		pass(time.Minute)
		says("moved", "fotos")
		w.wantPage("moved", made.URL, 200, "A wave")
		writeFile(t, file, strings.Replace(readFile(t, file), "fotos", "mar", 1))
		pass(11 * time.Minute)
		if p := w.post(made.URL); p.Channel != "mar" {
			t.Errorf("the owner has moved it: the post is in %q", p.Channel)
		}
		w.update(made.URL, micropub.Update{Replace: map[string][]any{"content": {"A large wave"}}})
		pass(time.Minute)
		says("after an update", "mar")
	})
}

// MX-26, T-MP17: a token for drafts changes nothing that is or was to be public, whatever the
// handler has seen before.
func TestATokenForDraftsKeepsToThem(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		g := micropub.Grant{Scopes: []string{"draft", "update", "delete", "undelete"}}
		edit := micropub.Update{Replace: map[string][]any{"content": {"changed"}}}
		date := time.Now().Add(48 * time.Hour).Format(time.RFC3339)
		public, soon, private := w.create(entry("content", "x")), w.create(entry("content", "x", "published", date)), w.create(entry("content", "x", "visibility", "private"))
		gone := w.create(entry("content", "x"))
		w.remove(gone)
		refusedAll := func(what, post string) {
			t.Helper()
			before := w.post(post).Revision
			_, errUpdate := w.posts.Update(t.Context(), g, post, edit)
			_, errCommand := w.posts.Update(t.Context(), g, post, micropub.Update{Commands: commands("mp-slug", "elsewhere")})
			errDelete := w.posts.Delete(t.Context(), g, post)
			_, errUndelete := w.posts.Undelete(t.Context(), g, post)
			for verb, err := range map[string]error{"update": errUpdate, "mp-slug": errCommand, "delete": errDelete, "undelete": errUndelete} {
				var e *micropub.Error
				if noop := verb == "undelete" && w.post(post).Deleted.IsZero() || verb == "delete" && !w.post(post).Deleted.IsZero(); noop {
					continue
				}
				if !errors.As(err, &e) || e.Code != micropub.InsufficientScope && !(e.Code == micropub.InvalidRequest && post == gone) {
					t.Errorf("%s, %s: got %v, want insufficient_scope", what, verb, err)
				}
			}
			if p := w.post(post); p.Revision != before || p.Item.Get("content") != "x" {
				t.Errorf("%s: it was changed: %+v", what, p)
			}
		}
		refusedAll("public", public)
		refusedAll("scheduled", soon)
		refusedAll("private", private)
		refusedAll("deleted", gone)
		draft := w.create(entry("content", "x", "post-status", "draft"))
		if _, err := w.posts.Update(t.Context(), g, draft, edit); err != nil || w.post(draft).Item.Get("content") != "changed" {
			t.Errorf("a draft: %v", err)
		}
		if _, err := w.posts.Update(t.Context(), g, draft, micropub.Update{Replace: map[string][]any{"post-status": {"published"}}}); err == nil || !w.post(draft).Draft {
			t.Errorf("published by an update: %v", err)
		}
		if err := w.posts.Delete(t.Context(), g, draft); err != nil {
			t.Error(err)
		}
		if _, err := w.posts.Undelete(t.Context(), g, draft); err != nil || !w.post(draft).Deleted.IsZero() {
			t.Errorf("brought back: %v", err)
		}
		w.makePublic(draft)
		if w.post(draft).Item.Get("content") != "changed" {
			t.Error("lost")
		}
		if _, err := w.posts.Update(t.Context(), g, draft, micropub.Update{Replace: map[string][]any{"content": {"x"}}}); err == nil {
			t.Error("a draft that was published meanwhile was changed")
		}
	}, rendering)
}
