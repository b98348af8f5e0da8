package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// eraser goes through everything that a site keeps of others.
type eraser struct {
	db   *DB
	site string
	dry  bool
	// is tells whether a folded thing is to be erased that came at a time.
	is      func(e Erased, came time.Time) bool
	persons map[string]bool // ids of those who go
	gone    []string        // the same, in order
	faces   map[string]bool // keys of pictures that were counted
	done    Erasure
}

// folded is what is to be erased as the ledger has it. A source goes with the others that are
// the same entry, such as its http twin: one of them would take its place.
func (e *eraser) folded(ctx context.Context, what []Erased) (folded []Erased, err error) {
	entries, sources := map[string]bool{}, false
	for _, one := range what {
		folded = append(folded, one.folded())
		sources = sources || one.Kind == ErasedSource
	}
	if !sources {
		return folded, nil
	}
	for _, pass := range []func(Mention){
		func(m Mention) {
			if m.Entry != "" && slices.Contains(folded, Erased{ErasedSource, m.Source}.folded()) {
				entries[m.Entry] = true
			}
		},
		func(m Mention) {
			if one := (Erased{ErasedSource, m.Source}).folded(); entries[m.Entry] && !slices.Contains(folded, one) {
				folded = append(folded, one)
			}
		},
	} {
		if err := eachRecord(ctx, e.db, e.site, &mentions, pass); err != nil {
			return nil, err
		}
		if len(entries) == 0 {
			break
		}
	}
	return folded, nil
}

// covers tells whether something that came at a time is erased: itself, or its host.
func (e *eraser) covers(kind ErasedKind, value string, came time.Time) bool {
	if value == "" {
		return false
	}
	one := Erased{kind, value}.folded()
	return e.is(one, came) || one.onHost(func(h Erased) bool { return e.is(h, came) })
}

