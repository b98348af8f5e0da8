package frontmatter

import (
	"regexp"
	"strings"
)

// Engine is what reads a body for code of its own before it is Markdown.
type Engine string

// The engines.
const (
	Plain    Engine = ""         // none: Astro's Markdown, plain files
	Hugo     Engine = "hugo"     // Hugo's shortcodes
	Liquid   Engine = "liquid"   // Jekyll
	Nunjucks Engine = "nunjucks" // Eleventy, also where its Markdown goes through Liquid
	Tera     Engine = "tera"     // Zola's shortcodes
)

// joiner is an invisible character. It stands between two braces where an engine
// has no escape of its own.
const joiner = "\u2060"

// fenced is text that would open front matter, were it the file's first.
var fenced = regexp.MustCompile(`^\n*\x{feff}?(?:---|\+\+\+|\{[\s"}])`)

// Inert is body made such that the engine shows it as the text it is: what would be
// a shortcode, a template's tag or front matter is not read as one, in code as in
// running text. The engine's own escapes are used, so that the Markdown stays
// readable:
//
//	Hugo              {{< x >}}    {{</* x */>}}
//	Tera              {{ x() }}    {{/* x() */}}
//	Liquid, Nunjucks  {{ x }}      {{ '{{' }} x }}      also {% and, Nunjucks, {# #}
//	any               ---          a blank line before it
//
// Where Hugo and Tera have none (a shortcode that is not closed, one that is escaped
// already, Tera's with a body) an invisible U+2060 goes between the braces.
func Inert(body string, engine Engine) string {
	switch engine {
	case Hugo:
		body = inertHugo(body)
	case Tera:
		body = inertTera(body)
	case Liquid:
		body = strings.NewReplacer("{{", "{{ '{{' }}", "{%", "{{ '{%' }}").Replace(body)
	case Nunjucks:
		body = strings.NewReplacer("{{", "{{ '{{' }}", "{%", "{{ '{%' }}", "{#", "{{ '{#' }}", "#}", "{{ '#}' }}").Replace(body)
	}
	if fenced.MatchString(body) {
		body = "\n" + body
	}
	return body
}

// Literal is the text that Inert made body from. Of a body that was written by hand
// it leaves shortcodes and tags as they are.
func Literal(body string, engine Engine) string {
	if strings.HasPrefix(body, "\n") && fenced.MatchString(body) {
		body = body[1:]
	}
	switch engine {
	case Hugo:
		return literalHugo(body)
	case Tera:
		return literalTera(body)
	case Liquid:
		return strings.NewReplacer("{{ '{{' }}", "{{", "{{ '{%' }}", "{%").Replace(body)
	case Nunjucks:
		return strings.NewReplacer("{{ '{{' }}", "{{", "{{ '{%' }}", "{%", "{{ '{#' }}", "{#", "{{ '#}' }}", "#}").Replace(body)
	}
	return body
}

// hugoOpen is where Hugo sees a shortcode begin, and what Inert may have made of it.
var hugoOpen = regexp.MustCompile(`\{\x{2060}*\{[<%]`)

// closer is what closes the shortcode that open, a match of hugoOpen, begins.
func closer(open string) string {
	if strings.HasSuffix(open, "<") {
		return ">}}"
	}
	return "%}}"
}

// cut is strings.Cut for one text from front to end, with separators that it knows
// to be missing in what is left.
func cut(s, sep string, missing map[string]bool) (before, after string, ok bool) {
	if missing[sep] {
		return s, "", false
	}
	before, after, ok = strings.Cut(s, sep)
	missing[sep] = !ok
	return before, after, ok
}

// inertHugo comments out each shortcode up to its first closing delimiter: Hugo
// gives back what is in the comment as it stands.
func inertHugo(body string) string {
	var b strings.Builder
	missing := make(map[string]bool) // closers that do not come any more: looked for once
	for {
		at := hugoOpen.FindStringIndex(body)
		if at == nil {
			return b.String() + body
		}
		open, rest := body[at[0]:at[1]], body[at[1]:]
		b.WriteString(body[:at[0]])
		body = rest
		if len(open) > 3 {
			b.WriteString("{" + joiner + open[1:])
			continue
		}
		inside, after, ok := cut(rest, closer(open), missing)
		if !ok {
			b.WriteString("{" + joiner + open[1:])
			continue
		}
		b.WriteString(open + "/*" + inside + "*/" + closer(open))
		body = after
	}
}

// literalHugo takes off what inertHugo put in.
func literalHugo(body string) string {
	var b strings.Builder
	missing := make(map[string]bool)
	for {
		at := hugoOpen.FindStringIndex(body)
		if at == nil {
			return b.String() + body
		}
		open, rest := body[at[0]:at[1]], body[at[1]:]
		b.WriteString(body[:at[0]])
		body = rest
		if len(open) > 3 {
			b.WriteString("{" + open[1+len(joiner):])
			continue
		}
		b.WriteString(open)
		if !strings.HasPrefix(rest, "/*") {
			continue
		}
		if inside, after, ok := cut(rest, "*/"+closer(open), missing); ok && len(inside) >= 2 {
			b.WriteString(inside[2:] + closer(open))
			body = after
		}
	}
}

// Zola's grammar of a call, without lists in lists: what is no call to this pattern
// is no call that an escape can hold.
// Source: content.pest of Zola's markdown component.
const (
	teraSpace  = `[ \t\r\n]*`
	teraName   = `[A-Za-z_]\w*`
	teraValue  = `(?:true|false|"[^"]*"|'[^']*'|` + "`[^`]*`" + `|-?\d+(?:\.\d+)?)`
	teraItem   = `(?:` + teraValue + `|\[` + teraSpace + `(?:` + teraValue + teraSpace + `,` + teraSpace + `)*(?:` + teraValue + `)?` + teraSpace + `\])`
	teraArg    = teraName + teraSpace + `=` + teraSpace + teraItem
	teraArgs   = teraArg + `(?:` + teraSpace + `,` + teraSpace + teraArg + `)*`
	teraCall   = teraSpace + teraName + teraSpace + `\(` + teraSpace + `(?:` + teraArgs + `)?` + teraSpace + `\)` + teraSpace
	teraInline = `\{\{` + teraCall + `\}\}`
	teraStart  = `[{%]\s*(?:/\*\s*)?` + teraName + `\s*\(`
)

// teraOpen is a whole inline call, else the beginning of whatever looks like a call
// or was made of one.
var (
	teraOpen      = regexp.MustCompile(teraInline + `|\{\x{2060}*` + teraStart)
	teraCommented = regexp.MustCompile(`\{\{/\*` + teraCall + `\*/\}\}|\{\x{2060}+` + teraStart)
)

// inertTera comments out inline calls and parts the braces of all others.
func inertTera(body string) string {
	return teraOpen.ReplaceAllStringFunc(body, func(s string) string {
		if strings.HasPrefix(s, "{{") && strings.HasSuffix(s, "}}") {
			return "{{/*" + s[2:len(s)-2] + "*/}}"
		}
		return "{" + joiner + s[1:]
	})
}

// literalTera takes off what inertTera put in.
func literalTera(body string) string {
	return teraCommented.ReplaceAllStringFunc(body, func(s string) string {
		if call, ok := strings.CutPrefix(s, "{{/*"); ok {
			return "{{" + strings.TrimSuffix(call, "*/}}") + "}}"
		}
		return "{" + s[1+len(joiner):]
	})
}
