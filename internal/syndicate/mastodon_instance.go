package syndicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// instance is what a server says of itself, or what Mastodon has where it says nothing.
type instance struct {
	version string
	text    int // characters of a status, a warning included
	link    int // characters that an address counts
	photos  int
	alt     int   // characters of a picture's description
	bytes   int64 // of a picture
	side    int   // pixels of a picture's longer side
}

// keepsKeys says whether a server knows the Idempotency-Key of a status.
func (in instance) keepsKeys() bool { return in.software() == "mastodon" || in.software() == "pleroma" }

var compatible = pattern(`(?i)\(compatible; ([a-z]+)`)

// software is what runs a server: others than Mastodon say that they are compatible, but for
// GoToSocial, whose versions begin with a zero.
func (in instance) software() string {
	if name := compatible().FindStringSubmatch(in.version); name != nil {
		return strings.ToLower(name[1])
	}
	if strings.HasPrefix(in.version, "0.") {
		return "gotosocial"
	}
	return "mastodon"
}

// about asks the server about itself, once an hour. While it does not answer, what it said last
// holds.
func (m *Mastodon) about(ctx context.Context) (instance, error) {
	m.mu.Lock() // whoever comes meanwhile wants the same answer
	defer m.mu.Unlock()
	known := m.instance
	if known != nil && time.Since(m.asked) < time.Hour {
		return *known, nil
	}
	got, err := send(ctx, m.Client, m.request("connect", http.MethodGet, "/api/v2/instance"))
	if gone(err) {
		got, err = send(ctx, m.Client, m.request("connect", http.MethodGet, "/api/v1/instance"))
	}
	var in instance
	if err == nil {
		in, err = readInstance(got.body)
	}
	switch {
	case err != nil && known != nil:
		return *known, nil
	case err != nil:
		return instance{}, err
	}
	m.instance, m.asked = &in, time.Now()
	return in, nil
}

