package syndicate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // to see how large a picture is
	_ "image/jpeg"
	_ "image/png"
	"io"
	"net/http"
	"net/url"
	"strings"

	_ "golang.org/x/image/webp"
	"golang.org/x/text/language"
)

// blueskyTime is how the protocol writes a time.
const blueskyTime = "2006-01-02T15:04:05.000Z"

// netRecord is a record of any of our collections, as it is written and read.
type netRecord struct {
	Type      string          `json:"$type"`
	Text      *string         `json:"text,omitempty"`
	CreatedAt string          `json:"createdAt"`
	Langs     []string        `json:"langs,omitempty"`
	Facets    []facet         `json:"facets,omitempty"`
	Embed     any             `json:"embed,omitempty"`
	Reply     *replyRefs      `json:"reply,omitempty"`
	Tags      []string        `json:"tags,omitempty"`
	Labels    json.RawMessage `json:"labels,omitempty"`  // which the owner may have set since
	Subject   *strongRef      `json:"subject,omitempty"` // of a like or repost
}

type replyRefs struct {
	Root   strongRef `json:"root"`
	Parent strongRef `json:"parent"`
}

type facet struct {
	Index    byteSlice `json:"index"`
	Features []feature `json:"features"`
}

// byteSlice is a part of a text, in bytes of its UTF-8.
type byteSlice struct {
	Start int `json:"byteStart"`
	End   int `json:"byteEnd"`
}

type feature struct {
	Type string `json:"$type"`
	URI  string `json:"uri,omitempty"`
	DID  string `json:"did,omitempty"`
	Tag  string `json:"tag,omitempty"`
}

const (
	linkFeature    = "app.bsky.richtext.facet#link"
	mentionFeature = "app.bsky.richtext.facet#mention"
	tagFeature     = "app.bsky.richtext.facet#tag"
)

// storedRecord is a record with the version of it that was read.
type storedRecord struct {
	CID   string
	Value netRecord
}

// ref names a record of whoever has this handle.
func (r storedRecord) ref(at atURI, handle string) Ref {
	more := threadRef{CID: r.CID}
	if r.Value.Reply != nil {
		more.Root = &r.Value.Reply.Root
	}
	ref := Ref{ID: at.String(), URL: at.page(handle), More: more.String()}
	if deed := deeds[at.collection]; deed != "" && r.Value.Subject != nil {
		subject, _ := parseATURI(r.Value.Subject.URI) // "" where a stranger's server says nonsense
		ref.URL = subject.page("") + deed + at.repo
	}
	return ref
}

// deeds end the address of a like or a repost, which has no page of its own, before the DID of
// who did it. Others that bring answers from Bluesky write them alike.
var deeds = map[string]string{likeRecords: "#liked_by_", repostRecords: "#reposted_by_"}

// record reads a record, of the account or of somebody else.
func (b *Bluesky) record(ctx context.Context, doing string, at atURI) (r storedRecord, err error) {
	err = b.ask(ctx, question{
		doing: doing, method: "com.atproto.repo.getRecord",
		query: url.Values{"repo": {at.repo}, "collection": {at.collection}, "rkey": {at.key}},
	}, &r)
	if err == nil && r.CID == "" {
		err = &Error{Doing: doing, Cause: fmt.Errorf("the server gave no version of %s", at)}
	}
	return r, err
}

// put writes a record where the one of this version is, or none if it is empty.
func (b *Bluesky) put(ctx context.Context, doing, key string, r netRecord, version string) (Ref, error) {
	s, err := b.session(ctx, doing, "")
	if err != nil {
		return Ref{}, err
	}
	var swap *string
	if version != "" {
		swap = &version
	}
	var done struct{ CID string }
	err = b.ask(ctx, question{
		doing: doing, method: "com.atproto.repo.putRecord", writes: true,
		body: map[string]any{"repo": s.DID, "collection": r.Type, "rkey": key, "record": r, "swapRecord": swap},
	}, &done)
	if err != nil {
		return Ref{}, err
	}
	if done.CID == "" {
		return Ref{}, &Error{Doing: doing, Unclear: true, Cause: errors.New("the server gave no version of what was written")}
	}
	return storedRecord{done.CID, r}.ref(atURI{s.DID, r.Type, key}, s.Handle), nil
}

