package mf2_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
)

// item decodes an item as a client sends it or the store keeps it.
func item(t testing.TB, source string) mf2.Item {
	t.Helper()
	var it mf2.Item
	if err := json.Unmarshal([]byte(source), &it); err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return it
}

// entry is an h-entry with one property called x.
func entry(t testing.TB, values string) mf2.Item {
	t.Helper()
	return item(t, `{"type":["h-entry"],"properties":{"x":`+values+`}}`)
}

// Values of every type, right and wrong, as Get, Strings, URLs and HTML read them.
// T-MF01, T-MF07, SPECS MF-12, MF-14.
var values = []struct {
	name, values  string
	get, html     string
	strings, urls []string
}{
	{name: "none", values: `[]`},
	{name: "null", values: `[null]`},
	{"string", `["a","","b"]`, "a", "", []string{"a", "b"}, []string{"a", "b"}},
	{"address twice", `[" https://a/ ","https://a/"]`, " https://a/ ", "", []string{" https://a/ ", "https://a/"}, []string{"https://a/"}},
	{"number", `[12.5,1e21,true]`, "12.5", "", []string{"12.5", "1000000000000000000000", "true"}, nil},
	{"object", `[{"value":"https://a/","alt":"b"}]`, "https://a/", "", []string{"https://a/"}, []string{"https://a/"}},
	{"marked-up text", `[{"html":"<b>a</b>","value":"a"}]`, "a", "<b>a</b>", []string{"a"}, []string{"a"}},
	{"only markup", `[{"html":"<p>a &amp; b<script>c</script></p><p>d<style>e"}]`, "a & b\nd", "<p>a &amp; b<script>c</script></p><p>d<style>e", []string{"a & b\nd"}, nil},
	{"markup that is no string", `[{"html":["a"],"value":["b"]}]`, "", "", nil, nil},
	{"list", `[["a"]]`, "", "", nil, nil},
	{"item with a name", `[{"type":["h-cite"],"properties":{"name":["a"],"url":["https://a/"]},"value":"b"}]`, "a", "", []string{"a"}, []string{"https://a/"}},
	{"item with a url", `[{"type":["h-cite"],"properties":{"url":["https://a/","https://b/"]},"value":"b"}]`, "https://a/", "", []string{"https://a/"}, []string{"https://a/"}},
	{"item with a value", `[{"type":["h-cite"],"properties":{},"value":"https://b/"}]`, "https://b/", "", []string{"https://b/"}, []string{"https://b/"}},
	{"item with nothing", `[{"type":["h-cite"],"properties":{}}]`, "", "", nil, nil},
	{"item whose type is a string", `[{"type":"h-cite","properties":{"url":"https://a/"}}]`, "https://a/", "", []string{"https://a/"}, []string{"https://a/"}},
	{"item whose name is an item", `[{"type":["h-cite"],"properties":{"name":[{"type":["h-card"],"properties":{"name":["a"]}}]}}]`, "a", "", []string{"a"}, nil},
	{"item whose url is an object", `[{"type":["h-cite"],"properties":{"url":[{"value":"https://a/"}]}}]`, "https://a/", "", []string{"https://a/"}, []string{"https://a/"}},
	{"properties that are none", `[{"type":["h-cite"],"properties":"a"}]`, "", "", nil, nil},
	{"a place as others write it", `[{"type":"Point","coordinates":[1,2]}]`, "", "", nil, nil},
}

func TestItemReadsValuesOfEveryType(t *testing.T) {
	for _, tt := range values {
		t.Run(tt.name, func(t *testing.T) {
			it := entry(t, tt.values)
			if got := it.Get("x"); got != tt.get {
				t.Errorf("Get: got %q, want %q", got, tt.get)
			}
			if diff := cmp.Diff(tt.strings, it.Strings("x")); diff != "" {
				t.Errorf("Strings (-want +got):\n%s", diff)
			}
			if tt.urls != nil {
				if diff := cmp.Diff(tt.urls, it.URLs("x")); diff != "" {
					t.Errorf("URLs (-want +got):\n%s", diff)
				}
			}
			if got, ok := it.HTML("x"); got != tt.html || ok != (tt.html != "") {
				t.Errorf("HTML: got %q (%v), want %q", got, ok, tt.html)
			}
		})
	}
	var none mf2.Item
	if none.Get("x") != "" || none.Strings("x") != nil || none.URLs("x") != nil || none.Is("h-entry") {
		t.Error("the empty item says something")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	source := `{"type":["h-entry"],"properties":{"a":["b"],"c":[{"type":["h-cite"],"properties":{"d":["e"]}}],"f":[]},
		"children":[{"type":["h-cite"],"properties":{"g":[["h"]]}}]}`
	it, want := item(t, source), item(t, source)
	clone := it.Clone()
	if diff := cmp.Diff(want, clone); diff != "" {
		t.Fatalf("the clone differs (-want +got):\n%s", diff)
	}
	clone.Type[0] = "x"
	clone.Properties["a"][0] = "x"
	clone.Properties["c"][0].(map[string]any)["properties"].(map[string]any)["d"].([]any)[0] = "x"
	clone.Children[0].Properties["g"][0].([]any)[0] = "x"
	delete(clone.Properties, "f")
	if diff := cmp.Diff(want, it); diff != "" {
		t.Errorf("changing the clone changed the item (-want +got):\n%s", diff)
	}
}

func TestValueIsWhatAsItemReads(t *testing.T) {
	want := item(t, `{"type":["h-cite"],"properties":{"name":["a"]},"children":[{"type":["h-card"],"properties":{"url":["b"]}}]}`)
	got, ok := mf2.AsItem(want.Value())
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("got %v (-want +got):\n%s", ok, diff)
	}
	outer := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"author": {want.Value()}}}
	checkRoundTrip(t, []mf2.Item{outer})
	if got, ok := mf2.AsItem(want); !ok || !got.Is("h-cite") {
		t.Error("an Item is not taken as the item that it is")
	}
}
