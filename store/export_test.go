package store

// DecodeMention and EncodeMention show tests the format of a record on disk.

func DecodeMention(raw []byte) (Mention, error) {
	var m Mention
	return m, decodeRecord([]byte("a\x00mentions\x00x"), mentions.kind, mentions.version, raw, &m)
}

func EncodeMention(m Mention) ([]byte, error) {
	return encodeRecord(mentions.kind, mentions.version, m)
}

// AllChanges lists the site's changes in their order.
func (tx *Tx) AllChanges() ([]Change, error) { return changes.all(tx, nil) }

// FailCommits has fault stand in for what a disk does to each commit that is owed,
// until it is called with nil.
func (db *DB) FailCommits(fault func() error) { db.engine.(*boltEngine).fault = fault }

// IsFull shows tests what a commit's error is taken for.
func IsFull(err error) bool { return full(err) }

// NameFor shows tests what an address is matched by with what answers it.
func NameFor(address string) string { return nameFor(address) }
