package site

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"tertulia/internal/failpoint"
	"tertulia/store"
)

// Bounds of what is decided in one go, and in one transaction of it. Each transaction is whole: one
// that fails leaves those before it decided, and they can be undone.
const (
	maxAtOnce      = 1000
	perTransaction = 100
)

// Choice is a mention that the owner has chosen.
type Choice struct {
	ID   string
	Seen string // digest of the text that they were shown; "": they were not shown any
}

// Selection is what a decision is about.
type Selection struct {
	Mentions []Choice
	Groups   []string  // keys of groups
	State    string    // of what is in the groups: pending or quarantined
	AsOf     time.Time // when the groups were shown: what has come or was read anew since then is left alone
	People   []string  // as [Mentions.Person] takes them
}

// Decided is what came of a decision about several.
type Decided struct {
	Batch string // what Undo takes; "": nothing was decided
	Done  int    // mentions, or people
	Left  int    // that were left as they are: they have gone, say something else now, or nobody is known behind them
	More  bool   // there is more of this in the groups than is decided in one go
}

// trustOf are the actions that are about who says it.
var trustOf = map[string]store.Trust{"mute": store.Muted, "block": store.Blocked, "trust": store.Trusted, "forget": store.Unknown}

// Decide does the same to all that was chosen: approve, reject or delete; mute, block, trust or
// forget those who have said it; replay. A group of which nobody is known stands for its domain.
// Of a single one that is left the error says why, as [Mentions.Approve] does; ErrUndecidable is also
// the error for what is no action, or a domain that belongs to nobody.
func (i *Inbox) Decide(ctx context.Context, by, action string, what Selection) (Decided, error) {
	defer failpoint.Hit("inbox.decided")
	b := &bulk{inbox: i, by: by, action: action, id: store.NewID(time.Now())}
	trust, about := trustOf[action]
	var err error
	switch {
	case about:
		err = b.people(ctx, trust, what)
	case action == "replay":
		for _, c := range what.Mentions {
			if err = i.Mentions.Replay(ctx, c.ID); err != nil {
				break
			}
		}
		return Decided{}, err
	case i.Mentions.verb(action, "") == nil:
		return Decided{}, fmt.Errorf("%q is no decision: %w", action, ErrUndecidable)
	default:
		if err = b.mentions(ctx, what.Mentions); err == nil {
			err = b.groups(ctx, what, b.mentions)
		}
	}
	if err == nil && b.Done == 0 && b.Left == 1 {
		err = b.why
	}
	if b.Done > 0 {
		b.Decided.Batch = b.id
	}
	return b.Decided, err
}

// bulk is a decision about several, on its way.
type bulk struct {
	Decided
	inbox          *Inbox
	by, action, id string
	why            error // of the last that was left
}

// line is the beginning of a line in the audit.
func (b *bulk) line(subject string) store.Decision {
	return store.Decision{By: b.by, Action: b.action, Subject: subject, Batch: b.id}
}

