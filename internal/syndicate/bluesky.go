package syndicate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Bluesky is an account on Bluesky or on another server of the AT Protocol, entered with an app
// password. Set its fields before the first call and leave them.
//
// A copy is the record whose key follows from [Post.Key] and [Post.Date], so that to publish
// again is to find it there. An [Answer] can be looked up, and answered, by its Ref alone: Ref.ID
// is the record's at:// address, of a like or repost that of what is liked or reposted with who
// did it behind a "#".
type Bluesky struct {
	Client   *http.Client // reaches the hosts of Server and AppView
	Server   string       // where the account lives (see [BlueskyDirectory]), such as "https://bsky.social"
	Account  string       // handle, DID or the account's email address
	Password string       `json:"-"` // an app password, never the account's own
	// AppView says who is asked for answers: an origin such as "https://public.api.bsky.app",
	// without a login; a service such as "did:web:api.bsky.app#bsky_appview", through Server;
	// empty: whichever Server asks by itself.
	AppView string
	Keep    Keep // where the session outlives the program; nil: it does not

	login login
}

// Keep keeps the session of an account. What it is handed lets others into the account: it
// belongs where secrets are kept.
type Keep interface {
	// Load returns what was saved last; fs.ErrNotExist says that nothing was.
	Load(ctx context.Context) ([]byte, error)
	Save(ctx context.Context, session []byte) error
}

// What Bluesky takes (app.bsky.feed.post, app.bsky.embed.images and external).
const (
	blueskyGraphemes = 300
	blueskyBytes     = 3000
	blueskyPhotos    = 4
	blueskyTags      = 8
	blueskyPhotoSize = 1_000_000 // servers that are not of this year take no more
	blueskyPhotoSide = 2000
)

// The collections of an account's records.
const (
	postRecords   = "app.bsky.feed.post"
	likeRecords   = "app.bsky.feed.like"
	repostRecords = "app.bsky.feed.repost"
)

// String names the account, and nothing that lets anybody in.
func (b *Bluesky) String() string { return "bluesky account " + b.Account }

// LogValue is String.
func (b *Bluesky) LogValue() slog.Value { return slog.StringValue(b.String()) }

// Abilities are the same everywhere; nobody is asked.
func (b *Bluesky) Abilities(context.Context) (Abilities, error) {
	return Abilities{
		Idempotency: NaturalKey, Photos: blueskyPhotos, Alt: true, Edit: true, Delete: true,
		Reply: true, Reactions: true, Poll: true,
	}, nil
}

// Who asks whose account it is.
func (b *Bluesky) Who(ctx context.Context) (Author, error) {
	var me actorView
	if err := b.ask(ctx, question{doing: "connect", method: "com.atproto.server.getSession"}, &me); err != nil {
		return Author{}, err
	}
	return me.author(), nil
}

// Publish writes the record of a post where there is none, and otherwise makes the one there say
// what the post says.
func (b *Bluesky) Publish(ctx context.Context, p Post) (Ref, error) {
	made, err := b.compose(ctx, "publish", p)
	if err != nil {
		return Ref{}, err
	}
	made.CreatedAt = time.Now().UTC().Format(blueskyTime) // of this copy: followers look for what is new
	put, err := b.put(ctx, "publish", recordKey(p), made, "")
	var said *refusal
	if !errors.As(err, &said) || said.Name != "InvalidSwap" {
		return put, err
	}
	there, err := b.Find(ctx, p)
	if err != nil {
		return Ref{}, err
	}
	return b.Update(ctx, there, p)
}

// Find reads the record of a post. However long ago it was published, it is found.
func (b *Bluesky) Find(ctx context.Context, p Post) (Ref, error) {
	s, err := b.session(ctx, "find", "")
	if err != nil {
		return Ref{}, err
	}
	at := atURI{s.DID, collectionOf(p), recordKey(p)}
	found, err := b.record(ctx, "find", at)
	if err != nil {
		return Ref{}, err
	}
	return found.ref(at, s.Handle), nil
}

// Update writes the record anew under its key, with the time at which it was made and what it
// answers. A like or repost stays as it is.
func (b *Bluesky) Update(ctx context.Context, ref Ref, p Post) (Ref, error) {
	at, s, err := b.own(ctx, "update", ref)
	if err != nil {
		return Ref{}, err
	}
	there, err := b.record(ctx, "update", at)
	if err != nil {
		return Ref{}, err
	}
	if at.collection != postRecords {
		return there.ref(at, s.Handle), nil
	}
	made, err := b.compose(ctx, "update", p)
	if err != nil {
		return Ref{}, err
	}
	made.CreatedAt, made.Reply, made.Labels = there.Value.CreatedAt, there.Value.Reply, there.Value.Labels
	return b.put(ctx, "update", at.key, made, there.CID)
}

// Delete takes a record away.
func (b *Bluesky) Delete(ctx context.Context, ref Ref) error {
	at, s, err := b.own(ctx, "delete", ref)
	if err != nil {
		return err
	}
	return b.ask(ctx, question{
		doing: "delete", method: "com.atproto.repo.deleteRecord", writes: true,
		body: map[string]string{"repo": s.DID, "collection": at.collection, "rkey": at.key},
	}, nil)
}

// own is where a record of the account is, with the session to change it.
func (b *Bluesky) own(ctx context.Context, doing string, ref Ref) (atURI, session, error) {
	s, err := b.session(ctx, doing, "")
	if err != nil {
		return atURI{}, session{}, err
	}
	at, ok := parseATURI(ref.ID)
	if !ok || at.repo != s.DID {
		return atURI{}, session{}, &Error{Doing: doing, Refused: true, Cause: fmt.Errorf("%q is no record of this account", ref.ID)}
	}
	return at, s, nil
}

// sites are where people see what is on Bluesky, the first of them those whom we send there.
var sites = []string{"bsky.app", "deer.social", "blacksky.community"}

// Resolve finds a post by its at:// address or by where people see it.
func (b *Bluesky) Resolve(ctx context.Context, address string) (Ref, error) {
	at, ok := parseATURI(address)
	if !ok {
		at, ok = parsePostPage(address)
	}
	if !ok || at.collection != postRecords {
		return Ref{}, fs.ErrNotExist
	}
	handle := at.repo
	if !strings.HasPrefix(at.repo, "did:") {
		did, err := b.resolveHandle(ctx, at.repo)
		if err != nil {
			return Ref{}, err
		}
		at.repo = did
	}
	found, err := b.record(ctx, "find", at)
	if err != nil {
		return Ref{}, err
	}
	return found.ref(at, handle), nil
}

// parsePostPage reads https://bsky.app/profile/HANDLE/post/KEY.
func parsePostPage(address string) (atURI, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" {
		return atURI{}, false
	}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	if !isSite(u.Host) || len(parts) != 4 || parts[0] != "profile" || parts[2] != "post" {
		return atURI{}, false
	}
	return parseATURI("at://" + parts[1] + "/" + postRecords + "/" + parts[3])
}

func isSite(host string) bool { return slices.Contains(sites, strings.ToLower(host)) }

// resolveHandle asks the account's server whose handle that is.
func (b *Bluesky) resolveHandle(ctx context.Context, handle string) (did string, err error) {
	var found struct{ DID string }
	err = b.ask(ctx, question{
		doing: "find", method: "com.atproto.identity.resolveHandle", query: url.Values{"handle": {handle}},
	}, &found)
	var said *refusal
	if errors.As(err, &said) && said.Status == http.StatusBadRequest || err == nil && !isDID(found.DID) {
		return "", fs.ErrNotExist
	}
	return found.DID, err
}
