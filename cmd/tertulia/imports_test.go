package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Imports    []string
}

// TestImportTable holds the code against the table in docs/flow.md: who knows whom
// is decided there, not by whoever needs something next.
func TestImportTable(t *testing.T) {
	allowed := readTable(t, "../../docs/flow.md")
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "tertulia/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "tertulia/")
		may, known := allowed[name]
		if !known {
			t.Errorf("package %s is not in the table", name)
			continue
		}
		for _, imported := range p.Imports {
			ours, isOurs := strings.CutPrefix(imported, "tertulia/")
			if isOurs && !slices.Contains(may, ours) && !slices.Contains(may, "everything") {
				t.Errorf("%s imports %s, which the table does not allow", name, ours)
			}
			checkAlone(t, name, imported)
		}
	}
}

// checkAlone reports imports that only one package may have.
func checkAlone(t *testing.T, name, imported string) {
	t.Helper()
	for prefix, owner := range map[string]string{
		"tertulia/internal/fetch":    "cmd/tertulia",
		"go.etcd.io/bbolt":           "store",
		"github.com/gorilla/mux":     "internal/web",
		"tertulia/internal/webtest":  "tests",
		"tertulia/internal/leaktest": "tests",
	} {
		if strings.HasPrefix(imported, prefix) && name != owner {
			t.Errorf("%s imports %s; only %s may", name, imported, owner)
		}
	}
}

func readTable(t *testing.T, file string) map[string][]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	table := map[string][]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		cells := strings.Split(lines.Text(), "|")
		if len(cells) != 4 {
			continue
		}
		var may []string
		for _, name := range strings.Split(cells[2], ",") {
			if name = strings.TrimSpace(name); name != "" {
				may = append(may, name)
			}
		}
		table[strings.TrimSpace(cells[1])] = may
	}
	if len(table) < 10 {
		t.Fatalf("the table of %s has only %d rows", file, len(table))
	}
	return table
}

// TestOnlyFetchMakesClients finds every way to the network that is not one of the two
// guarded clients: a client or transport made elsewhere, or net/http's own (DESIGN
// section 2, rule 3; HOSTILE 10).
func TestOnlyFetchMakesClients(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "fetch" || name == "webtest" || name == "testdata" || name == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if found := wayOut(n); found != "" {
				t.Errorf("%s uses %s; only internal/fetch makes clients", fset.Position(n.Pos()), found)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wayOut names the way to the network that a node is, "" when it is none.
func wayOut(n ast.Node) string {
	switch n := n.(type) {
	case *ast.CompositeLit:
		if sel, ok := n.Type.(*ast.SelectorExpr); ok {
			if name := qualified(sel); name == "http.Client" || name == "http.Transport" {
				return name + "{}"
			}
		}
	case *ast.SelectorExpr:
		switch name := qualified(n); name {
		case "http.DefaultClient", "http.Get", "http.Post", "http.PostForm", "http.Head":
			return name
		}
	}
	return ""
}

func qualified(sel *ast.SelectorExpr) string {
	if x, ok := sel.X.(*ast.Ident); ok {
		return x.Name + "." + sel.Sel.Name
	}
	return ""
}
