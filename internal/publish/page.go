package publish

import (
	"bytes"
	"fmt"
)

// Page is the page of Change.Post as Publish would write it, and writes nothing: for a post
// that its owner alone may see.
func (h *HTML) Page(c Change) ([]byte, error) {
	h.mu.Lock()
	p, err := h.press(nil, c)
	h.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("make the page of %s: %w", c.Post.Permalink, err)
	}
	v := p.view(c.Post)
	var b bytes.Buffer
	view := page{Site: p.site, Title: v.Heading, URL: v.URL, Description: v.Excerpt, Post: v}
	if err := p.tmpl.ExecuteTemplate(&b, "post", view); err != nil {
		return nil, fmt.Errorf("make the page of %s: %w", c.Post.Permalink, err)
	}
	return b.Bytes(), nil
}
