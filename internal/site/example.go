package site

import (
	"slices"
	"strings"
	"time"
)

// The example feed has a mention of every shape that a client may meet, so that whoever
// writes one need not wait until somebody replies (READ-API 6).

// exampleID is the wm-id before the first.
const exampleID = 1000

// exampleNames are who the example's mentions are by; a seed says who comes first.
var exampleNames = []string{
	"Rosalía Quiroga", "Teo Ibarra", "Noor el-Amin", "梅子", "Ñusta Mamani", "Ola Bergström", "Jún Ó Briain", `"Quotes" & <Co>`, "אורי לוי", "Ada 👩🏽‍🚀",
}

// exampleCases are the shapes, oldest first: what is not set is as of every mention.
var exampleCases = []struct {
	property string
	entry    JF2Entry
}{
	{"in-reply-to", JF2Entry{Content: &JF2Content{Text: "Plain words, in one line."}}},
	{"in-reply-to", JF2Entry{Content: &JF2Content{HTML: "Words with <b>weight</b> and a <a href=\"https://example.net/\">link</a>.", Text: "Words with weight and a link."}}},
	{"in-reply-to", JF2Entry{Name: "A reply with a title", Content: &JF2Content{HTML: "<p>One paragraph.</p><p>And another.</p>", Text: "One paragraph.\n\nAnd another."}}},
	{"in-reply-to", JF2Entry{Author: JF2Card{Name: "-", Photo: "-", URL: "-"}, Content: &JF2Content{Text: "Nobody knows who wrote this."}}},
	{"in-reply-to", JF2Entry{Author: JF2Card{Photo: "-"}, Photo: []string{"https://photos.example/1.jpg", "https://photos.example/2.jpg"}, Content: &JF2Content{Text: "Two pictures."}}},
	{"in-reply-to", JF2Entry{Published: new(""), Content: &JF2Content{Text: "When this was written is not known."}}},
	{"in-reply-to", JF2Entry{Published: new("2026-11-20T18:05:00"), Content: &JF2Content{Text: "A time of no zone."}}},
	{"like-of", JF2Entry{}},
	{"like-of", JF2Entry{WMSource: "https://bridge.example/like/7", Syndication: []string{"https://network.example/@somebody/7"}}},
	{"repost-of", JF2Entry{}},
	{"repost-of", JF2Entry{Content: &JF2Content{Text: "Passed on, with a word of one's own."}}},
	{"bookmark-of", JF2Entry{Name: "To be read later"}},
	{"rsvp", JF2Entry{RSVP: "yes"}},
	{"rsvp", JF2Entry{RSVP: "no", Content: &JF2Content{Text: "Sorry, another time."}}},
	{"rsvp", JF2Entry{RSVP: "maybe"}},
	{"rsvp", JF2Entry{RSVP: "interested"}},
	{"mention-of", JF2Entry{
		Name: "An article that mentions you", Summary: &JF2Text{"text/plain", "What it is about."},
		Content: &JF2Content{HTML: "<h2>At length</h2><p>" + strings.Repeat("Many words. ", 40) + "</p>", Text: "At length\n\n" + strings.Repeat("Many words. ", 40)},
	}},
	{"mention-of", JF2Entry{WMProtocol: "pingback"}},
	{"mention-of", JF2Entry{WMFragment: "c12", Content: &JF2Content{Text: "A link to a place in the page."}}},
	{"in-reply-to", JF2Entry{Video: []string{"https://video.example/1.mp4"}, Audio: []string{"https://audio.example/1.mp3"}, Content: &JF2Content{Text: "Something to see and to hear."}}},
	{"in-reply-to", JF2Entry{SwarmCoins: 3, Content: &JF2Content{Text: "¡Qué ganas! \u200fשלום 🎉"}, Rels: map[string]string{"canonical": "https://example.net/canonical"}}},
}

// Example is the example feed about a page, the latest first; the same seed gives the same bytes.
func Example(target string, seed int) Feed {
	n := len(exampleCases)
	feed := Feed{Type: "feed", Name: mentionsName, Paging: Paging{PerPage: n, Total: n, TotalPages: 1}}
	for i := range exampleCases {
		feed.Children = append(feed.Children, exampleEntry(i, target, seed))
	}
	slices.Reverse(feed.Children)
	return feed
}

// exampleEntry is one case. A "-" stands for what is known to be missing.
func exampleEntry(i int, target string, seed int) JF2Entry {
	e := exampleCases[i].entry
	number := uint64(exampleID + 1 + i)
	at := time.Date(2026, 11, 1+i, 9, 30, 0, 0, time.UTC)
	host := "https://person" + string(rune('a'+i)) + ".example/"
	fill := func(field *string, value string) {
		switch *field {
		case "":
			*field = value
		case "-":
			*field = ""
		}
	}
	names := len(exampleNames)
	fill(&e.Author.Name, exampleNames[((i+seed)%names+names)%names])
	fill(&e.Author.Photo, host+"photo.jpg")
	fill(&e.Author.URL, host)
	e.Type, e.Author.Type, e.URL = "entry", "card", host+"2026/"+exampleCases[i].property
	if len(e.Syndication) > 0 {
		e.URL = e.Syndication[0] // as of what a bridge has brought
	}
	fill(&e.WMSource, e.URL)
	fill(&e.WMProtocol, "webmention")
	switch {
	case e.Published == nil:
		s := at.Add(-time.Hour).In(time.FixedZone("", -3*60*60)).Format(time.RFC3339)
		e.Published = &s
	case *e.Published == "":
		e.Published = nil
	}
	e.WMID, e.WMReceived, e.WMTarget, e.WMProperty = number, at.Format(apiTime), target, exampleCases[i].property
	e.point(target)
	return e
}

// ExampleCounts is what Counts would say of the example feed.
func ExampleCounts() map[string]int {
	sum := map[string]int{}
	for _, one := range exampleCases {
		name := activities[one.property]
		switch name {
		case "link":
			name = "mention"
		case "rsvp":
			name += "-" + one.entry.RSVP
		}
		sum[name]++
	}
	return sum
}
