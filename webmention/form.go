package webmention

import (
	"bytes"
	"errors"
	"html/template"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// readForm reads the fields of a POST from its body alone, since the endpoint's
// query may have names of its own. Forms are accepted in either encoding: scripts
// send FormData as multipart.
func readForm(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, error) {
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data" {
		return nil, &Error{Code: CodeInvalidRequest,
			Message: "A Webmention is sent as application/x-www-form-urlencoded."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if long := (*http.MaxBytesError)(nil); errors.As(err, &long) {
		return nil, tooLarge(limit)
	}
	var form url.Values
	if err == nil && kind == "multipart/form-data" {
		form, err = readMultipart(body, params["boundary"])
	} else if err == nil {
		form, err = url.ParseQuery(string(body))
	}
	if err != nil {
		return nil, &Error{Code: CodeInvalidRequest, Message: "The form cannot be read.", Err: err}
	}
	return form, nil
}

func readMultipart(body []byte, boundary string) (url.Values, error) {
	form := url.Values{}
	parts := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return form, nil
		}
		if err != nil {
			return nil, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		form.Add(part.FormName(), string(value))
	}
}

// prefersHTML reports whether an Accept header names HTML, and names plain text
// and JSON no higher. Programs that accept anything get plain text.
func prefersHTML(accept []string) bool {
	var html, other float64
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		if err != nil {
			q = 1
		}
		switch kind {
		case "text/html", "application/xhtml+xml":
			html = max(html, q)
		case "text/plain", "application/json":
			other = max(other, q)
		}
	}
	return html > 0 && html >= other
}

var formPage = template.Must(template.New("form").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Webmention</title>
<h1>Webmention</h1>
<p>Did you write about a page of this site? Tell it where.</p>
<form method="post" action="">
<p><label>Your page (source)<br><input type="url" name="source" value="{{.Source}}" size="60" required></label></p>
<p><label>Our page that it links to (target)<br><input type="url" name="target" value="{{.Target}}" size="60" required></label></p>
<p><button>Send</button></p>
</form>
`))

// minimalForm is the page of a Receiver that was given none.
func minimalForm(w http.ResponseWriter, status int, v View) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = formPage.Execute(w, v) // the template cannot fail; a reader that went away can
}
