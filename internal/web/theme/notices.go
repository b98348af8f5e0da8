package theme

import "time"

// Notices is the view of "notices": how those who look after the site are told what happens there.
// Forms about the asker's own feed post to Action with do=feed or no-feed; those about mails and hooks
// to Hooking with do=mail, new (address, kind…), drop, test (id) or resend (id, delivery).
type Notices struct {
	Shell
	Action, Hooking string
	Owner           bool   // they see mails and hooks too
	Again           string // where they sign in again before making a feed or a hook; empty: they need not
	Error           string // hook: the address, or what it is told, cannot be; empty: nothing is wrong
	Typed           string // the address that was

	Server  string // host of the mail server; empty: there is none
	To      string // where mail goes; empty: nowhere
	Kinds   []NoticeKind
	Next    time.Time // of the next digest; zero: there are none
	Zone    string
	Letters []Letter

	Feed        time.Time // since when the asker has a private feed; zero: they have none
	FeedAddress string    // of the one that was just made, to be shown this once

	Hooks  []Hook
	Secret string // of the hook that was just made, to be shown this once
}

// NoticeKind is a kind of what is told, and how: off, now or digest.
type NoticeKind struct{ Name, Mode string }

// Letter is a mail that was made lately.
type Letter struct {
	Mode  string // now, digest, test
	Made  time.Time
	State string // waiting, sent, empty, failed
	Error string
}

// Hook is a web hook.
type Hook struct {
	ID, Address string
	Kinds       []string
	Made        time.Time
	Failing     time.Time // since when nothing arrives; zero: it works
	Deliveries  []Delivery
}

// Delivery is one thing that a hook was told.
type Delivery struct {
	ID, Kind string
	At       time.Time
	State    string // waiting, sent, failed
	Status   int    // the answer's; 0: there was none
	Error    string // why not
	Tried    time.Time
	Due      time.Time
	Link     string // its own page
}

// DeliveryPage is the view of "delivery".
type DeliveryPage struct {
	Shell
	Delivery
	Hook   string // id
	Body   string // JSON without the secret; empty: it says nothing any more
	Action string // takes do=resend, id, delivery
	Back   string
}
