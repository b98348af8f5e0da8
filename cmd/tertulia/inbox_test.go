package main

import (
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"testing"
	"time"

	"tertulia/mf2"
	"tertulia/store"
)

var manyStored = flag.Int("inbox-stored", 3000, "how `many` mentions TestOwnersPagesDoNotGrow stores; it prints how long each page takes")

// crowd stores mentions in all states: most of them shown, by a thousand people; a tenth waits, of
// which half is floods; a tenth is quarantined.
func (a *apart) crowd(n int) {
	a.Helper()
	a.say(a.home()+"post/", store.Version{Type: "like", URL: "https://bea.example/"})
	page := ""
	people := min(1000, n/10)
	person := func(i int) string { return fmt.Sprintf("person%04d", i%people) }
	for from := 0; from < n; from += 2000 {
		err := a.db.Update(a.Context(), a.ana.Key, func(tx *store.Tx) error {
			p, err := tx.PageAt("/post")
			if page = p.ID; err != nil {
				return err
			}
			for i := from; i < min(from+2000, n); i++ {
				home := fmt.Sprintf("https://site%d.example/", i%people)
				if i < people {
					trust := []store.Trust{store.Unknown, store.Trusted, store.Blocked, store.Muted}[i%4]
					if err := tx.PutPerson(store.Person{ID: person(i), Name: fmt.Sprint("Person ", i), URL: home, Identities: []string{home[8:]}, Trust: trust, Since: tx.Now, Created: tx.Now}); err != nil {
						return err
					}
				}
				m := store.Mention{ID: store.NewID(tx.Now.Add(time.Duration(i) * time.Millisecond)), Source: fmt.Sprint(home, i), Target: a.home() + "post/", Page: page, State: store.Approved, Received: tx.Now, Cluster: home[8 : len(home)-1]}
				m.History = []store.Event{{At: tx.Now, Stage: "received"}, {At: tx.Now, Stage: "looked at", Note: "linked: the page links here"}}
				v := store.Version{Type: "reply", Author: mf2.Author{Name: fmt.Sprint("Person ", i%people), URL: home}, Person: person(i), URL: m.Source, Text: fmt.Sprint("What person says, number ", i, ", and some more words about it, as people do."), Digest: fmt.Sprint("d", i)}
				switch i % 20 {
				case 1, 2, 3:
					m.State, m.Decision = store.Rejected, store.Rejected
				case 4:
					m.State, m.Why = store.Pending, "person"
				case 5:
					m.State, m.Why, m.Cluster, v.Person = store.Pending, "author", fmt.Sprintf("flood%d.example", i/20%3), ""
				case 6, 7:
					m.State, m.Why, m.Cluster, v.Person = store.Quarantined, "links", fmt.Sprintf("spam%d.example", i%3000), ""
				}
				m.Shown = &v
				if err := tx.PutMention(m); err != nil {
					return err
				}
				if m.Decision != "" {
					if err := tx.Record(store.Decision{By: "me", Action: "reject", Subject: m.ID}); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			a.Fatal(err)
		}
	}
}

// signedIn is a client that is signed in at the service.
func (a *apart) signedIn() *http.Client {
	a.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		a.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	link, err := a.ana.Access.NewLink(a.Context())
	if err != nil {
		a.Fatal(err)
	}
	resp, err := client.Post(link, "application/x-www-form-urlencoded", nil)
	if err != nil {
		a.Fatal(err)
	}
	resp.Body.Close()
	return client
}

// HOSTILE 89: the owner's pages about mentions and people are read from indexes and are under 50 KB,
// however much is stored: with -inbox-stored 100000 each answers in less than 50 ms.
func TestOwnersPagesDoNotGrow(t *testing.T) {
	a := newApart(t)
	a.crowd(*manyStored)
	client := a.signedIn()
	for _, at := range []string{"", "quarantine", "decided", "decided?q=nothing+of+that", "decided?q=person+number&who=site7.example", "decided?state=rejected", "decisions",
		"people", "people?trust=blocked", "people?q=nobody", "person?id=person0001", "person?id=person0004"} {
		var took []time.Duration
		size := 0
		for range 9 {
			began := time.Now()
			resp, err := client.Get(a.ana.Endpoint("admin/" + at))
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != 200 {
				t.Fatalf("%s: got %s, %v", at, resp.Status, err)
			}
			took, size = append(took, time.Since(began)), len(body)
		}
		slices.Sort(took)
		t.Logf("admin/%-44s %6d bytes, %s (of nine, the slowest %s)", at, size, took[len(took)/2].Round(100*time.Microsecond), took[len(took)-1].Round(100*time.Microsecond))
		if size > 50<<10 {
			t.Errorf("%s has %d bytes", at, size)
		}
	}
}
