package site

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The conversation of each page can lie in the source of the site as a file of JSON, so that
// the generator shows it without asking anybody, and so that it is in the owner's repository. What
// has changed goes along with whatever is deployed next, and by itself Site.Batch later; a
// page that nobody talks about any more has no file. Only what readers see is written.

// dataMark begins every such file, so that no file of the owner's is taken for one.
const dataMark = `{"tertulia":1,"page":`

// Data is the conversation of a page as a file: its name below the directory of all of them,
// and what it holds, nil when readers see nothing. The same conversation gives the same
// bytes.
//
//	{"tertulia":1,"page":"https://…","counts":{"reply":2},"children":[
//	{…},
//	{…}
//	]}
//
// The children are those of the read API, the oldest first.
func (c *Conversation) Data(ctx context.Context, page string) (name string, data []byte, err error) {
	name = c.Site.dataName(page)
	var b bytes.Buffer
	separator := "\n"
	for since := uint64(0); ; {
		feed, err := c.JF2(ctx, Query{Targets: []string{page}, PerPage: maxShown, SinceID: since, Upwards: true})
		if err != nil {
			return "", nil, err
		}
		for _, e := range feed.Children {
			line, err := json.Marshal(e)
			if err != nil {
				return "", nil, err
			}
			b.WriteString(separator)
			b.Write(line)
			separator, since = ",\n", e.WMID
		}
		if len(feed.Children) < maxShown {
			break
		}
	}
	if b.Len() == 0 {
		return name, nil, nil
	}
	counts, err := c.Counts(ctx, []string{page})
	if err != nil {
		return "", nil, err
	}
	head, err := json.Marshal(page)
	if err != nil {
		return "", nil, err
	}
	sums, err := json.Marshal(counts)
	if err != nil {
		return "", nil, err
	}
	return name, slices.Concat([]byte(dataMark), head, []byte(`,"counts":`), sums, []byte(`,"children":[`), b.Bytes(), []byte("\n]}\n")), nil
}

// unplain is what generators do not take in the names of files of data.
var unplain = regexp.MustCompile(`[^\pL\pN/_-]+`)

// dataName is the name of the file of a page: its path. What such a name cannot hold is
// left out, and then a digest of the whole address tells it from others.
func (s *Site) dataName(page string) string {
	folded, err := s.foldOf(page)
	if err != nil {
		folded = page
	}
	at, err := url.PathUnescape(strings.Trim(folded, "/"))
	if err != nil || at == "" {
		at = strings.Trim(folded, "/")
	}
	if at == "" {
		return "index.json"
	}
	name := strings.Trim(unplain.ReplaceAllString(at, "-"), "/-")
	name = strings.Trim(path.Clean("/"+name), "/")
	if len(name) > 180 {
		name = strings.ToValidUTF8(name[:180], "")
	}
	if name != at || name == "index" {
		sum := sha256.Sum256([]byte(folded))
		name = strings.Trim(name+"-"+hex.EncodeToString(sum[:4]), "-/")
	}
	return name + ".json"
}
