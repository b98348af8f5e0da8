package sanitize

import (
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// allowed are the elements that stay, with the attributes of each beside those
// that any element may have. Both filters read this table: bluemonday on the
// tokens, the cleaner on the tree.
var allowed = map[string][]string{
	"a": {"href", "rel"}, "abbr": {"title"}, "b": nil, "bdi": nil, "blockquote": {"cite"}, "br": nil,
	"caption": nil, "cite": nil, "code": nil, "dd": nil, "del": {"cite", "datetime"}, "details": nil,
	"dfn": nil, "div": nil, "dl": nil, "dt": nil, "em": nil, "figcaption": nil, "figure": nil,
	"h1": nil, "h2": nil, "h3": nil, "h4": nil, "h5": nil, "h6": nil, "hr": nil, "i": nil,
	"img": {"src", "alt", "width", "height"}, "ins": {"cite", "datetime"}, "kbd": nil, "li": {"value"},
	"mark": nil, "ol": {"start", "reversed"}, "p": nil, "pre": nil, "q": {"cite"}, "rp": nil, "rt": nil,
	"ruby": nil, "s": nil, "samp": nil, "small": nil, "span": nil, "strong": nil, "sub": nil,
	"summary": nil, "sup": nil, "table": nil, "tbody": nil, "td": {"colspan", "rowspan"}, "tfoot": nil,
	"th": {"colspan", "rowspan", "scope"}, "thead": nil, "time": {"datetime"}, "tr": nil, "u": nil,
	"ul": nil, "var": nil, "wbr": nil,
}

// everywhere are the attributes that any of these elements may have.
var everywhere = []string{"class", "dir", "lang"}

// plain are the attributes whose values need nothing but a look at their shape.
// class, href, src, cite and rel are built anew.
var plain = map[string]*regexp.Regexp{
	"alt":      regexp.MustCompile(`(?s)^.*$`),
	"colspan":  regexp.MustCompile(`^[1-9][0-9]?$`),
	"datetime": regexp.MustCompile(`^[0-9A-Za-z:.+ -]{1,40}$`),
	"dir":      regexp.MustCompile(`^(?:ltr|rtl|auto)$`),
	"height":   regexp.MustCompile(`^[1-9][0-9]{0,3}$`),
	"lang":     regexp.MustCompile(`^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,4}$`),
	"reversed": regexp.MustCompile(`^(?:reversed)?$`),
	"rowspan":  regexp.MustCompile(`^[1-9][0-9]?$`),
	"scope":    regexp.MustCompile(`^(?:row|col|rowgroup|colgroup)$`),
	"start":    regexp.MustCompile(`^-?[0-9]{1,6}$`),
	"title":    regexp.MustCompile(`(?s)^.*$`),
	"value":    regexp.MustCompile(`^-?[0-9]{1,6}$`),
	"width":    regexp.MustCompile(`^[1-9][0-9]{0,3}$`),
}

// dropped are the elements that go with everything in them: what stands there is
// not meant to be read, or not meant to be read here. Void elements are not among
// them; they have nothing inside.
var dropped = map[string]bool{
	"applet": true, "audio": true, "button": true, "canvas": true, "datalist": true, "dialog": true,
	"frameset": true, "head": true, "iframe": true, "map": true, "math": true, "noembed": true,
	"noframes": true, "noscript": true, "object": true, "plaintext": true, "portal": true, "script": true,
	"select": true, "style": true, "svg": true, "template": true, "textarea": true, "title": true,
	"video": true, "xmp": true,
}

// policy is the token filter, made when first needed. It lets images and
// relative URLs pass because the cleaner makes links and absolute URLs of them.
var policy = sync.OnceValue(newPolicy)

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowAttrs(everywhere...).Globally()
	for name, attrs := range allowed {
		p.AllowElements(name)
		p.AllowNoAttrs().OnElements(name)
		if len(attrs) > 0 {
			p.AllowAttrs(attrs...).OnElements(name)
		}
	}
	for name := range dropped {
		p.SkipElementsContent(name)
	}
	return p
}
