package media

import (
	"image"
	"image/draw"
	"math"

	xdraw "golang.org/x/image/draw"
)

// scale makes a copy that is so wide when it stands upright.
//
// It is a Catmull-Rom filter as that of x/image/draw, row by row: that one needs 32
// bytes for every row of the picture times the width of the copy at once, which is
// more than the picture. This one needs a few rows.
func (p *picture) scale(img image.Image, width int) *image.RGBA {
	w, h := width, max(1, (p.height*width+p.width/2)/p.width)
	if p.turned() {
		w, h = max(1, (p.width*width+p.height/2)/p.height), width
	}
	columns, rows := weigh(p.width, w), weigh(p.height, h)
	source := image.NewRGBA(image.Rect(0, 0, p.width, 1))
	band := make(map[int][]float32) // rows of the picture, as wide as the copy
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	sum := make([]float32, 4*w)
	for y, row := range rows {
		for above := range band {
			if above < row.first {
				delete(band, above)
			}
		}
		clear(sum)
		for i, weight := range row.weights {
			if band[row.first+i] == nil {
				band[row.first+i] = narrow(img, source, row.first+i, columns)
			}
			for x, v := range band[row.first+i] {
				sum[x] += v * weight
			}
		}
		store(small.Pix[y*small.Stride:], sum)
	}
	return upright(small, p.orientation)
}

// narrow scales one row of a picture.
func narrow(img image.Image, source *image.RGBA, y int, columns []taps) []float32 {
	draw.Draw(source, source.Rect, img, image.Pt(0, y), draw.Src)
	row := make([]float32, 4*len(columns))
	for x, column := range columns {
		var r, g, b, a float32
		pixels := source.Pix[4*column.first:]
		for i, weight := range column.weights {
			px := pixels[4*i : 4*i+4 : 4*i+4]
			r += weight * float32(px[0])
			g += weight * float32(px[1])
			b += weight * float32(px[2])
			a += weight * float32(px[3])
		}
		row[4*x], row[4*x+1], row[4*x+2], row[4*x+3] = r, g, b, a
	}
	return row
}

// store rounds colours to bytes; no colour is stronger than its pixel is opaque.
func store(pix []byte, colours []float32) {
	for i := 0; i < len(colours); i += 4 {
		alpha := min(max(colours[i+3]+0.5, 0), 255)
		for j := range 3 {
			pix[i+j] = byte(min(max(colours[i+j]+0.5, 0), alpha))
		}
		pix[i+3] = byte(alpha)
	}
}

// taps are the pixels that one pixel of a copy is made of, and how much of each.
type taps struct {
	first   int
	weights []float32 // their sum is 1
}

// weigh computes the taps for every one of n pixels that are made of more.
func weigh(from, n int) []taps {
	kernel := xdraw.CatmullRom
	scale := float64(from) / float64(n)
	all := make([]taps, n)
	for i := range all {
		centre := (float64(i)+0.5)*scale - 0.5
		first := max(0, int(math.Ceil(centre-kernel.Support*scale)))
		last := min(from-1, int(math.Floor(centre+kernel.Support*scale)))
		weights, sum := make([]float32, last-first+1), 0.0
		for j := range weights {
			weight := 0.0
			if t := math.Abs(float64(first+j)-centre) / scale; t < kernel.Support {
				weight = kernel.At(t)
			}
			weights[j] = float32(weight)
			sum += weight
		}
		for j := range weights {
			weights[j] /= float32(sum)
		}
		all[i] = taps{first, weights}
	}
	return all
}

// upright turns a picture as EXIF says: from 2 to 4 it is mirrored, on its head, or
// both; from 5 to 8 it lies on its side as well.
func upright(img *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	turned := image.NewRGBA(img.Rect)
	if orientation >= 5 {
		turned = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			left, top, right, bottom := x, y, w-1-x, h-1-y
			to := [...]image.Point{2: {right, top}, 3: {right, bottom}, 4: {left, bottom},
				5: {top, left}, 6: {bottom, left}, 7: {bottom, right}, 8: {top, right}}[orientation]
			copy(turned.Pix[turned.PixOffset(to.X, to.Y):], img.Pix[img.PixOffset(x, y):][:4])
		}
	}
	return turned
}
