package site_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/store"
)

func bridged(b site.Bridged) func(*site.Site) { return func(s *site.Site) { s.Bridged = b } }

// brought is a page of a bridge about somebody on a network who does something with a copy
// of a post: kind is the class of their link to it.
func brought(kind, post, who, more string) string {
	return fmt.Sprintf(`<article class="h-entry"><span class="p-author h-card"><a class="p-name u-url" href="https://mastodon.social/@%[3]s">%[4]s</a>
<img class="u-photo" src="https://files.example/%[3]s.png"></span> <a class="u-url" href="https://mastodon.social/@%[3]s/%[1]s"></a>
<a class="%[1]s" href="%[2]s"></a>%[5]s</article>`, kind, post, strings.ToLower(strings.Fields(who)[0]), who, more)
}

var unmarked = strings.NewReplacer("<b>", "", "</b>", "", "<p>", "", "</p>", "")

// seen is what readers are shown of a page, a line for each response, and its counts.
func (w *world) seen(address string) (lines []string) {
	w.t.Helper()
	page, err := w.talk.Of(w.t.Context(), address)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range page.Responses {
		photo := ""
		if r.Author.Photo != "" {
			photo = "pictured"
		}
		below := ""
		if r.Parent != "" {
			below = "below"
		}
		lines = append(lines, strings.Join(strings.Fields(strings.Join([]string{r.Type, r.Author.Name, r.Author.URL, photo, r.URL, r.Source, r.Host, r.Bridge, r.Name, r.Text, unmarked.Replace(r.HTML), below}, " ")), " "))
	}
	slices.Sort(lines)
	for _, kind := range []string{"like", "repost", "bookmark", "follow", "reaction", "rsvp-yes", "reply", "mention"} {
		if n := page.Counts[kind]; n > 0 {
			lines = append(lines, fmt.Sprint(kind, " ", n))
		}
	}
	return lines
}

