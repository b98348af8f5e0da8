package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"tertulia/mf2"
	"tertulia/store"
)

// PostState is how far the newest revision of a post has come.
type PostState string

// A post is a draft, scheduled, private or deleted; else it is parked when its road has come to
// an end for now, or on its way: queued, published (written), live (seen there), announced.
const (
	PostDraft     PostState = "draft"
	PostScheduled PostState = "scheduled"
	PostPrivate   PostState = "private"
	PostDeleted   PostState = "deleted"
	PostParked    PostState = "parked"
	PostQueued    PostState = "queued"
	PostPublished PostState = "published"
	PostLive      PostState = "live"
	PostAnnounced PostState = "announced"
)

// PostStates are all of them, in the order in which a post may pass through them.
func PostStates() []PostState {
	return []PostState{PostDraft, PostScheduled, PostQueued, PostPublished, PostLive, PostAnnounced, PostParked, PostPrivate, PostDeleted}
}

// PostRow is a post as the owner's list shows it.
type PostRow struct {
	Permalink string
	Kind      string // of mf2.Item.Kind
	Title     string // its name, else how it begins, else what it answers; "" when it says nothing
	State     PostState
	Why       string // with PostParked: what went wrong last, in English
	Date      time.Time
	Updated   time.Time // zero: never
	Adopted   bool      // somebody has written it in the source of the site
}

// PostQuery says which posts the owner's list shows.
type PostQuery struct {
	State PostState // only these; "" for all
	Words string    // only those that have all of these words in them, whatever the case and the accents
	From  string    // PostPage.Next of the page before; "" begins with the newest
	Limit int
}

// PostPage is a part of the list of posts, the newest first.
type PostPage struct {
	Posts []PostRow
	Next  string    // where the list goes on; "" at its end
	Until time.Time // with fewer than Limit posts and Next: the date that was looked through to
}

// How many posts are looked at for one page, so that a page is quick whatever there is: those
// whose words are read, and those of which only the place in the index is.
const (
	mostRead   = 200
	mostPassed = 10_000
)

// Find lists posts for the owner, the newest first, deleted ones and drafts included. It reads
// so many that a page is made at once: PostPage tells where to go on looking.
func (p *Posts) Find(ctx context.Context, q PostQuery) (page PostPage, err error) {
	words := strings.Fields(Folded(q.Words))
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		page = PostPage{}
		stuck := p.Site.unbuilt(tx)
		var posts []store.Post
		var next string
		keep := func(post *store.Post) bool {
			state, _ := stateOf(tx, *post, stuck)
			return (q.State == "" || state == q.State) && says(*post, words)
		}
		from := store.Range{From: decodeCursor(q.From), Limit: q.Limit, Backward: true}
		switch {
		case slices.Contains([]PostState{PostDraft, PostScheduled, PostPrivate, PostDeleted}, q.State):
			posts, next, err = tx.HiddenByTime(from, mostPassed, keep)
		case q.State == PostParked && stuck == "":
			posts, next, err = parkedPosts(tx, from, keep)
		default:
			read := mostRead
			if q.State == "" && len(words) == 0 {
				read = q.Limit
			}
			posts, next, err = readPosts(tx, from, read, keep)
		}
		if err != nil {
			return err
		}
		for _, post := range posts {
			page.Posts = append(page.Posts, rowOf(tx, post, stuck))
		}
		if page.Next = encodeCursor(next); next != "" && len(posts) < q.Limit {
			if _, permalink, ok := strings.Cut(next, "\x00"); ok {
				at, err := tx.Post(permalink)
				page.Until = at.Date
				return ignore(err, fs.ErrNotExist)
			}
		}
		return nil
	})
	return page, err
}

// readPosts looks through the posts from a place on, as many as can be read for one page.
func readPosts(tx *store.Tx, r store.Range, most int, keep func(*store.Post) bool) (found []store.Post, next string, err error) {
	limit := r.Limit
	r.Limit = most
	all, next, err := tx.Posts(r, false)
	for _, post := range all {
		if len(found) == limit {
			return found, post.PlaceInTime(), err
		}
		if keep(&post) {
			found = append(found, post)
		}
	}
	return found, next, err
}

// parkedPosts finds the posts whose jobs were given up by these.
func parkedPosts(tx *store.Tx, r store.Range, keep func(*store.Post) bool) (found []store.Post, next string, err error) {
	jobs, err := tx.ParkedJobs()
	if err != nil {
		return nil, "", err
	}
	seen := map[string]bool{}
	for _, job := range jobs {
		if job.Kind != jobPublish && job.Kind != jobAnnounce || seen[job.Key] {
			continue
		}
		seen[job.Key] = true
		post, err := tx.Post(job.Key)
		if err != nil {
			continue // it has gone, or moved, and the job will find nothing to do
		}
		if (r.From == "" || post.PlaceInTime() <= r.From) && keep(&post) {
			found = append(found, post)
		}
	}
	slices.SortFunc(found, func(a, b store.Post) int { return strings.Compare(b.PlaceInTime(), a.PlaceInTime()) })
	if len(found) > r.Limit {
		return found[:r.Limit], found[r.Limit].PlaceInTime(), nil
	}
	return found, "", nil
}

// unbuilt is why the site is not built any more, "" when it is.
func (s *Site) unbuilt(tx *store.Tx) string {
	if s.Source == nil {
		return ""
	}
	job, err := tx.JobOf(jobDeploy, deployJob(s).Key)
	if err != nil || job.Parked.IsZero() {
		return ""
	}
	return cmp.Or(job.Error, "the site could not be built")
}

