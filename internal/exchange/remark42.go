package exchange

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"

	"tertulia/internal/site"
	"tertulia/mf2"
)

// A backup of remark42 is gzipped, or unpacked already: a line about itself, and then a comment
// to each line, or one value of JSON after the other.

func openRemark42(file *os.File, _ *url.URL) (*Source, error) {
	return &Source{All: func(yield func(site.Foreign, error) bool) {
		finish(eachRemark(file, yield), yield)
	}}, nil
}

func eachRemark(file *os.File, yield func(site.Foreign, error) bool) error {
	var r io.Reader = file
	head := make([]byte, len(gzipMagic))
	if n, _ := file.ReadAt(head, 0); n == len(head) && string(head) == string(gzipMagic) {
		unpacked, err := gzip.NewReader(file)
		if err != nil {
			return err
		}
		defer unpacked.Close()
		r = unpacked
	}
	m := meter(withoutBOM(r))
	dec := json.NewDecoder(m)
	for first := true; ; first = false {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if errors.Is(err, io.EOF) && !first {
			return nil
		}
		if err != nil {
			return cutOff(err)
		}
		m.whole()
		if first {
			continue // it is about users and posts
		}
		if !yield(remark(raw), nil) {
			return errEnough
		}
	}
}

func remark(raw []byte) site.Foreign {
	var c struct {
		ID      string `json:"id"`
		Parent  string `json:"pid"`
		Text    string `json:"text"`
		Time    string `json:"time"`
		Deleted bool   `json:"delete"`
		User    struct {
			Name    string `json:"name"`
			Picture string `json:"picture"`
		} `json:"user"`
		Locator struct {
			URL string `json:"url"`
		} `json:"locator"`
	}
	if err := json.Unmarshal(raw, &c); err != nil || c.ID == "" {
		return site.Foreign{Skip: "it is no comment"}
	}
	f := site.Foreign{
		Type: "reply", Comment: c.ID, Answers: c.Parent, HTML: c.Text, Published: c.Time, Received: c.Time,
		Target: c.Locator.URL, Author: mf2.Author{Name: c.User.Name, Photo: c.User.Picture},
	}
	if c.Deleted {
		f.Skip = "it is deleted"
	}
	return f
}
