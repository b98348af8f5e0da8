package syndicate_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/syndicate"
)

// poll asks for answers once the network has seen everything.
func (n *network) poll(t testing.TB, target syndicate.Target, ref syndicate.Ref, cursor string) syndicate.Answers {
	t.Helper()
	n.settle(t)
	answers, err := target.Poll(context.Background(), ref, cursor)
	if err != nil {
		t.Fatalf("poll: %v", err)
	}
	return answers
}

// heard is what an answer says, in a line.
func heard(answers syndicate.Answers) (lines []string) {
	for _, a := range answers.List {
		name, _, _ := strings.Cut(a.Author.Handle, ".")
		lines = append(lines, fmt.Sprintf("%s by %s: %s%s", a.Type, strings.TrimRight(name, "0123456789"), a.Text, a.HTML))
	}
	slices.Sort(lines)
	return lines
}

// through are the ways to ask for answers: of the AppView, or through the account's server.
func (p *person) through() map[string]*syndicate.Bluesky {
	direct, proxied := p.target(), p.target()
	proxied.AppView = ""
	return map[string]*syndicate.Bluesky{"AppView": direct, "own server": proxied}
}

func TestBlueskyHearsAnswers(t *testing.T) {
	onEach(t, true, func(t *testing.T, n *network) {
		ana, bea, carlos := n.person(t, "ana"), n.person(t, "bea"), n.person(t, "carlos")
		bea.write(t, "app.bsky.actor.profile", "self", fields{"displayName": "Bea <b>"})
		root := publish(t, ana.target(), nota("¿Quién viene?"))
		first := bea.reply(t, root, root, "Yo, a las ocho & media\n¿y tú?")
		nested := carlos.write(t, bskyPost, "", fields{"text": "Mira ejemplo.es/…, @bea", "createdAt": "2099-01-01T00:00:00Z", "reply": fields{"root": strong(root), "parent": strong(first)}, "facets": []fields{
			{"index": fields{"byteStart": 5, "byteEnd": 19}, "features": []fields{{"$type": "app.bsky.richtext.facet#link", "uri": "https://ejemplo.es/largo?a&b"}}},
			{"index": fields{"byteStart": 21, "byteEnd": 25}, "features": []fields{{"$type": "app.bsky.richtext.facet#mention", "did": bea.DID}}},
		}})
		quoting := carlos.quote(t, root, "Vayan")
		bea.react(t, "app.bsky.feed.like", root)
		carlos.react(t, "app.bsky.feed.repost", root)
		carlos.react(t, "app.bsky.feed.like", first) // not of the copy
		var heardLast syndicate.Ref
		for way, target := range ana.through() {
			answers := n.poll(t, target, root, "")
			want := []string{
				"like by bea: ", "mention by carlos: Vayan", "reply by bea: Yo, a las ocho & media\n¿y tú?",
				`reply by carlos: Mira <a href="https://ejemplo.es/largo?a&amp;b">ejemplo.es/…</a>, <a href="https://bsky.app/profile/` + bea.DID + `">@bea</a>`,
				"repost by carlos: ",
			}
			if diff := cmp.Diff(want, heard(answers)); diff != "" {
				t.Errorf("%s: %s", way, diff)
			}
			if diff := cmp.Diff([]string{"reply", "like", "repost", "mention"}, answers.Complete); diff != "" {
				t.Errorf("%s: complete %s", way, diff)
			}
			for _, a := range answers.List {
				if since := time.Since(a.Published); a.Type != "repost" && (since < -time.Minute || since > time.Minute) {
					t.Errorf("%s: %s was published %v", way, a.ID, a.Published)
				}
				if !a.Edited.IsZero() {
					t.Errorf("%s: %s was edited %v", way, a.ID, a.Edited)
				}
				switch a.ID {
				case first.ID:
					want := syndicate.Author{Name: "Bea <b>", Handle: bea.Handle, URL: "https://bsky.app/profile/" + bea.Handle}
					if diff := cmp.Diff(want, a.Author); diff != "" || a.Parent != root.ID || a.Language != "es" || a.URL != "https://bsky.app/profile/"+bea.Handle+"/post/"+keyOf(first) {
						t.Errorf("%s: %s %+v", way, diff, a)
					}
				case nested.ID:
					if a.Parent != first.ID {
						t.Errorf("%s: got parent %s, want %s", way, a.Parent, first.ID)
					}
					heardLast = a.Ref
				case quoting.ID, root.ID + "#liked_by_" + bea.DID, root.ID + "#reposted_by_" + carlos.DID:
					if a.Parent != root.ID {
						t.Errorf("%s: %s answers %s", way, a.ID, a.Parent)
					}
					if a.Type != "mention" && a.URL != root.URL+strings.TrimPrefix(a.ID, root.ID) {
						t.Errorf("%s: %s is at %s", way, a.ID, a.URL)
					}
				default:
					t.Errorf("%s: who is %s?", way, a.ID)
				}
			}
		}
		// It can be answered as it is: with its version, in its thread.
		p := nota("Gracias")
		p.Kind, p.ReplyTo = "reply", heardLast
		if diff := cmp.Diff(fields{"root": strong(root), "parent": strong(nested)}, ana.copy(t, p)["reply"]); diff != "" {
			t.Error("answered", diff)
		}
	})
}

