package store_test

import (
	"errors"
	"io/fs"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/mf2"
	"tertulia/store"
)

func TestContactsListsThoseThatAreThere(t *testing.T) {
	db := open(t, t.TempDir(), store.Options{})
	named := func(id, name string) store.Contact {
		return store.Contact{ID: id, Item: mf2.Item{Type: []string{"h-card"}, Properties: map[string][]any{"name": {name}}}, Created: start}
	}
	gone := named("2", "Bo")
	gone.Deleted = start
	update(t, db, site, func(tx *store.Tx) error {
		return errors.Join(tx.PutContact(named("1", "Ana")), tx.PutContact(gone), tx.PutContact(named("3", "Cis")))
	})
	view(t, db, site, func(tx *store.Tx) error {
		found, err := tx.Contacts()
		if diff := cmp.Diff([]store.Contact{named("1", "Ana"), named("3", "Cis")}, found); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if c, bad := tx.Contact("2"); bad != nil || c.Deleted.IsZero() {
			t.Errorf("a deleted one: got %+v, %v", c, bad)
		}
		if _, bad := tx.Contact("4"); !errors.Is(bad, fs.ErrNotExist) {
			t.Errorf("none: got %v", bad)
		}
		return err
	})
}

// A channel lists its posts that readers may see, and follows one that moves to another.
func TestPostsInChannelFollowsThePost(t *testing.T) {
	db := open(t, t.TempDir(), store.Options{})
	post := func(name, channel string) store.Post {
		return store.Post{Permalink: name, Channel: channel, Date: start.Add(time.Duration(len(name)) * time.Hour)}
	}
	draft, private := post("draft", "mar"), post("private", "mar")
	draft.Draft, private.Private = true, true
	for _, p := range []store.Post{post("a", "mar"), post("bb", "mar"), post("ccc", ""), post("dddd", "pan"), draft, private} {
		update(t, db, site, func(tx *store.Tx) error { return tx.PutPost(p) })
	}
	wantIn := func(channel string, want ...string) {
		t.Helper()
		view(t, db, site, func(tx *store.Tx) error {
			found, _, err := tx.PostsInChannel(channel, store.Range{Backward: true})
			var got []string
			for _, p := range found {
				got = append(got, p.Permalink)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", channel, diff)
			}
			return err
		})
	}
	wantIn("mar", "bb", "a")
	wantIn("pan", "dddd")
	wantIn("ma")
	update(t, db, site, func(tx *store.Tx) error { return tx.PutPost(post("bb", "pan")) })
	wantIn("mar", "a")
	wantIn("pan", "dddd", "bb")
}
