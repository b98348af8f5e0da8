package frontmatter_test

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tertulia/internal/publish/frontmatter"
)

var formats = []frontmatter.Format{frontmatter.YAML, frontmatter.TOML, frontmatter.JSON}

// text is any string, with those that readers stumble over among them.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom(hostile), rapid.String(), rapid.StringMatching(`[a-z]{0,6}`))
}

// anyValue is a value of a format, of a depth of three at most.
func anyValue(format frontmatter.Format, depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		anyText().AsAny(), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Float64().AsAny(),
		rapid.Just(time.Date(2026, 11, 22, 10, 0, 0, 5, time.FixedZone("", -12600))).AsAny(),
	}
	if format == frontmatter.JSON {
		kinds = kinds[:4]
	}
	if depth > 0 {
		kinds = append(kinds, rapid.SliceOfN(anyValue(format, depth-1), 0, 3).AsAny(), rapid.MapOfN(innerKey(format), anyValue(format, depth-1), 0, 3).AsAny())
	}
	return rapid.OneOf(kinds...)
}

func anyKey() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c", "title", "no", "a b", "<<"}), rapid.StringN(0, 8, 20))
}

// innerKey is a key that a format's library can read: TOML's loses what stands in a
// list before a table if a key is empty, and Set refuses that.
func innerKey(format frontmatter.Format) *rapid.Generator[string] {
	return anyKey().Filter(func(key string) bool { return key != "" || format != frontmatter.TOML })
}

// sameValue compares values, times by instant and offset.
func sameValue(a, b any) bool {
	return cmp.Equal(a, b, cmp.Comparer(func(a, b time.Time) bool {
		return a.Format(time.RFC3339Nano) == b.Format(time.RFC3339Nano)
	}))
}

// model does to plain values what Set does to a file.
func model(m map[string]any, value any, path []string) bool {
	for ; len(path) > 1; path = path[1:] {
		switch next := m[path[0]].(type) {
		case map[string]any:
			m = next
		case nil:
			made := make(map[string]any)
			m[path[0]] = made
			m = made
		default:
			return false
		}
	}
	m[path[0]] = value
	return true
}

// Whatever is set, in whatever order, is read back, and nothing else changes.
func TestSetIsReadBack(t *testing.T) {
	for _, format := range formats {
		t.Run(string(format), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				f := frontmatter.New(format)
				f.SetBody([]byte("---\nbody\n+++\n"))
				want := make(map[string]any)
				for range rapid.IntRange(1, 6).Draw(t, "steps") {
					path := rapid.SliceOfN(innerKey(format), 1, 3).Draw(t, "path")
					if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
						before, err := f.Values()
						if err != nil {
							t.Fatal(err)
						}
						if err := f.Delete(path...); err != nil {
							t.Fatalf("Delete(%q): %v\n%s", path, err, f.Bytes())
						}
						if want, err = f.Values(); err != nil {
							t.Fatal(err)
						}
						if _, ok := f.Get(path...); ok || len(want) < len(before)-1 {
							t.Fatalf("Delete(%q): got %v, before %v", path, want, before)
						}
						continue
					}
					value := anyValue(format, 2).Draw(t, "value")
					if !model(want, value, path) {
						continue
					}
					if err := f.Set(value, path...); err != nil {
						t.Fatalf("Set(%#v, %q): %v\n%s", value, path, err, f.Bytes())
					}
				}
				again, err := frontmatter.Parse(f.Bytes())
				if err != nil {
					t.Fatal(err)
				}
				got, err := again.Values()
				if err != nil {
					t.Fatalf("%v\n%s", err, f.Bytes())
				}
				if !sameValue(got, any(want)) {
					t.Fatalf("got %v, want %v\n%s", got, want, f.Bytes())
				}
				if string(again.Body()) != "---\nbody\n+++\n" {
					t.Fatalf("body is %q", again.Body())
				}
			})
		})
	}
}

// What is not front matter's business, and files that cannot be understood.
func FuzzFrontMatter(f *testing.F) {
	for _, test := range edits {
		f.Add([]byte(test.file), "title", "new")
	}
	for _, file := range broken {
		f.Add([]byte(file), "a", "no")
	}
	f.Fuzz(func(t *testing.T, data []byte, key, value string) {
		file, err := frontmatter.Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(file.Bytes(), data) {
			t.Fatalf("Parse(%q).Bytes() = %q", data, file.Bytes())
		}
		before, err := file.Values()
		if err != nil {
			return
		}
		keys := append(slices.Sorted(maps.Keys(before)), key)
		if len(keys) > 12 {
			keys = append(keys[:11], key)
		}
		for _, k := range keys {
			edit(t, data, []string{k}, value)
			if m, ok := before[k].(map[string]any); ok {
				for _, inner := range append(slices.Sorted(maps.Keys(m)), key) {
					edit(t, data, []string{k, inner}, value)
				}
			}
		}
	})
}

// edit sets and deletes a key of a file and looks at everything that must not change.
func edit(t *testing.T, data []byte, path []string, value string) {
	t.Helper()
	for _, v := range []any{value, []any{value, "more"}, map[string]any{"k": value}, gone{}} {
		file, _ := frontmatter.Parse(data)
		before, _ := file.Values()
		body := file.Body()
		var err error
		if _, ok := v.(gone); ok {
			err = file.Delete(path...)
		} else {
			err = file.Set(v, path...)
		}
		if err != nil {
			if !bytes.Equal(file.Bytes(), data) {
				t.Fatalf("%q: refused (%v), yet it is now %q", data, err, file.Bytes())
			}
			continue
		}
		again, err := frontmatter.Parse(file.Bytes())
		if err != nil {
			t.Fatalf("%q: now %q: %v", data, file.Bytes(), err)
		}
		after, err := again.Values()
		if err != nil {
			t.Fatalf("%q: %v to %v: now %q: %v", data, path, v, file.Bytes(), err)
		}
		if got, ok := again.Get(path...); reflect.DeepEqual(v, gone{}) == ok || ok && !sameValue(got, v) {
			t.Fatalf("%q: %v is %#v in %q, want %#v", data, path, got, file.Bytes(), v)
		}
		delete(before, path[0])
		delete(after, path[0])
		if !sameValue(before, after) {
			t.Fatalf("%q: %v to %v: the rest is %v in %q, want %v", data, path, v, after, file.Bytes(), before)
		}
		if !bytes.Equal(again.Body(), body) {
			t.Fatalf("%q: body is %q, want %q", data, again.Body(), body)
		}
	}
}
