package micropub

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

// slack is how many bytes of a multipart body are allowed for what is not
// content: boundaries, headers of a part, what comes before the first.
const slack = 64 << 10

// meter is a body that stops when its allowance is used up.
type meter struct {
	r    io.Reader
	left int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, tooLarge("the headers of the multipart body are too large")
	}
	n, err := m.r.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}

// parts reads a multipart body as it comes, within the limits of a Handler.
type parts struct {
	reader *multipart.Reader
	meter  *meter
	count  int   // parts that may still come
	files  int   // files among them
	text   int64 // bytes of text fields that may still come
	file   int64 // bytes of one file
}

// truncated stands where a body must not end.
type truncated struct{}

func (truncated) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (h *Handler) parts(r *http.Request, boundary string) *parts {
	// multipart.Reader takes a body that ends in the headers of a part for one that
	// ends well. So that it never meets the end itself, there is an error instead,
	// after a line end, which may be missing from the last line.
	m := &meter{r: io.MultiReader(r.Body, strings.NewReader("\r\n"), truncated{})}
	return &parts{multipart.NewReader(m, boundary), m, h.maxParts(), h.maxFiles(), h.maxBody(), h.maxFile()}
}

// part is a field or a file of a multipart body.
type part struct {
	name, base  string // "photo[]", "photo"
	file        bool
	filename    string // as claimed; "" for none
	contentType string // as claimed; "" for none
	body        *bufio.Reader
}

// next returns the next part, or io.EOF after the last.
func (p *parts) next() (part, error) {
	p.meter.left = slack
	mp, err := p.reader.NextPart()
	if err == io.EOF { // the closing boundary
		return part{}, io.EOF
	}
	if err != nil {
		return part{}, bodyError(err)
	}
	if p.count--; p.count < 0 {
		return part{}, tooLarge("too many parts")
	}
	disposition, params, err := mime.ParseMediaType(mp.Header.Get("Content-Disposition"))
	if err != nil || disposition != "form-data" {
		return part{}, invalid("a part of the body has no name")
	}
	filename, hasFilename := params["filename"]
	pt := part{name: params["name"], filename: filename, contentType: mp.Header.Get("Content-Type"), body: bufio.NewReader(mp)}
	pt.base, _, _ = strings.Cut(pt.name, "[")
	pt.file = hasFilename || pt.base == "file" || propertyOf(pt.contentType) != "" || pt.contentType == "application/octet-stream"
	if !pt.file {
		p.meter.left = p.text + slack
		return pt, nil
	}
	if p.files--; p.files < 0 {
		return part{}, tooLarge("too many files")
	}
	p.meter.left = p.file + slack
	return pt, nil
}

// value reads the text of a field.
func (p *parts) value(pt part) (string, error) {
	text, err := io.ReadAll(io.LimitReader(pt.body, p.text+1))
	if err != nil {
		return "", bodyError(err)
	}
	if p.text -= int64(len(text)); p.text < 0 {
		return "", tooLarge("the fields of the form are too large")
	}
	return string(text), nil
}

// propertyOf is the property a file of that type belongs to, "" if it does not say.
func propertyOf(contentType string) string {
	switch kind, _, _ := strings.Cut(contentType, "/"); strings.ToLower(kind) {
	case "image":
		return "photo"
	case "video":
		return "video"
	case "audio":
		return "audio"
	}
	return ""
}

// property is where a file's address goes in a post. A part that is only named
// "file" goes where its bytes say, or else its claimed type.
func (pt part) property() (string, error) {
	if pt.base != "file" {
		return pt.name, nil
	}
	head, err := pt.body.Peek(512)
	if err != nil && err != io.EOF {
		return "", bodyError(err)
	}
	for _, contentType := range []string{http.DetectContentType(head), pt.contentType} {
		if name := propertyOf(contentType); name != "" {
			return name, nil
		}
	}
	return pt.base, nil
}

// empty says whether the part has no bytes at all.
func (pt part) empty() (bool, error) {
	_, err := pt.body.Peek(1)
	if err != nil && err != io.EOF {
		return false, bodyError(err)
	}
	return err == io.EOF, nil
}

// fileBody is the Body of a File. It keeps File's promise about io.EOF, and hashes
// what passes.
type fileBody struct {
	r      io.Reader
	limit  int64
	size   int64
	hash   hash.Hash
	finish func() error // what must be in order besides; nil for nothing
	err    error        // io.EOF when all was well
}

func (b *fileBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.r.Read(p)
	b.size += int64(n)
	b.hash.Write(p[:n])
	switch {
	case b.size > b.limit:
		b.err = tooLarge("the file is larger than %d bytes", b.limit)
		return 0, b.err
	case err == io.EOF:
		b.err = io.EOF
		if b.finish != nil {
			if err := b.finish(); err != nil {
				b.err = err
			}
		}
	case err != nil:
		b.err = bodyError(err)
	}
	return n, b.err
}

// store hands a file to the backend. It returns the file's address and the hex
// SHA-256 of its bytes. When that fails, nothing of the file is kept.
func (h *Handler) store(ctx context.Context, g Grant, mb MediaBackend, pt part, finish func() error) (address, sum string, err error) {
	body := &fileBody{r: pt.body, limit: h.maxFile(), hash: sha256.New(), finish: finish}
	raw, err := mb.Upload(ctx, g, File{Name: pt.filename, ContentType: pt.contentType, Size: -1, Body: body})
	if err == nil {
		// A backend may stop before the end, but the file counts only if all of it
		// came. The error of the copy is body.err.
		_, _ = io.Copy(io.Discard, body)
	}
	if body.err != nil && body.err != io.EOF {
		// Whatever the backend made of it, this is what the client must hear.
		if err == nil {
			h.discard(ctx, g, []string{raw})
		}
		return "", "", body.err
	}
	if err != nil {
		return "", "", err
	}
	address, err = absolute(raw)
	return address, hex.EncodeToString(body.hash.Sum(nil)), err
}

// discard takes back the files of a request that failed, if the backend can.
func (h *Handler) discard(ctx context.Context, g Grant, urls []string) {
	d, ok := h.Backend.(Discarder)
	if !ok {
		return
	}
	ctx = context.WithoutCancel(ctx) // the client may be gone already
	for _, url := range urls {
		if err := d.Discard(ctx, g, url); err != nil {
			h.log().Error("micropub upload not discarded", "url", url, "error", err)
		}
	}
}
