package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// bea looks after Ana's site, in a role.
const bea = "https://bea.example/"

func (w *world) hire(role site.Role) {
	w.ana().Keepers = []site.Keeper{{Me: bea, Name: "Bea", Role: role}}
}

// keeper is a browser in which somebody who looks after the site is signed in.
func (w *world) keeper(me string) *browser {
	w.Helper()
	link, err := w.ana().Access.NewLinkFor(w.Context(), me)
	if err != nil {
		w.Fatal(err)
	}
	b := w.visitor()
	if a := b.post(link, nil); a.status != 303 {
		w.Fatalf("sign in: %d %s", a.status, a.body)
	}
	return b
}

// A moderator decides about mentions, in their own name, and sees to their own sessions.
// Everything else that knows a session is refused with a reason, not with a sign-in page.
func TestModeratorsMayNotDoEverything(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		post := w.post("Base camp", "The networks are loudspeakers.")
		diary := w.keep("Querido diario", "private")
		status := w.mentionOf(post)
		b := w.keeper(bea)
		page := b.get("https://ana.example/-/admin/")
		fields := formTo(t, page, "/-/admin/decide")
		token := url.Values{"form": fields["form"], "decision": {"approve"}, "request": {"x"}}
		auth := "https://ana.example/-/auth?" + url.Values{
			"response_type": {"code"}, "client_id": {"https://app.example/"}, "redirect_uri": {"https://app.example/back"}, "state": {"s"},
			"scope": {"create"}, "code_challenge": {strings.Repeat("x", 43)}, "code_challenge_method": {"S256"},
		}.Encode()
		for name, c := range map[string]struct {
			got  answer
			want int
		}{
			"inbox":        {page, 200},
			"sessions":     {b.get("https://ana.example/-/admin/sessions"), 200},
			"consent":      {b.get(auth), 403},
			"give a token": {b.post("https://ana.example/-/auth/decide", token), 403},
			"private post": {b.get(diary), 404},
		} {
			if c.got.status != c.want {
				t.Errorf("%s: got %d, want %d", name, c.got.status, c.want)
			}
		}
		if a := b.get(auth, "Accept-Language", "en"); !strings.Contains(a.body, "for owners of the site") {
			t.Errorf("consent: no reason is given: %s", a.body)
		}
		fields.Set("one", button(t, page, "one", "approve "))
		if a := b.post("https://ana.example/-/admin/decide", fields); a.status != 303 {
			t.Fatalf("approve: got %d", a.status)
		}
		id := status[strings.LastIndex(status, "/")+1:]
		decisions, err := w.ana().Mentions.Decisions(t.Context(), id)
		if err != nil || len(decisions) != 1 || decisions[0].By != bea {
			t.Errorf("the audit says %+v, %v", decisions, err)
		}
		// Who is made an owner is one at once, and who is dismissed is out.
		w.hire(site.Owner)
		if a := b.get(diary); a.status != 200 {
			t.Errorf("as an owner: got %d", a.status)
		}
		w.ana().Keepers = nil
		if a := b.get("https://ana.example/-/admin/"); a.status != 401 {
			t.Errorf("dismissed: got %d", a.status)
		}
		w.hire("boss")
		if a := b.get("https://ana.example/-/admin/"); a.status != 403 {
			t.Errorf("with a role that is none: got %d", a.status)
		}
	})
}

// A link is for one person; nobody else has any.
func TestLinksAreForAPerson(t *testing.T) {
	inWorld(t, func(w *world) {
		w.hire(site.Moderator)
		for me, want := range map[string]string{"": "Ana", "https://ana.example/": "Ana", bea: "Bea", "bea.example": "Bea", "HTTPS://Bea.Example": "Bea"} {
			link, err := w.ana().Access.NewLinkFor(w.Context(), me)
			if err != nil {
				w.Errorf("%q: %v", me, err)
				continue
			}
			if a := w.visitor().get(link, "Accept-Language", "en"); !strings.Contains(a.body, "as "+want) {
				w.Errorf("%q: the page does not say whom it signs in: %s", me, a.body)
			}
		}
		for _, me := range []string{"https://eve.example/", "https://bea.example/x", "https://bea.example.evil.example/", "javascript:bea.example"} {
			if link, err := w.ana().Access.NewLinkFor(w.Context(), me); err == nil {
				w.Errorf("%q: got %s", me, link)
			}
		}
		link, err := w.ana().Access.NewLinkFor(w.Context(), bea)
		if err != nil {
			w.Fatal(err)
		}
		w.ana().Keepers = nil
		if a := w.visitor().post(link, nil); a.status != 410 {
			w.Errorf("the link of somebody who was dismissed: got %d", a.status)
		}
	})
}

// People write an address in the letters of their language, and the site's owner by any
// address that the settings give the site.
func TestPeopleAreKnownByTheirOtherSpellings(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", aliases: []string{"https://www.ana.example/", "https://old.example/ana/"}, language: "es"}}, func(w *world) {
		w.ana().Keepers = []site.Keeper{{Me: "https://xn--maana-pta.example/", Name: "Bea", Role: site.Moderator}}
		for me, want := range map[string]string{
			"www.ana.example": "https://ana.example/", "https://WWW.ana.example": "https://ana.example/", "old.example/ana": "https://ana.example/",
			"mañana.example": "https://xn--maana-pta.example/", "https://Mañana.example/": "https://xn--maana-pta.example/", "xn--maana-pta.example": "https://xn--maana-pta.example/",
			"old.example": "", "www.ana.example/x": "", "www.mañana.example": "",
		} {
			keeper, err := w.ana().Keeper(me)
			if keeper.Me != want || (err == nil) != (want != "") {
				w.Errorf("%q: got %q, %v, want %q", me, keeper.Me, err, want)
			}
		}
	})
}

