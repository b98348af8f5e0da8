package store

import "math"

// JobOf reads the job of the site with a kind and a key, which there is one of at most;
// fs.ErrNotExist when there is none.
func (tx *Tx) JobOf(kind, key string) (Job, error) {
	return jobs.lookup(tx, jobsKey, tx.Site, kind, key)
}

// ParkedJobs lists the jobs of the site that were given up, in the order they were promised.
func (tx *Tx) ParkedJobs() ([]Job, error) {
	parked := func(j *Job) bool { return j.Site == tx.Site }
	found, _, err := jobs.list(tx, Range{Limit: math.MaxInt}, parked, jobsParked)
	return found, err
}
