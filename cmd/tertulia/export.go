package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tertulia/internal/exchange"
)

// usual are the files into which a format goes when nobody names another; formats that have
// none go to the standard output.
var usual = map[string]string{
	"eleventy-cache": "_webmentioncache/webmentions.json",
	"jekyll-cache":   ".jekyll-cache/webmention_io_incoming.yml",
}

// exportTo has the conversation written where the data is, in the running service or here, and
// writes the file itself: with this user's rights, and where this user stands.
func exportTo(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	format, file := f.words[0], ""
	if !slices.Contains(exchange.Formats(), format) {
		return io.misused(fmt.Errorf("there is no format %q, only: %s", format, strings.Join(exchange.Formats(), ", ")), "tertulia help export says how it is used")
	}
	if file = usual[format]; len(f.words) > 1 {
		file = f.words[1]
	}
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	do := func(io stdio) int {
		args := f.exportArgs(format)
		if code, ok := callService(ctx, set.Data, args, io); ok {
			return code
		}
		return runHere(ctx, set, args, io)
	}
	switch {
	case format == "data" && (file == "" || file == "-"):
		return io.misused(errors.New("data is many files: name the directory for them"), "tertulia help export says how it is used")
	case format == "data":
		return exportData(do, file, io)
	case file == "" || file == "-":
		return do(io)
	}
	return exportFile(do, file, io)
}

// exportArgs are the words with which the command is handed on.
func (g given) exportArgs(format string) []string {
	args := []string{"export"}
	if g.excel {
		args = append(args, "--excel")
	}
	for flag, value := range map[string]string{"--page": g.page, "--site": g.site} {
		if value != "" {
			args = append(args, flag+"="+value)
		}
	}
	return append(args, "--", format)
}

// exportFile replaces a file when all of it is written.
func exportFile(do func(stdio) int, file string, io stdio) int {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return io.fail(err, "")
	}
	f, err := os.CreateTemp(dir, ".tertulia-export-*")
	if err != nil {
		return io.fail(err, "")
	}
	defer os.Remove(f.Name()) // it is not there any more when all went well
	out := &remembering{Writer: f}
	code := do(stdio{out: out, err: io.err})
	err = errors.Join(out.err, f.Chmod(0o644), f.Close())
	if code != 0 {
		return code
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return io.fail(fmt.Errorf("write %s: %w", file, err), "")
	}
	return 0
}

// exportData writes the files of a directory.
func exportData(do func(stdio) int, dir string, console stdio) int {
	r, w := io.Pipe()
	unpacked := make(chan error, 1)
	go func() {
		err := exchange.Unpack(r, dir)
		r.CloseWithError(err) // whoever still writes is told why
		unpacked <- err
	}()
	code := do(stdio{out: w, err: console.err})
	w.Close()
	if err := <-unpacked; err != nil && code == 0 {
		return console.fail(fmt.Errorf("write into %s: %w", dir, err), "")
	}
	return code
}

// exportNow writes what readers may see of the site's conversation.
func exportNow(ctx context.Context, c call) error {
	out := exchange.Out{View: c.site.Conversation, Page: c.flags.page, Excel: c.flags.excel, Now: time.Now()}
	return out.Write(ctx, c.words[0], c.io.out)
}
