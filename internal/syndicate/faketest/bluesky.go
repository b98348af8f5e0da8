package faketest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bluesky is an account server and an AppView in one. The same assertions hold for it and for
// Bluesky's own servers, which showed it how to behave. The zero value is an empty network.
type Bluesky struct {
	Graphemes func(text string) int // counts them; nil: a text may be of any number

	mu       sync.Mutex
	people   map[string]*blueskyPerson // by DID
	records  map[string]*blueskyRecord // by at:// address
	labels   map[string][]object       // by at:// address
	blobs    map[string]int            // sizes, by CID
	sessions map[string]string         // tokens → DID; expired tokens are "" here
	order    int
	asked    map[string]int // methods
}

// object is one of JSON.
type object = map[string]any

const blueskyPosts = "app.bsky.feed.post"

type blueskyPerson struct {
	did, handle string
	passwords   []string
}

type blueskyRecord struct {
	uri, cid, collection, did string
	value                     object
	seen                      time.Time
	order                     int
}

func (f *Bluesky) begin() {
	if f.people == nil {
		f.people, f.records, f.labels = map[string]*blueskyPerson{}, map[string]*blueskyRecord{}, map[string][]object{}
		f.blobs, f.sessions, f.asked = map[string]int{}, map[string]string{}, map[string]int{}
	}
}

// Join makes an account, and returns its DID.
func (f *Bluesky) Join(handle, password string) (did string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin()
	return f.join(handle, password)
}

// Label has the network's moderators say something about a record.
func (f *Bluesky) Label(uri, val string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.labels[uri] = append(f.labels[uri], object{"src": "did:example:labeler", "uri": uri, "val": val})
}

// Asked is how often a method was asked for.
func (f *Bluesky) Asked(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[method]
}

// Expire ends all access tokens.
func (f *Bluesky) Expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for token := range f.sessions {
		if strings.HasPrefix(token, "access") {
			f.sessions[token] = ""
		}
	}
}

// Posts are the texts of all posts.
func (f *Bluesky) Posts() (texts []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.records {
		if text, ok := r.value["text"].(string); ok && r.collection == blueskyPosts {
			texts = append(texts, text)
		}
	}
	return texts
}

// Remove deletes a record, as somebody does in an app.
func (f *Bluesky) Remove(uri string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.records, uri)
}

// blueskyError is an answer that is none.
type blueskyError struct {
	status        int
	name, message string
}

func bad(name, message string) *blueskyError {
	return &blueskyError{http.StatusBadRequest, name, message}
}

// blueskyCall is a request as the methods see it.
type blueskyCall struct {
	*http.Request
	did   string // whose token it has; "": nobody's
	token string
	sent  object
	raw   []byte
}

// blueskyMethods are the methods; those that are true want a token.
var blueskyMethods = map[string]struct {
	signed bool
	do     func(f *Bluesky, c blueskyCall) (any, *blueskyError)
}{
	"com.atproto.server.createAccount":     {false, (*Bluesky).createAccount},
	"com.atproto.server.createAppPassword": {true, (*Bluesky).createAppPassword},
	"com.atproto.server.revokeAppPassword": {true, (*Bluesky).revokeAppPassword},
	"com.atproto.server.createSession":     {false, (*Bluesky).createSession},
	"com.atproto.server.refreshSession":    {true, (*Bluesky).refreshSession},
	"com.atproto.server.getSession":        {true, (*Bluesky).getSession},
	"com.atproto.identity.resolveHandle":   {false, (*Bluesky).resolveHandle},
	"com.atproto.repo.uploadBlob":          {true, (*Bluesky).uploadBlob},
	"com.atproto.repo.putRecord":           {true, (*Bluesky).putRecord},
	"com.atproto.repo.createRecord":        {true, (*Bluesky).createRecord},
	"com.atproto.repo.deleteRecord":        {true, (*Bluesky).deleteRecord},
	"com.atproto.repo.getRecord":           {false, (*Bluesky).getRecord},
	"com.atproto.repo.listRecords":         {false, (*Bluesky).listRecords},
	"app.bsky.feed.getPostThread":          {false, (*Bluesky).getPostThread},
	"app.bsky.feed.getLikes":               {false, (*Bluesky).getLikes},
	"app.bsky.feed.getRepostedBy":          {false, (*Bluesky).getRepostedBy},
	"app.bsky.feed.getQuotes":              {false, (*Bluesky).getQuotes},
}

