package mf2_test

import "testing"

// SPECS MF-10, MF-12, MF-13, T-MP24, T-MF05
func TestKind(t *testing.T) {
	const u, cite = `["https://a.example/"]`, `[{"type":["h-cite"],"properties":{"url":["https://a.example/"]}}]`
	tests := []struct{ properties, want string }{
		{``, "note"},
		{`"content":["a"]`, "note"},
		{`"name":["a"]`, "note"}, // without content there is nothing that the name could be the title of
		{`"name":["a"],"content":["b"]`, "article"},
		{`"name":["a"],"summary":["b"]`, "article"},
		{`"name":["a"],"content":[""],"summary":["a b"]`, "note"},
		{`"name":["a"],"content":[{"html":"<p>b</p>","value":"b"}]`, "article"},
		{`"name":["a"],"content":[{"html":"<p>b</p>"}]`, "article"},
		{`"name":["b c"],"content":[{"html":"<p>b\n c d</p>"}]`, "note"},
		{`"name":[" a\n b "],"content":["a  b c"]`, "note"},
		{`"name":[""],"content":["a"]`, "note"},
		{`"name":["  "],"content":["a"]`, "note"},
		{`"name":[],"content":["a"]`, "note"},
		{`"name":["",{"value":"x"}],"content":["a"]`, "article"},
		{`"photo":["p.jpg"],"content":["a"]`, "photo"},
		{`"photo":[{"value":"p.jpg","alt":"b"}]`, "photo"},
		{`"photo":[""],"content":["a"]`, "note"},
		{`"photo":[],"content":["a"]`, "note"},
		{`"photo":["p.jpg"],"video":["v.mp4"]`, "video"},
		{`"photo":["p.jpg"],"audio":["a.mp3"]`, "audio"},
		{`"checkin":[{"type":["h-card"],"properties":{"latitude":["1"]}}],"photo":["p.jpg"]`, "checkin"},
		{`"listen-of":["a song"]`, "listen"},
		{`"watch-of":` + cite, "watch"},
		{`"read-of":` + cite, "read"},
		{`"follow-of":` + u, "follow"},
		{`"bookmark-of":` + u + `,"name":["a"],"content":["b"]`, "bookmark"},
		{`"in-reply-to":` + cite + `,"photo":["p.jpg"]`, "reply"},
		{`"in-reply-to":[{"value":"https://a.example/"}]`, "reply"},
		{`"in-reply-to":["something he said"],"content":["a"]`, "note"},
		{`"in-reply-to":["javascript:alert(1)"],"content":["a"]`, "note"},
		{`"like-of":` + cite + `,"in-reply-to":` + u, "like"},
		{`"repost-of":` + u + `,"like-of":` + u + `,"in-reply-to":` + u, "repost"},
		{`"rsvp":["yes"],"in-reply-to":` + u, "rsvp"},
		{`"rsvp":[" Interested\n"],"repost-of":` + u, "rsvp"},
		{`"rsvp":["perhaps"],"in-reply-to":` + u, "reply"},
		{`"rsvp":[{"type":["h-card"],"properties":{"name":["Ana"]}}],"in-reply-to":` + u, "reply"},
	}
	for _, tt := range tests {
		if got := item(t, `{"type":["h-entry"],"properties":{`+tt.properties+`}}`).Kind(); got != tt.want {
			t.Errorf("{%s}: got %s, want %s", tt.properties, got, tt.want)
		}
	}
	for typ, want := range map[string]string{"h-event": "event", "h-review": "review", "h-recipe": "recipe", "h-cite": "reply"} {
		if got := item(t, `{"type":["`+typ+`"],"properties":{"in-reply-to":`+u+`}}`).Kind(); got != want {
			t.Errorf("%s: got %s, want %s", typ, got, want)
		}
	}
}

