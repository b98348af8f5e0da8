package web

import (
	"container/list"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"tertulia/indieauth"
)

// maxAnswers is how many bytes of answers are kept.
const maxAnswers = 8 << 20

// answers keeps what was lately answered about public conversations. An answer is
// good for as long as the revision of its pages stands, so nothing has to be told
// that something has changed. What is asked for least recently goes first.
type answers struct {
	mu    sync.Mutex
	by    map[string]*list.Element // of answer, by its key
	order list.List                // the most recent in front
	size  int
}

type answer struct {
	key         string
	etag        string // stands for the revision and the question
	contentType string
	body        []byte
}

func (a *answers) get(key, etag string) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.by[key]
	if e == nil || e.Value.(answer).etag != etag {
		return answer{}, false
	}
	a.order.MoveToFront(e)
	return e.Value.(answer), true
}

func (a *answers) put(one answer) {
	if len(one.body) > maxAnswers/8 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[string]*list.Element{}
	}
	if old := a.by[one.key]; old != nil {
		a.drop(old)
	}
	a.by[one.key] = a.order.PushFront(one)
	a.size += one.bytes()
	for a.size > maxAnswers {
		a.drop(a.order.Back())
	}
}

func (a *answers) drop(e *list.Element) {
	one := a.order.Remove(e).(answer)
	delete(a.by, one.key)
	a.size -= one.bytes()
}

// bytes is what an answer takes up, with something for its place in the list.
func (a answer) bytes() int { return len(a.body) + len(a.key) + 200 }

// public answers a question about the public mentions of some pages: with 304 when the
// asker has the current answer, with the one that was kept while it is current, else
// with what read finds.
func (p *pages) public(w http.ResponseWriter, r *http.Request, targets []string, contentType string, read func() (any, error)) {
	revision, err := p.Conversation.Revision(r.Context(), targets)
	if err != nil {
		p.brokenAPI(w, r, err)
		return
	}
	key := p.Key + " " + r.URL.Path + "?" + r.URL.RawQuery
	etag := `"` + indieauth.Hash(revision + key)[:24] + `"`
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Cache-Control", "public, max-age=30")
	if strings.Contains(r.Header.Get("If-None-Match"), etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	one, ok := p.server.answers.get(key, etag)
	if !ok {
		value, err := read()
		if err != nil {
			h.Del("ETag")
			p.brokenAPI(w, r, err)
			return
		}
		one = answer{key: key, etag: etag}
		if one.contentType, one.body, err = encode(r, value, contentType); err != nil {
			h.Del("ETag")
			p.brokenAPI(w, r, err)
			return
		}
		p.server.answers.put(one)
	}
	h.Set("Content-Type", one.contentType)
	h.Set("Content-Length", strconv.Itoa(len(one.body)))
	_, _ = w.Write(one.body) // the client may have gone
}
