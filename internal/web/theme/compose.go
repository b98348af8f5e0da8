package theme

import "html/template"

// Compose is the view of "compose": the form for a post, new or one that there is. It posts to
// Action, as multipart/form-data, do=publish, draft, save, preview, upload or overwrite with what
// is in Fields, and zone, slug, channel and syndicate.
type Compose struct {
	Shell
	Action string
	New    string // address of an empty form
	URL    string // of the post that is edited; empty: it is new
	Page   string // address of the page about it
	Seen   string // digest of what it says, sent back as seen
	Once   string // sent back as once
	Type   string
	Types  []ComposeType // empty for one that is edited
	Fields []ComposeField
	HTML   bool     // the text is markup
	Source bool     // posts are files for a generator, and what is typed is Markdown
	Kept   []string // names of properties that the form does not show, and leaves alone
	Now    bool     // it is a draft whose date has passed: now, ticked, gives it that of its publishing
	NoAlt  bool     // photos need no description
	Draft  bool     // it is a draft, or new

	Zone, Slug string
	Zones      []Option
	Channels   []Option
	Syndicate  []Outlet // sent with boxes=1

	Error    string         // what has gone wrong, a word that composewrong has a sentence for; empty: nothing
	Detail   string         // the same, in English, where there is no sentence for it; else empty
	Done     string         // what has been done: draft, saved, uploaded, same; empty: nothing
	Conflict []ComposeField // what the post says now, where that differs from what was typed
	Preview  *ComposePreview
}

// ComposeType is a type of post to choose: its form stands at URL.
type ComposeType struct {
	Link
	Type string
}

// Option is something to choose.
type Option struct {
	Value, Name string
	Chosen      bool
}

// Outlet is a place that copies can go to.
type Outlet struct {
	Option
	Fixed   bool   // the post goes there, and that stays so
	Default string // the types that go there by default, for the script; empty: the box was filled in, or there are none
}

// ComposeField is a field of the form.
type ComposeField struct {
	Name    string // of its control: field.NAME is its label
	Shape   string // line, address, text, list, moment, choice, files
	Value   string
	Options []Option
	Files   []Attachment
	For     string // the types that have it, for the script; empty: it is not to be switched
	Needed  string // the types that are none without it
	Hidden  bool   // the type that is chosen has none
	Must    bool   // the type that is chosen is none without it
	Error   string // what is wrong with it, a word that fieldwrong has a sentence for
	Lines   int    // of a text
}

// Attachment is a file that was uploaded.
type Attachment struct {
	URL string
	Alt string
	N   int // from 1, among those of its kind
}

// Described are the ids of what describes the field.
func (f ComposeField) Described(hint bool) string {
	ids := ""
	if f.Error != "" {
		ids = "wrong-" + f.Name
	}
	if hint {
		if ids != "" {
			ids += " "
		}
		ids += "hint-" + f.Name
	}
	return ids
}

// ComposePreview is what a post would become: HTML is a whole page, or a piece of one, for a
// frame of its own in which nothing runs; else Text is that of the file called File.
type ComposePreview struct {
	HTML       string
	File, Text string
}

// Frame is the preview's page as the document of a frame.
func (p ComposePreview) Frame() template.HTMLAttr {
	return template.HTMLAttr(`srcdoc="` + template.HTMLEscapeString(p.HTML) + `"`)
}
