package site_test

import (
	"bytes"
	"image"
	"image/color/palette"
	"image/gif"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/micropub"
	"tertulia/store"
)

// Pictures are made as small as a network wants them. One that cannot be, since it moves, or that
// has gone, stays at home: the copy does not wait for it (TRAPS T-PO02).
func TestACopyGoesWithoutAPictureThatCannotBeHad(t *testing.T) {
	n := newNetwork(syndicate.Look)
	inDarkroom(t, func(t *testing.T, w *darkroom) {
		frame := image.NewPaletted(image.Rect(0, 0, 2100, 2), palette.WebSafe)
		var moves bytes.Buffer
		must(t, gif.EncodeAll(&moves, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}))
		large, film, lost := w.upload(photo(t, 2100, 20)), w.upload(moves.Bytes()), w.upload(photo(t, 30, 20))
		must(t, os.Remove(filepath.Join(w.up.Dir, path.Base(lost))))
		var photos []any
		for what, address := range map[string]string{"large": large, "film": film, "lost": lost} {
			photos = append(photos, map[string]any{"value": address, "alt": what})
		}
		item := entry("content", "Hola")
		item.Properties["photo"] = photos
		made, err := w.posts.Create(t.Context(), editor, micropub.Create{Item: item, Digest: newDigest(), Commands: map[string][]any{"mp-syndicate-to": {net}}})
		must(t, err)
		pass(time.Minute)
		w.wantCopy("at once", made.URL, net, store.CopyPublished, n, "Hola")
		if got := strings.Join(n.there()[0].photos, " "); got != "large" {
			t.Errorf("the copy has the pictures %q, want large", got)
		}
	}, n.on(net))
}
