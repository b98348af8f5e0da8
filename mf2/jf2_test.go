package mf2_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
)

// An item, its JF2, and back. SPECS J-1 to J-6
var jf2Cases = []struct{ name, mf2, jf2 string }{
	{"a note", `{"type":["h-entry"],"properties":{"content":["a <b>"],"category":["x","y"],"empty":[]}}`,
		`{"type":"entry","content":"a <b>","category":["x","y"],"empty":[]}`},
	{"marked-up text", `{"type":["h-entry"],"properties":{"content":[{"html":"<p>a","value":"a","lang":"es"}]}}`,
		`{"type":"entry","content":{"html":"<p>a","text":"a","lang":"es"}}`},
	{"a picture", `{"type":["h-entry"],"properties":{"photo":[{"value":"p","alt":"a"}]}}`,
		`{"type":"entry","photo":{"value":"p","alt":"a"}}`},
	{"an author", `{"type":["h-entry"],"properties":{"author":[{"type":["h-card"],"properties":{"name":["A"],"url":["https://a.example/"]}}]}}`,
		`{"type":"entry","author":{"type":"card","name":"A","url":"https://a.example/"}}`},
	{"a cite", `{"type":["h-entry"],"properties":{"in-reply-to":[{"type":["h-cite"],"properties":{"name":["A"],"url":["https://a.example/"]},"value":"https://a.example/"}]}}`,
		`{"type":"entry","in-reply-to":"https://a.example/","references":{"https://a.example/":{"type":"cite","name":"A","url":"https://a.example/"}}}`},
	{"a cite without an address", `{"type":["h-entry"],"properties":{"read-of":[{"type":["h-cite"],"properties":{"name":["A"]}}]}}`,
		`{"type":"entry","read-of":{"type":"cite","name":"A"}}`},
	{"a feed", `{"type":["h-feed"],"properties":{"name":["F"]},"children":[{"type":["h-entry"],"properties":{"url":["https://a.example/"]}}]}`,
		`{"type":"feed","name":"F","children":[{"type":"entry","url":"https://a.example/"}]}`},
	{"values that JSON alone has", `{"type":["h-x"],"properties":{"a":[[1,2]],"b":[null],"c":[{"d":true}],"e":[[]]}}`,
		`{"type":"x","a":[[1,2]],"b":null,"c":{"d":true},"e":[[]]}`},
}

func TestJF2BothWays(t *testing.T) {
	for _, tt := range jf2Cases {
		t.Run(tt.name, func(t *testing.T) {
			it := item(t, tt.mf2)
			data, err := json.Marshal(it.JF2())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decoded(t, []byte(tt.jf2)), decoded(t, data)); diff != "" {
				t.Errorf("JF2 (-want +got):\n%s", diff)
			}
			back, err := mf2.FromJF2(object(t, tt.jf2))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(it, back); diff != "" {
				t.Errorf("FromJF2 (-want +got):\n%s", diff)
			}
		})
	}
}

func object(t testing.TB, source string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(source), &o); err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return o
}

// What others send, and what has no place in JF2. SPECS J-2, J-3, J-7
func TestJF2OfOthers(t *testing.T) {
	tests := []struct{ name, jf2, again string }{
		{"arrays of one", `{"type":["entry"],"name":["a"]}`, `{"type":"entry","name":"a"}`},
		{"a type in full", `{"type":"h-entry"}`, `{"type":"entry"}`},
		{"no type", `{"children":[{"name":"a"}]}`, `{"children":[{"name":"a"}]}`},
		{"an only child", `{"type":"feed","children":{"type":"entry"}}`, `{"type":"feed","children":[{"type":"entry"}]}`},
		{"unknown", `{"@context":"x","type":"zzz","wm-id":7,"wm-private":false}`, `{"type":"zzz","wm-id":7,"wm-private":false}`},
		{"a place", `{"type":"entry","location":{"type":"Point","coordinates":[1,2]}}`, `{"type":"entry","location":{"type":"Point","coordinates":[1,2]}}`},
		{"references to itself", `{"type":"entry","url":"https://a/","in-reply-to":"https://a/","references":{"https://a/":{"type":"cite","url":"https://a/","in-reply-to":"https://a/"}}}`,
			`{"type":"entry","url":"https://a/","in-reply-to":"https://a/","references":{"https://a/":{"type":"cite","url":"https://a/","in-reply-to":"https://a/"}}}`},
		{"references to nothing", `{"type":"entry","in-reply-to":"https://a/","references":{"https://a/":7,"b":null}}`, `{"type":"entry","in-reply-to":"https://a/"}`},
		{"references that are none", `{"type":"entry","references":[1]}`, `{"type":"entry"}`},
		{"a type in a value that is none", `{"type":"entry","x":{"type":7,"y":{}}}`, `{"type":"entry","x":{"type":7,"y":{}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			it, err := mf2.FromJF2(object(t, tt.jf2))
			if err != nil {
				t.Fatal(err)
			}
			data, err := json.Marshal(it.JF2())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decoded(t, []byte(tt.again)), decoded(t, data)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	reserved := item(t, `{"type":["h-entry","h-review"],"properties":{"type":["x"],"children":["x"],"references":["x"],"@context":["x"],"name":["a"]}}`)
	if diff := cmp.Diff(map[string]any{"type": "entry", "name": "a"}, reserved.JF2()); diff != "" {
		t.Errorf("reserved names (-want +got):\n%s", diff)
	}
}

// A reference is used once: however often it is named, what is read is no larger
// than what was sent.
func TestFromJF2UsesAReferenceOnce(t *testing.T) {
	it, err := mf2.FromJF2(object(t, `{"type":"feed","like-of":"https://a/","repost-of":["https://a/","https://a/"],
		"children":[{"type":"entry","like-of":"https://a/"}],"references":{"https://a/":{"type":"cite","name":"A"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := it.Get("like-of"); got != "A" {
		t.Errorf("the first: got %q, want the item", got)
	}
	for _, got := range append(it.Strings("repost-of"), it.Children[0].Get("like-of")) {
		if got != "https://a/" {
			t.Errorf("a later one: got %q, want the address", got)
		}
	}
}

func TestFromJF2Refuses(t *testing.T) {
	tests := []struct {
		name, jf2 string
		want      error
	}{
		{"a type that is a number", `{"type":7}`, mf2.ErrBadJF2},
		{"an empty type", `{"type":""}`, mf2.ErrBadJF2},
		{"children that are strings", `{"type":"feed","children":["a"]}`, mf2.ErrBadJF2},
		{"a grandchild", `{"children":[{"children":[7]}]}`, mf2.ErrBadJF2},
		{"children too deep", strings.Repeat(`{"children":[`, 20) + `{}` + strings.Repeat(`]}`, 20), mf2.ErrTooDeep},
		{"values too deep", strings.Repeat(`{"type":"x","y":`, 20) + `{}` + strings.Repeat(`}`, 20), mf2.ErrTooDeep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := mf2.FromJF2(object(t, tt.jf2)); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if it, err := mf2.FromJF2(nil); err != nil || it.Type != nil {
		t.Errorf("nothing: got %v, %v, want an item of no type", it, err)
	}
}

func TestJF2SharesNothing(t *testing.T) {
	source := `{"type":["h-entry"],"properties":{"a":[{"b":["c"]}]}}`
	it, want := item(t, source), item(t, source)
	it.JF2()["a"].(map[string]any)["b"].([]any)[0] = "x"
	if diff := cmp.Diff(want, it); diff != "" {
		t.Errorf("changing the JF2 changed the item (-want +got):\n%s", diff)
	}
}
