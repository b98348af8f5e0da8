package store

import (
	"errors"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"tertulia/mf2"
)

// CopyState is where the copy of a post on a network stands.
type CopyState string

// The life of a copy:
//
//	waiting ──the network has it──▶ published ──the original changes──▶ waiting, with its Ref
//	   │  └──nobody can tell──▶ unclear ──the owner says where, or again──▶ published, waiting
//	   ├──there is no door: the owner posts it──▶ prepared ──the owner says where──▶ published
//	   ├──the network says no──▶ refused
//	   └──seven days, or the account has to be connected anew──▶ parked ──▶ waiting
//	published ──the original is taken away──▶ deleted ──it comes back──▶ waiting, another copy
//	published ──somebody takes it away there──▶ gone
const (
	CopyWaiting   CopyState = "waiting"
	CopyPublished CopyState = "published"
	CopyPrepared  CopyState = "prepared"
	CopyUnclear   CopyState = "unclear"
	CopyRefused   CopyState = "refused"
	CopyParked    CopyState = "parked"
	CopyDeleted   CopyState = "deleted"
	CopyGone      CopyState = "gone"
)

// Ref names something on a network: by the network's own id, where people see it, and what
// else the network wants to be told to find it again.
type Ref struct {
	ID   string `json:"id"`
	URL  string `json:"url"`
	More string `json:"more,omitempty"`
}

// Copy is the copy of a post on a network, or the promise of one.
type Copy struct {
	Post   string    `json:"post"`           // permalink of the original
	Target string    `json:"target"`         // uid of the account
	Key    string    `json:"key"`            // what the network knows it by: the same at every attempt
	Dated  time.Time `json:"dated,omitzero"` // of the post when the copy was promised, which some networks know it by; zero: the post's date
	State  CopyState `json:"state"`
	Note   string    `json:"note,omitempty"` // why it stands there, in English, for the owner

	Ref      Ref    `json:"ref,omitzero"`      // the copy; zero: there is none
	ReplyTo  Ref    `json:"reply_to,omitzero"` // what on the network it answers; zero: nothing
	Said     string `json:"said,omitempty"`    // digest of what it says
	Revision int    `json:"revision,omitempty"`

	Was      string `json:"was,omitempty"`      // where an earlier one was, which went with its post
	Text     string `json:"text,omitempty"`     // of a prepared one
	Composer string `json:"composer,omitempty"` // where the network has it typed in; "": nowhere

	// Begun is when a call was begun that makes the copy, and of which nobody knows how it
	// ended; zero: there is none (TRAPS T-PO01).
	Begun time.Time `json:"begun,omitzero"`
	Since time.Time `json:"since"`           // when it was promised what it waits for
	Tried int       `json:"tried,omitempty"` // attempts since then

	Next   time.Time `json:"next,omitzero"`    // when it is asked for answers next; zero: not any more
	Polled time.Time `json:"polled,omitzero"`  // when it was last
	Heard  time.Time `json:"heard,omitzero"`   // when there was something new last
	Out    time.Time `json:"out,omitzero"`     // when it was published
	Missed time.Time `json:"missed,omitzero"`  // since when the network does not find it; zero: it does
	Cursor string    `json:"cursor,omitempty"` // what the network said of where to go on

	History []Event `json:"history,omitempty"`
}

const (
	copiesAddress = "copies_address" // address of the copy → post·target
	copiesNext    = "copies_next"    // target·time·post → post·target
	copiesState   = "copies_state"   // target·state·time·post → post·target
)

var copies = table[Copy]{
	name: "copies", kind: "copy", version: 1,
	key: func(c *Copy) string { return join(c.Post, c.Target) },
	indexes: func(c *Copy) []indexEntry {
		entries := []indexEntry{{copiesState, join(c.Target, string(c.State), timePart(c.Since), c.Post)}}
		if c.Ref.URL != "" {
			entries = append(entries, indexEntry{copiesAddress, addressKey(c.Ref.URL)})
		}
		if !c.Next.IsZero() {
			entries = append(entries, indexEntry{copiesNext, join(c.Target, timePart(c.Next), c.Post)})
		}
		return entries
	},
}

// addressKey is a short key for all spellings of an address.
func addressKey(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		_, address, _ = strings.Cut(mf2.NormalizeURL(u), "://")
	}
	return sourceKey(address)
}

// Copy reads the copy of a post at a target.
func (tx *Tx) Copy(post, target string) (Copy, error) { return copies.get(tx, join(post, target)) }

// PutCopy writes a copy.
func (tx *Tx) PutCopy(c Copy) error { return copies.put(tx, c) }

// DropCopy forgets a copy.
func (tx *Tx) DropCopy(post, target string) error { return copies.delete(tx, join(post, target)) }

// CopyAt reads the copy that stands at an address.
func (tx *Tx) CopyAt(address string) (Copy, error) {
	return copies.lookup(tx, copiesAddress, addressKey(address))
}

