package notify

import (
	"cmp"
	"strings"
	"unicode"

	"tertulia/internal/lang"
	"tertulia/internal/site"
)

// Text is what a letter says: its subject, and its body as plain text with lines that end with \n.
// What strangers have written stands on lines that begin with spaces and holds no control
// characters, so that it ends nothing and passes for nothing else.
func Text(l site.Letter) (subject, body string) {
	w := writer{Lang: l.Site.Speaks(l.Site.Language)}
	if l.Mode == "test" {
		w.paragraph(w.T("mail.test", l.Site.Me()))
	}
	w.waiting(l)
	w.public(l)
	w.unanswered(l)
	w.troubles(l)
	w.access(l)
	w.paragraph("-- ")
	w.b.WriteString(w.T("mail.why", l.Site.Endpoint("admin/notices")) + "\n")
	return w.subject(l), strings.TrimLeft(w.b.String(), "\n")
}

type writer struct {
	lang.Lang
	b strings.Builder
}

// subject says how much there is of everything, and nothing that a stranger has written.
func (w *writer) subject(l site.Letter) string {
	var parts []string
	for _, part := range []struct {
		key string
		n   int
	}{{"mail.subject-waiting", l.New}, {"mail.subject-public", l.Shown}, {"mail.subject-unanswered", l.Late}, {"mail.subject-trouble", len(l.Troubles)}, {"mail.subject-access", len(l.Access)}} {
		if part.n > 0 {
			parts = append(parts, w.N(part.key, part.n))
		}
	}
	if l.Mode == "test" {
		parts = []string{w.T("mail.subject-test")}
	}
	return plain(l.Site.Name) + ": " + strings.Join(parts, ", ")
}

func (w *writer) paragraph(text string) { w.b.WriteString("\n" + text + "\n") }

func (w *writer) waiting(l site.Letter) {
	if l.New == 0 {
		return
	}
	w.paragraph(w.N("mail.waiting", l.New))
	for _, g := range l.Waiting {
		w.group(g, w.N("mail.from", g.Count, cmp.Or(plain(g.Name), plain(g.Host))), plain(g.Host))
	}
	if l.Waits > l.New {
		w.paragraph(w.N("mail.all", l.Waits) + " " + l.Site.Endpoint("admin/"))
	}
	if l.Junk > 0 {
		w.paragraph(w.N("mail.junk", l.Junk))
	}
}

func (w *writer) public(l site.Letter) {
	if l.Shown == 0 {
		return
	}
	w.paragraph(w.N("mail.public", l.Shown))
	for _, g := range l.Public {
		w.group(g, w.N("mail.about", g.Count, cmp.Or(plain(g.Name), plain(g.Host))), "")
	}
}

func (w *writer) unanswered(l site.Letter) {
	if l.Late == 0 {
		return
	}
	w.paragraph(w.N("mail.unanswered", l.Late))
	for _, g := range l.Open {
		w.group(g, w.N("mail.about", g.Count, cmp.Or(plain(g.Name), plain(g.Host))), "")
	}
	if l.Unasked > l.Late {
		w.paragraph(w.N("mail.open", l.Unasked) + " " + l.Site.Endpoint("admin/unanswered"))
	}
}

// group is what belongs together: a few of it, and where the rest is.
func (w *writer) group(g site.LetterGroup, title, host string) {
	if g.Host == "" {
		w.paragraph("* " + w.N("mail.rest", g.Count) + "\n  " + g.Link)
		return
	}
	if host != "" && g.Name != "" {
		title += " (" + host + ")"
	}
	w.paragraph("* " + title)
	for _, item := range g.Items {
		kind := w.T("kind.mention")
		if w.Has("kind." + item.Kind) {
			kind = w.T("kind." + item.Kind)
		}
		line := kind + " " + plain(item.Page)
		if who := plain(item.Who); who != "" && who != plain(g.Name) {
			line = who + ": " + line
		}
		w.b.WriteString("    " + line + "\n")
		if text := plain(item.Text); text != "" {
			w.b.WriteString("      " + text + "\n")
		}
		if item.Link != "" && item.Link != g.Link {
			w.b.WriteString("      " + item.Link + "\n")
		}
	}
	w.b.WriteString("  " + g.Link + "\n")
}

func (w *writer) troubles(l site.Letter) {
	if len(l.Troubles) == 0 {
		return
	}
	w.paragraph(w.N("mail.trouble", len(l.Troubles)))
	for _, t := range l.Troubles {
		w.paragraph("* " + w.trouble(t) + "\n    " + plain(t.Error) + "\n  " + t.Link)
	}
}

// trouble says what has gone wrong in the owner's words; why it has is the program's, or a network's.
func (w *writer) trouble(t site.Trouble) string {
	copied := map[string]string{"unclear": "networks.copy-unclear", "refused": "networks.copy-refused", "parked": "networks.copy-parked"}[t.State]
	switch {
	case t.State == "connect":
		return w.N("mail.connect", t.Count, plain(t.Account))
	case copied != "":
		return plain(t.Account) + ", " + plain(t.Key) + "\n    " + w.T(copied)
	case w.Has("jobkind." + t.Kind):
		return w.T("jobkind."+t.Kind) + ": " + plain(t.Key)
	}
	return plain(t.Kind) + " " + plain(t.Key)
}

func (w *writer) access(l site.Letter) {
	if len(l.Access) == 0 {
		return
	}
	w.paragraph(w.N("mail.access", len(l.Access)))
	for _, e := range l.Access {
		action, name := e.Action, strings.ReplaceAll(e.Action, " ", "-")
		if w.Has("access." + name) {
			action = w.T("access." + name)
		}
		w.paragraph("* " + w.Date(e.At.In(l.Site.Tell.In())) + ": " + action + "\n    " + plain(e.Who) + " · " + plain(e.Note))
	}
	w.paragraph(w.T("mail.access-do") + " " + l.Site.Endpoint("admin/sessions"))
}

// plain is a stranger's text as one line: without what a mail program might take for the end of the
// line or for an order to turn the text round.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200d': // in emoji
			return r
		case r == unicode.ReplacementChar, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			return -1
		case !unicode.IsGraphic(r):
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