// Lists that have not changed are not asked for, but now and then.
func TestBlueskyAsksForWhatHasChanged(t *testing.T) {
	n := fakeNetwork(t)
	ana, bea := n.person(t, "ana"), n.person(t, "bea")
	target, root := ana.target(), publish(t, ana.target(), nota("hola"))
	like := bea.react(t, "app.bsky.feed.like", root)
	cursor, asked := "", 0
	for i := 1; i <= 16; i++ {
		if i == 5 {
			bea.remove(t, like)
		}
		answers := n.poll(t, target, root, cursor)
		cursor = answers.Cursor
		now := n.fake.Asked("app.bsky.feed.getLikes")
		if want := i == 1 || i == 5 || i%8 == 0; (now > asked) != want || slices.Contains(answers.Complete, "like") != want {
			t.Errorf("poll %d: asked for likes: %v, complete %v, want %v", i, now > asked, answers.Complete, want)
		}
		asked = now
	}
}

// NETWORKS 5: a reply that is missing from its thread is not therefore gone.
func TestBlueskyLooksBeforeAnAnswerIsGone(t *testing.T) {
	onEach(t, true, func(t *testing.T, n *network) {
		ctx, ana, bea, carlos := context.Background(), n.person(t, "ana"), n.person(t, "bea"), n.person(t, "carlos")
		target := ana.target()
		root := publish(t, target, nota("hola"))
		middle := bea.reply(t, root, root, "en medio")
		nested := carlos.reply(t, root, middle, "debajo")
		quoting := carlos.quote(t, root, "cita")
		before := map[string]syndicate.Answer{}
		for _, a := range n.poll(t, target, root, "").List {
			before[a.ID] = a
			looked, err := target.Look(ctx, a.Ref)
			if diff := cmp.Diff(a, looked); diff != "" || err != nil {
				t.Errorf("look: %v %s", err, diff)
			}
		}
		bea.remove(t, middle)
		if got := heard(n.poll(t, target, root, "")); cmp.Diff([]string{"mention by carlos: cita"}, got) != "" {
			t.Errorf("without the middle: got %v", got)
		}
		if _, err := target.Look(ctx, before[middle.ID].Ref); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("look for what has gone: got %v", err)
		}
		if got, err := target.Look(ctx, before[nested.ID].Ref); err != nil || got.Text != "debajo" || got.Parent != middle.ID {
			t.Errorf("look for what is below: got %v %v", got, err)
		}
		carlos.remove(t, nested)
		carlos.remove(t, quoting)
		n.settle(t)
		for _, ref := range []syndicate.Ref{nested, before[quoting.ID].Ref} {
			if _, err := target.Look(ctx, ref); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("look for %s: got %v, want fs.ErrNotExist", ref.ID, err)
			}
		}
		if _, err := target.Look(ctx, syndicate.Ref{ID: root.ID + "#liked_by_" + bea.DID}); !errors.Is(err, syndicate.ErrUnsupported) {
			t.Errorf("look for a like: got %v, want ErrUnsupported", err)
		}
		likes := []syndicate.Ref{bea.react(t, "app.bsky.feed.like", root), carlos.react(t, "app.bsky.feed.repost", root)}
		if got := heard(n.poll(t, target, root, "")); len(got) != 2 {
			t.Errorf("liked and reposted: got %v", got)
		}
		bea.remove(t, likes[0])
		carlos.remove(t, likes[1])
		if got := heard(n.poll(t, target, root, "")); len(got) != 0 {
			t.Errorf("neither any more: got %v", got)
		}
	})
}

