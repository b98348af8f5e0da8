package site_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"tertulia/internal/site"
)

// The pages in testdata/reading, one case after the other: what each page there is made
// to be under the post that it mentions. The first file says how they are written.
// SPECS MF-1 to MF-17; TRAPS T-MF01, T-MF05, T-WR19, T-WR28; HOSTILE 36, 37
func TestReadingTable(t *testing.T) {
	files, err := filepath.Glob("testdata/reading/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		cases := map[string][]txtar.File{}
		for _, f := range archive.Files {
			name, rest, _ := strings.Cut(f.Name, " ")
			if cases[name] == nil {
				names = append(names, name)
			}
			cases[name] = append(cases[name], txtar.File{Name: rest, Data: f.Data})
		}
		for _, name := range names {
			t.Run(name, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) { play(t, w, cases[name]) }, approve(site.ApproveNone), bridged(site.BridgedFull))
			})
		}
	}
}

// play serves the pages of a case, sends the mentions in their order, and compares what
// readers see.
func play(t *testing.T, w *world, pages []txtar.File) {
	post := w.create(entry("content", "hello"))
	hosts := map[string]*host{}
	var ids []string
	spell := func(s string) string {
		s = strings.ReplaceAll(s, "POST", strings.TrimSuffix(post, "/")+"/")
		for i, id := range ids {
			s = strings.ReplaceAll(s, fmt.Sprintf("{%d}", i+1), id)
		}
		return s
	}
	serve := func(f txtar.File) (what, address, target string) {
		parts := append(strings.Fields(f.Name), "", "")
		name, path, _ := strings.Cut(parts[1], "/")
		if parts[0] == "want" {
			return parts[0], "", ""
		}
		if hosts[name] == nil {
			hosts[name] = w.host(name)
		}
		hosts[name].says("/"+path, spell(string(f.Data)))
		return parts[0], "https://" + parts[1], spell("POST" + parts[2])
	}
	for _, f := range pages {
		serve(f) // all are there from the beginning
	}
	for _, f := range pages {
		switch what, address, target := serve(f); what {
		case "send":
			ids = append(ids, w.receive(address, target))
		case "want":
			var want []string
			for line := range strings.Lines(string(f.Data)) {
				if line = strings.TrimRight(line, "\n"); !strings.HasPrefix(line, "#") && line != "" {
					want = append(want, line)
				}
			}
			if diff := cmp.Diff(want, w.tree(post)); diff != "" {
				t.Errorf("%s(-want +got):\n%s", strings.SplitN(string(f.Data), "\n", 2)[0], diff)
			}
		}
	}
}

// tree is what readers see of a page, a line for each response, indented below the one
// that it answers.
func (w *world) tree(address string) (lines []string) {
	w.t.Helper()
	page, err := w.talk.Of(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	var below func(parent string, indent int)
	below = func(parent string, indent int) {
		for _, r := range page.Responses {
			if r.Parent != parent {
				continue
			}
			what := r.Type
			if r.RSVP != "" {
				what += ":" + r.RSVP
			}
			if r.Bridge != "" {
				what += " via " + r.Bridge
			}
			text := strings.ReplaceAll(r.Text, "\n", " / ")
			if r.Name != "" {
				text = r.Name + ": " + text
			}
			if utf8.RuneCountInString(text) > 40 {
				text = string([]rune(text)[:40]) + "…"
			}
			author := strings.TrimSpace(r.Author.Name + " " + r.Author.URL)
			lines = append(lines, strings.TrimRight(strings.Repeat("  ", indent)+strings.Join([]string{what, author, strings.TrimPrefix(r.URL, "https://"), text}, " | "), " |"))
			if len(lines) <= len(page.Responses) {
				below(r.ID, indent+1)
			}
		}
	}
	below("", 0)
	if len(lines) != len(page.Responses) {
		w.t.Errorf("%d of %d responses stand in the tree", len(lines), len(page.Responses))
	}
	return slices.Clip(lines)
}
