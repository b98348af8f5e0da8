package store

import "time"

// DataFile is a file in the source of a site that holds the conversation of a page.
type DataFile struct {
	Name string `json:"name"` // in the source, with slashes
	Page string `json:"page"` // id
}

// DataState is how far the files of a site's conversations have come. There is one to a site.
type DataState struct {
	Number uint64 `json:"number"` // every change up to this one is in them
	As     string `json:"as"`     // where and how they are written; another value makes all of them anew

	Due time.Time `json:"due,omitzero"` // when what has changed since is to be written; zero: it was not seen yet
}

var (
	dataFiles = table[DataFile]{
		name: "data_files", kind: "data", version: 1,
		key: func(f *DataFile) string { return f.Name },
	}
	dataStates = table[DataState]{
		name: "data_state", kind: "datastate", version: 1,
		key: func(*DataState) string { return "now" },
	}
)

// DataFiles lists the files that were written.
func (tx *Tx) DataFiles() ([]DataFile, error) { return dataFiles.all(tx, nil) }

// PutDataFile writes down that a file was written.
func (tx *Tx) PutDataFile(f DataFile) error { return dataFiles.put(tx, f) }

// DropDataFile forgets a file; one that is not known is fine.
func (tx *Tx) DropDataFile(name string) error { return dropIfThere(tx, &dataFiles, name) }

// DataState reads how far the files have come; the zero value before the first.
func (tx *Tx) DataState() (DataState, error) {
	s, err := dataStates.get(tx, "now")
	return s, ignoreMissing(err)
}

// PutDataState writes it.
func (tx *Tx) PutDataState(s DataState) error { return dataStates.put(tx, s) }

// PagesChanged lists the pages whose conversation has changed after a change, as they are called
// now: at most most changes are gone through, up is the last of them, and the number that was asked
// with when there are none.
func (tx *Tx) PagesChanged(after uint64, most int) (pages []string, up uint64) {
	seen := map[string]bool{}
	up = after
	pre := prefix(tx.Site, changes.name)
	for k, v := range tx.r.scan(pre, key(tx.Site, changes.name, numberPart(after+1)), false) {
		if most == 0 {
			break
		}
		most--
		up = parseNumberPart(string(k[len(pre):]))
		c, err := changes.decode(k, string(k[len(pre):]), v)
		if err != nil {
			tx.log.Error("record passed over", "error", err)
			continue
		}
		page, err := tx.Page(c.Page)
		if err == nil && !seen[page.ID] {
			seen[page.ID] = true
			pages = append(pages, page.ID)
		}
	}
	return pages, up
}