// stateOf is how far a post has come, and why it does not go on. stuck is why the site is not
// built, "" when it is.
func stateOf(tx *store.Tx, post store.Post, stuck string) (state PostState, why string) {
	switch {
	case !post.Deleted.IsZero():
		state = PostDeleted
	case post.Draft:
		state = PostDraft
	case post.Private:
		state = PostPrivate
	case post.Scheduled:
		state = PostScheduled
	case post.Announced >= post.Revision:
		return PostAnnounced, ""
	case post.Live >= post.Revision:
		state = PostLive
	case post.Published >= post.Revision:
		state = PostPublished
	default:
		state = PostQueued
	}
	for _, kind := range []string{jobPublish, jobAnnounce} {
		if job, err := tx.JobOf(kind, post.Permalink); err == nil && !job.Parked.IsZero() {
			return PostParked, cmp.Or(job.Error, "given up")
		}
	}
	if state == PostPublished && stuck != "" {
		return PostParked, stuck
	}
	return state, ""
}

func rowOf(tx *store.Tx, post store.Post, stuck string) PostRow {
	state, why := stateOf(tx, post, stuck)
	return PostRow{
		Permalink: post.Permalink, Kind: post.Kind, Title: titleOf(post.Item), State: state, Why: why,
		Date: post.Date, Updated: post.Updated, Adopted: post.Adopted,
	}
}

// maxPostTitle is how many runes of a post a list shows.
const maxPostTitle = 120

// titleOf is what a list calls a post.
func titleOf(item mf2.Item) string {
	title := ""
	for _, name := range []string{"name", "content", "summary"} {
		title = cmp.Or(title, strings.Join(strings.Fields(item.Get(name)), " "))
	}
	for _, name := range []string{"in-reply-to", "repost-of", "like-of", "bookmark-of"} {
		if urls := item.URLs(name); len(urls) > 0 {
			title = cmp.Or(title, urls[0])
		}
	}
	if runes := []rune(title); len(runes) > maxPostTitle {
		title = strings.TrimSpace(string(runes[:maxPostTitle])) + "…"
	}
	return title
}

// says tells whether a post has all of some folded words in it, or in its address.
func says(post store.Post, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text := []string{post.Permalink, post.File}
	for _, name := range []string{"name", "content", "summary", "category", "location"} {
		text = append(text, post.Item.Strings(name)...)
	}
	for _, name := range []string{"in-reply-to", "repost-of", "like-of", "bookmark-of"} {
		text = append(text, post.Item.URLs(name)...)
	}
	folded := Folded(strings.Join(text, "\n"))
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(folded, w) })
}

// Folded is a text as it is searched: without accents, in lower case. Who looks for "educacion"
// finds "Educación".
func Folded(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(s))
}

// PostView is all that the owner is shown of a post besides what it says.
type PostView struct {
	PostRow
	Created time.Time
	Client  string // client_id of the editor that has made it; "" for none
	Channel string // its name; "" for none
	File    string // in the source of the site; "" for none
	Former  []string
	Copies  []string // addresses of its copies
	Wanted  []string // names of where copies were asked for
	Chosen  []string // the uids of those
	Open    bool     // readers have not seen it yet, and other copies can be asked for
	Again   bool     // publishing and announcing it once more makes sense
	Shown   bool     // there is a page of it, for readers or for the owner

	Revision, Published, Live, Announced int // see store.Post

	History []PostEvent
	Sent    []PostSent // the newest first
}

// PostEvent is one stage in the life of a post.
type PostEvent struct {
	At    time.Time
	Stage string
	Note  string // in English; may be empty
}

// PostSent is what became of the Webmention to one target.
type PostSent struct {
	Target, State, Note string
	Status              int    // HTTP status of the answer; 0: none
	Location            string // its status page; may be empty
	At                  time.Time
}

// About is all about a post, by any address of its page; fs.ErrNotExist when there is none.
func (p *Posts) About(ctx context.Context, address string) (v PostView, err error) {
	err = p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		post, err := p.find(tx, address)
		if err != nil {
			return err
		}
		v = PostView{
			PostRow: rowOf(tx, post, p.Site.unbuilt(tx)), Created: post.Created, Client: post.Client, File: post.File, Chosen: post.Syndicate, Open: !post.Promised,
			Former: post.Former, Copies: post.Item.URLs("syndication"), Again: post.Promised && !post.Draft && !post.Private,
			Shown: post.Visible() || forOwner(post) && p.Site.Render != nil, Revision: post.Revision, Published: post.Published, Live: post.Live, Announced: post.Announced,
		}
		for _, c := range p.Site.Channels {
			if c.UID == post.Channel {
				v.Channel = c.Name
			}
		}
		for _, t := range p.Site.targets() {
			if slices.Contains(post.Syndicate, t.UID) {
				v.Wanted = append(v.Wanted, t.Name)
			}
		}
		for _, e := range post.History {
			v.History = append(v.History, PostEvent{e.At, e.Stage, e.Note})
		}
		for _, s := range post.Sent {
			v.Sent = append(v.Sent, PostSent{s.Target, s.State, s.Note, s.Status, s.Location, s.At})
		}
		slices.SortStableFunc(v.Sent, func(a, b PostSent) int { return b.At.Compare(a.At) })
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return v, fs.ErrNotExist
	}
	return v, err
}