// Each sign-in has a session of its own: one that was planted in the browser, or seen
// there, is not signed in, and an earlier one ends.
func TestSignInStartsAFreshSession(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		before := b.client.Jar.Cookies(parse(w.T, "https://ana.example/"))
		first := b.post(w.link(), nil)
		second := first.cookie("session")
		if second == nil {
			w.Fatal("no cookie")
		}
		if a := b.get("https://ana.example/-/admin/"); a.status != 200 {
			w.Errorf("the new session: got %d", a.status)
		}
		old := w.visitor()
		old.client.Jar.SetCookies(parse(w.T, "https://ana.example/"), before)
		if a := old.get("https://ana.example/-/admin/"); a.status != 401 {
			w.Errorf("the session before: got %d", a.status)
		}
	})
}

// Sessions are listed with when, where and what, and can be ended one by one or all at
// once: by their person, and by owners anybody's.
func TestSessionsPage(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		page := "https://ana.example/-/admin/sessions"
		ana, other, moderator := w.owner(), w.owner(), w.keeper(bea)
		firefox := []string{"Accept-Language", "en", "User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"}
		for range 2 { // the second time it was seen
			ana.get(page, firefox...)
			time.Sleep(2 * time.Hour)
		}
		a := ana.get(page, firefox...)
		if n := strings.Count(a.body, `value="end"`); a.status != 200 || n != 3 || strings.Count(a.body, "this browser") != 1 || !strings.Contains(a.body, "Firefox, Linux") ||
			!strings.Contains(a.body, "with a sign-in link") || strings.Contains(a.body, "Gecko") {
			t.Errorf("an owner sees %d sessions, got %d: %s", n, a.status, a.body)
		}
		a = moderator.get(page)
		if n := strings.Count(a.body, `value="end"`); n != 1 {
			t.Errorf("a moderator sees %d sessions", n)
		}
		// A moderator cannot end an owner's.
		form := formTo(t, a, "/-/admin/sessions")
		browsers, err := w.ana().Access.Browsers(t.Context(), "https://ana.example/", "")
		if err != nil || len(browsers) != 2 {
			t.Fatalf("%+v, %v", browsers, err)
		}
		for _, b := range browsers {
			moderator.post(page, url.Values{"form": form["form"], "do": {"end"}, "id": {b.ID}})
		}
		moderator.post(page, url.Values{"form": form["form"], "do": {"end"}, "id": {""}})
		if a := moderator.post(page, url.Values{"form": form["form"], "do": {"dance"}}); a.status != 400 {
			t.Errorf("something else: got %d", a.status)
		}
		for name, b := range map[string]*browser{"ana": ana, "other": other} {
			if a := b.get("https://ana.example/-/admin/"); a.status != 200 {
				t.Errorf("%s was signed out by a moderator", name)
			}
		}
		// An owner can end a moderator's, and everywhere is everywhere.
		browsers, _ = w.ana().Access.Browsers(t.Context(), bea, "")
		form = formTo(t, ana.get(page), "/-/admin/sessions")
		if a := ana.post(page, url.Values{"form": form["form"], "do": {"end"}, "id": {browsers[0].ID}}); a.status != 303 {
			t.Errorf("end: got %d", a.status)
		}
		if a := moderator.get(page); a.status != 401 {
			t.Errorf("the moderator afterwards: got %d", a.status)
		}
		again := w.keeper(bea)
		if a := ana.post(page, url.Values{"form": form["form"], "do": {"everywhere"}}, "Sec-Fetch-Site", "cross-site"); a.status != 403 {
			t.Errorf("from elsewhere: got %d", a.status)
		}
		if a := ana.post(page, url.Values{"form": form["form"], "do": {"everywhere"}}); a.status != 303 {
			t.Errorf("everywhere: got %d", a.status)
		}
		for name, c := range map[string]struct {
			b    *browser
			want int
		}{"ana": {ana, 401}, "other": {other, 401}, "bea": {again, 200}} {
			if a := c.b.get(page); a.status != c.want {
				t.Errorf("%s: got %d, want %d", name, a.status, c.want)
			}
		}
	})
}

// A session of a time before sessions said more is somebody's still, and one of nobody nobody's.
func TestOldSessions(t *testing.T) {
	inWorld(t, func(w *world) {
		b := w.owner()
		err := w.db.Update(w.Context(), w.ana().Key, func(tx *store.Tx) error {
			all, err := tx.Sessions()
			if err != nil {
				return err
			}
			s := all[0]
			return tx.PutSession(store.Session{Hash: s.Hash, Me: s.Me, Created: s.Created, Expires: s.Expires})
		})
		if err != nil {
			w.Fatal(err)
		}
		if a := b.get("https://ana.example/-/admin/sessions"); a.status != 200 {
			w.Errorf("got %d", a.status)
		}
	})
}
