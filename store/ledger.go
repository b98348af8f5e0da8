package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// ledgerFile lies beside the database, and not in it, so that no older database that
// takes its place brings back who was erased.
const ledgerFile = "tertulia.erased"

// Erased is somebody or something that shall not come back. Only a salted hash of it
// is kept.
type Erased struct {
	Kind  ErasedKind
	Value string
}

// ErasedKind says what the value of an [Erased] is.
type ErasedKind string

// A person is erased by an identity as [Person] has it, a host with the hosts below it
// by its name in lower case (and its port, if it has one), a source by its address as sent.
const (
	ErasedPerson ErasedKind = "person"
	ErasedHost   ErasedKind = "host"
	ErasedSource ErasedKind = "source"
)

// ledger is the file of what was erased: a line for each, appended and synced before
// anything is removed.
//
//	1 5f0c…9a 77d2…01 9f3a2b1c
//
// version of the line, salt, HMAC-SHA256 under that salt of site·kind·value, CRC-32C of
// all before it. A file has the salt of its first line; merged files have several.
type ledger struct {
	path string

	mu    sync.Mutex
	salt  []byte                     // of the next line
	salts map[string]map[string]bool // salt → hashes
}

const ledgerVersion = "1"

// openLedger reads a ledger; one that is not there is empty. A last line without an end
// was never acknowledged and is passed over; any other that cannot be read is an error,
// since nobody could say who is meant.
func openLedger(path string) (*ledger, error) {
	l := &ledger{path: path, salts: map[string]map[string]bool{}}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	number := 0
	for line := range bytes.Lines(raw) {
		number++
		text, whole := bytes.CutSuffix(line, []byte{'\n'})
		if !whole {
			break
		}
		salt, hash, ok := parseErased(string(text))
		if !ok {
			return nil, fmt.Errorf("%s: line %d is damaged: restore the file from a backup", path, number)
		}
		l.keep(salt, hash)
		if l.salt == nil {
			l.salt, _ = hex.DecodeString(salt) // parseErased has decoded it before
		}
	}
	return l, nil
}

func parseErased(line string) (salt, hash string, ok bool) {
	rest, sum, _ := cutLast(line)
	fields := strings.Split(rest, " ")
	if len(fields) != 3 || fields[0] != ledgerVersion || lineSum(rest) != sum {
		return "", "", false
	}
	for _, field := range fields[1:] {
		if _, err := hex.DecodeString(field); err != nil {
			return "", "", false
		}
	}
	return fields[1], fields[2], true
}

func cutLast(line string) (before, after string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return line, "", false
	}
	return line[:i], line[i+1:], true
}

func lineSum(s string) string {
	return string(appendHex(nil, crc32.Checksum([]byte(s), castagnoli)))
}

func (l *ledger) keep(salt, hash string) {
	if l.salts[salt] == nil {
		l.salts[salt] = map[string]bool{}
	}
	l.salts[salt][hash] = true
}

func erasedHash(salt []byte, site string, e Erased) string {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(join(site, string(e.Kind), e.Value)))
	return hex.EncodeToString(mac.Sum(nil))
}

// has tells whether something was erased.
func (l *ledger) has(site string, e Erased) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for salt, hashes := range l.salts {
		raw, _ := hex.DecodeString(salt) // it was read or made as hex
		if hashes[erasedHash(raw, site, e)] {
			return true
		}
	}
	return false
}

func (l *ledger) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.salts) == 0
}

// add appends what is new. When it returns, it is on disk.
func (l *ledger) add(site string, erased []Erased) error {
	var fresh []Erased
	for _, e := range erased {
		if !l.has(site, e) {
			fresh = append(fresh, e)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.salt == nil {
		l.salt = make([]byte, 16)
		rand.Read(l.salt)
	}
	salt, lines := hex.EncodeToString(l.salt), []byte(nil)
	for _, e := range fresh {
		lines = appendErased(lines, salt, erasedHash(l.salt, site, e))
	}
	if err := appendDurably(l.path, lines); err != nil {
		return fmt.Errorf("write the erasure ledger: %w", err)
	}
	for _, e := range fresh {
		l.keep(salt, erasedHash(l.salt, site, e))
	}
	return nil
}

func appendErased(lines []byte, salt, hash string) []byte {
	line := ledgerVersion + " " + salt + " " + hash
	return append(lines, line+" "+lineSum(line)+"\n"...)
}

// appendDurably adds whole lines to a file, in the place of a last one without an end.
func appendDurably(path string, lines []byte) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	end := int64(bytes.LastIndexByte(have, '\n') + 1) // what is behind it is shorter than a line
	if _, err := f.WriteAt(lines, end); err != nil {
		return errors.Join(err, f.Truncate(end))
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// mergeLedgers writes to a new file what either of two ledgers holds. Nothing is written
// when both are empty.
func mergeLedgers(to string, from ...string) error {
	merged := &ledger{salts: map[string]map[string]bool{}}
	var lines []byte
	for _, path := range from {
		l, err := openLedger(path)
		if err != nil {
			return err
		}
		for _, salt := range slices.Sorted(maps.Keys(l.salts)) {
			for _, hash := range slices.Sorted(maps.Keys(l.salts[salt])) {
				if !merged.salts[salt][hash] {
					merged.keep(salt, hash)
					lines = appendErased(lines, salt, hash)
				}
			}
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return writeDurably(to, func(f *os.File) error {
		_, err := f.Write(lines)
		return err
	})
}
