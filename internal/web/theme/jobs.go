package theme

import "time"

// Jobs is the view of "jobs": what the service has to do, and what it could not. Its forms post
// to Action: do=retry or drop with id, do=retry-all or drop-all with kind and state.
type Jobs struct {
	Shell
	Action string
	Paused time.Time  // since when nothing is done; zero: it is not so, or not known since when
	Rests  bool       // nothing is done until the owner says so on the command line
	Kinds  []JobKind  // of which there are jobs
	State  string     // of those that are listed: waiting, running, parked; "": any
	Kind   string     // of those that are listed, where one was chosen; else ""
	Groups []JobGroup // those that are listed
	All    string     // address of the list of all kinds and states; "": it is this
	More   string     // address of the next page; "" on the last
	Done   string     // what was just done: retried, dropped; "": nothing
	Number int        // of jobs that it was done to
	Now    time.Time
}

// JobKind is a kind of jobs with how many there are, and the addresses of their lists.
type JobKind struct {
	Kind                     string
	Waiting, Running, Parked int
	URL                      string // of all of the kind; &state= with a state narrows it
}

// JobGroup is jobs of one kind.
type JobGroup struct {
	Kind string
	Jobs []Job
}

// Job is something that is to be done.
type Job struct {
	ID       string
	About    string // what it is about; of strangers
	State    string // waiting, running, parked
	Why      string // why it was parked, a word that jobwhy has a sentence for; again: the last attempt has failed; else ""
	Due      time.Time
	Since    time.Time
	Attempts int
	Error    string // of the last attempt, in English
}
