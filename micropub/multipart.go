package micropub

import (
	"context"
	"io"
	"net/http"
)

// intake gathers one multipart post.
type intake struct {
	h       *Handler
	ctx     context.Context
	c       credentials
	known   bool // grant counts
	grant   Grant
	fields  []pair   // text fields, and files with their addresses
	same    []pair   // the same, with the hashes of the files
	uploads []string // addresses of the files that are stored
	bare    bool     // the last file came in a part named "file"
}

// postMultipart answers a multipart post. Files go to the backend as they come,
// so the token must be known by then: from the header, or from an access_token
// field before the first file.
//
// A body that is nothing but one part named "file" is an upload as to the media
// endpoint; that is how a client treats an endpoint that advertises none.
//
// Spec: micropub#servers-li-6
// Spec: micropub#uploading-files-p-1
func (h *Handler) postMultipart(r *http.Request, c credentials, boundary string) (answer, error) {
	in := &intake{h: h, ctx: r.Context(), c: c}
	a, err := in.run(h.parts(r, boundary))
	if err != nil {
		h.discard(in.ctx, in.grant, in.uploads)
	}
	return a, err
}

func (in *intake) run(p *parts) (answer, error) {
	refused := in.read(p)
	if err := in.authorize(); err != nil {
		return answer{}, err
	}
	if refused != nil {
		return answer{}, refused
	}
	if in.bare && len(in.uploads) == 1 && len(in.fields) == 1 {
		return answer{status: http.StatusCreated, location: in.uploads[0]}, nil
	}
	req, err := readForm(in.fields)
	if err != nil {
		return answer{}, err
	}
	if req.action != "" && len(in.uploads) > 0 {
		return answer{}, invalid("a file came with an action that takes none")
	}
	if req.action == "" {
		// The addresses of the same files differ from one upload to the next.
		same, err := readForm(in.same)
		if err != nil {
			return answer{}, err
		}
		if req.create.Digest, err = same.create.digest(in.grant); err != nil {
			return answer{}, err
		}
	}
	return in.h.do(in.ctx, in.grant, req)
}

// authorize finds out who is asking, once, and whether every token that came
// until now is in order.
func (in *intake) authorize() error {
	if in.known {
		return in.c.allowed(in.grant, in.h.TokensPage)
	}
	g, err := in.h.authorize(in.ctx, in.c)
	if err != nil {
		return err
	}
	in.grant, in.known = g, true
	return nil
}

func (in *intake) read(p *parts) error {
	for {
		pt, err := p.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if pt.file {
			if err := in.file(pt); err != nil {
				return err
			}
			continue
		}
		value, err := p.value(pt)
		if err != nil {
			return err
		}
		if pt.base == accessToken {
			if value != "" {
				in.c.body = append(in.c.body, value)
			}
			continue
		}
		in.fields = append(in.fields, pair{pt.name, value})
		in.same = append(in.same, pair{pt.name, value})
	}
}

// file stores a file and makes its address a value of the property it is named for.
//
// Spec: micropub#uploading-files-p-1
// Spec: micropub#uploading-files-p-5
func (in *intake) file(pt part) error {
	if err := in.authorize(); err != nil {
		return err
	}
	in.bare = pt.base == "file"
	scope := "create"
	if in.bare {
		scope = "media"
	}
	if err := in.grant.require(scope); err != nil {
		return err
	}
	if _, _, err := splitName(pt.name); err != nil {
		return err
	}
	if isCommand(pt.base) || pt.base == accessToken || pt.base == "h" || pt.base == "action" || pt.base == "url" {
		return invalid("%q cannot be a file", clip(pt.base))
	}
	empty, err := pt.empty()
	if err != nil {
		return err
	}
	if empty && pt.filename == "" {
		// A browser's form sends this when no file was chosen. Among photos it keeps
		// the place that the text for it has.
		if pt.base == "photo" {
			in.fields = append(in.fields, pair{pt.name, ""})
			in.same = append(in.same, pair{pt.name, ""})
		}
		return nil
	}
	if empty {
		return invalid("the file is empty")
	}
	mb, ok := in.h.Backend.(MediaBackend)
	if !ok {
		return invalid("this server takes no files")
	}
	name, err := pt.property()
	if err != nil {
		return err
	}
	address, sum, err := in.h.store(in.ctx, in.grant, mb, pt, nil)
	if err != nil {
		return err
	}
	in.uploads = append(in.uploads, address)
	in.fields = append(in.fields, pair{name, address})
	in.same = append(in.same, pair{name, "sha256:" + sum})
	return nil
}
