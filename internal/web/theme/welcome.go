package theme

import "time"

// Welcome is the view of "welcome": the first steps. Its forms post to Action: do=check; do=try with
// target; do=skip or unskip with step; do=end.
type Welcome struct {
	Shell
	Action string
	Steps  []Step // in their order, each with what it takes
	Paused bool   // nothing is done until the owner says so on the command line
	Ended  bool
	Out    string // address of the inbox
}

// Step is a step: check, trial, app or moderation. One of the last fields belongs to it.
type Step struct {
	Name          string
	Number        int
	Done, Skipped bool

	Check      *Checkup
	Trial      *Trial
	App        *Connecting
	Moderation *Moderation
}

// Checkup is whether the site is attached.
type Checkup struct {
	Checking bool
	Checked  time.Time // zero: never
	Fails    int       // points that fail
	Error    string    // why it came to no end, in English
	Points   []CheckPoint
	Lang     string // BCP 47 tag of what they say
}

// CheckPoint is something that was looked at.
type CheckPoint struct {
	Name  string // a word that check.name has words for
	State string // ok, warning, fails
	Seen  string
	Do    string
	Paste []Paste
}

// Paste is a text to be put somewhere as it is.
type Paste struct{ Title, Text string }

// Trial is a test webmention.
type Trial struct {
	Target string // of the last one, or what is proposed
	Begun  bool
	Ended  bool
	Stages []TrialStage
	Error  string // what was wrong with what was sent: target; "": nothing
}

// TrialStage is something that has happened: begun, endpoint, received, verified, failed. Why, of
// the last, is a word that trialwhy has a sentence for; Note is in English, or an address.
type TrialStage struct {
	Stage, Why, Note string
	At               time.Time
}

// Connecting is how an application is connected.
type Connecting struct {
	Me     string // what is typed into it
	Posts  bool   // applications can post: else they can sign in
	Tokens string // address of the page of those that have access
}

// Moderation is whose responses wait.
type Moderation struct {
	Approve string // people, all, none: what is in force
	Choices []string
	Lines   string // for the settings file
}

// TrialPage is the view of "trial": the page that a test webmention comes from.
type TrialPage struct {
	Shell
	Target string
}
