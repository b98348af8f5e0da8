package media

import (
	"encoding/binary"
	"io"
	"strings"
)

// boxed are the types whose files are made of boxes (ISO/IEC 14496-12).
var boxed = map[string]bool{"image/avif": true, "video/mp4": true, "video/quicktime": true, "audio/mp4": true}

// boxesKept are the boxes that say how a film or a picture looks and sounds, by the
// box they lie in; each that has a line of its own is gone through too. All others
// become free space: udta and meta with titles, places, camera and phone, uuid with
// XMP, and what makers of cameras put into boxes of their own.
var boxesKept = map[string]string{
	"":     "ftyp styp moov mdat moof mfra sidx ssix pdin",
	"avif": "ftyp styp moov mdat moof mfra sidx ssix pdin meta",
	"moov": "mvhd trak mvex iods pssh ctab clip",
	"trak": "tkhd edts mdia tref tapt load clip matt",
	"tref": "auxl vdep sync hint hind dpnd thmb", // chapters and telemetry are gone
	"mdia": "mdhd hdlr minf elng",
	"minf": "vmhd smhd nmhd hmhd gmhd hdlr dinf stbl",
	"stbl": "stsd stts ctts cslg stsc stsz stz2 stco co64 stss stps stsh sdtp padb stdp sbgp sgpd subs saiz saio",
	"moof": "mfhd traf pssh",
	"traf": "tfhd tfdt trun sdtp sbgp sgpd subs saiz saio senc",
	"meta": "hdlr pitm iinf iloc iprp iref idat dinf grpl ipro",
	"iprp": "ipco ipma",
}

// maxBoxes is how many boxes of a file are looked at.
const maxBoxes = 100_000

type readWriterAt interface {
	io.ReaderAt
	io.WriterAt
}

// box is where a box lies in a file.
type box struct {
	name          string
	at, body, end int64
}

func (b box) len() int64 { return b.end - b.body }

// film is a file of boxes. What is taken out of it is written over, because every
// sample is named by its place in the file.
type film struct {
	file   readWriterAt
	size   int64
	facts  *facts
	still  bool // AVIF
	boxes  int
	data   []box // top-level mdat
	blanks int64 // bytes of samples that were written over
}

// cleanBoxes writes over what a film or an AVIF picture gives away besides what it
// shows. Of AVIF it finds the size.
func cleanBoxes(file readWriterAt, size int64, still bool, about *facts) error {
	m := &film{file: file, size: size, facts: about, still: still}
	root, films := "", 0
	if still {
		root = "avif"
	}
	err := m.each(box{end: size}, func(b box) error {
		switch b.name {
		case "mdat":
			m.data = append(m.data, b)
		case "moov":
			films++
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !still && films == 0 {
		return malformed("a film without a table of contents")
	}
	if err := m.clean(root, box{end: size}); err != nil {
		return err
	}
	if still && about.width == 0 {
		return malformed("an AVIF without a size")
	}
	return m.blankPlaces()
}

// clean goes through the boxes in a box, by the rules for its name.
func (m *film) clean(name string, in box) error {
	return m.each(in, func(b box) error {
		_, inside := boxesKept[b.name]
		switch {
		case !kept(name, b.name):
			return m.free(b)
		case b.name == "trak":
			return m.track(b)
		case b.name == "meta":
			return m.items(b)
		case b.name == "ipco":
			return m.properties(b)
		case b.name == "stbl" && m.still:
			return m.sequence(b)
		case inside:
			return m.clean(b.name, b)
		}
		return nil
	})
}

func kept(in, name string) bool {
	return len(name) == 4 && strings.Contains(" "+boxesKept[in]+" ", " "+name+" ")
}

// each calls do for every box in a box.
func (m *film) each(in box, do func(box) error) error {
	for at := in.body; at < in.end; {
		b, err := m.head(at, in)
		if err != nil {
			return err
		}
		if m.boxes++; m.boxes > maxBoxes {
			return malformed("too many boxes")
		}
		if err := do(b); err != nil {
			return err
		}
		at = b.end
	}
	return nil
}

// head reads the head of a box: four bytes of size, four of name, and if the size
// is 1 another eight. Size 0 reaches to the end of the file (14496-12, 4.2).
func (m *film) head(at int64, in box) (box, error) {
	var h [16]byte
	n := min(int64(len(h)), in.end-at)
	if n < 8 {
		return box{}, malformed("bytes between boxes")
	}
	if _, err := m.file.ReadAt(h[:n], at); err != nil {
		return box{}, err
	}
	b := box{name: string(h[4:8]), at: at, body: at + 8}
	size := int64(binary.BigEndian.Uint32(h[:]))
	switch {
	case size == 1 && n == 16:
		b.body += 8
		size = int64(binary.BigEndian.Uint64(h[8:]))
	case size == 0 && in.end == m.size:
		size = in.end - at
	}
	if size < b.body-at || size > in.end-at {
		return box{}, malformed("a box that is longer than what it lies in")
	}
	b.end = at + size
	return b, nil
}

// find returns the first box of a name; it has no end where there is none.
func (m *film) find(in box, names ...string) (found box, err error) {
	for _, name := range names {
		found = box{}
		err := m.each(in, func(b box) error {
			if found.end == 0 && b.name == name {
				found = b
			}
			return nil
		})
		if err != nil || found.end == 0 {
			return box{}, err
		}
		in = found
	}
	return found, nil
}

// read returns the body of a box, which must not be long.
func (m *film) read(b box, most int64) ([]byte, error) {
	if b.len() > most {
		return nil, malformed("a table that is too long")
	}
	body := make([]byte, b.len())
	_, err := io.ReadFull(io.NewSectionReader(m.file, b.body, b.len()), body)
	return body, err
}

// free makes a box free space, with nothing in it: some cameras write there too.
func (m *film) free(b box) error {
	if b.name != "skip" && b.name != "wide" {
		if _, err := m.file.WriteAt([]byte("free"), b.at+4); err != nil {
			return err
		}
	}
	return m.blank(b.body, b.end)
}

var zeros [8 << 10]byte

// blank writes zeros from one place to another.
func (m *film) blank(from, to int64) error {
	for from < to {
		n, err := m.file.WriteAt(zeros[:min(int64(len(zeros)), to-from)], from)
		if err != nil {
			return err
		}
		from += int64(n)
	}
	return nil
}

// blankIn writes zeros over a piece of the data of a box that holds it whole.
func (m *film) blankIn(holders []box, from, n int64) error {
	if m.blanks += n; n < 0 || m.blanks > m.size {
		return malformed("data that overlaps")
	}
	for _, b := range holders {
		if from >= b.body && from <= b.end && n <= b.end-from {
			return m.blank(from, from+n)
		}
	}
	return malformed("data that lies nowhere")
}
