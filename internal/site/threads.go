package site

import (
	"net/url"
	"slices"
	"strings"

	"tertulia/mf2"
)

// Threads are found when a conversation is shown, from what each response says it
// answers: so it does not matter which of them came first, and when one goes its answers
// are answers to the page again.

// anchors are what the fragments begin with that name a response in a conversation: as
// our pages write them, and as people and other programs do.
var anchors = []string{"tertulia-", "comment-"}

// thread sets Parent of the responses that answer another one of them. A response is
// named by its permalink, by its source, or by its place in a page of ours. Of several that
// it answers the first counts; one that would lead around in a circle does not.
func thread(all []Response) {
	if !answering(all) {
		return
	}
	at := make(map[string]int, 3*len(all))
	for i := len(all) - 1; i >= 0; i-- { // of two with one name the first is meant
		if r := all[i]; r.listed() {
			at[nameOf(r.Source)], at[nameOf(r.URL)], at[r.ID] = i, i, i
			for _, name := range r.veiled.names {
				at[nameOf(name)] = i
			}
			for _, id := range r.folded {
				at[id] = i
			}
		}
	}
	delete(at, "") // an address that is none names nobody
	parent := make([]int, len(all))
	for i := range parent {
		parent[i] = -1
	}
	for i, r := range all {
		if !r.answers() {
			continue
		}
		for _, address := range slices.Concat([]string{r.Target}, r.InReplyTo, r.veiled.answers) {
			j, known := at[nameOf(address)]
			if id := anchored(address); id != "" {
				j, known = at[id]
			}
			if known && !leads(parent, j, i) {
				parent[i], all[i].Parent = j, all[j].ID
				break
			}
		}
	}
}

// answering tells whether there is anything to be found out.
func answering(all []Response) bool {
	for _, r := range all {
		if len(r.InReplyTo)+len(r.veiled.answers) > 0 || strings.Contains(r.Target, "#") || strings.Contains(r.Target, "/comment/") {
			return true
		}
	}
	return false
}

// leads tells whether the way up from one response passes another.
func leads(parent []int, from, to int) bool {
	for ; from >= 0; from = parent[from] {
		if from == to {
			return true
		}
	}
	return false
}

// listed tells whether others can stand below a response; faces have no place for them.
func (r *Response) listed() bool { return r.Type == "reply" || r.Type == "mention" || r.Type == "tag" }

// answers tells whether a response can stand below another one.
func (r *Response) answers() bool {
	return r.Type == "reply" || r.Type == "reaction" || r.Type == "mention"
}

// anchored is the id of the response that an address names by its fragment, "" for none.
func anchored(address string) string {
	_, fragment, _ := strings.Cut(address, "#")
	for _, anchor := range anchors {
		if id, ok := strings.CutPrefix(fragment, anchor); ok {
			return id
		}
	}
	return ""
}

// nameOf is an address as responses are told apart by it: http and https are one. It is
// "" for what is no address. Most are in their normal form already, which is seen at a
// glance.
func nameOf(address string) string {
	if rest, ok := strings.CutPrefix(address, "https:"); ok && isNormal(rest) {
		return rest
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return strings.TrimPrefix(strings.TrimPrefix(mf2.NormalizeURL(u), "https:"), "http:")
}

// isNormal tells whether an address without its scheme is as mf2.NormalizeURL would write
// it. It says no to some that are.
func isNormal(rest string) bool {
	rest, ok := strings.CutPrefix(rest, "//")
	slash := strings.IndexByte(rest, '/')
	if !ok || slash < 1 || strings.HasSuffix(rest, "#") {
		return false
	}
	for i := range slash {
		if c := rest[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return false
		}
	}
	for i := slash; i < len(rest); i++ {
		if c := rest[i]; c <= ' ' || c >= 0x7f || c == '%' {
			return false
		}
	}
	return true
}
