package syndicate

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"tertulia/mf2"
)

// Micropub is a blog that takes copies by Micropub, such as one at Micro.blog. A copy is the text of
// the post as HTML with the permalink at its end; answers to it come by Webmention.
type Micropub struct {
	Client      *http.Client
	Endpoint    string // https://micro.blog/micropub
	Token       string
	Destination string // which of the account's blogs, by its uid; empty: its first
}

// Abilities of Micropub are the same everywhere; a server that cannot list its posts says so when it
// is asked to Find one.
func (m *Micropub) Abilities(context.Context) (Abilities, error) {
	return Abilities{Idempotency: Look, Photos: 10, Alt: true, Edit: true, Delete: true}, nil
}

func (m *Micropub) request(doing, method string, query url.Values) request {
	address := m.Endpoint
	if len(query) > 0 {
		if m.Destination != "" {
			query.Set("mp-destination", m.Destination)
		}
		mark := "?"
		if strings.Contains(address, "?") {
			mark = "&"
		}
		address += mark + query.Encode()
	}
	return request{doing: doing, method: method, address: address, token: m.Token, secret: m.Token}
}

type micropubConfig struct {
	Media        string `json:"media-endpoint"`
	Destinations []struct {
		UID  string `json:"uid"`
		Name string `json:"name"`
	} `json:"destination"`
}

func (m *Micropub) config(ctx context.Context, doing string) (micropubConfig, error) {
	var config micropubConfig
	_, err := ask(ctx, m.Client, m.request(doing, http.MethodGet, url.Values{"q": {"config"}}), &config)
	return config, err
}

// Who is the blog that copies go to.
func (m *Micropub) Who(ctx context.Context) (Author, error) {
	config, err := m.config(ctx, "connect")
	if err != nil {
		return Author{}, err
	}
	for _, d := range config.Destinations {
		if m.Destination == "" || d.UID == m.Destination {
			return Author{Name: firstOf(d.Name, d.UID), URL: webAddress(d.UID)}, nil
		}
	}
	if m.Destination != "" {
		return Author{}, &Error{Doing: "connect", Status: http.StatusOK, Refused: true, Cause: fmt.Errorf("the account has no blog %q", m.Destination)}
	}
	return Author{URL: m.Endpoint}, nil
}

// properties are those of the copy: as HTML, so that nothing in it is taken for Markdown.
func (m *Micropub) properties(ctx context.Context, p Post, doing string, photos bool) (map[string][]any, error) {
	text := Fit(p, Rules{Permalink: true})
	if text.String == "" || !forEverybody(p) {
		return nil, fmt.Errorf("a post that says nothing here: %w", ErrUnsupported)
	}
	properties := map[string][]any{"content": {map[string]any{"html": text.HTML()}}, "category": {}}
	for _, category := range p.Item.Strings("category") {
		if webAddress(category) == "" {
			properties["category"] = append(properties["category"], category)
		}
	}
	if !photos {
		return properties, nil
	}
	properties["photo"] = []any{}
	if len(p.Photos) == 0 {
		return properties, nil
	}
	config, err := m.config(ctx, doing)
	if err != nil {
		return nil, err
	}
	for _, photo := range p.Photos[:min(len(p.Photos), 10)] {
		address, err := m.upload(ctx, config.Media, photo, doing)
		if errors.Is(err, ErrNoPicture) {
			continue
		}
		if err != nil {
			return nil, err
		}
		properties["photo"] = append(properties["photo"], map[string]any{"value": address, "alt": photo.Alt})
	}
	return properties, nil
}

// upload sends a picture to the media endpoint. The token goes only where the endpoint's own
// host is.
func (m *Micropub) upload(ctx context.Context, endpoint string, photo Photo, doing string) (string, error) {
	own, err := url.Parse(m.Endpoint)
	if err != nil {
		return "", &Error{Doing: doing, Refused: true, Cause: err}
	}
	to, err := own.Parse(endpoint)
	if err != nil || endpoint == "" || to.Host != own.Host || to.Scheme != own.Scheme {
		return "", &Error{Doing: doing, Refused: true, Cause: errors.New("the blog takes no pictures at its own address")}
	}
	picture, err := photo.Open(8<<20, 4096)
	if err != nil {
		return "", &Error{Doing: doing, Cause: fmt.Errorf("read a picture: %w", err)}
	}
	defer picture.Close()
	rq := request{doing: doing, method: http.MethodPost, address: to.String(), token: m.Token, secret: m.Token}
	if rq.body, rq.kind, err = multipartBody("file", photo, picture, nil); err != nil {
		return "", &Error{Doing: doing, Cause: fmt.Errorf("read a picture: %w", err)}
	}
	got, err := send(ctx, m.Client, rq)
	if err != nil {
		return "", err
	}
	address := location(to, got.header)
	if address == "" {
		return "", &Error{Doing: doing, Status: got.status, Cause: errors.New("the network names no picture")}
	}
	return address, nil
}

