package site

import (
	"cmp"
	"context"
	"errors"
	"time"

	"tertulia/internal/publish"
	"tertulia/mf2"
	"tertulia/store"
)

// Preview is what a post would become. Page is its page where this service makes it; else File
// is the name of the file in the source of the site, with its Text; else HTML is what it says,
// made harmless.
type Preview struct {
	Page       []byte
	File, Text string
	HTML       string
}

// Preview makes of a post what publishing would make of it, and keeps nothing. address is that
// of the post that item is an edit of, "" for a new one; commands are those of Micropub, of
// which mp-slug and mp-channel count.
func (p *Posts) Preview(ctx context.Context, address string, item mf2.Item, commands map[string][]any) (v Preview, err error) {
	date, err := p.check(item)
	if err != nil && !errors.Is(err, errNoDate) {
		return v, err
	}
	var was, post store.Post
	if address != "" {
		said := (*mf2.Item)(nil)
		if was, said, err = p.read(ctx, address); err != nil {
			return v, err
		}
		post = was
		if said != nil {
			was.Item = *said
		}
	}
	post.Item, post.Kind, post.Date = item, item.Kind(), cmp.Or(date, post.Date)
	if post.Date.IsZero() {
		post.Date = p.DB.Now().Local()
	}
	p.obey(&post, commands)
	if address == "" {
		slug := publish.Slug(firstString(commands["mp-slug"]), item, "post")
		if post.Permalink, post.File, err = p.Site.address(post, slug); err != nil {
			return v, err
		}
		post.Revision = 1
	}
	post.Draft, post.Scheduled, post.Deleted, post.Private = false, false, time.Time{}, visibility(item) == private
	return p.preview(ctx, was, post)
}

func (p *Posts) preview(ctx context.Context, was, post store.Post) (v Preview, err error) {
	s := p.Site
	shown := publishable(post)
	shown.Deleted = false
	switch {
	case s.Source != nil:
		var text []byte
		v.File = post.File
		if old, bad := s.Source.Last(publishable(was)); was.Permalink != "" && bad == nil && old != nil {
			text, err = s.Source.Preset.Patch(old, publishable(was), shown)
		} else {
			text, err = s.Source.Preset.Encode(shown)
		}
		v.Text = string(text)
	case s.Render != nil:
		err = p.DB.View(ctx, s.Key, func(tx *store.Tx) (err error) {
			shown.Pictures, err = s.pictures(tx, post.Item)
			return err
		})
		if err == nil {
			v.Page, err = s.Render(publish.Change{Site: about(s), Post: shown})
		}
	default:
		v.HTML = shown.HTML
	}
	return v, err
}