// reactionRecords are the kinds of post that are no post on Bluesky, when what they are about is there.
var reactionRecords = map[string]string{"like": likeRecords, "repost": repostRecords}

// collectionOf is where the record of a post goes.
func collectionOf(p Post) string {
	if c := reactionRecords[p.Kind]; c != "" && p.ReplyTo.ID != "" && !quotes(p) {
		return c
	}
	return postRecords
}

// quotes reports whether a post shows what it is about instead of answering it: a quotation, a
// bookmark, a repost with words of its own.
func quotes(p Post) bool {
	if p.ReplyTo.ID == "" {
		return false
	}
	return p.Kind == "bookmark" || len(p.Item.URLs("quotation-of")) > 0 || p.Kind == "repost" && strings.TrimSpace(p.Item.Get("content")) != ""
}

// compose makes the record of a post, but for its time. Its pictures are uploaded.
func (b *Bluesky) compose(ctx context.Context, doing string, p Post) (netRecord, error) {
	if !forEverybody(p) {
		return netRecord{}, fmt.Errorf("%s: a post that is not for everybody: %w", doing, ErrUnsupported)
	}
	var about strongRef
	thread := threadOf(p.ReplyTo)
	if p.ReplyTo.ID != "" {
		if thread.CID == "" {
			found, err := b.Resolve(ctx, p.ReplyTo.ID)
			if gone(err) {
				// Not ErrNotExist, which would say that the copy has gone.
				return netRecord{}, &Error{Doing: doing, Refused: true, Cause: fmt.Errorf("%s, which it is about, is not there", p.ReplyTo.ID)}
			}
			if err != nil {
				return netRecord{}, err
			}
			thread = threadOf(found)
		}
		about = strongRef{p.ReplyTo.ID, thread.CID}
	}
	collection := collectionOf(p)
	if collection != postRecords {
		return netRecord{Type: collection, Subject: &about}, nil
	}
	r := netRecord{Type: postRecords, Langs: languages(p.Language)}
	var quoted *strongRef
	switch {
	case quotes(p):
		quoted = &about
	case about.URI != "":
		r.Reply = &replyRefs{Root: about, Parent: about}
		if thread.Root != nil {
			r.Reply.Root = *thread.Root
		}
	}
	pictures, left, err := b.pictures(ctx, doing, p)
	if err != nil {
		return netRecord{}, err
	}
	words := blueskyWords(p, left)
	r.Text = &words.String
	if r.Facets, err = b.facets(ctx, words); err != nil {
		return netRecord{}, err
	}
	r.Tags = outlineTags(p, words)
	r.Embed = embed(p, pictures, quoted)
	if strings.TrimSpace(words.String) == "" && r.Embed == nil {
		return netRecord{}, fmt.Errorf("%s: a %s without words: %w", doing, p.Kind, ErrUnsupported)
	}
	return r, nil
}

// languages is what the record says of its language: nothing where that is none.
func languages(tag string) []string {
	t, err := language.Parse(tag)
	if err != nil || t == language.Und {
		return nil
	}
	return []string{t.String()}
}

// picture is one that was uploaded.
type picture struct {
	Alt    string          `json:"alt"`
	Blob   json.RawMessage `json:"image"`
	Aspect *aspect         `json:"aspectRatio,omitempty"`
}

type aspect struct {
	Width  int `json:"width"`
	Height int `json:"height"`
}

