package site_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/store"
)

// So much is taken from one network, and so much waits for the owner; what is refused leaves
// nothing behind.
func TestCommentFloods(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		d := draft(t, c, page, "")
		from := func(i int) netip.Addr {
			return netip.MustParseAddr(fmt.Sprintf("2001:db8:0:1::%x", i+1)) // one customer
		}
		for i := range 12 {
			d.Text = fmt.Sprint("comment ", i)
			_, err := c.Leave(t.Context(), d, from(i))
			var many *site.TooMany
			if errors.As(err, &many) != (i >= 10) || i >= 10 && (many.After <= 0 || many.After > time.Minute) {
				t.Errorf("comment %d: %v", i, err)
			}
		}
		if _, err := c.Leave(t.Context(), d, visitor); err != nil {
			t.Errorf("of another network: %v", err)
		}
		pass(10 * time.Minute)
		if _, err := c.Leave(t.Context(), d, from(0)); err != nil {
			t.Errorf("later: %v", err)
		}
		all, err := w.talk.Mentions(t.Context(), store.Pending, 100)
		if err != nil || len(all) != 11 {
			t.Errorf("%d wait, %v", len(all), err)
		}
		if err := w.db.Update(t.Context(), w.site.Key, func(tx *store.Tx) error {
			for i := range 1000 {
				id := store.NewID(tx.Now)
				if err := tx.PutMention(store.Mention{ID: id, Source: fmt.Sprint("https://x.example/", i), Page: all[0].Page, State: store.Pending, Received: tx.Now}); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		d.Text = "one more"
		var unfit *site.Unfit
		if _, err := c.Leave(t.Context(), d, visitor); !errors.As(err, &unfit) || unfit.Why != "full" {
			t.Errorf("a thousand wait: %v", err)
		}
	})
}

// An answer to a response stands below it; one to a response that is not there, or is on
// another page, is an answer to the page.
func TestCommentsAnswerResponses(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, other, c := w.create(entry("content", "hello")), w.create(entry("content", "another")), w.commenting()
		w.site.Approve = site.ApproveNone
		first, away := leave(t, c, draft(t, c, page, "First!")), leave(t, c, draft(t, c, other, "Elsewhere"))
		hidden := leave(t, c, draft(t, c, page, "Hidden"))
		w.decide(w.mentions.Reject, hidden.ID)
		d := draft(t, c, page, "An answer")
		d.Answer = first.ID
		answer := leave(t, c, d)
		d.Text, d.Answer = "An answer to an answer", answer.ID
		deeper := leave(t, c, d)
		for i, id := range []string{away.ID, hidden.ID, "00000000000000000000000000", "../x", "\x00", ""} {
			pass(time.Minute)
			d.Text, d.Answer = fmt.Sprint("lost ", i), id
			if m := w.mention(leave(t, c, d).ID); m.Target != page {
				t.Errorf("%q: it is filed under %s", id, m.Target)
			}
		}
		view, err := w.talk.Of(t.Context(), page)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, r := range view.Responses {
			if r.Parent != "" {
				got[r.ID] = r.Parent
			}
		}
		if diff := cmp.Diff(map[string]string{answer.ID: first.ID, deeper.ID: answer.ID}, got); diff != "" {
			t.Errorf("threads (-want +got):\n%s", diff)
		}
		if shown, err := c.Comment(t.Context(), deeper.ID); err != nil || shown.Answer != page+"#tertulia-"+answer.ID {
			t.Errorf("got %+v, %v", shown, err)
		}
		form, err := c.Form(t.Context(), page, first.ID, visitor)
		if err != nil || form.Answer != first.ID || form.Answers != "Caro" || form.Page != page {
			t.Errorf("the form: %+v, %v", form, err)
		}
		if form, err = c.Form(t.Context(), page, hidden.ID, visitor); err != nil || form.Answer != "" {
			t.Errorf("the form: %+v, %v", form, err)
		}
	})
}

