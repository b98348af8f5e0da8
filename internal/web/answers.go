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
	"tertulia/internal/site"
)

// maxAnswers is how many bytes of answers are kept.
const maxAnswers = 8 << 20

// answers keeps what was lately answered about public conversations. An answer is
// good for as long as the revision of its pages stands, so nothing has to be told
// that something has changed; while nothing at all was written, that need not be looked at.
// What is asked for least recently goes first.
type answers struct {
	mu    sync.Mutex
	by    map[string]*list.Element // of answer, by its key
	order list.List                // the most recent in front
	size  int
}

type answer struct {
	key         string
	state       string      // what it is an answer for as long as
	moment      site.Moment // when that was looked at last
	page        string      // canonical address of the page that it is about; "": it is about none, or several
	contentType string
	header      http.Header // what else goes with it; nil: nothing
	body        []byte
}

// standing is an answer that was found good at this moment.
func (a *answers) standing(key string, now site.Moment) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.by[key]
	if e == nil || now == (site.Moment{}) || e.Value.(*answer).moment != now {
		return answer{}, false
	}
	a.order.MoveToFront(e)
	return *e.Value.(*answer), true
}

// get is an answer that is good while a state stands, at this moment.
func (a *answers) get(key, state string, now site.Moment) (answer, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	e := a.by[key]
	if e == nil || e.Value.(*answer).state != state {
		return answer{}, false
	}
	a.order.MoveToFront(e)
	one := e.Value.(*answer)
	one.moment = now
	return *one, true
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
	a.by[one.key] = a.order.PushFront(&one)
	a.size += one.bytes()
	for a.size > maxAnswers {
		a.drop(a.order.Back())
	}
}

// forget lets go of all: the settings may be others.
func (a *answers) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for e := a.order.Back(); e != nil; e = a.order.Back() {
		a.drop(e)
	}
}

func (a *answers) drop(e *list.Element) {
	one := a.order.Remove(e).(*answer)
	delete(a.by, one.key)
	a.size -= one.bytes()
}

// bytes is what an answer takes up, with something for its headers and its place in the list.
func (a *answer) bytes() int { return len(a.body) + len(a.key) + 200 + 1000*min(len(a.header), 1) }

// kept answers with what next has answered to the same question within the minute, while the
// conversation it is about stands: dates are told from now. What is not for everybody, or about
// a page that nobody knows, is answered anew.
func (p *pages) kept(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		key, now := p.Key+" "+r.URL.Path+"?"+r.URL.RawQuery+" "+p.language(r).Tag(), p.Conversation.Moment()
		one, ok := p.server.answers.standing(key, now)
		if !ok {
			if one, ok = p.keep(w, r, key, now, next); !ok {
				return
			}
		}
		maps.Copy(w.Header(), one.header)
		whole(w, r, p.stampAgain(r.Context(), one.page, one.body))
	}
}

// keep is the answer of next, from before or made now and kept; false when it is not to be kept
// and was given.
func (p *pages) keep(w http.ResponseWriter, r *http.Request, key string, now site.Moment, next http.HandlerFunc) (answer, bool) {
	state, page, err := p.Conversation.State(r.Context(), r.URL.Query().Get("url"))
	if err != nil || page == "" {
		next(w, r)
		return answer{}, false
	}
	state += time.Now().Truncate(time.Minute).String()
	if one, ok := p.server.answers.get(key, state, now); ok {
		return one, true
	}
	plain := r.Clone(r.Context()) // the whole answer, whatever is asked of it this time
	plain.Method, plain.Header = http.MethodGet, r.Header.Clone()
	for _, condition := range conditions {
		plain.Header.Del(condition)
	}
	made := &written{status: http.StatusOK, header: w.Header().Clone()}
	next(made, plain)
	one := answer{key: key, state: state, moment: now, page: page, header: made.header, body: made.body.Bytes()}
	if made.status != http.StatusOK || made.header.Get("Set-Cookie") != "" {
		maps.Copy(w.Header(), made.header)
		w.WriteHeader(made.status)
		_, _ = w.Write(one.body) // the reader may have gone
		return answer{}, false
	}
	delete(one.header, "Content-Length") // it may be asked for a part, or for nothing new
	for name, values := range one.header {
		one.header[name] = slices.Clip(values) // all who are answered share them
	}
	p.server.answers.put(one)
	return one, true
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
	key, now, h := p.Key+" "+r.URL.Path+"?"+r.URL.RawQuery, p.Conversation.Moment(), w.Header()
	one, ok := p.server.answers.standing(key, now)
	if !ok {
		revision, err := p.Conversation.Revision(r.Context(), targets)
		if err != nil {
			p.brokenAPI(w, r, err)
			return
		}
		etag := `"` + indieauth.Hash(p.server.run + revision + key)[:24] + `"`
		if one, ok = p.server.answers.get(key, etag, now); !ok {
			one = answer{key: key, state: etag, moment: now}
		}
	}
	h.Set("ETag", one.state)
	h.Set("Cache-Control", "public, max-age=30")
	if strings.Contains(r.Header.Get("If-None-Match"), one.state) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if !ok {
		value, err := read()
		if err == nil {
			one.contentType, one.body, err = encode(r, value, contentType)
		}
		if err != nil {
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
