package store

import (
	"cmp"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"tertulia/mf2"
)

// What the owner has answered follows from the records, in whatever order they come: a mention
// is named by addresses, and what answers one of them is listed below the same names.
//
//	mention ──names──▶ mentions_named ◀──name──▶ posts_answering, outgoing_answering,
//	   ▲                                          mentions_answering ◀── posts, pages, mentions
//	   └── Answer, and its place in mentions_open: written with whichever comes second
const (
	mentionsNamed     = "mentions_named"     // name·id → id: the public ones, and those that stand behind them
	mentionsOpen      = "mentions_open"      // list·received·id → id: see [OpenList]
	mentionsAnswering = "mentions_answering" // name·how·id → id: public ones of people who look after the site
	postsAnswering    = "posts_answering"    // name·how·permalink → permalink: visible ones
	outgoingAnswering = "outgoing_answering" // name·how·url → url
)

// maxAnswering is how many addresses of one post are taken for what it answers.
const maxAnswering = 20

// how a post answers, with the property that says so.
var hows = []struct{ how, property string }{
	{"reply", "in-reply-to"}, {"like", "like-of"}, {"repost", "repost-of"}, {"bookmark", "bookmark-of"},
}

// anchors are what stands before the id of a response where a conversation names it, or its
// own page below the endpoints of a site does.
var anchors = []string{"#tertulia-", "#comment-", "/comment/", "/webmention/"}

// anchored is the id of the response that an address names; "" when it names none.
func anchored(address string) string {
	before, id := address[:max(0, len(address)-idLength)], address[max(0, len(address)-idLength):]
	named := slices.ContainsFunc(anchors, func(a string) bool { return strings.HasSuffix(before, a) })
	if !named || strings.ContainsFunc(id, func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'z') }) {
		return ""
	}
	return id
}

