package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// globals are the flags that every command takes; "" is one that was not given.
type globals struct{ Config, Data, Listen string }

// parseGlobals takes --config, --data and --listen out of a command's arguments,
// wherever they stand before "--", and returns the others in their order.
func parseGlobals(args []string) (g globals, rest []string, err error) {
	flags := map[string]*string{"config": &g.Config, "data": &g.Data, "listen": &g.Listen}
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return g, append(rest, args[i:]...), nil
		}
		word, value, given := strings.Cut(args[i], "=")
		name := strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
		flag := flags[name]
		if flag == nil || name == word {
			rest = append(rest, args[i])
			continue
		}
		if !given && i+1 < len(args) && !strings.HasPrefix(args[i+1], "-") {
			i++
			value = args[i]
		}
		if value == "" {
			return globals{}, nil, fmt.Errorf("the flag --%s needs a value", name)
		}
		*flag = value
	}
	return g, rest, nil
}

// loadSettings reads the settings from flags, environment, file and defaults, in
// that order of weight, and completes and checks them. Its error names all that
// is wrong, a line for each key, with a hint.
func loadSettings(g globals, env func(string) (string, bool)) (*settings, error) {
	l := &loader{set: defaults(), env: env}
	if err := l.file(g.Config); err != nil {
		return nil, err
	}
	l.environment(reflect.ValueOf(l.set).Elem(), "")
	if g.Data != "" {
		l.set.Data = g.Data
		l.came(reflect.ValueOf(&l.set.Data).Elem(), "flag", "--data")
	}
	if g.Listen != "" {
		l.set.Listen = list(g.Listen)
		l.came(reflect.ValueOf(&l.set.Listen).Elem(), "flag", "--listen")
	}
	l.read = len(l.problems)
	l.check()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return l.set, nil
}

// loader fills settings and collects what is wrong with them.
type loader struct {
	set      *settings
	env      func(string) (string, bool)
	meta     toml.MetaData
	lines    map[string]int // of the file, by the label of the key there
	problems problems
	read     int // how many of them came up before the check
}

// problems are what is wrong with the settings.
type problems []problem

type problem struct{ key, what, hint string }

// Error has a line for each problem.
func (p problems) Error() string {
	var b strings.Builder
	b.WriteString("the settings cannot be used")
	for _, one := range p {
		fmt.Fprintf(&b, "\n  %s: %s", one.key, one.what)
		if one.hint != "" {
			fmt.Fprintf(&b, " (%s)", one.hint)
		}
	}
	return b.String()
}

// wrong notes a problem. What could not be read is not checked as well.
func (l *loader) wrong(key, what, hint string) {
	if !slices.ContainsFunc(l.problems[:l.read], func(p problem) bool { return p.key == key }) {
		l.problems = append(l.problems, problem{key, what, hint})
	}
}

// settingsFile is read when it is there and no other is named.
const settingsFile = "tertulia.toml"

func (l *loader) file(name string) error {
	if named, ok := l.env("TERTULIA_CONFIG"); ok {
		name = cmp.Or(name, named)
	}
	text, err := os.ReadFile(cmp.Or(name, settingsFile))
	if errors.Is(err, fs.ErrNotExist) && name == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the settings: %w", err)
	}
	var top map[string]toml.Primitive
	if l.meta, err = toml.Decode(string(text), &top); err != nil {
		return fmt.Errorf("read the settings: %s: %s", cmp.Or(name, settingsFile), strings.TrimPrefix(err.Error(), "toml: "))
	}
	l.set.file, l.lines = cmp.Or(name, settingsFile), keyLines(string(text))
	l.section(reflect.ValueOf(l.set).Elem(), top, "", "")
	return nil
}

// section fills a struct from a section of the file, key by key, so that one wrong
// value does not hide the next. prefix is the section's name with a dot at its end;
// where tells one of several sites from the others.
func (l *loader) section(into reflect.Value, section map[string]toml.Primitive, prefix, where string) {
	known := maps.Collect(fields(into))
	for _, name := range slices.Sorted(maps.Keys(section)) {
		key, field := prefix+name, known[name]
		label := key + where
		switch {
		case !field.IsValid():
			l.wrong(label, "there is no such setting", nearest(key))
		case isSection(field.Type()):
			var inner map[string]toml.Primitive
			if err := l.meta.PrimitiveDecode(section[name], &inner); err != nil || inner == nil {
				l.wrong(label, "it must be a section", "["+key+"]")
				continue
			}
			l.section(field, inner, key+".", where)
		case isSections(field.Type()):
			l.sections(field, section[name], key)
		case l.meta.PrimitiveDecode(section[name], field.Addr().Interface()) != nil:
			l.wrong(label, "it must be "+kind(field), "")
		default:
			l.came(field, "file", l.line(key, where))
		}
	}
}

// line is the file and the line in which a key stands, or the table in one line that it is in.
func (l *loader) line(key, where string) string {
	for ok := true; ok; key, _, ok = cutLast(key) {
		if n := l.lines[key+where]; n > 0 {
			return fmt.Sprintf("%s:%d", l.set.file, n)
		}
	}
	return l.set.file
}

