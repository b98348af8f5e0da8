package main

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// settings are the sections of the settings file, in their order.
type settings struct {
	intro    string // the comment of the struct
	sections []settingsSection
}

type settingsSection struct {
	title string // "[fetch]"; "" for the settings outside of any section
	intro string
	rows  []setting
}

type setting struct {
	key, kind, what, byDefault, example string
	variable                            string // "" when it has none
}

// readSettings reads the struct settings, and those that it is made of. A field's
// comment says what it is, then "Default: …" and "Example: …".
func readSettings(name string) (*settings, error) {
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	r := settingsReader{structs: map[string]*ast.StructType{}, docs: map[string]string{}}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			if typ, ok := spec.(*ast.TypeSpec); ok {
				if fields, ok := typ.Type.(*ast.StructType); ok {
					r.structs[typ.Name.Name], r.docs[typ.Name.Name] = fields, group.Doc.Text()
				}
			}
		}
	}
	if r.structs["settings"] == nil {
		return nil, fmt.Errorf("%s has no struct settings", name)
	}
	if err := r.section("settings", "", nil, true); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	r.out.intro = r.docs["settings"]
	return &r.out, nil
}

type settingsReader struct {
	structs map[string]*ast.StructType
	docs    map[string]string
	out     settings
}

// section adds a struct as a section, and its inner structs after it. env says
// whether its settings have environment variables.
func (r *settingsReader) section(typ, title string, path []string, env bool) error {
	at := len(r.out.sections)
	r.out.sections = append(r.out.sections, settingsSection{title: title, intro: about(r.docs[typ])})
	for _, field := range r.structs[typ].Fields.List {
		name := fieldName(field)
		if name == "" {
			continue
		}
		if len(field.Names) != 1 {
			return fmt.Errorf("%s: one field for each setting", name)
		}
		key := append(path[:len(path):len(path)], name)
		inner, many := elem(field.Type)
		if r.structs[inner] == nil {
			one, err := read(field, strings.Join(key, "."))
			if err != nil {
				return err
			}
			if env {
				one.variable = "TERTULIA_" + strings.ToUpper(strings.Join(key, "_"))
			}
			r.out.sections[at].rows = append(r.out.sections[at].rows, one)
			continue
		}
		title := "[" + strings.Join(key, ".") + "]"
		if many {
			title = "[" + title + "]"
		}
		if err := r.section(inner, title, key, env && !many); err != nil {
			return err
		}
		if doc := line(field.Doc.Text()); doc != "" {
			r.sectionOf(title).intro = sample.ReplaceAllString(doc, "Example: `$1`")
		}
	}
	return nil
}

func (r *settingsReader) sectionOf(title string) *settingsSection {
	i := slices.IndexFunc(r.out.sections, func(s settingsSection) bool { return s.title == title })
	return &r.out.sections[i]
}

// fieldName is what a setting is called in the file, "" for a field that is none.
func fieldName(field *ast.Field) string {
	if field.Tag == nil {
		return ""
	}
	tag, err := strconv.Unquote(field.Tag.Value)
	if err != nil {
		return ""
	}
	return reflect.StructTag(tag).Get("toml")
}

// elem is the name of a type, or of a list's members.
func elem(typ ast.Expr) (name string, many bool) {
	switch t := typ.(type) {
	case *ast.Ident:
		return t.Name, false
	case *ast.StarExpr:
		name, _ = elem(t.X)
		return name, false
	case *ast.ArrayType:
		name, _ = elem(t.Elt)
		return name, true
	case *ast.MapType:
		return "map", false
	}
	return "", false
}

var parts = regexp.MustCompile(`^(.*?)(?: ?Default: (.*?))?(?: ?Example: (.*))?$`)

// read reads the comment of one setting.
func read(field *ast.Field, key string) (setting, error) {
	m := parts.FindStringSubmatch(line(field.Doc.Text()))
	if m == nil || m[1] == "" || m[3] == "" {
		return setting{}, fmt.Errorf("%s: its comment must say what it is and give an example", key)
	}
	name, many := elem(field.Type)
	kind, known := kinds[name]
	if !known {
		return setting{}, fmt.Errorf("%s: docs/generate/config.go has no words for a %s", key, name)
	}
	if many {
		kind = "list of texts"
	}
	return setting{key: key, kind: kind, what: m[1], byDefault: cmp.Or(strings.TrimSuffix(m[2], "."), "*required*"), example: m[3]}, nil
}

// kinds are the types of settings in an owner's words.
var kinds = map[string]string{
	"string": "text", "bool": "true or false", "int": "number", "int64": "number",
	"map": "table of texts", "duration": "time with its unit", "addresses": "host:port, or a list of them",
}

// line is a comment on one line.
func line(doc string) string { return strings.Join(strings.Fields(doc), " ") }

var (
	opening = regexp.MustCompile(`^\w+ (?:is|says|are) `)
	aside   = regexp.MustCompile(`:? ?\[+[\w.]+\]+(?:: )?| ?\(SPECS \w+\)`)
	sample  = regexp.MustCompile(`Example: (.*)$`)
)

// about is what a struct's comment says of its section: "fetchSettings is about …:
// [fetch]." without the names.
func about(doc string) string {
	doc = aside.ReplaceAllString(opening.ReplaceAllString(line(doc), ""), "")
	if doc == "" {
		return ""
	}
	return strings.ToUpper(doc[:1]) + doc[1:]
}

// document is docs/config.md.
func (s *settings) document() string {
	var b strings.Builder
	b.WriteString("# Settings\n\n*Made by `go generate ./...` from the comments in cmd/tertulia/config.go; change those.*\n\n")
	for paragraph := range strings.SplitSeq(s.intro, "\n\n") {
		if !strings.Contains(paragraph, "[loadSettings]") { // for those who change the code
			b.WriteString(opening.ReplaceAllString(line(paragraph), "This is ") + "\n\n")
		}
	}
	b.WriteString("[tertulia.example.toml](../tertulia.example.toml) has them all, to be copied.\n")
	for i, section := range s.sections {
		if i > 0 {
			fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", section.title, section.intro)
		}
		if len(section.rows) == 0 {
			continue
		}
		b.WriteString("\n| setting | type | what | default | example | environment |\n|---|---|---|---|---|---|\n")
		for _, one := range section.rows {
			variable := "—"
			if one.variable != "" {
				variable = "`" + one.variable + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | `%s` | %s |\n", one.key, one.kind, cell(one.what), cell(one.byDefault), cell(one.example), variable)
		}
	}
	return b.String()
}
