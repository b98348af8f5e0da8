package site

import (
	"context"
	"io/fs"
	"net/url"
	"strings"

	"tertulia/internal/failpoint"
	"tertulia/internal/queue"
	"tertulia/store"
)

// atOnce is how many mentions one transaction settles anew after a decision about their
// person. The first are settled with the decision, the others by the job trust.
const atOnce = 200

// trustArgs are the arguments of the job trust.
type trustArgs struct {
	Person string `json:"person"`
	After  string `json:"after,omitempty"` // how far it has come
}

func trustJob(a trustArgs) store.Job { return newJob(jobTrust, a.Person, a) }

// trust brings the mentions of a person, or of a host, to where the owner's decision
// about them wants them. It looks at what is decided now, so running twice, or after another
// decision, does no harm.
func (j *Jobs) trust(_ context.Context, job store.Job) (queue.Commit, error) {
	var args trustArgs
	s, err := j.begin(job, &args)
	if err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error { return s.follow(tx, args) }, nil
}

// follow settles the next of the mentions that hang on a person, and promises the rest.
func (s *Site) follow(tx *store.Tx, args trustArgs) error {
	person, err := tx.Person(args.Person)
	if err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	some, next, err := s.hangingOn(tx, args, person)
	if err != nil {
		return err
	}
	for _, m := range some {
		id := person.ID
		if hostOf(person) != "" {
			id = ""
		}
		if err := s.resettle(tx, m, id); err != nil {
			return err
		}
	}
	failpoint.Hit("trust.followed")
	if next == "" {
		return nil
	}
	return tx.Enqueue(trustJob(trustArgs{Person: args.Person, After: next}))
}

// hangingOn lists some mentions of a person, or those from a host among the next of the
// site's, and where the rest begins, "" when there is none.
func (s *Site) hangingOn(tx *store.Tx, args trustArgs, person store.Person) (some []store.Mention, next string, err error) {
	host := hostOf(person)
	if host == "" {
		some, next, err = tx.MentionsBy(args.Person, store.Range{From: decodeCursor(args.After), Limit: atOnce})
		return some, encodeCursor(next), err
	}
	walked := 0
	for m := range tx.EachMention(args.After) {
		if speaksFrom(tx, &m, host) {
			some = append(some, m)
		}
		if walked++; walked == atOnce {
			return some, m.ID, nil
		}
	}
	return some, "", nil
}

// speaksFrom tells whether a mention comes from a host or one below it.
func speaksFrom(tx *store.Tx, m *store.Mention, host string) bool {
	for _, v := range []*store.Version{m.Shown, m.Held} {
		if v == nil {
			continue
		}
		hosts := hostsOf(m, v)
		if p, err := tx.Person(v.Person); err == nil {
			if u, err := url.Parse(p.URL); err == nil {
				hosts = append(hosts, hostPort(u))
			}
		}
		for _, at := range hosts {
			for ; at != ""; at = hostAbove(at) {
				if at == host {
					return true
				}
			}
		}
	}
	return false
}

// hostOf is the host that a record is about, "" when it is about a person.
func hostOf(p store.Person) string {
	if len(p.Identities) == 1 {
		if host, ok := strings.CutPrefix(p.Identities[0], hostIdentity); ok {
			return host
		}
	}
	return ""
}