// each does something to some, in transactions of a hundred. What cannot be done to one of them is
// left.
func each[T any](ctx context.Context, b *bulk, all []T, do func(*store.Tx, T) error) error {
	for some := range slices.Chunk(all, perTransaction) {
		done, left, why := 0, 0, b.why
		err := b.inbox.DB.Update(ctx, b.inbox.Site.Key, func(tx *store.Tx) error {
			done, left = 0, 0
			for _, one := range some {
				err := do(tx, one)
				switch {
				case err == nil:
					done++
				case passing(err):
					left, why = left+1, err
				default:
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		b.Done, b.Left, b.why = b.Done+done, b.Left+left, why
	}
	return nil
}

func (b *bulk) mentions(ctx context.Context, chosen []Choice) error {
	return each(ctx, b, chosen, func(tx *store.Tx, c Choice) error {
		_, err := b.inbox.Mentions.decideIn(tx, b.line(c.ID), c.Seen)
		return err
	})
}

// groups hands on what is in the groups, some at a time.
func (b *bulk) groups(ctx context.Context, what Selection, do func(context.Context, []Choice) error) error {
	for _, key := range what.Groups {
		s, err := readScope(store.State(what.State), key)
		if err != nil {
			return err
		}
		for from := ""; ; {
			if b.Done+b.Left >= maxAtOnce {
				b.More = true
				return nil
			}
			var chosen []Choice
			late := 0
			if err := b.inbox.DB.View(ctx, b.inbox.Site.Key, func(tx *store.Tx) error {
				chosen, late, from = b.next(tx, s, from, what.AsOf)
				return nil
			}); err != nil {
				return err
			}
			b.Left += late
			if err := do(ctx, chosen); err != nil {
				return err
			}
			if from == "" {
				break
			}
		}
	}
	return nil
}

// next is the next of what is in a scope, but for what came later than it was shown, and where the
// rest begins.
func (b *bulk) next(tx *store.Tx, s scope, from string, asOf time.Time) (chosen []Choice, late int, rest string) {
	g := gatherer{inbox: b.inbox, tx: tx, state: s.state}
	for w := range g.waits(s, from) {
		if len(chosen)+late == perTransaction {
			return chosen, late, w.Cursor()
		}
		m, err := tx.Mention(w.ID)
		if err != nil || m.Received.After(asOf) || m.Checked.After(asOf) {
			late++
			continue
		}
		c := Choice{ID: m.ID}
		if v := decidable(m); v != nil {
			c.Seen = v.Digest
		}
		chosen = append(chosen, c)
	}
	return chosen, late, ""
}

// people decides about who is behind what was chosen.
func (b *bulk) people(ctx context.Context, trust store.Trust, what Selection) error {
	who, err := b.behind(ctx, what)
	if err != nil {
		return err
	}
	err = each(ctx, b, who, func(tx *store.Tx, one string) error {
		_, err := b.inbox.Mentions.decidePerson(tx, b.line(one), trust)
		return err
	})
	if err != nil {
		return err
	}
	// What waits goes at once, wherever the job that follows the decision has come.
	done := b.Decided
	err = b.groups(ctx, what, func(ctx context.Context, chosen []Choice) error {
		return each(ctx, b, chosen, func(tx *store.Tx, c Choice) error {
			m, err := tx.Mention(c.ID)
			if err != nil {
				return err
			}
			return b.inbox.Site.resettle(tx, m, "")
		})
	})
	b.Decided = done
	return err
}

// behind is who is behind what was chosen, each once; of whom nobody is known is left.
func (b *bulk) behind(ctx context.Context, what Selection) (who []string, err error) {
	add := func(one string) {
		if !slices.Contains(who, one) {
			who = append(who, one)
		}
	}
	for _, one := range what.People {
		add(one)
	}
	err = b.inbox.DB.View(ctx, b.inbox.Site.Key, func(tx *store.Tx) error {
		for _, c := range what.Mentions {
			m, err := tx.Mention(c.ID)
			v := decidable(m)
			if err == nil && (v == nil || v.Person == "") {
				err = fmt.Errorf("mention %s is by nobody who is known: %w", c.ID, ErrUndecidable)
			}
			switch {
			case passing(err):
				b.Left, b.why = b.Left+1, err
			case err != nil:
				return err
			default:
				add(v.Person)
			}
		}
		return nil
	})
	for _, key := range what.Groups {
		s, wrong := readScope(store.State(what.State), key)
		switch {
		case wrong != nil:
			return nil, wrong
		case s.person != "" && !s.many():
			add(s.person)
		case isShared(s.domain) || b.inbox.Site.isOurs(s.domain) || s.domain == everybody:
			b.Left, b.why = b.Left+1, fmt.Errorf("%s: %w", s.domain, ErrEverybody)
		default:
			add(hostIdentity + s.domain)
		}
	}
	return who, err
}

// Undo takes back a decision, or all of a batch, the last first; what something else was decided
// about since then is left. fs.ErrNotExist is for what is neither.
func (i *Inbox) Undo(ctx context.Context, by, id string) (Decided, error) {
	b := &bulk{inbox: i, by: by}
	ids := []string{}
	err := i.DB.View(ctx, i.Site.Key, func(tx *store.Tx) error {
		if _, err := tx.Decision(id); err == nil {
			ids = []string{id}
			return nil
		}
		tx.DecisionsAbout(id, "", func(d store.Decision) bool {
			if d.Batch == id && d.Undone.IsZero() {
				ids = append(ids, d.ID)
			}
			return true
		})
		return nil
	})
	if err == nil && (id == "" || len(ids) == 0) {
		err = fmt.Errorf("nothing to take back by the name of %s: %w", id, fs.ErrNotExist)
	}
	if err == nil {
		err = each(ctx, b, ids, func(tx *store.Tx, id string) error { return i.Mentions.undoIn(tx, by, id) })
	}
	if err == nil && b.Done == 0 {
		err = b.why
	}
	return b.Decided, err
}
