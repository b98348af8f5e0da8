package theme

import "time"

// Networks is the view of "networks": the accounts that copies of posts go to, and the copies that
// wait for the owner. Its forms post to Action: do=begin, connect (secret) or disconnect with id, an
// account's; do=retry, found (address) or leave with post and id.
type Networks struct {
	Shell
	Action   string
	Accounts []Account
	Copies   []Copy
	Again    string // where the owner signs in again before connecting one; empty: they need not
	Done     string // what has just been done: connected, disconnected; empty: nothing
	Error    string // what was wrong: secret, network, answer, address, late; empty: nothing
	At       string // ID of the account or copy that it was wrong with
}

// Account is an account on a network.
type Account struct {
	ID        string
	Name      string
	Profile   Link      // whose account it is, as the network says; zero: not known
	Way       string    // how it is connected: oauth, secret; empty: it needs not be
	ByHand    bool      // nobody but the owner can post there
	File      bool      // the settings name what lets us in
	Stands    string    // open, closed, refused
	Since     time.Time // zero: not known
	Rests     time.Time // until when the network is left alone; zero: it is not
	Waiting   int
	Attention int
}

// Copy is a copy that waits for the owner.
type Copy struct {
	ID       string // unique on the page
	Account  string // ID
	Name     string // of the account
	Post     Link
	State    string // unclear, prepared, parked, refused
	Note     string // what the network said, in English; may be empty
	Text     string // of a prepared one
	Composer string // where the network has it typed in; empty: nowhere
	URL      string // where it is; empty: nowhere
	Since    time.Time
}
