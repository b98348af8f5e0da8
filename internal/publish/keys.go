package publish

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"tertulia/internal/publish/frontmatter"
	"tertulia/mf2"
)

// Keys of our own in front matter. revisionKey is in every file that we have made,
// and in no other; themes print it as <meta name="tertulia-revision">.
const (
	mf2Key      = "mf2"
	revisionKey = "tertulia"
	goneKey     = "tertulia_gone" // when the post was deleted whose tombstone this is
)

// top are the keys that stand outside of the table that a generator keeps for others.
var top = []string{"title", "description", "date", "updated", "draft", "path", "aliases", "taxonomies", "in_search_index"}

// key is where a name stands: at the top, or in the table for others. Dots lead into tables.
func (p *Preset) key(name string) []string {
	parts := strings.Split(name, ".")
	if p.gen.nest != "" && parts[0] != p.gen.nest && !slices.Contains(top, parts[0]) {
		return append([]string{p.gen.nest}, parts...)
	}
	return parts
}

// keys are those that a property may have, the one that new files have first.
func (p *Preset) keys(property string) [][]string {
	names := p.gen.keys[property]
	if len(names) == 0 {
		switch property {
		case "name":
			names = []string{"title"}
		case "summary":
			names = []string{"description"}
		case "published":
			names = []string{"date"}
		case "category":
			names = []string{"tags"}
		case "post-status":
			names = []string{"draft"}
			if p.gen.undrafts {
				names = []string{"published"}
			}
		default:
			names = []string{cased(property, p.gen.snake)}
		}
	}
	all := make([][]string, len(names))
	for i, name := range names {
		all[i] = p.key(name)
	}
	return all
}

// at is the key that a property has in a file, or would get.
func (p *Preset) at(f *frontmatter.File, property string) []string {
	keys := p.keys(property)
	for _, key := range keys {
		if _, ok := f.Get(key...); ok {
			return key
		}
	}
	return keys[0]
}

// categories is the key that people have besides tags.
func (p *Preset) categories() []string {
	if p.Name == "zola" {
		return []string{"taxonomies", "categories"}
	}
	return []string{"categories"}
}

// short is what a property says in front matter, nil for nothing.
func (p *Preset) short(post Post, property string, key []string) any {
	values := post.Item.Properties[property]
	switch property {
	case "published":
		if post.Published.IsZero() {
			return nil
		}
		return post.Published.Truncate(time.Second)
	case "post-status":
		if p.gen.undrafts && drafts.write(values) == true {
			return false
		}
	}
	return codecAt(property, key).write(values)
}

// long is what front matter says of a property, by the short form alone.
func (p *Preset) long(property string, key []string, v any) []any {
	if v == nil {
		return nil
	}
	if property == "post-status" && p.gen.undrafts {
		if v == false {
			return []any{"draft"}
		}
		return nil
	}
	if s, ok := v.(string); ok && property == "category" && p.Name == "jekyll" {
		return readList(list(strings.Fields(s)))
	}
	return codecAt(property, key).read(v)
}

// properties are those of two items, in the order in which files have them.
func properties(a, b mf2.Item) []string {
	all := slices.Collect(maps.Keys(a.Properties))
	for name := range b.Properties {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		i, j := slices.Index(order, a), slices.Index(order, b)
		switch {
		case i >= 0 && j >= 0:
			return i - j
		case i >= 0 || j >= 0:
			return j - i
		}
		return strings.Compare(a, b)
	})
	return all
}

// isData tells whether a file is all data: its content is a key like others.
func isData(name string) bool { return path.Ext(name) == ".json" }

// isHTML tells whether a body is HTML and not Markdown.
func isHTML(name string) bool { return path.Ext(name) == ".html" || path.Ext(name) == ".htm" }
