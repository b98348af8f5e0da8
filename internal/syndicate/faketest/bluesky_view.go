package faketest

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// at is the value at a path of a record, "" where there is none.
func at(value object, path string) string {
	for _, name := range strings.Split(path, ".") {
		next, ok := value[name].(object)
		if !ok {
			s, _ := value[name].(string)
			return s
		}
		value = next
	}
	return ""
}

// those are the records of a collection of which a path is a value, the newest first.
func (f *Bluesky) those(collection, path, value string) (found []*blueskyRecord) {
	for _, r := range f.records {
		if r.collection == collection && at(r.value, path) == value {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *blueskyRecord) int { return b.order - a.order })
	return found
}

func (f *Bluesky) actor(did string) object {
	view := object{"did": did, "handle": f.people[did].handle, "labels": f.labels[did]}
	if profile := f.records["at://"+did+"/app.bsky.actor.profile/self"]; profile != nil {
		view["displayName"] = profile.value["displayName"]
		if own, ok := profile.value["labels"].(object); ok {
			view["labels"] = own["values"]
		}
	}
	return view
}

// blocks reports whether one of two blocks the other.
func (f *Bluesky) blocks(a, b string) bool {
	for _, r := range f.records {
		if r.collection == "app.bsky.graph.block" && (r.did == a && at(r.value, "subject") == b || r.did == b && at(r.value, "subject") == a) {
			return true
		}
	}
	return false
}

func (f *Bluesky) post(r *blueskyRecord) object {
	view := object{
		"uri": r.uri, "cid": r.cid, "author": f.actor(r.did), "record": r.value, "indexedAt": r.seen.Format(time.RFC3339Nano), "labels": f.labels[r.uri],
		"replyCount": len(f.those(blueskyPosts, "reply.parent.uri", r.uri)), "likeCount": len(f.those("app.bsky.feed.like", "subject.uri", r.uri)),
		"repostCount": len(f.those("app.bsky.feed.repost", "subject.uri", r.uri)), "quoteCount": len(f.those(blueskyPosts, "embed.record.uri", r.uri)),
	}
	if of := at(r.value, "embed.record.uri"); of != "" {
		kind := "app.bsky.embed.record#viewRecord"
		for _, gate := range f.those("app.bsky.feed.postgate", "post", of) {
			if off, _ := gate.value["detachedEmbeddingUris"].([]any); slices.Contains(off, any(r.uri)) {
				kind = "app.bsky.embed.record#viewDetached"
			}
		}
		view["embed"] = object{"$type": "app.bsky.embed.record#view", "record": object{"$type": kind, "uri": of}}
	}
	if images, ok := r.value["embed"].(object); ok && images["$type"] == "app.bsky.embed.images" {
		view["embed"] = object{"$type": "app.bsky.embed.images#view", "images": []object{{"fullsize": "https://cdn.test/one.jpg", "alt": ""}}}
	}
	return view
}

func (f *Bluesky) getPostThread(c blueskyCall) (any, *blueskyError) {
	r := f.records[c.text("uri")]
	if r == nil {
		return nil, bad("NotFound", "Post not found: "+c.text("uri"))
	}
	if c.did != "" && f.blocks(c.did, r.did) {
		return object{"thread": object{"$type": "app.bsky.feed.defs#blockedPost", "uri": r.uri, "blocked": true}}, nil
	}
	depth, _ := strconv.Atoi(c.text("depth")) // a test asks with numbers
	thread := f.thread(c, r, depth)
	if parent := at(r.value, "reply.parent.uri"); parent != "" && c.text("parentHeight") != "0" {
		thread["parent"] = f.above(parent)
	}
	answer := object{"thread": thread}
	root := r.uri
	if of := at(r.value, "reply.root.uri"); of != "" {
		root = of
	}
	if gate := f.those("app.bsky.feed.threadgate", "post", root); len(gate) > 0 {
		answer["threadgate"] = object{"uri": gate[0].uri, "record": gate[0].value}
	}
	return answer, nil
}

// thread is a post with the replies to it. Those by whom its author blocks, and what is below
// one that is gone, are not said.
func (f *Bluesky) thread(c blueskyCall, r *blueskyRecord, depth int) object {
	node := object{"$type": "app.bsky.feed.defs#threadViewPost", "post": f.post(r)}
	if depth == 0 {
		return node
	}
	replies := []object{}
	for _, reply := range f.those(blueskyPosts, "reply.parent.uri", r.uri) {
		switch {
		case f.blocks(r.did, reply.did):
		case c.did != "" && f.blocks(c.did, reply.did):
			replies = append(replies, object{"$type": "app.bsky.feed.defs#blockedPost", "uri": reply.uri, "blocked": true})
		default:
			replies = append(replies, f.thread(c, reply, depth-1))
		}
	}
	node["replies"] = replies
	return node
}

func (f *Bluesky) above(uri string) object {
	r := f.records[uri]
	if r == nil {
		return object{"$type": "app.bsky.feed.defs#notFoundPost", "uri": uri, "notFound": true}
	}
	node := object{"$type": "app.bsky.feed.defs#threadViewPost", "post": f.post(r)}
	if parent := at(r.value, "reply.parent.uri"); parent != "" {
		node["parent"] = f.above(parent)
	}
	return node
}

// page is a part of a list, and where the next begins.
func page(c blueskyCall, all []*blueskyRecord) (some []*blueskyRecord, cursor string) {
	from, _ := strconv.Atoi(c.text("cursor")) // "" is the beginning
	limit, _ := strconv.Atoi(c.text("limit"))
	some = all[min(from, len(all)):min(from+limit, len(all))]
	if from+limit < len(all) {
		cursor = strconv.Itoa(from + limit)
	}
	return some, cursor
}

func (f *Bluesky) getLikes(c blueskyCall) (any, *blueskyError) {
	some, cursor := page(c, f.those("app.bsky.feed.like", "subject.uri", c.text("uri")))
	likes := []object{}
	for _, r := range some {
		likes = append(likes, object{"actor": f.actor(r.did), "createdAt": r.value["createdAt"], "indexedAt": r.seen.Format(time.RFC3339Nano)})
	}
	return withCursor(object{"likes": likes}, cursor), nil
}

func (f *Bluesky) getRepostedBy(c blueskyCall) (any, *blueskyError) {
	some, cursor := page(c, f.those("app.bsky.feed.repost", "subject.uri", c.text("uri")))
	who := []object{}
	for _, r := range some {
		who = append(who, f.actor(r.did))
	}
	return withCursor(object{"repostedBy": who}, cursor), nil
}

func (f *Bluesky) getQuotes(c blueskyCall) (any, *blueskyError) {
	some, cursor := page(c, f.those(blueskyPosts, "embed.record.uri", c.text("uri")))
	posts := []object{}
	for _, r := range some {
		posts = append(posts, f.post(r))
	}
	return withCursor(object{"posts": posts}, cursor), nil
}

func withCursor(answer object, cursor string) object {
	if cursor != "" {
		answer["cursor"] = cursor
	}
	return answer
}
