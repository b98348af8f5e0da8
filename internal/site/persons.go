package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"tertulia/internal/failpoint"
	"tertulia/store"
)

// ErrEverybody is returned for a host that cannot be decided about, since it is no one's.
var ErrEverybody = errors.New("that is no host of somebody's")

// Muted and Blocked are what the owner's pages can say of a person.
const (
	Muted   = store.Muted
	Blocked = store.Blocked
)

// actions are the names of decisions about people in the audit.
var actions = map[store.Trust]string{
	store.Unknown: "forget", store.Trusted: "trust", store.Muted: "mute", store.Blocked: "block",
}

// People lists the newest people, and the hosts that the owner has decided about: at most
// limit of them, those with a trust or, with nil, all.
func (m *Mentions) People(ctx context.Context, trust *store.Trust, limit int) (list []store.Person, err error) {
	err = m.DB.View(ctx, m.Site.Key, func(tx *store.Tx) error {
		list = tx.People(limit, func(p *store.Person) bool {
			return trust == nil && (p.Trust != store.Unknown || hostOf(*p) == "") || trust != nil && p.Trust == *trust
		})
		return nil
	})
	return list, err
}

// Person reads a person by id, profile URL, handle or "host:" with a name, the newest
// mentions of theirs, and what was decided about them, newest first.
func (m *Mentions) Person(ctx context.Context, who string, limit int) (p store.Person, mentions []store.Mention, decisions []store.Decision, err error) {
	err = m.DB.View(ctx, m.Site.Key, func(tx *store.Tx) error {
		if p, err = findPerson(tx, who); err != nil {
			return err
		}
		mentions, _, err = tx.MentionsBy(p.ID, store.Range{Limit: limit, Backward: true})
		decisions = decisionsAbout(tx, p.ID)
		return err
	})
	return p, mentions, decisions, err
}

// Decisions lists what was decided about a mention or a person by id, newest first.
func (m *Mentions) Decisions(ctx context.Context, about string) (list []store.Decision, err error) {
	err = m.DB.View(ctx, m.Site.Key, func(tx *store.Tx) error {
		list = decisionsAbout(tx, about)
		return nil
	})
	return list, err
}

// maxDecisions is how many decisions about one mention or person are listed.
const maxDecisions = 50

func decisionsAbout(tx *store.Tx, about string) (list []store.Decision) {
	tx.DecisionsAbout(about, "", func(d store.Decision) bool {
		list = append(list, d)
		return len(list) < maxDecisions
	})
	return list
}

// Decide says how far a person is trusted from now on, or a host with those below it, and
// brings what they have sent to where that wants it. who is as for Person; somebody of whom nothing
// has come yet can be decided about as well. It returns the id of the decision, which Undo takes.
func (m *Mentions) Decide(ctx context.Context, by, who string, trust store.Trust) (decision string, err error) {
	defer failpoint.Hit("person.decided")
	err = m.DB.Update(ctx, m.Site.Key, func(tx *store.Tx) error {
		d, err := m.decidePerson(tx, store.Decision{By: by, Subject: who}, trust)
		decision = d.ID
		return err
	})
	return decision, err
}

// decidePerson makes a decision about a person, named by its Subject, and returns its line in the
// audit.
func (m *Mentions) decidePerson(tx *store.Tx, d store.Decision, trust store.Trust) (store.Decision, error) {
	person, err := findPerson(tx, d.Subject)
	if errors.Is(err, fs.ErrNotExist) {
		person, err = strangerBy(tx, d.Subject)
	}
	if err != nil {
		return d, err
	}
	d.ID, d.At, d.Action, d.Subject, d.Note = tx.DecisionID(), tx.Now, actions[trust], person.ID, "was "+trustName(person.Trust)
	if err := entrust(tx, person, trust, &d); err != nil {
		return d, err
	}
	if err := m.Site.follow(tx, trustArgs{Person: person.ID}); err != nil {
		return d, err
	}
	return d, tx.Record(d)
}

