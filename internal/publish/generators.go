package publish

import (
	"tertulia/internal/publish/frontmatter"
)

// patterns are paths by post type; that of "" is for all others.
type patterns map[string]pattern

func (p patterns) of(kind string) pattern {
	if own, ok := p[kind]; ok {
		return own
	}
	return p[""]
}

// generator is what a preset knows of the program that builds the site.
type generator struct {
	path      patterns // of a post's file in the source
	permalink patterns // below the site's address
	media     pattern  // of a picture's file in the source
	public    string   // the directory of it that is copied to the top of the site

	format frontmatter.Format
	engine frontmatter.Engine
	snake  bool   // in_reply_to, where templates read it so; else inReplyTo
	nest   string // the table that keys of our own must lie in

	address  string   // the key that names a post's address; "": its file does
	made     []string // properties that addresses of the owner's own posts can be made of
	aliases  string   // the key that names its former ones; "": a page of its own leads on
	stub     string   // the file of such a page, with %s for its name
	changed  string   // the key of the last change
	undrafts bool     // a draft is published: false, elsewhere draft: true

	keys     map[string][]string // where it differs: property → key that is written, then others that are read
	pictures string              // the key of photos that the generator itself reads
	required []string            // keys that the site's schema or theme wants even empty
	defaults [][2]any            // what a new file has besides
	unlisted [][2]any            // what keeps a post out of lists
	section  string              // a file that each directory of posts must have, and what is in it
	setup    string              // what the owner adds to the generator's settings
}

// generators are the presets by name. Facts about them, and why their paths are these,
// are Indiekit's: sites that come from there keep their addresses.
var generators = map[string]generator{
	"hugo": {
		path:      patterns{"": "content/{types}/{slug}.md"},
		permalink: patterns{"": "{types}/{slug}/"},
		media:     "static/{types}/{filename}", public: "static/",
		format: frontmatter.YAML, engine: frontmatter.Hugo,
		address: "url", aliases: "aliases", changed: "lastmod", made: []string{"name", "published"},
		keys: map[string][]string{
			"summary":   {"summary", "description"},
			"published": {"date", "publishDate", "pubdate", "published"},
			"audio":     {"audios"}, "video": {"video"}, // audio and videos are Hugo's own, lists of addresses
			"photo": {"photo", "images"},
		},
		pictures: "images",
		unlisted: [][2]any{{"_build", map[string]any{"list": "never"}}},
	},
	"jekyll": {
		path:      patterns{"": "_{types}/{yyyy}-{MM}-{dd}-{slug}.md", "article": "_posts/{yyyy}-{MM}-{dd}-{slug}.md"},
		permalink: patterns{"": "{types}/{yyyy}/{MM}/{dd}/{slug}/", "article": "{yyyy}/{MM}/{dd}/{slug}/"},
		media:     "media/{types}/{yyyy}/{MM}/{dd}/{filename}",
		format:    frontmatter.YAML, engine: frontmatter.Liquid, snake: true,
		address: "permalink", stub: "moved/%s.html", changed: "last_modified_at", undrafts: true,
		made:     []string{"published", "category"}, // its :title is of the file's name
		keys:     map[string][]string{"summary": {"description", "excerpt"}, "photo": {"photo", "image"}},
		required: []string{"title"}, // else it makes one of the file's name
		defaults: [][2]any{{"layout", "post"}},
		unlisted: [][2]any{{"hidden", true}, {"sitemap", false}},
		setup:    jekyllCollections,
	},
	"eleventy": {
		path:      patterns{"": "{types}/{yyyy}-{MM}-{dd}-{slug}.md"},
		permalink: patterns{"": "{types}/{yyyy}/{MM}/{dd}/{slug}/"},
		media:     "media/{types}/{yyyy}/{MM}/{dd}/{filename}",
		format:    frontmatter.YAML, engine: frontmatter.Nunjucks,
		address: "permalink", stub: "moved/%s.html", changed: "updated", made: []string{"name", "published", "category"},
		keys:     map[string][]string{"photo": {"photo", "image"}},
		unlisted: [][2]any{{"eleventyExcludeFromCollections", true}},
		setup:    `eleventyConfig.addPassthroughCopy("media")` + "\n",
	},
	"astro": {
		path:      patterns{"": "src/content/blog/{slug}.md"},
		permalink: patterns{"": "blog/{slug}/"},
		media:     "public/media/{types}/{yyyy}/{MM}/{dd}/{filename}", public: "public/",
		format: frontmatter.YAML, stub: "public/%s", changed: "updatedDate",
		keys:     map[string][]string{"published": {"pubDate", "date"}, "photo": {"photo", "heroImage"}},
		required: []string{"title", "description"},
		setup:    astroSchema,
	},
	"zola": {
		path:      patterns{"": "content/{types}/{slug}.md"},
		permalink: patterns{"": "{types}/{slug}/"},
		media:     "static/media/{types}/{yyyy}/{MM}/{dd}/{filename}", public: "static/",
		format: frontmatter.TOML, engine: frontmatter.Tera, snake: true, nest: "extra",
		address: "path", aliases: "aliases", changed: "updated",
		// A taxonomy that config.toml does not declare ends the build, so that tags of
		// new posts are under [extra] until the settings say otherwise.
		keys:    map[string][]string{"category": {"extra.tags", "taxonomies.tags"}},
		section: "+++\nsort_by = \"date\"\n+++\n",
	},
	"plain": {
		path:      patterns{"": "{types}/{yyyy}-{MM}-{dd}-{slug}.md"},
		permalink: patterns{"": "{types}/{yyyy}/{MM}/{dd}/{slug}/"},
		media:     "media/{types}/{yyyy}/{MM}/{dd}/{filename}",
		format:    frontmatter.YAML, snake: true,
		address: "permalink", aliases: "aliases", changed: "updated", made: []string{"name", "published", "category"},
	},
}

const jekyllCollections = `# _config.yml:
collections:
  notes: {output: true}
  photos: {output: true}
  videos: {output: true}
  audio: {output: true}
  bookmarks: {output: true}
  likes: {output: true}
  reposts: {output: true}
  replies: {output: true}
  rsvps: {output: true}
  events: {output: true}
  checkins: {output: true}
  jams: {output: true}
`

const astroSchema = `// src/content.config.ts, besides what the schema has:
photo: z.array(z.object({ url: z.string(), alt: z.string().optional() })).optional(),
tags: z.array(z.string()).optional(),
inReplyTo: z.array(z.string()).optional(),
likeOf: z.array(z.string()).optional(),
repostOf: z.array(z.string()).optional(),
bookmarkOf: z.array(z.string()).optional(),
rsvp: z.string().optional(),
draft: z.boolean().optional(),
tertulia: z.string().optional(),
mf2: z.any().optional(),
`
