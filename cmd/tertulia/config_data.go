package main

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// usualData is where generators read data; the others read it from wherever they are told.
var usualData = map[string]string{
	"eleventy": "_data/conversation",
	"jekyll":   "_data/conversation",
	"astro":    "src/data/conversation",
}

// dataDir is the directory for the conversations of pages, in the tree that posts are written
// into; "" is none.
func (s siteSettings) dataDir() string {
	dir := s.Conversation.Data
	if dir == "usual" {
		if dir = usualData[s.Publish.Preset]; dir == "" {
			dir = "data/conversation"
		}
	}
	if dir == "" {
		return ""
	}
	return path.Join(inClone(s.Publish), path.Clean(filepath.ToSlash(dir)))
}

// data checks where conversations are written.
func (l *loader) data(site *siteSettings, where string) {
	dir := site.Conversation.Data
	switch {
	case dir == "":
	case !site.Publish.generates():
		l.wrong("site.conversation.data"+where, "there is no source of a site to write into", "it goes with a preset such as hugo")
	case !filepath.IsLocal(dir) || strings.Contains("/"+dir, "/."):
		l.wrong("site.conversation.data"+where, fmt.Sprintf("%q is no directory in the source of the site", dir), `write it like "data/conversation"`)
	}
}
