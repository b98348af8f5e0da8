package syndicate

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const (
	threadDepth   = 100 // how many answers to answers one request has
	threadRequest = 12  // requests for what is deeper
	listPages     = 20  // of a hundred likes, reposts or quotes, the newest first
	pageSize      = "100"
	// The lists are asked for when their counts have changed, and each eighth time anyhow: one
	// like that goes and one that comes leave the count as it was.
	everyList = 8
)

// pollCursor is what a Poll remembers.
type pollCursor struct {
	Polls   int `json:"n"`
	Likes   int `json:"l"`
	Reposts int `json:"r"`
	Quotes  int `json:"q"`
	// Versions are the end of the CID of each reply and quote, and when it had become another,
	// by the beginning of its address's hash.
	Versions map[string]version `json:"v,omitempty"`
}

type version struct {
	CID    string `json:"c"`
	Edited int64  `json:"e,omitempty"` // seconds since 1970; 0: never
}

// mostVersions is how many replies and quotes of a copy are watched for edits.
const mostVersions = 2000

// Poll reads the thread of a copy, and those of likes, reposts and quotes that have changed
// since. To a like or repost of the account's own there are no answers.
func (b *Bluesky) Poll(ctx context.Context, ref Ref, cursor string) (Answers, error) {
	at, ok := parseATURI(ref.ID)
	if !ok {
		return Answers{}, fs.ErrNotExist
	}
	if at.collection != postRecords {
		_, err := b.record(ctx, "poll", at)
		return Answers{}, err
	}
	p := &poll{b: b, of: ref.ID, seen: map[string]bool{ref.ID: true}}
	p.first = json.Unmarshal([]byte(cursor), &p.before) != nil
	p.after.Versions = map[string]version{}
	root, err := p.thread(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		// Whoever answers may not have heard of it yet; its own server has.
		_, err = b.record(ctx, "poll", at)
		return Answers{Cursor: cursor}, err
	}
	if err != nil {
		return Answers{}, err
	}
	if err := p.lists(ctx, root); err != nil {
		return Answers{}, err
	}
	for key, was := range p.before.Versions { // of quotes that were not asked for
		if _, known := p.after.Versions[key]; !known && len(p.after.Versions) < mostVersions {
			p.after.Versions[key] = was
		}
	}
	raw, err := json.Marshal(p.after)
	p.answers.Cursor = string(raw)
	return p.answers, err
}

// poll is one Poll on its way.
type poll struct {
	b       *Bluesky
	of      string // the copy's at:// address
	seen    map[string]bool
	hidden  []string // replies that the one who began the thread has hidden
	first   bool     // there was no Poll before
	before  pollCursor
	after   pollCursor
	answers Answers
}

func (p *poll) ask(ctx context.Context, method string, query url.Values, answer any) error {
	wait, err := p.b.askFor(ctx, question{doing: "poll", method: method, query: query, public: true}, answer)
	p.answers.Wait = max(p.answers.Wait, wait)
	return err
}

// threadAnswer is what getPostThread says.
type threadAnswer struct {
	Thread     threadNode
	Threadgate gateView
}

// thread reads the replies to the copy, and theirs. root is the copy.
func (p *poll) thread(ctx context.Context) (root postView, err error) {
	var deeper []string
	whole, depth := true, threadDepth
	for asked, next := 0, []string{p.of}; len(next) > 0; asked++ {
		if asked == threadRequest {
			whole = false
			break
		}
		var got threadAnswer
		err := p.ask(ctx, "app.bsky.feed.getPostThread", url.Values{
			"uri": {next[0]}, "depth": {strconv.Itoa(depth)}, "parentHeight": {"0"},
		}, &got)
		switch {
		case errors.Is(err, errTooLong) && depth > 1:
			depth = 1
			continue
		case errors.Is(err, errTooLong), errors.Is(err, fs.ErrNotExist) && asked > 0:
			whole, next = false, next[1:] // the others may be read
			continue
		case err != nil:
			return postView{}, err
		case got.Thread.Post == nil && asked == 0:
			return postView{}, fs.ErrNotExist
		}
		if asked == 0 || root.URI == "" {
			root = *got.Thread.Post
		}
		p.hidden = append(p.hidden, got.Threadgate.Record.HiddenReplies...)
		deeper = p.walk(got.Thread.Replies, deeper[:0])
		next = append(next[1:], deeper...)
	}
	if whole {
		p.answers.Complete = append(p.answers.Complete, "reply")
	}
	return root, nil
}

// walk adds the replies for everybody, and returns the addresses of those whose replies are not
// there.
func (p *poll) walk(replies []threadNode, deeper []string) []string {
	for _, node := range replies {
		post := node.Post
		if post == nil || p.seen[post.URI] || slices.Contains(p.hidden, post.URI) {
			continue
		}
		answer, ok := post.reply()
		if !ok {
			continue
		}
		p.seen[post.URI] = true
		if post.forEverybody() {
			p.add(answer, *post)
		}
		if len(node.Replies) == 0 && post.ReplyCount > 0 {
			deeper = append(deeper, post.URI)
		}
		deeper = p.walk(node.Replies, deeper)
	}
	return deeper
}

