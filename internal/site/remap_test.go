package site_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

func (w *world) pages() *site.Pages {
	return &site.Pages{Site: w.site, DB: w.db, Own: w.jobs.Own}
}

func (w *world) remap(old, now string, how site.Remap) []site.Remapped {
	w.t.Helper()
	done, err := w.pages().Remap(w.t.Context(), old, now, how)
	if err != nil {
		w.t.Fatalf("remap %s %s: %v", old, now, err)
	}
	return done
}

// A conversation goes to the new address, and what is sent to the old one follows.
func TestRemapMovesAConversation(t *testing.T) {
	for name, serves := range map[string]func(*site.Site){"served here": func(*site.Site) {}, "elsewhere": elsewhere} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				const old, now, empty = "https://me.example/old/", "https://me.example/new/", "https://me.example/empty/"
				bea := w.host("bea.example")
				w.file("old/index.html")
				w.file("new/index.html")
				for i, target := range []string{old, old, now} {
					at := fmt.Sprint("/", i)
					bea.says(at, replyTo(target, at))
					w.receive("https://bea.example"+at, target)
				}
				want := site.Remapped{Old: old, New: now, Mentions: 2}
				if got := w.remap(old, now, site.Remap{Dry: true}); len(got) != 1 || got[0] != want {
					t.Errorf("what would happen: %+v, want %+v", got, want)
				}
				w.wantOne("not yet", old, 2)
				if got := w.remap("http://www.me.example/old", now, site.Remap{By: "me"}); len(got) != 1 || got[0] != want {
					t.Errorf("got %+v, want %+v", got, want)
				}
				w.wantOne("remapped", now, 3, old)
				bea.says("/3", replyTo(old, "/3"))
				w.receive("https://bea.example/3", old)
				w.wantOne("sent to the old address", now, 4, old)

				w.remap(empty, now, site.Remap{}) // nobody had mentioned it
				bea.says("/4", replyTo(empty, "/4"))
				w.receive("https://bea.example/4", empty)
				w.wantOne("sent to an address that was never mentioned", now, 5, old, empty)
				w.restart()

				// The other way round it comes back, whole.
				w.remap(now, old, site.Remap{})
				w.wantOne("back again", old, 5, now, empty)
				w.file("newest/index.html")
				w.remap(old, "https://me.example/newest/", site.Remap{})
				w.wantOne("on and on", "https://me.example/newest/", 5, old, now, empty)
				w.view(func(tx *store.Tx) error {
					all, err := tx.Decisions()
					if err != nil || len(all) != 4 || all[0].Action != "remap" || all[0].By != "me" || all[0].Subject != old || all[0].Note != "to "+now {
						t.Errorf("the decisions are %+v, %v", all, err)
					}
					return nil
				})
			}, serves, approve(site.ApproveNone))
		})
	}
}

func TestRemapRefusesWhatItCannotDo(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.file("new/index.html")
		w.file("old/index.html")
		post := w.create(entry("content", "hello"))
		draft := w.create(entry("content", "hidden", "post-status", "draft"))
		gone := w.create(entry("content", "gone"))
		w.receive("https://bea.example/1", "https://me.example/old/")
		pass(time.Second)
		w.remove(gone)
		pass(time.Second)
		w.remap(gone, "https://me.example/new/", site.Remap{})
		for _, tt := range []struct {
			old, now string
			want     error
		}{
			{"https://other.example/", "https://me.example/new/", site.ErrStays},
			{"https://me.example/old/", "https://other.example/", site.ErrStays},
			{"https://me.example/old/", "https://me.example/nowhere/", fs.ErrNotExist},
			{"https://me.example/old/", draft, fs.ErrNotExist},
			{"https://me.example/old/", "https://me.example/old", site.ErrStays},
			{post, "https://me.example/new/", site.ErrStays},
			{gone, "https://me.example/old/", site.ErrStays}, // it is only a former address by now
		} {
			if _, err := w.pages().Remap(t.Context(), tt.old, tt.now, site.Remap{}); !errors.Is(err, tt.want) {
				t.Errorf("remap %s %s: got %v, want %v", tt.old, tt.now, err, tt.want)
			}
		}
		if done := w.remap("https://me.example/old/", post, site.Remap{}); done[0].New != post {
			t.Errorf("to a post: %+v", done)
		}
	})
}

// A tree moves page by page; what is not at its new place stays, and says so.
func TestRemapMovesATree(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		bea := w.host("bea.example")
		for _, path := range []string{"/blog", "/blog/a", "/blog/b", "/blog/2026/c", "/blogger"} {
			w.file(path + "/index.html")
			target := "https://me.example" + path + "/"
			bea.says(path, replyTo(target, path))
			w.receive("https://bea.example"+path, target)
		}
		for _, path := range []string{"/blog/2026", "/blog/2026/a"} {
			w.file(path + "/index.html")
		}
		const old, now = "https://me.example/blog/", "https://me.example/blog/2026/"
		for range 2 {
			got := w.remap(old, now, site.Remap{Prefix: true, Dry: true})
			if len(got) != 3 || got[0].New != now || got[1].New != now+"a/" || got[1].Mentions != 1 || got[2].Problem == "" || got[2].New != now+"b/" {
				t.Errorf("what would happen: %+v", got)
			}
		}
		w.remap(old, now, site.Remap{Prefix: true})
		w.wantOne("the tree's own page", now, 1, old)
		w.wantOne("moved", now+"a/", 1, old+"a/")
		w.wantOne("not there", old+"b/", 1)
		w.wantOne("in the new tree already", now+"c/", 1)
		w.wantOne("beside the tree", "https://me.example/blogger/", 1)
		if got := w.remap(old, now, site.Remap{Prefix: true}); len(got) != 1 || got[0].Problem == "" {
			t.Errorf("the second time: %+v", got)
		}
	}, approve(site.ApproveNone))
}
