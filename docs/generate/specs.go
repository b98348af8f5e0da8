package main

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// requirements is requirements.txt:
//
//	spec webmention https://www.w3.org/TR/webmention/
//
//	= Webmention: receiving
//
//	WR-4 MUST webmention#request-verification-p-2 T-WR02
//		A request whose source and target are one page is refused.
//		not yet: 5, if it is not
//		left out: the reason, if it is not meant to be
//
// A head has the statement's number, its level and what else stands for it: the
// paragraphs of the specification, and traps. A number that comes several times has
// several statements. What is cited under any of these is joined with the statement.
type requirements struct {
	specs    []spec
	sections []section
}

type spec struct{ name, address string }

type section struct {
	title string
	rows  []requirement
}

type requirement struct {
	id, level string
	refs      []string // "webmention#request-verification-p-2", "authorship" or "T-WR02"
	text      string
	notYet    string // the numbers of the issues that will meet it
	leftOut   string // why it is not meant to be met
}

var head = regexp.MustCompile(`^((?:WS|WR|MP|IA|MF|J)-\d+) (MUST NOT|MUST|SHOULD NOT|SHOULD|MAY)((?: \S+)*)$`)

// readRequirements reads the table and refuses what is not of its form.
func readRequirements(name string) (*requirements, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	q := &requirements{}
	for i, line := range strings.Split(string(text), "\n") {
		if err := q.line(line); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, i+1, err)
		}
	}
	for _, s := range q.sections {
		for _, r := range s.rows {
			if r.text == "" {
				return nil, fmt.Errorf("%s: %s says nothing", name, r.id)
			}
		}
	}
	return q, nil
}

func (q *requirements) line(line string) error {
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	if words := strings.Fields(line); len(words) == 3 && words[0] == "spec" {
		q.specs = append(q.specs, spec{words[1], words[2]})
		return nil
	}
	if title, ok := strings.CutPrefix(line, "= "); ok {
		q.sections = append(q.sections, section{title: title})
		return nil
	}
	if len(q.sections) == 0 {
		return fmt.Errorf("%q stands before any section", line)
	}
	rows := &q.sections[len(q.sections)-1].rows
	if m := head.FindStringSubmatch(line); m != nil {
		*rows = append(*rows, requirement{id: m[1], level: m[2], refs: strings.Fields(m[3])})
		return nil
	}
	if len(*rows) == 0 || !strings.HasPrefix(line, "\t") {
		return fmt.Errorf("%q is neither a section nor a statement", line)
	}
	last := &(*rows)[len(*rows)-1]
	line = strings.TrimSpace(line)
	if issues, ok := strings.CutPrefix(line, "not yet: "); ok {
		last.notYet = issues
	} else if reason, ok := strings.CutPrefix(line, "left out: "); ok {
		last.leftOut = reason
	} else if last.text != "" {
		return fmt.Errorf("%s has two sentences", last.id)
	} else {
		last.text = line
	}
	return nil
}

// places are where a statement is met, and the tests that show it. One that is not
// met, or not meant to be, has none. Where a number has several statements, tests
// that cite one of them closely say more than those that name the number, and those
// say nothing of a statement that no code cites closely.
func (q *requirements) places(r requirement, t *tree) (code, tests []place) {
	if r.notYet != "" || r.leftOut != "" {
		return nil, nil
	}
	var close []place
	for _, id := range r.refs {
		close = append(close, t.cited[id]...)
	}
	code, tests = split(append(slices.Clone(close), t.cited[r.id]...))
	if exactly, closer := split(close); q.several(r.id) && (len(closer) > 0 || len(exactly) == 0) {
		tests = closer
	}
	return code, tests
}

// split tells code from tests, each in order and once.
func split(places []place) (code, tests []place) {
	slices.SortFunc(places, comparePlaces)
	for _, at := range slices.Compact(places) {
		if at.test {
			tests = append(tests, at)
		} else {
			code = append(code, at)
		}
	}
	return code, tests
}

// several tells whether a number has more than one statement.
func (q *requirements) several(id string) bool {
	n := 0
	for _, s := range q.sections {
		for _, r := range s.rows {
			if r.id == id {
				n++
			}
		}
	}
	return n > 1
}

