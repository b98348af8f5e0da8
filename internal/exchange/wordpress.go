package exchange

import (
	"cmp"
	"net/url"
	"os"
	"strings"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
)

// An export of WordPress (WXR) is a feed whose items have the comments of their post within.
// Pingbacks and trackbacks among these have the page that linked as the author's address:
// they are taken in as what they are, a mention of that page's. Webmentions that the plugin of
// that name has received are comments as well; it keeps their source beside them:
//
//	protocol                    "webmention"
//	webmention_source_url       before version 5: semantic_linkbacks_source
//	url                         before version 5: semantic_linkbacks_canonical
//	avatar                      before version 5: semantic_linkbacks_avatar
//	webmention_target_fragment
//	semantic_linkbacks_type     before version 5, where the type of the comment is "webmention"

func openWordPress(file *os.File, _ *url.URL) (*Source, error) {
	return &Source{All: func(yield func(site.Foreign, error) bool) {
		page, hidden := "", false
		containers := map[string]bool{"rss": true, "channel": true, "item": true}
		err := eachElement(file, containers, func(e *element, parents []string) error {
			if len(parents) == 0 || parents[len(parents)-1] != "item" {
				return nil
			}
			switch e.name {
			case "title":
				page, hidden = "", false // every item begins with it
			case "link":
				page = e.text
			case "status":
				hidden = hidden || e.text != "publish" && e.text != "inherit" // as attachments do
			case "post_password":
				hidden = hidden || e.text != ""
			case "comment":
				f := wordpressComment(e)
				f.Target = page + f.Target
				if hidden {
					f.Skip = "its post is not public"
				}
				if !yield(f, nil) {
					return errEnough
				}
			}
			return nil
		})
		finish(err, yield)
	}}, nil
}

// approvals are what WordPress has in comment_approved for those that are not to be had.
var approvals = map[string]string{"spam": "it is spam", "trash": "it is deleted", "post-trashed": "it is deleted"}

func wordpressComment(e *element) site.Foreign {
	f := site.Foreign{
		Type: "reply", HTML: paragraphs(e.one("comment_content")), Published: gmt(e.one("comment_date_gmt")),
		Author: mf2.Author{Name: e.one("comment_author"), URL: e.one("comment_author_url")},
		Waits:  e.one("comment_approved") == "0", Skip: approvals[e.one("comment_approved")],
	}
	f.Received = f.Published
	if parent := e.one("comment_parent"); parent != "0" {
		f.Answers = parent
	}
	f.Comment = e.one("comment_id")
	if meta := metaOf(e); meta["webmention_source_url"] != "" {
		return wordpressWebmention(f, cmp.Or(meta["semantic_linkbacks_type"], e.one("comment_type")), meta)
	}
	switch typ := e.one("comment_type"); typ {
	case "pingback", "trackback":
		f.Type, f.Source, f.Name, f.Author = "mention", f.Author.URL, f.Author.Name, mf2.Author{}
		if f.Source == "" {
			f.Skip = cmp.Or(f.Skip, "its source is no address")
		}
	case "", "comment":
	default:
		f.Skip = "it is a " + typ // a review or an order note of some plugin
	}
	return f
}

// earlier are the names that what the plugin keeps had before.
var earlier = map[string]string{
	"semantic_linkbacks_source": "webmention_source_url", "semantic_linkbacks_canonical": "url", "semantic_linkbacks_avatar": "avatar",
}

// metaOf is what plugins keep beside a comment.
func metaOf(e *element) map[string]string {
	meta := map[string]string{}
	for _, one := range e.has {
		if key := one.one("meta_key"); one.name == "commentmeta" {
			key = cmp.Or(earlier[key], key)
			meta[key] = cmp.Or(meta[key], one.one("meta_value"))
		}
	}
	return meta
}

// wordpressWebmention makes of a comment the Webmention that it was.
func wordpressWebmention(f site.Foreign, typ string, meta map[string]string) site.Foreign {
	f.Source, f.URL, f.Author.Photo = meta["webmention_source_url"], meta["url"], meta["avatar"]
	if fragment := meta["webmention_target_fragment"]; fragment != "" {
		f.Target = "#" + fragment
	}
	rsvp, isRSVP := strings.CutPrefix(typ, "rsvp")
	switch {
	case isRSVP:
		f.Type, f.RSVP = "rsvp", strings.Trim(rsvp, ":-")
	case typ == "favorite":
		f.Type = "like"
	case typ != "" && typ != "comment":
		f.Type = typ
	}
	return f
}

// paragraphs is a text as WordPress shows it: an empty line begins a paragraph, and any other
// end of a line is one.
func paragraphs(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	var all []string
	for part := range strings.SplitSeq(text, "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, "<p>"+strings.ReplaceAll(part, "\n", "<br>\n")+"</p>")
		}
	}
	return strings.Join(all, "\n")
}

// gmt is a date of WordPress as RFC 3339, "" for none.
func gmt(date string) string {
	t, err := time.Parse(time.DateTime, date)
	if err != nil {
		return ""
	}
	return t.Format(time.RFC3339)
}
