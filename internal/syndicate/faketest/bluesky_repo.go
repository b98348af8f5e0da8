package faketest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

func cid(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "bafyrei" + hex.EncodeToString(sum[:26])
}

func (f *Bluesky) uploadBlob(c blueskyCall) (any, *blueskyError) {
	name := cid(c.raw)
	f.blobs[name] = len(c.raw)
	return object{"blob": object{"$type": "blob", "ref": object{"$link": name}, "mimeType": c.Header.Get("Content-Type"), "size": len(c.raw)}}, nil
}

var blueskyKey = regexp.MustCompile(`^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$`)

func (f *Bluesky) putRecord(c blueskyCall) (any, *blueskyError) {
	collection, key, did := c.text("collection"), c.text("rkey"), c.text("repo")
	value, _ := c.sent["record"].(object)
	uri := "at://" + did + "/" + collection + "/" + key
	if failed := f.invalid(collection, key, value); failed != nil {
		return nil, failed
	}
	raw, err := json.Marshal(value)
	if err != nil || did != c.did {
		return nil, &blueskyError{http.StatusUnauthorized, "AuthenticationRequired", "Authentication Required"}
	}
	version, there := cid(raw), f.records[uri]
	if there != nil && there.cid == version {
		return object{"uri": uri, "cid": version, "validationStatus": "valid"}, nil
	}
	if swap, asked := c.sent["swapRecord"]; asked {
		if was, _ := swap.(string); there == nil && was != "" || there != nil && there.cid != was {
			return nil, bad("InvalidSwap", "Record was at another version")
		}
	}
	f.records[uri] = &blueskyRecord{uri, version, collection, did, value, time.Now().UTC(), f.next()}
	return object{"uri": uri, "cid": version, "validationStatus": "valid"}, nil
}

// invalid says what is wrong with a record.
func (f *Bluesky) invalid(collection, key string, value object) *blueskyError {
	text, said := value["text"].(string)
	switch {
	case value["$type"] != collection:
		return bad("InvalidRequest", "Invalid $type")
	case strings.HasPrefix(collection, "app.bsky.feed.") && !blueskyKey.MatchString(key):
		return bad("InvalidRequest", "Invalid record key")
	case collection == blueskyPosts && !said:
		return bad("InvalidRequest", "Invalid app.bsky.feed.post record: Missing required key \"text\" at $.record")
	case f.Graphemes != nil && f.Graphemes(text) > 300:
		return bad("InvalidRequest", fmt.Sprintf("Invalid app.bsky.feed.post record: grapheme too big (maximum 300, got %d) at $.record.text", f.Graphemes(text)))
	case len(text) > 3000:
		return bad("InvalidRequest", "Invalid app.bsky.feed.post record: string too big (maximum 3000) at $.record.text")
	}
	raw, err := json.Marshal(value)
	for _, link := range regexp.MustCompile(`"\$link":"([^"]*)"`).FindAllStringSubmatch(string(raw), -1) {
		if _, known := f.blobs[link[1]]; !known || err != nil {
			return bad("BlobNotFound", "Could not find blob: "+link[1])
		}
	}
	return nil
}

func (f *Bluesky) createRecord(c blueskyCall) (any, *blueskyError) {
	const digits = "234567abcdefghijklmnopqrstuvwxyz"
	key := []byte("3m72222222222")
	for i, n := 12, f.next(); n > 0; i, n = i-1, n/32 {
		key[i] = digits[n%32]
	}
	c.sent["rkey"] = string(key)
	return f.putRecord(c)
}

func (f *Bluesky) deleteRecord(c blueskyCall) (any, *blueskyError) {
	delete(f.records, "at://"+c.did+"/"+c.text("collection")+"/"+c.text("rkey"))
	return object{}, nil
}

func (f *Bluesky) getRecord(c blueskyCall) (any, *blueskyError) {
	r := f.records["at://"+c.text("repo")+"/"+c.text("collection")+"/"+c.text("rkey")]
	if r == nil {
		return nil, bad("RecordNotFound", "Could not locate record")
	}
	return object{"uri": r.uri, "cid": r.cid, "value": r.value}, nil
}

func (f *Bluesky) listRecords(c blueskyCall) (any, *blueskyError) {
	list := []object{}
	for _, r := range f.records {
		if r.did == c.text("repo") && r.collection == c.text("collection") {
			list = append(list, object{"uri": r.uri, "cid": r.cid, "value": r.value})
		}
	}
	return object{"records": list}, nil
}
