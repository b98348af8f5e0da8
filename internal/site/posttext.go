package site

import (
	"encoding/base64"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tertulia/internal/sanitize"
	"tertulia/mf2"
	"tertulia/micropub"
)

// dateLayouts are the ways in which editors write published: with and without a
// colon in the offset, without seconds, without an offset, without a time.
var dateLayouts = []string{
	time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05-0700",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04-0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05",
	"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
}

var errNoDate = &micropub.Error{Code: micropub.InvalidRequest, Description: "published is not a date such as 2026-11-21T18:05:00+01:00"}

// touches tells whether an update is about a property.
func touches(u micropub.Update, property string) bool {
	return u.Replace[property] != nil || u.Add[property] != nil || u.Delete[property] != nil || slices.Contains(u.DeleteAll, property)
}

// postDate reads the published property: the zero time when there is none, an
// error the editor can show when it is no date. A time without an offset is local.
func postDate(item mf2.Item) (time.Time, error) {
	s := strings.TrimSpace(item.Get("published"))
	if s == "" {
		return time.Time{}, nil
	}
	t := parseDate(s, time.Local)
	if t.IsZero() {
		return time.Time{}, errNoDate
	}
	return t, nil
}

// parseDate is the zero time for what is no date, and for one that could not be
// written again: beyond the years 1 to 9999, or a whole day from UTC (HOSTILE 77).
func parseDate(s string, local *time.Location) time.Time {
	for _, layout := range dateLayouts {
		t, err := time.ParseInLocation(layout, s, local)
		if err != nil {
			continue
		}
		if year := t.UTC().Year(); year < 1 || year > 9999 {
			return time.Time{}
		}
		if _, err := t.MarshalText(); err != nil {
			return time.Time{}
		}
		return t
	}
	return time.Time{}
}

// postHTML is a post's content made safe for a page (SPECS D11): marked-up
// content is sanitised, a string that is evidently HTML as well, any other string
// is text. The owner's pictures stay.
func postHTML(item mf2.Item, permalink string) string {
	base, err := url.Parse(permalink)
	if err != nil {
		return ""
	}
	if html, ok := item.HTML("content"); ok {
		return ownWords.HTML(html, base)
	}
	text := item.Get("content")
	if text == "" {
		text = item.Get("summary")
	}
	if sanitize.LooksHTML(text) {
		return ownWords.HTML(text, base)
	}
	return sanitize.FromPlain(text)
}

// ownWords keep their pictures, and may be long.
var ownWords = sanitize.Options{Images: true, Own: true, MaxBytes: 1 << 20}

func firstString(values []any) string {
	for _, v := range values {
		if s, ok := v.(string); ok {
			return s
		}
	}
	return ""
}

// hasFile tells whether we serve a page at a folded path.
func (s *Site) hasFile(folded string) bool {
	name, ok := s.File(folded)
	return ok && isPage(name)
}

// taken tells whether something lies already where the page of a folded path would be
// written: what the owner has made is not written over.
func (s *Site) taken(folded string) bool {
	name, ok := fileIn(s.Dir, folded)
	return ok && isPage(name) || s.hasFile(folded)
}

// isPage tells whether a file, or the index.html of a directory, is there.
func isPage(name string) bool {
	info, err := os.Stat(name)
	if err != nil {
		return false
	}
	if info.IsDir() {
		_, err = os.Stat(filepath.Join(name, "index.html"))
	}
	return err == nil
}

// A cursor of the store holds bytes that are no text.
func encodeCursor(c string) string { return base64.RawURLEncoding.EncodeToString([]byte(c)) }

func decodeCursor(c string) string {
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err != nil {
		return ""
	}
	return string(b)
}
