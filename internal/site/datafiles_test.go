package site_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// talking writes conversations into the source, at once; talkingDaily once a day.
func talking(s *site.Site) { s.Data = "data/conversation" }

func talkingDaily(s *site.Site) { talking(s); daily(s) }

// notice is what the service does every minute.
func (w *world) notice() {
	w.t.Helper()
	if err := w.jobs.NoticeTalk(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	pass(time.Minute)
}

// talkOf is the file of a conversation, "" when there is none.
func talkOf(t *testing.T, dir, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "data/conversation", name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(data)
}

// What readers see of a conversation lies in the source, page by page; what waits does not,
// and what is gone goes from there as well. Nothing is written while nothing changes.
func TestConversationsLieInTheSource(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		waits := foreign(3, one, "Espera")
		waits.Waits = true
		w.take(false, foreign(1, one, "Primera"), foreign(2, two, "Segunda"), waits)
		writes, builds := len(g.written()), g.builds.Load()
		w.notice()
		for file, want := range map[string]string{"notes/uno.json": "Primera", "notes/dos.json": "Segunda"} {
			if text := talkOf(t, dir, file); !strings.Contains(text, want) || strings.Contains(text, "Espera") || !strings.HasPrefix(text, `{"tertulia":1,"page":"https://me.example/notes/`) {
				t.Errorf("%s: got %q", file, text)
			}
		}
		if got := strings.Join(g.written()[writes:], "; "); got != "update 2 conversations" || g.builds.Load() != builds+1 {
			t.Errorf("wrote %q, built %d times", got, g.builds.Load()-builds)
		}
		writes = len(g.written())
		for range 3 {
			w.notice()
		}
		w.restart()
		w.notice()
		if len(g.written()) != writes || g.builds.Load() != builds+1 {
			t.Errorf("nothing has changed, and %q", g.written()[writes:])
		}
		if err := w.mentions.Reject(t.Context(), "me", w.idOf(one, "https://bea.example/1")); err != nil {
			t.Fatal(err)
		}
		w.notice()
		if text := talkOf(t, dir, "notes/uno.json"); text != "" {
			t.Errorf("what was rejected is there: %s", text)
		}
		w.remove(two)
		w.notice()
		if text := talkOf(t, dir, "notes/dos.json"); text != "" {
			t.Errorf("the page has gone, its conversation is there: %s", text)
		}
	}, talking)
}

// Where the endpoints are, pictures and comments are: when they move, so do the addresses of these
// in every file.
func TestConversationsFollowTheEndpoints(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one := w.create(entry("content", "Uno"), "uno")
		pass(time.Minute)
		c := w.commenting()
		said := leave(t, c, draft(t, c, one, "Aquí"))
		w.notice()
		if text := talkOf(t, dir, "notes/uno.json"); !strings.Contains(text, said.Permalink) {
			t.Fatalf("got %q", text)
		}
		w.site.Base = "https://talk.example/me.example/"
		w.notice()
		if text := talkOf(t, dir, "notes/uno.json"); !strings.Contains(text, w.site.Base+"comment/"+said.ID) || strings.Contains(text, said.Permalink) {
			t.Errorf("got %q", text)
		}
	}, talking, approve(site.ApproveNone))
}

// They cost one commit and one deploy a day, and go along with whatever is deployed before,
// write-backs with the same commit (SITES 3).
func TestConversationsGoWithTheBatch(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one := w.create(entry("content", "Uno"), "uno")
		pass(time.Minute)
		w.take(false, foreign(1, one, "Primera"))
		w.notice()
		pass(20 * time.Hour)
		w.take(false, foreign(2, one, "Segunda"))
		w.notice()
		if text := talkOf(t, dir, "notes/uno.json"); text != "" {
			t.Errorf("a day has not passed: %s", text)
		}
		writes, builds := len(g.written()), g.builds.Load()
		w.writeBack(one, copyOne)
		pass(5 * time.Hour)
		if text := talkOf(t, dir, "notes/uno.json"); !strings.Contains(text, "Primera") || !strings.Contains(text, "Segunda") {
			t.Errorf("after a day: %s", text)
		}
		if got := strings.Join(g.written()[writes:], "; "); strings.Count(got, ";") != 0 || g.builds.Load() != builds+1 {
			t.Errorf("wrote %q, built %d times; want one of each", got, g.builds.Load()-builds)
		}
		w.take(false, foreign(3, one, "Tercera"))
		w.notice()
		w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		if text := talkOf(t, dir, "notes/uno.json"); !strings.Contains(text, "Tercera") {
			t.Errorf("a new post has not taken it along: %s", text)
		}
	}, talkingDaily)
}

// A file of the owner's is not written over, a source that is away costs nothing, and
// another directory takes all of them.
func TestConversationsMindTheOwner(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		writeFile(t, filepath.Join(dir, "data/conversation/notes/uno.json"), `{"mine":true}`)
		w.take(false, foreign(1, one, "Primera"), foreign(2, two, "Segunda"))
		if err := os.Rename(dir, dir+".away"); err != nil {
			t.Fatal(err)
		}
		w.notice()
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		pass(time.Hour)
		if text := talkOf(t, dir, "notes/uno.json"); text != `{"mine":true}` {
			t.Errorf("the owner's file is %q", text)
		}
		if text := talkOf(t, dir, "notes/dos.json"); !strings.Contains(text, "Segunda") {
			t.Errorf("got %q", text)
		}
		w.site.Data = "data/talk"
		w.notice()
		if text := talkOf(t, dir, "notes/dos.json"); text != "" {
			t.Errorf("the old directory still has %q", text)
		}
		if text := talkOf(t, dir, "../talk/notes/dos.json"); !strings.Contains(text, "Segunda") {
			t.Errorf("the new directory has %q", text)
		}
	}, talking)
}

