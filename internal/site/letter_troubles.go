package site

import (
	"encoding/json"
	"slices"

	"tertulia/store"
)

// troubles says of jobs and copies what still holds. Copies that wait for an account to be connected
// are one trouble, however many they are.
func (n *Networks) troubles(tx *store.Tx, refs []string) (all []Trouble, err error) {
	closed := map[string]int{} // uid → place in all
	for _, job := range tx.JobsParked(mostParked) {
		if !slices.Contains(refs, job.ID) {
			continue
		}
		t := Trouble{Kind: job.Kind, Key: job.Key, Error: job.Error, At: job.Parked, Link: n.Site.Endpoint("admin/jobs")}
		a, args := n.accountOf(job)
		if a == nil {
			all = append(all, t)
			continue
		}
		known, err := tx.Network(a.UID)
		if err != nil {
			return nil, err
		}
		t.Account, t.Link = a.Name, n.Site.Endpoint("admin/networks#"+AccountID(a.UID))
		if n.stands(a, known) == AccountOpen {
			if c, err := tx.Copy(args.Post, args.Target); err == nil && c.State == store.CopyParked && job.Kind == jobSyndicate {
				t.Key, t.State, t.Link = c.Post, string(c.State), n.Site.Endpoint("admin/networks#"+CopyID(c.Post, c.Target))
			}
			all = append(all, t)
			continue
		}
		i, seen := closed[a.UID]
		if !seen {
			i, t.State, t.Key = len(all), "connect", ""
			closed[a.UID], all = i, append(all, t)
		}
		if job.Kind == jobSyndicate {
			all[i].Count++
		}
	}
	for _, ref := range refs {
		if c, ok := copyOf(tx, ref); ok {
			all = append(all, n.troubleOf(c))
		}
	}
	return all, nil
}

// accountOf is the account that a job is about; nil when it is about none.
func (n *Networks) accountOf(job store.Job) (a *Account, args copyArgs) {
	if job.Kind != jobSyndicate && job.Kind != jobPoll || json.Unmarshal(job.Args, &args) != nil {
		return nil, args
	}
	return n.Site.account(args.Target), args
}

func (n *Networks) troubleOf(c store.Copy) Trouble {
	t := Trouble{Kind: jobSyndicate, Key: c.Post, Error: c.Note, At: c.Since, State: string(c.State), Account: c.Target, Link: n.Site.Endpoint("admin/networks#" + CopyID(c.Post, c.Target))}
	if a := n.Site.account(c.Target); a != nil {
		t.Account = a.Name
	}
	return t
}