// cutLast cuts the last part off a dotted key; false when there is but one.
func cutLast(key string) (before, last string, ok bool) {
	i := strings.LastIndexByte(key, '.')
	if i < 0 {
		return key, "", false
	}
	return key[:i], key[i+1:], true
}

// sections fills a list of structs from sections of one name: [[site]].
func (l *loader) sections(into reflect.Value, value toml.Primitive, key string) {
	var all []map[string]toml.Primitive
	notOne := func(one map[string]toml.Primitive) bool { return one == nil }
	if err := l.meta.PrimitiveDecode(value, &all); err != nil || slices.ContainsFunc(all, notOne) {
		l.wrong(key, "it must be a section for each "+key, "[["+key+"]]")
		return
	}
	into.Set(reflect.MakeSlice(into.Type(), len(all), len(all)))
	for i, one := range all {
		noun := "site"
		if key == "person" || key == "signin" {
			noun = key
		}
		l.section(into.Index(i), one, key+".", nth(noun, i, len(all)))
	}
}

// which tells one of several sites from the others.
func which(i, of int) string { return nth("site", i, of) }

// nth tells one of several sections of a kind from the others.
func nth(noun string, i, of int) string {
	if of < 2 {
		return ""
	}
	return fmt.Sprintf(" of %s %d", noun, i+1)
}

// environment fills a struct from the variables that bear the names of its keys.
func (l *loader) environment(into reflect.Value, prefix string) {
	for name, field := range fields(into) {
		key := prefix + name
		switch {
		case isSections(field.Type()):
			continue
		case isSection(field.Type()):
			l.environment(field, key+".")
			continue
		}
		variable := "TERTULIA_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
		if value := l.variable(variable); value != "" {
			if setText(field, value) != nil {
				l.wrong(variable, "it must be "+kind(field), "")
			}
			if file, _ := l.env(variable + "_FILE"); file != "" {
				variable += "_FILE"
			}
			l.came(field, "environment", variable)
		}
	}
}

// variable is the value of an environment variable, or of the file that the
// variable with _FILE behind its name names.
func (l *loader) variable(name string) string {
	value, _ := l.env(name)
	file, _ := l.env(name + "_FILE")
	if file == "" {
		return value
	}
	if value != "" {
		l.wrong(name, "it is given itself and as "+name+"_FILE", "keep one of them")
		return ""
	}
	text, err := os.ReadFile(file)
	if err != nil {
		l.wrong(name+"_FILE", err.Error(), "it names a file that holds the value")
	}
	return strings.TrimSpace(string(text))
}

// fields are the settings in a struct, by their names in the file.
func fields(v reflect.Value) iter.Seq2[string, reflect.Value] {
	return func(yield func(string, reflect.Value) bool) {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Tag.Get("toml"); name != "" && !yield(name, v.Field(i)) {
				return
			}
		}
	}
}

func isSection(t reflect.Type) bool { return t.Kind() == reflect.Struct }

func isSections(t reflect.Type) bool { return t.Kind() == reflect.Slice && isSection(t.Elem()) }

// kind says in an owner's words what a setting holds.
func kind(v reflect.Value) string {
	switch v.Addr().Interface().(type) {
	case *addresses:
		return "host:port in quotes, or a list of them"
	case *[]string:
		return "a list of texts in quotes"
	case **bool, *bool:
		return "true or false"
	case *map[string]string:
		return `a table of texts, such as { all = "…" }`
	case *map[string]any:
		return `a table of tables, such as { es = { "conversation.title" = "…" } }`
	case *int, *int64:
		return "a whole number"
	case *duration:
		return `a time with its unit, such as "10s"`
	}
	return "a text in quotes"
}

// setText sets a setting from the environment.
func setText(v reflect.Value, text string) (err error) {
	switch to := v.Addr().Interface().(type) {
	case *string:
		*to = text
	case *addresses:
		*to = list(text)
	case *[]string:
		*to = list(text)
	case **bool:
		var b bool
		b, err = strconv.ParseBool(text)
		*to = &b
	case *int:
		*to, err = strconv.Atoi(text)
	case *int64:
		*to, err = strconv.ParseInt(text, 10, 64)
	case *duration:
		err = to.UnmarshalText([]byte(text))
	}
	return err
}

// list parses words with commas between them.
func list(text string) []string {
	var words []string
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			words = append(words, word)
		}
	}
	return words
}

// addresses are one host:port or several.
type addresses []string

// UnmarshalTOML takes a string or a list of strings.
func (a *addresses) UnmarshalTOML(value any) error {
	several, ok := value.([]any)
	if !ok {
		several = []any{value}
	}
	var all addresses
	for _, one := range several {
		address, ok := one.(string)
		if !ok {
			return errors.New("not a text")
		}
		all = append(all, address)
	}
	*a = all
	return nil
}

// duration is a time.Duration that is written with its unit: "10s".
type duration time.Duration

// Duration is d as the standard library has it.
func (d duration) Duration() time.Duration { return time.Duration(d) }

// UnmarshalText takes what [time.ParseDuration] does.
func (d *duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	if err == nil {
		*d = duration(parsed)
	}
	return err
}
