package site

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"tertulia/mf2"
	"tertulia/store"
)

// What goes out about a source is one thing, whether the source is a post of ours or a page
// that somebody has written by hand: a list of targets, each with what became of it.

// telling is what is known of a source and of those who were told about it.
type telling struct {
	revision int // of the source
	sent     []store.Sent
	history  []store.Event
	keep     func(sent []store.Sent, history []store.Event) error // writes the two back
}

// tellingOf reads it for a post, or else for a page.
func tellingOf(tx *store.Tx, source string) (telling, error) {
	post, err := tx.Post(source)
	if err == nil {
		return telling{post.Revision, post.Sent, post.History, func(sent []store.Sent, history []store.Event) error {
			post.Sent, post.History = sent, history
			return tx.PutPost(post)
		}}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return telling{}, err
	}
	page, err := tx.Outgoing(source)
	return telling{page.Revision, page.Sent, page.History, func(sent []store.Sent, history []store.Event) error {
		page.Sent, page.History = sent, history
		return tx.PutOutgoing(page)
	}}, err
}

// news is what there is to tell about a source.
type news struct {
	source   string
	revision int
	links    []string // those it has now
	was      []string // those it had before, whoever was told of them
	changed  bool     // it says something else than it did when it was announced last
	only     []string // the only targets that are told, in any case; nil: all that there is news for
}

// maxTargets is how many pages are told that a source links to them (T-WS12).
const maxTargets = 200

// foremost bounds the links of a source; those that were told before come first. left is how
// many are not told.
func foremost(links []string, sent []store.Sent) (most []string, left int) {
	if len(links) <= maxTargets {
		return links, 0
	}
	room := maxTargets
	for _, link := range links {
		if sentTo(sent, link) >= 0 {
			room--
		}
	}
	for _, link := range links {
		known := sentTo(sent, link) >= 0
		if !known {
			room--
		}
		if (known || room >= 0) && len(most) < maxTargets {
			most = append(most, link)
		}
	}
	return most, len(links) - len(most)
}

// promise promises a send to each target that there is news for: a link that is new, or has
// gone, or stands in a text that has changed. Who was told all that is not told again.
// Spec: webmention#sending-webmentions-for-updated-posts-p-1
func (n news) promise(tx *store.Tx, t *telling) error {
	links, left := foremost(n.links, t.sent)
	if left > 0 {
		t.note(tx, "warning", fmt.Sprintf("it links to %d pages: %d of them are not told", len(n.links), left))
	}
	mute := func(target string) bool { return n.only != nil && !slices.Contains(n.only, target) }
	for _, link := range links {
		if sentTo(t.sent, link) < 0 && !mute(link) {
			t.sent = append(t.sent, store.Sent{Target: link, State: waiting})
		}
	}
	for _, link := range n.was {
		if sentTo(t.sent, link) < 0 && !mute(link) {
			t.sent = append(t.sent, store.Sent{Target: link, Linked: true})
		}
	}
	for i := range t.sent {
		sent := &t.sent[i]
		linked := slices.Contains(links, sent.Target)
		news := n.only != nil || linked != sent.Linked || sent.State == waiting || linked && n.changed
		if !news || mute(sent.Target) {
			continue
		}
		sent.Linked, sent.Revision, sent.State, sent.At = linked, n.revision, waiting, tx.Now
		if err := tx.Enqueue(sendJob(n.source, sent.Target)); err != nil {
			return err
		}
	}
	return nil
}

func (t *telling) note(tx *store.Tx, stage, note string) {
	t.history = store.AddEvent(t.history, store.Event{At: tx.Now, Stage: stage, Note: note})
}

// sentTo finds what became of the Webmention to a target; -1 is nothing.
func sentTo(sent []store.Sent, target string) int {
	return slices.IndexFunc(sent, func(s store.Sent) bool { return s.Target == target })
}

// silent are the properties of an entry that are no news to those it links to: where its
// copies are, who wrote it, when it was touched, and what others have answered.
var silent = []string{"author", "url", "uid", "updated", "syndication", "shortlink", "post-status", "visibility",
	"comment", "like", "repost", "bookmark", "mention", "audience", "featured"}

// digestOfPost is a digest of what a post says, under its address.
func digestOfPost(post store.Post) string {
	item := post.Item.Clone()
	for name := range item.Properties {
		if slices.Contains(silent, name) || strings.HasPrefix(name, "mp-") {
			delete(item.Properties, name)
		}
	}
	return digestOf(post.Permalink, item)
}

// digestOfEntry is a digest of what an entry on a page says, by its words and addresses: how a
// generator writes its markup is no news.
func digestOfEntry(entry mf2.Item, links []string) string {
	words := map[string]string{}
	for name := range entry.Properties {
		if !slices.Contains(silent, name) {
			words[name] = strings.Join(strings.Fields(strings.Join(entry.Strings(name), " ")), " ")
		}
	}
	return digestOf(words, links)
}

func digestOf(values ...any) string {
	raw, err := json.Marshal(values)
	if err != nil {
		return "" // unknown, so it is announced: better twice than never
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}
