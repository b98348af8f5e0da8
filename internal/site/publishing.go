package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/html"

	"tertulia/internal/failpoint"
	"tertulia/internal/publish"
	"tertulia/internal/queue"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// publish writes the post's page, or takes it away, and the lists it stands in.
func (j *Jobs) publish(ctx context.Context, job store.Job) (queue.Commit, error) {
	var permalink string
	s, err := j.begin(job, &permalink)
	if err != nil {
		return nil, err
	}
	// One at a time, and the lists read inside: a list that was read earlier must
	// not be written later.
	if s.Publish == nil {
		return nil, queue.Permanent(errors.New("the site's settings name no place for posts"))
	}
	s.publishing.Lock()
	defer s.publishing.Unlock()
	change, revision, err := j.change(ctx, s, permalink)
	if err != nil {
		return nil, err
	}
	if err := cmp.Or(s.Publish.Publish(ctx, change), failpoint.Err("publish.write")); err != nil {
		return nil, fmt.Errorf("publish %s: %w", permalink, err)
	}
	return func(tx *store.Tx) error {
		post, err := tx.Post(permalink)
		if err != nil {
			return err
		}
		if revision <= post.Published {
			return nil // it was published before; what follows is promised already
		}
		post.Published = revision
		post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "published", Note: "revision " + strconv.Itoa(revision)})
		if err := tx.PutPost(post); err != nil {
			return err
		}
		return cmp.Or(tx.Enqueue(announceJob(permalink)), failpoint.Err("publish.commit"))
	}, nil
}

// change gathers what a publisher needs. An empty permalink gives the lists alone.
func (j *Jobs) change(ctx context.Context, s *Site, permalink string) (publish.Change, int, error) {
	c := publish.Change{Site: publish.Site{
		URL: s.Me(), Base: s.Base, Name: s.Name, Language: s.Language, Author: s.Author, Links: s.Links(),
	}}
	var post store.Post
	var recent, month []store.Post
	err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		if permalink != "" {
			if post, err = tx.Post(permalink); err != nil {
				return err
			}
			if month, err = tx.PostsIn(post.Month()); err != nil {
				return err
			}
		}
		c.Months = months(tx.Months())
		recent, _, err = tx.Posts(store.Range{Limit: 20, Backward: true}, true)
		return err
	})
	if err != nil {
		return c, 0, err
	}
	if permalink != "" {
		c.Post = publishable(post)
	}
	c.Recent, c.Month = listed(recent), listed(month)
	return c, post.Revision, nil
}

// listed are those of some posts that lists show.
func listed(posts []store.Post) (list []publish.Post) {
	for _, p := range posts {
		if visibility(p.Item) != unlisted {
			list = append(list, publishable(p))
		}
	}
	return list
}

func publishable(p store.Post) publish.Post {
	return publish.Post{
		Permalink: p.Permalink, Item: p.Item, Kind: p.Kind, HTML: postHTML(p.Item, p.Permalink),
		Published: p.Date, Updated: p.Updated, Revision: strconv.Itoa(p.Revision),
		Deleted: !p.Visible(), Syndication: p.Item.URLs("syndication"),
	}
}

func months(counts map[string]int) []publish.Month {
	var list []publish.Month
	for name, n := range counts {
		if t, err := time.Parse("2006-01", name); err == nil {
			list = append(list, publish.Month{Year: t.Year(), Month: t.Month(), Posts: n})
		}
	}
	slices.SortFunc(list, func(a, b publish.Month) int { return (b.Year*12 + int(b.Month)) - (a.Year*12 + int(a.Month)) })
	return list
}

// WriteHome brings a site's home page into being before there is a post.
func (j *Jobs) WriteHome(ctx context.Context, s *Site) error {
	if s.Publish == nil {
		return nil
	}
	s.publishing.Lock()
	defer s.publishing.Unlock()
	c, _, err := j.change(ctx, s, "")
	if err != nil {
		return err
	}
	return s.Publish.Publish(ctx, c)
}

// patience is how long we wait for a revision on a page that answers all the
// while: then its pages carry neither our marker nor our text.
const patience = 30 * time.Minute

// announce waits until the published revision is live, then promises a send to
// every page it links to or linked to before (TRAPS T-WS10, T-WS11).
// Spec: webmention#sending-webmentions-for-updated-posts-p-1
func (j *Jobs) announce(ctx context.Context, job store.Job) (queue.Commit, error) {
	var permalink string
	s, err := j.begin(job, &permalink)
	if err != nil {
		return nil, err
	}
	var post store.Post
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		post, err = tx.Post(permalink)
		return err
	}); err != nil {
		return nil, err
	}
	if post.Published < post.Revision || post.Announced == post.Revision {
		return nil, nil // a newer revision is on its way and announces itself, or it is done
	}
	page, live, err := j.look(ctx, s, post)
	failpoint.Hit("announce.look")
	if err != nil || !live.yes {
		waited := j.DB.Now().Sub(since(post.History, "published"))
		if err == nil {
			err = fmt.Errorf("not live yet: %s", live.why)
		}
		if !live.answers || waited < patience {
			return nil, queue.After(min(max(waited/4, 100*time.Millisecond), time.Minute), err)
		}
		live.why = "the page carries no trace of this revision; announced all the same"
	}
	var links []string
	if post.Visible() {
		links = linksOn(s, page, post)
	}
	return func(tx *store.Tx) error { return j.announced(tx, permalink, post.Revision, links, live.why) }, nil
}

