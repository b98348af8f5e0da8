package leaktest

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// leastText is the shortest secret that is looked for, in bytes.
const leastText = 8

// needle is one way in which a secret may be written.
type needle struct {
	text []byte
	who  string // has made it
}

// spellings are how random bytes may be written: as they are, in hex and base64, and as
// [rand.Text] and those do who make words of it.
func spellings(random []byte) (all []string) {
	all = append(all, string(random), hex.EncodeToString(random),
		base64.RawURLEncoding.EncodeToString(random), base64.RawStdEncoding.EncodeToString(random))
	if len(random) != 26 {
		return all
	}
	text := slices.Clone(random)
	for i := range text {
		text[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[text[i]%32]
	}
	low := strings.ToLower(string(text))
	return append(all, string(text), low, strings.Join([]string{low[:5], low[5:10], low[10:15], low[15:20]}, "-"))
}

// learn reads the secrets that were made since it last did.
func (p *part) learn() error {
	f, err := os.Open(filepath.Join(p.dir, "secrets"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(p.read, io.SeekStart); err != nil {
		return err
	}
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return nil // the last may not be whole yet
		}
		p.read += int64(len(line))
		var kind, text, who string
		if _, err := fmt.Sscan(line, &kind, &text, &who); err != nil {
			return fmt.Errorf("secrets: %q: %w", line, err)
		}
		secret, err := hex.DecodeString(text)
		if err != nil {
			return err
		}
		all := []string{string(secret)}
		if kind == "r" {
			all = spellings(secret)
		}
		for _, one := range all {
			head := binary.LittleEndian.Uint64([]byte(one))
			p.heads[head] = append(p.heads[head], needle{[]byte(one), who})
			slot := slotOf(head)
			p.bloom[slot>>6] |= 1 << (slot & 63)
		}
	}
}

// slotOf is where a head stands in the bloom filter.
func slotOf(head uint64) uint64 { return head * 0x9e3779b97f4a7c15 >> 47 }

// find tells whose secrets are in data, each maker once. Tokens of ours betray themselves by
// their prefixes, whoever has made them.
func (p *part) find(data []byte) (found []string) {
	say := func(who string, at int) {
		if !slices.ContainsFunc(found, func(s string) bool { return strings.HasPrefix(s, who+" ") }) {
			from := max(0, at-60)
			found = append(found, fmt.Sprintf("%s at byte %d, after %q", who, at, data[from:at]))
		}
	}
	for i := 0; i+8 <= len(data); i++ {
		head := binary.LittleEndian.Uint64(data[i:])
		slot := slotOf(head)
		if p.bloom[slot>>6]&(1<<(slot&63)) != 0 {
			for _, n := range p.heads[head] {
				if bytes.HasPrefix(data[i:], n.text) {
					say(n.who, i)
				}
			}
		}
		if data[i] == 't' && typed(data[i:]) {
			say("whoever makes "+string(data[i:i+3])+"…", i)
		}
	}
	return found
}

// typed tells whether a token, a code or a refresh token begins here.
func typed(data []byte) bool {
	const long = 3 + 43
	if len(data) < long || data[2] != '_' || !strings.ContainsRune("tcr", rune(data[1])) {
		return false
	}
	return !slices.ContainsFunc(data[3:long], func(c byte) bool {
		return c != '-' && c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z')
	})
}

// search tells which secrets are in the files at and below a path.
func (p *part) search(path string) (leaks []string) {
	if p.dir == "" {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.learn(); err != nil {
		return []string{err.Error()}
	}
	err := filepath.WalkDir(path, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // swept meanwhile, or never made
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		for _, found := range p.find(data) {
			leaks = append(leaks, fmt.Sprintf("a secret is in %s: by %s", name, found))
		}
		return err
	})
	if err != nil {
		leaks = append(leaks, err.Error())
	}
	return leaks
}
