package site

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"tertulia/internal/sanitize"
)

// How long what people type into the form for a comment may be.
const (
	MaxCommentText = 8000 // characters
	MaxCommentName = 100
)

// Draft is what somebody has typed into the form, as it came.
type Draft struct {
	Page   string `json:"page"`             // address of the page that it is about
	Answer string `json:"answer,omitempty"` // id of the response there that it answers; "": the page itself
	Name   string `json:"name,omitempty"`
	Site   string `json:"site,omitempty"` // their own; may be without a scheme
	Text   string `json:"text"`
	Trap   string `json:"-"` // of a field that nobody sees: programs fill it in
	Time   string `json:"time,omitempty"`
}

// Unfit says why a comment was not taken as it is: a word that pages have a sentence for, and
// the field that it is about. Nothing is kept of it, and nothing of it need be lost.
type Unfit struct {
	Why   string // text, long, name, name-long, site, trap, fast, old, full, erased
	Field string // text, name, site; "": none of these
}

// Error is of error: the reason, for programs.
func (e *Unfit) Error() string { return "the comment is not taken: " + e.Why }

// clean makes of what was typed what is kept, or says what is wrong with it.
func (d *Draft) clean() error {
	if d.Trap != "" {
		return &Unfit{"trap", ""}
	}
	text, name := plainText(d.Text), sanitize.Text(d.Name, MaxCommentName+1)
	switch {
	case text == "":
		return &Unfit{"text", "text"}
	case utf8.RuneCountInString(text) > MaxCommentText:
		return &Unfit{"long", "text"}
	case utf8.RuneCountInString(name) > MaxCommentName:
		return &Unfit{"name-long", "name"}
	}
	d.Text, d.Name = text, name
	if d.Site = strings.TrimSpace(d.Site); d.Site == "" {
		return nil
	}
	site := d.Site
	if !strings.Contains(site, "://") {
		site = "https://" + site
	}
	if site = sanitize.URL(site, nil); site == "" {
		return &Unfit{"site", "site"}
	}
	d.Site = site
	return nil
}

var (
	newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n")
	emptied  = regexp.MustCompile(`\n{3,}`)
)

// plainText is a text of several lines without what is not to be seen: controls, overrides of
// direction, heaps of accents, and more than one empty line at a time.
func plainText(s string) string {
	var lines []string
	for line := range strings.SplitSeq(newlines.Replace(s), "\n") {
		lines = append(lines, sanitize.Text(line, MaxCommentText+1))
	}
	return strings.Trim(emptied.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"), "\n")
}

// entry is what makes two comments on a page one: who has written them, what, and to whom.
func (d Draft) entry(by commenter) string {
	who := append([]string{by.author.Name, by.author.URL}, "")
	if len(by.identities) > 0 {
		who = by.identities[:1]
	}
	raw, err := json.Marshal([]any{who, d.Answer, d.Text})
	if err != nil {
		panic(err) // strings always encode
	}
	sum := sha256.Sum256(raw)
	return "comment " + hex.EncodeToString(sum[:16])
}

var linked = regexp.MustCompile(`<a href="([^"]*)"`)

// sitesNamed counts the hosts that a plain text leads to, but for those of the site.
func (s *Site) sitesNamed(text string) int {
	hosts := map[string]bool{}
	for _, found := range linked.FindAllStringSubmatch(sanitize.FromPlain(text), -1) {
		u, err := url.Parse(html.UnescapeString(found[1]))
		if err != nil {
			continue
		}
		if _, own := s.own(u); !own {
			hosts[twinless(u)] = true
		}
	}
	return len(hosts)
}
