package main

import (
	"context"
	"errors"
	"time"

	"tertulia/internal/publish/gitree"
)

// pushTime bounds each exchange with the remote.
const pushTime = time.Minute

// git says whether what is written could be pushed: with a push that is not made.
func (k *checker) git(ctx context.Context) {
	g := k.one.Publish.Git
	if !k.one.Publish.generates() || !g.commits() {
		return
	}
	for _, name := range []string{g.TokenFile, g.KeyFile} {
		if name == "" {
			continue
		}
		if _, ok := k.secretFile(name); !ok {
			return
		}
	}
	repo := newRepo(k.one, k.set.sourceDir(k.one), nil)
	repo.Timeout = pushTime
	switch found, err := repo.Probe(ctx); {
	case errors.Is(err, gitree.ErrNoGit):
		k.fail("git", "git.missing")
	case err != nil && found.Remote == "":
		k.fail("git", "git.failed", err.Error())
	case err != nil:
		k.fail("git", "git.refused", found.Remote, err.Error())
	case found.Remote == "":
		k.ok("git", "git.none")
	case !found.Branch:
		k.warn("git", "git.branch", found.Remote, g.Branch)
	default:
		k.ok("git", "git.ok", found.Remote)
	}
}
