package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// place is where something is cited: a declaration, a test, or a file.
type place struct {
	dir  string // of the package, "internal/site"
	file string // "receiver.go"
	name string // "Receiver.answer"; "" for the file as a whole
	test bool   // a test shows it; otherwise the code does it
}

// tree is what the Go files of the module cite, and the tests that they have.
type tree struct {
	cited map[string][]place // by "webmention#request-verification-p-2", "WR-4" or "T-WR02"
	tests map[string]bool    // "internal/site.TestFoldKnowsThePagesOfTheSite"
}

// readTree reads every Go file below root, and the first lines of the cases in
// testdata.
func readTree(root string) (*tree, error) {
	t := &tree{cited: map[string][]place{}, tests: map[string]bool{}}
	packages := map[string]*pkg{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		switch {
		case d.IsDir() && (rel == "docs" || rel != "." && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case path.Ext(rel) == ".txtar":
			return t.readCase(name, rel)
		case path.Ext(rel) == ".go" && !strings.Contains(rel, "testdata/"):
			dir := path.Dir(rel)
			if packages[dir] == nil {
				packages[dir] = &pkg{dir: dir, uses: map[string][]string{}}
			}
			return packages[dir].read(name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range packages {
		p.addTo(t)
	}
	for _, places := range t.cited {
		slices.SortFunc(places, comparePlaces)
	}
	return t, nil
}

func comparePlaces(a, b place) int {
	return strings.Compare(a.dir+"\x00"+a.file+"\x00"+a.name, b.dir+"\x00"+b.file+"\x00"+b.name)
}

// readCase reads why a case of testdata exists: its first line.
func (t *tree) readCase(name, rel string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	why, _, _ := strings.Cut(string(text), "\n")
	dir, _, _ := strings.Cut(rel, "/testdata/")
	for _, id := range citations(why) {
		t.add(id, place{dir: dir, file: strings.TrimPrefix(rel, dir+"/"), test: true})
	}
	return nil
}

func (t *tree) add(id string, at place) {
	if !slices.Contains(t.cited[id], at) {
		t.cited[id] = append(t.cited[id], at)
	}
}

// pkg gathers the files of one directory.
type pkg struct {
	dir   string
	found []citation
	tests []string            // the Test, Fuzz and Example functions
	uses  map[string][]string // which names a declaration of the test files mentions
}

// citation is an id in a comment of a declaration, "" for one outside of any.
type citation struct {
	id, file, decl string
}

func (p *pkg) read(name string) error {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	base := filepath.Base(name)
	spans := spansOf(file)
	for _, group := range file.Comments {
		decl := ""
		for _, s := range spans {
			if s.from <= group.Pos() && group.End() <= s.to {
				decl = s.name
			}
		}
		for _, id := range citations(group.Text()) {
			p.found = append(p.found, citation{id, base, decl})
		}
	}
	if strings.HasSuffix(base, "_test.go") {
		p.readTests(spans)
	}
	return nil
}

// readTests notes which functions are tests and which names they use, so that a
// table beside a test counts for it.
func (p *pkg) readTests(spans []span) {
	for _, s := range spans {
		if isTest(s.name) {
			p.tests = append(p.tests, s.name)
		}
		ast.Inspect(s.node, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				p.uses[s.name] = append(p.uses[s.name], id.Name)
			}
			return true
		})
	}
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") && name != "TestMain" || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Example")
}

// addTo puts what the package cites into t.
func (p *pkg) addTo(t *tree) {
	for _, name := range p.tests {
		t.tests[p.dir+"."+name] = true
	}
	for _, c := range p.found {
		at := place{dir: p.dir, file: c.file, name: c.decl, test: strings.HasSuffix(c.file, "_test.go")}
		if !at.test || isTest(c.decl) {
			t.add(c.id, at)
			continue
		}
		users := slices.DeleteFunc(slices.Clone(p.tests), func(test string) bool { return !p.reaches(test, c.decl, map[string]bool{}) })
		if len(users) == 0 || len(users) > maxUsers {
			at.name = ""
			t.add(c.id, at)
			continue
		}
		for _, test := range users {
			t.add(c.id, place{dir: p.dir, file: c.file, name: test, test: true})
		}
	}
}

// maxUsers is by how many tests a helper may be used and still speak for each.
const maxUsers = 3

// reaches tells whether a declaration of the test files uses another, at once or
// through further ones.
func (p *pkg) reaches(from, to string, seen map[string]bool) bool {
	seen[from] = true
	for _, name := range p.uses[from] {
		if name == to || !seen[name] && p.reaches(name, to, seen) {
			return true
		}
	}
	return false
}

// span is a declaration with its comments.
type span struct {
	name     string
	from, to token.Pos
	node     ast.Node
}

// spansOf lists the declarations of a file, the inner ones of a group after it.
func spansOf(file *ast.File) []span {
	var spans []span
	add := func(name string, node ast.Node, doc *ast.CommentGroup, to token.Pos) {
		from := node.Pos()
		if doc != nil {
			from = doc.Pos()
		}
		spans = append(spans, span{name, from, to, node})
	}
	for _, decl := range file.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			add(nameOf(d), d, d.Doc, d.End())
		case *ast.GenDecl:
			for i, spec := range d.Specs {
				name, doc, to := "", (*ast.CommentGroup)(nil), spec.End()
				switch s := spec.(type) {
				case *ast.TypeSpec:
					name, doc = s.Name.Name, s.Doc
				case *ast.ValueSpec:
					name, doc = s.Names[0].Name, s.Doc
					if s.Comment != nil {
						to = s.Comment.End()
					}
				default:
					continue
				}
				if i == 0 { // the group's comment is its first member's
					add(name, d, d.Doc, d.End())
				}
				add(name, spec, doc, to)
			}
		}
	}
	return spans
}

