package web

import (
	"bufio"
	"crypto/subtle"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// The bounds of what the composer takes at once: the fields together, and all of it. How large
// a file may be is the endpoint's to say.
const (
	mostTyped    = 1 << 20
	mostComposed = 1 << 30
	mostFiles    = 32
)

// intake is a form as it comes: the files are uploads by the time that all of it was read.
type intake struct {
	to       *editor
	who      *session // nil: nobody is signed in, and no file is taken
	trusted  bool     // a file may be taken: the form has shown that it is ours
	fields   url.Values
	uploads  []upload
	declined error // why the first of the files that were not taken was not
	typed    int
}

// upload is a file that was taken.
type upload struct {
	property string
	n        int // which of those of its property it was, from 0
	address  string
}

var (
	errForged = errors.New("the form has not the field of this session")
	errBody   = errors.New("the form cannot be read")
)

// composed reads a form of the composer's: nothing of it is kept before its field form, the
// first of all, was found to be this session's.
func (p *pages) composed(w http.ResponseWriter, r *http.Request, who *session) (*intake, error) {
	in := &intake{to: p.editor(who), who: who, fields: url.Values{}}
	err := in.read(w, r)
	if err == nil && !in.ours() {
		err = errForged
	}
	return in, err
}

// ours tells whether the form is one that this session was given.
func (in *intake) ours() bool {
	return in.who != nil && subtle.ConstantTimeCompare([]byte(in.fields.Get("form")), []byte(in.who.form())) == 1
}

// read reads a form, of whichever kind it is.
func (in *intake) read(w http.ResponseWriter, r *http.Request) error {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		r.Body = http.MaxBytesReader(w, r.Body, mostTyped)
		if r.ParseForm() != nil {
			return errBody
		}
		in.fields = r.PostForm
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostComposed)
	counts := map[string]int{}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return errBody
		}
		name := part.FormName()
		if _, file := partName(part); !file {
			if err := in.field(name, part); err != nil {
				return err
			}
			continue
		}
		if err := in.file(r, part, counts); err != nil {
			return err
		}
	}
}

// partName is the name of the file that a part is, and whether it is one.
func partName(part *multipart.Part) (name string, file bool) {
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return "", false
	}
	name, file = params["filename"]
	return name, file
}

func (in *intake) field(name string, body io.Reader) error {
	text, err := io.ReadAll(io.LimitReader(body, mostTyped+1))
	if in.typed += len(text); err != nil || in.typed > mostTyped || !utf8.Valid(text) {
		return errBody
	}
	in.fields.Add(name, string(text))
	return nil
}

// file uploads a file, unless the field was left empty.
func (in *intake) file(r *http.Request, part *multipart.Part, counts map[string]int) error {
	body := bufio.NewReader(part)
	name, _ := partName(part)
	if _, err := body.Peek(1); err != nil && name == "" {
		return nil // no file was chosen
	}
	if !in.trusted && !in.ours() {
		return errForged
	}
	contentType := part.Header.Get("Content-Type")
	property := strings.TrimPrefix(part.FormName(), "file-")
	if kind, _, _ := strings.Cut(contentType, "/"); property == "file" {
		property = map[string]string{"image": "photo", "video": "video", "audio": "audio"}[kind]
	}
	if property != "photo" && property != "video" && property != "audio" {
		return nil // no field of ours
	}
	n := counts[property]
	if counts[property]++; len(in.uploads) >= mostFiles {
		return errBody
	}
	address, err := in.to.upload(r.Context(), name, contentType, body)
	var no *declined
	switch {
	case errors.As(err, &no):
		if in.declined == nil {
			in.declined = no
		}
		return nil
	case err != nil:
		return err
	}
	in.uploads = append(in.uploads, upload{property, n, address})
	return nil
}

// draft is what was typed, with the uploads among the files, each with its description.
func (in *intake) draft() draft {
	v := in.fields
	d := draft{url: v.Get("post"), seen: v.Get("seen"), once: v.Get("once"), typ: v.Get("type"), html: v.Get("html") != "", boxes: v.Get("boxes") != "", values: v}
	d.drop()
	for _, up := range in.uploads {
		v.Add(up.property, up.address)
		if up.property == "photo" {
			v.Add("photo-alt", at(v["new-alt"], up.n))
		}
	}
	delete(v, "new-alt")
	return d
}

// taken are the addresses of the files that came with the form.
func (in *intake) taken() (addresses []string) {
	for _, up := range in.uploads {
		addresses = append(addresses, up.address)
	}
	return addresses
}
