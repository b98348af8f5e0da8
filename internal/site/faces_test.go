package site_test

import (
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
)

// T-WR16: networks move the pictures of their people every few days. That is no other text,
// and the owner is not asked about it; readers see the new picture all the same.
func TestAnotherPictureIsNoOtherText(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		w.site.Approve = site.ApproveAll
		post := w.create(entry("content", "hello"))
		pictures, bea := w.gallery("pictures.example"), w.host("bea.example")
		pictures.hang("/red.png", red)
		pictures.hang("/blue.png", blue)
		bea.says("/1", withPhoto("Bea", "https://pictures.example/red.png?expires=1", post, "hi"))
		id := w.receive("https://bea.example/1", post)
		w.decide(w.approve, id)
		pass(time.Minute)
		seen := []string{w.faces(post)[0]}
		for _, photo := range []string{"blue.png?expires=2", "red.png?expires=3", ""} {
			before, err := w.talk.Of(t.Context(), post)
			if err != nil {
				t.Fatal(err)
			}
			bea.says("/1", strings.Replace(withPhoto("Bea", "https://pictures.example/"+photo, post, "hi"), `<img class="u-photo" src="https://pictures.example/">`, "", 1))
			w.receive("https://bea.example/1", post)
			pass(time.Minute)
			if m := w.mention(id); m.State != store.Approved || m.Held != nil || m.Why != "" {
				t.Errorf("%s: %s (%s), held %+v", photo, m.State, m.Why, m.Held)
			}
			face := w.faces(post)[0]
			if face == seen[len(seen)-1] || (face == "") != (photo == "") {
				t.Errorf("%s: readers see %q after %q", photo, face, seen)
			}
			seen = append(seen, face)
			if after, err := w.talk.Of(t.Context(), post); err != nil || after.Revision == before.Revision {
				t.Errorf("%s: another face in the same revision of the page: %v", photo, err)
			}
		}
	})
}
