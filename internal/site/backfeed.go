package site

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/internal/sanitize"
	"tertulia/internal/syndicate"
	"tertulia/mf2"
	"tertulia/store"
	"tertulia/webmention"
)

// Answers to copies are asked for, the more often the younger a copy is. Each becomes a mention of
// the post, of the kind store.Answer: the same rules of trust, the same inbox, the same dial of
// privacy. Its source is the address that it has on the network, which nobody fetches.

// pollFirst is how soon after it was published a copy is asked for answers.
const pollFirst = 2 * time.Minute

// pollEvery is how often a copy is asked for answers until it is so old; after the last of them
// it is asked no more.
var pollEvery = []struct{ until, every time.Duration }{
	{time.Hour, pollFirst},
	{24 * time.Hour, 15 * time.Minute},
	{7 * 24 * time.Hour, 2 * time.Hour},
	{30 * 24 * time.Hour, 6 * time.Hour},
	{400 * 24 * time.Hour, 24 * time.Hour},
}

// lively is how long after an answer a copy is asked as often as in its first day.
const lively = time.Hour

// nextPoll is when a copy is asked next; zero: not any more.
func nextPoll(c *store.Copy, now time.Time) time.Time {
	age := now.Sub(c.Out)
	for _, p := range pollEvery {
		if age >= p.until {
			continue
		}
		every := p.every
		if now.Sub(c.Heard) < lively {
			every = min(every, pollEvery[1].every)
		}
		return now.Add(every)
	}
	return time.Time{}
}

// pollAtOnce is how many copies at one account are promised a question in one go.
const pollAtOnce = 50

// NoticeAnswers promises to ask for the answers to those copies whose time has come. It is called
// every minute; what cannot be asked yet is promised again then.
func (j *Jobs) NoticeAnswers(ctx context.Context) error {
	var problems []error
	for _, s := range j.Sites {
		due := map[string][]string{}
		err := j.DB.View(ctx, s.Key, func(tx *store.Tx) error {
			for _, a := range s.Accounts {
				if j.rests.wait("answers "+s.copyLane(a.UID), tx.Now) == 0 {
					due[a.UID] = tx.CopiesDue(a.UID, pollAtOnce)
				}
			}
			return nil
		})
		maps.DeleteFunc(due, func(_ string, posts []string) bool { return len(posts) == 0 })
		if err == nil && len(due) > 0 {
			err = j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
				for uid, posts := range due {
					for _, post := range posts {
						if err := tx.Enqueue(s.pollJob(post, uid)); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// poll asks for the answers to a copy, and keeps them. It never fails as a job: when the copy is
// asked next stands with it.
func (j *Jobs) poll(ctx context.Context, job store.Job) (queue.Commit, error) {
	var args copyArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	var c store.Copy
	var page store.Page
	if err := j.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
		if c, err = tx.Copy(args.Post, args.Target); err != nil {
			return err
		}
		folded, err := s.foldOf(args.Post)
		if err == nil {
			page, err = tx.PageAt(folded)
		}
		return err
	}); err != nil {
		return nil, ignore(err, fs.ErrNotExist)
	}
	a := s.account(args.Target)
	if c.Ref == (store.Ref{}) || c.Next.IsZero() || c.Next.After(j.DB.Now()) || a == nil {
		return nil, nil // it was asked meanwhile, or has gone
	}
	if wait := j.rests.wait(job.Lane, j.DB.Now()); wait > 0 {
		return putOffPoll(c, wait), nil
	}
	at, err := j.reach(ctx, s, a)
	if errors.Is(err, errNotConnected) {
		return putOffPoll(c, time.Hour), nil
	}
	if err != nil {
		return nil, err
	}
	answers, err := at.to.Poll(ctx, syndicate.Ref(c.Ref), c.Cursor)
	failpoint.Hit("poll.fetch")
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, fs.ErrNotExist):
		return (&copying{copy: c}).gone(), nil
	case err != nil:
		return j.pollFailed(at, c, job.Lane, err), nil
	}
	j.rests.answered(job.Lane)
	if answers.Wait > 0 {
		j.rests.failed(job.Lane, j.DB.Now(), answers.Wait)
	}
	news, err := j.takeIn(ctx, hearing{s: s, at: at, copy: c, page: page.ID}, answers)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error {
		now, err := tx.Copy(c.Post, c.Target)
		if err != nil || now.Ref != c.Ref {
			return ignore(err, fs.ErrNotExist)
		}
		if now.Polled = tx.Now; news > 0 {
			now.Heard = tx.Now
		}
		now.Cursor, now.Next = answers.Cursor, nextPoll(&now, tx.Now)
		return cmp.Or(tx.PutCopy(now), failpoint.Err("poll.commit"))
	}, nil
}

// pollFailed puts a question off: as long as the network wants, and the account with it.
func (j *Jobs) pollFailed(at reached, c store.Copy, lane string, err error) queue.Commit {
	j.log().Info("answers cannot be had", "post", c.Post, "target", c.Target, "error", err)
	var said *syndicate.Error
	if !errors.As(err, &said) {
		said = &syndicate.Error{}
	}
	if said.Login {
		later := putOffPoll(c, time.Hour)
		return func(tx *store.Tx) error { return cmp.Or(later(tx), lockOut(tx, at)) }
	}
	return putOffPoll(c, max(pollFirst, j.rests.failed(lane, j.DB.Now(), said.After)))
}

// putOffPoll has a copy asked later.
func putOffPoll(c store.Copy, wait time.Duration) queue.Commit {
	return func(tx *store.Tx) error {
		now, err := tx.Copy(c.Post, c.Target)
		if err != nil || now.Next.IsZero() {
			return ignore(err, fs.ErrNotExist)
		}
		now.Next = tx.Now.Add(wait)
		return tx.PutCopy(now)
	}
}

// hearing is one poll of a copy.
type hearing struct {
	s    *Site
	at   reached
	copy store.Copy
	page string // id
	own  string // profile of the account itself, "" when it is not known
}

// answersAtOnce is how many answers go in one transaction: others wait for no more.
const answersAtOnce = 100

// takeIn keeps what has come, a part in each transaction: it may be taken in again.
func (j *Jobs) takeIn(ctx context.Context, h hearing, answers syndicate.Answers) (news int, err error) {
	var known store.Network
	if err := j.DB.View(ctx, h.s.Key, func(tx *store.Tx) error {
		known, err = tx.Network(h.at.UID)
		return err
	}); err != nil {
		return 0, err
	}
	if h.own = known.Profile; h.own == "" {
		if h.own, err = j.ask(ctx, h.s, h.at); err != nil {
			return 0, err
		}
	}
	var voices []voice
	for _, a := range answers.List {
		if v, ok := j.voiceOf(h, answers.List, a); ok {
			voices = append(voices, v)
		}
	}
	for some := range slices.Chunk(voices, answersAtOnce) {
		n := 0
		if err := j.DB.Update(ctx, h.s.Key, func(tx *store.Tx) error {
			n = 0
			for _, v := range some {
				heard, err := h.hear(tx, v)
				if err != nil {
					return err
				}
				if heard {
					n++
				}
			}
			return nil
		}); err != nil {
			return news, err
		}
		news += n
		failpoint.Hit("poll.heard")
	}
	return news, j.missed(ctx, h, answers)
}

// ask finds out whose account it is that the settings have let us into, and remembers it. One that
// cannot be had now is asked for the next time.
func (j *Jobs) ask(ctx context.Context, s *Site, at reached) (profile string, err error) {
	c, ok := at.to.(syndicate.Connector)
	if !ok {
		return "", nil
	}
	who, err := c.Who(ctx)
	if err != nil {
		return "", ctx.Err()
	}
	return who.URL, j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		n, err := tx.Network(at.UID)
		if err != nil {
			return err
		}
		n.Name, n.Profile, n.Handle = who.Name, who.URL, who.Handle
		return tx.PutNetwork(n)
	})
}

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

