package main

import (
	_ "embed"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"tertulia/internal/web/theme"
)

// taken is where a setting was taken from: file, environment or flag, and the line, the variable
// or the flag there.
type taken struct{ from, where string }

// came notes where a setting was taken from: it is known by its place in the settings.
func (l *loader) came(field reflect.Value, from, where string) {
	if l.set.origins == nil {
		l.set.origins = map[any]taken{}
	}
	l.set.origins[field.Addr().Interface()] = taken{from, where}
}

// view is what is in force for a site, with where each value comes from, in the order of
// the reference. What belongs to other sites is left out, and secrets are only said to be there.
func (s *settings) view(one *siteSettings) theme.Settings {
	v := settingsView{set: s, one: one}
	v.group(reflect.ValueOf(s).Elem(), "", "")
	return theme.Settings{File: s.file, Groups: v.groups}
}

type settingsView struct {
	set    *settings
	one    *siteSettings
	groups []theme.SettingGroup
}

// group adds a struct as a section, and its inner structs after it.
func (v *settingsView) group(of reflect.Value, title, path string) {
	at := len(v.groups)
	v.groups = append(v.groups, theme.SettingGroup{Title: title, About: described()[of.Type().Name()]})
	for name, field := range fields(of) {
		inner := strings.TrimPrefix(path+"."+name, ".")
		switch {
		case isSections(field.Type()):
			for i := range field.Len() {
				if v.ours(field.Index(i)) {
					v.group(field.Index(i), "[["+inner+"]]", inner)
				}
			}
		case isSection(field.Type()):
			v.group(field, "["+inner+"]", inner)
		default:
			v.groups[at].Settings = append(v.groups[at].Settings, v.setting(of, name, field))
		}
	}
	if len(v.groups[at].Settings) == 0 {
		v.groups = slices.Delete(v.groups, at, at+1)
	}
}

// ours tells whether a section of a list is for the site: of [[site]] it is one, and the lists
// that name sites say so in their field sites.
func (v *settingsView) ours(section reflect.Value) bool {
	if s, ok := section.Addr().Interface().(*siteSettings); ok {
		return s == v.one
	}
	for name, field := range fields(section) {
		if sites, ok := field.Interface().([]string); ok && name == "sites" {
			return len(sites) == 0 || slices.Contains(sites, v.one.URL)
		}
	}
	return true
}

// setting is one setting as it is shown.
func (v *settingsView) setting(in reflect.Value, name string, field reflect.Value) theme.Setting {
	out := theme.Setting{Key: name, About: described()[in.Type().Name()+"."+name], From: "default"}
	if o, ok := v.set.origins[field.Addr().Interface()]; ok {
		out.From, out.Where = o.from, o.where
	}
	value := field
	if field.Addr().Interface() == &v.one.Base && v.one.Base == "" {
		out.From, value = "derived", reflect.ValueOf(v.set.base(*v.one))
	}
	switch {
	case value.IsZero() && out.From == "default" && value.Kind() != reflect.Bool && !value.CanInt():
	case secretSetting(name):
		out.Secret = true
	default:
		out.Value = spelledOut(value)
	}
	return out
}

// secretWords are in the names of settings that are secrets, but for those that name a file, or
// an address where secrets are asked for.
var secretWords = regexp.MustCompile(`(^|_)(hook|secret|password|passphrase|token|key)s?$`)

func secretSetting(name string) bool { return secretWords.MatchString(name) && name != "keys" }

// spelledOut is a value as the file has it. What addresses have before an @ is a secret.
func spelledOut(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case duration:
		return strconv.Quote(value.Duration().String())
	case map[string]string:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(value)) {
			pairs = append(pairs, k+" = "+spelledOut(reflect.ValueOf(value[k])))
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	case map[string]any:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(value)) {
			pairs = append(pairs, k+" = { … }")
		}
		return "{ " + strings.Join(pairs, ", ") + " }"
	}
	switch v.Kind() {
	case reflect.Slice:
		var all []string
		for i := range v.Len() {
			all = append(all, spelledOut(v.Index(i)))
		}
		return "[" + strings.Join(all, ", ") + "]"
	case reflect.String:
		return strconv.Quote(withoutUser(v.String()))
	}
	return fmt.Sprint(v.Interface())
}

// withoutUser is an address without the password that may stand in it.
func withoutUser(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.User == nil {
		return s
	}
	if _, has := u.User.Password(); !has {
		return s
	}
	return strings.Replace(s, u.User.String()+"@", url.User(u.User.Username()).String()+":…@", 1)
}

//go:embed config.go
var reference string

// described is what the comments of the reference say of each struct, by its name, and of each
// setting, by struct and name: with its default, without the example.
var described = sync.OnceValue(func() map[string]string { return describe(reference) })

var (
	aStruct  = regexp.MustCompile(`^type (\w+) struct \{$`)
	aField   = regexp.MustCompile("^\t\\w+ .*`toml:\"(\\w+)\"`$")
	aComment = regexp.MustCompile(`^\t?// ?(.*)$`)
	namesIt  = regexp.MustCompile(`^\w+ (?:is|says|are) `)
	brackets = regexp.MustCompile(`:? ?\[+[\w.]+\]+(?:: )?| ?\(SPECS \w+\)`)
	sampled  = regexp.MustCompile(` ?Example: .*$`)
)

func describe(source string) map[string]string {
	said := map[string]string{}
	var within string
	var comment []string
	for line := range strings.SplitSeq(source, "\n") {
		if m := aComment.FindStringSubmatch(line); m != nil {
			comment = append(comment, m[1])
			continue
		}
		text := sampled.ReplaceAllString(strings.Join(comment, " "), "")
		comment = nil
		if m := aStruct.FindStringSubmatch(line); m != nil {
			within = m[1]
			text = brackets.ReplaceAllString(namesIt.ReplaceAllString(text, ""), "")
			if text != "" && within != "settings" { // that one is for those who write the file
				said[within] = strings.ToUpper(text[:1]) + text[1:]
			}
		} else if m := aField.FindStringSubmatch(line); m != nil {
			said[within+"."+m[1]] = text
		}
	}
	return said
}
