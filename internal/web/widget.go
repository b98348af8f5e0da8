package web

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"

	"tertulia/internal/web/theme"
)

// asset is a file of the service's own that pages load.
type asset struct {
	kind string // content type
	body []byte
	hash string // of the body, for its address
}

func newAsset(kind string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{kind + "; charset=utf-8", body, hex.EncodeToString(sum[:6])}
}

// serve answers with the file. With its hash in the address it may be kept for good,
// otherwise for a few minutes.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("ETag", fmt.Sprintf("%q", a.hash))
	h.Set("Cache-Control", "public, max-age=300")
	if r.URL.Query().Get("v") == a.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	whole(w, r, a.body)
}

// Embedding is what shows conversations in pages that something else serves.
type Embedding struct {
	Widget    string `json:"widget"`    // address of the widget
	Script    string `json:"script"`    // of this version's, for as long as it is served
	Integrity string `json:"integrity"` // of that, for the attribute of this name
	Policy    string `json:"policy"`    // what a Content-Security-Policy of the pages must allow
}

// Embed tells how pages load the widget of the service at a base address.
func Embed(base string) Embedding {
	js := theme.Widget(base)
	sum := sha512.Sum384(js)
	return Embedding{
		Widget:    base + "widget.js",
		Script:    base + "widget.js?v=" + newAsset("", js).hash,
		Integrity: "sha384-" + base64.StdEncoding.EncodeToString(sum[:]),
		Policy:    fmt.Sprintf("script-src %[1]swidget.js; connect-src %[1]s; img-src %[1]s; form-action %[1]s", base),
	}
}

// counts tells of a list of pages how many public responses each has, as a number and in
// the words of the page that shows it, in the order of the list:
//
//	[{"count":3,"text":"3 respuestas"},…]
func (p *pages) counts(w http.ResponseWriter, r *http.Request) {
	targets := r.URL.Query()["url"]
	targets = targets[:min(len(targets), maxTargets)]
	l := p.fragmentLanguage(r)
	p.public(w, r, targets, "", func() (any, error) { return p.countEach(r.Context(), targets, l.N) })
}

// tally is how many responses a page has.
type tally struct {
	Count int    `json:"count"`
	Text  string `json:"text"`
}

func (p *pages) countEach(ctx context.Context, targets []string, say func(key string, n int, args ...any) string) (any, error) {
	list := []tally{}
	for _, target := range targets {
		types, err := p.Conversation.Counts(ctx, []string{target})
		if err != nil {
			return nil, err
		}
		n := 0
		for _, of := range types {
			n += of
		}
		list = append(list, tally{n, say("conversation.count", n)})
	}
	return list, nil
}
