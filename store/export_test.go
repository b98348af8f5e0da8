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
