package store

// Dump is every key of the store with its value.
func (db *DB) Dump() map[string]string {
	all := map[string]string{}
	if err := db.engine.view(func(r reader) error {
		for k, v := range r.scan(nil, nil, false) {
			all[string(k)] = string(v)
		}
		return nil
	}); err != nil {
		panic(err)
	}
	return all
}

// Put and Delete change the store below its verbs.

func (tx *Tx) Put(k, v string) error { return tx.w.put([]byte(k), []byte(v)) }

func (tx *Tx) Delete(k string) error { return tx.w.delete([]byte(k)) }

// Derived are the prefixes of the keys of a site ("" for the jobs) that follow from records.
func Derived(site string) (prefixes []string) {
	for _, k := range kinds {
		if k.global != (site == "") {
			continue
		}
		for _, index := range k.indexes {
			prefixes = append(prefixes, string(prefix(site, index)))
		}
		if k.counts != nil {
			for _, p := range k.counts(site) {
				prefixes = append(prefixes, string(p))
			}
		}
	}
	return prefixes
}

// Kept are the prefixes of the keys of a site that follow from nothing.
func Kept(site string) (prefixes []string) {
	for _, k := range kinds {
		if k.global == (site == "") {
			prefixes = append(prefixes, string(prefix(site, k.name)))
		}
	}
	if site == "" { // the number of jobs is there as well: Derived comes first
		return append(prefixes, string(prefix("", "meta")))
	}
	return prefixes
}

// Kinds is how many tables repair knows.
func Kinds() int { return len(kinds) }

// Schema is the newest one.
func Schema() int { return len(migrations) }

// WithMigrations runs fn in a version of the program that has more migrations.
func WithMigrations(more []func(*Tx) error, fn func()) {
	before := migrations
	defer func() { migrations = before }()
	migrations = append(before[:len(before):len(before)], more...)
	fn()
}

// WithRename runs fn where another function renames files.
func WithRename(with func(from, to string) error, fn func()) {
	before := rename
	defer func() { rename = before }()
	rename = with
	fn()
}

// On is the transaction as one of a site.
func (tx *Tx) On(site string) *Tx {
	other := *tx
	other.Site = site
	return &other
}

// LedgerHashes are the hashes of the ledger.
func (db *DB) LedgerHashes() map[string]bool {
	all := map[string]bool{}
	for _, hashes := range db.ledger.salts {
		for hash := range hashes {
			all[hash] = true
		}
	}
	return all
}

// EncodeManifest and DecodeManifest show tests the last file of a backup.

func EncodeManifest(m Manifest) ([]byte, error) { return encodeManifest(m) }

func DecodeManifest(raw []byte) (Manifest, error) { return decodeManifest(raw) }
