package web

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tertulia/mf2"
	"tertulia/micropub"
)

// editor is a plain Micropub client. Its requests go to the site's own endpoint, in this
// process, with what the person who is signed in may do in the place of a token: it can do
// nothing that another editor could not.
type editor struct {
	posts, media http.Handler
	at           string // address of the Micropub endpoint
}

// composerScopes are what the composer asks of the endpoint, as if by consent.
func composerScopes() []string { return []string{"create", "update", "delete", "undelete", "media"} }

// editor is the client of somebody who is signed in.
func (p *pages) editor(who *session) *editor {
	h := *p.Micropub
	h.Authorize = func(context.Context, string) (micropub.Grant, error) {
		return micropub.Grant{Me: who.Me, ClientID: p.Endpoint("admin/compose"), Scopes: composerScopes()}, nil
	}
	return &editor{&h, h.Media(), p.Endpoint("micropub")}
}

// declined is what the endpoint has against a request.
type declined struct {
	Code        string `json:"error"`
	Description string `json:"error_description"`
	status      int
}

func (r *declined) Error() string {
	return fmt.Sprintf("the endpoint answers %d: %s: %s", r.status, r.Code, r.Description)
}

// recorded is an answer that stays in the process.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = cmp.Or(r.status, status) }
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }

// ask sends a request; its error is a *declined when the endpoint does not take it.
func (e *editor) ask(ctx context.Context, to http.Handler, method, query, kind string, body io.Reader) (*recorded, error) {
	r, err := http.NewRequestWithContext(ctx, method, e.at+query, body)
	if err != nil {
		return nil, err
	}
	// Spec: micropub#authentication-1-p-1
	r.Header.Set("Authorization", "Bearer session")
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := &recorded{header: http.Header{}}
	to.ServeHTTP(answer, r)
	if answer.status/100 == 2 {
		return answer, nil
	}
	no := &declined{status: answer.status}
	if err := json.Unmarshal(answer.body.Bytes(), no); err != nil {
		no.Description = answer.body.String()
	}
	return nil, no
}

// config is what the endpoint offers (q=config).
type config struct {
	PostTypes []postType `json:"post-types"`
	Targets   []target   `json:"syndicate-to"`
	Channels  []choice   `json:"channels"`
	Visible   []string   `json:"visibility"`
}

type postType struct {
	Type     string   `json:"type"`
	Name     string   `json:"name"`
	H        string   `json:"h"`
	Offered  []string `json:"properties"`
	Required []string `json:"required-properties"`
}

type choice struct {
	UID  string `json:"uid"`
	Name string `json:"name"`
}

// target is a place that copies can go to, and the types of posts that go there by default.
type target struct {
	choice
	Defaults []string `json:"default-post-types"`
}

// usual are the places that posts of a type go to by default.
func (c config) usual(typ string) (uids []string) {
	for _, t := range c.Targets {
		if slices.Contains(t.Defaults, c.typed(typ).Type) {
			uids = append(uids, t.UID)
		}
	}
	return uids
}

// config asks what the endpoint offers.
//
// Spec: micropub#configuration-p-2
func (e *editor) config(ctx context.Context) (c config, err error) {
	answer, err := e.ask(ctx, e.posts, http.MethodGet, "?q=config", "", nil)
	if err == nil {
		err = json.Unmarshal(answer.body.Bytes(), &c)
	}
	return c, err
}

// source asks what a post says. fs.ErrNotExist is a *declined here.
//
// Spec: micropub#source-content-p-1
func (e *editor) source(ctx context.Context, address string) (item mf2.Item, err error) {
	answer, err := e.ask(ctx, e.posts, http.MethodGet, "?q=source&url="+url.QueryEscape(address), "", nil)
	if err == nil {
		dec := json.NewDecoder(&answer.body)
		dec.UseNumber()
		err = dec.Decode(&item)
	}
	return item, err
}

// send sends a create, an update or an action as JSON, and returns the address that it is
// about from now on: "" when that has not changed.
//
// Spec: micropub#json-syntax-p-3
func (e *editor) send(ctx context.Context, request map[string]any) (location string, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return "", err
	}
	answer, err := e.ask(ctx, e.posts, http.MethodPost, "", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	return answer.header.Get("Location"), nil
}

// upload hands a file on to the media endpoint as it comes, and returns its address.
//
// Spec: micropub#request-p-1
func (e *editor) upload(ctx context.Context, name, contentType string, file io.Reader) (address string, err error) {
	var frame bytes.Buffer
	form := multipart.NewWriter(&frame)
	header := map[string][]string{"Content-Disposition": {multipart.FileContentDisposition("file", name)}}
	if contentType != "" {
		header["Content-Type"] = []string{contentType}
	}
	if _, err := form.CreatePart(header); err != nil {
		return "", err
	}
	head := strings.NewReader(frame.String())
	frame.Reset()
	if err := form.Close(); err != nil {
		return "", err
	}
	answer, err := e.ask(ctx, e.media, http.MethodPost, "", form.FormDataContentType(), io.MultiReader(head, file, &frame))
	if err != nil {
		return "", err
	}
	return answer.header.Get("Location"), nil
}

// discard deletes files that were uploaded for nothing. Those that stay show in the list of
// uploads, and that is all.
func (e *editor) discard(ctx context.Context, addresses []string) (err error) {
	for _, address := range addresses {
		form := url.Values{"action": {"delete"}, "url": {address}}
		_, no := e.ask(ctx, e.media, http.MethodPost, "", "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
		err = errors.Join(err, no)
	}
	return err
}