// ServeHTTP answers as the network does.
func (f *Bluesky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	method := strings.TrimPrefix(r.URL.Path, "/xrpc/")
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.begin()
	f.asked[method]++
	said, failed := f.answer(blueskyCall{Request: r, raw: raw}, method)
	if failed != nil {
		answer(w, failed.status, object{"error": failed.name, "message": failed.message})
		return
	}
	answer(w, http.StatusOK, said)
}

func (f *Bluesky) answer(c blueskyCall, method string) (any, *blueskyError) {
	m, ok := blueskyMethods[method]
	if !ok {
		return nil, &blueskyError{http.StatusNotImplemented, "MethodNotImplemented", "Method Not Implemented"}
	}
	_ = json.Unmarshal(c.raw, &c.sent) // a blob is no JSON
	c.token = strings.TrimPrefix(c.Header.Get("Authorization"), "Bearer ")
	did, known := f.sessions[c.token]
	c.did = did
	switch {
	case !m.signed && c.token == "":
	case c.token == "":
		return nil, &blueskyError{http.StatusUnauthorized, "AuthMissing", "Authentication Required"}
	case !known:
		return nil, bad("InvalidToken", "Malformed token")
	case did == "":
		return nil, bad("ExpiredToken", "Token has expired")
	case (method == "com.atproto.server.refreshSession") != strings.HasPrefix(c.token, "refresh"):
		return nil, bad("InvalidToken", "Bad token scope")
	}
	return m.do(f, c)
}

// text is a field of what was sent, or of the query.
func (c blueskyCall) text(name string) string {
	if s, ok := c.sent[name].(string); ok {
		return s
	}
	return c.URL.Query().Get(name)
}

func (f *Bluesky) next() int { f.order++; return f.order }

func (f *Bluesky) join(handle, password string) (did string) {
	sum := sha256.Sum256([]byte(handle))
	did = "did:plc:" + strings.NewReplacer("0", "q", "1", "r", "8", "s", "9", "t").Replace(hex.EncodeToString(sum[:12]))
	f.people[did] = &blueskyPerson{did, handle, []string{password}}
	return did
}

func (f *Bluesky) createAccount(c blueskyCall) (any, *blueskyError) {
	return f.session(f.join(c.text("handle"), c.text("password"))), nil
}

func (f *Bluesky) session(did string) object {
	n := f.next()
	access, refresh := fmt.Sprintf("access-%d", n), fmt.Sprintf("refresh-%d", n)
	f.sessions[access], f.sessions[refresh] = did, did
	return object{"did": did, "handle": f.people[did].handle, "accessJwt": access, "refreshJwt": refresh, "active": true}
}

func (f *Bluesky) createAppPassword(c blueskyCall) (any, *blueskyError) {
	password := fmt.Sprintf("abcd-efgh-ijkl-%04d", f.next())
	f.people[c.did].passwords = append(f.people[c.did].passwords, password)
	return object{"name": c.text("name"), "password": password}, nil
}

func (f *Bluesky) revokeAppPassword(c blueskyCall) (any, *blueskyError) {
	f.people[c.did].passwords = f.people[c.did].passwords[:1]
	for token, did := range f.sessions {
		if did == c.did && strings.HasPrefix(token, "refresh") {
			f.sessions[token] = ""
		}
	}
	return nil, nil
}

func (f *Bluesky) createSession(c blueskyCall) (any, *blueskyError) {
	for _, p := range f.people {
		if (p.handle == c.text("identifier") || p.did == c.text("identifier")) && slices.Contains(p.passwords, c.text("password")) {
			return f.session(p.did), nil
		}
	}
	return nil, &blueskyError{http.StatusUnauthorized, "AuthenticationRequired", "Invalid identifier or password"}
}

func (f *Bluesky) refreshSession(c blueskyCall) (any, *blueskyError) {
	return f.session(c.did), nil
}

func (f *Bluesky) getSession(c blueskyCall) (any, *blueskyError) {
	return object{"did": c.did, "handle": f.people[c.did].handle, "active": true}, nil
}

func (f *Bluesky) resolveHandle(c blueskyCall) (any, *blueskyError) {
	for _, p := range f.people {
		if p.handle == c.text("handle") {
			return object{"did": p.did}, nil
		}
	}
	return nil, bad("InvalidRequest", "Unable to resolve handle")
}
