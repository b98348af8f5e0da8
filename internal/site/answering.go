package site

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"tertulia/internal/lang"
	"tertulia/mf2"
	"tertulia/micropub"
	"tertulia/store"
)

// Answering is how the owner answers what others have said: with a post at home, by the same
// road as an editor's.
type Answering struct {
	Site     *Site
	DB       *store.DB
	Posts    *Posts
	Mentions *Mentions

	deciding sync.Mutex // the same answer fifty times is one decision
}

// AnswerKind is a way to answer.
type AnswerKind string

// The ways to answer: with words, or by a gesture.
const (
	ByReply    AnswerKind = "reply"
	ByLike     AnswerKind = "like"
	ByRepost   AnswerKind = "repost"
	ByBookmark AnswerKind = "bookmark"
)

// answerProperty is the property of the post that names what it answers.
var answerProperty = map[AnswerKind]string{ByReply: "in-reply-to", ByLike: "like-of", ByRepost: "repost-of", ByBookmark: "bookmark-of"}

// OwnAnswer is what the owner wants to say to a mention.
type OwnAnswer struct {
	Mention string // id
	Kind    AnswerKind
	Text    string // of a reply: what it says. Of anything else it may be empty
	Seen    string // digest of the text that is answered, as [Asked] has it; "": it does not matter
}

// Why there is no answer.
var (
	ErrNoPosts   = errors.New("this site takes no posts")
	ErrNoText    = errors.New("an answer needs a text")
	ErrNotThere  = errors.New("what is to be answered is not there any more")
	ErrNoAnswer  = errors.New("there is no such way to answer")
	errLongReply = &micropub.Error{Code: micropub.InvalidRequest, Description: "the text is too long"}
)

// MaxReply bounds a reply, in bytes.
const MaxReply = 32 << 10

// Asked is a mention as it is shown to whom answers it.
type Asked struct {
	Waiting              // as the inbox shows it; Why is "" when readers see it already
	State   store.State  // where it stands
	Answer  string       // why it is not shown, or that it is: see [Answer]
	Reach   []string     // the addresses that an answer replies to: where it was said, and who has brought it
	Pending bool         // answering it approves it
	Gone    bool         // it cannot be answered: see Answer
	Aside   bool         // the owner wants to leave it
	Given   []GivenReply // the answers that there are, the oldest first
	Takes   bool         // the site takes posts
	Back    string       // the account through which the answer goes back to a network; "": there is none
}

// GivenReply is an answer of the owner's that there is.
type GivenReply struct {
	Kind AnswerKind
	URL  string
}

// Asked reads a mention for whom answers it, with what is said of it in their language;
// fs.ErrNotExist when there is none.
func (a *Answering) Asked(ctx context.Context, id string, l lang.Lang) (asked Asked, err error) {
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) error {
		m, err := a.mention(tx, id)
		if err != nil {
			return err
		}
		v := decidable(m)
		asked = Asked{
			Waiting: Waiting{Response: a.Site.inFull(tx, m, v), Received: m.Received},
			State:   m.State, Answer: Answer(l, m), Pending: waits(m), Gone: !answerableNow(m), Aside: !m.Aside.IsZero(), Takes: a.Site.Publish != nil,
		}
		if v != nil {
			asked.Digest, asked.Person, asked.Reach, asked.Back = v.Digest, v.Person, a.Site.reach(m, v), a.Site.broughtBy(&m)
		}
		if asked.Pending {
			asked.Why = m.Why
		}
		if page, err := tx.Page(m.Page); err == nil {
			asked.Page = page.URL
			if post, err := tx.Post(page.URL); err == nil {
				asked.Title = post.Item.Get("name")
			}
		}
		asked.Given = a.given(tx, m)
		return nil
	})
	return asked, err
}

// mention reads a mention, or the one that is shown for it.
func (a *Answering) mention(tx *store.Tx, id string) (store.Mention, error) {
	m, err := tx.Mention(id)
	if err == nil && m.State == store.Duplicate {
		return tx.Mention(m.Twin)
	}
	return m, err
}

// given are the answers of the owner's to a mention.
func (a *Answering) given(tx *store.Tx, m store.Mention) (given []GivenReply) {
	for _, kind := range []AnswerKind{ByReply, ByLike, ByRepost, ByBookmark} {
		for _, permalink := range tx.PostsAnswering(&m, string(kind)) {
			given = append(given, GivenReply{kind, permalink})
		}
	}
	if m.Answer == "" || slices.ContainsFunc(given, func(g GivenReply) bool { return g.URL == m.Answer }) {
		return given
	}
	if by, err := tx.Mention(m.Answer); err == nil {
		return append(given, GivenReply{ByReply, a.Site.sourceOf(&by)})
	}
	return append(given, GivenReply{ByReply, m.Answer})
}

// waits tells whether a mention, or its changed text, waits for the owner.
func waits(m store.Mention) bool {
	return m.State == store.Pending || m.State == store.Quarantined || m.State == store.Approved && m.Held != nil
}