// pictures uploads those of a post that Bluesky takes: four, or the one of a card. left says
// that there are others.
func (b *Bluesky) pictures(ctx context.Context, doing string, p Post) (taken []picture, left bool, err error) {
	most := blueskyPhotos
	if hasCard(p) {
		most = 1
	}
	for _, photo := range p.Photos {
		if len(taken) == most {
			return taken, true, nil
		}
		one, ok, err := b.picture(ctx, doing, photo)
		if err != nil {
			return nil, false, err
		}
		if !ok {
			left = true
			continue
		}
		taken = append(taken, one)
	}
	return taken, left, nil
}

// picture uploads a picture; ok is whether it is one, and small enough.
func (b *Bluesky) picture(ctx context.Context, doing string, photo Photo) (taken picture, ok bool, err error) {
	raw, err := read(photo)
	if errors.Is(err, ErrNoPicture) {
		return picture{}, false, nil
	}
	if err != nil {
		return picture{}, false, fmt.Errorf("%s: a picture: %w", doing, err)
	}
	kind := http.DetectContentType(raw)
	if len(raw) > blueskyPhotoSize || !strings.HasPrefix(kind, "image/") {
		return picture{}, false, nil
	}
	var uploaded struct{ Blob json.RawMessage }
	if err := b.ask(ctx, question{doing: doing, method: "com.atproto.repo.uploadBlob", writes: true, raw: raw, kind: kind}, &uploaded); err != nil {
		return picture{}, false, err
	}
	if len(uploaded.Blob) == 0 {
		return picture{}, false, &Error{Doing: doing, Cause: errors.New("the server gave no name for a picture")}
	}
	taken = picture{Alt: photo.Alt, Blob: uploaded.Blob}
	width, height := photo.Width, photo.Height
	if size, _, err := image.DecodeConfig(bytes.NewReader(raw)); err == nil {
		width, height = size.Width, size.Height // as it was drawn, and turned
	}
	if width > 0 && height > 0 {
		taken.Aspect = &aspect{width, height}
	}
	return taken, true, nil
}

func read(photo Photo) ([]byte, error) {
	body, err := photo.Open(blueskyPhotoSize, blueskyPhotoSide)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(io.LimitReader(body, blueskyPhotoSize+1))
}

// hasCard reports whether a post is shown as a card below its title.
func hasCard(p Post) bool { return hasTitle(p) || p.Kind == "bookmark" }

// external is a card: an address with what is there.
type external struct {
	URI         string          `json:"uri"`
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Thumb       json.RawMessage `json:"thumb,omitempty"`
}

// embed is what stands below the words: a quoted post, pictures or a card, or the first with one
// of the others; nil where nothing does.
func embed(p Post, pictures []picture, quoted *strongRef) any {
	var media any
	switch {
	case hasCard(p) && quoted == nil:
		media = map[string]any{"$type": "app.bsky.embed.external", "external": card(p, pictures)}
	case len(pictures) > 0:
		media = map[string]any{"$type": "app.bsky.embed.images", "images": pictures}
	}
	if quoted == nil {
		return media
	}
	record := map[string]any{"$type": "app.bsky.embed.record", "record": quoted}
	if media == nil {
		return record
	}
	return map[string]any{"$type": "app.bsky.embed.recordWithMedia", "record": record, "media": media}
}

// card leads to what a bookmark is of, and otherwise to the post.
func card(p Post, pictures []picture) external {
	c := external{URI: p.Permalink, Title: p.Item.Get("name"), Description: p.Summary}
	if to := p.Item.URLs("bookmark-of"); p.Kind == "bookmark" && len(to) > 0 && isWeb(to[0]) {
		c.URI = to[0]
	}
	if c.Title == "" {
		if u, err := url.Parse(c.URI); err == nil {
			c.Title = u.Hostname()
		}
	}
	c.Title, c.Description = plainWords(c.Title, 300), plainWords(c.Description, 1000)
	if len(pictures) > 0 {
		c.Thumb = pictures[0].Blob
	}
	return c
}

// isWeb reports whether an address leads somewhere on the web.
func isWeb(address string) bool { return webAddress(address) != "" }
