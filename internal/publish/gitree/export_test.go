package gitree

import "time"

// OnStep lets a test stop the program before each step and each run of git.
func (r *Repo) OnStep(f func(step string)) { r.step = f }

// SetGrace shortens the time that git has to end by itself.
func (r *Repo) SetGrace(d time.Duration) { r.grace = d }

// ParseRemote gives what git would be called with, and what it would not.
func ParseRemote(s string) (address, scheme, secret string, err error) {
	to, err := parseRemote(s)
	return to.url, to.scheme, to.secret, err
}

// Clean is what is kept of git's complaints.
func Clean(text, user, password string) string { return clean(text, &secret{user, password}) }