// DecideAuthor is Decide about the person behind a mention; ErrUndecidable when it could not
// be confirmed who that is.
func (m *Mentions) DecideAuthor(ctx context.Context, by, mention string, trust store.Trust) error {
	person := ""
	err := m.DB.View(ctx, m.Site.Key, func(tx *store.Tx) error {
		found, err := tx.Mention(mention)
		for _, v := range []*store.Version{found.Shown, found.Held} {
			if v != nil {
				person = v.Person
			}
		}
		return err
	})
	if err == nil && person == "" {
		err = fmt.Errorf("mention %s is by nobody who is known: %w", mention, ErrUndecidable)
	}
	if err != nil {
		return err
	}
	_, err = m.Decide(ctx, by, person, trust)
	return err
}

// UndoPerson takes back the last decision about a person that still stands, or a decision
// by its id.
func (m *Mentions) UndoPerson(ctx context.Context, by, who string) error {
	decision := who
	err := m.DB.View(ctx, m.Site.Key, func(tx *store.Tx) error {
		if _, err := tx.Decision(who); err == nil {
			return nil
		}
		p, err := findPerson(tx, who)
		if err != nil {
			return err
		}
		decision = ""
		tx.DecisionsAbout(p.ID, "", func(d store.Decision) bool {
			if d.Person == p.ID && d.Undoes == "" && d.Undone.IsZero() {
				decision = d.ID
			}
			return decision == ""
		})
		if decision == "" {
			return fmt.Errorf("nothing that was decided about %s stands: %w", who, ErrUndecidable)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return m.Undo(ctx, by, decision)
}

// trustName is a trust in a word.
func trustName(t store.Trust) string {
	if t == store.Unknown {
		return "unknown"
	}
	return string(t)
}

// entrust writes a trust, and into the decision how it stood before.
func entrust(tx *store.Tx, p store.Person, trust store.Trust, d *store.Decision) error {
	d.Person, d.Trusted, d.Since = p.ID, p.Trust, p.Since
	p.Trust, p.Since = trust, tx.Now
	return tx.PutPerson(p)
}

// findPerson reads a person by whatever they are known by.
func findPerson(tx *store.Tx, who string) (store.Person, error) {
	if p, err := tx.Person(who); err == nil {
		return p, nil
	}
	ids, err := identitiesIn(who)
	if err != nil {
		return store.Person{}, err
	}
	for _, identity := range ids {
		if p, err := tx.PersonBy(identity); !errors.Is(err, fs.ErrNotExist) {
			return p, err
		}
	}
	return store.Person{}, fmt.Errorf("person %s: %w", who, fs.ErrNotExist)
}

// strangerBy makes a person of whom nothing has come yet.
func strangerBy(tx *store.Tx, who string) (store.Person, error) {
	ids, err := identitiesIn(who)
	if err != nil {
		return store.Person{}, err
	}
	if len(ids) == 0 {
		return store.Person{}, fmt.Errorf("person %s: %w", who, fs.ErrNotExist)
	}
	p := store.Person{ID: store.NewID(tx.Now), Name: ids[0], Identities: ids, Created: tx.Now}
	if strings.Contains(who, "://") {
		p.URL = who
	}
	return p, tx.PutPerson(p)
}

// identitiesIn are the identities that somebody's words mean: none when they are no address.
func identitiesIn(who string) ([]string, error) {
	who = strings.TrimSpace(who)
	if host, ok := strings.CutPrefix(who, hostIdentity); ok {
		u, err := url.Parse("https://" + strings.TrimSpace(host))
		if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" {
			return nil, fmt.Errorf("host %q: %w", host, ErrEverybody)
		}
		name := hostPort(u)
		if suffix, icann := publicsuffix.PublicSuffix(name); suffix == name && icann {
			return nil, fmt.Errorf("host %q has all of %s below it: %w", host, name, ErrEverybody)
		}
		return []string{hostIdentity + name}, nil
	}
	if name, host, ok := strings.Cut(strings.TrimPrefix(who, "@"), "@"); ok && !strings.ContainsAny(who, "/ ") {
		return []string{strings.ToLower(name) + "@" + strings.TrimPrefix(strings.ToLower(host), "www.")}, nil
	}
	u, err := url.Parse(who)
	if err == nil && u.Scheme == "" && strings.Contains(strings.SplitN(who, "/", 2)[0], ".") {
		u, err = url.Parse("https://" + who)
	}
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return nil, nil
	}
	return identitiesOf(u), nil
}
