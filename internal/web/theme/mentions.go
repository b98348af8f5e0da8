package theme

import "time"

// Mentions is the view of "mentions": public responses to several pages, one after the other,
// for people who open an address of the read API.
type Mentions struct {
	Shell
	Total     int
	Responses []Mention
	Previous  string // address of the page before, "" on the first
	Next      string // address of the next page, "" on the last
	Now       time.Time
}

// Mention is a response with the page that it responds to.
type Mention struct {
	Response
	Page Link
}

// One hands a response to its template.
func (m Mentions) One(r Response) one { return one{Response: r, Now: m.Now} }
