package syndicate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
)

// T-PO02: alt text is kept, pictures beyond the limit are at home.
func TestMastodonUploadsPicturesAndWaitsForThem(t *testing.T) {
	for name, m := range map[string]*faketest.Mastodon{"v2": {Processing: 3}, "v1": {OldMedia: true}} {
		t.Run(name, func(t *testing.T) {
			onMastodon(t, m, func(t *testing.T, s *server) {
				var asked []int64
				p := post(entry("content", "Pan", "photo", "/a.jpg"))
				for i := range 6 {
					p.Photos = append(p.Photos, picture(fmt.Sprintf("Una barra de pan, número %d %s", i, strings.Repeat("ñ ", 1500*(i%2))), &asked))
				}
				ref := publish(t, s, p)
				got := s.Statuses()[0]
				if len(got.Media) != 4 || got.Media[0].Description != "Una barra de pan, número 0 " || string(got.Media[2].Bytes) != "\xff\xd8\xffUna barra de pan, número 2 " {
					t.Errorf("got %+v", got.Media)
				}
				if n := len([]rune(got.Media[1].Description)); n > 1500 || n < 1490 {
					t.Errorf("a description of %d characters", n)
				}
				if asked[0] != 16<<20 || asked[1] != 5760 {
					t.Errorf("asked for pictures of %d bytes and %d pixels", asked[0], asked[1])
				}
				first := got.Media[0].ID
				p.Photos[0].Alt = "Otra descripción"
				ref, err := s.Update(t.Context(), ref, p)
				if got := s.Statuses()[0]; err != nil || got.Media[0].ID != first || got.Media[0].Description != "Otra descripción" || len(asked) != 8 {
					t.Errorf("an edit of the text: %v, %+v, %d pictures read", err, got.Media[0], len(asked)/2)
				}
				p.Photos, p.Item = p.Photos[:1], entry("content", "Pan", "photo", "/b.jpg")
				_, err = s.Update(t.Context(), ref, p)
				if got := s.Statuses()[0]; err != nil || len(got.Media) != 1 || got.Media[0].ID == first {
					t.Errorf("another picture: %v, %+v", err, got.Media)
				}
			})
		})
	}
}

func TestMastodonGivesUpOnAPictureThatIsNeverDone(t *testing.T) {
	onMastodon(t, &faketest.Mastodon{Processing: 1000}, func(t *testing.T, s *server) {
		var asked []int64
		p := note("Pan")
		p.Photos = []syndicate.Photo{picture("pan", &asked)}
		_, err := s.Publish(t.Context(), p)
		var told *syndicate.Error
		if !errors.As(err, &told) || told.Unclear || told.Refused || told.After == 0 || len(s.Statuses()) != 0 {
			t.Errorf("got %v", err)
		}
	})
}
