package web_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// READ-API 6: everything, as a file, once in five minutes for each token.
func TestExport(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.gathering()
		one, other, b := w.token("read"), w.token("read"), w.visitor()
		for range 3 {
			if a := b.do("HEAD", api+"export.jf2?token="+one, ""); a.status != 200 || a.body != "" {
				t.Errorf("HEAD: got %d", a.status)
			}
		}
		a := b.get(api + "export.jf2?token=" + one)
		name := `attachment; filename="webmentions-ana.example-` + time.Now().UTC().Format(time.DateOnly) + `.jf2.json"`
		if a.status != 200 || a.header.Get("Content-Disposition") != name || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got %d %v", a.status, a.header)
		}
		lines := strings.Split(strings.TrimSpace(a.body), "\n")
		if len(lines) != 9 || lines[0] != `{"type":"feed","name":"Webmentions","children":[` || lines[8] != "]}" || !json.Valid([]byte(a.body)) {
			t.Errorf("got %d lines\n%s", len(lines), a.body)
		}
		up := b.get(api + "mentions.jf2?sort-dir=up&target=" + url.QueryEscape(post)).body
		for _, line := range lines[1:8] {
			if !strings.Contains(up, strings.TrimSuffix(line, ",")) {
				t.Errorf("not as the feed has it: %s", line)
			}
		}
		again := b.get(api + "export?token=" + one)
		if again.status != 429 || again.header.Get("Retry-After") == "" || again.header.Get("Content-Disposition") != "" || !strings.Contains(again.body, "rate_limit_exceeded") {
			t.Errorf("at once: got %d %v %s", again.status, again.header, again.body)
		}
		if a := b.get(api + "export?token=" + other); a.status != 200 {
			t.Errorf("another token: got %d", a.status)
		}
		time.Sleep(5 * time.Minute)
		if a := b.get(api + "export?token=" + one); a.status != 200 {
			t.Errorf("after five minutes: got %d", a.status)
		}
		// Fifty at once: one of them gets it.
		time.Sleep(5 * time.Minute)
		var got [50]int
		var all sync.WaitGroup
		for i := range got {
			all.Go(func() {
				rec := httptest.NewRecorder()
				w.handler.ServeHTTP(rec, httptest.NewRequest("GET", api+"export?token="+one, nil))
				got[i] = rec.Code
			})
		}
		all.Wait()
		slices.Sort(got[:])
		if got[0] != 200 || got[1] != 429 {
			t.Errorf("fifty at once: got %v", got)
		}
	})
}

// What cannot be read is not half an export: the client sees that it was cut off, or why, and may
// ask again.
func TestExportOfBrokenData(t *testing.T) {
	inWorld(t, func(w *world) {
		w.gathering()
		token := w.token("read")
		ok, err := w.ana().Access.Grant(w.Context(), token)
		if err != nil || len(ok.Scopes) != 1 {
			w.Fatal(err)
		}
		w.db.Close()
		if a := w.visitor().get(api + "export?token=" + token); a.status != 500 || !json.Valid([]byte(a.body)) || a.header.Get("Content-Disposition") != "" {
			w.Errorf("got %d %v %s", a.status, a.header, a.body)
		}
	})
}

// READ-API 6: what has gone, and is back.
func TestDeletedOfTheReadAPI(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		token, b := w.token("read"), w.visitor()
		w.say("https://bea.example/", entry("u-like-of", post, ""))
		status := w.mention("https://bea.example/", post)
		w.decide(status, "approve")
		id := b.jf2(api + "mentions.jf2?token=" + token).Children[0].ID
		if a := b.get(api + "deleted.jf2?token=" + token); a.body != `{"type":"feed","name":"Deleted webmentions","children":[],"paging":{"per-page":20,"page":0,"total":0,"total-pages":0}}`+"\n" {
			t.Errorf("before: got %s", a.body)
		}
		time.Sleep(time.Minute)
		w.decide(status, "reject")
		at := time.Now().UTC().Format("2006-01-02T15:04:05Z")
		want := fmt.Sprintf(`{"type":"feed","name":"Deleted webmentions","children":[{"wm-id":%d,"wm-source":"https://bea.example/","wm-target":"%s","wm-deleted":"%s"}],"paging":{"per-page":20,"page":0,"total":1,"total-pages":1}}`+"\n", id, post, at)
		if d := cmp.Diff(want, b.get(api+"deleted?token="+token).body); d != "" {
			t.Errorf("deleted (-want +got):\n%s", d)
		}
		w.decide(status, "approve")
		if feed := b.jf2(api + "deleted?token=" + token); len(feed.Children) != 0 {
			t.Errorf("it is back: got %+v", feed)
		}
	})
}