// A page that we do not serve and nobody has mentioned is asked for, once, and known from then
// on; what is not there has no conversation, and what nobody may know of neither.
func TestCommentsFindTheirPages(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		asked := 0
		ours := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked++
			switch r.URL.Path {
			case "/by-hand", "/by-hand/":
				rw.Header().Set("Content-Type", "text/html")
				fmt.Fprint(rw, `<link rel="canonical" href="https://me.example/by-hand/">`)
			case "/down":
				rw.WriteHeader(500)
			default:
				http.NotFound(rw, r)
			}
		})
		w.web.Handle("me.example", ours)
		w.web.Handle("www.me.example", ours)
		c := w.commenting()
		left := leave(t, c, draft(t, c, "https://www.me.example/by-hand", "First!"))
		if left.Page != "https://me.example/by-hand/" || asked == 0 {
			t.Errorf("got %+v, asked %d times", left, asked)
		}
		before := asked
		if again := leave(t, c, draft(t, c, "https://me.example/by-hand/", "Second")); again.Page != left.Page || asked != before {
			t.Errorf("got %+v, asked %d times more", again, asked-before)
		}
		for page, want := range map[string]error{"https://me.example/nothing": fs.ErrNotExist, "https://me.example/down": nil} {
			d := draft(t, c, page, "x")
			if _, err := c.Leave(t.Context(), d, visitor); err == nil || want != nil && !errors.Is(err, want) || want == nil && errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", page, err)
			}
		}
		w.decide(w.approve, left.ID)
		w.wantTexts("approved", "https://me.example/by-hand/", "First!")
	}, elsewhere)
}

func TestCommentsOfPagesThatNobodyMayKnow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		c := w.commenting()
		page := w.create(entry("content", "hello"))
		w.site.Approve = site.ApproveNone
		d := draft(t, c, page, "First!")
		left := leave(t, c, d)
		w.remove(page)
		pass(time.Minute)
		if _, err := c.Comment(t.Context(), left.ID); !errors.Is(err, site.ErrGone) {
			t.Errorf("of a deleted post: %v", err)
		}
		for _, page := range []string{page, w.create(entry("content", "x", "post-status", "draft"))} {
			d := draft(t, c, page, "Second")
			if _, err := c.Leave(t.Context(), d, visitor); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", page, err)
			}
			if _, err := c.Form(t.Context(), page, "", visitor); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the form of %s: %v", page, err)
			}
		}
	})
}

// Who answers a comment on their own site links its permalink here, and stands below it; of a
// comment that readers do not see nobody learns that way.
func TestCommentsAreAnsweredFromElsewhere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		page, c := w.create(entry("content", "hello")), w.commenting()
		left := leave(t, c, draft(t, c, page, "a question"))
		bea := w.host("bea.example")
		bea.says("/1", replyTo(left.Permalink, "an answer"))
		if _, err := w.send("https://bea.example/1", left.Permalink); err == nil {
			t.Error("a comment that waits was answered")
		}
		w.decide(w.approve, left.ID)
		id := w.receive("https://bea.example/1", left.Permalink)
		w.decide(w.approve, id)
		if m := w.mention(id); m.State != store.Approved || m.Shown.Type != "reply" {
			t.Errorf("got %s, %+v", m.State, m.Shown)
		}
		lines := w.tree(page)
		if len(lines) != 2 || !strings.Contains(lines[0], "a question") || !strings.HasPrefix(lines[1], " ") || !strings.Contains(lines[1], "an answer") {
			t.Errorf("got %q", lines)
		}
		w.restart()
		w.receive("https://bea.example/1", left.Permalink)
		if again := w.tree(page); !slices.Equal(again, lines) {
			t.Errorf("sent again: got %q, want %q", again, lines)
		}
		for _, other := range []string{"https://me.example/-/comment/nothing", "https://me.example/-/comment/", "https://me.example/-/comment/" + id} {
			if _, err := w.send("https://bea.example/2", other); err == nil {
				t.Errorf("%s is taken for a comment", other)
			}
		}
	})
}