// Names of files follow from addresses, whatever these hold, and no two pages share one.
func TestNamesOfConversations(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		seen := map[string]string{}
		for _, address := range []string{"/", "/index/", "/hola/", "/hola.html", "/hola", "/a/b/", "/a-b/", "/año/", "/.git/config", "/../../etc/passwd", "/?p=1", "/?p=2", "/%2e%2e/x", "/con tres", "/" + strings.Repeat("x", 2000)} {
			name, _, err := w.talk.Data(t.Context(), "https://me.example"+address)
			if err != nil || !filepath.IsLocal(name) || strings.Contains("/"+name, "/.") || len(name) > 210 || !strings.HasSuffix(name, ".json") {
				t.Errorf("%s: got %q, %v", address, name, err)
			}
			if other := seen[name]; other != "" && strings.Trim(other, "/") != strings.Trim(address, "/") {
				t.Errorf("%s and %s are both %s", other, address, name)
			}
			seen[name] = address
		}
		for name, address := range map[string]string{"index.json": "/", "a/b.json": "/a/b/", "año.json": "/año/"} {
			if seen[name] != address {
				t.Errorf("%s is of %q, want %q", name, seen[name], address)
			}
		}
	}, elsewhere)
}

// The file of a page that was merged into another goes.
func TestConversationsOfMergedPages(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one := w.create(entry("content", "Uno"), "uno")
		pass(time.Minute)
		w.take(false, foreign(1, one, "Primera"))
		w.notice()
		err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			folded, _ := w.site.Fold(parse(t, one))
			old, err := tx.PageAt(folded)
			if err != nil {
				return err
			}
			now := store.Page{ID: store.NewID(tx.Now), URL: "https://me.example/notes/otra/", Found: true, Created: tx.Now}
			if err := tx.PutPage(now, "/notes/otra"); err != nil {
				return err
			}
			if err := tx.Merge(old.ID, now.ID); err != nil {
				return err
			}
			_, err = tx.MoveMentions(old.ID, 10)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.notice()
		var names []string
		_ = filepath.WalkDir(filepath.Join(dir, "data"), func(name string, d os.DirEntry, _ error) error {
			if !d.IsDir() {
				names = append(names, filepath.Base(name))
			}
			return nil
		})
		if !slices.Equal(names, []string{"otra.json"}) {
			t.Errorf("got %q", names)
		}
	}, talking)
}

// Who is erased is gone from the source with the next minute, however long a batch collects.
func TestTheErasedLeaveTheSourceAtOnce(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		stays := foreign(3, one, "Tercera")
		stays.Source, stays.Author = "https://dora.example/1", mf2.Author{Name: "Dora", URL: "https://dora.example/"}
		w.take(false, foreign(1, one, "Primera"), foreign(2, two, "Segunda"), stays)
		w.notice()
		pass(25 * time.Hour)
		if text := talkOf(t, dir, "notes/uno.json"); !strings.Contains(text, "Primera") {
			t.Fatalf("got %q", text)
		}
		w.take(false, foreign(4, one, "Cuarta"))
		w.notice() // and so a batch waits already
		writes, builds := len(g.written()), g.builds.Load()
		w.erase(site.Erasable{Domain: "bea.example"})
		pass(time.Minute)
		if text := talkOf(t, dir, "notes/uno.json"); strings.Contains(text, "bea.example") || !strings.Contains(text, "Tercera") {
			t.Errorf("got %q", text)
		}
		if text := talkOf(t, dir, "notes/dos.json"); text != "" {
			t.Errorf("nobody has said anything else there: %q", text)
		}
		if got := g.written()[writes:]; len(got) != 1 || g.builds.Load() != builds+1 {
			t.Errorf("wrote %q, built %d times; want one of each", got, g.builds.Load()-builds)
		}
		w.erase(site.Erasable{Domain: "bea.example"})
		pass(25 * time.Hour)
		if got := g.written()[writes:]; len(got) != 1 {
			t.Errorf("again: wrote %q", got)
		}
	}, talkingDaily)
}

// Whoever wants no files any more has none: those of the owner's stay, and all come back when
// they are wanted again.
func TestConversationsNoMore(t *testing.T) {
	inSource(t, func(t *testing.T, w *world, g *generator, dir string) {
		one, two := w.create(entry("content", "Uno"), "uno"), w.create(entry("content", "Dos"), "dos")
		pass(time.Minute)
		w.take(false, foreign(1, one, "Primera"), foreign(2, two, "Segunda"))
		w.notice()
		writeFile(t, filepath.Join(dir, "data/conversation/notes/dos.json"), `{"mine":true}`)
		w.site.Data = ""
		writes := len(g.written())
		for range 3 {
			w.notice()
		}
		if text := talkOf(t, dir, "notes/uno.json"); text != "" {
			t.Errorf("it is there: %s", text)
		}
		if text := talkOf(t, dir, "notes/dos.json"); text != `{"mine":true}` {
			t.Errorf("the owner's file is %q", text)
		}
		w.take(false, foreign(3, two, "Tercera"))
		w.notice()
		if got := g.written()[writes:]; len(got) != 1 {
			t.Errorf("wrote %q", got)
		}
		w.site.Data = "data/conversation"
		w.notice()
		if text := talkOf(t, dir, "notes/uno.json"); !strings.Contains(text, "Primera") {
			t.Errorf("it is wanted again: %q", text)
		}
	}, talking)
}
