package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// itemsKept are the types of items that make a picture (ISO/IEC 23008-12, AVIF 1.1).
// The others are EXIF, XMP (mime) and whatever a link (uri) stands for.
var itemsKept = map[string]bool{"av01": true, "grid": true, "iovl": true, "iden": true, "tmap": true, "sato": true}

// maxTable is how long a table of items may be.
const maxTable = 128 << 10

// items keeps the items of a meta box that make the picture and writes over the
// bytes of the others. How the picture is turned is a property (irot, imir), and
// EXIF has no say in it.
func (m *film) items(meta box) error {
	meta.body += 4 // version and flags
	infos, err := m.find(meta, "iinf")
	if err != nil {
		return err
	}
	places, err := m.find(meta, "iloc")
	if err != nil {
		return err
	}
	inside, err := m.find(meta, "idat")
	if err != nil {
		return err
	}
	if err := m.clean("meta", meta); err != nil || infos.end == 0 {
		return err
	}
	drop, err := m.itemsToDrop(infos)
	if err != nil || len(drop) == 0 {
		return err
	}
	table, err := m.read(places, maxTable)
	if err != nil {
		return err
	}
	return (&locations{fields: fields{b: table}}).each(func(l location) error {
		kind, found := drop[l.item]
		if !found {
			return nil
		}
		holders := m.data
		switch {
		case l.method == 1:
			holders, l.at = []box{inside}, l.at+inside.body
		case l.method != 0 || l.length == 0:
			return malformed("an item that lies nowhere")
		}
		if err := m.blankIn(holders, l.at, l.length); err != nil {
			return err
		}
		if empty := append([]byte{0, 0, 0, 0}, nothing...); kind == "Exif" && l.length >= int64(len(empty)) {
			_, err = m.file.WriteAt(empty, l.at)
		}
		return err
	})
}

// itemsToDrop reads which items there are, and returns the types of those that make
// no picture by their numbers.
func (m *film) itemsToDrop(iinf box) (map[uint64]string, error) {
	body, err := m.read(iinf, maxTable)
	if err != nil {
		return nil, err
	}
	head := 6
	if len(body) > 0 && body[0] > 0 {
		head = 8
	}
	if len(body) < head {
		return nil, malformed("a list of items that is too short")
	}
	drop := map[uint64]string{}
	err = m.each(box{body: iinf.body + int64(head), end: iinf.end}, func(b box) error {
		f := fields{b: body[b.body-iinf.body : b.end-iinf.body]}
		version := f.number(1)
		f.number(3)
		if b.name != "infe" || version < 2 {
			return malformed("an item of no type")
		}
		size := 2
		if version > 2 {
			size = 4
		}
		item := f.number(size)
		f.number(2)
		kind := string(f.take(4))
		if f.short {
			return malformed("an item that is too short")
		}
		if !itemsKept[kind] {
			drop[item] = kind
		}
		return nil
	})
	return drop, err
}

// properties looks at what is said of the items: how large they are is checked, how
// somebody describes them (udes) goes.
func (m *film) properties(ipco box) error {
	return m.each(ipco, func(b box) error {
		switch b.name {
		case "udes", "uuid":
			return m.free(b)
		case "ispe":
			body, err := m.read(b, 64)
			if err != nil {
				return err
			}
			f := fields{b: body}
			f.number(4)
			width, height := int(f.number(4)), int(f.number(4))
			if err := check(width, height); err != nil {
				return err
			}
			if width*height > m.facts.width*m.facts.height {
				m.facts.width, m.facts.height = width, height
			}
		}
		return nil
	})
}

// sequence counts the frames of a picture that moves: the samples of a track times
// the size that its first description gives.
func (m *film) sequence(stbl box) error {
	description, err := m.find(stbl, "stsd")
	if err != nil {
		return err
	}
	lengths, err := m.find(stbl, "stsz")
	if err != nil {
		return err
	}
	if lengths.end != 0 && description.len() >= 44 {
		var size [4]byte
		if _, err := m.file.ReadAt(size[:], description.body+40); err != nil {
			return err
		}
		width, height := int64(binary.BigEndian.Uint16(size[:])), int64(binary.BigEndian.Uint16(size[2:]))
		samples, err := m.open(lengths, 8)
		if err != nil {
			return err
		}
		if m.facts.moving += samples.left * width * height; m.facts.moving > maxMoving {
			return fmt.Errorf("%w: too many frames", ErrTooLarge)
		}
	}
	return m.clean("stbl", stbl)
}

// location is a piece of an item.
type location struct {
	item, method uint64
	at, length   int64
}

// locations reads an iloc box (14496-12, 8.11.3).
type locations struct{ fields }

func (f *locations) each(do func(location) error) error {
	version := f.number(1)
	f.number(3)
	sizes := f.number(2)
	offset, length, base, index := int(sizes>>12), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	wide := 2
	if version > 1 {
		wide = 4
	}
	if version == 0 {
		index = 0
	}
	for range f.number(wide) {
		l := location{item: f.number(wide)}
		if version > 0 {
			l.method = f.number(2) & 15
		}
		f.number(2) // which file; 0 is this one
		start := f.number(base)
		for range f.number(2) {
			f.number(index)
			l.at, l.length = int64(start+f.number(offset)), int64(f.number(length))
			if f.short || version > 2 {
				return malformed("a list of places that cannot be read")
			}
			if err := do(l); err != nil {
				return err
			}
		}
		if f.short {
			return malformed("a list of places that cannot be read")
		}
	}
	return nil
}

// fields reads numbers from bytes.
type fields struct {
	b     []byte
	short bool // more was asked for than there is
}

func (f *fields) take(n int) []byte {
	if n > len(f.b) {
		f.b, f.short = nil, true
		return bytes.Repeat([]byte{0}, n)
	}
	taken := f.b[:n]
	f.b = f.b[n:]
	return taken
}

// number reads a number of up to eight bytes; one of none is zero.
func (f *fields) number(size int) (n uint64) {
	for _, c := range f.take(size) {
		n = n<<8 | uint64(c)
	}
	return n
}