// run erases: the mentions first and the people last, by whom they are known.
func (e *eraser) run(ctx context.Context) error {
	if err := e.people(ctx); err != nil {
		return err
	}
	var drop, mend []string
	flush := func(least int) error {
		if len(drop)+len(mend) < least {
			return nil
		}
		err := e.change(ctx, drop, mend)
		drop, mend = nil, nil
		return err
	}
	err := e.db.each(ctx, prefix(e.site, mentions.name), func(p pair) error {
		var m Mention
		if err := decodeRecord(p.key, mentions.kind, mentions.version, p.value, &m); err != nil {
			e.db.log.Error("record passed over", "error", err)
			return nil
		}
		switch {
		case e.mention(&m):
			drop = append(drop, m.ID)
		case e.mended(&m):
			mend = append(mend, m.ID)
		}
		return flush(erasedAtOnce)
	})
	if err == nil {
		err = flush(1)
	}
	for some := range slices.Chunk(e.gone, erasedAtOnce) {
		if err == nil && !e.dry {
			err = e.db.Update(ctx, e.site, func(tx *Tx) error { return dropPeople(tx, some) })
		}
	}
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

// erasedAtOnce is how many mentions go in one transaction: others wait for no more.
const erasedAtOnce = 200

// mention tells whether a mention goes: it is from there, or by somebody who goes, or in
// their name.
func (e *eraser) mention(m *Mention) bool {
	if e.covers(ErasedSource, m.Source, m.Received) {
		return true
	}
	if m.Shown == nil && m.Held == nil {
		return e.beneath(m.Source, m.Received) // nobody knows who it is by
	}
	return slices.ContainsFunc([]*Version{m.Shown, m.Held}, func(v *Version) bool {
		return v != nil && (e.persons[v.Person] || e.covers(ErasedSource, v.URL, m.Received) ||
			slices.ContainsFunc(namesOf(v.Author.URL), func(name string) bool { return e.covers(ErasedPerson, name, m.Received) }))
	})
}

// beneath tells whether an address that came at a time lies at or below the profile of
// somebody who goes.
func (e *eraser) beneath(address string, came time.Time) bool {
	at := Erased{ErasedPerson, address}.folded().Value
	for at != "" {
		if e.is(Erased{ErasedPerson, at}, came) {
			return true
		}
		i := strings.LastIndexByte(at, '/')
		at = at[:max(i, 0)]
	}
	return false
}

// namesOf are what somebody with a profile is known by: its address, and in the fediverse
// their handle.
func namesOf(profile string) []string {
	names := []string{profile}
	if found := fediverse.FindStringSubmatch(bare(profile)); found != nil {
		names = append(names, strings.ToLower(found[2]+"@"+strings.TrimPrefix(strings.ToLower(found[1]), "www.")))
	}
	return names
}

var fediverse = regexp.MustCompile(`^([^/?#]+)/(?:@|users/)([A-Za-z0-9_][A-Za-z0-9_.-]*)/?$`)

// mended takes from a mention that stays the addresses of what goes, and tells whether there
// were any: what it answered, and a picture there. What somebody says of others in their own
// words is theirs.
func (e *eraser) mended(m *Mention) (changed bool) {
	for _, v := range []**Version{&m.Shown, &m.Held} {
		if *v == nil {
			continue
		}
		answers := slices.DeleteFunc(slices.Clone((*v).InReplyTo), func(address string) bool {
			return e.covers(ErasedSource, address, m.Received) || e.beneath(address, m.Received)
		})
		photo := (*v).Author.Photo
		if e.covers(ErasedSource, photo, m.Received) {
			photo = ""
		}
		if len(answers) == len((*v).InReplyTo) && photo == (*v).Author.Photo {
			continue
		}
		other := **v
		other.InReplyTo, other.Author.Photo = answers, photo
		*v, changed = &other, true
	}
	return changed
}

// change drops some mentions with what belongs to them, and mends others, in one transaction.
func (e *eraser) change(ctx context.Context, drop, mend []string) error {
	var now Erasure
	work := func(tx *Tx) error {
		now = Erasure{}
		for _, id := range drop {
			if err := e.drop(tx, id, &now); err != nil {
				return err
			}
		}
		for _, id := range mend {
			was, err := mentions.get(tx, id)
			m := was
			if err != nil || !e.mended(&m) {
				continue // it has gone or changed meanwhile
			}
			if m.Kind != OwnAnswer { // it is nobody else's, and goes with what it answers
				now.Mended++
			}
			// The original names what it answers.
			err = e.withFaces(tx, &was, &now, func() error { return cmp.Or(tx.pruneOriginals(id), tx.PutMention(m)) })
			if err != nil {
				return err
			}
		}
		return nil
	}
	var err error
	if e.dry {
		err = e.db.View(ctx, e.site, work)
	} else {
		err = e.db.Update(ctx, e.site, work)
	}
	if err != nil {
		return err
	}
	e.done.Mentions += now.Mentions
	e.done.Originals += now.Originals
	e.done.Earlier += now.Earlier
	e.done.Pictures += now.Pictures
	e.done.Jobs += now.Jobs
	e.done.Mended += now.Mended
	e.done.Files = append(e.done.Files, now.Files...)
	return nil
}

// The kinds of jobs that are about a mention, a person, or the picture at an address: those
// are their keys (internal/site/jobs.go).
const (
	aboutMention = "verify"
	aboutPerson  = "trust"
	aboutPicture = "picture"
)

// drop removes a mention, and counts what goes with it. One that has gone meanwhile is fine.
func (e *eraser) drop(tx *Tx, id string, now *Erasure) error {
	m, err := mentions.get(tx, id)
	if err != nil || !e.mention(&m) {
		return ignoreGone(err)
	}
	now.Mentions++
	now.Originals += tx.countKeys(originals.name, id)
	now.Earlier += tx.countKeys(befores.name, id)
	return e.withFaces(tx, &m, now, func() error {
		return cmp.Or(tx.DropMention(id), tx.dropJob(aboutMention, id, now))
	})
}

// withFaces makes a change to a mention, and lets the pictures go that nobody has after it,
// with the jobs that would fetch them.
func (e *eraser) withFaces(tx *Tx, m *Mention, now *Erasure, change func() error) error {
	var kept []Picture
	for _, photo := range m.photos() {
		if p, err := tx.PictureOf(photo); err == nil {
			kept = append(kept, p)
		}
	}
	if e.dry {
		for _, p := range kept {
			if !e.faces[p.Key] && e.alone(tx, p.URL) {
				e.faces[p.Key] = true
				now.Pictures++
			}
		}
		return nil
	}
	if err := change(); err != nil {
		return err
	}
	for _, photo := range m.photos() {
		if tx.shown(photo) {
			continue
		}
		if err := tx.dropJob(aboutPicture, photo, now); err != nil {
			return err
		}
	}
	for _, p := range kept {
		if tx.shown(p.URL) {
			continue
		}
		if now.Pictures++; p.Name != "" && !tx.HasPictureFile(p.Name) {
			now.Files = append(now.Files, p.Name)
		}
	}
	return nil
}

// shown tells whether any mention has the picture at an address.
func (tx *Tx) shown(photo string) bool {
	for range tx.r.scan(prefix(tx.Site, mentionsPhoto, photoKey(photo)), nil, false) {
		return true
	}
	return false
}

// alone tells whether nobody has the picture at an address but those who go.
func (e *eraser) alone(tx *Tx, photo string) bool {
	others, _, err := mentions.list(tx, Range{Limit: 1}, func(m *Mention) bool { return !e.mention(m) && !e.mended(m) }, mentionsPhoto, photoKey(photo))
	return err == nil && len(others) == 0
}

// refused tells whether a mention may not be written, since it was erased.
func (tx *Tx) refused(m *Mention) bool {
	if tx.ledger == nil || tx.ledger.empty() { // while the layout is brought up to date
		return false
	}
	e := eraser{is: func(one Erased, _ time.Time) bool {
		how, known := tx.ledger.stands(tx.Site, one)
		return known && !how.back
	}}
	return e.mention(m)
}

// countKeys counts the keys of a table below its parts.
func (tx *Tx) countKeys(table string, parts ...string) (n int) {
	for range tx.r.scan(prefix(tx.Site, table, parts...), nil, false) {
		n++
	}
	return n
}

// dropJob removes the job of a kind with a key, if there is one. One that runs finds nothing
// to do when it comes to its end.
func (tx *Tx) dropJob(kind, about string, now *Erasure) error {
	j, err := jobs.lookup(tx, jobsKey, tx.Site, kind, about)
	if err != nil || j.Owner != "" {
		return ignoreGone(err)
	}
	now.Jobs++
	if j.Parked.IsZero() {
		if err := tx.countJob(j, -1); err != nil {
			return err
		}
	}
	return jobs.delete(tx, j.ID)
}

// posts notes which of the owner's posts link to what goes.
func (e *eraser) posts(ctx context.Context) error {
	found := map[string]bool{}
	err := eachRecord(ctx, e.db, e.site, &posts, func(p Post) {
		linked := slices.ContainsFunc(p.Sent, func(s Sent) bool { return e.linked(s.Target) })
		if raw, err := json.Marshal(p.Item.Properties); err == nil && !linked {
			linked = slices.ContainsFunc(webAddress.FindAllString(string(raw), -1), e.linked)
		}
		if linked {
			found[p.Permalink] = true
		}
	})
	e.done.Posts = slices.Sorted(maps.Keys(found))
	return err
}

func (e *eraser) linked(address string) bool {
	return e.covers(ErasedSource, address, time.Time{}) || e.beneath(address, time.Time{})
}

var webAddress = regexp.MustCompile(`https?://[^\s"'<>\\]+`)
