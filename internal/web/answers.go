package web

import (
	"bytes"
	"container/list"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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
	state       string // what it is an answer for as long as
	contentType string
	header      http.Header // what else goes with it; nil: nothing
	body        []byte
}

func (a *answers) get(key, state string) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.by[key]
	if e == nil || e.Value.(answer).state != state {
		return answer{}, false
	}
	a.order.MoveToFront(e)
	return e.Value.(answer), true
}

func (a *answers) put(one answer) {
	if len(one.body) > maxAnswers/4 {
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

// bytes is what an answer takes up, with something for its headers and its place in the list.
func (a answer) bytes() int { return len(a.body) + len(a.key) + 200 + 1000*min(len(a.header), 1) }

// kept answers with what next has answered to the same question within the minute, while the
// conversation it is about stands: dates are told from now. What is not for everybody, or about
// a page that nobody knows, is answered anew.
func (p *pages) kept(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		state, page, err := p.Conversation.State(r.Context(), r.URL.Query().Get("url"))
		if err != nil || page == "" {
			next(w, r)
			return
		}
		key := p.Key + " " + r.URL.Path + "?" + r.URL.RawQuery + " " + p.language(r).Tag()
		state += time.Now().Truncate(time.Minute).String()
		one, ok := p.server.answers.get(key, state)
		if !ok {
			plain := r.Clone(r.Context()) // the whole answer, whatever is asked of it this time
			plain.Method, plain.Header = http.MethodGet, r.Header.Clone()
			for _, condition := range conditions {
				plain.Header.Del(condition)
			}
			made := &written{status: http.StatusOK, header: w.Header().Clone()}
			next(made, plain)
			if one = (answer{key: key, state: state, header: made.header, body: made.body.Bytes()}); made.status != http.StatusOK || made.header.Get("Set-Cookie") != "" {
				maps.Copy(w.Header(), made.header)
				w.WriteHeader(made.status)
				_, _ = w.Write(one.body) // the reader may have gone
				return
			}
			p.server.answers.put(one)
		}
		for name, values := range one.header {
			w.Header()[name] = slices.Clone(values)
		}
		w.Header().Del("Content-Length") // it may be asked for a part, or for nothing new
		whole(w, r, p.stampAgain(r.Context(), page, one.body))
	}
}

// conditions are the headers of a request that asks for a part, or only for what is new.
var conditions = []string{"Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"}

// whole answers with a body, or with what of it is asked for. In the usual case it goes to the
// network in one piece with its headers, for which [http.ServeContent] takes several.
func whole(w http.ResponseWriter, r *http.Request, body []byte) {
	if slices.ContainsFunc(conditions, func(name string) bool { return r.Header[name] != nil }) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
		return
	}
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // the reader may have gone
}

// stampAgain is something with a form for comments on a page, with the time now in it.
func (p *pages) stampAgain(ctx context.Context, page string, body []byte) []byte {
	if !p.takesComments() {
		return body
	}
	stamp, err := p.Comments.Stamp(ctx, page)
	if err != nil {
		p.server.log().Error("a form for comments has an old time", "page", page, "error", err)
		return body
	}
	return stamped.ReplaceAll(body, fmt.Appendf(nil, `name="time" value="%s"`, stamp))
}

// written is an answer that is not sent yet.
type written struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *written) Header() http.Header         { return a.header }
func (a *written) WriteHeader(status int)      { a.status = status }
func (a *written) Write(b []byte) (int, error) { return a.body.Write(b) }

// public answers a question about the public mentions of some pages: with 304 when the
// asker has the current answer, with the one that was kept while it is current, else
// with what read finds. What was told before the service was started anew may be told in other
// words since.
func (p *pages) public(w http.ResponseWriter, r *http.Request, targets []string, contentType string, read func() (any, error)) {
	revision, err := p.Conversation.Revision(r.Context(), targets)
	if err != nil {
		p.brokenAPI(w, r, err)
		return
	}
	key := p.Key + " " + r.URL.Path + "?" + r.URL.RawQuery
	etag := `"` + indieauth.Hash(p.server.run + revision + key)[:24] + `"`
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
		one = answer{key: key, state: etag}
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