// How many answers that a network lists no longer are looked up in one poll, and how often each.
const (
	lookUpsAtOnce = 20
	lookUpEvery   = 24 * time.Hour
)

// missed takes back what is no longer there: a gesture that is missing from a whole list has gone,
// words are looked up, since they can be hidden with what they answered.
func (j *Jobs) missed(ctx context.Context, h hearing, answers syndicate.Answers) error {
	var gone []store.Mention
	var doubtful []store.Mention
	if err := j.DB.View(ctx, h.s.Key, func(tx *store.Tx) error {
		gone, doubtful = nil, nil
		for _, kind := range answers.Complete {
			known := tx.AnswersTo(h.at.UID, h.copy.Ref.ID, kind)
			for _, a := range answers.List {
				if a.Type == kind {
					delete(known, a.ID)
				}
			}
			for _, id := range slices.Sorted(maps.Values(known)) {
				m, err := tx.Mention(id)
				switch {
				case err != nil || !m.Gone.IsZero() || m.State == store.Deleted:
				case kind == "like" || kind == "repost":
					gone = append(gone, m)
				case (m.MissingSince.IsZero() || tx.Now.Sub(m.Tried) >= lookUpEvery) && len(doubtful) < lookUpsAtOnce:
					doubtful = append(doubtful, m)
				}
			}
		}
		return nil
	}); err != nil {
		return err
	}
	for _, m := range doubtful {
		_, err := h.at.to.Look(ctx, syndicate.Ref(m.Origin.Ref))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			gone = append(gone, m)
		case err != nil:
			return ctx.Err() // it is asked again next time
		default:
			if err := j.lookedUp(ctx, h.s, m.ID); err != nil {
				return err
			}
		}
	}
	for some := range slices.Chunk(gone, answersAtOnce) {
		if err := j.DB.Update(ctx, h.s.Key, func(tx *store.Tx) error {
			for _, m := range some {
				if err := h.takeBack(tx, m.ID); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// lookedUp remembers that an answer is there, although it is not listed.
func (j *Jobs) lookedUp(ctx context.Context, s *Site, id string) error {
	return j.DB.Update(ctx, s.Key, func(tx *store.Tx) error {
		m, err := tx.Mention(id)
		if err != nil {
			return ignore(err, fs.ErrNotExist)
		}
		m.Tried, m.Checked = tx.Now, tx.Now
		if m.MissingSince.IsZero() {
			m.MissingSince = tx.Now
		}
		return tx.PutMention(m)
	})
}

// takeBack withdraws an answer that has gone from its network.
func (h hearing) takeBack(tx *store.Tx, id string) error {
	m, err := tx.Mention(id)
	if err != nil || m.Origin == nil {
		return ignore(err, fs.ErrNotExist)
	}
	m.History = store.AddEvent(m.History, store.Event{At: tx.Now, Stage: "gone", Note: "from " + h.at.Name})
	if err := h.look(tx, voice{}, webmention.Gone).apply(tx, &m); err != nil {
		return err
	}
	return tx.PutMention(m)
}