// nameFor is what an address is matched by with others of the same response; "" for what is none.
func nameFor(address string) string {
	if id := anchored(address); id != "" {
		return "#" + id
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	normal := mf2.NormalizeURL(u)
	return sourceKey(strings.TrimPrefix(strings.TrimPrefix(normal, "https:"), "http:"))
}

// names are those of a mention by its addresses: those that an index has to know.
func (m *Mention) names() (names []string) {
	if m.Shown == nil || !m.IsPublic() && m.State != Duplicate {
		return nil
	}
	for _, address := range []string{m.Source, m.Shown.URL} {
		if name := nameFor(address); name != "" && !strings.HasPrefix(name, "#") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// answeringEntries are the entries of a record that answers, under its key.
func answeringEntries(index, key string, addresses map[string][]string) (entries []indexEntry) {
	for _, h := range hows {
		some := addresses[h.how]
		for _, address := range some[:min(len(some), maxAnswering)] {
			entry := indexEntry{index, ""}
			if name := nameFor(address); name != "" {
				entry.key = join(name, h.how, key)
			}
			if entry.key != "" && !slices.Contains(entries, entry) {
				entries = append(entries, entry)
			}
		}
	}
	return entries
}

func (p *Post) answeringEntries() []indexEntry {
	if !p.Visible() {
		return nil
	}
	addresses := map[string][]string{}
	for _, h := range hows {
		if p.Item.Properties[h.property] != nil {
			addresses[h.how] = p.Item.URLs(h.property)
		}
	}
	return answeringEntries(postsAnswering, p.Permalink, addresses)
}

func (o *Outgoing) answeringEntries() []indexEntry {
	if !o.Gone.IsZero() {
		return nil
	}
	return answeringEntries(outgoingAnswering, o.URL, map[string][]string{"reply": o.Answers})
}

func (m *Mention) answeringEntries() []indexEntry {
	if !m.Ours || !m.IsPublic() || m.Shown.Type != "reply" || m.Kind == OwnAnswer {
		return nil // an answer is what its post is
	}
	addresses := m.Shown.InReplyTo
	if anchored(m.Target) != "" {
		addresses = append([]string{m.Target}, addresses...)
	}
	return answeringEntries(mentionsAnswering, m.ID, map[string][]string{"reply": addresses})
}

// answerTo is what of the owner's answers a mention: the key of a post, a page or a mention; ""
// for nothing. A question is answered in words, anything else by a gesture too.
func (tx *Tx) answerTo(m *Mention) string {
	asks, question := m.Asks()
	if !asks {
		return ""
	}
	indexes := slices.DeleteFunc([]string{postsAnswering, outgoingAnswering, mentionsAnswering}, tx.isEmpty)
	if len(indexes) == 0 {
		return "" // the owner answers nobody here
	}
	for _, name := range tx.allNames(m) {
		for _, index := range indexes {
			ways := []string{name}
			if question {
				ways = append(ways, "reply")
			}
			for _, by := range tx.r.scan(prefix(tx.Site, index, ways...), nil, false) {
				return string(by)
			}
		}
	}
	return ""
}

// isEmpty tells whether an index has no entry of the site.
func (tx *Tx) isEmpty(index string) bool {
	for range tx.r.scan(prefix(tx.Site, index), nil, false) {
		return false
	}
	return true
}

// allNames are the names of a mention, of those that were folded into it, and of its twins.
func (tx *Tx) allNames(m *Mention) []string {
	names := append(m.names(), "#"+m.ID)
	for _, id := range m.Folded {
		names = append(names, "#"+id)
	}
	for _, id := range m.Twins {
		names = append(names, "#"+id)
		if twin, err := mentions.get(tx, id); err == nil {
			names = append(names, twin.names()...)
		}
	}
	return names
}

// Named lists the mentions that an address means: those that readers see, each once, at most limit.
func (tx *Tx) Named(address string, limit int) (found []Mention) {
	add := func(id string) bool {
		m, err := tx.Mention(id)
		if err == nil && m.Twin != "" {
			m, err = tx.Mention(m.Twin)
		}
		known := slices.ContainsFunc(found, func(f Mention) bool { return f.ID == m.ID })
		if err == nil && m.IsPublic() && !known {
			found = append(found, m)
		}
		return len(found) < limit
	}
	if id := anchored(address); id != "" {
		add(id)
		return found
	}
	name := nameFor(address)
	if name == "" {
		return nil
	}
	for _, id := range tx.r.scan(prefix(tx.Site, mentionsNamed, name), nil, false) {
		if !add(string(id)) {
			break
		}
	}
	return found
}

// PostsAnswering lists the permalinks of visible posts that answer a mention in a way: reply,
// like, repost or bookmark.
func (tx *Tx) PostsAnswering(m *Mention, how string) (permalinks []string) {
	for _, name := range tx.allNames(m) {
		for _, permalink := range tx.r.scan(prefix(tx.Site, postsAnswering, name, how), nil, false) {
			if !slices.Contains(permalinks, string(permalink)) {
				permalinks = append(permalinks, string(permalink))
			}
		}
	}
	return permalinks
}

// answered brings the mentions up to date that were answered before or are now, after a record
// that answers has changed.
func (tx *Tx) answered(before, after []indexEntry) error {
	done := map[string]bool{}
	for _, e := range slices.Concat(before, after) {
		name, _, _ := strings.Cut(e.key, "\x00")
		if done[name] || slices.Contains(before, e) && slices.Contains(after, e) {
			continue
		}
		done[name] = true
		if err := tx.answeredBy(name); err != nil {
			return err
		}
	}
	return nil
}

// answeredBy brings the mentions of a name up to date.
func (tx *Tx) answeredBy(name string) error {
	var ids []string
	if id, ok := strings.CutPrefix(name, "#"); ok {
		ids = append(ids, id)
	}
	for _, id := range tx.r.scan(prefix(tx.Site, mentionsNamed, name), nil, false) {
		ids = append(ids, string(id))
	}
	for _, id := range ids {
		if err := tx.reanswer(id); err != nil {
			return err
		}
	}
	return nil
}

// reanswer finds out anew what answers a mention, or the one that it stands behind.
func (tx *Tx) reanswer(id string) error {
	m, err := tx.Mention(id)
	if err == nil && m.Twin != "" {
		m, err = tx.Mention(m.Twin)
	}
	if err != nil {
		return ignoreMissing(err)
	}
	was := m
	if m.Answer = tx.answerTo(&m); m.Answer == was.Answer {
		return nil
	}
	return mentions.replace(tx, &was, &m)
}

// aboutAnswer is the kind of the jobs that show the owner's answers in conversations; their key
// is the permalink of the post (internal/site/ownanswers.go).
const aboutAnswer = "answer"

// promiseAnswer promises that a post is shown below what it answers, or no longer.
func (tx *Tx) promiseAnswer(permalink string) error {
	args, err := json.Marshal(permalink)
	return cmp.Or(err, tx.Enqueue(Job{Kind: aboutAnswer, Key: permalink, Args: args}))
}

// postChanged keeps what follows from what a post answers; nil is a post that is not there.
func (tx *Tx) postChanged(was, now *Post) error {
	var before, after []indexEntry
	revision := 0
	permalink := ""
	if was != nil {
		before, revision, permalink = was.answeringEntries(), -was.Revision, was.Permalink
	}
	if now != nil {
		after, revision, permalink = now.answeringEntries(), revision+now.Revision, now.Permalink
	}
	if len(before)+len(after) == 0 {
		return nil
	}
	if err := tx.answered(before, after); err != nil {
		return err
	}
	if same := slices.Equal(before, after); same && revision == 0 && digestOf(was) == digestOf(now) {
		return nil
	}
	return tx.promiseAnswer(permalink)
}

// digestOf is what a post says, to be compared.
func digestOf(p *Post) string {
	raw, err := json.Marshal(p.Item)
	if err != nil {
		return ""
	}
	return string(raw)
}

// mentionChanged keeps what follows from where a mention stands: what it answers, if it is the
// owner's, and the posts that are shown below it. nil is one that is not there.
func (tx *Tx) mentionChanged(was, now *Mention) error {
	var answers [2][]indexEntry
	var places [2]string
	var names []string
	for i, m := range []*Mention{was, now} {
		if m != nil && m.IsPublic() {
			known := tx.allNames(m)
			answers[i], names = m.answeringEntries(), append(names, known...)
			places[i] = m.Page + " " + strings.Join(known, " ")
		}
	}
	if err := tx.answered(answers[0], answers[1]); err != nil || places[0] == places[1] {
		return err
	}
	return tx.promiseBelow(names)
}

// promiseBelow promises another look at the posts that answer one of some names.
func (tx *Tx) promiseBelow(names []string) error {
	slices.Sort(names)
	var posts []string
	for _, name := range slices.Compact(names) {
		for _, permalink := range tx.r.scan(prefix(tx.Site, postsAnswering, name, "reply"), nil, false) {
			posts = append(posts, string(permalink))
		}
	}
	slices.Sort(posts)
	for _, permalink := range slices.Compact(posts) {
		if err := tx.promiseAnswer(permalink); err != nil {
			return err
		}
	}
	return nil
}

func (m *Mention) namedEntries() (entries []indexEntry) {
	for _, name := range m.names() {
		entries = append(entries, indexEntry{mentionsNamed, join(name, m.ID)})
	}
	return entries
}
