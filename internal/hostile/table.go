package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
)

const (
	filler  = "words and more words "
	chunked = "Transfer-Encoding: chunked\r\n\r\n"
)

var ok = status("200 OK")

// behaviours is what there is, never changed.
var behaviours = []Behaviour{
	{Name: "plain", About: "an honest page, for comparison", script: func(v *visit) { v.answer(ok, v.page()) }},

	// What is slow, or has no end.
	{Name: "mute", About: "reads the request and never answers", script: (*visit).wait},
	{Name: "slow-headers", About: "the header comes a byte at a time", script: func(v *visit) {
		v.slowly(ok + "X-Filler: " + strings.Repeat(filler, 1000))
	}},
	{Name: "slow-body", About: "the body comes a byte at a time", script: func(v *visit) {
		v.say(ok, "Content-Length: 100000\r\n\r\n", v.page())
		v.slowly(strings.Repeat(filler, 1000))
	}},
	{Name: "slow-gzip", About: "a compressed body that stops in its middle and stays", script: func(v *visit) {
		v.say(ok, "Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n", compressed(v.page())[:20])
		v.wait()
	}},
	{Name: "slow-redirect", About: "a redirect whose own body comes a byte at a time", script: func(v *visit) {
		v.say("HTTP/1.1 302 Found\r\nLocation: ", v.at("plain"), "\r\n", chunked, "400\r\n")
		v.slowly(strings.Repeat(filler, 1000))
	}},
	{Name: "endless-headers", About: "header lines without an end", script: func(v *visit) {
		v.say(ok)
		v.forever("X-Filler: " + filler + "\r\n")
	}},
	{Name: "endless-body", About: "a chunked body without an end", script: func(v *visit) {
		v.say(ok, chunked, chunk(v.page()))
		v.forever(chunk(strings.Repeat(filler, 100)))
	}},
	{Name: "endless-hints", About: "103 Early Hints for ever", script: func(v *visit) {
		v.forever("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
	}},
	{Name: "hints", About: "100 times 103 Early Hints, then an honest page", script: func(v *visit) {
		v.repeat("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n", 100)
		v.answer(ok, v.page())
	}},

	// Lengths that lie, answers that break off.
	{Name: "length-too-long", About: "Content-Length is more than there is", script: func(v *visit) {
		v.say(ok, "Content-Length: 10000\r\n\r\n", v.page())
	}},
	{Name: "length-too-short", About: "Content-Length is less than there is", script: func(v *visit) {
		v.say(ok, fmt.Sprintf("Content-Length: %d\r\n\r\n", len(v.page())), v.page())
		v.repeat(filler, 1<<20)
	}},
	{Name: "two-lengths", About: "two lengths that contradict each other", script: func(v *visit) {
		v.answer(ok+"Content-Length: 10\r\n", v.page())
	}},
	{Name: "huge-chunk", About: "a chunk of 2^68 bytes", script: func(v *visit) {
		v.say(ok, chunked, "fffffffffffffffff\r\n", v.page())
	}},
	{Name: "tiny-chunks", About: "chunks of one byte with long extensions", script: func(v *visit) {
		v.say(ok, chunked, chunk(v.page()))
		v.forever("1;x=" + filler + "\r\nw\r\n")
	}},
	{Name: "long-trailer", About: "5 MB of trailer after the body", script: func(v *visit) {
		v.say(ok, "Trailer: X\r\n", chunked, chunk(v.page()), "0\r\nX: ")
		v.repeat(filler, 5<<20/len(filler))
		v.say("\r\n\r\n")
	}},
	{Name: "cut-headers", About: "the connection ends within the header", script: func(v *visit) { v.say(ok, "X-Filler: wor") }},
	{Name: "cut-chunk", About: "the connection ends between two chunks", script: func(v *visit) { v.say(ok, chunked, chunk(v.page())) }},
	{Name: "cut-gzip", About: "the compressed body ends too early", script: func(v *visit) {
		whole := compressed(v.page())
		v.answer(ok+"Content-Encoding: gzip\r\n", whole[:len(whole)-9])
	}},
	{Name: "reset", About: "a reset before the header", script: (*visit).reset},
	{Name: "reset-body", About: "a reset within the body", script: func(v *visit) {
		v.say(ok, "Content-Length: 10000\r\n\r\n", v.page())
		v.reset()
	}},

	// Compression.
	{Name: "gzip-bomb", About: "522 KB that become 512 MiB", script: func(v *visit) {
		head, block := bomb(v.page())
		v.say(ok, "Content-Encoding: gzip\r\nConnection: close\r\n\r\n", head)
		v.repeat(block, 512)
	}},
	{Name: "gzip-twice", About: "compressed twice, said once", script: func(v *visit) {
		v.answer(ok+"Content-Encoding: gzip\r\n", compressed(compressed(v.page())))
	}},
	{Name: "gzip-gzip", About: "compressed twice, said twice", script: func(v *visit) {
		v.answer(ok+"Content-Encoding: gzip, gzip\r\n", compressed(compressed(v.page())))
	}},
	{Name: "gzip-unsaid", About: "compressed, and not said", script: func(v *visit) { v.answer(ok, compressed(v.page())) }},
	{Name: "brotli", About: "a coding that nobody asked for", script: func(v *visit) {
		v.answer(ok+"Content-Encoding: br\r\n", "\x0b\x02\x80hello\x03")
	}},

	// Headers.
	{Name: "header-flood", About: "90,000 Link headers, 4.5 MB", script: func(v *visit) {
		v.say(ok)
		v.repeat("Link: <http://a.example/endpoint>; rel=\"webmention\"\r\n", 90_000)
		v.answer("", v.page())
	}},
	{Name: "header-line", About: "one header line of 5 MB", script: func(v *visit) {
		v.say(ok, "X-Filler: ")
		v.repeat(filler, 5<<20/len(filler))
		v.answer("\r\n", v.page())
	}},
	{Name: "status-line", About: "a status line of 5 MB", script: func(v *visit) {
		v.say("HTTP/1.1 200 ")
		v.repeat(filler, 5<<20/len(filler))
		v.answer("\r\nContent-Type: text/html\r\n", v.page())
	}},
	{Name: "status-word", About: "a status that is no number", script: func(v *visit) { v.answer(status("good OK"), v.page()) }},
	{Name: "nul-header", About: "NUL bytes in the header", script: func(v *visit) { v.answer(ok+"X-\x00: \x00\r\n", v.page()) }},
	{Name: "http-0.9", About: "a page without any header", script: func(v *visit) { v.say(v.page()) }},
	{Name: "switch", About: "101 Switching Protocols, which nobody asked for", script: func(v *visit) {
		v.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: page\r\n\r\n", v.page())
		v.wait()
	}},
	{Name: "partial", About: "206 Partial Content of the whole page", script: func(v *visit) {
		v.answer(status("206 Partial Content")+"Content-Range: bytes 0-9/99999\r\n", v.page())
	}},
	{Name: "error", About: "500 with an endless page", script: func(v *visit) {
		v.say(status("500 Internal Server Error"), "Connection: close\r\n\r\n", v.page())
		v.forever(filler)
	}},
	{Name: "forbidden", About: "403", script: func(v *visit) { v.answer(status("403 Forbidden"), v.page()) }},
	{Name: "too-many", About: "429 with a Retry-After of three hundred years", script: func(v *visit) {
		v.answer(status("429 Too Many Requests")+"Retry-After: 9999999999\r\n", v.page())
	}},
	{Name: "image", About: "a page that calls itself a picture", script: func(v *visit) {
		v.answer("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n", v.page())
	}},

	// Redirects.
	{Name: "loop", About: "a redirect to itself", script: func(v *visit) { v.redirect("302 Found", v.at("loop")) }},
	{Name: "redirects", About: "30 redirects, then an honest page; redirects/N is N", script: func(v *visit) {
		n, err := strconv.Atoi(v.rest)
		if err != nil {
			n = 30
		}
		if n <= 1 {
			v.redirect("302 Found", v.at("plain"))
			return
		}
		v.redirect("302 Found", v.at(fmt.Sprintf("redirects/%d", n-1)))
	}},
	{Name: "to-nowhere", About: "302 without a Location", script: func(v *visit) { v.answer(status("302 Found"), v.page()) }},
	{Name: "to-file", About: "a redirect to file:", script: func(v *visit) { v.redirect("302 Found", "file:///etc/passwd") }},
	{Name: "to-gopher", About: "a redirect to gopher:", script: func(v *visit) { v.redirect("302 Found", "gopher://"+v.host+"/") }},
	{Name: "to-loopback", About: "a redirect to where nobody may be sent", script: func(v *visit) { v.redirect("302 Found", v.server.options.Forbidden) }},
	{Name: "to-private", About: "a permanent redirect to a private network", script: func(v *visit) { v.redirect("308 Permanent Redirect", "http://10.0.0.1/") }},
	{Name: "to-metadata", About: "a redirect to where clouds keep secrets", script: func(v *visit) { v.redirect("307 Temporary Redirect", "http://169.254.169.254/latest/") }},
	{Name: "to-user", About: "a redirect with a user name and a password", script: func(v *visit) {
		v.redirect("302 Found", "http://user:secret@"+v.host+v.at("plain"))
	}},

	// TLS.
	{Name: "tls-garbage", About: "no TLS but noise", first: true, secure: true, script: func(v *visit) { v.repeat("\x16\x03\x01\xff\xff noise", 1000) }},
	{Name: "tls-mute", About: "a handshake that is never answered", first: true, secure: true, script: (*visit).wait},
	{Name: "tls-http", About: "HTTP in answer to a TLS handshake", first: true, secure: true, script: func(v *visit) {
		v.answer("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n", v.page())
	}},

	// Pages.
	{Name: "nul-body", About: "NUL bytes all over the page", script: func(v *visit) {
		v.answer(ok, "\x00"+strings.ReplaceAll(v.page(), " Some words", "\x00So\x00me\x00 words"))
	}},
	{Name: "utf-16", About: "UTF-16 that calls itself UTF-8", script: func(v *visit) { v.answer(ok, wide(v.page())) }},
	{Name: "utf-7", About: "markup that is one in UTF-7 only", script: func(v *visit) {
		hidden := strings.NewReplacer("<", "+ADw-", ">", "+AD4-", `"`, "+ACI-").Replace(v.anchor())
		v.answer("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-7\r\n", "<p>"+hidden+" Some words.")
	}},
	{Name: "late-link", About: "the link comes after 1 MiB", script: func(v *visit) {
		page := "<p>" + strings.Repeat("x", 1<<20) + v.anchor()
		v.answer(ok, page)
	}},
	{Name: "markup", About: "1 MiB of <b><p>", script: func(v *visit) { v.flood("<b><p>") }},
	{Name: "tables", About: "1 MiB of <table>", script: func(v *visit) { v.flood("<table>") }},
	{Name: "links", About: "1 MiB of <a>", script: func(v *visit) { v.flood("<a>") }},
	{Name: "comments", About: "1 MiB of comments and references", script: func(v *visit) { v.flood("<!--&amp;-->&notit;&#x0;") }},
	{Name: "attributes", About: "one element with 1 MiB of different attributes", script: func(v *visit) {
		var page strings.Builder
		page.WriteString(v.page() + "<p")
		for i := 0; page.Len() < 1<<20; i++ {
			fmt.Fprintf(&page, " a%d", i)
		}
		v.answer(ok, page.String()[:1<<20])
	}},
	{Name: "divs", About: "600 nested elements", script: func(v *visit) { v.answer(ok, v.page()+strings.Repeat("<div>", 600)) }},
	{Name: "end-tags", About: "a page that begins with end tags", script: func(v *visit) {
		v.answer(ok, "</p></html></body></table>"+v.page()+strings.Repeat("</div>", 1000))
	}},
	{Name: "nested-entries", About: "400 nested items with text", script: func(v *visit) {
		v.answer(ok, v.page()+strings.Repeat(`<div class="h-entry e-content p-name">text `, 400))
	}},
	{Name: "bad-author", About: "authors and names of every wrong kind", script: func(v *visit) {
		v.answer(ok, `</p><div class="h-entry"><a class="p-author" href="`+html.EscapeString(v.server.options.Forbidden)+`"></a>
<p class="p-author"><p class="u-author p-name h-card"><data class="p-rsvp h-card"></data><p class="e-content p-name p-author h-feed">`+v.page())
	}},
}

// flood sends the page and exactly as much of text as makes 1 MiB in all.
func (v *visit) flood(text string) {
	page := v.page()
	v.answer(ok, (page + strings.Repeat(text, (1<<20)/len(text)))[:1<<20])
}

// chunk is one chunk of a body.
func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// compressed is text as gzip has it.
func compressed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text)) // a buffer takes everything
	_ = z.Close()
	return b.String()
}

// bomb is the beginning of a compressed page, and a block that adds 1 MiB of zeros
// to it each time that it is sent.
func bomb(page string) (head, block string) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level exists
	flush := func(text []byte) string {
		b.Reset()
		_, _ = z.Write(text) // a buffer takes everything
		_ = z.Flush()
		return b.String()
	}
	head = flush([]byte(page))
	flush(make([]byte, 64<<10)) // so that the block refers to nothing but zeros
	return head, flush(make([]byte, 1<<20))
}

// wide is text in UTF-16 with its byte order mark.
func wide(text string) string {
	b := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		b = append(b, byte(unit), byte(unit>>8))
	}
	return string(b)
}
