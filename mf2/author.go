package mf2

import (
	"context"
	"net/url"
	"reflect"
	"slices"
)

// Author is who wrote a post. URL and Photo are http or https addresses or empty;
// Name is text as it was written. All three are claims of the page that they were
// read from, and nothing more.
type Author struct{ Name, URL, Photo string }

// Author finds who wrote an entry of the page, by the authorship algorithm: its own
// author, else the author of the h-feed around it, else the page's rel=author if the
// page is about this entry alone. An author that is only an address is looked up at
// that address with get, which must be as careful as any fetching for strangers (nil
// fetches nothing), and then among the cards of the entry's own page.
//
// Where no card is found the author is the bare name or the bare address, never
// somebody else's card, and the zero Author where there is nothing at all.
//
// Spec: authorship#MF-1, authorship#MF-2, authorship#MF-3, authorship#MF-4, authorship#MF-5, authorship#MF-6, authorship#MF-8
func (p Page) Author(ctx context.Context, entry Item, get func(ctx context.Context, u *url.URL) (Page, error)) Author {
	feed := p.feedOf(entry)
	values := entry.Properties["author"]
	if len(values) == 0 {
		values = feed.Properties["author"]
	}
	for _, v := range values {
		if card, ok := AsItem(v); ok {
			return authorOf(card, "")
		}
	}
	address, name := "", ""
	for _, v := range values {
		switch s := text(v, maxDepth); {
		case isWeb(s) && address == "":
			address = s
		case s != "" && !isWeb(s) && name == "":
			name = s
		}
	}
	if address == "" && name != "" {
		return Author{Name: name}
	}
	if address == "" && p.isPermalinkOf(entry, feed) {
		address = firstWeb(p.Rels["author"])
	}
	if address == "" {
		return Author{}
	}
	if card, ok := p.cardFor(ctx, address, get); ok {
		return authorOf(card, address)
	}
	return Author{Name: name, URL: address}
}

// cardFor finds the card of an author page.
//
// Spec: authorship#MF-7
func (p Page) cardFor(ctx context.Context, address string, get func(context.Context, *url.URL) (Page, error)) (Item, bool) {
	home, found := Page{}, false
	if p.URL != nil && SameURL(address, p.URL.String()) {
		home, found = p, true
	} else if u, err := url.Parse(address); err == nil && get != nil {
		// A page that cannot be had has no cards; the entry's own may still do.
		home, err = get(ctx, u)
		found = err == nil
	}
	if found {
		if card, ok := home.find(func(it Item) bool {
			return it.Is("h-card") && it.hasURL("url", address) && it.hasURL("uid", address)
		}); ok {
			return card, true
		}
		if card, ok := home.findMe(); ok {
			return card, true
		}
	}
	return p.find(func(it Item) bool { return it.Is("h-card") && it.hasURL("url", address) })
}

// RepresentativeCard returns the h-card that the page as a whole is about: the first
// whose url and uid are the page's address, else the first whose url is a rel=me link
// of the page, else the only card there is if its url is the page's address.
//
// Spec: representative-h-card#MF-9
func (p Page) RepresentativeCard() (Item, bool) {
	address := ""
	if p.URL != nil {
		address = p.URL.String()
	}
	if card, ok := p.find(func(it Item) bool {
		return it.Is("h-card") && it.hasURL("url", address) && it.hasURL("uid", address)
	}); ok {
		return card, true
	}
	if card, ok := p.findMe(); ok {
		return card, true
	}
	var only Item
	count := 0
	p.walk(func(it, _ Item) bool {
		// One element that is two properties is one card, read twice.
		if it.Is("h-card") && (count == 0 || !reflect.DeepEqual(it.Properties, only.Properties)) {
			only, count = it, count+1
		}
		return count < 2
	})
	return only, count == 1 && only.hasURL("url", address)
}

// findMe returns the first card with an address that the page calls me.
func (p Page) findMe() (Item, bool) {
	me := make(map[string]bool)
	for _, u := range p.Rels["me"] {
		me[normal(u)] = true
	}
	return p.find(func(it Item) bool {
		return it.Is("h-card") && slices.ContainsFunc(it.URLs("url"), func(u string) bool { return me[normal(u)] })
	})
}

// feedOf returns the h-feed that the entry stands in, or an empty item.
func (p Page) feedOf(entry Item) (around Item) {
	p.walk(func(it, feed Item) bool {
		if it.isPost() && reflect.DeepEqual(it.Properties, entry.Properties) {
			around = feed
			return false
		}
		return true
	})
	return around
}

// isPermalinkOf reports whether the page is about this entry: it says so by its url,
// or there is no other.
func (p Page) isPermalinkOf(entry, feed Item) bool {
	if p.URL != nil && (entry.hasURL("url", p.URL.String()) || entry.hasURL("uid", p.URL.String())) {
		return true
	}
	others := 0
	for _, it := range p.Items {
		if it.isPost() {
			others++
		}
	}
	return feed.Type == nil && others <= 1
}

// AuthorOf reads a card as the author of something. A card without a name, or without an
// address on the web, leaves that empty.
func AuthorOf(card Item) Author { return authorOf(card, "") }

// authorOf reads a card. address, where known, is the one of its addresses that led
// to it.
func authorOf(card Item, address string) Author {
	urls := append(card.URLs("url"), card.URLs("uid")...)
	if address == "" || !card.hasURL("url", address) {
		address = firstWeb(urls)
	}
	return Author{Name: card.Get("name"), URL: address, Photo: firstWeb(card.URLs("photo"))}
}

func firstWeb(urls []string) string {
	if i := slices.IndexFunc(urls, isWeb); i >= 0 {
		return urls[i]
	}
	return ""
}
