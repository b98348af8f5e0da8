package media

import (
	"bytes"
	"encoding/binary"
)

// orientation finds how a picture is shown in a block of EXIF: the tag 0x0112 in the
// first directory of a TIFF file (EXIF 2.32, 4.6.2). It is 0 where the block is
// broken or says nothing, which is no loss: nothing else of it is kept.
func orientation(exif []byte) int {
	exif = bytes.TrimPrefix(exif, []byte("Exif\x00\x00"))
	if len(exif) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(exif[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(exif[4:]))
	if at+2 > int64(len(exif)) {
		return 0
	}
	for entries := exif[at+2:]; len(entries) >= 12; entries = entries[12:] {
		const short = 3
		if order.Uint16(entries) != 0x0112 {
			continue
		}
		value := order.Uint16(entries[8:])
		if order.Uint16(entries[2:]) != short || order.Uint32(entries[4:]) != 1 || value < 1 || value > 8 {
			return 0
		}
		return int(value)
	}
	return 0
}

// turning is a block of EXIF that has one tag, the orientation.
func turning(o int) []byte {
	return []byte{
		'M', 'M', 0, '*', 0, 0, 0, 8, // big-endian, the directory at 8
		0, 1, // one tag
		0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, byte(o), 0, 0, // orientation, short, one
		0, 0, 0, 0, // no other directory
	}
}

// nothing is a block of EXIF that has no tag.
var nothing = []byte("MM\x00*\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00")
