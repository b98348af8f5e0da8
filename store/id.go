package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"time"
)

// idLength is how many letters and digits an identifier has.
const idLength = 26

// NewID makes an identifier of 26 lower-case letters and digits: six bytes of
// milliseconds, so that keys stand in order of arrival, and ten random ones, so that
// nobody can guess it. It stays unique whatever the clock does.
func NewID(now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], uint64(max(now.UnixMilli(), 0))<<16)
	rand.Read(b[6:])
	return idEncoding.EncodeToString(b[:])
}

// DerivedID makes an identifier that follows from a digest, for what has another identifier
// elsewhere. It stands before all that NewID makes.
func DerivedID(digest [sha256.Size]byte) string {
	var b [16]byte
	copy(b[6:], digest[:])
	return idEncoding.EncodeToString(b[:])
}

// idTime is when an identifier was made; the beginning of time for what is none.
func idTime(id string) time.Time {
	b, err := idEncoding.DecodeString(id)
	if err != nil || len(b) < 8 {
		return time.UnixMilli(0)
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64(b) >> 16))
}

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
