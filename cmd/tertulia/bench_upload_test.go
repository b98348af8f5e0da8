package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"sync"
	"testing"
	"time"
)

// uploads: what ten uploads of 50 MB that run at once add to what the idle program has for
// itself, until the last is answered. All ten are of one kind, and what the worst kind
// adds counts; each meets a program that has just started. What it takes afterwards to
// make smaller copies of the photos is told apart.
func (r *rig) uploads(b *testing.B) {
	const files, size = 10, 50_000_000
	m := r.serveApart(b, filled(b, 1, 0))
	worst, later := 0.0, 0.0
	for name, data := range map[string][]byte{"film": film(size), "photo": photo(b, size)} {
		m.start()
		token := m.must("token", "new", "--scope", "media")
		m.settle()
		idle, done, over := m.memory("RssAnon"), make(chan struct{}), make(chan struct{})
		peak, all := m.watch("RssAnon", done), m.watch("RssAnon", over)
		begin := time.Now()
		var wg sync.WaitGroup
		for range files {
			wg.Go(func() { upload(b, m.at("media"), token, data) })
		}
		wg.Wait()
		took := time.Since(begin)
		close(done)
		m.settle()
		close(over)
		added, after := <-peak-idle, <-all-idle
		m.stop()
		b.Logf("%.0f MiB, later %.0f, by ten of %s of %d bytes in %s", added, after, name, len(data), took.Round(time.Millisecond))
		worst, later = max(worst, added), max(later, after)
	}
	b.ReportMetric(worst, "MiB≤64")
	b.ReportMetric(later, "MiB-later")
}

// upload sends a file as editors do.
func upload(b *testing.B, endpoint, token string, data []byte) {
	b.Helper()
	var around bytes.Buffer
	form := multipart.NewWriter(&around)
	_, _ = form.CreateFormFile("file", "file") // a Buffer takes everything
	head := around.Len()
	_ = form.Close()
	body := io.MultiReader(bytes.NewReader(around.Bytes()[:head]), bytes.NewReader(data), bytes.NewReader(around.Bytes()[head:]))
	req, err := http.NewRequest("POST", endpoint, body)
	if err != nil {
		b.Error(err)
		return
	}
	req.ContentLength = int64(around.Len() + len(data))
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		said, _ := io.ReadAll(resp.Body)
		b.Errorf("upload: got %s: %s", resp.Status, said)
	}
}

// film is an MP4 of about so many bytes: a place for what is shown, and no tracks.
func film(size int) []byte {
	box := func(name string, data []byte) []byte {
		return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(data))), append([]byte(name), data...)...)
	}
	return append(append(box("ftyp", []byte("isom\x00\x00\x02\x00isomiso2")), box("mdat", noise(size))...), box("moov", box("mvhd", make([]byte, 100)))...)
}

// photo is a picture of noise, which no JPEG makes small, of about so many bytes.
func photo(b *testing.B, size int) []byte {
	b.Helper()
	const perPixel = 1.75
	side := 1
	for float64(side*side)*perPixel < float64(size) {
		side += 16
	}
	picture := image.NewYCbCr(image.Rect(0, 0, side, side), image.YCbCrSubsampleRatio420)
	for _, plane := range [][]byte{picture.Y, picture.Cb, picture.Cr} {
		copy(plane, noise(len(plane)))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: 98}); err != nil {
		b.Fatal(err)
	}
	if n := out.Len(); n < size*9/10 || n > 64<<20 {
		b.Fatalf("the photo has %d bytes", n)
	}
	return out.Bytes()
}

func noise(size int) []byte {
	data, source := make([]byte, size), rand.NewChaCha8([32]byte{})
	_, _ = source.Read(data) // it never fails
	return data
}
