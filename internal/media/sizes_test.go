package media_test

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/media"
)

func TestSmallerNamesWhatAPageCanOffer(t *testing.T) {
	stem := strings.Repeat("a", 26)
	for _, test := range []struct {
		name  string
		width int
		want  []int
	}{
		{stem + ".jpg", 4000, []int{480, 960, 1600}}, {stem + ".png", 1600, []int{480, 960}}, {stem + ".webp", 961, []int{480, 960}},
		{stem + ".jpg", 481, []int{480}}, {stem + ".jpg", 480, nil}, {stem + ".jpg", 0, nil}, {stem + ".jpg", -1, nil},
		{stem + ".gif", 4000, nil}, {stem + ".avif", 4000, nil}, {stem + ".mp4", 4000, nil},
		{stem + "-480.jpg", 4000, nil}, {"../" + stem + ".jpg", 4000, nil}, {"", 4000, nil},
	} {
		var got []int
		for _, v := range media.Smaller(test.name, test.width) {
			got = append(got, v.Width)
			if want := strings.Replace(test.name, ".", fmt.Sprintf("-%d.", v.Width), 1); v.Name != want {
				t.Errorf("got %s, want %s", v.Name, want)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s, %d wide (-want +got):\n%s", test.name, test.width, diff)
		}
	}
}

func TestShownIsUpright(t *testing.T) {
	dir := t.TempDir()
	for o := uint16(1); o <= 8; o++ {
		want := image.Pt(90, 60)
		if o >= 5 {
			want = image.Pt(60, 90)
		}
		for kind, b := range map[string]string{"jpeg": cameraJPEG(t, 90, 60, o), "png": cameraPNG(t, 90, 60, 255, o), "webp": cameraWebP(90, 60, o)} {
			w, h, err := media.Shown(dir, keep(t, dir, b))
			if got := image.Pt(w, h); err != nil || got != want {
				t.Errorf("%s turned %d: got %v, %v, want %v", kind, o, got, err, want)
			}
		}
	}
	for name, want := range map[string]error{
		keep(t, dir, ftyp("avifmif1")+sizes(ispe(9, 9))): media.ErrType, "../x.jpg": media.ErrType, strings.Repeat("a", 26) + ".jpg": fs.ErrNotExist,
	} {
		if _, _, err := media.Shown(dir, name); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
}
