package syndicate

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"
)

// atURI is where a record is: at://REPO/COLLECTION/KEY.
type atURI struct{ repo, collection, key string }

var (
	didForm        = pattern(`^did:[a-z]+:[A-Za-z0-9._:%-]+$`)
	handleForm     = pattern(`^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$`)
	collectionForm = pattern(`^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+){2,9}$`)
	recordKeyForm  = pattern(`^[A-Za-z0-9._~:-]+$`)
)

const (
	maxDID       = 256 // bytes behind its method
	maxRecordKey = 512
)

func isDID(s string) bool {
	_, method, _ := strings.Cut(s, ":")
	_, id, _ := strings.Cut(method, ":")
	return len(id) <= maxDID && didForm().MatchString(s) && !strings.HasSuffix(s, ":")
}
func isHandle(s string) bool { return len(s) <= 253 && handleForm().MatchString(s) }

// parseATURI reads the address of a record; what it returns can stand in a path as it is.
func parseATURI(s string) (atURI, bool) {
	parts := strings.Split(s, "/")
	if len(parts) != 5 || parts[0] != "at:" || parts[1] != "" || parts[4] == "." || parts[4] == ".." {
		return atURI{}, false
	}
	at := atURI{parts[2], parts[3], parts[4]}
	ok := (isDID(at.repo) || isHandle(at.repo)) && collectionForm().MatchString(at.collection) && len(at.key) <= maxRecordKey && recordKeyForm().MatchString(at.key)
	return at, ok
}

func (at atURI) String() string { return "at://" + at.repo + "/" + at.collection + "/" + at.key }

// page is where people see a post; handle may be empty or invalid.
func (at atURI) page(handle string) string { return profile(handle, at.repo) + "/post/" + at.key }

// profile is where people see somebody.
func profile(handle, did string) string {
	if !isHandle(handle) || strings.EqualFold(handle, "handle.invalid") {
		handle = did
	}
	return "https://" + sites[0] + "/profile/" + handle
}

// strongRef is a record as it was at a time.
type strongRef struct {
	URI string `json:"uri"`
	CID string `json:"cid"`
}

// threadRef is what a Ref of ours has in More: which version it was, where the thread begins
// that it is in (empty: with itself), and what it quotes.
type threadRef struct {
	CID    string     `json:"cid"`
	Root   *strongRef `json:"root,omitempty"`
	Quotes string     `json:"quotes,omitempty"`
}

func (t threadRef) String() string {
	raw, err := json.Marshal(t)
	if err != nil {
		return "" // strings are always marshalled
	}
	return string(raw)
}

func threadOf(ref Ref) (t threadRef) {
	_ = json.Unmarshal([]byte(ref.More), &t) // what is no such thing has no version, and is looked up
	return t
}

// recordKey is the key of a post's record: a timestamp identifier of the second of the post's
// date, in which the hash of the post's key says which microsecond and whose clock. 13
// characters, the first bit 0 (atproto.com/specs/tid).
func recordKey(p Post) string {
	const digits = "234567abcdefghijklmnopqrstuvwxyz"
	const last = 1<<32 - 1 // seconds, in 2106: what is later does not fit for ever
	sum := sha256.Sum256([]byte(p.Key))
	hash := binary.BigEndian.Uint64(sum[:])
	micros := uint64(min(max(p.Date.Unix(), 0), last))*1e6 + hash>>10%1e6
	id := micros<<10 | hash&(1<<10-1)
	var key [13]byte
	for i := range key {
		key[i] = digits[id>>(60-5*i)&31]
	}
	return string(key[:])
}
