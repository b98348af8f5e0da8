package micropub_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tertulia/mf2"
	"tertulia/micropub"
)

type values = map[string][]any

// Spec: micropub#replace-p-1
// Spec: micropub#add-p-1
// Spec: micropub#remove-p-1
// Spec: micropub#remove-p-4
func TestUpdateApply(t *testing.T) {
	card := func(name string) map[string]any {
		return map[string]any{"type": []any{"h-card"}, "properties": map[string]any{"name": []any{name}}}
	}
	for _, tt := range []struct {
		name       string
		have, want values
		u          micropub.Update
	}{
		{"replace creates and leaves the rest", values{"a": {"1"}}, values{"a": {"1"}, "b": {"2"}}, micropub.Update{Replace: values{"b": {"2"}}}},
		{"replace with nothing removes (T-MP12)", values{"a": {"1"}, "b": {"2"}}, values{"b": {"2"}}, micropub.Update{Replace: values{"a": {}}}},
		{"add appends", values{"a": {"1"}}, values{"a": {"1", "2"}}, micropub.Update{Add: values{"a": {"2"}}}},
		{"add creates", values{}, values{"a": {"2"}}, micropub.Update{Add: values{"a": {"2"}}}},
		{"add of what is there, twice", values{"a": {"1"}}, values{"a": {"1", "2"}}, micropub.Update{Add: values{"a": {"1", "2", "2"}}}},
		{"add of nothing makes no property", values{}, values{}, micropub.Update{Add: values{"a": {}}}},
		{"delete a list (T-MP10)", values{"a": {"1"}, "b": {"2"}}, values{"b": {"2"}}, micropub.Update{DeleteAll: []string{"a", "never"}}},
		{"delete a value", values{"a": {"1", "2", "1"}}, values{"a": {"2"}}, micropub.Update{Delete: values{"a": {"1"}}}},
		{"delete the last value", values{"a": {"1"}}, values{}, micropub.Update{Delete: values{"a": {"1"}}}},
		{"delete an unknown value (HOSTILE 78)", values{"a": {"1"}}, values{"a": {"1"}}, micropub.Update{Delete: values{"a": {"9", []any{}}, "z": {"1"}}}},
		{"delete a nested value", values{"a": {card("x"), card("y")}}, values{"a": {card("y")}}, micropub.Update{Delete: values{"a": {card("x")}}}},
		{"delete a number however it is spelt", values{"a": {1.5, json.Number("2"), "2"}}, values{"a": {"2"}}, micropub.Update{Delete: values{"a": {json.Number("1.50"), 2.0}}}},
		{"a string is no number, no bool, no object", values{"a": {"1", "true", true, card("x")}}, values{"a": {"1", "true", card("x")}}, micropub.Update{Delete: values{"a": {1.0, true, map[string]any{"type": "h-card"}}}}},
		{"delete all, then add", values{"a": {"1"}}, values{"a": {"2"}}, micropub.Update{DeleteAll: []string{"a"}, Add: values{"a": {"2"}}}},
		{"delete one value, add another", values{"a": {"1", "2"}}, values{"a": {"2", "3"}}, micropub.Update{Delete: values{"a": {"1"}}, Add: values{"a": {"3"}}}},
		{"replace, then add", values{"a": {"1"}}, values{"a": {"2", "3"}}, micropub.Update{Replace: values{"a": {"2"}}, Add: values{"a": {"3"}}}},
		{"commands change nothing", values{"a": {"1"}}, values{"a": {"1"}}, micropub.Update{Commands: values{"mp-slug": {"x"}}}},
		{"no properties yet", nil, values{"a": {"1"}}, micropub.Update{Add: values{"a": {"1"}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			it := mf2.Item{Type: []string{"h-entry"}, Properties: tt.have}
			before := it.Clone()
			got, err := tt.u.Apply(it)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(mf2.Item{Type: []string{"h-entry"}, Properties: tt.want}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(before, it); diff != "" {
				t.Errorf("the item itself changed (-before +after)\n%s", diff)
			}
		})
	}
}

// HOSTILE 78: what cannot be done is not done by half.
func TestUpdateApplyRefuses(t *testing.T) {
	it := mf2.Item{Type: []string{"h-entry"}, Properties: values{"a": {"1"}}}
	for name, u := range map[string]micropub.Update{
		"replace and delete all":    {Replace: values{"a": {"2"}}, DeleteAll: []string{"a"}},
		"replace and delete values": {Replace: values{"a": {"2"}}, Delete: values{"a": {"1"}}},
		"a token":                   {Add: values{"b": {"2"}, "access_token": {"x"}}},
		"a command as a property":   {Replace: values{"mp-slug": {"x"}}},
		"a property as a command":   {Commands: values{"slug": {"x"}}},
		"null":                      {Add: values{"b": {nil}}},
		"no name":                   {DeleteAll: []string{""}},
	} {
		got, err := u.Apply(it)
		var e *micropub.Error
		if !errors.As(err, &e) || e.Code != micropub.InvalidRequest {
			t.Errorf("%s: got error %v, want invalid_request", name, err)
		}
		if diff := cmp.Diff(mf2.Item{}, got); diff != "" {
			t.Errorf("%s: got an item with the error: %s", name, diff)
		}
	}
}

// The result shares nothing with the item or the update.
func TestUpdateApplyCopies(t *testing.T) {
	it := mf2.Item{Properties: values{"a": {map[string]any{"k": "v"}}}, Children: []mf2.Item{{Properties: values{"b": {"1"}}}}}
	u := micropub.Update{Add: values{"a": {map[string]any{"k": "w"}}}}
	got, err := u.Apply(it)
	if err != nil {
		t.Fatal(err)
	}
	got.Properties["a"][0].(map[string]any)["k"] = "changed"
	got.Properties["a"][1].(map[string]any)["k"] = "changed"
	got.Children[0].Properties["b"][0] = "changed"
	want := mf2.Item{Properties: values{"a": {map[string]any{"k": "v"}}}, Children: []mf2.Item{{Properties: values{"b": {"1"}}}}}
	if diff := cmp.Diff(want, it); diff != "" {
		t.Errorf("the item changed (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(values{"a": {map[string]any{"k": "w"}}}, u.Add); diff != "" {
		t.Errorf("the update changed (-want +got)\n%s", diff)
	}
}

// Whatever the item and the update: a second time changes nothing (a client may
// repeat a request), no property is left empty, and what was not named is as before.
func TestUpdateApplyProperties(t *testing.T) {
	value := rapid.OneOf(
		rapid.Map(rapid.SampledFrom([]string{"", "1", "2", "x"}), func(s string) any { return s }),
		rapid.Map(rapid.IntRange(0, 2), func(n int) any { return float64(n) }),
		rapid.Map(rapid.SampledFrom([]string{"x", "y"}), func(s string) any { return map[string]any{"html": s} }),
	)
	name := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	property := rapid.MapOf(name, rapid.SliceOfN(value, 0, 3))
	rapid.Check(t, func(t *rapid.T) {
		have := property.Draw(t, "have")
		for n, v := range have {
			if len(v) == 0 {
				delete(have, n)
			}
		}
		it := mf2.Item{Type: []string{"h-entry"}, Properties: have}
		u := micropub.Update{
			Replace:   property.Draw(t, "replace"),
			Add:       property.Draw(t, "add"),
			Delete:    property.Draw(t, "delete"),
			DeleteAll: rapid.SliceOfN(name, 0, 2).Draw(t, "deleteAll"),
		}
		once, err := u.Apply(it)
		if err != nil {
			return // a contradiction; TestUpdateApplyRefuses
		}
		for n, v := range once.Properties {
			if len(v) == 0 {
				t.Errorf("%q is left without a value", n)
			}
		}
		for _, n := range []string{"a", "b", "c", "d"} {
			named := len(u.DeleteAll) > 0
			for _, m := range []values{u.Replace, u.Add, u.Delete} {
				_, ok := m[n]
				named = named || ok
			}
			if diff := cmp.Diff(it.Properties[n], once.Properties[n]); !named && diff != "" {
				t.Errorf("%q was not named, but changed: %s", n, diff)
			}
		}
		twice, err := u.Apply(once)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(once, twice, byAnyOrder); diff != "" {
			t.Errorf("a second time changes the item (-once +twice)\n%s", diff)
		}
	})
}

// byAnyOrder compares the values of properties as bags: a value that is deleted
// and added in one update moves to the end.
var byAnyOrder = cmp.Transformer("bag", func(list []any) map[string]int {
	bag := map[string]int{}
	for _, v := range list {
		key, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		bag[string(key)]++
	}
	return bag
})