// lists reads the likes, reposts and quotes whose counts have changed.
func (p *poll) lists(ctx context.Context, root postView) error {
	before, after := p.before, &p.after
	after.Polls, after.Likes, after.Reposts, after.Quotes = before.Polls+1, root.LikeCount, root.RepostCount, root.QuoteCount
	all := p.first || after.Polls%everyList == 0
	for _, list := range []struct {
		kind, method string
		changed      bool
	}{
		{"like", "app.bsky.feed.getLikes", after.Likes != before.Likes},
		{"repost", "app.bsky.feed.getRepostedBy", after.Reposts != before.Reposts},
		{"mention", "app.bsky.feed.getQuotes", after.Quotes != before.Quotes},
	} {
		if !all && !list.changed {
			continue
		}
		if err := p.list(ctx, list.kind, list.method, root); err != nil {
			return err
		}
	}
	return nil
}

// add adds a reply or a quote, edited when its version is another than the last time.
func (p *poll) add(a Answer, post postView) {
	sum := sha256.Sum256([]byte(post.URI))
	key := base64.RawURLEncoding.EncodeToString(sum[:6])
	is := version{CID: post.CID[max(0, len(post.CID)-8):]}
	if was, known := p.before.Versions[key]; known {
		is.Edited = was.Edited
		if was.CID != is.CID {
			is.Edited = earlier("", post.IndexedAt).Unix()
		}
	}
	if is.Edited != 0 {
		a.Edited = time.Unix(is.Edited, 0).UTC()
	}
	if len(p.after.Versions) < mostVersions {
		p.after.Versions[key] = is
	}
	p.answers.List = append(p.answers.List, a)
}

// list reads one of the lists, page by page.
func (p *poll) list(ctx context.Context, kind, method string, root postView) error {
	query := url.Values{"uri": {p.of}, "limit": {pageSize}}
	for range listPages {
		var page struct {
			Cursor     string
			Likes      []likeView
			RepostedBy []actorView
			Posts      []postView
		}
		if err := p.ask(ctx, method, query, &page); err != nil {
			return err
		}
		for _, like := range page.Likes {
			p.react(kind, like.Actor, like.time(), root)
		}
		for _, actor := range page.RepostedBy {
			p.react(kind, actor, time.Time{}, root)
		}
		for _, post := range page.Posts {
			if answer, ok := post.quote(p.of); ok && !p.seen[post.URI] && post.forEverybody() {
				p.seen[post.URI] = true
				p.add(answer, post)
			}
		}
		if page.Cursor == "" || page.Cursor == query.Get("cursor") {
			p.answers.Complete = append(p.answers.Complete, kind)
			return nil
		}
		query.Set("cursor", page.Cursor)
	}
	return nil
}

// react adds a like or a repost, which is known by whose it is.
func (p *poll) react(kind string, actor actorView, at time.Time, root postView) {
	deed := deeds[reactionRecords[kind]] + actor.DID
	if !isDID(actor.DID) || p.seen[deed] || !actor.forEverybody() {
		return
	}
	p.seen[deed] = true
	copyAt, _ := parseATURI(p.of) // Poll has parsed it
	p.answers.List = append(p.answers.List, Answer{
		Ref:  Ref{ID: p.of + deed, URL: copyAt.page(root.Author.Handle) + deed},
		Type: kind, Author: actor.author(), Published: at, Parent: p.of,
	})
}

// Look reads one reply or quote, with the thread above it.
func (b *Bluesky) Look(ctx context.Context, answer Ref) (Answer, error) {
	at, ok := parseATURI(answer.ID)
	if !ok || at.collection != postRecords {
		return Answer{}, ErrUnsupported
	}
	var got threadAnswer
	err := b.ask(ctx, question{
		doing: "poll", method: "app.bsky.feed.getPostThread", public: true,
		query: url.Values{"uri": {answer.ID}, "depth": {"0"}, "parentHeight": {"1000"}},
	}, &got)
	if err != nil {
		return Answer{}, err
	}
	post := got.Thread.Post
	if post == nil || !post.forEverybody() {
		return Answer{}, fs.ErrNotExist
	}
	for node := &got.Thread; node != nil && node.Post != nil; node = node.Parent {
		if slices.Contains(got.Threadgate.Record.HiddenReplies, node.Post.URI) {
			return Answer{}, fs.ErrNotExist
		}
	}
	said, ok := post.reply()
	if of := threadOf(answer).Quotes; of != "" {
		said, ok = post.quote(of)
	}
	if !ok {
		return Answer{}, fs.ErrNotExist
	}
	return said, nil
}
