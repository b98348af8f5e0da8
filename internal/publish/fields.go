package publish

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"tertulia/mf2"
)

// codec is how the values of a property lie in front matter for themes to print. The
// short form may leave things out: what it does not give back is kept under mf2.
type codec struct {
	write func(values []any) any // nil: no key
	read  func(v any) []any      // of whatever people write there by hand
}

// fields are the properties that have a short form, besides content, which is the body.
var fields = map[string]codec{
	"name": text, "summary": text, "rsvp": text, "start": text, "end": text,
	"location": text, "checkin": text, "visibility": text,
	"in-reply-to": addresses, "like-of": addresses, "repost-of": addresses, "bookmark-of": addresses,
	"follow-of": addresses, "listen-of": addresses, "watch-of": addresses, "read-of": addresses,
	"syndication": addresses, "category": words,
	"photo": media, "video": media, "audio": media,
	"published": moments, "post-status": drafts,
}

// order is the one in which a new file has them.
var order = []string{"name", "published", "summary", "post-status", "visibility", "category",
	"in-reply-to", "like-of", "repost-of", "bookmark-of", "follow-of", "listen-of", "watch-of", "read-of",
	"rsvp", "start", "end", "location", "checkin", "photo", "video", "audio", "syndication"}

var (
	text = codec{
		write: func(values []any) any { return scalar(only(values).Get("is")) },
		read: func(v any) []any {
			if s := plain(v); s != "" {
				return []any{s}
			}
			return nil
		},
	}
	words = codec{
		write: func(values []any) any { return list(only(values).Strings("is")) },
		read:  readList,
	}
	addresses = codec{
		write: func(values []any) any { return list(only(values).URLs("is")) },
		read:  readList,
	}
	moments = codec{ // what is written is the post's date, which always is one
		read: func(v any) []any {
			if t, ok := v.(time.Time); ok {
				return []any{t.Format(time.RFC3339)}
			}
			return text.read(v)
		},
	}
	drafts = codec{
		write: func(values []any) any {
			if only(values).Get("is") == "draft" {
				return true
			}
			return nil
		},
		read: func(v any) []any {
			if v == true || v == "true" {
				return []any{"draft"}
			}
			return nil
		},
	}
	media = codec{write: writeMedia, read: readMedia}
)

// only is an item that has nothing else.
func only(values []any) mf2.Item { return mf2.Item{Properties: map[string][]any{"is": values}} }

func scalar(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func list(all []string) any {
	if len(all) == 0 {
		return nil
	}
	out := make([]any, len(all))
	for i, s := range all {
		out[i] = s
	}
	return out
}

// plain is a scalar as text, however its author or the format has typed it.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case time.Time:
		if v.Equal(v.Truncate(24*time.Hour)) && v.Location() == time.UTC {
			return v.Format(time.DateOnly)
		}
		return v.Format(time.RFC3339)
	}
	return ""
}

// readList reads one word or address, or many.
func readList(v any) []any {
	all, ok := v.([]any)
	if !ok {
		all = []any{v}
	}
	var out []any
	for _, v := range all {
		if m, ok := v.(map[string]any); ok {
			v = m["url"]
		}
		if s := plain(v); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// writeMedia lists files with what they show: {url: …, alt: …}.
func writeMedia(values []any) any {
	var out []any
	for _, v := range values {
		u := only([]any{v}).URLs("is")
		if len(u) == 0 {
			continue
		}
		entry := map[string]any{"url": u[0]}
		if m, ok := v.(map[string]any); ok {
			if alt, ok := m["alt"].(string); ok {
				entry["alt"] = alt
			}
		}
		out = append(out, entry)
	}
	if out == nil {
		return nil
	}
	return out
}

func readMedia(v any) []any {
	all, ok := v.([]any)
	if !ok {
		all = []any{v}
	}
	var out []any
	for _, v := range all {
		m, ok := v.(map[string]any)
		if !ok {
			out = append(out, readList(v)...)
			continue
		}
		u := plain(m["url"])
		if u == "" {
			u = plain(m["src"])
		}
		if alt, ok := m["alt"].(string); ok && u != "" {
			out = append(out, map[string]any{"value": u, "alt": alt})
		} else if u != "" {
			out = append(out, u)
		}
	}
	return out
}

// pictureKeys are those that hold photos in sites that people have made: addresses,
// which themes would not know in another form.
var pictureKeys = []string{"images", "image", "heroImage"}

// codecAt is how a property lies at a key.
func codecAt(property string, key []string) codec {
	if property == "photo" && slices.Contains(pictureKeys, key[len(key)-1]) {
		return addresses
	}
	return fields[property]
}

// same tells whether two values are one, whichever of the formats they came from. An
// empty one is none.
func same(a, b any) bool { return canonical(a) == canonical(b) }

func canonical(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		if v == "" {
			return ""
		}
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "\x00" // equal to nothing that can be written
	}
	return string(b)
}

// cased is a property as a key of front matter.
func cased(property string, snake bool) string {
	parts := strings.Split(property, "-")
	if snake {
		return strings.Join(parts, "_")
	}
	for i, part := range parts[1:] {
		if part != "" {
			parts[i+1] = strings.ToUpper(part[:1]) + part[1:]
		}
	}
	return strings.Join(parts, "")
}
