package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"tertulia/internal/failpoint"
	"tertulia/store"
)

// Why a mention waits.
const (
	WhyPerson  = "person"  // nothing of this person was approved yet
	WhyAuthor  = "author"  // who has written it could not be confirmed
	WhyChanged = "changed" // the text is another than the one that was approved
	WhyMoved   = "moved"   // the source redirects to another domain
	WhyAll     = "all"     // the owner wants to see everything first
	WhyLinks   = "links"   // it links to dozens of other sites: it is quarantined

	WhyComment = "comment" // it was left here by somebody who has not signed in
	WhyCrowded = "crowded" // a comment that links to several other sites: it is quarantined
)

// ErrChanged is returned when a decision was about another text than the one that waits.
var ErrChanged = errors.New("the text has changed since it was shown")

// ErrUndecidable is returned for a decision that the mention's state does not allow.
var ErrUndecidable = errors.New("there is nothing to decide")

// maxRefused is how many rejected texts of a mention are remembered.
const maxRefused = 8

// Approve makes a mention public, its changed text included, and trusts its
// person, but not its host, from now on unless everybody's mentions are to wait: what else of
// theirs waits for being unknown goes through as well.
// seen is the digest of the text that the owner was shown, "" when it is not known: when
// the source has changed meanwhile the error is ErrChanged.
func (m *Mentions) Approve(ctx context.Context, by, id, seen string) error {
	return m.decide(ctx, by, "approve", id, seen)
}

// approve is [Mentions.Approve] of one mention.
func (m *Mentions) approve(seen string) change {
	return func(tx *store.Tx, mention *store.Mention, d *store.Decision) error {
		id := mention.ID
		if mention.Held != nil {
			mention.Shown, mention.Held = mention.Held, nil
		}
		if mention.Shown == nil || mention.State == store.Withdrawn {
			return fmt.Errorf("mention %s is %s: %w", id, mention.State, ErrUndecidable)
		}
		if !mention.Gone.IsZero() {
			return fmt.Errorf("the source of mention %s has taken it back since it was %s: %w", id, mention.State, ErrUndecidable)
		}
		if seen != "" && seen != mention.Shown.Digest {
			return fmt.Errorf("mention %s: %w", id, ErrChanged)
		}
		trust, err := trustIn(tx, mention.Shown, hostsOf(mention, mention.Shown)...)
		if err != nil {
			return err
		}
		if trust == store.Blocked || trust == store.Muted {
			return fmt.Errorf("mention %s: its person or host is %s: %w", id, trust, ErrUndecidable)
		}
		mention.State, mention.Decision, mention.ByTrust, mention.Why = store.Approved, store.Approved, false, ""
		mention.Refused = slices.DeleteFunc(slices.Clone(mention.Refused), func(digest string) bool { return digest == mention.Shown.Digest })
		if m.Site.Approve == ApproveAll || mention.Shown.Person == "" {
			return nil
		}
		person, err := tx.Person(mention.Shown.Person)
		if err != nil || person.Trust != store.Unknown {
			return err
		}
		return entrust(tx, person, store.Trusted, d)
	}
}

// Reject hides a mention, or only the changed text of one that is public: what
// was approved stays, and the same change is not asked about again.
func (m *Mentions) Reject(ctx context.Context, by, id string) error {
	return m.decide(ctx, by, "reject", id, "")
}

func reject(_ *store.Tx, mention *store.Mention, _ *store.Decision) error {
	if mention.Held != nil && mention.State == store.Approved {
		mention.Refused = append(slices.Clone(mention.Refused), mention.Held.Digest)
		mention.Refused = mention.Refused[max(0, len(mention.Refused)-maxRefused):]
		mention.Held, mention.Why = nil, ""
		return nil
	}
	mention.State, mention.Decision, mention.ByTrust = store.Rejected, store.Rejected, false
	mention.Held, mention.Why = nil, ""
	return nil
}

// Delete removes a mention from sight for good: no re-send revives it.
func (m *Mentions) Delete(ctx context.Context, by, id string) error {
	return m.decide(ctx, by, "delete", id, "")
}

func strike(_ *store.Tx, mention *store.Mention, _ *store.Decision) error {
	mention.State, mention.Decision, mention.ByTrust = store.Deleted, store.Deleted, false
	mention.Held, mention.Why = nil, ""
	return nil
}

// change is what a decision does to a mention.
type change func(*store.Tx, *store.Mention, *store.Decision) error

// verb is the change that an action makes of a mention of which the owner was shown the text seen;
// nil for what is no action.
func (m *Mentions) verb(action, seen string) change {
	switch action {
	case "approve":
		return m.approve(seen)
	case "reject":
		return reject
	case "delete":
		return strike
	case "set aside", "put back":
		return setAside(action == "set aside")
	}
	return nil
}

// decide makes a decision about one mention.
func (m *Mentions) decide(ctx context.Context, by, action, id, seen string) error {
	defer failpoint.Hit("mention.decided")
	return m.DB.Update(ctx, m.Site.Key, func(tx *store.Tx) error {
		_, err := m.decideIn(tx, store.Decision{By: by, Action: action, Subject: id}, seen)
		return err
	})
}

