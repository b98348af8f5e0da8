package site_test

import (
	"fmt"
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

// What was kept out of sight has a face once it is seen, whatever has brought it there.
func TestFacesComeWithWhatIsSeenLater(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		w.site.Approve = site.ApprovePeople
		pictures := w.gallery("pictures.example")
		pictures.hang("/red.png", red)
		says := func(host, post, more string) (id string) {
			photo := "https://pictures.example/red.png?of=" + host
			w.host(host).says("/1", withPhoto("Bea", photo, post, more))
			return w.receive("https://"+host+"/1", post)
		}
		farm := "hi"
		for i := range 40 {
			farm += fmt.Sprintf(`<a href="https://farm%d.example/">x</a>`, i)
		}
		for name, tt := range map[string]struct {
			text string
			away store.Trust // of its host, when it comes
		}{
			"quarantined": {text: farm},
			"muted":       {text: "hi", away: store.Muted},
			"blocked":     {text: "hi", away: store.Blocked},
		} {
			post, host := w.create(entry("content", "hello")), name+".example"
			if tt.away != "" {
				w.entrust("host:"+host, tt.away)
			}
			before := pictures.visits()
			id := says(host, post, tt.text)
			if pictures.visits() != before {
				t.Errorf("%s: the picture of somebody whom nobody sees was fetched", name)
			}
			if tt.away != "" {
				w.entrust("host:"+host, store.Unknown)
			}
			w.decide(w.approve, id)
			pass(time.Minute)
			if faces := w.faces(post); len(faces) != 1 || faces[0] == "" {
				t.Errorf("%s, then seen: faces %q", name, faces)
			}
		}
	})
}
