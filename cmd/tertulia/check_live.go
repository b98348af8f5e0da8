package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tertulia/indieauth"
	"tertulia/internal/attach"
	"tertulia/internal/publish"
	"tertulia/micropub"
	"tertulia/store"
)

// uploads says whether tokens and files get through to the service, with a token and a
// file that are gone again afterwards.
func (k *checker) uploads(ctx context.Context) (err error) {
	if k.one.Publish.Preset == "none" {
		return nil
	}
	if !k.running || k.web == nil {
		k.warn("upload", "upload.untried")
		return nil
	}
	secret, err := k.web.Access.NewToken(ctx, "tertulia check", []string{"media"})
	if err != nil {
		return fmt.Errorf("make a token: %w", err)
	}
	defer func() {
		if lost := k.web.Access.Revoke(context.WithoutCancel(ctx), indieauth.Hash(secret)); lost != nil {
			err = errors.Join(err, fmt.Errorf("revoke the token of this check: %w", lost))
		}
	}()
	if k.authorization(ctx, secret) {
		return k.upload(ctx, secret)
	}
	return nil
}

// authorization says whether the header with the token arrives: many front servers keep
// it to themselves.
func (k *checker) authorization(ctx context.Context, secret string) bool {
	base := k.set.base(k.one)
	got, err := k.get(ctx, base+"micropub?q=config", secret)
	said := struct {
		Error string `json:"error"`
	}{}
	_ = got.parse(&said) // what is no JSON says nothing
	switch {
	case err != nil:
		k.fail("authorization", "authorization.down", base, why(err))
	case got.status == http.StatusOK && got.ours:
		k.ok("authorization", "authorization.ok")
		return true
	case got.status == http.StatusUnauthorized && said.Error == string(micropub.Unauthorized):
		k.fail("authorization", "authorization.dropped")
	case got.status == http.StatusUnauthorized && said.Error == string(micropub.InvalidToken):
		k.fail("authorization", "authorization.differs", base)
	default:
		k.fail("authorization", "authorization.status", base, fmt.Sprint(got.status))
	}
	return false
}

// tried is the size of the file that is uploaded: a picture from a telephone.
const tried = 12 << 20

// upload sends a file that is all silence.
func (k *checker) upload(ctx context.Context, secret string) error {
	size := min(tried, k.set.Limits.UploadMB<<20)
	const boundary = "tertulia-check-4f1d2a"
	head := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"tertulia-check.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
	tail := "\r\n--" + boundary + "--\r\n"
	wave := "RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x40\x1f\x00\x00\x01\x00\x08\x00data\x00\x00\x00\x00"
	body := io.MultiReader(strings.NewReader(head+wave), io.LimitReader(silence{}, int64(size-len(wave))), strings.NewReader(tail))
	address := k.set.base(k.one) + "media"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return err
	}
	req.ContentLength = int64(len(head) + size + len(tail))
	req.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	req.Header.Set("Authorization", "Bearer "+secret)
	got, err := k.send(req)
	mb := fmt.Sprint(size >> 20)
	switch {
	case err != nil:
		k.fail("upload", "upload.broken", mb, why(err))
	case got.status == http.StatusCreated:
		return k.uploaded(ctx, got.location, mb)
	case got.status == http.StatusRequestEntityTooLarge && !got.ours:
		k.fail("upload", "upload.large", mb)
	case got.status == http.StatusUnauthorized:
		k.fail("upload", "upload.token")
	default:
		k.fail("upload", "upload.status", mb, fmt.Sprint(got.status))
	}
	return nil
}

// uploaded takes the file back.
func (k *checker) uploaded(ctx context.Context, address, mb string) error {
	back, ok := k.web.Micropub.Backend.(micropub.Discarder)
	if !ok || !strings.HasPrefix(address, k.web.Endpoint("media/")) {
		k.fail("upload", "upload.astray", address)
		return nil
	}
	if err := back.Discard(context.WithoutCancel(ctx), micropub.Grant{}, address); err != nil {
		return fmt.Errorf("delete the file of this check, %s: %w", address, err)
	}
	k.ok("upload", "upload.ok", mb)
	return nil
}

// silence is zeros without end.
type silence struct{}

func (silence) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// live says whether the newest post is shown as it is kept.
func (k *checker) live(ctx context.Context) error {
	if k.web == nil || k.one.Publish.Preset == "none" {
		return nil
	}
	posts, err := k.web.Posts.All(ctx, 50)
	if err != nil {
		return err
	}
	for i := range posts {
		if p := &posts[i]; p.Visible() && p.Published == p.Revision && !p.Adopted {
			k.shown(ctx, p)
			return nil
		}
	}
	k.ok("post", "post.none")
	return nil
}

// shown looks at a post's page.
func (k *checker) shown(ctx context.Context, post *store.Post) {
	u, err := url.Parse(post.Permalink)
	if err != nil {
		k.fail("post", "post.down", post.Permalink, err.Error())
		return
	}
	page, err := attach.LookPost(ctx, k.own, u, publish.RevisionMeta)
	switch {
	case err != nil:
		k.fail("post", "post.down", post.Permalink, why(err))
		return
	case page.Status != http.StatusOK:
		k.fail("post", "post.down", post.Permalink, fmt.Sprint(page.Status))
		return
	}
	for _, property := range []string{"in-reply-to", "like-of", "repost-of", "bookmark-of"} {
		for _, address := range post.Item.URLs(property) {
			if !page.Prints(property, address) {
				k.fail("post", "post.unlinked", post.Permalink, property, address)
				return
			}
		}
	}
	switch {
	case page.Mark == fmt.Sprint(post.Revision):
		k.ok("post", "post.ok", post.Permalink)
	case page.Mark != "":
		k.warn("post", "post.old", post.Permalink, page.Mark, fmt.Sprint(post.Revision))
	case page.Shows(post.Item.Get("content")) || page.Shows(post.Item.Get("name")):
		k.warn("post", "post.unmarked", post.Permalink)
	default:
		k.fail("post", "post.absent", post.Permalink)
	}
}
