package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"tertulia/internal/queue"
	"tertulia/store"
	"tertulia/webmention"
)

// Pages knows which addresses of a site are one page: a conversation belongs to a page,
// not to a URL (TRAPS T-WR20). What only spells an address differently [Site.Fold] knows;
// the rest the site itself says, by its redirects and by rel=canonical, or its owner
// with Remap.
type Pages struct {
	Site *Site
	DB   *store.DB
	Own  *http.Client // to the site's own pages
}

// askEvery is how old the answer to what page an address is may become: sites move.
const askEvery = 30 * 24 * time.Hour

// batchOfMentions is how many mentions follow their page in one transaction.
const batchOfMentions = 100

// maxOwnHops is how many redirects of the own site are followed.
const maxOwnHops = 5

// errLost is what an address of the site answers that leads round and round.
var errLost = errors.New("it redirects too often")

// ownPage is what the site says of one of its addresses.
type ownPage struct {
	at        *url.URL // where it is, after redirects
	canonical *url.URL // what it says that it is; nil: nothing, or an address of another site
}

// locate asks the site where the page of an address is: fs.ErrNotExist when there is
// none, another error when the site could not say. A page that says to be another is
// believed if that one is there and says so of itself. One that sends everything that it
// does not know to its home page, or calls everything that, has said nothing.
func (p *Pages) locate(ctx context.Context, address *url.URL) (*url.URL, error) {
	page, err := p.ask(ctx, address)
	if err != nil {
		return nil, err
	}
	if p.isHome(page.at) && !p.isHome(address) {
		return nil, fmt.Errorf("%s leads to the home page: %w", address, fs.ErrNotExist)
	}
	switch {
	case page.canonical == nil:
		return page.at, nil
	case p.same(page.canonical, page.at):
		return page.canonical, nil
	case p.isHome(page.canonical):
		return page.at, nil
	}
	named, err := p.ask(ctx, page.canonical)
	if err == nil && named.canonical != nil && p.same(named.at, page.canonical) && p.same(named.canonical, page.canonical) {
		return page.canonical, nil
	}
	return page.at, nil
}

// ask reads what one address of the site says: its file, where we serve the site.
func (p *Pages) ask(ctx context.Context, address *url.URL) (ownPage, error) {
	if p.Site.Root != "" {
		return p.askFile(address)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return ownPage{}, err
	}
	req.Header.Set("Accept", "text/html")
	client := *p.Own
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		if _, ok := p.Site.own(next.URL); !ok {
			return http.ErrUseLastResponse // another site's page is none of ours
		}
		if len(via) > maxOwnHops {
			return errLost
		}
		return nil
	}
	resp, err := client.Do(req)
	if errors.Is(err, errLost) {
		return ownPage{}, fmt.Errorf("%s: %w, %w", address, err, fs.ErrNotExist)
	}
	if err != nil {
		return ownPage{}, fmt.Errorf("look for our own page: %w", err)
	}
	defer resp.Body.Close()
	switch code := resp.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusGone || code >= 300 && code <= 399:
		return ownPage{}, fmt.Errorf("%s answers %s: %w", address, resp.Status, fs.ErrNotExist)
	case code < 200 || code > 299:
		return ownPage{}, fmt.Errorf("look for our own page %s: it answers %s", address, resp.Status)
	}
	at := *resp.Request.URL
	at.Fragment = ""
	return p.read(&at, resp.Header, resp.Body), nil
}

func (p *Pages) askFile(address *url.URL) (ownPage, error) {
	folded, _ := p.Site.Fold(address)
	name, ok := p.Site.File(folded)
	if !ok || !isPage(name) {
		return ownPage{}, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		name = filepath.Join(name, "index.html")
	}
	f, err := os.Open(name)
	if err != nil {
		return ownPage{}, err
	}
	defer f.Close()
	at, err := url.Parse(p.Site.canonical(address))
	if err != nil {
		return ownPage{}, err
	}
	return p.read(at, http.Header{}, f), nil
}

func (p *Pages) read(at *url.URL, h http.Header, body io.Reader) ownPage {
	found := ownPage{at: at}
	if c := canonicalOf(h, body, at); c != nil {
		if _, ok := p.Site.own(c); ok {
			found.canonical = c
		}
	}
	return found
}

func (p *Pages) isHome(u *url.URL) bool {
	folded, ok := p.Site.Fold(u)
	return ok && (folded == "/" || strings.HasPrefix(folded, "/index.") && !strings.Contains(folded[1:], "/"))
}

func (p *Pages) same(a, b *url.URL) bool {
	x, ok := p.Site.Fold(a)
	y, also := p.Site.Fold(b)
	return ok && also && x == y
}

// old tells whether the site is to be asked what page this is. Of posts we know it.
func (p *Pages) old(page store.Page, now time.Time) bool {
	return !page.Found || now.Sub(page.Looked) >= askEvery
}

// maxOwnLinks is how many links to us in a source are compared with a page's addresses.
const maxOwnLinks = 1000

// linked finds a link in a source that leads to a page by any of its addresses; "" when
// there is none.
func (p *Pages) linked(ctx context.Context, seen webmention.Verification, page string) (link string) {
	var links, folded []string
	for u := range seen.Links() {
		if f, ok := p.Site.Fold(u); ok && len(links) < maxOwnLinks {
			links, folded = append(links, u.String()), append(folded, f)
		}
	}
	err := p.DB.View(ctx, p.Site.Key, func(tx *store.Tx) error {
		for i, f := range folded {
			if at, err := tx.PageAt(f); err == nil && at.ID == page {
				link = links[i]
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return "" // it is looked at again when the store can be read
	}
	return link
}

// refile lets a page be known by a canonical address, at which it was found. If that is
// another page's they become one: the mentions follow at once, or if they are many in
// the job merge. A post that moves, what the site says, and the owner's word all come here.
func (s *Site) refile(tx *store.Tx, page store.Page, at string) (store.Page, error) {
	folded, err := s.foldOf(at)
	if err != nil {
		return page, err
	}
	into, err := tx.PageAt(folded)
	if errors.Is(err, fs.ErrNotExist) {
		into = page
	} else if err != nil {
		return page, err
	}
	was := into.URL
	if known, err := s.foldOf(was); err != nil || known != folded || into.ID == page.ID {
		into.URL = at
	}
	into.Found, into.Looked = true, tx.Now
	if err := tx.PutPage(into, folded); err != nil {
		return into, err
	}
	if into.URL != was {
		if err := tx.TouchPage(into.ID); err != nil {
			return into, err
		}
	}
	if into.ID == page.ID {
		return into, nil
	}
	if err := tx.Merge(page.ID, into.ID); err != nil {
		return into, err
	}
	return into, moveMentions(tx, page.ID)
}

// moveMentions takes some mentions of a page to the one that it was merged into, and
// promises the rest.
func moveMentions(tx *store.Tx, page string) error {
	more, err := tx.MoveMentions(page, batchOfMentions)
	if err != nil || !more {
		return err
	}
	return tx.Enqueue(mergeJob(page))
}

// merge takes the mentions of a page to the one that it was merged into, some in each
// run. What has been moved is not met again.
func (j *Jobs) merge(_ context.Context, job store.Job) (queue.Commit, error) {
	var page string
	if _, err := j.begin(job, &page); err != nil {
		return nil, err
	}
	return func(tx *store.Tx) error { return ignore(moveMentions(tx, page), fs.ErrNotExist) }, nil
}
