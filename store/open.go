package store

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// OpenList is a list of mentions that ask something of the owner.
type OpenList string

// The lists. A mention that was answered is in none of them.
const (
	Unanswered OpenList = "unanswered" // replies, comments, and what else asks a question
	Questions  OpenList = "questions"  // those of them with a question mark
	SetAside   OpenList = "aside"      // those that the owner wants to leave as they are
)

// Asks tells whether a mention that readers see asks something of the owner, and whether in so
// many words: with a question mark. A reply always does; a gesture never does, and what is
// quoted in one is often our own.
func (m *Mention) Asks() (asks, question bool) {
	if !m.IsPublic() || m.Ours {
		return false, false
	}
	question = isQuestion(m.Shown.Name) || isQuestion(m.Shown.Text)
	switch m.Shown.Type {
	case "reply":
		return true, question
	case "mention", "tag", "rsvp":
		return question, question
	}
	return false, false
}

// isQuestion looks for a question mark, in the scripts that have one, that is no part of an address.
func isQuestion(text string) bool {
	return hasQuestionMark(text) && hasQuestionMark(inText.ReplaceAllString(text, " "))
}

var questionMarks = []string{"?", "¿", "？", "؟", "⁇", "⁈", "⁉", "՞"}

func hasQuestionMark(text string) bool {
	return slices.ContainsFunc(questionMarks, func(mark string) bool { return strings.Contains(text, mark) })
}

var inText = regexp.MustCompile(`\bhttps?://\S*[^\s?]`)

// openEntries are the places of a mention in the lists of what is open.
func (m *Mention) openEntries() (entries []indexEntry) {
	asks, question := m.Asks()
	if !asks || m.Answer != "" {
		return nil
	}
	in := func(list OpenList) {
		entries = append(entries, indexEntry{mentionsOpen, join(string(list), timePart(m.Received), m.ID)})
	}
	switch {
	case !m.Aside.IsZero():
		in(SetAside)
		return entries
	case question:
		in(Questions)
	}
	in(Unanswered)
	return entries
}

// Open lists the mentions of a list, the longest waiting first.
func (tx *Tx) Open(list OpenList, r Range) ([]Mention, string, error) {
	return mentions.list(tx, r, nil, mentionsOpen, string(list))
}

// OpenSince lists the ids of the mentions of a list that came before a time, the longest waiting
// first, without reading them: at most so many.
func (tx *Tx) OpenSince(list OpenList, before time.Time, limit int) (ids []string) {
	pre := prefix(tx.Site, mentionsOpen, string(list))
	for k, id := range tx.r.scan(pre, nil, false) {
		at, ok := timeAt(k, pre)
		if !ok || !at.Before(before) || len(ids) == limit {
			break
		}
		ids = append(ids, string(id))
	}
	return ids
}

// CountOpen counts the mentions of a list, up to most.
func (tx *Tx) CountOpen(list OpenList, most int) (n int) {
	for range tx.r.scan(prefix(tx.Site, mentionsOpen, string(list)), nil, false) {
		if n++; n >= most {
			break
		}
	}
	return n
}

// answersOfSites is the other half of schema 4: what the owner has answered is known. Pages that were written
// by hand are looked at once more, since nobody has kept what they answer.
func answersOfSites(whole *Tx) error {
	for _, site := range sites(whole.r) {
		tx := *whole
		tx.Site = site
		err := eachIn(&tx, &posts, func(p *Post) error { return posts.reindex(&tx, p.Permalink, nil, p.answeringEntries()) })
		if err == nil {
			err = eachIn(&tx, &outgoing, func(o *Outgoing) error {
				if len(o.Links) == 0 || !o.Gone.IsZero() {
					return nil
				}
				o.Look = true
				return outgoing.put(&tx, *o)
			})
		}
		if err == nil {
			err = eachIn(&tx, &mentions, func(m *Mention) error { return mentions.reindex(&tx, m.ID, nil, m.namedEntries()) })
		}
		if err == nil { // the twins are named by now
			err = eachIn(&tx, &mentions, tx.listOpen)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listOpen puts what follows from a mention since schema 4.
func (tx *Tx) listOpen(m *Mention) error {
	was := *m
	if m.Answer = tx.answerTo(m); m.Answer != "" {
		if err := mentions.replace(tx, &was, m); err != nil {
			return err
		}
	}
	if err := mentions.reindex(tx, m.ID, nil, m.openEntries()); err != nil || !m.IsPublic() {
		return err
	}
	return tx.promiseBelow(tx.allNames(m))
}
