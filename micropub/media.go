package micropub

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"slices"
)

// postMedia answers a POST at the media endpoint: an upload, or a form or JSON that
// asks to delete a file.
func (h *Handler) postMedia(r *http.Request) (answer, error) {
	c, err := headerCredentials(r)
	if err != nil {
		return answer{}, err
	}
	kind, params, refused := contentType(r)
	if kind == "multipart/form-data" {
		return h.upload(r, c, params["boundary"])
	}
	var req request
	if refused == nil {
		req, refused = h.decode(r, kind)
	}
	c.body = req.tokens
	g, err := h.authorize(r.Context(), c)
	if err != nil {
		return answer{}, err
	}
	if refused == nil && req.action != "delete" {
		refused = invalid("the media endpoint takes a file as multipart/form-data, or action=delete")
	}
	if refused != nil {
		return answer{}, refused
	}
	return h.deleteMedia(r.Context(), g, req.url)
}

// upload keeps one file, in a part named "file" or "file[]". Whatever is wrong with
// the request, even after the file, is known to the backend before the file ends.
//
// Spec: micropub#request-p-1
// Spec: micropub#response-3-p-1
// Spec: micropub#authentication-p-1
func (h *Handler) upload(r *http.Request, c credentials, boundary string) (answer, error) {
	p := h.parts(r, boundary)
	file, fields, refused := p.untilFile(&c)
	g, err := h.authorize(r.Context(), c)
	if err != nil {
		return answer{}, err
	}
	if refused == io.EOF {
		// A browser's FormData may say delete as well.
		req, err := readForm(fields)
		if req.action == "delete" && err == nil {
			return h.deleteMedia(r.Context(), g, req.url)
		}
		refused = invalid("there is no file in a part named file")
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
		_, more, err := p.untilFile(&c)
		switch {
		case err != io.EOF:
			return cmp.Or(err, invalid("more than one file"))
		case slices.ContainsFunc(append(fields, more...), func(p pair) bool { return p.name == "action" }):
			return invalid("a file came with an action that takes none")
		}
		return c.allowed(g, h.TokensPage)
	})
	return answer{status: http.StatusCreated, location: address}, err
}

// untilFile reads fields, and keeps tokens apart, until there is a file. After the
// last part it returns io.EOF.
func (p *parts) untilFile(c *credentials) (file part, fields []pair, err error) {
	for {
		pt, err := p.next()
		if err != nil || pt.file {
			return pt, fields, err
		}
		value, err := p.value(pt)
		switch {
		case err != nil:
			return part{}, fields, err
		case pt.base != accessToken:
			fields = append(fields, pair{pt.name, value})
		case value != "":
			c.body = append(c.body, value)
		}
	}
}

// deleteMedia deletes an uploaded file, for who may delete and may upload.
func (h *Handler) deleteMedia(ctx context.Context, g Grant, address string) (answer, error) {
	if err := cmp.Or(g.require("delete"), g.require("delete files")); err != nil {
		return answer{}, err
	}
	d, ok := h.Backend.(MediaDeleter)
	if !ok {
		return answer{}, errors.ErrUnsupported
	}
	err := d.DeleteMedia(ctx, g, address)
	if errors.Is(err, fs.ErrNotExist) {
		err = &Error{Code: InvalidRequest, Description: "there is no file at that url", Err: err}
	}
	return changed(address, "", err)
}

// mediaQuery answers a GET at the media endpoint: the files uploaded last, or the
// last one alone.
func (h *Handler) mediaQuery(r *http.Request) (answer, error) {
	v := readQuery(r.URL.RawQuery)
	q := v.get("q")
	g, err := h.reader(r, q)
	if err != nil {
		return answer{}, err
	}
	body := map[string]any{}
	switch q {
	case "":
	case "last":
		newest, err := h.media(r.Context(), g, "", 1, 0)
		if err != nil {
			return answer{}, err
		}
		if len(newest) > 0 {
			body["url"] = newest[0].URL
		}
	case "source":
		limit, offset, err := v.page()
		if err != nil {
			return answer{}, err
		}
		if body["items"], err = h.media(r.Context(), g, v.filter(), min(limit, maxPage), offset); err != nil {
			return answer{}, err
		}
	default:
		return answer{}, invalid("the media endpoint answers q=source and q=last")
	}
	return answer{status: http.StatusOK, body: body}, nil
}

// media lists uploads, newest first, those with the filter in their address or type.
func (h *Handler) media(ctx context.Context, g Grant, filter string, limit, offset int) ([]MediaItem, error) {
	l, ok := h.Backend.(MediaLister)
	if !ok {
		return []MediaItem{}, nil
	}
	if filter == "" {
		items, err := l.ListMedia(ctx, g, limit, offset)
		return append([]MediaItem{}, items...), err
	}
	found := []MediaItem{}
	limit = cmp.Or(limit, maxPage)
	for from := 0; from < maxSearch && len(found) < limit; from += maxPage {
		items, err := l.ListMedia(ctx, g, maxPage, from)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			switch {
			case !contains([]string{item.URL, item.MimeType}, filter):
			case offset > 0:
				offset--
			case len(found) < limit:
				found = append(found, item)
			}
		}
		if len(items) < maxPage {
			break
		}
	}
	return found, nil
}

// maxSearch is how many uploads are looked through for a filter.
const maxSearch = 10_000
