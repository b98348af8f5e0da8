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
// more than the picture. This one needs a few rows, and makes no others.
func (p *picture) scale(img image.Image, width int) *image.RGBA {
	w, h := p.sizeOf(width)
	columns, rows := weigh(p.width, w), weigh(p.height, h)
	source := image.NewRGBA(image.Rect(0, 0, p.width, 1))
	band := make(map[int][]float32) // rows of the picture, as wide as the copy
	var idle [][]float32            // those that were in it
	size := image.Rect(0, 0, w, h)
	if p.turned() {
		size = image.Rect(0, 0, h, w)
	}
	small := image.NewRGBA(size)
	sum, pixels := make([]float32, 4*w), make([]byte, 4*w)
	for y, row := range rows {
		for above := range band {
			if above < row.first {
				idle = append(idle, band[above])
				delete(band, above)
			}
		}
		clear(sum)
		for i, weight := range row.weights {
			if band[row.first+i] == nil {
				if len(idle) == 0 {
					idle = append(idle, make([]float32, 4*w))
				}
				last := len(idle) - 1
				band[row.first+i], idle = idle[last], idle[:last]
				narrow(band[row.first+i], img, source, row.first+i, columns)
			}
			for x, v := range band[row.first+i] {
				sum[x] += v * weight
			}
		}
		store(pixels, sum)
		upright(small, pixels, y, p.orientation)
	}
	return small
}

// sizeOf is the size of a copy that is so wide when it stands upright, before it does.
func (p *picture) sizeOf(width int) (w, h int) {
	if p.turned() {
		return max(1, (p.width*width+p.height/2)/p.height), width
	}
	return width, max(1, (p.height*width+p.width/2)/p.width)
}

// narrow scales one row of a picture.
func narrow(row []float32, img image.Image, source *image.RGBA, y int, columns []taps) {
	draw.Draw(source, source.Rect, img, image.Pt(0, y), draw.Src)
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

// upright puts the row y of a picture where EXIF says: from 2 to 4 the picture is
// mirrored, on its head, or both; from 5 to 8 it lies on its side as well.
func upright(to *image.RGBA, row []byte, y, orientation int) {
	right, bottom := to.Rect.Dx()-1, to.Rect.Dy()-1
	for x := range len(row) / 4 {
		at := image.Point{x, y}
		switch orientation {
		case 2:
			at = image.Point{right - x, y}
		case 3:
			at = image.Point{right - x, bottom - y}
		case 4:
			at = image.Point{x, bottom - y}
		case 5:
			at = image.Point{y, x}
		case 6:
			at = image.Point{right - y, x}
		case 7:
			at = image.Point{right - y, bottom - x}
		case 8:
			at = image.Point{y, bottom - x}
		}
		copy(to.Pix[to.PixOffset(at.X, at.Y):], row[4*x:4*x+4])
	}
}
