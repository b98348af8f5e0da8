package syndicate_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
	"tertulia/mf2"
)

const bskyPost = "app.bsky.feed.post"

// note is a post of Ana's.
func nota(text string) syndicate.Post {
	return syndicate.Post{
		Key: "https://ana.example/ · " + text + " · bluesky", Permalink: "https://ana.example/2026/11/22/nota/", Kind: "note", Language: "es",
		Date: time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC),
		Item: mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {text}}},
	}
}

// says is a post with another text.
func says(p syndicate.Post, text string) syndicate.Post {
	p.Item = mf2.Item{Type: []string{"h-entry"}, Properties: map[string][]any{"content": {text}}}
	return p
}

// copy is the record of a post after it was published.
func (p *person) copy(t *testing.T, post syndicate.Post) fields {
	t.Helper()
	ref := publish(t, p.target(), post)
	return p.records(t, bskyPost)[keyOf(ref)]
}

// To publish again is to find the record there, changed or not. T-PO01
func TestBlueskyPublishesAPostOnce(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ctx, ana := context.Background(), n.person(t, "ana")
		target, p := ana.target(), nota("¡Hola, tertulia!")
		if _, err := target.Find(ctx, p); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("find before: got %v, want fs.ErrNotExist", err)
		}
		ref := publish(t, target, p)
		if want := "https://bsky.app/profile/" + ana.Handle + "/post/" + keyOf(ref); ref.URL != want {
			t.Errorf("address: got %s, want %s", ref.URL, want)
		}
		again := publish(t, ana.target(), p) // another process, which knows nothing
		found, err := target.Find(ctx, p)
		if diff := cmp.Diff([]syndicate.Ref{ref, ref}, []syndicate.Ref{again, found}); diff != "" || err != nil {
			t.Errorf("again, found: %s %v", diff, err)
		}
		made := ana.records(t, bskyPost)
		publish(t, target, says(p, "¡Hola otra vez!"))
		after := ana.records(t, bskyPost)
		if len(after) != 1 || after[keyOf(ref)]["text"] != "¡Hola otra vez!" || after[keyOf(ref)]["createdAt"] != made[keyOf(ref)]["createdAt"] {
			t.Errorf("changed between: got %v after %v", after, made)
		}
		if diff := cmp.Diff([]any{"es"}, after[keyOf(ref)]["langs"]); diff != "" {
			t.Error("langs", diff)
		}
	})
}

func TestBlueskyPublishesOnceWhenFiftyAskAtOnce(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ana := n.person(t, "ana")
		target, p := ana.target(), nota("cincuenta")
		refs := make([]syndicate.Ref, 50)
		var all sync.WaitGroup
		for i := range refs {
			all.Go(func() {
				for range 50 { // another may have written in between, which is said as an error
					var err error
					if refs[i], err = target.Publish(context.Background(), p); err == nil {
						return
					}
				}
			})
		}
		all.Wait()
		for _, ref := range refs {
			if ref != refs[0] {
				t.Errorf("got %v, want %v", ref, refs[0])
			}
		}
		if got := ana.records(t, bskyPost); len(got) != 1 {
			t.Errorf("got %d records, want 1", len(got))
		}
		if n.fake != nil {
			if got := n.fake.Asked("com.atproto.server.createSession"); got != 1 {
				t.Errorf("entered %d times, want once", got)
			}
		}
	})
}

// The key is a timestamp identifier (atproto.com/specs/tid) of the post's date.
func TestBlueskyKeyFollowsFromThePost(t *testing.T) {
	n := fakeNetwork(t)
	ana := n.person(t, "ana")
	target := ana.target()
	form := regexp.MustCompile(`^[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}$`)
	seen := map[string]string{}
	for _, date := range []time.Time{{}, time.Unix(-1, 0), time.Unix(0, 0), nota("").Date, nota("").Date.Add(time.Second), time.Date(2300, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for _, key := range []string{"a", "b", ""} {
			p := nota("clave")
			p.Key, p.Date = key, date
			got := keyOf(publish(t, target, p))
			p.Date = date.In(time.FixedZone("Europe/Madrid", 7200))
			if again := keyOf(publish(t, target, p)); again != got {
				t.Errorf("%v in another zone: got %s, want %s", date, again, got)
			}
			if !form.MatchString(got) {
				t.Errorf("%v: got %q, want a TID", date, got)
			}
			if date.Unix() > 0 && date.Year() < 9999 && seen[got] != "" {
				t.Errorf("%v %q has the key of %s", date, key, seen[got])
			}
			seen[got] = fmt.Sprint(date, key)
		}
	}
	p := nota("clave")
	p.Date = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	if got := keyOf(publish(t, target, p)); !strings.HasPrefix(got, "3n2") {
		t.Errorf("got %s, want a key of November 2026 (3n2…)", got)
	}
}

// T-PO03
func TestBlueskyFollowsUpdatesAndDeletions(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ctx, ana, bea := context.Background(), n.person(t, "ana"), n.person(t, "bea")
		target := ana.target()
		root := bea.write(t, bskyPost, "", fields{"text": "¿Quién viene?"})
		p := nota("Yo voy")
		p.Kind, p.ReplyTo = "reply", root
		ref := publish(t, target, p)
		before := ana.records(t, bskyPost)[keyOf(ref)]
		p.ReplyTo = syndicate.Ref{}
		updated, err := target.Update(ctx, ref, says(p, "Yo voy, y Carlos también"))
		if err != nil || updated.ID != ref.ID || updated.URL != ref.URL || updated.More == ref.More {
			t.Fatalf("update: got %v %v, want another version of %v", updated, err, ref)
		}
		after := ana.records(t, bskyPost)[keyOf(ref)]
		before["text"] = "Yo voy, y Carlos también"
		if diff := cmp.Diff(before, after); diff != "" {
			t.Error("updated:", diff)
		}
		if same, err := target.Update(ctx, ref, says(p, "Yo voy, y Carlos también")); err != nil || same != updated {
			t.Errorf("updated twice: got %v %v, want %v", same, err, updated)
		}
		for range 2 {
			if err := target.Delete(ctx, updated); err != nil {
				t.Errorf("delete: %v", err)
			}
		}
		if got := ana.records(t, bskyPost); len(got) != 0 {
			t.Errorf("deleted: got %v", got)
		}
		if _, err := target.Update(ctx, ref, p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("update of what has gone: got %v, want fs.ErrNotExist", err)
		}
		n.settle(t)
		if _, err := target.Poll(ctx, ref, ""); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("poll of what has gone: got %v, want fs.ErrNotExist", err)
		}
		var e *syndicate.Error
		for _, strange := range []syndicate.Ref{root, {ID: "nada"}, {}} {
			if err := target.Delete(ctx, strange); !errors.As(err, &e) || !e.Refused {
				t.Errorf("delete %v: got %v, want it refused", strange, err)
			}
			if _, err := target.Update(ctx, strange, p); !errors.As(err, &e) || !e.Refused {
				t.Errorf("update %v: got %v, want it refused", strange, err)
			}
		}
		if got := bea.records(t, bskyPost); len(got) != 1 {
			t.Errorf("another's records: got %v", got)
		}
	})
}

