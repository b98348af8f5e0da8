package store

import (
	"encoding/binary"
	"strings"
	"time"
)

// The keys. Parts are joined by a zero byte; a time is eight bytes, big-endian
// microseconds since 1970 with the sign bit turned, so that the order of the keys is
// the order of time; a number is eight bytes, big-endian.
//
//	site · table · key…        everything that belongs to a site
//	"" · meta · name           the schema
//	"" · jobs… · key…          the jobs of all sites, so that one claim sees them all
//
// Each table is named where it is declared: the record tables by a table value, the
// indexes by an index value beside it.

func key(site, table string, parts ...string) []byte {
	n := len(site) + len(table) + 1
	for _, p := range parts {
		n += len(p) + 1
	}
	k := make([]byte, 0, n)
	k = append(k, site...)
	k = append(k, 0)
	k = append(k, table...)
	for _, p := range parts {
		k = append(k, 0)
		k = append(k, p...)
	}
	return k
}

// prefix is key with a closing separator: all keys below it.
func prefix(site, table string, parts ...string) []byte {
	return append(key(site, table, parts...), 0)
}

func timePart(t time.Time) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(t.UnixMicro())^(1<<63))
	return string(b[:])
}

// timeAt is the time with which a key below a prefix begins; false when the key is cut
// off.
func timeAt(k, prefix []byte) (time.Time, bool) {
	if len(k) < len(prefix)+8 {
		return time.Time{}, false
	}
	return parseTimePart(string(k[len(prefix):][:8])), true
}

func parseTimePart(s string) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64([]byte(s)) ^ (1 << 63))).UTC()
}

func numberPart(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	return string(b[:])
}

func parseNumberPart(s string) uint64 { return binary.BigEndian.Uint64([]byte(s)) }

// join makes the key of an index entry from its parts.
func join(parts ...string) string { return strings.Join(parts, "\x00") }
