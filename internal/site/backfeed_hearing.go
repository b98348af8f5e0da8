package site

import (
	"cmp"
	"errors"
	"io/fs"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/sanitize"
	"tertulia/internal/syndicate"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// voice is an answer, read and made harmless.
type voice struct {
	origin     store.Origin
	source     string
	version    store.Version
	identities []string
	own        bool   // the account itself says it
	parent     string // what it answers, when that is in no list: its id there
}

// voiceOf reads an answer. Those of a kind that is none are left out.
func (j *Jobs) voiceOf(h hearing, all []syndicate.Answer, a syndicate.Answer) (v voice, ok bool) {
	if a.ID == "" || !slices.Contains([]string{"reply", "like", "repost", "mention"}, a.Type) {
		return v, false
	}
	base, err := url.Parse(h.copy.Ref.URL)
	if err != nil {
		return v, false
	}
	v.origin = store.Origin{Target: h.at.UID, Copy: h.copy.Ref.ID, Type: a.Type, Ref: store.Ref(a.Ref)}
	author := harmless(mf2.Author{Name: cmp.Or(a.Author.Name, a.Author.Handle), URL: a.Author.URL, Photo: a.Author.Photo}, base)
	address := ""
	if gesture := a.Type == "like" || a.Type == "repost"; a.URL != "" && (!gesture || strings.Contains(a.URL, "#")) {
		address = sanitize.URL(a.URL, base) // no address is none, and a gesture does not have that of what it is about
	}
	v.source = cmp.Or(address, gestureAt(h.copy.Ref.URL, a))
	v.version = store.Version{
		Type: a.Type, Author: author, URL: cmp.Or(address, v.source), Language: languageTag(a.Language), Published: a.Published.UTC().Truncate(time.Second),
	}
	if a.Published.IsZero() {
		v.version.Published = time.Time{}
	}
	v.version.HTML, v.version.Text = j.wordsOf(a, base)
	if v.own = h.own != "" && author.URL != "" && nameOf(author.URL) == nameOf(h.own); v.own {
		v.version.Own = true
		v.version.Author, v.identities = mf2.AuthorOf(h.s.Author), identitiesOf(h.s.URL)
	} else {
		v.identities = identitiesThere(author.URL, a.Author.Handle, base)
	}
	if parent := a.Parent; parent != "" && parent != h.copy.Ref.ID {
		i := slices.IndexFunc(all, func(other syndicate.Answer) bool { return other.ID == parent })
		if v.parent = parent; i >= 0 && all[i].URL != "" {
			v.version.InReplyTo, v.parent = []string{all[i].URL}, ""
		}
	}
	v.version.Digest = digest(v.version)
	return v, true
}

// wordsOf is what an answer says.
func (j *Jobs) wordsOf(a syndicate.Answer, base *url.URL) (html, text string) {
	if a.Type == "like" || a.Type == "repost" {
		return "", ""
	}
	defer j.Parsing.Enter()()
	raw := a.HTML
	if raw == "" {
		raw = sanitize.FromPlain(a.Text)
	}
	html, text = sanitize.Options{}.Read(raw, base)
	if a.HTML == "" || !strings.Contains(html, "<") {
		html = ""
	}
	return html, text
}

// gestureAt is an address for a gesture that has none: below that of the copy, as Bridgy has it.
func gestureAt(copied string, a syndicate.Answer) string {
	return copied + "#" + map[string]string{"like": "favorited-by-", "repost": "reblogged-by-"}[a.Type] + url.PathEscape(a.ID)
}

// identitiesThere are what somebody on a network is known by. The network has proven the handle;
// where their profile is it has from their own server, which is believed of itself alone: else
// anybody who has a server could be anybody.
func identitiesThere(profile, handle string, network *url.URL) (ids []string) {
	name, host, hasHandle := strings.Cut(strings.TrimPrefix(strings.ToLower(handle), "@"), "@")
	u, err := url.Parse(profile)
	if err == nil && profile != "" && (sameHost(u, network) || hasHandle && domainOf(hostName(u)) == domainOf(host)) {
		ids = identitiesOf(u)
	}
	if hasHandle && name != "" && host != "" {
		if id := name + "@" + strings.TrimPrefix(host, "www."); !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// hear keeps an answer, and tells whether it was news.
func (h hearing) hear(tx *store.Tx, v voice) (news bool, err error) {
	if v.parent != "" {
		if m, err := tx.AnswerBy(v.origin.Target, v.origin.Copy, "reply", v.parent); err == nil {
			v.version.InReplyTo = []string{m.Source}
		}
	}
	if v.own {
		if _, err := tx.CopyAt(v.source); err == nil {
			return false, nil // it is a copy of ours
		}
	}
	m, err := h.known(tx, v)
	if err != nil {
		return false, err
	}
	if m.State == store.Deleted || heardBefore(m, v.version) {
		return false, nil
	}
	if m.ID == "" {
		m = store.Mention{
			ID: store.NewID(tx.Now), Source: v.source, Target: h.copy.Post, Page: h.page, State: store.Received, Received: tx.Now,
		}
	}
	m.Kind, m.Origin = store.Answer, &v.origin
	m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "heard", Note: "at " + h.at.Name})
	l := h.look(tx, v, webmention.Linked)
	m.State, m.Behind = m.Stands(), ""
	if err := l.weigh(tx, &m); err != nil {
		return false, ignore(err, store.ErrErased)
	}
	if v.own && (m.State == store.Pending || m.State == store.Quarantined || m.Held != nil) {
		m.State, m.Why, m.Held, m.Shown = store.Approved, "", nil, cmp.Or(m.Held, m.Shown)
	}
	if err := h.s.settle(tx, &m); err != nil {
		return false, err
	}
	return true, ignore(tx.PutMention(m), store.ErrErased)
}

// look is what was heard, as the rules for mentions want it.
func (h hearing) look(tx *store.Tx, v voice, outcome webmention.Outcome) look {
	return look{
		site: h.s, now: tx.Now, version: v.version, posted: true, sites: h.s.sitesNamed(v.version.Text),
		by:   claim{identities: v.identities, profile: v.version.Author.URL},
		seen: webmention.Verification{Outcome: outcome, Linked: outcome == webmention.Linked, Reason: h.at.Name + " says so"},
	}
}

// known reads the mention of an answer; a zero one when there is none.
func (h hearing) known(tx *store.Tx, v voice) (store.Mention, error) {
	m, err := tx.AnswerBy(v.origin.Target, v.origin.Copy, v.origin.Type, v.origin.Ref.ID)
	if errors.Is(err, fs.ErrNotExist) {
		m, err = tx.MentionFrom(h.page, v.source) // somebody has sent a Webmention for it
	}
	if errors.Is(err, fs.ErrNotExist) {
		return store.Mention{}, nil
	}
	return m, err
}

// heardBefore tells whether a mention says already what was heard, or it was decided that it does not.
func heardBefore(m store.Mention, v store.Version) bool {
	if m.Shown == nil || !m.Gone.IsZero() || !slices.Equal(m.Shown.InReplyTo, v.InReplyTo) || m.Shown.Author.Photo != v.Author.Photo {
		return false
	}
	if m.Held != nil {
		return m.Held.Digest == v.Digest
	}
	return digest(*m.Shown) == v.Digest || slices.Contains(m.Refused, v.Digest)
}
