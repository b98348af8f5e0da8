package main

import (
	"bytes"
	"mime/multipart"
	"net/url"
	"sync"
)

// sample is a post of one kind and the way in which an editor sends it.
type sample struct {
	kind       string
	how        string // form, json or multipart: with a picture
	typ        string
	properties map[string][]any

	at string // its address, once it is created
}

// samples are posts of all the kinds that there are (SPECS MF-10), about pages of a peer.
func samples(peer string) []*sample {
	entry := func(kind, how string, pairs ...any) *sample {
		s := &sample{kind: kind, how: how, typ: "h-entry", properties: map[string][]any{}}
		for i := 0; i < len(pairs); i += 2 {
			s.properties[pairs[i].(string)] = pairs[i+1].([]any)
		}
		return s
	}
	one := func(v any) []any { return []any{v} }
	to := func(name string) []any { return one(peer + "/target/" + name) }
	bar := map[string]any{"type": []any{"h-card"}, "properties": map[string]any{
		"name": []any{"El bar: 24 horas"}, "url": []any{peer + "/bar"}, "latitude": []any{"37.38"}, "longitude": []any{"-6.0"},
	}}
	event := entry("event", "json", "name", one("Tertulia: el café"), "start", one("2027-05-01T18:00:00+02:00"), "end", one("2027-05-01T20:00:00+02:00"),
		"location", one(bar), "content", one("Trae un libro"))
	event.typ = "h-event"
	return []*sample{
		entry("article", "json", "name", one("Pan: #1 \"de pueblo\""), "content", one(map[string]any{"html": "<p>Harina, <em>agua</em></p>\n<p>y sal</p>"}),
			"published", one("2026-03-04T05:06:07+01:00"), "category", []any{"pan", "a: b"}),
		entry("note", "form", "content", one("Hola *mundo*\n\n- uno\n- dos"), "category", []any{"uno", "dos"}),
		entry("photo", "multipart", "content", one("Un paseo")),
		entry("video", "json", "video", one(peer+"/film.mp4"), "content", one("Un vídeo"), "published", one("2026-03-04T05:06:07Z")),
		entry("audio", "form", "audio", []any{peer + "/a.mp3", peer + "/b.mp3"}, "name", one("Voces"), "content", one("Dos voces")),
		entry("bookmark", "form", "bookmark-of", to("bookmark"), "name", one("Un enlace")),
		entry("like", "form", "like-of", to("like")),
		entry("reply", "form", "in-reply-to", to("reply"), "content", one("De acuerdo: sí")),
		entry("repost", "json", "repost-of", to("repost")),
		entry("rsvp", "form", "in-reply-to", to("rsvp"), "rsvp", one("yes"), "content", one("Voy")),
		event,
		entry("checkin", "json", "checkin", one(bar), "content", one("Unas cañas")),
	}
}

// body is the request that creates the post.
func (s *sample) body(picture []byte) (contentType string, body []byte) {
	var b bytes.Buffer
	switch s.how {
	case "json":
		return "application/json", encode(map[string]any{"type": []string{s.typ}, "properties": s.properties})
	case "form":
		form := url.Values{"h": {"entry"}}
		s.each(func(name, value string) { form.Add(name, value) })
		return "application/x-www-form-urlencoded", []byte(form.Encode())
	}
	parts := multipart.NewWriter(&b)
	_ = parts.WriteField("h", "entry") // a Buffer takes everything
	s.each(func(name, value string) { _ = parts.WriteField(name, value) })
	_ = parts.WriteField("mp-photo-alt[]", "Un camino")
	file, _ := parts.CreateFormFile("photo", "camino.png")
	_, _ = file.Write(picture)
	_ = parts.Close()
	return parts.FormDataContentType(), b.Bytes()
}

func (s *sample) each(add func(name, value string)) {
	for name, values := range s.properties {
		for _, v := range values {
			if len(values) > 1 {
				add(name+"[]", v.(string))
			} else {
				add(name, v.(string))
			}
		}
	}
}

// all does something with posts, all at once.
func all(posts []*sample, do func(*sample)) {
	var wg sync.WaitGroup
	for _, s := range posts {
		wg.Go(func() { do(s) })
	}
	wg.Wait()
}
