package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/store"
)

func decode[T any](t testing.TB, raw string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(raw), &value); err != nil {
		t.Fatalf("%v in %q", err, raw)
	}
	return value
}

// get asks a program that is there to answer.
func (w *world) get(address string) (int, string) {
	w.t.Helper()
	resp, body, err := w.request("GET", address, "", nil)
	if err != nil {
		w.t.Fatalf("GET %s: %v\n%s", address, err, w.said())
	}
	return resp.StatusCode, string(body)
}

// checkTouched looks right after a start at all that was acknowledged before the kill,
// or asked for without an answer: that one is now the one thing or the other, for good.
func (w *world) checkTouched() {
	for _, p := range w.posts {
		if p.at != "" && (p.touched || len(p.may) > 1) {
			w.checkSource(p)
			p.touched = false
		}
	}
	for _, u := range w.uploads {
		if u.touched {
			w.checkUpload(u)
			u.touched = false
		}
	}
	for _, m := range w.mentions {
		if m.at != "" && (m.touched || len(m.may) > 1) {
			if out, complaint, ok := w.command("mention", "show", m.id(), "--json"); ok {
				w.checkMention(m, decode[store.Mention](w.t, out))
			} else {
				w.complain("mention %s was acknowledged: %s", m.source, complaint)
			}
			m.touched = false
		}
	}
}

// checkSource compares a post with what an editor would get back.
func (w *world) checkSource(p *sentPost) {
	status, body := w.get(w.at("micropub?q=source&url=" + url.QueryEscape(p.at)))
	is := sentState{deleted: status != http.StatusOK}
	if !is.deleted {
		item := decode[mf2.Item](w.t, body)
		is.content = item.Get("content")
		w.checkCopies(p, item)
		if diff := cmp.Diff(p.as(is), item.Properties); diff != "" {
			w.complain("%s at %s is another post (-sent +kept):\n%s", p.marker, p.at, diff)
		}
	}
	w.settle(p, is)
}

// settle finds a state among those that a post may be in.
func (w *world) settle(p *sentPost, is sentState) {
	for _, may := range p.may {
		if may == is || may.deleted && is.deleted {
			p.may = []sentState{may}
			return
		}
	}
	w.complain("%s at %s: got %+v, want one of %+v", p.marker, p.at, is, p.may)
}

func (w *world) checkUpload(u *sentUpload) {
	status, body := w.get(u.at)
	sum := sha256.Sum256([]byte(body))
	if got := hex.EncodeToString(sum[:]); status != http.StatusOK || got != u.hash {
		w.complain("upload %s: got %d and the hash %s, want %s", u.at, status, got, u.hash)
	}
}

// checkMention compares a mention with what was sent and decided.
func (w *world) checkMention(m *sentMention, is store.Mention) {
	if is.Source != m.source || is.Target != m.target || m.at != "" && is.ID != m.id() {
		w.complain("mention %s: got %s from %s to %s", m.at, is.ID, is.Source, is.Target)
	}
	if !slices.Contains(m.may, is.Decision) {
		w.complain("mention %s: got the decision %q, want one of %q", m.source, is.Decision, m.may)
		return
	}
	m.may = []store.State{is.Decision}
	if is.Decision != "" && is.State != is.Decision {
		w.complain("mention %s: it is %s, and the decision was %s", m.source, is.State, is.Decision)
	}
}

// drain lets the queue come to its end.
func (w *world) drain() {
	w.t.Helper()
	if !w.drained() {
		w.t.Fatalf("the program has died\n%s", w.said())
	}
}

// drained waits for the end of the queue. What is parked or waits for later is told to
// go on, as its owner would. It is false when the program dies.
func (w *world) drained() bool {
	w.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for last, since := 0, time.Now(); ; <-tick.C {
		out, _, ok := w.command("job", "list", "--json")
		if !ok {
			return false
		}
		jobs := decode[[]store.Job](w.t, out)
		if len(jobs) == 0 {
			return true
		}
		for _, j := range jobs {
			if !j.Parked.IsZero() {
				w.parked++
			}
			if !j.Parked.IsZero() || j.Owner == "" && time.Until(j.Due) > time.Second {
				w.command("job", "retry", j.ID) // or it is gone by now
			}
		}
		if len(jobs) != last {
			last, since = len(jobs), time.Now()
		} else if time.Since(since) > 90*time.Second {
			w.t.Fatalf("the queue stands still: %+v", jobs)
		}
	}
}

// checkUploads compares every upload with the ledger. A file that nobody was told of
// may be left, or the beginning of one, but a row has its file.
func (w *world) checkUploads() {
	rows := map[string]int{}
	for offset := 0; ; offset += 100 {
		_, body := w.get(fmt.Sprintf("%s?q=source&limit=100&offset=%d", w.at("media"), offset))
		page := decode[struct{ Items []struct{ URL string } }](w.t, body)
		for _, item := range page.Items {
			rows[item.URL]++
			if status, _ := w.get(item.URL); status != http.StatusOK {
				w.complain("%s is listed and answers %d", item.URL, status)
			}
		}
		if len(page.Items) < 100 {
			break
		}
	}
	for _, u := range w.uploads {
		if u.at == "" {
			continue
		}
		w.checkUpload(u)
		if rows[u.at] != 1 {
			w.complain("upload %s is listed %d times", u.at, rows[u.at])
		}
	}
	if files, left := len(w.files("")), len(w.files("tmp")); files+left > len(w.uploads) {
		w.complain("%d files and %d unfinished ones are left of %d uploads", files, left, len(w.uploads))
	}
}

// files are those in the directory of uploads.
func (w *world) files(below string) []string {
	found, err := filepath.Glob(filepath.Join(w.dir, "media", "*", below, "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(found, func(name string) bool {
		info, err := os.Lstat(name)
		return err != nil || !info.Mode().IsRegular()
	})
}

// checkSweep starts the program a day later: what uploads have left unfinished is gone,
// and nothing else.
func (w *world) checkSweep() []string {
	w.kill()
	before, kept := len(w.wrong), len(w.files(""))
	long := time.Now().Add(-25 * time.Hour)
	for _, name := range append(w.files("tmp"), w.files("")...) {
		if err := os.Chtimes(name, long, long); err != nil {
			w.t.Fatal(err)
		}
	}
	w.start()
	for deadline := time.Now().Add(10 * time.Second); len(w.files("tmp")) > 0; <-time.After(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.complain("unfinished uploads are not swept: %v", w.files("tmp"))
			break
		}
	}
	for _, u := range w.uploads {
		if u.at != "" {
			w.checkUpload(u)
		}
	}
	if now := len(w.files("")); now > kept {
		w.complain("%d files have become %d", kept, now)
	}
	err := filepath.WalkDir(filepath.Join(w.dir, "site"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if raw, err := os.ReadFile(name); err != nil || strings.HasSuffix(name, ".html") && !bytes.HasSuffix(bytes.TrimSpace(raw), []byte("</html>")) {
			w.complain("%s is half a page (%v)", name, err)
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.wrong[before:]
}
