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
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tertulia/mf2"
)

// ledgerFile lies beside the database, and not in it, so that no older database that
// takes its place brings back who was erased.
const ledgerFile = "tertulia.erased"

// Erased is somebody or something that shall not come back. Only a salted hash of it
// is kept. Spellings that lead to the same place are one: see [Erased.folded].
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

// folded is what is hashed: hosts in lower case, of an address neither scheme nor "www." nor
// the slash at its end, of a source no fragment.
func (e Erased) folded() Erased {
	value := strings.ToLower(e.Value)
	if e.Kind == ErasedHost {
		return Erased{e.Kind, strings.TrimSuffix(value, ".")}
	}
	if strings.Contains(value, "@") && !strings.ContainsAny(value, "/?#") {
		return Erased{e.Kind, value} // a handle
	}
	u, err := url.Parse("https://" + bare(e.Value))
	if err != nil {
		return Erased{e.Kind, value}
	}
	if u.Host = strings.ToLower(u.Host); strings.Count(u.Host, ".") > 1 {
		u.Host = strings.TrimPrefix(u.Host, "www.")
	}
	fragment := ""
	if e.Kind == ErasedPerson && u.Fragment != "" {
		fragment = "#" + u.EscapedFragment() // it tells several people on one page apart
	}
	u.Fragment, u.RawFragment = "", ""
	return Erased{e.Kind, strings.TrimSuffix(bare(mf2.NormalizeURL(u)), "/") + fragment}
}

// bare is an address without its scheme, as identities are.
func bare(address string) string {
	if _, rest, ok := strings.Cut(address, "://"); ok {
		return rest
	}
	return address
}

// onHost is whether an address, a handle or a host is on a host or one below it, for the
// host as an erased thing.
func (e Erased) onHost(is func(Erased) bool) bool {
	host := e.Value
	if e.Kind != ErasedHost {
		if end := strings.IndexAny(host, "/?#"); end >= 0 {
			host = host[:end]
		}
		host = host[strings.LastIndexByte(host, '@')+1:]
	}
	for ; host != ""; _, host, _ = strings.Cut(host, ".") {
		if is(Erased{ErasedHost, host}) {
			return true
		}
		if name, _, ok := strings.Cut(host, ":"); ok && is(Erased{ErasedHost, name}) {
			return true // erased whatever its port
		}
	}
	return false
}

// ledger is the file of what was erased: a line for each, appended and synced before
// anything is removed.
//
//	2 5f0c…9a 77d2…01 1795341600 - 9f3a2b1c
//
// version of the line, salt, HMAC-SHA256 under that salt of site·kind·value, when, in seconds
// since 1970, "-" for what may not come back or "+" for what may from then on, CRC-32C of all
// before it. Lines of version 1 had neither time nor sign: they are older than all, and mean "-".
// The last line about a thing holds. A file has the salt of its first line; merged files have
// several.
type ledger struct {
	path string

	mu    sync.Mutex
	salt  []byte                         // of the next line
	salts map[string]map[string]standing // salt → hash → how it stands
}

// standing is how an erased thing stands: it is erased with all that comes, or with what came
// before it was let back.
type standing struct {
	at   int64 // seconds since 1970
	back bool
}

// covers tells whether what came at a time is erased.
func (s standing) covers(came time.Time) bool { return !s.back || came.Unix() <= s.at }

const ledgerVersion = "2"

// openLedger reads a ledger; one that is not there is empty. A last line without an end
// was never acknowledged and is passed over; any other that cannot be read is an error,
// since nobody could say who is meant.
func openLedger(path string) (*ledger, error) {
	l := &ledger{path: path, salts: map[string]map[string]standing{}}
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
		salt, hash, how, ok := parseErased(string(text))
		if !ok {
			return nil, fmt.Errorf("%s: line %d is damaged: restore the file from a backup", path, number)
		}
		l.keep(salt, hash, how)
		if l.salt == nil {
			l.salt, _ = hex.DecodeString(salt) // parseErased has decoded it before
		}
	}
	return l, nil
}