// Answers are for everybody, or not shown.
func TestBlueskyHonoursWhatPeopleWish(t *testing.T) {
	onEach(t, true, func(t *testing.T, n *network) {
		ctx, ana, bea, carlos, dina := context.Background(), n.person(t, "ana"), n.person(t, "bea"), n.person(t, "carlos"), n.person(t, "dina")
		target := ana.target()
		dina.write(t, "app.bsky.actor.profile", "self", fields{"labels": fields{"$type": "com.atproto.label.defs#selfLabels", "values": []fields{{"val": "!no-unauthenticated"}}}})
		root := publish(t, target, nota("hola"))
		hidden := bea.reply(t, root, root, "oculta por Ana")
		below := carlos.reply(t, root, hidden, "debajo de la oculta")
		labelled := bea.reply(t, root, root, "con una etiqueta")
		answered := carlos.reply(t, root, labelled, "debajo de la etiqueta")
		private := dina.reply(t, root, root, "solo para quien ha entrado")
		quoting := bea.quote(t, root, "cita que Ana ha soltado")
		dina.react(t, "app.bsky.feed.like", root)
		dina.react(t, "app.bsky.feed.repost", root)
		before := map[string]syndicate.Answer{}
		for _, a := range n.poll(t, target, root, "").List {
			before[a.ID] = a
		}
		if len(before) != 5 {
			t.Errorf("before: got %v, want five", before)
		}
		ana.write(t, "app.bsky.feed.threadgate", keyOf(root), fields{"post": root.ID, "hiddenReplies": []string{hidden.ID}})
		ana.write(t, "app.bsky.feed.postgate", keyOf(root), fields{"post": root.ID, "detachedEmbeddingUris": []string{quoting.ID}})
		n.label(t, labelled, "porn")
		if diff := cmp.Diff([]string{"reply by carlos: debajo de la etiqueta"}, heard(n.poll(t, target, root, ""))); diff != "" {
			t.Error(diff)
		}
		for _, ref := range []syndicate.Ref{hidden, below, labelled, private, before[quoting.ID].Ref} {
			if a, err := target.Look(ctx, ref); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("look for %q: got %v, want fs.ErrNotExist", a.Text, err)
			}
		}
		ana.write(t, "app.bsky.graph.block", "3n2222222222a", fields{"subject": carlos.DID})
		for way, target := range ana.through() {
			if got := heard(n.poll(t, target, root, "")); way == "own server" && len(got) != 0 {
				t.Errorf("by somebody whom Ana blocks: got %v", got)
			}
		}
		if _, err := ana.through()["own server"].Look(ctx, answered); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("look for somebody whom Ana blocks: got %v", err)
		}
	})
}

func TestBlueskyFollowsEdits(t *testing.T) {
	onEach(t, true, func(t *testing.T, n *network) {
		ana, bea := n.person(t, "ana"), n.person(t, "bea")
		target := ana.target()
		root := publish(t, target, nota("hola"))
		reply := bea.reply(t, root, root, "antes")
		same := bea.reply(t, root, root, "siempre")
		cursor := n.poll(t, target, root, "").Cursor
		bea.write(t, bskyPost, keyOf(reply), fields{"text": "después", "reply": fields{"root": strong(root), "parent": strong(root)}})
		for range 2 {
			answers := n.poll(t, target, root, cursor)
			cursor = answers.Cursor
			for _, a := range answers.List {
				if a.ID == same.ID && (!a.Edited.IsZero() || a.Text != "siempre") || a.ID == reply.ID && (a.Edited.IsZero() || a.Text != "después") {
					t.Errorf("got %q, edited %v", a.Text, a.Edited)
				}
			}
			if len(answers.List) != 2 {
				t.Errorf("got %v", heard(answers))
			}
		}
	})
}

// A copy that nobody shows yet is not gone: its own server has it.
func TestBlueskyWaitsForTheAppView(t *testing.T) {
	n := fakeNetwork(t)
	target := n.person(t, "ana").target()
	root := publish(t, target, nota("hola"))
	elsewhere := fakeNetwork(t)
	target.AppView = elsewhere.AppView
	answers, err := target.Poll(context.Background(), root, "mine")
	if err != nil || answers.Cursor != "mine" || len(answers.Complete) != 0 {
		t.Errorf("got %v %v, want nothing, and no error", answers, err)
	}
}

// Many pages, and threads deeper than one answer has.
func TestBlueskyReadsLongThreadsAndLists(t *testing.T) {
	n := fakeNetwork(t)
	ana, bea := n.person(t, "ana"), n.person(t, "bea")
	target, root := ana.target(), publish(t, ana.target(), nota("hola"))
	parent := root
	for i := range 250 {
		parent = bea.reply(t, root, parent, fmt.Sprint("nivel ", i))
	}
	for range 120 {
		bea.quote(t, root, "cita")
	}
	for i := range 105 {
		n.person(t, fmt.Sprint("p", i)).react(t, "app.bsky.feed.like", root)
	}
	kinds := map[string]int{}
	answers := n.poll(t, target, root, "")
	for _, a := range answers.List {
		kinds[a.Type]++
	}
	if diff := cmp.Diff(map[string]int{"reply": 250, "mention": 120, "like": 105}, kinds); diff != "" || len(answers.Complete) != 4 {
		t.Errorf("%v complete %v", diff, answers.Complete)
	}
}
