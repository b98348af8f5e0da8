package media_test

import (
	"errors"
	"fmt"
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

func TestLookAtSeesUpright(t *testing.T) {
	dir := t.TempDir()
	for o := uint16(1); o <= 8; o++ {
		want := media.Look{Width: 90, Height: 60, Whole: true}
		if o >= 5 {
			want = media.Look{Width: 60, Height: 90, Whole: true}
		}
		for kind, b := range map[string]string{"jpeg": cameraJPEG(t, 90, 60, o), "png": cameraPNG(t, 90, 60, 255, o), "webp": cameraWebP(90, 60, o)} {
			if got, err := media.LookAt(dir, keep(t, dir, b)); err != nil || got != want {
				t.Errorf("%s turned %d: got %v, %v, want %v", kind, o, got, err, want)
			}
		}
	}
	for name, want := range map[string]error{
		keep(t, dir, ftyp("avifmif1")+sizes(ispe(9, 9))): media.ErrType, "../x.jpg": media.ErrType, strings.Repeat("a", 26) + ".jpg": fs.ErrNotExist,
	} {
		if _, err := media.LookAt(dir, name); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
}

// Copies are offered of what Resize can make smaller, and of nothing else.
func TestLookAtKnowsWhatIsShownWhole(t *testing.T) {
	dir := t.TempDir()
	for name, test := range map[string]struct {
		bytes string
		whole bool
	}{
		"photo":                    {flatJPEG(sof0, 4000, 3000, 0x22, 0x11, 0x11), false},
		"photo of a telephone":     {flatJPEG(sof0, 8192, 6144, 0x22, 0x11, 0x11), false},
		"such a photo turned":      {turnedJPEG(flatJPEG(sof0, 8192, 6144, 0x22, 0x11, 0x11), 6), false},
		"larger":                   {flatJPEG(sof0, 10_000, 10_000, 0x22, 0x11, 0x11), true},
		"progressive":              {flatJPEG(sof2, 4000, 3000, 0x22, 0x11, 0x11), false},
		"progressive and finer":    {flatJPEG(sof2, 4000, 3000, 0x11, 0x11, 0x11), true},
		"grey":                     {flatJPEG(sof0, 9000, 9000, 0x22), false},
		"inks":                     {flatJPEG(sof0, 3000, 3000, 0x11, 0x11, 0x11, 0x11), false},
		"too many inks":            {flatJPEG(sof0, 6000, 4000, 0x11, 0x11, 0x11, 0x11), true},
		"long":                     {flatJPEG(sof0, 1700, 30_000, 0x22, 0x11, 0x11), true},
		"narrow":                   {flatJPEG(sof0, 480, 3000, 0x11), true},
		"png":                      {pngOf(5000, 4000, 8, 6, 0, ""), false},
		"large png":                {pngOf(6000, 4500, 8, 6, 0, ""), true},
		"png of a palette":         {pngOf(6000, 4500, 8, 3, 0, ""), false},
		"deep png":                 {pngOf(4000, 3500, 16, 6, 0, ""), true},
		"interlaced png":           {pngOf(4000, 3500, 8, 6, 1, ""), true},
		"png that moves":           {blankAPNG(1000, 1000), true},
		"webp without losses":      {webpFile(vp8x(0, 3000, 3000), vp8l(3000, 3000)), false},
		"large and without losses": {webpFile(vp8x(0, 5000, 3000), vp8l(5000, 3000)), true},
		"webp that moves":          {webpFile(vp8x(2, 999, 999), anmf(999, 999)), true},
		"gif":                      {movingGIF(t, ""), true},
	} {
		file := keep(t, dir, test.bytes)
		got, err := media.LookAt(dir, file)
		if err != nil || got.Whole != test.whole {
			t.Errorf("%s: got %+v, %v, want whole %t", name, got, err, test.whole)
		}
		if err := media.Remove(dir, file); err != nil {
			t.Error(err)
		}
	}
}
