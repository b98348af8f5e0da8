package site

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/queue"
	"tertulia/internal/sanitize"
	"tertulia/mf2"
	"tertulia/store"
)

// A post with which the owner answers a response to a page of the site belongs into that page's
// conversation, below what it answers. Pages of one site send each other nothing, so it is put there
// from the post: as a mention of the kind answer, which readers, feeds and the API see like any other.
// Where the post has come by a Webmention of its own, that one is it.

// maxBelow is how many responses one post is shown below.
const maxBelow = 100

// answer shows a post below what it answers, or no longer. It looks at what is there now, so
// running twice does no harm. The store promises it with each change that could matter.
func (j *Jobs) answer(_ context.Context, job store.Job) (queue.Commit, error) {
	var permalink string
	s, err := j.begin(job, &permalink)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error { return s.keepAnswers(tx, permalink) }, nil
}

// keepAnswers brings a post into the conversations where it answers a response, and takes it out
// of those where it does not any more.
func (s *Site) keepAnswers(tx *store.Tx, permalink string) error {
	post, err := tx.Post(permalink)
	if err := ignore(err, fs.ErrNotExist); err != nil {
		return err
	}
	wanted := map[string]string{} // page → the response there that is answered
	if err == nil && post.Visible() && !early(post, tx.Now) {
		for _, address := range post.Item.URLs("in-reply-to") {
			for _, m := range tx.Named(address, maxBelow) {
				page, err := tx.Page(m.Page)
				if err == nil && wanted[page.ID] == "" && m.Source != permalink && (&Response{Type: m.Shown.Type}).listed() {
					wanted[page.ID] = m.ID
				}
			}
		}
	}
	for _, have := range tx.Named(permalink, 2*maxBelow) {
		page, err := tx.Page(have.Page)
		if have.Kind != store.OwnAnswer || have.Source != permalink || err == nil && wanted[page.ID] != "" {
			continue
		}
		if err := s.dropAnswer(tx, have, page, post); err != nil {
			return err
		}
	}
	for page, parent := range wanted {
		if err := s.putAnswer(tx, post, page, parent); err != nil {
			return err
		}
	}
	return nil
}

// dropAnswer takes an answer out of a conversation. One that answers the page itself as well is
// asked about as its Webmention would be.
func (s *Site) dropAnswer(tx *store.Tx, m store.Mention, page store.Page, post store.Post) error {
	if post.Permalink != "" && post.Visible() && slices.ContainsFunc(post.Item.URLs("in-reply-to"), func(u string) bool { return s.means(u, page.URL) }) {
		m.Kind, m.Target = store.Webmention, page.URL
		m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "received", Note: "what it answered here has gone"})
		if err := tx.PutMention(m); err != nil {
			return err
		}
		return tx.Enqueue(verifyJob(m))
	}
	return tx.DropMention(m.ID)
}

// putAnswer puts a post below a response. What the owner has decided about it here stands.
func (s *Site) putAnswer(tx *store.Tx, post store.Post, page, parent string) error {
	m, err := tx.MentionFrom(page, post.Permalink)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m = store.Mention{
			ID: store.NewID(tx.Now), Source: post.Permalink, Page: page, Received: tx.Now,
			History: []store.Event{{At: tx.Now, Stage: "received", Note: "a post of the site"}},
		}
	case err != nil:
		return err
	case m.Kind == store.Webmention && (m.Decision != "" || m.IsPublic()):
		return nil
	case m.Decision == store.Rejected || m.Decision == store.Deleted:
		return nil
	}
	on, err := tx.Page(page)
	if err != nil {
		return err
	}
	v := s.said(post)
	if was := m.Shown; was != nil && m.Kind == store.OwnAnswer {
		if v.Edited = was.Edited; was.Digest != v.Digest {
			v.Edited = tx.Now
		}
	}
	m.Kind, m.Ours, m.Target, m.State, m.Behind, m.Why = store.OwnAnswer, true, on.URL+"#"+anchors[0]+parent, store.Approved, "", ""
	m.Shown, m.Held, m.Gone = &v, nil, time.Time{}
	if err := s.askForFaces(tx, &m); err != nil {
		return err
	}
	return tx.PutMention(m)
}

// said is what a post says, as a response.
func (s *Site) said(post store.Post) store.Version {
	v := store.Version{
		Type: "reply", Author: s.asAuthor(), URL: post.Permalink, Language: languageTag(s.Language), Published: post.Date,
		Name: sanitize.Text(post.Item.Get("name"), maxName),
	}
	for _, address := range post.Item.URLs("in-reply-to") {
		if len(address) <= maxAddress && len(v.InReplyTo) < maxAnswers {
			v.InReplyTo = append(v.InReplyTo, address)
		}
	}
	base, err := url.Parse(post.Permalink)
	if err != nil {
		base = s.URL
	}
	if v.HTML, v.Text = (sanitize.Options{}).Read(postHTML(post.Item, post.Permalink), base); !strings.Contains(v.HTML, "<") {
		v.HTML = ""
	}
	if sameStart(v.Name, v.Text) {
		v.Name = ""
	}
	v.Digest = digest(v)
	return v
}

// asAuthor is the owner as the author of a response.
func (s *Site) asAuthor() mf2.Author {
	a := mf2.AuthorOf(s.Author)
	a.URL = s.Me()
	return harmless(a, s.URL)
}

// isOwn tells whether a mention is by somebody who looks after the site: it stands on the site
// itself, or its author is confirmed to be one of them.
func (s *Site) isOwn(tx *store.Tx, m *store.Mention) bool {
	if m.Kind == store.OwnAnswer || m.Shown != nil && m.Shown.Own {
		return true
	}
	if u, err := url.Parse(m.Source); err == nil && m.Kind == store.Webmention {
		if _, own := s.Fold(u); own {
			return true
		}
	}
	if m.Shown == nil || m.Shown.Person == "" {
		return false
	}
	p, err := tx.Person(m.Shown.Person)
	if err != nil {
		return false
	}
	for _, k := range s.Everybody() {
		if u, err := url.Parse(k.Me); err == nil && slices.Contains(p.Identities, profileID(u)) {
			return true
		}
	}
	return false
}

// newKeepers lists the people who look after the site by now, and of whose mentions that is not
// known yet.
func (s *Site) newKeepers(tx *store.Tx) (persons []string) {
	for _, k := range s.Everybody() {
		u, err := url.Parse(k.Me)
		if err != nil {
			continue
		}
		p, err := tx.PersonBy(profileID(u))
		if err != nil {
			continue
		}
		some, _, err := tx.MentionsBy(p.ID, store.Range{Limit: 1, Backward: true})
		if err == nil && len(some) > 0 && !some[0].Ours {
			persons = append(persons, p.ID)
		}
	}
	return persons
}
