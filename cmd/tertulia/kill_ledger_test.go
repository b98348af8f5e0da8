package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"tertulia/store"
)

// world is the program, the other sites, and the ledger: what was asked of the program
// and what it answered. Whatever it has answered with 2xx it is held to.
type world struct {
	*mortal
	strangers *strangers
	network   *loudspeaker // that copies go to; nil: none
	token     string
	cookie    *http.Cookie // the owner's session
	form      string       // and what their forms carry
	anchors   []string     // posts that stay, for mentions to be about

	mu       sync.Mutex
	acked    []string // every answer that promised something, in their order
	wrong    []string // answers that were neither promise nor silence
	posts    []*sentPost
	uploads  []*sentUpload
	mentions map[string]*sentMention // by source
	comments int                     // that were left
	parked   int                     // jobs that the owner had to tell to go on
}

// sentPost is a post that was sent, whatever came back.
type sentPost struct {
	marker     string // the first word of its content, and nobody else's
	properties map[string][]any
	json       bool
	at         string      // Location; "" while it was not acknowledged
	may        []sentState // what it may be: the first for certain unless more were asked for without an answer
	touched    bool        // since the last look
}

type sentState struct {
	content string
	deleted bool
}

type sentUpload struct {
	data    []byte // nil once it is acknowledged
	hash    string
	at      string
	touched bool
}

type sentMention struct {
	source, target string
	at             string        // its status page
	may            []store.State // the owner's decision, in the way of sentPost.may
	touched        bool
}

func (m *sentMention) id() string { return path.Base(m.at) }

// verifiable says whether the source has the link.
func (m *sentMention) verifiable() bool {
	return strings.Contains(m.source, "/good/") || strings.Contains(m.source, "/slow/")
}

// newPost makes a post up and writes down that it is going to be sent.
func (w *world) newPost(marker string, inJSON, draft bool) *sentPost {
	p := &sentPost{marker: marker, json: inJSON, may: []sentState{{content: marker + ` says <b>"hola" & 你好</b>`}}}
	day := time.Date(2005, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, rand.IntN(20*365))
	p.properties = map[string][]any{
		"category":    {"kept", marker},
		"published":   {day.Format(time.RFC3339)},
		"in-reply-to": {w.strangers.home() + "/target/" + marker},
	}
	if draft {
		p.properties["post-status"] = []any{"draft"}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.posts = append(w.posts, p)
	return p
}

func (p *sentPost) draft() bool { return p.properties["post-status"] != nil }

// as is the post's properties with the content of a state.
func (p *sentPost) as(s sentState) map[string][]any {
	all := map[string][]any{"content": {s.content}}
	for name, values := range p.properties {
		all[name] = values
	}
	return all
}

// create sends a post, again if it was sent before: that is the same post (HOSTILE 79).
func (w *world) create(p *sentPost) bool {
	contentType, body := "application/json", []byte(nil)
	sent := p.as(p.may[0])
	if w.network != nil {
		sent["mp-syndicate-to"] = []any{w.network.account()}
	}
	if p.json {
		body = encode(map[string]any{"type": []string{"h-entry"}, "properties": sent})
	} else {
		form := url.Values{"h": {"entry"}}
		for name, values := range sent {
			if name != "category" && len(values) == 1 {
				form.Set(name, values[0].(string))
				continue
			}
			for _, v := range values {
				form.Add(name+"[]", v.(string))
			}
		}
		contentType, body = "application/x-www-form-urlencoded", []byte(form.Encode())
	}
	at, ok := w.ask("create "+p.marker, w.at("micropub"), contentType, body)
	if ok {
		p.at, p.touched = at, true
	}
	return ok
}

// change updates, deletes or undeletes a post.
func (w *world) change(p *sentPost, to sentState) bool {
	action := map[string]any{"action": "update", "url": p.at, "replace": map[string][]any{"content": {to.content}}}
	switch was := p.may[0].deleted; {
	case to.deleted:
		action = map[string]any{"action": "delete", "url": p.at}
	case was:
		action = map[string]any{"action": "undelete", "url": p.at}
	}
	if !slices.Contains(p.may, to) {
		p.may = append(p.may, to)
	}
	_, ok := w.ask(fmt.Sprintf("%s %s to %v", action["action"], p.marker, to), w.at("micropub"), "application/json", encode(action))
	if ok {
		p.may, p.touched = []sentState{to}, true
	}
	return ok
}

func encode(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return raw
}

// newUpload is a picture of one pixel that has a lot to say.
func (w *world) newUpload(size int) *sentUpload {
	junk := make([]byte, size)
	for i := range junk {
		junk[i] = byte(rand.Uint32())
	}
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	for _, c := range []struct {
		name string
		data []byte
	}{{"IHDR", []byte{0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0}}, {"IDAT", junk}, {"IEND", nil}} {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(c.data))) // a Buffer takes everything
		chunk := append([]byte(c.name), c.data...)
		b.Write(chunk)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(chunk))
	}
	u := &sentUpload{data: b.Bytes()}
	sum := sha256.Sum256(u.data)
	u.hash = hex.EncodeToString(sum[:])
	w.mu.Lock()
	defer w.mu.Unlock()
	w.uploads = append(w.uploads, u)
	return u
}

