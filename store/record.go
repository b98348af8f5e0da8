package store

import (
	"bytes"
	"cmp"
	stdjson "encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"
)

// A record on disk is one line of head and the JSON value:
//
//	mention 1 9f3a2b1c
//	{"id":"…"}
//
// kind, version of the layout, CRC-32C in hex of kind, version and JSON. The
// engine has no checksums of its own, so a flipped bit shows here and stays one
// record's damage.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// DamagedError names what cannot be read: a record, or a page on which a record or
// the keys of a list lie. The others can be read.
type DamagedError struct {
	Key    string // of the record or list, parts joined by "/"; "" when it is not known
	Reason string
}

// Error names the record, or says that the database as a whole is meant.
func (e *DamagedError) Error() string {
	if e.Key == "" {
		return "the database is damaged: " + e.Reason
	}
	return fmt.Sprintf("the record %s is damaged: %s", e.Key, e.Reason)
}

func encodeRecord(kind string, version int, value any) ([]byte, error) {
	body, err := json.Marshal(value, asBefore, numbers)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", kind, err)
	}
	head := kind + " " + strconv.Itoa(version)
	b := make([]byte, 0, len(head)+10+len(body))
	b = append(b, head...)
	b = append(b, ' ')
	b = appendHex(b, checksum(head, body))
	b = append(b, '\n')
	return append(b, body...), nil
}

func decodeRecord(key []byte, kind string, version int, raw []byte, value any) error {
	damaged := func(reason string) error {
		return &DamagedError{Key: readable(key), Reason: reason}
	}
	line, body, ok := bytes.Cut(raw, []byte{'\n'})
	if !ok || len(line) < 9 || line[len(line)-9] != ' ' {
		return damaged("it has no head")
	}
	head, sum := string(line[:len(line)-9]), line[len(line)-8:]
	if !bytes.Equal(appendHex(nil, checksum(head, body)), sum) {
		return damaged("its checksum does not match")
	}
	if want := kind + " " + strconv.Itoa(version); head != want {
		return damaged("it says " + head + ", not " + want)
	}
	if err := decodeJSON(body, value); err != nil {
		return damaged(err.Error())
	}
	return nil
}

// asBefore has records written and read as encoding/json does it, to the byte but for what is no
// text, in less than half of the time (docs/decisions/024).
var asBefore = json.JoinOptions(jsonv1.DefaultOptionsV1(), jsonv1.ReportErrorsWithLegacySemantics(false))

// numbers has those that an editor sent written to the letter: to this package the Number of
// encoding/json is a string like any other.
var numbers = json.WithMarshalers(json.MarshalToFunc(func(enc *jsontext.Encoder, n stdjson.Number) error {
	return enc.WriteValue(jsontext.Value(cmp.Or(n, "0"))) // as encoding/json has it
}))

// decodeJSON reads the value of a record. A post has numbers that were sent by its
// editor and are kept to the letter; the others have none and take the short way.
func decodeJSON(body []byte, value any) error {
	if _, exact := value.(*Post); !exact {
		return json.Unmarshal(body, value, asBefore)
	}
	dec := stdjson.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	return dec.Decode(value)
}

func checksum(head string, body []byte) uint32 {
	sum := crc32.Update(0, castagnoli, []byte(head))
	return crc32.Update(sum, castagnoli, body)
}

func appendHex(b []byte, n uint32) []byte {
	const digits = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, digits[n>>shift&0xf])
	}
	return b
}
