package exchange

import (
	"archive/tar"
	"bufio"
	"cmp"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"tertulia/internal/site"
)

// pages are the addresses of the pages with a conversation, in their order.
func (o Out) pages(ctx context.Context) ([]string, error) {
	found := map[string]bool{}
	err := o.each(ctx, func(r site.Response) error {
		page, _, _ := strings.Cut(r.Target, "#")
		found[page] = true
		return nil
	})
	return slices.Sorted(maps.Keys(found)), err
}

// data writes a tar with a file for each page, as Conversation.Data makes them.
func (o Out) data(ctx context.Context, w *bufio.Writer) error {
	pages, err := o.pages(ctx)
	if err != nil {
		return err
	}
	out := tar.NewWriter(w)
	for _, page := range pages {
		name, data, err := o.View.Data(ctx, page)
		if err != nil {
			return err
		}
		if data == nil {
			continue
		}
		head := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: o.Now}
		if err := out.WriteHeader(head); err != nil {
			return err
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
	}
	return out.Close()
}

// Unpack writes the files of a tar of data into a directory, which it makes, and nowhere else.
func Unpack(r io.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	in := tar.NewReader(r)
	for {
		head, err := in.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if head.Typeflag != tar.TypeReg {
			continue
		}
		if err := unpackOne(root, filepath.FromSlash(path.Clean(head.Name)), in); err != nil {
			return err
		}
	}
}

func unpackOne(root *os.Root, name string, r io.Reader) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return cmp.Or(err, f.Close())
}
