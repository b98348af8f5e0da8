package micropub

import (
	"cmp"
	"io"
	"net/http"
)

// upload answers a POST at the media endpoint: multipart with one file, in a
// part named "file" or "file[]". Whatever is wrong with the request, even after
// the file, is known to the backend before the file ends.
//
// Spec: micropub#request-p-1
// Spec: micropub#response-3-p-1
// Spec: micropub#authentication-p-1
func (h *Handler) upload(r *http.Request) (answer, error) {
	c, err := headerCredentials(r)
	if err != nil {
		return answer{}, err
	}
	kind, params, refused := contentType(r)
	if refused == nil && kind != "multipart/form-data" {
		refused = &Error{Code: InvalidRequest, Status: http.StatusUnsupportedMediaType, Description: "the Content-Type must be multipart/form-data"}
	}
	p := h.parts(r, params["boundary"])
	var file part
	if refused == nil {
		file, refused = p.untilFile(&c)
	}
	if refused == io.EOF {
		refused = invalid("there is no file in a part named file")
	}
	g, err := h.authorize(r.Context(), c)
	if err != nil {
		return answer{}, err
	}
	if err := g.require("media"); err != nil {
		return answer{}, err
	}
	mb, ok := h.Backend.(MediaBackend)
	if !ok {
		return answer{}, &Error{Code: InvalidRequest, Status: http.StatusNotFound, Description: "there is no media endpoint here"}
	}
	if refused != nil {
		return answer{}, refused
	}
	if file.base != "file" {
		return answer{}, invalid("the part with the file must be named file")
	}
	if empty, err := file.empty(); err != nil || empty {
		return answer{}, cmp.Or(err, invalid("the file is empty"))
	}
	address, _, err := h.store(r.Context(), g, mb, file, func() error {
		if _, err := p.untilFile(&c); err != io.EOF {
			return cmp.Or(err, invalid("more than one file"))
		}
		return c.allowed(g)
	})
	return answer{status: http.StatusCreated, location: address}, err
}

// untilFile skips fields, but for a token, until there is a file. After the last
// part it returns io.EOF.
func (p *parts) untilFile(c *credentials) (part, error) {
	for {
		pt, err := p.next()
		if err != nil || pt.file {
			return pt, err
		}
		value, err := p.value(pt)
		if err != nil {
			return part{}, err
		}
		if pt.base == accessToken && value != "" {
			c.body = append(c.body, value)
		}
	}
}

// mediaQuery answers a GET at the media endpoint: the files uploaded last.
func (h *Handler) mediaQuery(r *http.Request) (answer, error) {
	g, err := h.reader(r)
	if err != nil {
		return answer{}, err
	}
	v := readQuery(r.URL.RawQuery)
	switch v.get("q") {
	case "":
		return answer{status: http.StatusOK, body: map[string]any{}}, nil
	case "source":
	default:
		return answer{}, invalid("the media endpoint answers q=source only")
	}
	limit, offset, err := v.page()
	if err != nil {
		return answer{}, err
	}
	items := []MediaItem{}
	if l, ok := h.Backend.(MediaLister); ok {
		listed, err := l.ListMedia(r.Context(), g, limit, offset)
		if err != nil {
			return answer{}, err
		}
		items = append(items, listed...)
	}
	return answer{status: http.StatusOK, body: map[string]any{"items": items}}, nil
}