func TestBlueskyAnswersAndReacts(t *testing.T) {
	onEach(t, false, func(t *testing.T, n *network) {
		ctx, ana, bea := context.Background(), n.person(t, "ana"), n.person(t, "bea")
		target := ana.target()
		root := bea.write(t, bskyPost, "", fields{"text": "Uno"})
		second := bea.reply(t, root, root, "Dos")
		for _, address := range []string{second.ID, "https://bsky.app/profile/" + bea.Handle + "/post/" + keyOf(second), "https://bsky.app/profile/" + bea.DID + "/post/" + keyOf(second)} {
			to, err := target.Resolve(ctx, address)
			if err != nil || to.ID != second.ID {
				t.Fatalf("resolve %s: got %v %v, want %s", address, to, err, second.ID)
			}
			p := nota("Tres " + address)
			p.Kind, p.ReplyTo = "reply", to
			got := ana.copy(t, p)["reply"]
			if diff := cmp.Diff(fields{"root": strong(root), "parent": strong(second)}, got); diff != "" {
				t.Errorf("%s: %s", address, diff)
			}
		}
		for _, address := range []string{"https://bsky.app/profile/nadie.test/post/3m6a2222222aa", "https://bsky.app/profile/" + bea.Handle, "https://ana.example/profile/" + bea.Handle + "/post/" + keyOf(root), "at://" + bea.DID + "/app.bsky.feed.post/3m6a2222222aa", "", "://", "https://bsky.app/profile/../post/x"} {
			if got, err := target.Resolve(ctx, address); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("resolve %q: got %v %v, want fs.ErrNotExist", address, got, err)
			}
		}
		lost := nota("a nadie")
		lost.Kind, lost.ReplyTo = "reply", syndicate.Ref{ID: "at://" + bea.DID + "/app.bsky.feed.post/3m6a2222222aa"}
		var e *syndicate.Error
		if _, err := target.Publish(ctx, lost); !errors.As(err, &e) || !e.Refused || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("an answer to what has gone: got %v, want it refused", err)
		}
		for kind, collection := range map[string]string{"like": "app.bsky.feed.like", "repost": "app.bsky.feed.repost"} {
			p := nota("")
			p.Kind, p.Key, p.ReplyTo, p.Item.Properties = kind, kind, syndicate.Ref{ID: second.ID}, nil
			ref := publish(t, target, p)
			if again := publish(t, target, p); again != ref {
				t.Errorf("%s twice: got %v, want %v", kind, again, ref)
			}
			if suffix := map[string]string{"like": "#liked_by_", "repost": "#reposted_by_"}[kind] + ana.DID; !strings.HasSuffix(ref.URL, "/post/"+keyOf(second)+suffix) {
				t.Errorf("%s: got %s, want it to end in %s", kind, ref.URL, suffix)
			}
			got := ana.records(t, collection)
			if len(got) != 1 || cmp.Diff(strong(second), got[keyOf(ref)]["subject"]) != "" {
				t.Errorf("%s: got %v", kind, got)
			}
			n.settle(t)
			if answers, err := target.Poll(ctx, ref, ""); err != nil || len(answers.List) != 0 {
				t.Errorf("poll of a %s: got %v %v", kind, answers, err)
			}
			if err := target.Delete(ctx, ref); err != nil || len(ana.records(t, collection)) != 0 {
				t.Errorf("delete %s: %v", kind, err)
			}
		}
		p := nota("Esto, esto")
		p.Kind, p.ReplyTo = "repost", second
		got := ana.copy(t, p)
		if diff := cmp.Diff(fields{"$type": "app.bsky.embed.record", "record": strong(second)}, got["embed"]); diff != "" || got["reply"] != nil {
			t.Errorf("a repost with words: %s", diff)
		}
	})
}
