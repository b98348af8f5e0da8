package site_test

import (
	"strings"
	"testing"
	"time"

	"tertulia/micropub"
	"tertulia/store"
)

// SPECS MX-3: a post with a date that is still to come is kept, shown to nobody, and
// published when its time has come, once, also after a restart and when its date was moved.
func TestScheduledPostsWaitForTheirDate(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		date := func(wait time.Duration) string { return time.Now().Add(wait).UTC().Format(time.RFC3339) }
		soon, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "soon", "published", date(30*time.Second)), Digest: newDigest()})
		if err != nil || soon.Pending {
			t.Errorf("an editor's clock that is fast: got %+v, %v, want the post published at once", soon, err)
		}
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: entry("content", "the party is over", "published", date(100*time.Hour)), Digest: newDigest()})
		if err != nil || !made.Pending {
			t.Fatalf("got %+v, %v, want it to be pending", made, err)
		}
		moved := w.create(entry("content", "moved up", "published", date(300*time.Hour)))
		off := w.create(entry("content", "put off", "published", date(50*time.Hour)))
		gone := w.create(entry("content", "taken back", "published", date(50*time.Hour)))
		w.update(moved, micropub.Update{Replace: map[string][]any{"published": {date(60 * time.Hour)}}})
		w.update(off, micropub.Update{Replace: map[string][]any{"published": {date(200 * time.Hour)}}})
		if err := w.posts.Delete(t.Context(), editor, gone); err != nil {
			t.Error(err)
		}
		pass(99 * time.Hour)
		w.wantPage("before its date", made.URL, 404, "the party is over")
		w.wantPage("after the new date", moved, 200, "moved up")
		w.wantPage("put off", off, 404, "put off")
		w.wantPage("taken back", gone, 404, "taken back")
		if p := w.post(made.URL); p.Visible() || p.Promised || p.Published != 0 {
			t.Errorf("got %+v, want nothing of it outside the store", p)
		}
		w.restart()
		pass(2 * time.Hour)
		w.wantPage("after its date", made.URL, 200, "the party is over")
		if p := w.post(made.URL); p.Announced != p.Revision || p.Revision != 2 || strings.Count(stages(p), "published") != 1 {
			t.Errorf("got %+v, want it published once", p)
		}
		pass(150 * time.Hour)
		w.wantPage("after the later date", off, 200, "put off")
		w.wantPage("taken back", gone, 404, "taken back")
		// What readers know does not vanish because its date is moved.
		w.update(made.URL, micropub.Update{Replace: map[string][]any{"published": {date(time.Hour)}}})
		pass(time.Minute)
		w.wantPage("with a date to come", made.URL, 200, "the party is over")
	})
}

// stages are those that a post went through, in order.
func stages(p store.Post) string {
	var all []string
	for _, e := range p.History {
		all = append(all, e.Stage)
	}
	return strings.Join(all, " ")
}
