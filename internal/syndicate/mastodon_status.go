package syndicate

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// status, account and attachment are what of theirs counts here. All of it is a stranger's.
type status struct {
	ID         word         `json:"id"`
	URL        string       `json:"url"`
	URI        string       `json:"uri"`
	Created    moment       `json:"created_at"`
	Edited     moment       `json:"edited_at"`
	ReplyTo    word         `json:"in_reply_to_id"`
	Visibility string       `json:"visibility"`
	Warning    string       `json:"spoiler_text"`
	Language   string       `json:"language"`
	Content    string       `json:"content"`
	Account    account      `json:"account"`
	Media      []attachment `json:"media_attachments"`
	Likes      int          `json:"favourites_count"`
	Reposts    int          `json:"reblogs_count"`
	Quotes     *int         `json:"quotes_count"` // nil: the server knows of none
	Favourited bool         `json:"favourited"`
	Reblogged  bool         `json:"reblogged"`
	Bookmarked bool         `json:"bookmarked"`
}

type account struct {
	ID           word   `json:"id"`
	Acct         string `json:"acct"`
	Name         string `json:"display_name"`
	URL          string `json:"url"`
	Avatar       string `json:"avatar"`
	Note         string `json:"note"`
	Locked       bool   `json:"locked"`
	Discoverable *bool  `json:"discoverable"`
	NoIndex      *bool  `json:"noindex"`
	Suspended    bool   `json:"suspended"`
	Limited      bool   `json:"limited"`
	Fields       []struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	} `json:"fields"`
	Emojis []struct {
		Code string `json:"shortcode"`
	} `json:"emojis"`
}

type attachment struct {
	ID   word   `json:"id"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

// word is a string that some servers write as a number.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	var n json.Number
	if err := json.Unmarshal(b, (*string)(w)); err != nil && json.Unmarshal(b, &n) == nil {
		*w = word(n)
	}
	return nil
}

// moment is a time in JSON, zero where it is none.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			m.Time = t
		}
	}
	return nil
}

func (m *Mastodon) request(doing, method, path string) request {
	return request{doing: doing, method: method, address: strings.TrimSuffix(m.Server, "/") + path, token: m.Token, secret: m.Token}
}

// self asks whose account it is, once.
func (m *Mastodon) self(ctx context.Context) (*account, error) {
	m.mu.Lock() // whoever comes meanwhile wants the same answer
	defer m.mu.Unlock()
	if m.me != nil {
		return m.me, nil
	}
	me := new(account)
	if _, err := ask(ctx, m.Client, m.request("connect", http.MethodGet, "/api/v1/accounts/verify_credentials"), me); err != nil {
		return nil, err
	}
	if me.ID == "" {
		return nil, &Error{Doing: "connect", Status: http.StatusOK}
	}
	m.me = me
	return me, nil
}

func (s status) ref(more string) Ref {
	return Ref{ID: string(s.ID), URL: firstOf(webAddress(s.URL), webAddress(s.URI)), More: more}
}

// optOut are the words in a profile that ask programs to stay away.
var optOut = pattern(`(?i)#\s*(?:nobot|nobots|noindex|nobridge|noarchive)\b`)

// willing says whether what an account says may be shown elsewhere: it hides from nobody and
// has not asked to be left out.
func (a account) willing() bool {
	if a.Locked || a.Suspended || a.Limited || a.Discoverable != nil && !*a.Discoverable || a.NoIndex != nil && *a.NoIndex {
		return false
	}
	about := a.Note
	for _, f := range a.Fields {
		about += "\n" + f.Name + "\n" + f.Value
	}
	return !optOut().MatchString(html.UnescapeString(anyTag().ReplaceAllString(about, "")))
}

var anyTag = pattern(`<[^>]*>`)

func (m *Mastodon) author(a account) Author {
	handle := a.Acct
	if u, err := url.Parse(m.Server); err == nil && handle != "" && !strings.Contains(handle, "@") {
		handle += "@" + u.Hostname()
	}
	name := a.Name
	for _, e := range a.Emojis {
		if e.Code != "" {
			name = strings.ReplaceAll(name, ":"+e.Code+":", "")
		}
	}
	return Author{Name: firstOf(strings.TrimSpace(name), a.Acct), Handle: handle, URL: webAddress(a.URL), Photo: webAddress(a.Avatar)}
}

// answer is a status as an answer, if it is for everybody and its author lets it be shown, or is
// the owner of this account. Unlisted ones are left out: their authors do not want them listed.
func (m *Mastodon) answer(s status, kind string, me *account) (Answer, bool) {
	a := Answer{Ref: s.ref(""), Type: kind, Author: m.author(s.Account), Language: s.Language, Published: s.Created.Time, Edited: s.Edited.Time, Parent: string(s.ReplyTo)}
	if s.Visibility != "public" || s.ID == "" || a.URL == "" || a.Author.URL == "" || s.Account.ID != me.ID && !s.Account.willing() {
		return Answer{}, false
	}
	a.HTML = leadingMentions().ReplaceAllString(s.Content, "$1")
	if s.Warning != "" {
		a.HTML = "<p><strong>" + html.EscapeString(s.Warning) + "</strong></p>" + a.HTML
	}
	for _, media := range s.Media {
		if address := webAddress(media.URL); media.Type == "image" && address != "" {
			a.Photos = append(a.Photos, address)
		}
	}
	return a, true
}

// leadingMentions are the handles that an answer begins with because it is one.
var leadingMentions = pattern(`^(\s*(?:<p[^>]*>)?)(?:\s*(?:<span[^>]*>\s*)?<a [^>]*\bmention\b[^>]*>\s*@(?:<span[^>]*>)?[^<]*(?:</span>)?\s*</a>(?:\s*</span>)?)+\s*`)

// lastAddress is where the last link of a status leads that is neither a hashtag nor a handle.
func lastAddress(content string) string {
	last, text := "", FromHTML(content, nil)
	for _, s := range text.Spans {
		if s.URL != "" && !strings.ContainsRune("#@", rune(text.String[s.Start])) {
			last = s.URL
		}
	}
	return last
}
