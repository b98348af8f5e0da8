package publish

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"tertulia/mf2"
)

// Source is a [Target] that writes into the source of a site that a generator builds.
//
//	to := &publish.Source{Preset: preset, Tree: &publish.Dir{Path: "/srv/blog"}, Build: build}
//	err := to.Publish(ctx, publish.Change{Site: site, Post: post, Before: &before, PageOnly: true})
//
// What is in the tree belongs to its owner. A new file is never written over one that
// was there; an edit changes what differs between Change.Before and Change.Post and
// nothing else; a file of theirs is only removed when its bytes are Change.Kept, which
// brings it back. Lists are the generator's: a change without a post does nothing.
type Source struct {
	Preset *Preset
	Tree   Tree
	Build  Builder // what happens after writing; nil: nothing, somebody else builds

	// Output is the directory that Build writes the pages into, "" where nobody here can
	// reach it. Hugo and Eleventy leave the pages of deleted posts there: they are
	// removed before the build, which makes anew what is still wanted.
	Output string

	// Gone says that the site answers 410 for deleted posts, as this service does where
	// it serves the pages. Elsewhere a page without links takes the place of a deleted
	// one, until Sweep, and says Tombstone in the site's language.
	Gone      bool
	Tombstone string

	// Message is what the history says of a change. action is create, update, delete or
	// undelete. nil: the action, the kind and the file.
	Message func(action string, c Change) string
}

var _ Target = (*Source)(nil)

// Publish implements [Target]: [Source.Write], then the build.
func (s *Source) Publish(ctx context.Context, c Change) error {
	if err := s.Write(ctx, c); err != nil || c.Post.Permalink == "" {
		return err
	}
	if s.Build == nil {
		return nil
	}
	if err := s.Build.Build(ctx); err != nil {
		return fmt.Errorf("build: %w", err)
	}
	return nil
}

// Open makes the source ready for use, where that takes work such as a clone. It may be called
// again at any time.
func (s *Source) Open(ctx context.Context) error {
	if tree, ok := s.Tree.(opener); ok {
		return tree.Open(ctx)
	}
	return nil
}

// Write makes the source say what the posts say, without building: many changes can share
// one build. They share one call of [Tree.Apply] as well, one commit where there is a
// history: all of them are made, or none. Of a change without a post the files are written.
func (s *Source) Write(ctx context.Context, changes ...Change) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	var all []File
	message, posts, others := "", 0, 0
	for i, c := range changes {
		if c.Post.Permalink == "" {
			var err error
			if all, err = merge(all, c.Files); err != nil {
				return fmt.Errorf("publish: %w", err)
			}
			others += len(c.Files)
			continue
		}
		posts++
		action, files, err := s.plan(&c)
		if err == nil {
			all, err = merge(all, files)
		}
		if err != nil {
			return fmt.Errorf("publish %s: %w", c.Post.Permalink, err)
		}
		changes[i] = c
		message = s.message(action, c)
	}
	switch {
	case posts == 0:
		message = fmt.Sprintf("update %d conversations", others)
	case posts > 1:
		message = fmt.Sprintf("update %d posts", posts)
	}
	if len(all) > 0 {
		if err := s.Tree.Apply(ctx, message, all); err != nil {
			return fmt.Errorf("publish %s: %w", changes[0].Post.Permalink, err)
		}
	}
	for _, c := range changes {
		if !c.Post.Deleted || c.Post.Permalink == "" {
			continue
		}
		if err := s.Clear(c.Post.Permalink); err != nil {
			return fmt.Errorf("publish %s: %w", c.Post.Permalink, err)
		}
	}
	return nil
}

// plan names the file of a change, and gives what has to be done to the tree.
func (s *Source) plan(c *Change) (action string, files []File, err error) {
	if s.Preset.below(c.Post.Permalink) != c.Post.Permalink {
		return "", nil, fmt.Errorf("it is not below %s", s.Preset.site)
	}
	if c.Post.File, err = s.Preset.File(c.Post); err != nil {
		return "", nil, err
	}
	action, files, err = s.files(*c, c.Post.File)
	if !c.Post.Deleted {
		files = append(slices.Clone(c.Files), files...)
	}
	return action, files, err
}

// merge adds files to others. Posts can share one: an upload, or what their directory must have.
func merge(all, files []File) ([]File, error) {
	for _, f := range files {
		i := slices.IndexFunc(all, func(other File) bool { return other.Name == f.Name })
		switch {
		case i < 0:
			all = append(all, f)
		case !bytes.Equal(all[i].Data, f.Data):
			return nil, fmt.Errorf("%s: two posts have this file: %w", f.Name, ErrForeign)
		}
	}
	return all, nil
}

// message is what the history says of one change.
func (s *Source) message(action string, c Change) string {
	if s.Message != nil {
		return s.Message(action, c)
	}
	return strings.Join([]string{action, cmp.Or(c.Post.Kind, "post"), c.Post.File}, " ")
}