// location is where an answer says that something is, "" where it does not.
func location(from *url.URL, h http.Header) string {
	to, err := from.Parse(h.Get("Location"))
	if err != nil || h.Get("Location") == "" {
		return ""
	}
	return webAddress(to.String())
}

// Publish creates a post.
func (m *Micropub) Publish(ctx context.Context, p Post) (Ref, error) {
	properties, err := m.properties(ctx, p, "publish", len(p.Photos) > 0)
	if err != nil {
		return Ref{}, err
	}
	if m.Destination != "" {
		properties["mp-destination"] = []any{m.Destination}
	}
	if len(properties["category"]) == 0 {
		delete(properties, "category")
	}
	rq := m.request("publish", http.MethodPost, nil).json(map[string]any{"type": []string{"h-entry"}, "properties": properties})
	rq.makes = true
	got, err := send(ctx, m.Client, rq)
	if err != nil {
		return Ref{}, err
	}
	return m.at(got, pictures(p), rq.makes)
}

// at is the copy that an answer names in Location.
func (m *Micropub) at(got response, more string, made bool) (Ref, error) {
	own, err := url.Parse(m.Endpoint)
	if err != nil {
		return Ref{}, err
	}
	address := location(own, got.header)
	if address == "" {
		return Ref{}, &Error{Doing: "publish", Status: got.status, Unclear: made, Cause: errors.New("the network does not say where the copy is")}
	}
	return Ref{ID: address, URL: address, More: more}, nil
}

// Find looks for the permalink at the end of one of the latest posts.
func (m *Micropub) Find(ctx context.Context, p Post) (Ref, error) {
	var list struct {
		Items []mf2.Item `json:"items"`
	}
	got, err := ask(ctx, m.Client, m.request("find", http.MethodGet, url.Values{"q": {"source"}, "limit": {"100"}}), &list)
	if got.status == http.StatusBadRequest || got.status == http.StatusNotFound || got.status == http.StatusNotImplemented {
		return Ref{}, fmt.Errorf("find: %w", ErrUnsupported)
	}
	if err != nil {
		return Ref{}, err
	}
	for _, item := range list.Items {
		markup, ok := item.HTML("content")
		if !ok {
			markup = item.Get("content")
		}
		if address := webAddress(item.Get("url")); address != "" && mf2.SameURL(lastAddress(markup), p.Permalink) {
			return Ref{ID: address, URL: address}, nil
		}
	}
	return Ref{}, fmt.Errorf("find: %w", fs.ErrNotExist)
}

// Update replaces what the copy says, and its pictures if the post's are others.
func (m *Micropub) Update(ctx context.Context, ref Ref, p Post) (Ref, error) {
	properties, err := m.properties(ctx, p, "update", ref.More != pictures(p))
	if err != nil {
		return Ref{}, err
	}
	rq := m.request("update", http.MethodPost, nil).json(map[string]any{"action": "update", "url": ref.ID, "replace": properties})
	got, err := send(ctx, m.Client, rq)
	if err != nil {
		return Ref{}, err
	}
	if moved, err := m.at(got, pictures(p), false); err == nil {
		return moved, nil
	}
	return Ref{ID: ref.ID, URL: ref.URL, More: pictures(p)}, nil
}

// Delete deletes the copy.
func (m *Micropub) Delete(ctx context.Context, ref Ref) error {
	_, err := send(ctx, m.Client, m.request("delete", http.MethodPost, nil).json(map[string]any{"action": "delete", "url": ref.ID}))
	if gone(err) {
		return nil
	}
	return err
}

// Poll is not needed: answers are sent to the original.
func (m *Micropub) Poll(context.Context, Ref, string) (Answers, error) {
	return Answers{}, ErrUnsupported
}

// Look has nothing to look at, as Poll.
func (m *Micropub) Look(context.Context, Ref) (Answer, error) { return Answer{}, ErrUnsupported }

// Resolve finds nothing: what a blog has is answered by Webmention.
func (m *Micropub) Resolve(context.Context, string) (Ref, error) { return Ref{}, fs.ErrNotExist }

// forEverybody says whether a post's visibility is nothing but public or unlisted.
func forEverybody(p Post) bool {
	v := p.Item.Get("visibility")
	return v == "" || v == "public" || v == "unlisted"
}

// HTML is a text as HTML: escaped, its links as links, a paragraph where there is an empty line.
func (t Text) HTML() string {
	return "<p>" + strings.NewReplacer("\n\n", "</p>\n<p>", "\n", "<br>\n").Replace(t.markup()) + "</p>"
}

// markup is a text, escaped, with its links.
func (t Text) markup() string {
	var b strings.Builder
	at := 0
	for _, s := range t.Spans {
		if s.URL == "" {
			continue
		}
		b.WriteString(html.EscapeString(t.String[at:s.Start]))
		b.WriteString(`<a href="` + html.EscapeString(s.URL) + `">` + html.EscapeString(t.String[s.Start:s.End]) + `</a>`)
		at = s.End
	}
	return b.String() + html.EscapeString(t.String[at:])
}
