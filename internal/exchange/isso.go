package exchange

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"os"
	"strings"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
)

// Isso keeps comments in a database of SQLite, which its owner writes out as JSON with one
// command (docs/moving.md): a list of rows of comments, each with the uri of its thread.
//
//	[{"id":1,"parent":null,"created":1520000000.5,"mode":1,"text":"…","author":"Ana","website":null,"uri":"/hola/"}, …]
//
// The text is Markdown, and is kept as plain text.

func openIsso(file *os.File, home *url.URL) (*Source, error) {
	return &Source{All: func(yield func(site.Foreign, error) bool) {
		err := eachChild(file, func(raw json.RawMessage, _ int64) error {
			if !yield(issoComment(raw, home), nil) {
				return errEnough
			}
			return nil
		})
		finish(err, yield)
	}}, nil
}

// modes are what Isso has in mode.
const (
	issoPublic  = 1
	issoWaiting = 2
	issoDeleted = 4
)

func issoComment(raw []byte, home *url.URL) site.Foreign {
	var row struct {
		ID      json.Number  `json:"id"`
		Parent  *json.Number `json:"parent"`
		Created float64      `json:"created"`
		Mode    int          `json:"mode"`
		Text    string       `json:"text"`
		Author  string       `json:"author"`
		Website string       `json:"website"`
		URI     string       `json:"uri"`
	}
	if err := json.Unmarshal(raw, &row); err != nil || row.ID == "" {
		return site.Foreign{Skip: "it is no comment"}
	}
	f := site.Foreign{
		Type: "reply", Comment: row.ID.String(), Text: row.Text,
		Author: mf2.Author{Name: row.Author, URL: row.Website}, Waits: row.Mode == issoWaiting,
	}
	if row.Parent != nil {
		f.Answers = row.Parent.String()
	}
	if row.Created > 0 && row.Created < math.MaxInt32 {
		f.Published = time.Unix(int64(row.Created), 0).UTC().Format(time.RFC3339)
		f.Received = f.Published
	}
	if uri, err := url.Parse(strings.TrimSpace(row.URI)); err == nil && row.URI != "" {
		f.Target = home.ResolveReference(uri).String()
	}
	switch row.Mode {
	case issoPublic, issoWaiting:
	case issoDeleted:
		f.Skip = "it is deleted"
	default:
		f.Skip = fmt.Sprintf("its mode is %d", row.Mode)
	}
	return f
}
