package site

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tertulia/store"
	"tertulia/webmention"
)

// Erasing removes people who want to be gone. What was erased stays away: mentions from there
// are refused, and no restore brings them back, until the owner lets them back.
type Erasing struct {
	Site *Site
	DB   *store.DB
	Jobs *Jobs
}

// Erasable is who or what is to be erased: one of them.
type Erasable struct {
	Domain  string // a host, with those below it
	Person  string // as [Mentions.Person] takes them, or the address of a profile that is not known yet
	Source  string // the address of a page that links here, or of a comment
	Mention string // the id of a mention: its source is meant
}

// ErrSelf is returned for who would erase the site itself.
var ErrSelf = errors.New("that is this site itself")

// Erase erases from the site; with dry it only tells what would go. By is who asked. The bytes
// stay in the file of the database and in backups until [store.DB.Scrub] and
// [store.DB.EraseFromCopies]. Given again, it finishes what was interrupted.
func (e *Erasing) Erase(ctx context.Context, by string, what Erasable, dry bool) (store.Erasure, error) {
	order := store.EraseOrder{By: by, Dry: dry}
	var err error
	if order.What, err = e.resolve(ctx, what); err != nil {
		return store.Erasure{}, err
	}
	done, err := e.DB.Erase(ctx, e.Site.Key, order)
	if dry {
		return done, err
	}
	e.Jobs.heard.clear()
	return done, cmp.Or(err, e.removePictures(ctx, done.Files), e.Jobs.hurryTalk(ctx, e.Site))
}

// LetBack takes mentions again from what was erased; fs.ErrNotExist when that was not. Nothing
// that was erased comes back.
func (e *Erasing) LetBack(ctx context.Context, by string, what Erasable) error {
	erased, err := e.resolve(ctx, what)
	if err != nil {
		return err
	}
	return e.DB.LetBack(ctx, e.Site.Key, store.EraseOrder{What: erased, By: by})
}

// resolve is what the ledger knows somebody by.
func (e *Erasing) resolve(ctx context.Context, what Erasable) ([]store.Erased, error) {
	switch {
	case what.Domain != "":
		return e.domain(what.Domain)
	case what.Person != "":
		return e.person(ctx, what.Person)
	case what.Source != "":
		u, err := url.Parse(what.Source)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("%q is not the address of a page: %w", what.Source, fs.ErrNotExist)
		}
		if id, ours := strings.CutPrefix(what.Source, e.Site.permalink("")); ours {
			if kept, err := e.mention(ctx, id); !errors.Is(err, fs.ErrNotExist) {
				return kept, err // it may have been written at another address
			}
		}
		return []store.Erased{{Kind: store.ErasedSource, Value: oneSpelling(u)}}, nil
	}
	return e.mention(ctx, what.Mention)
}

// mention is what the ledger knows a mention by.
func (e *Erasing) mention(ctx context.Context, id string) ([]store.Erased, error) {
	var m store.Mention
	err := e.DB.View(ctx, e.Site.Key, func(tx *store.Tx) (err error) {
		m, err = tx.Mention(id)
		return err
	})
	return []store.Erased{{Kind: store.ErasedSource, Value: m.Source}}, err
}

func (e *Erasing) domain(name string) ([]store.Erased, error) {
	if u, err := url.Parse(name); err == nil && u.Host != "" {
		name = u.Host // the address of a page there says as much
	}
	ids, err := identitiesIn(hostIdentity + strings.TrimPrefix(name, hostIdentity))
	if err != nil {
		return nil, err
	}
	name = strings.TrimPrefix(ids[0], hostIdentity)
	base, err := url.Parse(e.Site.Base)
	if err != nil {
		return nil, err
	}
	for _, home := range append([]*url.URL{e.Site.URL, base}, e.Site.Aliases...) {
		for at := hostPort(home); at != ""; at = hostAbove(at) {
			if at == name {
				return nil, fmt.Errorf("%s: %w", name, ErrSelf)
			}
		}
	}
	return []store.Erased{{Kind: store.ErasedHost, Value: name}}, nil
}

func (e *Erasing) person(ctx context.Context, who string) ([]store.Erased, error) {
	var p store.Person
	err := e.DB.View(ctx, e.Site.Key, func(tx *store.Tx) (err error) {
		p, err = findPerson(tx, who)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	ids, unclear := identitiesIn(who) // of an id there are none
	if unclear != nil || len(ids) == 0 && err != nil {
		return nil, cmp.Or(unclear, err)
	}
	for _, identity := range p.Identities {
		if !slices.Contains(ids, identity) {
			ids = append(ids, identity)
		}
	}
	if slices.Contains(ids, profileID(e.Site.URL)) {
		return nil, fmt.Errorf("%s: %w", who, ErrSelf)
	}
	var erased []store.Erased
	for _, identity := range ids {
		if host, ok := strings.CutPrefix(identity, hostIdentity); ok {
			return e.domain(host)
		}
		erased = append(erased, store.Erased{Kind: store.ErasedPerson, Value: identity})
	}
	return erased, nil
}

// removePictures removes files that no row names any more.
func (e *Erasing) removePictures(ctx context.Context, names []string) error {
	e.Jobs.pictures.Lock()
	defer e.Jobs.pictures.Unlock()
	for _, name := range names {
		if err := e.Jobs.removeUnnamed(ctx, e.Site, name); err != nil {
			return err
		}
	}
	return nil
}

// errRefused is the answer to mentions from where was erased: nothing is kept of them.
var errRefused = &webmention.Error{Status: http.StatusForbidden, Code: "refused_source", Message: "this site takes no webmentions from there"}

// refuses tells whether a source was erased.
func (m *Mentions) refuses(source string) bool {
	return m.DB.Erased(m.Site.Key, store.Erased{Kind: store.ErasedSource, Value: source})
}

// isErased tells whether what a look has found is by somebody who was erased, or from a place that
// was: nobody knew that before the page was read.
func (l look) isErased() bool {
	if !l.seen.Linked {
		return false
	}
	found := []store.Erased{{Kind: store.ErasedSource, Value: l.version.URL}}
	if l.seen.Final != nil {
		found = append(found, store.Erased{Kind: store.ErasedSource, Value: l.seen.Final.String()})
	}
	identities := l.by.identities
	if author, err := url.Parse(l.version.Author.URL); err == nil && author.Host != "" {
		identities = slices.Concat(identities, identitiesOf(author))
	}
	for _, identity := range identities {
		found = append(found, store.Erased{Kind: store.ErasedPerson, Value: identity})
	}
	return slices.ContainsFunc(found, l.erased)
}