// since is when a stage was reached last.
func since(history []store.Event, stage string) time.Time {
	for _, e := range slices.Backward(history) {
		if e.Stage == stage {
			return e.At
		}
	}
	return time.Time{}
}

// announced writes down that a revision is live and promises the sends.
func (j *Jobs) announced(tx *store.Tx, permalink string, revision int, links []string, note string) error {
	post, err := tx.Post(permalink)
	if err != nil {
		return err
	}
	if post.Announced >= revision {
		return nil
	}
	post.Live, post.Announced = revision, revision
	post.History = store.AddEvent(post.History, store.Event{At: tx.Now, Stage: "live", Note: note})
	for _, link := range links {
		if sentTo(post, link) < 0 {
			post.Sent = append(post.Sent, store.Sent{Target: link, State: waiting})
		}
	}
	for i := range post.Sent {
		sent := &post.Sent[i]
		linked := slices.Contains(links, sent.Target)
		told := !linked && !sent.Linked && sent.State != waiting
		if sent.Linked = linked; told {
			continue // it had its last send when the link went, whatever came of it
		}
		sent.Revision, sent.State, sent.At = revision, waiting, tx.Now
		if err := tx.Enqueue(sendJob(permalink, sent.Target)); err != nil {
			return err
		}
	}
	tx.OnCommit(func() { j.Live.tell(permalink) })
	return cmp.Or(tx.PutPost(post), failpoint.Err("announce.commit"))
}

// liveness is what a look at a page tells.
type liveness struct {
	yes     bool
	answers bool // the page is there, whatever it says
	why     string
}

// look asks the site for the post's page: a post is live when the page shows its
// revision or its text, a deleted one when the page is gone or has none of its links.
func (j *Jobs) look(ctx context.Context, s *Site, post store.Post) (mf2.Page, liveness, error) {
	u, err := url.Parse(post.Permalink)
	if err != nil {
		return mf2.Page{}, liveness{}, queue.Permanent(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, post.Permalink, nil)
	if err != nil {
		return mf2.Page{}, liveness{}, queue.Permanent(err)
	}
	req.Header.Set("User-Agent", webmention.DefaultUserAgent)
	req.Header.Set("Cache-Control", "no-cache")
	resp, err := j.Own.Do(req)
	if err != nil {
		return mf2.Page{}, liveness{}, err
	}
	defer resp.Body.Close()
	if code := resp.StatusCode; !post.Visible() && (code == http.StatusGone || code == http.StatusNotFound) {
		return mf2.Page{}, liveness{yes: true, why: resp.Status}, nil
	}
	if resp.StatusCode != http.StatusOK {
		return mf2.Page{}, liveness{why: "the page answers " + resp.Status}, nil
	}
	page, doc, err := mf2.Parse(resp.Body, resp.Header.Get("Content-Type"), u)
	if err != nil {
		return page, liveness{}, err
	}
	if !post.Visible() {
		// Where nobody can answer 410 a page without the links stands in its place.
		left := linksOn(s, page, post)
		return page, liveness{yes: len(left) == 0, answers: true, why: "the page still has its links"}, nil
	}
	if revision := metaContent(doc, publish.RevisionMeta); revision != "" {
		have, _ := strconv.Atoi(revision) // what is no number is an old page
		return page, liveness{yes: have >= post.Revision, answers: true, why: "revision " + revision}, nil
	}
	entry, _ := page.Entry()
	text := strings.Join(strings.Fields(post.Item.Get("content")), " ")
	shown := strings.Join(strings.Fields(entry.Get("content")), " ")
	yes := text != "" && strings.Contains(shown, text)
	return page, liveness{yes: yes, answers: true, why: "the page carries no revision"}, nil
}

func metaContent(doc *html.Node, name string) string {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "meta" && attr(n, "name") == name {
			return attr(n, "content")
		}
	}
	return ""
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Namespace == "" && a.Key == name {
			return a.Val
		}
	}
	return ""
}

// linksOn lists the post's links that a page really has, in the post's order. A
// link from one page of the site to another is not news to anybody, except when it
// is an answer (TRAPS T-WS14).
func linksOn(s *Site, page mf2.Page, post store.Post) []string {
	base, err := url.Parse(post.Permalink)
	if err != nil {
		return nil
	}
	entry, ok := page.EntryAt(post.Permalink)
	if !ok {
		entry, _ = page.Entry()
	}
	onPage := webmention.Links(entry, base)
	var links []string
	for _, want := range webmention.Links(rendered(post), base) {
		if _, own := s.Fold(want); own && !answers(post.Item, want.String()) {
			continue
		}
		if slices.ContainsFunc(onPage, func(u *url.URL) bool { return mf2.SameURL(u.String(), want.String()) }) {
			links = append(links, want.String())
		}
	}
	return links
}

// answers tells whether a post is an answer to an address.
func answers(item mf2.Item, address string) bool {
	for _, property := range []string{"in-reply-to", "like-of", "repost-of", "bookmark-of"} {
		if slices.ContainsFunc(item.URLs(property), func(u string) bool { return mf2.SameURL(u, address) }) {
			return true
		}
	}
	return false
}

// rendered is the post with its content as readers get it.
func rendered(post store.Post) mf2.Item {
	item := post.Item.Clone()
	if html := postHTML(post.Item, post.Permalink); html != "" {
		item.Properties["content"] = []any{map[string]any{"html": html, "value": post.Item.Get("content")}}
	}
	return item
}