// nameOf is "Receiver.answer" for a method, without the star.
func nameOf(f *ast.FuncDecl) string {
	if f.Recv == nil || len(f.Recv.List) == 0 {
		return f.Name.Name
	}
	typ := f.Recv.List[0].Type
	if star, ok := typ.(*ast.StarExpr); ok {
		typ = star.X
	}
	if generic, ok := typ.(*ast.IndexExpr); ok {
		typ = generic.X
	}
	if id, ok := typ.(*ast.Ident); ok {
		return id.Name + "." + f.Name.Name
	}
	return f.Name.Name
}

var (
	specLine = regexp.MustCompile(`(?m)^\s*Spec: (.*)$`)
	anywhere = regexp.MustCompile(`\b[a-z0-9-]+#[a-z0-9-]+-(?:p|li)-\d+\b`)
	ourIDs   = regexp.MustCompile(`\b(?:(?:WS|WR|MP|IA|MF|CL|J)-\d+|T-[A-Z]{2}\d+)\b`)
	ranges   = regexp.MustCompile(`\b((?:WS|WR|MP|IA|MF|CL|J)-)(\d+) to (?:WS|WR|MP|IA|MF|CL|J)-(\d+)\b`)
)

// citations are the ids in a comment: what its Spec lines have, and wherever they
// stand paragraphs and our own ids, "IA-8 to IA-11" being four.
func citations(text string) []string {
	var ids []string
	for _, line := range specLine.FindAllStringSubmatch(text, -1) {
		for _, id := range strings.FieldsFunc(line[1], func(r rune) bool { return r == ',' || r == ' ' }) {
			if !ourIDs.MatchString(id) {
				ids = append(ids, id)
			}
		}
	}
	ids = append(ids, anywhere.FindAllString(text, -1)...)
	ids = append(ids, ourIDs.FindAllString(text, -1)...)
	for _, m := range ranges.FindAllStringSubmatch(text, -1) {
		from, _ := strconv.Atoi(m[2]) // digits both
		to, _ := strconv.Atoi(m[3])
		for n := from + 1; n < to; n++ {
			ids = append(ids, m[1]+strconv.Itoa(n))
		}
	}
	return ids
}
