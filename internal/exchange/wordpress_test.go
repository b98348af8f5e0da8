package exchange_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/mf2"
)

// The plugin for Webmentions keeps beside the comments what they are, in two ways.
const wordpressPlugin = `<rss xmlns:wp="http://wordpress.org/export/1.2/"><channel>
<item><title>Hola</title><link>https://me.example/hola/</link><wp:status>publish</wp:status><wp:post_password/>
<wp:comment><wp:comment_id>1</wp:comment_id><wp:comment_author>Cleo</wp:comment_author><wp:comment_author_url>https://cleo.example/</wp:comment_author_url><wp:comment_content>Hola</wp:comment_content><wp:comment_approved>1</wp:comment_approved><wp:comment_type>comment</wp:comment_type><wp:comment_parent>0</wp:comment_parent>
<wp:commentmeta><wp:meta_key>protocol</wp:meta_key><wp:meta_value><![CDATA[webmention]]></wp:meta_value></wp:commentmeta>
<wp:commentmeta><wp:meta_key>webmention_source_url</wp:meta_key><wp:meta_value><![CDATA[https://brid.gy/1]]></wp:meta_value></wp:commentmeta>
<wp:commentmeta><wp:meta_key>webmention_target_fragment</wp:meta_key><wp:meta_value>c1</wp:meta_value></wp:commentmeta>
<wp:commentmeta><wp:meta_key>url</wp:meta_key><wp:meta_value>https://cleo.example/r</wp:meta_value></wp:commentmeta>
<wp:commentmeta><wp:meta_key>avatar</wp:meta_key><wp:meta_value>https://cleo.example/me.png</wp:meta_value></wp:commentmeta></wp:comment>
<wp:comment><wp:comment_id>2</wp:comment_id><wp:comment_author>Dora</wp:comment_author><wp:comment_approved>1</wp:comment_approved><wp:comment_type>webmention</wp:comment_type><wp:comment_parent>1</wp:comment_parent>
<wp:commentmeta><wp:meta_key>semantic_linkbacks_type</wp:meta_key><wp:meta_value>rsvp:yes</wp:meta_value></wp:commentmeta>
<wp:commentmeta><wp:meta_key>semantic_linkbacks_source</wp:meta_key><wp:meta_value>https://dora.example/1</wp:meta_value></wp:commentmeta></wp:comment>
<wp:comment><wp:comment_id>3</wp:comment_id><wp:comment_approved>spam</wp:comment_approved><wp:comment_type>like</wp:comment_type>
<wp:commentmeta><wp:meta_key>webmention_source_url</wp:meta_key><wp:meta_value>https://spam.example/1</wp:meta_value></wp:commentmeta></wp:comment>
<wp:comment><wp:comment_id>4</wp:comment_id><wp:comment_approved>1</wp:comment_approved><wp:comment_type>like</wp:comment_type>
<wp:commentmeta><wp:meta_key>protocol</wp:meta_key><wp:meta_value>activitypub</wp:meta_value></wp:commentmeta></wp:comment>
<wp:comment><wp:comment_id>6</wp:comment_id><wp:comment_approved>1</wp:comment_approved><wp:comment_type>trackback</wp:comment_type></wp:comment></item>
<item><title>Entre nosotros</title><link>https://me.example/secreto/</link><wp:status>publish</wp:status><wp:post_password><![CDATA[abc]]></wp:post_password>
<wp:comment><wp:comment_id>5</wp:comment_id><wp:comment_approved>1</wp:comment_approved></wp:comment></item>
</channel></rss>`

// Webmentions that WordPress has received keep their source and what they are; what stands below
// a post with a password is not public.
func TestWordPressWithThePluginForWebmentions(t *testing.T) {
	got, _, err := read(t, "", wordpressPlugin)
	if err != nil {
		t.Fatal(err)
	}
	const page = "https://me.example/hola/"
	want := []site.Foreign{
		{Type: "reply", Comment: "1", Source: "https://brid.gy/1", URL: "https://cleo.example/r", Target: page + "#c1", HTML: "<p>Hola</p>",
			Author: mf2.Author{Name: "Cleo", URL: "https://cleo.example/", Photo: "https://cleo.example/me.png"}},
		{Type: "rsvp", RSVP: "yes", Comment: "2", Answers: "1", Source: "https://dora.example/1", Target: page, Author: mf2.Author{Name: "Dora"}},
		{Type: "like", Comment: "3", Source: "https://spam.example/1", Target: page, Skip: "it is spam"},
		{Type: "reply", Comment: "4", Target: page, Skip: "it is a like"},
		{Type: "mention", Comment: "6", Target: page, Skip: "its source is no address"},
		{Type: "reply", Comment: "5", Target: "https://me.example/secreto/", Skip: "its post is not public"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