// decideIn makes a decision about a mention, with its line in the audit and how the mention stood
// before, and returns the line. It changes nothing when the error is fs.ErrNotExist, ErrUndecidable
// or ErrChanged.
func (m *Mentions) decideIn(tx *store.Tx, d store.Decision, seen string) (store.Decision, error) {
	mention, err := tx.Mention(d.Subject)
	if err != nil {
		return d, err
	}
	d.ID, d.At, d.Note = tx.DecisionID(), tx.Now, "was "+string(mention.State)
	was := mention
	was.State = was.Stands()
	mention.State, mention.Behind = was.State, ""
	if err := m.verb(d.Action, seen)(tx, &mention, &d); err != nil {
		return d, err
	}
	if err := m.Site.settle(tx, &mention); err != nil {
		return d, err
	}
	mention.History = store.AddEvent(mention.History, store.Event{At: tx.Now, Stage: d.Action, Note: "by " + d.By})
	if err := tx.PutMention(mention); err != nil {
		return d, err
	}
	if err := tx.PutBefore(stood(d.ID, was, mention)); err != nil {
		return d, err
	}
	if d.Person != "" {
		if err := m.Site.follow(tx, trustArgs{Person: d.Person}); err != nil {
			return d, err
		}
	}
	return d, cmp.Or(tx.Record(d), failpoint.Err("mention.decide"))
}

// stood is what has to be known of a mention to take back a decision about it.
func stood(decision string, was, now store.Mention) store.Before {
	b := store.Before{
		Mention: was.ID, Decision: decision, State: was.State, Decided: was.Decision,
		Why: was.Why, ByTrust: was.ByTrust, Refused: was.Refused, Aside: was.Aside,
	}
	if was.Shown != now.Shown {
		b.Shown = was.Shown
	}
	if was.Held != now.Held {
		b.Held = was.Held
	}
	return b
}

// Undo takes back a decision, once, by its id in the audit: what it was about stands
// again as before. A later decision about the same has to be taken back first. By undoing an
// approval that made a person trusted, they are not any more.
func (m *Mentions) Undo(ctx context.Context, by, decision string) error {
	return m.DB.Update(ctx, m.Site.Key, func(tx *store.Tx) error { return m.undoIn(tx, by, decision) })
}

// undoIn takes back a decision. It changes nothing when the error is fs.ErrNotExist or
// ErrUndecidable.
func (m *Mentions) undoIn(tx *store.Tx, by, decision string) error {
	d, err := tx.Decision(decision)
	if err != nil {
		return err
	}
	if err := undoable(tx, d); err != nil {
		return err
	}
	if d.Person != "" {
		person, err := tx.Person(d.Person)
		if err != nil {
			return err
		}
		person.Trust, person.Since = d.Trusted, d.Since
		if err := tx.PutPerson(person); err != nil {
			return err
		}
	}
	if d.Subject != d.Person {
		if err := m.restore(tx, d, by); err != nil {
			return err
		}
	}
	if d.Person != "" {
		if err := m.Site.follow(tx, trustArgs{Person: d.Person}); err != nil {
			return err
		}
	}
	d.Undone = tx.Now
	if err := tx.Record(d); err != nil {
		return err
	}
	return tx.Record(store.Decision{By: by, Action: "undo", Subject: d.Subject, Note: "of " + d.Action, Undoes: d.ID})
}

// undoable tells why a decision cannot be taken back.
func undoable(tx *store.Tx, d store.Decision) error {
	if d.Undoes != "" || !d.Undone.IsZero() {
		return fmt.Errorf("decision %s was taken back already, or takes back another: %w", d.ID, ErrUndecidable)
	}
	if _, err := tx.Before(d.Subject, d.ID); d.Subject != d.Person && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("nobody knows how %s stood before decision %s: %w", d.Subject, d.ID, ErrUndecidable)
	}
	if _, err := tx.Person(d.Person); d.Person != "" && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the person of decision %s was erased: %w", d.ID, ErrUndecidable)
	}
	later := ""
	for _, about := range []string{d.Subject, d.Person} {
		if about == "" {
			continue
		}
		tx.DecisionsAbout(about, d.ID, func(e store.Decision) bool {
			if e.Undoes == "" && e.Undone.IsZero() {
				later = e.ID
			}
			return later == ""
		})
	}
	if later != "" {
		return fmt.Errorf("decision %s stands on it and has to be taken back first: %w", later, ErrUndecidable)
	}
	return nil
}

// restore puts a mention back where it stood before a decision. What its source has said
// since then counts: that it has gone at once, anything else after another look.
func (m *Mentions) restore(tx *store.Tx, d store.Decision, by string) error {
	was, err := tx.Before(d.Subject, d.ID)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("nobody knows how mention %s stood before: %w", d.Subject, ErrUndecidable)
	}
	if err != nil {
		return err
	}
	mention, err := tx.Mention(d.Subject)
	if err != nil {
		return err
	}
	mention.State, mention.Behind, mention.Decision = was.State, "", was.Decided
	mention.Why, mention.ByTrust, mention.Refused, mention.Aside = was.Why, was.ByTrust, was.Refused, was.Aside
	if was.Shown != nil {
		mention.Shown = was.Shown
	}
	mention.Held = was.Held
	switch {
	case !mention.Gone.IsZero() && mention.State != store.Rejected && mention.State != store.Deleted:
		mention.State, mention.Held, mention.Why = store.Withdrawn, nil, ""
	case !mention.Asked(): // there is nobody to ask
	case mention.State == store.Received || mention.Checked.After(d.At):
		if err := tx.Enqueue(verifyJob(mention)); err != nil {
			return err
		}
	}
	if err := m.Site.settle(tx, &mention); err != nil {
		return err
	}
	mention.History = store.AddEvent(mention.History, store.Event{At: tx.Now, Stage: "undo", Note: "of " + d.Action + " by " + by})
	if err := tx.PutMention(mention); err != nil {
		return err
	}
	return tx.DropBefore(d.Subject, d.ID)
}