// Clear removes the page that an earlier build has made at an address of a deleted post, if
// Output is known. Call it before the next build as well, which makes anew what is still wanted:
// a build that had read the source before the deletion may write it once more.
func (s *Source) Clear(permalink string) error {
	if s.Output == "" {
		return nil
	}
	name, err := pagePath(s.Preset.site.String(), permalink)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(s.Output)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing has been built yet
	}
	if err != nil {
		return err
	}
	return errors.Join(ignoreGone(root.Remove(name)), root.Close())
}

// Last reads the file of a post as it is now; nil when there is none. Keep it with a
// post before it is deleted: Change.Kept brings it back.
func (s *Source) Last(post Post) ([]byte, error) {
	name, err := s.Preset.File(post)
	if err != nil {
		return nil, err
	}
	data, err := s.Tree.Read(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.Preset.buried(name, data) {
		return nil, nil
	}
	return data, err
}

// Item reads what the file of a post says now, so that an edit starts from what its
// owner has made of it. fs.ErrNotExist when there is no file.
func (s *Source) Item(post Post) (mf2.Item, error) {
	data, err := s.Last(post)
	if err != nil {
		return mf2.Item{}, err
	}
	name, err := s.Preset.File(post)
	if err != nil {
		return mf2.Item{}, err
	}
	if data == nil {
		return mf2.Item{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return s.Preset.Decode(name, data, post.Permalink)
}

// Free tells whether a new post could have its file: whether nothing is there.
func (s *Source) Free(post Post) (bool, error) {
	name, err := s.Preset.File(post)
	if err != nil {
		return false, err
	}
	_, err = s.Tree.Read(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case errors.Is(err, ErrForeign):
		return false, nil
	}
	return false, err
}

// files are the changes to the tree that make a change of a post, and what to call it.
func (s *Source) files(c Change, name string) (action string, files []File, err error) {
	now, err := s.Tree.Read(name)
	if ignoreGone(err) != nil {
		return "", nil, err
	}
	there := err == nil
	buried := there && s.Preset.buried(name, now)
	if !there && !c.Post.Deleted && c.Before != nil && c.Before.File != "" && c.Before.File != name {
		if files, err := s.rename(c, name); err != nil || files != nil {
			return "update", files, err
		}
	}
	switch {
	case c.Post.Deleted:
		files, err = s.remove(c, name, now, there && !buried)
		return "delete", files, err
	case there && !buried:
		files, err = s.update(c, name, now)
		return "update", files, err
	}
	f := File{Name: name}
	if there {
		f.Was = now
	}
	if c.Kept != nil {
		f.Data, err = s.patch(c, name, c.Kept)
		return "undelete", []File{f}, err
	}
	f.Data, err = s.Preset.Encode(c.Post)
	if err != nil {
		return "", nil, err
	}
	return "create", append(s.section(name), f), nil
}

// section is the file that the directory of a new post must have.
func (s *Source) section(name string) []File {
	index := path.Join(path.Dir(name), "_index.md")
	if s.Preset.gen.section == "" {
		return nil
	}
	if _, err := s.Tree.Read(index); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return []File{{Name: index, Data: []byte(s.Preset.gen.section)}}
}

// patch edits a file from what it was written from, which the file itself tells where
// nobody else does.
func (s *Source) patch(c Change, name string, data []byte) ([]byte, error) {
	before := Post{Permalink: c.Post.Permalink, Kind: c.Post.Kind, Published: c.Post.Published, File: name}
	if c.Before != nil {
		before = *c.Before
	} else {
		it, err := s.Preset.Decode(name, data, c.Post.Permalink)
		if err != nil {
			return nil, err
		}
		before.Item, before.Channel = it, s.Preset.channel(name, data)
	}
	return s.Preset.Patch(data, before, c.Post)
}

func (s *Source) update(c Change, name string, now []byte) ([]File, error) {
	if c.Before == nil && !s.Preset.owns(name, now, c.Post.Permalink) {
		return nil, fmt.Errorf("%s: %w", name, ErrForeign)
	}
	data, err := s.patch(c, name, now)
	if err != nil {
		return nil, err
	}
	var files []File
	if !bytes.Equal(data, now) {
		files = append(files, File{Name: name, Data: data, Was: now})
	}
	return s.leading(c, files)
}

// rename moves a post to another file, where the file's name says the address; nil when
// there is nothing to move.
func (s *Source) rename(c Change, name string) ([]File, error) {
	was := c.Before.File
	if err := sourceName(was); err != nil {
		return nil, err
	}
	now, err := s.Tree.Read(was)
	if errors.Is(err, fs.ErrNotExist) || err == nil && s.Preset.buried(was, now) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := s.patch(c, name, now)
	if err != nil {
		return nil, err
	}
	return s.leading(c, []File{{Name: name, Data: data}, {Name: was, Was: now}})
}

// leading adds what leads from a post's former address to its new one.
func (s *Source) leading(c Change, files []File) ([]File, error) {
	if c.Before != nil && c.Before.Permalink != "" && c.Before.Permalink != c.Post.Permalink {
		stubs, err := s.moved(c.Before.Permalink, c.Post.Permalink)
		if err != nil {
			return nil, err
		}
		return append(files, stubs...), nil
	}
	return files, nil
}
