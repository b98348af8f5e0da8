package store

import "time"

// Decision is one line of the audit: who decided what, when. It can be undone once; the
// line stays, and the undoing is a line of its own.
type Decision struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	By      string    `json:"by"`                // me of the person, or "command line"; "": the program itself
	Action  string    `json:"action"`            // approve, reject, delete, trust, mute, block, forget, undo; of what lets somebody in: let in, make token…
	Subject string    `json:"subject"`           // id of the mention, person, token or session that it is about, or somebody's address
	Note    string    `json:"note,omitempty"`    // how it stood before, for people to read
	Person  string    `json:"person,omitempty"`  // id of the person whose trust it changed; "": nobody's
	Trusted Trust     `json:"trusted,omitempty"` // that trust before; the zero value is unknown
	Since   time.Time `json:"since,omitzero"`    // since when it was that
	Batch   string    `json:"batch,omitempty"`   // what was decided in one go has the same; "": it was decided by itself
	Undoes  string    `json:"undoes,omitempty"`  // id of the decision that it takes back
	Undone  time.Time `json:"undone,omitzero"`   // when it was taken back
}

var audit = table[Decision]{
	name: "audit", kind: "decision", version: 1,
	key:     func(d *Decision) string { return d.ID },
	indexes: aboutEntries,
}

const auditAbout = "audit_about" // subject, person or batch·id → id

// aboutEntries are a decision's, under each of what it is about.
func aboutEntries(d *Decision) []indexEntry {
	entries := []indexEntry{{auditAbout, join(d.Subject, d.ID)}}
	for i, about := range []string{d.Person, d.Batch} {
		if about != "" && about != d.Subject && (i == 0 || about != d.Person) {
			entries = append(entries, indexEntry{auditAbout, join(about, d.ID)})
		}
	}
	return entries
}

// Record writes a decision into the audit. It fills in ID and At where they are empty.
func (tx *Tx) Record(d Decision) error {
	if d.ID == "" {
		d.ID, d.At = tx.DecisionID(), tx.Now
	}
	return audit.put(tx, d)
}

// DecisionID makes the id of a decision, which comes after those of all before it, also
// within one millisecond and with a clock that went back.
func (tx *Tx) DecisionID() string {
	id, pre := NewID(tx.Now), prefix(tx.Site, audit.name)
	for k := range tx.r.scan(pre, nil, true) {
		if last := string(k[len(pre):]); id <= last {
			id = NewID(idTime(last).Add(time.Millisecond))
		}
		break
	}
	return id
}

// Decision reads a decision by its id.
func (tx *Tx) Decision(id string) (Decision, error) { return audit.get(tx, id) }

// Decisions lists the audit, oldest first.
func (tx *Tx) Decisions() ([]Decision, error) { return audit.all(tx, nil) }

// DecisionsFrom hands the decisions that were made after one to fn, newest first, until
// fn says no; "" stands for before all of them.
func (tx *Tx) DecisionsFrom(id string, fn func(Decision) bool) {
	pre := prefix(tx.Site, audit.name)
	for k, v := range tx.r.scan(pre, nil, true) {
		at := string(k[len(pre):])
		if at <= id {
			return
		}
		d, err := audit.decode(k, at, v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		if !fn(*d) {
			return
		}
	}
}

// DecisionsAbout hands the decisions about a mention or a person, or those of a batch, that were
// made after one to fn, newest first, until fn says no; "" stands for before all of them.
func (tx *Tx) DecisionsAbout(about, id string, fn func(Decision) bool) {
	pre := prefix(tx.Site, auditAbout, about)
	for k := range tx.r.scan(pre, nil, true) {
		at := string(k[len(pre):])
		if at <= id {
			return
		}
		d, err := audit.get(tx, at)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		if !fn(d) {
			return
		}
	}
}

// DecisionsTo hands the decisions that were made before one to fn, newest first, until fn says
// no; "" stands for after all of them.
func (tx *Tx) DecisionsTo(id string, fn func(Decision) bool) {
	pre := prefix(tx.Site, audit.name)
	var from []byte
	if id != "" {
		from = key(tx.Site, audit.name, id)
	}
	for k, v := range tx.r.scan(pre, from, true) {
		at := string(k[len(pre):])
		if at == id {
			continue
		}
		d, err := audit.decode(k, at, v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		if !fn(*d) {
			return
		}
	}
}

// Before is how a mention stood before a decision about it, so that the decision can be
// undone.
type Before struct {
	Mention  string   `json:"mention"`
	Decision string   `json:"decision"` // id
	State    State    `json:"state"`
	Decided  State    `json:"decided,omitempty"` // the owner's decision then
	Why      string   `json:"why,omitempty"`
	ByTrust  bool     `json:"by_trust,omitempty"`
	Refused  []string `json:"refused,omitempty"`
	Shown    *Version `json:"shown,omitempty"` // the text that the decision replaced; nil: it left that alone
	Held     *Version `json:"held,omitempty"`  // the text that waited and does no longer; nil: none did

	Aside time.Time `json:"aside,omitzero"` // since when it was set aside then
}

var befores = table[Before]{
	name: "before", kind: "before", version: 1,
	key: func(b *Before) string { return join(b.Mention, b.Decision) },
}

// Before reads how a mention stood before a decision.
func (tx *Tx) Before(mention, decision string) (Before, error) {
	return befores.get(tx, join(mention, decision))
}

// PutBefore keeps how a mention stood.
func (tx *Tx) PutBefore(b Before) error { return befores.put(tx, b) }

// DropBefore forgets how a mention stood before a decision; it is fine when nobody knows.
func (tx *Tx) DropBefore(mention, decision string) error {
	return dropIfThere(tx, &befores, join(mention, decision))
}

// ForgetBefore forgets how a mention ever stood: its earlier texts go, and what was
// decided about it can no longer be undone.
func (tx *Tx) ForgetBefore(mention string) error {
	var decisions []string
	pre := prefix(tx.Site, befores.name, mention)
	for k := range tx.r.scan(pre, nil, false) {
		decisions = append(decisions, string(k[len(pre):]))
	}
	for _, id := range decisions {
		if err := tx.DropBefore(mention, id); err != nil {
			return err
		}
	}
	return nil
}
