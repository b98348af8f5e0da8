package store

import "iter"

// Counts tells how many public mentions of each type a page has. RSVPs count by
// their answer: rsvp-yes, rsvp-no, rsvp-maybe, rsvp-interested.
func (tx *Tx) Counts(page string) map[string]int { return tx.numbers(counts, page) }

// MentionsOf lists the public mentions of a page in order of arrival.
func (tx *Tx) MentionsOf(page string, r Range) ([]Mention, string, error) {
	return mentions.list(tx, r, nil, mentionsPage, page)
}

// MentionsIn lists the mentions in a state; Pending includes approved ones of
// which a changed text waits.
func (tx *Tx) MentionsIn(state State, r Range) ([]Mention, string, error) {
	return mentions.list(tx, r, nil, mentionsState, string(state))
}

// CursorAt is the cursor of a list by [Tx.MentionsIn] or [Tx.MentionsBy] that begins with a mention.
func CursorAt(m Mention) string { return join(timePart(m.Received), m.ID) }

// MentionsBy lists the mentions of a person.
func (tx *Tx) MentionsBy(person string, r Range) ([]Mention, string, error) {
	return mentions.list(tx, r, nil, mentionsPerson, person)
}

// EachMention goes through the mentions of the site in order of arrival, whatever their state,
// from the first after an id on; "" begins at the first. A damaged one is passed over.
func (tx *Tx) EachMention(after string) iter.Seq[Mention] {
	return func(yield func(Mention) bool) {
		var from []byte
		if after != "" {
			from = append(key(tx.Site, mentions.name, after), 0)
		}
		pre := prefix(tx.Site, mentions.name)
		for k, v := range tx.r.scan(pre, from, false) {
			m, err := mentions.decode(k, string(k[len(pre):]), v)
			if err != nil {
				tx.log.Error("record passed over", "error", err)
			} else if !yield(*m) {
				return
			}
		}
	}
}

// LatestMentions lists the mentions of the site, the newest first, whatever their state: at most
// limit of them before an id ("" begins at the last).
func (tx *Tx) LatestMentions(before string, limit int) []Mention {
	var found []Mention
	var from []byte
	if before != "" {
		from = key(tx.Site, mentions.name, before)
	}
	pre := prefix(tx.Site, mentions.name)
	for k, v := range tx.r.scan(pre, from, true) {
		id := string(k[len(pre):])
		if id == before {
			continue
		}
		if len(found) == limit {
			break
		}
		m, err := mentions.decode(k, id, v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		found = append(found, *m)
	}
	return found
}

// CountBy counts the mentions of a person, up to most, and tells when the newest arrived; zero when
// there is none. It reads none of them.
func (tx *Tx) CountBy(person string, most int) (n int, newest Wait) {
	pre := prefix(tx.Site, mentionsPerson, person)
	for k, id := range tx.r.scan(pre, nil, true) {
		if at, ok := timeAt(k, pre); ok && n == 0 {
			newest = Wait{ID: string(id), Person: person, Received: at}
		}
		if n++; n >= most {
			break
		}
	}
	return n, newest
}

// CountIn counts the mentions in a state, up to most.
func (tx *Tx) CountIn(state State, most int) int {
	n := 0
	for range tx.r.scan(prefix(tx.Site, mentionsState, string(state)), nil, false) {
		if n++; n >= most {
			break
		}
	}
	return n
}