// SPECS MF-11, HOSTILE 37, T-MF05
func TestResponseKindIsAboutOurTarget(t *testing.T) {
	const ours, other = `"https://us.example/1"`, `"https://them.example/1"`
	cite := func(u string) string { return `{"type":["h-cite"],"properties":{"url":[` + u + `]}}` }
	tests := []struct{ properties, want string }{
		{``, "mention"},
		{`"in-reply-to":[` + ours + `]`, "reply"},
		{`"in-reply-to":[` + other + `,` + cite(ours) + `]`, "reply"},
		{`"in-reply-to":[` + other + `]`, "mention"},
		{`"in-reply-to":[` + cite(other) + `]`, "mention"},
		{`"in-reply-to":[{"type":["h-cite"],"properties":{},"value":` + ours + `}]`, "reply"},
		{`"in-reply-to":[{"type":["h-cite"],"properties":{"author":[` + cite(ours) + `]},"value":` + other + `}]`, "mention"},
		{`"bookmark-of":[` + ours + `]`, "bookmark"},
		{`"like-of":[` + ours + `],"content":["long"]`, "like"},
		{`"like-of":[` + other + `],"in-reply-to":[` + ours + `]`, "reply"},
		{`"bookmark-of":[` + ours + `],"in-reply-to":[` + ours + `]`, "reply"},
		{`"in-reply-to":[` + ours + `],"like-of":[` + ours + `]`, "like"},
		{`"in-reply-to":[` + ours + `],"like-of":[` + ours + `],"repost-of":[` + ours + `]`, "repost"},
		{`"rsvp":["YES "],"in-reply-to":[` + ours + `],"repost-of":[` + ours + `]`, "rsvp"},
		{`"rsvp":["yes"],"in-reply-to":[` + other + `],"like-of":[` + ours + `]`, "like"},
		{`"rsvp":["yes"]`, "mention"},
		{`"rsvp":["dunno"],"in-reply-to":[` + ours + `]`, "reply"},
		{`"rsvp":[{"type":["h-card"],"properties":{"name":["yes"]}}],"in-reply-to":[` + ours + `]`, "rsvp"},
		{`"follow-of":[` + ours + `]`, "follow"},
		{`"follow-of":[` + other + `]`, "mention"},
		{`"tag-of":[` + cite(ours) + `],"category":["x"]`, "tag"},
		{`"tag-of":[` + ours + `],"in-reply-to":[` + ours + `],"category":["x"]`, "reply"},
		{`"follow-of":[` + ours + `],"bookmark-of":[` + ours + `]`, "bookmark"},
		{`"in-reply-to":[` + ours + `],"content":["👩‍👧"]`, "reaction"},
		{`"in-reply-to":[` + ours + `],"content":[{"html":"<p>👍</p>","value":" 👍 "}]`, "reaction"},
		{`"in-reply-to":[` + ours + `],"content":[{"html":"<p>👍</p>"}]`, "reaction"},
		{`"in-reply-to":[` + ours + `],"name":["🇦🇷"]`, "reaction"},
		{`"in-reply-to":[` + ours + `],"name":["👍"],"content":["well done"]`, "reply"},
		{`"in-reply-to":[` + ours + `],"content":["👍 👍"]`, "reply"},
		{`"in-reply-to":[` + ours + `],"rsvp":["yes"],"content":["👍"]`, "rsvp"},
		{`"like-of":[` + ours + `],"content":["👍"]`, "like"},
		{`"in-reply-to":[` + other + `],"content":["👍"]`, "mention"},
		{`"rsvp":[["yes"],{}],"in-reply-to":[null,[],{},7,` + ours + `]`, "reply"},
	}
	for _, tt := range tests {
		it := item(t, `{"type":["h-entry"],"properties":{`+tt.properties+`}}`)
		got := it.ResponseKind(func(u string) bool { return u == "https://us.example/1" })
		if got != tt.want {
			t.Errorf("{%s}: got %s, want %s", tt.properties, got, tt.want)
		}
		if got := it.ResponseKind(nil); got != "mention" {
			t.Errorf("{%s} without a target: got %s, want mention", tt.properties, got)
		}
	}
}