// answerableNow tells whether a mention is there to be answered.
func answerableNow(m store.Mention) bool {
	return decidable(m) != nil && (m.IsPublic() || waits(m)) && !m.Ours
}

// reach are the addresses that an answer replies to: where the response is to be read, and where
// it has come from when that is elsewhere. A bridge passes on what replies to the one or to
// the other, and whoever was brought by it is reached at the first.
// Spec: mf2#MF-14
func (s *Site) reach(m store.Mention, v *store.Version) []string {
	source := s.sourceOf(&m)
	if m.Kind == store.Comment {
		return []string{source}
	}
	first := cmp.Or(v.URL, source)
	a, err1 := url.Parse(first)
	b, err2 := url.Parse(source)
	if err1 == nil && err2 == nil && !sameHost(a, b) {
		return []string{first, source}
	}
	return []string{first}
}

// broughtBy names the account through which a mention has come, and to whose network an answer
// goes back; "" where there is none.
func (s *Site) broughtBy(m *store.Mention) string {
	if m.Origin != nil {
		if a := s.account(m.Origin.Target); a != nil {
			return a.Name
		}
	}
	return ""
}

// Answer keeps a post that answers a mention, and promises all that follows. What waits is
// approved by it. The same answer twice is one post, whenever it comes. The errors are [ErrNoPosts],
// [ErrNoText], [ErrNoAnswer], [ErrNotThere] for what was withdrawn or decided otherwise meanwhile,
// [ErrChanged] when it says something else by now, fs.ErrNotExist, and those of Posts.Create.
func (a *Answering) Answer(ctx context.Context, by string, answer OwnAnswer) (micropub.Created, error) {
	property, ok := answerProperty[answer.Kind]
	answer.Text = strings.TrimSpace(strings.ReplaceAll(answer.Text, "\r\n", "\n"))
	switch {
	case a.Site.Publish == nil:
		return micropub.Created{}, ErrNoPosts
	case !ok:
		return micropub.Created{}, ErrNoAnswer
	case answer.Kind == ByReply && answer.Text == "":
		return micropub.Created{}, ErrNoText
	case len(answer.Text) > MaxReply:
		return micropub.Created{}, errLongReply
	}
	m, given, err := a.decide(ctx, by, answer)
	if err != nil || given != "" {
		return micropub.Created{URL: given}, err
	}
	return a.Posts.Create(ctx, micropub.Grant{Me: a.Site.Me(), ClientID: a.Site.Base, Scopes: []string{"create"}}, a.post(m, property, answer))
}

// decide reads what is to be answered and approves it if it waits; given is the post that is this
// very answer already.
func (a *Answering) decide(ctx context.Context, by string, answer OwnAnswer) (m store.Mention, given string, err error) {
	a.deciding.Lock()
	defer a.deciding.Unlock()
	err = a.DB.View(ctx, a.Site.Key, func(tx *store.Tx) (err error) {
		if m, err = a.mention(tx, answer.Mention); err == nil {
			given = a.givenBefore(tx, m, answer)
		}
		return err
	})
	switch {
	case err != nil || given != "":
		return m, given, err
	case !answerableNow(m):
		return m, "", fmt.Errorf("mention %s is %s: %w", m.ID, m.State, ErrNotThere)
	case answer.Seen != "" && answer.Seen != decidable(m).Digest:
		return m, "", fmt.Errorf("mention %s: %w", m.ID, ErrChanged)
	case !waits(m):
		return m, "", nil
	}
	err = a.Mentions.Approve(ctx, by, m.ID, decidable(m).Digest)
	if errors.Is(err, ErrUndecidable) {
		err = fmt.Errorf("%w: %w", ErrNotThere, err)
	}
	return m, "", err
}

// givenBefore is the post that is this very answer already; "" when there is none.
func (a *Answering) givenBefore(tx *store.Tx, m store.Mention, answer OwnAnswer) string {
	for _, permalink := range tx.PostsAnswering(&m, string(answer.Kind)) {
		post, err := tx.Post(permalink)
		if err == nil && strings.TrimSpace(post.Item.Get("content")) == answer.Text {
			return permalink
		}
	}
	return ""
}

// post is an answer as an editor would send it.
func (a *Answering) post(m store.Mention, property string, answer OwnAnswer) micropub.Create {
	item := mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{}}
	for _, address := range a.Site.reach(m, decidable(m)) {
		item.Properties[property] = append(item.Properties[property], address)
	}
	if answer.Text != "" {
		item.Properties["content"] = []any{answer.Text}
	}
	c := micropub.Create{Item: item}
	sum := sha256.Sum256([]byte(strings.Join([]string{"answer", a.Site.Key, m.ID, string(answer.Kind), answer.Text}, "\x00")))
	c.Digest = hex.EncodeToString(sum[:])
	return c
}
