package webmention_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/webmention"
)

func TestLinksFindsWhomAPostMentions(t *testing.T) {
	html := func(s string) []any { return []any{map[string]any{"html": s, "value": "https://value.example/"}} }
	cite := map[string]any{"type": []any{"h-cite"}, "properties": map[string]any{"url": []any{"https://b.example/like"}, "name": []any{"A post"}}}
	person := map[string]any{"type": []any{"h-card"}, "properties": map[string]any{"url": []any{"https://c.example/"}, "name": []any{"C"}}, "value": "C"}
	tests := []struct {
		name       string
		properties map[string][]any
		want       []string
	}{
		{"nothing", nil, nil},
		{"responses, in order, plain and nested", map[string][]any{
			"watch-of": {"https://a.example/film"}, "like-of": {cite}, "in-reply-to": {"https://a.example/1", "https://a.example/2#c"}},
			[]string{"https://a.example/1", "https://a.example/2#c", "https://b.example/like", "https://a.example/film"}},
		{"no copies, no media", map[string][]any{
			"syndication": {"https://silo.example/1"}, "photo": {"https://x.example/p.jpg"}, "video": {"https://x.example/v"},
			"audio": {"https://x.example/a"}, "url": {"https://friend.example/x"}}, nil},
		{"people, not words", map[string][]any{"category": {"indieweb", "https://a.example/", person, "a b"}},
			[]string{"https://a.example/", "https://c.example/"}},
		{"HTML", map[string][]any{"content": html(`<p>https://prose.example/ <a href="https://a.example/?x=1&amp;y=2">a</a>
			<a href="/about">b</a> <q cite="https://b.example/">q</q> <img src="https://x.example/i.png"> <!-- <a href="https://no.example/"> -->
			<template><a href="https://no.example/">n</a></template><a href="mailto:a@b.example">m</a><a href="javascript:1">j</a><a>n</a>`)},
			[]string{"https://a.example/?x=1&y=2", "https://friend.example/about", "https://b.example/"}},
		{"each once", map[string][]any{"in-reply-to": {"https://a.example"}, "content": html(`<a href="https://A.example/">a</a><a href="https://a.example/#x">b</a>`)},
			[]string{"https://a.example", "https://a.example/#x"}},
		{"not itself", map[string][]any{"content": html(`<a href="#note">1</a><a href="">2</a><a href="https://friend.example/reply#top">3</a><a href="https://friend.example/">4</a>`)},
			[]string{"https://friend.example/"}},
		{"plain text", map[string][]any{"content": {`See https://a.example/x, (https://b.example/y_(z)), "HTTPS://c.example/" and [d](https://d.example/d). No example.com, xhttps://e.example/.`}},
			[]string{"https://a.example/x", "https://b.example/y_(z)", "https://c.example/", "https://d.example/d"}},
		{"plain text in an object", map[string][]any{"content": {map[string]any{"value": "https://a.example/x!"}}}, []string{"https://a.example/x"}},
		{"HTML in a plain string (D11)", map[string][]any{"content": {`<p>Hi <a href="https://a.example/">a</a> https://b.example/</p>`}}, []string{"https://a.example/"}},
		{"values of wrong types", map[string][]any{"content": {1, nil, []any{}, map[string]any{"html": 1}}, "in-reply-to": {true, map[string]any{}}, "category": {1}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var urls []string
			for _, u := range webmention.Links(mf2.Item{Type: []string{"h-entry"}, Properties: tt.properties}, mustURL(t, source)) {
				urls = append(urls, u.String())
			}
			if diff := cmp.Diff(tt.want, urls); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
		})
	}
}
