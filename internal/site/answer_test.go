package site_test

import (
	"strings"
	"testing"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/store"
)

// "Why isn't it showing?" has an answer, in both languages, whatever has become of it.
func TestEveryMentionHasAnAnswer(t *testing.T) {
	v := &store.Version{Type: "reply"}
	looked := []store.Event{{Stage: "received"}, {Stage: "looked at", Note: "unavailable: the server answered 503"}}
	cases := map[string]store.Mention{
		"shown": {State: store.Approved, Shown: v}, "changed": {State: store.Approved, Shown: v, Held: v, Why: site.WhyChanged},
		"moved and held": {State: store.Approved, Shown: v, Held: v, Why: site.WhyMoved},
		"unseen":         {State: store.Received}, "again": {State: store.Received, History: looked},
		"person": {State: store.Pending, Shown: v, Why: site.WhyPerson}, "all": {State: store.Pending, Shown: v, Why: site.WhyAll},
		"moved": {State: store.Pending, Shown: v, Why: site.WhyMoved}, "taken back, and new": {State: store.Pending, Shown: v, Why: site.WhyChanged},
		"a reason of a version to come": {State: store.Pending, Shown: v, Why: "other"},
		"links":                         {State: store.Quarantined, Shown: v, Why: site.WhyLinks}, "author": {State: store.Pending, Shown: v, Why: site.WhyAuthor},
		"muted": {State: store.Silent, Shown: v, Behind: store.Pending}, "twin": {State: store.Duplicate, Shown: v, Twin: "x"},
		"rejected": {State: store.Rejected, Decision: store.Rejected}, "blocked": {State: store.Rejected},
		"rejected, and gone": {State: store.Rejected, Decision: store.Rejected, Gone: time.Unix(1, 0)},
		"deleted":            {State: store.Deleted, Decision: store.Deleted}, "withdrawn": {State: store.Withdrawn, Why: "the page was deleted (410)"},
		"failed": {State: store.Failed, Why: "the page does not link here"}, "never reached": {State: store.Failed, Why: "the page could not be fetched"},
	}
	for _, l := range []string{"es", "en"} {
		said := map[string]string{}
		for name, m := range cases {
			got := site.Answer(lang.For(l), m)
			if got == "" || said[got] != "" {
				t.Errorf("%s, %s: got %q, as for %q", l, name, got, said[got])
			}
			said[got] = name
		}
	}
}

// Whatever a look at a source can come to, a reader is told in their language.
func TestEveryReasonIsSaidInTheReadersLanguage(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "hello"))
		link := replyTo(post, "hi")
		for name, a := range map[string]answer{
			"gone": {status: 410}, "missing": {status: 404}, "legal": {status: 451}, "refused": {status: 403}, "down": {status: 503},
			"half": {status: 206, body: "none"}, "unlinked": {body: "none"}, "image": {header: []string{"Content-Type", "image/png"}},
			"broken": {header: []string{"Content-Type", "application/json"}, body: "{"}, "encoded": {header: []string{"Content-Encoding", "br"}, body: link},
			"long": {body: strings.Repeat("x", 1<<20) + link}, "moved": {status: 301, header: []string{"Location", "https://elsewhere.example/"}},
			"short": {header: []string{"Content-Length", "100"}, body: "x"},
		} {
			w.host(name+".example").set("/", a)
			id := w.receive("https://"+name+".example/", post)
			s, err := w.talk.Status(t.Context(), id)
			if err != nil || s.Detail == "" {
				t.Errorf("%s: nothing is said of %+v %v", name, s, err)
			}
			for _, l := range []string{"es", "en"} {
				if site.Reason(lang.For(l), s.Detail) == "" {
					t.Errorf("%s, %s: nothing is said of %q", name, l, s.Detail)
				}
			}
		}
	})
}