// What of people whom a bridge has brought is shown by each setting; who speaks from a place
// of their own is always shown in full.
func TestBridgedPeopleAreShownAsTheOwnerSays(t *testing.T) {
	counts := []string{"like 2", "repost 1", "bookmark 1", "reaction 1", "rsvp-yes 1", "reply 2"}
	home := "like Hana Hogar https://hana.example/ https://hana.example/1 https://hana.example/1 hana.example"
	full := func(path, kind, who string) string {
		profile := "https://mastodon.social/@" + strings.ToLower(strings.Fields(who)[0])
		return strings.Join([]string{who, profile, "pictured", profile + "/" + kind, "https://brid.gy/" + path, "brid.gy brid.gy"}, " ")
	}
	replies := []string{
		"reply " + full("comment/1", "u-in-reply-to", "Rosa Quinta") + " I liked it I liked it",
		"reply " + full("comment/2", "u-in-reply-to", "Saul Sexto") + " so do I so do I below",
	}
	for dial, want := range map[site.Bridged][]string{
		site.BridgedFull: slices.Concat([]string{
			"bookmark " + full("bookmark/1", "u-bookmark-of", "Caro Tercera"), home, "like " + full("like/1", "u-like-of", "Lola Prima"),
			"reaction " + full("react/1", "u-in-reply-to", "Eva Cuarta") + " 👍 👍",
		}, replies, []string{
			"repost " + full("repost/1", "u-repost-of", "Berta Segunda"), "rsvp " + full("rsvp/1", "u-in-reply-to", "Vera Séptima"),
		}),
		"":                    slices.Concat([]string{"bookmark Caro", home, "like Lola", "reaction Eva 👍 👍"}, replies, []string{"repost Berta", "rsvp Vera"}),
		site.BridgedAnonymous: {home, "reply Rosa I liked it I liked it", "reply Saul so do I so do I below"},
	} {
		t.Run(string(dial), func(t *testing.T) {
			withFaces(t, func(t *testing.T, w *world) {
				files, bridge := w.gallery("files.example"), w.host("brid.gy")
				post := w.create(entry("content", "hello"))
				send := func(path, kind, who, more string) {
					files.hang("/"+strings.ToLower(strings.Fields(who)[0])+".png", red)
					bridge.says(path, brought(kind, post, who, more))
					w.receive("https://brid.gy"+path, post)
				}
				send("/like/1", "u-like-of", "Lola Prima", "")
				send("/repost/1", "u-repost-of", "Berta Segunda", "")
				send("/bookmark/1", "u-bookmark-of", "Caro Tercera", "")
				send("/react/1", "u-in-reply-to", "Eva Cuarta", `<p class="e-content">👍</p>`)
				send("/comment/1", "u-in-reply-to", "Rosa Quinta", `<p class="e-content">I liked <b>it</b></p>`)
				send("/comment/2", "u-in-reply-to", "Saul Sexto", `<a class="u-in-reply-to" href="https://mastodon.social/@rosa/u-in-reply-to"></a><p class="e-content">so do I</p>`)
				send("/rsvp/1", "u-in-reply-to", "Vera Séptima", `<data class="p-rsvp" value="yes"></data>`)
				w.host("hana.example").says("/1", `<div class="h-entry"><a class="p-author h-card" href="/">Hana Hogar</a><a class="u-like-of" href="`+post+`"></a></div>`)
				w.receive("https://hana.example/1", post)
				pass(time.Hour) // pictures are asked for slowly
				got := w.seen(post)
				wanted := slices.Clone(want)
				slices.Sort(wanted)
				if diff := cmp.Diff(append(wanted, counts...), got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				shown := 0
				for _, line := range got {
					shown += strings.Count(line, "pictured")
				}
				w.wantEntries(post, 8)
				if files.visits() != shown {
					t.Errorf("%d pictures were fetched, %d are shown", files.visits(), shown)
				}
			}, bridged(dial))
		})
	}
}

// wantEntries fails unless clients of the API find so many entries, each with an address of
// its own by which they tell them apart.
func (w *world) wantEntries(address string, want int) {
	w.t.Helper()
	feed, err := w.talk.JF2(w.t.Context(), site.Query{Targets: []string{address}, PerPage: 100})
	if err != nil || len(feed.Children) != want {
		w.t.Errorf("%d entries, %v, want %d", len(feed.Children), err, want)
	}
	seen := map[string]bool{"": true}
	for _, e := range feed.Children {
		if seen[e.URL] || e.WMSource == "" || e.WMTarget != address || e.WMID == 0 {
			w.t.Errorf("%s: %+v", w.site.Bridged, e)
		}
		seen[e.URL] = true
	}
}

// When the setting changes, readers' caches are told, and the faces that are hidden now
// leave the disk: those that others are shown with as well stay.
func TestFacesOfTheHiddenAreLetGo(t *testing.T) {
	withFaces(t, func(t *testing.T, w *world) {
		files, bridge := w.gallery("files.example"), w.host("brid.gy")
		post := w.create(entry("content", "hello"))
		files.hang("/lola.png", red)
		files.hang("/rosa.png", blue)
		bridge.says("/like/1", brought("u-like-of", post, "Lola Prima", ""))
		bridge.says("/like/2", brought("u-like-of", post, "Rosa Quinta", ""))
		bridge.says("/comment/1", brought("u-in-reply-to", post, "Rosa Quinta", `<p class="e-content">hi</p>`))
		for _, path := range []string{"/like/1", "/like/2", "/comment/1"} {
			w.receive("https://brid.gy"+path, post)
		}
		pass(time.Hour)
		before := w.faces(post)
		if len(before) != 3 || before[0] == "" || before[1] == "" || before[0] == before[1] {
			t.Fatalf("faces before: %q", before)
		}
		revision := func() string {
			r, err := w.talk.Revision(t.Context(), []string{post})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		was := revision()

		w.stop()
		w.site.Bridged = site.BridgedFirstName // as after a restart
		if revision() == was {
			t.Error("other settings, the same revision")
		}
		for range 2 {
			if err := w.jobs.SweepPictures(t.Context(), w.site, time.Now().Add(-24*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		dir := filepath.Join(w.site.Uploads, store.Pictures)
		for i, there := range []bool{false, true} {
			if _, err := os.Stat(filepath.Join(dir, before[i])); (err == nil) != there {
				t.Errorf("face %d: %v, want it there: %v", i, err, there)
			}
		}
		if faces := w.faces(post); faces[0] != "" || faces[1] != "" || faces[2] != before[1] {
			t.Errorf("faces after: %q", faces)
		}

		// A job that was promised before the settings changed fetches nobody hidden.
		visits := files.visits()
		update := func(tx *store.Tx) error {
			return tx.Enqueue(store.Job{Kind: "picture", Key: "https://files.example/lola.png", Args: []byte(`"https://files.example/lola.png"`), Lane: "files.example"})
		}
		if err := w.db.Update(t.Context(), w.site.Key, update); err != nil {
			t.Fatal(err)
		}
		w.start()
		pass(time.Hour)
		if files.visits() != visits {
			t.Error("the picture of somebody hidden was fetched")
		}
	}, bridged(site.BridgedFull))
}

// A status page says no more of whom a bridge has brought than the conversation does.
func TestStatusPagesHideWhomABridgeBrought(t *testing.T) {
	for dial, hidden := range map[site.Bridged][]string{
		site.BridgedFull: {}, site.BridgedFirstName: {"like", "new"}, site.BridgedAnonymous: {"like", "comment", "new"},
	} {
		inWorld(t, func(t *testing.T, w *world) {
			bridge := w.host("brid.gy")
			post := w.create(entry("content", "hello"))
			bridge.says("/like", brought("u-like-of", post, "Lola Prima", ""))
			bridge.says("/comment", brought("u-in-reply-to", post, "Rosa Quinta", `<p class="e-content">hi</p>`))
			for _, kind := range []string{"like", "comment", "new"} {
				id := w.receive("https://brid.gy/"+kind, post)
				s, err := w.talk.Status(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if got := s.Source == ""; got != slices.Contains(hidden, kind) {
					t.Errorf("%s, %s: source %q", dial, kind, s.Source)
				}
			}
			// Who decides sees everything.
			list, _, err := w.talk.Waiting(t.Context(), "", 10)
			if err != nil || len(list) != 2 || list[0].Author.Name != "Lola Prima" || list[0].Source == "" || list[0].Author.URL == "" {
				t.Errorf("the owner sees %+v, %v", list, err)
			}
		}, bridged(dial))
	}
}

// Nor does the list of what has gone say where it came from.
func TestWhatIsGoneHidesWhomABridgeBrought(t *testing.T) {
	for dial, want := range map[site.Bridged]string{site.BridgedFull: "https://brid.gy/like", site.BridgedFirstName: "", site.BridgedAnonymous: ""} {
		inWorld(t, func(t *testing.T, w *world) {
			post := w.create(entry("content", "hello"))
			w.host("brid.gy").says("/like", brought("u-like-of", post, "Lola Prima", ""))
			w.decide(w.mentions.Reject, w.receive("https://brid.gy/like", post))
			feed, err := w.talk.Deleted(t.Context(), site.Query{Everything: true})
			if err != nil || len(feed.Children) != 1 || feed.Children[0].WMSource != want || feed.Children[0].WMTarget == "" {
				t.Errorf("%s: %+v, %v, want the source %q", dial, feed.Children, err, want)
			}
		}, bridged(dial), approve(site.ApproveNone))
	}
}