// problems are citations that no statement knows, and statements that are said to
// be open although something cites them.
func (q *requirements) problems(t *tree) []string {
	rows := map[string][]requirement{}
	sections := map[string]bool{} // "micropub#scope"
	for _, s := range q.sections {
		for _, r := range s.rows {
			for _, id := range append([]string{r.id}, r.refs...) {
				rows[id] = append(rows[id], r)
				sections[paragraph.ReplaceAllString(id, "")] = true
			}
		}
	}
	var problems []string
	for id, places := range t.cited {
		where := cmp.Or(describe(places[:1]), "?")
		switch known := rows[id]; {
		case len(known) == 0 && q.ours(id) && !sections[id]:
			problems = append(problems, fmt.Sprintf("%s cites %s, which requirements.txt does not have: mend the id, or add the statement", where, id))
		case len(known) == 1 && known[0].notYet != "" && !places[0].test:
			problems = append(problems, fmt.Sprintf("%s cites %s, which is \"not yet\" in requirements.txt: take that line away", where, id))
		}
	}
	slices.Sort(problems)
	return problems
}

var paragraph = regexp.MustCompile(`-(?:p|li)-\d+$`)

// ours tells whether an id is of a kind that requirements.txt must know: its own
// numbers, and the paragraphs of its specifications.
func (q *requirements) ours(id string) bool {
	name, _, cited := strings.Cut(id, "#")
	if !cited {
		return !strings.HasPrefix(id, "T-") && !strings.HasPrefix(id, "CL-") && ourIDs.MatchString(id)
	}
	return slices.ContainsFunc(q.specs, func(s spec) bool { return s.name == name })
}

// document is docs/specs.md.
func (q *requirements) document(t *tree) string {
	var b strings.Builder
	b.WriteString(specsHead)
	q.summary(&b, t)
	for _, s := range q.sections {
		fmt.Fprintf(&b, "\n## %s\n\n| | asked | met in | shown by |\n|---|---|---|---|\n", s.title)
		for _, r := range s.rows {
			code, tests := q.places(r, t)
			met := describe(code)
			switch {
			case r.notYet != "":
				met = "**not yet** (issue " + r.notYet + ")"
			case r.leftOut != "":
				met = "*left out*: " + r.leftOut
			}
			fmt.Fprintf(&b, "| %s | **%s** %s | %s | %s |\n", q.link(r), r.level, cell(r.text), cell(met), describe(tests))
		}
	}
	return b.String()
}

const specsHead = `# What the specifications ask, and where it is met

*Made by ` + "`go generate ./...`" + ` from docs/generate/requirements.txt and the comments of the code; change those.*

Each statement is in our own words and leads to the paragraph it comes from. "Met in" are the declarations whose
comments cite that paragraph (` + "`Spec: webmention#request-verification-p-2`" + `) or the statement's number, "shown by"
the tests and cases that do. Where a number has several statements, a test that names the number alone may stand
beside all of them. An empty field means that nothing cites the statement.

`

// summary is a table of how many statements of each section stand how.
func (q *requirements) summary(b *strings.Builder, t *tree) {
	b.WriteString("| | statements | met | of these, shown by a test | not yet | left out | uncited |\n|---|---|---|---|---|---|---|\n")
	for _, s := range q.sections {
		met, shown, open, out := 0, 0, 0, 0
		for _, r := range s.rows {
			code, tests := q.places(r, t)
			switch {
			case r.notYet != "":
				open++
			case r.leftOut != "":
				out++
			case len(code) > 0:
				met++
				if len(tests) > 0 {
					shown++
				}
			}
		}
		fmt.Fprintf(b, "| %s | %d | %d | %d | %d | %d | %d |\n", s.title, len(s.rows), met, shown, open, out, len(s.rows)-met-open-out)
	}
}

// link is the statement's number, leading to its first paragraph.
func (q *requirements) link(r requirement) string {
	for _, ref := range r.refs {
		name, anchor, _ := strings.Cut(ref, "#")
		for _, s := range q.specs {
			if s.name != name {
				continue
			}
			address := s.address
			if anchor != "" {
				address += "#" + anchor
			}
			return "[" + r.id + "](" + address + ")"
		}
	}
	return r.id
}

// describe lists places by their package or file: "`webmention/receiver.go`
// Receiver.answer, Receiver.refusal".
func describe(places []place) string {
	var b strings.Builder
	last := ""
	for _, at := range places {
		head := at.dir + "/" + at.file
		if at.test && at.name != "" {
			head = at.dir
		}
		switch {
		case head == last:
			b.WriteString(", ")
		case last != "":
			b.WriteString("; ")
		}
		if head != last {
			b.WriteString("`" + head + "`")
			if at.name != "" {
				b.WriteString(" ")
			}
		}
		b.WriteString(at.name)
		last = head
	}
	return b.String()
}

// cell is text that stays within a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
