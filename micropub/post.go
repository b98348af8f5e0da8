package micropub

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"strings"
)

// post answers everything that changes something. The order matters: nothing is
// kept, and nothing about the request is judged, before its token is known.
func (h *Handler) post(r *http.Request) (answer, error) {
	c, err := headerCredentials(r)
	if err != nil {
		return answer{}, err
	}
	kind, params, refused := contentType(r)
	if kind == "multipart/form-data" {
		return h.postMultipart(r, c, params["boundary"])
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
	if refused != nil {
		return answer{}, refused
	}
	return h.do(r.Context(), g, req)
}

// contentType is the kind of body, one of the four that are understood.
//
// Spec: micropub#overview-p-1
func contentType(r *http.Request) (string, map[string]string, error) {
	unsupported := func(reason string) error {
		return &Error{Code: InvalidRequest, Status: http.StatusUnsupportedMediaType, Description: reason}
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return "", nil, unsupported("the Content-Type is missing or cannot be read")
	}
	if charset := strings.ToLower(params["charset"]); charset != "" && charset != "utf-8" && charset != "utf8" && charset != "us-ascii" {
		return "", nil, unsupported("the charset must be UTF-8")
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return "", nil, unsupported("the body must not be compressed")
	}
	switch {
	case kind == "multipart/form-data", kind == "application/x-www-form-urlencoded", kind == "application/json":
		return kind, params, nil
	case strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"):
		return "application/json", params, nil
	}
	return "", nil, unsupported("the Content-Type must be application/json, application/x-www-form-urlencoded or multipart/form-data")
}

// decode reads a form or a JSON body. With an error it returns the tokens it saw.
func (h *Handler) decode(r *http.Request, kind string) (request, error) {
	limit := h.maxBody()
	if r.ContentLength > limit {
		return request{}, tooLarge("the body is larger than %d bytes", limit)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return request{}, bodyError(err)
	}
	if int64(len(body)) > limit {
		return request{}, tooLarge("the body is larger than %d bytes", limit)
	}
	if kind == "application/json" {
		return h.decodeJSON(body)
	}
	return h.decodeForm(body)
}

// bodyError is what a failed read of the body means: its sender stopped, or
// somebody's limit was met.
func bodyError(err error) error {
	var e *Error
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &large):
		return tooLarge("the body is larger than %d bytes", large.Limit)
	}
	return &Error{Code: InvalidRequest, Description: "the body ended early or cannot be read", Err: err}
}

// do carries out a decoded request. What is to be deleted and is no post may be a
// file: there are clients that ask for both at one endpoint.
//
// Spec: micropub#servers-li-4
// Spec: micropub#update-p-1
// Spec: micropub#delete-p-1
func (h *Handler) do(ctx context.Context, g Grant, req request) (answer, error) {
	action := req.action
	if action == "" {
		action = "create"
	}
	if err := g.require(action); err != nil {
		return answer{}, err
	}
	if err := h.within(ctx, g, req); err != nil {
		return answer{}, err
	}
	switch req.action {
	case "update":
		newURL, err := h.Backend.Update(ctx, g, req.url, req.update)
		return changed(req.url, newURL, err)
	case "delete":
		err := h.Backend.Delete(ctx, g, req.url)
		if d, ok := h.Backend.(MediaDeleter); ok && errors.Is(err, fs.ErrNotExist) && g.require("delete files") == nil {
			err = d.DeleteMedia(ctx, g, req.url)
		}
		return changed(req.url, "", err)
	case "undelete":
		newURL, err := h.Backend.Undelete(ctx, g, req.url)
		return changed(req.url, newURL, err)
	}
	return h.create(ctx, g, req.create)
}

// within keeps a token for drafts to them: with update or delete it may change what is a
// draft and leaves it one. What undelete brings back may be anything.
func (h *Handler) within(ctx context.Context, g Grant, req request) error {
	if !g.DraftsOnly() || req.action == "" {
		return nil
	}
	if req.action == "undelete" || req.update.publishes() {
		return g.require("publish")
	}
	it, err := h.Backend.Source(ctx, g, req.url)
	if err == nil && it.Get("post-status") != "draft" {
		err = g.require("publish")
	}
	if _, files := h.Backend.(MediaDeleter); req.action == "delete" && files && errors.Is(err, fs.ErrNotExist) {
		return nil // it may be a file
	}
	return err
}

// create keeps a new post. A token that allows drafts only makes drafts.
//
// Spec: micropub#response-p-1
// Spec: micropub#response-p-4
func (h *Handler) create(ctx context.Context, g Grant, c Create) (answer, error) {
	var err error
	if c.Digest == "" {
		if c.Digest, err = c.digest(g); err != nil {
			return answer{}, err
		}
	}
	if g.DraftsOnly() {
		c.Item.Properties["post-status"] = []any{"draft"}
	}
	created, err := h.Backend.Create(ctx, g, c)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: http.StatusCreated}
	if created.Pending {
		a.status = http.StatusAccepted
	}
	a.location, err = absolute(created.URL)
	return a, err
}

// changed answers an update, a delete or an undelete.
//
// Spec: micropub#response-1-p-1
// Spec: micropub#response-2-p-1
func changed(url, newURL string, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	if newURL == "" || newURL == url {
		return answer{status: http.StatusNoContent}, nil
	}
	location, err := absolute(newURL)
	return answer{status: http.StatusCreated, location: location}, err
}