// readInstance reads either version of the answer.
func readInstance(body []byte) (instance, error) {
	var said struct {
		Version string          `json:"version"`
		Old     json.RawMessage `json:"max_toot_chars"` // Pleroma
		Config  struct {
			Statuses struct {
				Text  float64 `json:"max_characters"`
				Link  float64 `json:"characters_reserved_per_url"`
				Media float64 `json:"max_media_attachments"`
			} `json:"statuses"`
			Media struct {
				Bytes  float64 `json:"image_size_limit"`
				Pixels float64 `json:"image_matrix_limit"`
				Alt    float64 `json:"description_limit"`
			} `json:"media_attachments"`
		} `json:"configuration"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return instance{}, &Error{Doing: "connect", Status: http.StatusOK, Cause: fmt.Errorf("read what the server says of itself: %w", err)}
	}
	var old float64
	if json.Unmarshal(said.Old, &old) != nil {
		old = 0
	}
	within := func(n float64, usual, most int) int {
		if n < 1 || math.IsNaN(n) {
			return usual
		}
		return int(min(n, float64(most)))
	}
	s, media := said.Config.Statuses, said.Config.Media
	return instance{version: said.Version,
		text: within(s.Text, within(old, 500, 100_000), 100_000), link: within(s.Link, 23, 1000),
		photos: within(s.Media, 4, 20), alt: within(media.Alt, 1500, 10_000),
		bytes: int64(within(media.Bytes, 8<<20, 40<<20)), side: int(math.Sqrt(float64(within(media.Pixels, 16_777_216, 1<<28))))}, nil
}

// draft is a status as it is sent. What an edit takes away is sent as empty: servers differ in
// what they do with what is left out.
type draft struct {
	Status     string      `json:"status"`
	Warning    string      `json:"spoiler_text"`
	Sensitive  bool        `json:"sensitive"`
	Visibility string      `json:"visibility,omitempty"`
	Language   string      `json:"language,omitempty"`
	ReplyTo    string      `json:"in_reply_to_id,omitempty"`
	Media      []string    `json:"media_ids"`
	Alts       []mediaText `json:"media_attributes,omitempty"`
}

type mediaText struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}

// draft fits a post to the server: code points, which are never fewer than what any of them
// counts. Whom a link leads to is named if they are on a server of the same kind.
func (in instance) draft(p Post, before string) (draft, error) {
	d := draft{Visibility: "public", Media: []string{}, Warning: cutAt(strings.TrimSpace(p.Item.Get("content-warning")), in.text/4)}
	d.Sensitive = d.Warning != "" || p.Item.Get("sensitive") == "true"
	d.Language, _, _ = strings.Cut(p.Language, "-")
	switch p.Item.Get("visibility") {
	case "", "public":
	case "unlisted":
		d.Visibility = "unlisted"
	default:
		return draft{}, fmt.Errorf("a post that is not for everybody: %w", ErrUnsupported)
	}
	if in.software() == "pixelfed" && len(p.Photos) == 0 {
		return draft{}, fmt.Errorf("a post without a picture: %w", ErrUnsupported)
	}
	d.Status = Fit(p, Rules{Max: in.text, Measure: CodePoints, Reserve: CodePoints(d.Warning), LinkSize: in.link, LinkLeast: in.software() != "mastodon",
		Tags: 30, Permalink: true, Mention: fediverseHandle, Before: before}).String
	if d.Status == "" {
		return draft{}, fmt.Errorf("a post that says nothing here: %w", ErrUnsupported)
	}
	return d, nil
}

var profilePath = pattern(`^/(?:@|users/|profile/)([A-Za-z0-9_]+(?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)/?$`)

// fediverseHandle writes @bea, linked to https://otro.example/@bea, as @bea@otro.example.
func fediverseHandle(words, address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	name := profilePath().FindStringSubmatch(u.Path)
	said, _, _ := strings.Cut(strings.TrimPrefix(words, "@"), "@")
	if name == nil || !strings.EqualFold(said, name[1]) || u.Port() != "" {
		return ""
	}
	return "@" + name[1] + "@" + u.Hostname()
}

// upload sends a picture and waits until the server is done with it.
func (m *Mastodon) upload(ctx context.Context, in instance, photo Photo) (string, error) {
	picture, err := photo.Open(in.bytes, in.side)
	if err != nil {
		return "", &Error{Doing: "publish", Cause: fmt.Errorf("read a picture: %w", err)}
	}
	body, kind, err := multipartBody("file", photo, picture, map[string]string{"description": cutAt(photo.Alt, in.alt)})
	picture.Close()
	if err != nil {
		return "", &Error{Doing: "publish", Cause: fmt.Errorf("read a picture: %w", err)}
	}
	rq := m.request("publish", http.MethodPost, "/api/v2/media")
	rq.body, rq.kind = body, kind
	var made attachment
	got, err := ask(ctx, m.Client, rq, &made)
	if gone(err) {
		rq.address = m.Server + "/api/v1/media"
		got, err = ask(ctx, m.Client, rq, &made)
	}
	if err != nil {
		return "", err
	}
	id := string(made.ID)
	if id == "" {
		return "", &Error{Doing: "publish", Status: got.status, Cause: errors.New("the network names no picture")}
	}
	for wait := time.Second; got.status == http.StatusAccepted || got.status == http.StatusPartialContent; wait *= 2 {
		if wait > 32*time.Second {
			return "", &Error{Doing: "publish", Status: got.status, After: time.Minute, Cause: errors.New("the network is not done with a picture")}
		}
		if err := pause(ctx, wait); err != nil {
			return "", &Error{Doing: "publish", Cause: err}
		}
		if got, err = send(ctx, m.Client, m.request("publish", http.MethodGet, "/api/v1/media/"+url.PathEscape(id))); err != nil {
			return "", err
		}
	}
	return id, nil
}

// multipartBody is a form with a picture in it.
func multipartBody(field string, photo Photo, picture io.Reader, values map[string]string) ([]byte, string, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range values {
		if err := w.WriteField(name, value); err != nil {
			return nil, "", err
		}
	}
	raw, err := io.ReadAll(picture)
	if err != nil {
		return nil, "", err
	}
	// By what it is: drawn smaller it may be of another type than the one that was uploaded.
	kind := http.DetectContentType(raw)
	if !strings.HasPrefix(kind, "image/") {
		kind = firstOf(photo.Type, "image/jpeg")
	}
	ending := firstOf(map[string]string{"image/png": "png", "image/gif": "gif", "image/webp": "webp"}[kind], "jpg")
	part, err := w.CreatePart(textproto.MIMEHeader{"Content-Type": {kind},
		"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="photo.%s"`, field, ending)}})
	if err == nil {
		_, err = part.Write(raw)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), w.FormDataContentType(), err
}
