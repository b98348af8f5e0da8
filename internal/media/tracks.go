package media

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
)

// tracksKept are the handlers of tracks that are seen or heard (14496-12, 8.4.3).
// In the others cameras write where they are, every second: as telemetry (meta,
// camm), and drones as subtitles (text, sbtl).
var tracksKept = map[string]bool{"vide": true, "soun": true, "pict": true, "auxv": true}

// track keeps a track that is seen or heard, and takes out any other with its data.
func (m *film) track(b box) error {
	handler, err := m.find(b, "mdia", "hdlr")
	if err != nil {
		return err
	}
	var name [4]byte
	if handler.len() < 12 {
		return malformed("a track of no kind")
	}
	if _, err := m.file.ReadAt(name[:], handler.body+8); err != nil {
		return err
	}
	if tracksKept[string(name[:])] {
		return m.clean("trak", b)
	}
	table, err := m.find(b, "mdia", "minf", "stbl")
	if err != nil {
		return err
	}
	if table.end != 0 {
		if err := m.blankSamples(table); err != nil {
			return err
		}
	}
	fragment, err := m.find(box{end: m.size}, "moof")
	if err != nil {
		return err
	}
	if fragment.end != 0 {
		return malformed("a film in fragments with a track that is not shown")
	}
	return m.free(b)
}

// table reads the numbers of a sample table one after the other.
type table struct {
	r    *bufio.Reader
	left int64 // entries that are not read
}

// open begins to read a table at the number of its entries, so many bytes into the box.
func (m *film) open(b box, at int64) (*table, error) {
	const buffer = 4 << 10
	t := &table{r: bufio.NewReaderSize(io.NewSectionReader(m.file, b.body+at, max(b.len()-at, 0)), buffer)}
	n, err := t.number(4)
	t.left = n
	return t, err
}

// number reads four or eight bytes.
func (t *table) number(size int) (int64, error) {
	b, err := t.r.Peek(size)
	if err != nil {
		return 0, malformed("a table that is too short")
	}
	n := int64(binary.BigEndian.Uint32(b))
	if size == 8 {
		n = int64(binary.BigEndian.Uint64(b))
	}
	_, err = t.r.Discard(size)
	return n, err
}

// blankSamples writes over all data of a track. Its chunks lie where stco or co64
// says, stsc tells how many samples there are in each, stsz how long they are
// (14496-12, 8.7).
func (m *film) blankSamples(stbl box) error {
	var boxes [4]box
	for i, name := range []string{"stco", "co64", "stsc", "stsz"} {
		var err error
		if boxes[i], err = m.find(stbl, name); err != nil {
			return err
		}
	}
	width := 4
	if boxes[0].end == 0 {
		boxes[0], width = boxes[1], 8
	}
	if boxes[0].end == 0 {
		return nil
	}
	places, err := m.open(boxes[0], 4)
	if err != nil || places.left == 0 {
		return err
	}
	counts, err := m.open(boxes[2], 4)
	if err != nil {
		return err
	}
	lengths, err := m.open(boxes[3], 8)
	if err != nil {
		return err
	}
	same, err := m.open(boxes[3], 4)
	if err != nil {
		return err
	}
	runs := &runs{counts: counts}
	samples := &samples{lengths: lengths, same: same.left, most: m.size}
	for chunk := int64(1); chunk <= places.left; chunk++ {
		at, err := places.number(width)
		if err != nil {
			return err
		}
		count, err := runs.in(chunk)
		if err != nil {
			return err
		}
		n, err := samples.length(count)
		if err != nil {
			return err
		}
		if err := m.blankIn(m.data, at, n); err != nil {
			return err
		}
	}
	return nil
}

// runs are the entries of stsc: from a chunk on there are so many samples in each,
// until the next entry.
type runs struct {
	counts          *table
	count           int64
	following, then int64 // the next entry, if it is read
}

// in returns how many samples a chunk has. Chunks are asked for in their order.
func (r *runs) in(chunk int64) (int64, error) {
	for r.following < chunk && r.counts.left > 0 {
		r.counts.left--
		var entry [3]int64
		for i := range entry {
			var err error
			if entry[i], err = r.counts.number(4); err != nil {
				return 0, err
			}
		}
		if r.following, r.then = entry[0], entry[1]; r.following < chunk {
			return 0, malformed("chunks out of order")
		}
	}
	if r.following == chunk {
		r.count = r.then
	}
	if r.count == 0 {
		return 0, malformed("a chunk of no samples")
	}
	return r.count, nil
}

// samples are the entries of stsz, or one length for all.
type samples struct {
	lengths *table
	same    int64
	most    int64 // bytes that there may be
}

// length returns how long the next samples are together.
func (s *samples) length(count int64) (n int64, err error) {
	count = min(count, s.lengths.left)
	s.lengths.left -= count
	if s.same != 0 {
		if count > s.most/s.same {
			return 0, malformed("samples that are too long")
		}
		return count * s.same, nil
	}
	for range count {
		one, err := s.lengths.number(4)
		if err != nil {
			return 0, err
		}
		if n += one; n > s.most {
			return 0, malformed("samples that are too long")
		}
	}
	return n, nil
}

// dashcams write where they are between picture and sound, where no track leads to: into
// boxes of free space that begin so.
var dashcams = []byte("freeGPS ")

// blankPlaces writes over what dashcams have put between the samples.
func (m *film) blankPlaces() error {
	window := make([]byte, bufferSize)
	for _, data := range m.data {
		for at := data.body; data.end-at >= int64(len(dashcams)); {
			b := window[:min(bufferSize, data.end-at)]
			if _, err := m.file.ReadAt(b, at); err != nil {
				return err
			}
			i := bytes.Index(b, dashcams)
			if i < 0 {
				at += int64(len(b) - len(dashcams) + 1) // its beginning may be at the end
				continue
			}
			end, err := m.blankPlace(data, at+int64(i))
			if err != nil {
				return err
			}
			at = end
		}
	}
	return nil
}

// blankPlace writes over the body of a box in data, by where its name is, and returns
// where it ends.
func (m *film) blankPlace(data box, name int64) (end int64, err error) {
	var size [4]byte
	if name-4 < data.body {
		return 0, malformed("a place without a length")
	}
	if _, err := m.file.ReadAt(size[:], name-4); err != nil {
		return 0, err
	}
	end = name - 4 + int64(binary.BigEndian.Uint32(size[:]))
	if end < name+int64(len(dashcams)) || end > data.end {
		return 0, malformed("a place that is longer than what it lies in")
	}
	return end, m.blank(name+4, end)
}