// CopiesOf lists the copies of a post by target.
func (tx *Tx) CopiesOf(post string) (all []Copy, err error) {
	pre := prefix(tx.Site, copies.name, post)
	for k, v := range tx.r.scan(pre, nil, false) {
		c, err := copies.decode(k, join(post, string(k[len(pre):])), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		all = append(all, *c)
	}
	return all, nil
}

// CopiesIn lists the copies at a target in a state.
func (tx *Tx) CopiesIn(target string, state CopyState, r Range) ([]Copy, string, error) {
	return copies.list(tx, r, nil, copiesState, target, string(state))
}

// CountCopies counts the copies at a target in a state, up to most.
func (tx *Tx) CountCopies(target string, state CopyState, most int) (n int) {
	for range tx.r.scan(prefix(tx.Site, copiesState, target, string(state)), nil, false) {
		if n++; n >= most {
			break
		}
	}
	return n
}

// CopiesDue lists the posts whose copies at a target are due to be asked for answers, at most
// limit of them, the longest due first.
func (tx *Tx) CopiesDue(target string, limit int) (posts []string) {
	pre := prefix(tx.Site, copiesNext, target)
	for k := range tx.r.scan(pre, nil, false) {
		at, ok := timeAt(k, pre)
		if !ok || at.After(tx.Now) || len(posts) == limit {
			break
		}
		posts = append(posts, string(k[len(pre)+9:]))
	}
	return posts
}

// MoveCopies gives the copies of a post that has moved to its new permalink.
func (tx *Tx) MoveCopies(from, to string) error {
	all, err := tx.CopiesOf(from)
	for _, c := range all {
		if err != nil {
			break
		}
		if err = tx.DropCopy(from, c.Target); err == nil {
			c.Post = to
			err = tx.PutCopy(c)
		}
	}
	return err
}

// Origin is where an answer on a network comes from.
type Origin struct {
	Target string `json:"target"` // uid of the account
	Copy   string `json:"copy"`   // id of the copy that it answers
	Type   string `json:"type"`   // reply, like, repost, mention
	Ref    Ref    `json:"ref"`
}

const (
	mentionsOrigin  = "mentions_origin"  // target·copy·type·id on the network → id
	mentionsAddress = "mentions_address" // address of an answer on a network → id
)

// entries lead from what a network calls an answer, and from its address, to the mention.
func (o *Origin) entries() []indexEntry {
	if o == nil {
		return nil
	}
	entries := []indexEntry{{mentionsOrigin, join(o.Target, o.Copy, o.Type, o.Ref.ID)}}
	if words := o.Type == "reply" || o.Type == "mention"; words && o.Ref.URL != "" {
		entries = append(entries, indexEntry{mentionsAddress, addressKey(o.Ref.URL)})
	}
	return entries
}

// AnswerBy reads the mention that was made of an answer on a network.
func (tx *Tx) AnswerBy(target, copied, kind, id string) (Mention, error) {
	return mentions.lookup(tx, mentionsOrigin, target, copied, kind, id)
}

// AnswerAt reads the mention that was made of the words at an address on a network.
func (tx *Tx) AnswerAt(address string) (Mention, error) {
	return mentions.lookup(tx, mentionsAddress, addressKey(address))
}

// AnswersTo tells the ids, on the network and here, of the answers of a type that are known to a copy.
func (tx *Tx) AnswersTo(target, copied, kind string) map[string]string {
	known := map[string]string{}
	pre := prefix(tx.Site, mentionsOrigin, target, copied, kind)
	for k, v := range tx.r.scan(pre, nil, false) {
		known[string(k[len(pre):])] = string(v)
	}
	return known
}

// Network is an account on a network that was connected, and how it stands. What lets us in
// there is sealed with a key that lies beside the database ([DB.Seal]).
type Network struct {
	Target    string    `json:"target"`           // uid of the account
	Secret    []byte    `json:"secret,omitempty"` // sealed; none: the settings name a file
	App       []byte    `json:"app,omitempty"`    // sealed: what the network wants to forget the secret; none: it was typed
	Session   []byte    `json:"session,omitempty"`
	Begun     []byte    `json:"begun,omitempty"` // sealed: a connection that waits for its owner to come back
	BegunAt   time.Time `json:"begun_at,omitzero"`
	Connected time.Time `json:"connected,omitzero"`
	By        string    `json:"by,omitempty"` // me of who connected it

	Name    string `json:"name,omitempty"`    // of the account, as the network says
	Profile string `json:"profile,omitempty"` // its address
	Handle  string `json:"handle,omitempty"`  // name@host

	// Refused is a digest of the secret that the network takes no longer; "": it does.
	Refused   string    `json:"refused,omitempty"`
	RefusedAt time.Time `json:"refused_at,omitzero"`
}

var networks = table[Network]{
	name: "networks", kind: "network", version: 1,
	key: func(n *Network) string { return n.Target },
}

// Network reads what is known of an account; the zero Network when that is nothing.
func (tx *Tx) Network(target string) (Network, error) {
	n, err := networks.get(tx, target)
	if errors.Is(err, fs.ErrNotExist) {
		return Network{Target: target}, nil
	}
	return n, err
}

// PutNetwork writes it.
func (tx *Tx) PutNetwork(n Network) error { return networks.put(tx, n) }

// DropNetwork forgets an account, its secrets with it. One that is not known is fine.
func (tx *Tx) DropNetwork(target string) error {
	return dropIfThere(tx, &networks, target)
}
