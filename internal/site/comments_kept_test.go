package site_test

import (
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"tertulia/internal/site"
	"tertulia/store"
)

// Pages that turn out to be one have one conversation, comments included: what was said on both
// by one name is shown once, and found at both permalinks.
func TestCommentsFollowTheirPage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const old, now = "https://me.example/old/", "https://me.example/new/"
		w.file("old/index.html")
		w.file("new/index.html")
		c := w.commenting()
		first := leave(t, c, draft(t, c, old, "First!"))
		d := draft(t, c, old, "An answer")
		d.Answer = first.ID
		answer, twin := leave(t, c, d), leave(t, c, draft(t, c, now, "First!"))
		w.remap(old, now, site.Remap{By: "me"})
		w.wantTexts("merged", now, "First!", "An answer")
		for _, id := range []string{first.ID, twin.ID} {
			if shown, err := c.Comment(t.Context(), id); err != nil || shown.Page != now || shown.Text != "First!" {
				t.Errorf("%s: got %+v, %v", id, shown, err)
			}
		}
		view, err := w.talk.Of(t.Context(), old)
		if err != nil || len(view.Responses) != 2 || view.Responses[1].ID != answer.ID || view.Responses[1].Parent != view.Responses[0].ID {
			t.Errorf("got %+v, %v", view.Responses, err)
		}
		if again := leave(t, c, draft(t, c, now, "First!")); again.ID != view.Responses[0].ID {
			t.Errorf("said again it is %s", again.ID)
		}
	}, approve(site.ApproveNone))
}

// Endpoints move when the service gets a host of its own, or stands in front of the site: comments
// are found where they are then.
func TestCommentsMoveWithTheEndpoints(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		first := leave(t, c, draft(t, c, page, "First!"))
		d := draft(t, c, page, "An answer")
		d.Answer = first.ID
		leave(t, c, d)
		w.site.Base = "https://talk.example/me.example/"
		at := w.site.Base + "comment/" + first.ID
		view, err := w.talk.Of(t.Context(), page)
		if err != nil || len(view.Responses) != 2 || view.Responses[1].Parent != first.ID {
			t.Fatalf("got %+v, %v", view.Responses, err)
		}
		r := view.Responses[0]
		if said := r.JF2(); r.Source != at || r.URL != at || r.Host != "talk.example" || said.WMSource != at || said.URL != at {
			t.Errorf("got %+v", r)
		}
		if shown, err := c.Comment(t.Context(), first.ID); err != nil || shown.URL != at || shown.Source != at {
			t.Errorf("its permalink: got %+v, %v", shown, err)
		}
		if err := w.mentions.Delete(t.Context(), "me", view.Responses[1].ID); err != nil {
			t.Fatal(err)
		}
		gone, err := w.talk.Deleted(t.Context(), site.Query{Everything: true})
		if err != nil || len(gone.Children) != 1 || gone.Children[0].WMSource != view.Responses[1].Source {
			t.Errorf("deleted: got %+v, %v", gone, err)
		}
		erasing := &site.Erasing{Site: w.site, DB: w.db, Jobs: w.jobs}
		if done, err := erasing.Erase(t.Context(), "me", site.Erasable{Source: at}, false); err != nil || done.Mentions != 1 {
			t.Errorf("erased: %+v, %v", done, err)
		}
		w.wantTexts("erased", page)
	}, approve(site.ApproveNone))
}

// Who is erased has left no comments either, and none that names their site.
func TestErasedComments(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		d := draft(t, c, page, "First!")
		d.Site = "https://blog.caro.example/"
		gone := leave(t, c, d)
		d.Site, d.Text = "", "Second"
		leave(t, c, d)
		if done, err := w.db.Erase(t.Context(), w.site.Key, store.EraseOrder{What: []store.Erased{{Kind: store.ErasedHost, Value: "caro.example"}}}); err != nil || done.Mentions != 1 {
			t.Errorf("erased: %+v, %v", done, err)
		}
		w.wantTexts("erased", page, "Second")
		if _, err := c.Comment(t.Context(), gone.ID); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("its permalink: %v", err)
		}
		d.Site, d.Text = "caro.example", "Third"
		var unfit *site.Unfit
		if _, err := c.Leave(t.Context(), d, visitor); !errors.As(err, &unfit) || unfit.Why != "erased" {
			t.Errorf("said again: %v", err)
		}
	}, approve(site.ApproveNone))
}

// Whatever is typed, what is kept of it is text that can be seen, of lines that can be read,
// cleaned once and for all.
func FuzzComments(f *testing.F) {
	f.Add("Caro", "caro.example", "Hello\r\n\r\n\r\nthere https://x.example/?a=b&c")
	f.Add("\u202eCaro\u0000", "https://me.example@evil.example/", "a\u2028b\u2029c\u0300\u0300\u0300\u0300\u0300\u0300")
	f.Add(strings.Repeat("ñ", 101), "javascript:alert(1)", "\u200b")
	f.Add("n\u0303", "http://xn--", "\xff\xfe\n\t\n\v\n")
	f.Fuzz(func(t *testing.T, name, address, text string) {
		d, err := site.Cleaned(site.Draft{Name: name, Site: address, Text: text})
		if err != nil {
			var unfit *site.Unfit
			if !errors.As(err, &unfit) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if d.Text == "" || utf8.RuneCountInString(d.Text) > site.MaxCommentText || strings.Contains(d.Text, "\n\n\n") || strings.Trim(d.Text, "\n \t") != d.Text {
			t.Errorf("text: %q", d.Text)
		}
		if utf8.RuneCountInString(d.Name) > site.MaxCommentName || strings.ContainsAny(d.Name, "\n\r") {
			t.Errorf("name: %q", d.Name)
		}
		for _, s := range []string{d.Name, strings.ReplaceAll(d.Text, "\n", "")} {
			if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool {
				return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
			}) {
				t.Errorf("not to be seen: %q", s)
			}
		}
		if d.Site != "" {
			if u, err := url.Parse(d.Site); err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
				t.Errorf("site: %q", d.Site)
			}
		}
		again, err := site.Cleaned(d)
		if err != nil || again != d {
			t.Errorf("cleaned again %+v is %+v, %v", d, again, err)
		}
	})
}
