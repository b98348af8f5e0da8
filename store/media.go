package store

import "time"

// Media is an uploaded file: its bytes lie in the media directory under Name. The row
// is written after the file is on disk, so a row without its file cannot be.
type Media struct {
	Name    string    `json:"name"`
	Type    string    `json:"type"` // sniffed
	Size    int64     `json:"size"`
	SHA256  string    `json:"sha256"`
	Width   int       `json:"width,omitempty"`
	Height  int       `json:"height,omitempty"`
	Whole   bool      `json:"whole,omitempty"`  // it is a picture that has no smaller copies and gets none
	Copies  int64     `json:"copies,omitempty"` // bytes of its smaller copies, 0 while there are none
	Created time.Time `json:"created"`
	Address string    `json:"address,omitempty"` // in the site itself, where publishing has copied it to
	Live    bool      `json:"live,omitempty"`    // it is there
}

var media = table[Media]{
	name: "media", kind: "media", version: 1,
	key: func(m *Media) string { return m.Name },
}

// PutMedia writes the row of a file.
func (tx *Tx) PutMedia(m Media) error { return media.put(tx, m) }

// Media reads the row of a file.
func (tx *Tx) Media(name string) (Media, error) { return media.get(tx, name) }

// MediaFiles lists all files.
func (tx *Tx) MediaFiles() ([]Media, error) { return media.all(tx, nil) }

// DropMedia removes the row of a file; one that is not there is fine.
func (tx *Tx) DropMedia(name string) error { return dropIfThere(tx, &media, name) }
