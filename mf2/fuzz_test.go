package mf2_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
)

// Whatever bytes a page has, it is read without a panic into valid UTF-8 that keeps
// its shape on the way through JSON. HOSTILE 21, 22, 24
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.html")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "text/html")
	}
	for _, bomb := range bombs {
		if len(bomb.page) < 4096 {
			f.Add([]byte(bomb.page), "text/html; charset=utf-8")
		}
	}
	f.Add([]byte("\xff\xfe<\x00p\x00"), "text/html; charset=utf-16")
	f.Add([]byte("\x1b$B$\"<p class=h-entry>"), "text/html; charset=iso-2022-jp")
	base, err := url.Parse(pageURL)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page []byte, contentType string) {
		read, doc, err := mf2.Parse(strings.NewReader(string(page)), contentType, base)
		if err != nil {
			if doc != nil || read.Items != nil {
				t.Error("an error and a page")
			}
			return
		}
		checkRoundTrip(t, read.Items)
		useEverything(t, read)
		for _, it := range read.Items {
			for name := range it.Properties {
				if s := it.Get(name); !utf8.ValidString(s) {
					t.Errorf("%s is not UTF-8: %q", name, s)
				}
			}
		}
	})
}

// Any JSON object is a JF2 post or an error, and what was understood is written the
// same way from then on. SPECS J-7
func FuzzFromJF2(f *testing.F) {
	for _, tt := range jf2Cases {
		f.Add([]byte(tt.jf2))
		f.Add([]byte(tt.mf2))
	}
	f.Add([]byte(`{"type":"h-","x":{"type":"h-h-y","html":"a","value":1,"text":2}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var object map[string]any
		if json.Unmarshal(data, &object) != nil {
			return // not JSON is the caller's affair
		}
		it, err := mf2.FromJF2(object)
		if err != nil {
			return
		}
		it.Kind()
		once := it.JF2()
		again, err := mf2.FromJF2(once)
		if err != nil {
			t.Fatalf("our own JF2 is not understood: %v\n%v", err, once)
		}
		if diff := cmp.Diff(once, again.JF2()); diff != "" {
			t.Errorf("JF2 is not stable (-once +twice):\n%s", diff)
		}
	})
}

// Items as a client sends them: every method, whatever the values are. T-MF01
func FuzzItem(f *testing.F) {
	for _, tt := range values {
		f.Add([]byte(`{"type":["h-entry"],"properties":{"name":` + tt.values + `,"content":` + tt.values + `,"author":` + tt.values + `,"rsvp":` + tt.values + `}}`))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var it mf2.Item
		if json.Unmarshal(data, &it) != nil {
			return // not an item is the caller's affair
		}
		if diff := cmp.Diff(it, it.Clone()); diff != "" {
			t.Errorf("the clone differs:\n%s", diff)
		}
		useEverything(t, mf2.Page{Items: []mf2.Item{it}})
	})
}