func parseErased(line string) (salt, hash string, how standing, ok bool) {
	rest, sum, _ := cutLast(line)
	fields := strings.Split(rest, " ")
	if lineSum(rest) != sum {
		return "", "", how, false
	}
	switch {
	case len(fields) == 3 && fields[0] == "1":
	case len(fields) == 5 && fields[0] == ledgerVersion && (fields[4] == "-" || fields[4] == "+"):
		at, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			return "", "", how, false
		}
		how = standing{at, fields[4] == "+"}
	default:
		return "", "", how, false
	}
	for _, field := range fields[1:3] {
		if _, err := hex.DecodeString(field); err != nil {
			return "", "", how, false
		}
	}
	return fields[1], fields[2], how, true
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

// keep remembers how a thing stands, unless something later is known of it. Of two at one
// time the one that keeps more away holds.
func (l *ledger) keep(salt, hash string, how standing) {
	if l.salts[salt] == nil {
		l.salts[salt] = map[string]standing{}
	}
	was, known := l.salts[salt][hash]
	if !known || was.before(how) {
		l.salts[salt][hash] = how
	}
}

func (s standing) before(later standing) bool {
	return s.at < later.at || s.at == later.at && s.back && !later.back
}

func erasedHash(salt []byte, site string, e Erased) string {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(join(site, string(e.Kind), e.Value)))
	return hex.EncodeToString(mac.Sum(nil))
}

// stands tells how a folded thing stands; false when it was never erased.
func (l *ledger) stands(site string, e Erased) (last standing, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for salt, hashes := range l.salts {
		raw, _ := hex.DecodeString(salt) // it was read or made as hex
		if how, ok := hashes[erasedHash(raw, site, e)]; ok && (!known || last.before(how)) {
			last, known = how, true
		}
	}
	return last, known
}

// refuses tells whether a thing, or its host, was erased and does not come back.
func (l *ledger) refuses(site string, e Erased) bool {
	if e.Value == "" || l.empty() {
		return false
	}
	e = e.folded()
	is := func(one Erased) bool {
		how, known := l.stands(site, one)
		return known && !how.back
	}
	return is(e) || e.onHost(is)
}

func (l *ledger) empty() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.salts) == 0
}

// add appends how folded things stand from now on, unless they do already, and names the first
// of them by its hash. When it returns, it is on disk.
func (l *ledger) add(site string, erased []Erased, how standing) (name string, err error) {
	var fresh []Erased
	for _, e := range erased {
		was, known := l.stands(site, e)
		if known && was.back == how.back {
			continue
		}
		if known {
			how.at = max(how.at, was.at+1) // a clock that was turned back leaves the last word the last
		}
		fresh = append(fresh, e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.salt == nil {
		l.salt = make([]byte, 16)
		rand.Read(l.salt)
	}
	name = erasedHash(l.salt, site, erased[0])[:16]
	if len(fresh) == 0 {
		return name, nil
	}
	salt, lines := hex.EncodeToString(l.salt), []byte(nil)
	for _, e := range fresh {
		lines = appendErased(lines, salt, erasedHash(l.salt, site, e), how)
	}
	if err := appendDurably(l.path, lines); err != nil {
		return "", fmt.Errorf("write the erasure ledger: %w", err)
	}
	for _, e := range fresh {
		l.keep(salt, erasedHash(l.salt, site, e), how)
	}
	return name, nil
}

func appendErased(lines []byte, salt, hash string, how standing) []byte {
	sign := "-"
	if how.back {
		sign = "+"
	}
	line := strings.Join([]string{ledgerVersion, salt, hash, strconv.FormatInt(how.at, 10), sign}, " ")
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
	merged := &ledger{salts: map[string]map[string]standing{}}
	for _, path := range from {
		l, err := openLedger(path)
		if err != nil {
			return err
		}
		for salt, hashes := range l.salts {
			for hash, how := range hashes {
				merged.keep(salt, hash, how)
			}
		}
	}
	var lines []byte
	for _, salt := range slices.Sorted(maps.Keys(merged.salts)) {
		for _, hash := range slices.Sorted(maps.Keys(merged.salts[salt])) {
			lines = appendErased(lines, salt, hash, merged.salts[salt][hash])
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
