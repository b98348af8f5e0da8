package web_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/micropub"
)

// keep has Ana keep a post for herself and returns its permalink.
func (w *world) keep(content, visibility string) string {
	w.Helper()
	item := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {content}, "visibility": {visibility}}}
	made, err := w.ana().Posts.Create(w.Context(), micropub.Grant{}, micropub.Create{Item: item, Digest: content, Commands: map[string][]any{"mp-slug": {"diario"}}})
	if err != nil || made.Pending {
		w.Fatalf("post: %+v, %v", made, err)
	}
	return made.URL
}

// HOSTILE 40: the owner sees a private post at its address. Whoever else asks for it, in any
// spelling and by any door, is answered to the letter as if it had never been.
func TestPrivatePostsAreShownToTheirOwner(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.post("", "Para cualquiera")
		diary := w.keep("Querido diario", "private")
		settle()
		never := strings.Replace(diary, "diario", "nadie1", 1)
		owner, visitor := w.owner(), w.visitor()
		for _, method := range []string{"GET", "HEAD"} {
			a := owner.do(method, diary, "")
			if a.status != 200 || a.header.Get("Cache-Control") != "no-store, private" || a.header.Get("ETag")+a.header.Get("Access-Control-Allow-Origin") != "" ||
				!strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || (method == "GET") != strings.Contains(a.body, "Querido diario") {
				t.Errorf("%s: the owner gets %d, %v:\n%s", method, a.status, a.header, a.body)
			}
		}
		if a := owner.get(diary); !strings.Contains(a.body, "Privado: esta página es solo para ti.") || strings.Contains(a.body, "conversation?url") {
			t.Errorf("the owner's page is\n%s", a.body)
		}
		if a := owner.get(never); a.status != 404 {
			t.Errorf("the owner gets %d for what never was", a.status)
		}
		forged := &http.Cookie{Name: owner.client.Jar.Cookies(parse(t, diary))[0].Name, Value: "forged"}
		for _, ask := range []struct {
			method, suffix string
			header         []string
		}{
			{"GET", "", nil}, {"HEAD", "", nil}, {"GET", "?utm_source=x", nil}, {"GET", "index.html", nil}, {"GET", "#x", nil}, {"POST", "", nil}, {"OPTIONS", "", nil},
			{"GET", "", []string{"Cookie", forged.String()}}, {"GET", "", []string{"Authorization", "Bearer x"}}, {"GET", "", []string{"If-None-Match", "*"}}, {"GET", "", []string{"Accept", "application/json"}},
		} {
			private := visitor.do(ask.method, diary+ask.suffix, "", ask.header...)
			nothing := visitor.do(ask.method, never+ask.suffix, "", ask.header...)
			same := func(a answer) string { return strings.ReplaceAll(a.body, "nadie1", "diario") }
			if private.status != nothing.status || cmp.Diff(nothing.header, private.header) != "" || same(private) != same(nothing) {
				t.Errorf("%s %s %v: got %d %v, want %d %v", ask.method, ask.suffix, ask.header, private.status, private.header, nothing.status, nothing.header)
			}
		}
		for what, at := range map[string]func(string) string{
			"conversation": w.ana().ConversationURL,
			"mentions":     func(p string) string { return w.ana().Endpoint("api/mentions.jf2?target=" + url.QueryEscape(p)) },
			"count":        func(p string) string { return w.ana().Endpoint("api/count?target=" + url.QueryEscape(p)) },
		} {
			private, nothing := visitor.get(at(diary)), visitor.get(at(never))
			if private.status != nothing.status || strings.ReplaceAll(nothing.body, "nadie1", "diario") != private.body {
				t.Errorf("%s: got %d %s, want %d %s", what, private.status, private.body, nothing.status, nothing.body)
			}
		}
		mention := func(target string) answer {
			return visitor.post(w.ana().Endpoint("webmention"), url.Values{"source": {"https://bea.example/1"}, "target": {target}})
		}
		if private, nothing := mention(diary), mention(never); private.status != 400 || strings.ReplaceAll(nothing.body, "nadie1", "diario") != private.body {
			t.Errorf("a mention of it: got %d %s, want %s", private.status, private.body, nothing.body)
		}
		for _, list := range []string{"https://ana.example/", "https://ana.example/feed.xml", diary[:len("https://ana.example/2000/01/")], diary[:len("https://ana.example/2000/")]} {
			if a := visitor.get(list); a.status != 200 || strings.Contains(a.body, "diario") {
				t.Errorf("%s: got %d:\n%s", list, a.status, a.body)
			}
		}
		if _, err := os.Stat(w.ana().Root + parse(t, diary).Path); !os.IsNotExist(err) {
			t.Errorf("there is a file: %v", err)
		}
	})
}

// A public post that is made private has gone for all but its owner, as one that was deleted.
func TestAPostThatIsMadePrivateIsGone(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		diary := w.keep("Querido diario", "public")
		settle()
		owner, visitor := w.owner(), w.visitor()
		see := func(v string) {
			t.Helper()
			if _, err := w.ana().Posts.Update(t.Context(), micropub.Grant{}, diary, micropub.Update{Replace: map[string][]any{"visibility": {v}}}); err != nil {
				t.Fatal(err)
			}
			settle()
		}
		if a := visitor.get(diary); a.status != 200 {
			t.Fatalf("public: got %d", a.status)
		}
		see("private")
		if a := visitor.get(diary); a.status != 410 || strings.Contains(a.body, "Querido") {
			t.Errorf("private: a visitor gets %d", a.status)
		}
		if a := owner.get(diary); a.status != 200 || !strings.Contains(a.body, "Querido") {
			t.Errorf("private: the owner gets %d", a.status)
		}
		see("public")
		for who, b := range map[string]*browser{"visitor": visitor, "owner": owner} {
			if a := b.get(diary); a.status != 200 || a.header.Get("Cache-Control") != "no-cache" {
				t.Errorf("public again: the %s gets %d, %v", who, a.status, a.header)
			}
		}
	})
}