func (w *world) upload(u *sentUpload) bool {
	var b bytes.Buffer
	form := multipart.NewWriter(&b)
	part, err := form.CreateFormFile("file", "pixel.png")
	if err != nil {
		panic(err) // a Buffer takes everything
	}
	_, _ = part.Write(u.data)
	_ = form.Close()
	at, ok := w.ask("upload "+u.hash[:12], w.at("media"), form.FormDataContentType(), b.Bytes())
	if ok {
		u.at, u.data, u.touched = at, nil, true
	}
	return ok
}

// newMention makes a source up that says something about an anchor.
func (w *world) newMention(kind, name string) *sentMention {
	m := &sentMention{target: w.anchors[rand.IntN(len(w.anchors))], may: []store.State{""}}
	m.source = w.strangers.home() + "/" + kind + "/" + name + "?to=" + url.QueryEscape(m.target)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mentions[m.source] = m
	return m
}

// mention sends a Webmention, again if it was sent before: that is the same mention.
func (w *world) mention(m *sentMention) bool {
	at, ok := w.ask("mention "+m.source, w.at("webmention"), "application/x-www-form-urlencoded",
		[]byte(url.Values{"source": {m.source}, "target": {m.target}}.Encode()))
	if ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		if m.at != "" && m.at != at {
			w.wrong = append(w.wrong, fmt.Sprintf("mention %s: got two status pages, %s and %s", m.source, m.at, at))
		}
		m.at, m.touched = at, true
	}
	return ok
}

// decide approves or rejects a mention, with the form or on the command line.
func (w *world) decide(m *sentMention, id string, decision store.State, byForm bool) bool {
	verb := map[store.State]string{store.Approved: "approve", store.Rejected: "reject"}[decision]
	if !slices.Contains(m.may, decision) {
		m.may = append(m.may, decision)
	}
	what, ok := verb+" "+m.source, false
	if byForm {
		form := url.Values{"id": {id}, "decision": {verb}, "form": {w.form}}
		_, ok = w.ask(what, w.at("admin/decide"), "application/x-www-form-urlencoded", []byte(form.Encode()))
	} else {
		_, complaint, done := w.command("mention", verb, id)
		w.mu.Lock()
		switch ok = done; {
		case done:
			w.acked = append(w.acked, what+": exit status 0")
		case complaint != "" && !strings.Contains(complaint, "broke off") && !strings.Contains(complaint, "ask the running service"):
			w.wrong = append(w.wrong, what+": "+complaint)
		}
		w.mu.Unlock()
	}
	if ok {
		w.mu.Lock()
		defer w.mu.Unlock()
		m.may, m.touched = []store.State{decision}, true
	}
	return ok
}
