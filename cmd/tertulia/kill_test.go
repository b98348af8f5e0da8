package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tertulia/store"
)

var kills = flag.Int("kills", 30, "how `often` TestKill kills the program; a thousand by hand")

// tertulia is this test binary under the program's name: TestMain.
func tertulia(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("tertulia")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Accepted means kept: the program is killed at random moments under load, and
// everything that it has acknowledged is there after the next start, once; the rest is
// there whole or not at all; and the queue goes on (HOSTILE 79, 90, F1, F3 to F6, F10).
func TestKill(t *testing.T) {
	w := newWorld(t, 8, nil, tertulia(t))
	began, people := time.Now(), newCrowd(w)
	for i := range *kills {
		if i > 0 {
			if i%5 == 0 {
				w.launch() // and dies before it has found its feet
				<-time.After(rand.N(40 * time.Millisecond))
				w.kill()
			}
			w.start()
		}
		people.recover()
		if i%25 == 24 {
			report(t, w.checkAll()) // before too much waits for one host
		}
		people.run(3*time.Millisecond + rand.N(57*time.Millisecond))
		report(t, w.wrong)
		if t.Failed() {
			t.Fatalf("after kill %d", i+1)
		}
	}
	w.start()
	people.recover()
	report(t, w.checkAll())
	report(t, w.checkSweep())
	t.Logf("%d kills in %s: %s", *kills, time.Since(began).Round(time.Second), w.sum())
}

// report makes failures of complaints, not too many.
func report(t *testing.T, complaints []string) {
	t.Helper()
	for i, c := range complaints {
		if i == 20 {
			t.Errorf("and %d more", len(complaints)-i)
			return
		}
		t.Error(c)
	}
}

// crowd is what editors, senders and the owner do at the same time.
type crowd struct {
	w       *world
	posters []*poster
	count   atomic.Int64 // for names
}

// poster has its own posts, so that it knows what it did to them last.
type poster struct {
	posts []*sentPost // acknowledged
	lost  []*sentPost // sent last, when no answer came
}

func newCrowd(w *world) *crowd {
	return &crowd{w: w, posters: []*poster{{}, {}, {}, {}}}
}

// run lets all of them work until the program is killed, after the given time.
func (c *crowd) run(long time.Duration) {
	var wg sync.WaitGroup
	dead := make(chan struct{})
	work := func(step func() bool) {
		wg.Go(func() {
			for step() {
				select {
				case <-dead:
					return
				default:
				}
			}
		})
	}
	for i, p := range c.posters {
		work(func() bool { return c.post(p, i%2 == 0) })
	}
	work(func() bool { return c.w.upload(c.w.newUpload(1 + rand.IntN(200_000))) })
	for range 2 {
		work(c.mention)
	}
	work(c.decide)
	<-time.After(long)
	c.w.kill()
	close(dead)
	wg.Wait()
}

// post makes a post, or changes one of those that are there.
func (c *crowd) post(p *poster, inJSON bool) bool {
	if len(p.posts) == 0 || rand.IntN(2) == 0 {
		made := c.w.newPost(fmt.Sprintf("post%d", c.count.Add(1)), inJSON, rand.IntN(3) == 0)
		if !c.w.create(made) {
			p.lost = append(p.lost, made)
			return false
		}
		p.posts = append(p.posts, made)
		return true
	}
	post := p.posts[rand.IntN(len(p.posts))]
	now := post.may[0]
	switch {
	case now.deleted:
		now.deleted = false
	case rand.IntN(4) == 0:
		now.deleted = true
	default:
		now.content = fmt.Sprintf("%s says revision %d", post.marker, c.count.Add(1))
	}
	return c.w.change(post, now)
}

// mention sends a new one, or one that was sent before.
func (c *crowd) mention() bool {
	n := c.count.Add(1)
	kind := "good"
	switch {
	case n%5 == 0:
		kind = "slow"
	case n%11 == 0:
		kind = "unlinked"
	case n%13 == 0:
		kind = "gone"
	case n%7 == 0:
		for _, m := range c.w.known() {
			if m.at != "" && m.verifiable() {
				return c.w.mention(m)
			}
		}
	}
	return c.w.mention(c.w.newMention(kind, fmt.Sprint(n)))
}

// known are some mentions, those that chance brings.
func (w *world) known() []*sentMention {
	w.mu.Lock()
	defer w.mu.Unlock()
	var some []*sentMention
	for _, m := range w.mentions {
		if some = append(some, m); len(some) == 20 {
			break
		}
	}
	return some
}

// decide decides about one mention that waits.
func (c *crowd) decide() bool {
	out, _, ok := c.w.command("mention", "list", "--state", "pending", "--limit", "5", "--json")
	if !ok {
		return false
	}
	waiting := decode[[]store.Mention](c.w.t, out)
	if len(waiting) == 0 {
		<-time.After(2 * time.Millisecond)
		return true
	}
	one := waiting[rand.IntN(len(waiting))]
	c.w.mu.Lock()
	m := c.w.mentions[one.Source]
	c.w.mu.Unlock()
	if m == nil {
		c.w.complain("%s waits, and nobody sent it", one.Source)
		return false
	}
	decision := store.Approved
	if rand.IntN(3) == 0 {
		decision = store.Rejected
	}
	return c.w.decide(m, one.ID, decision, rand.IntN(2) == 0)
}

// recover looks at what was touched before the kill, and sends once more half of the
// posts for which no answer came, as editors do: soon enough, it is the same post.
func (c *crowd) recover() {
	c.w.checkTouched()
	var wg sync.WaitGroup
	for _, p := range c.posters {
		for _, post := range p.lost {
			if rand.IntN(2) == 0 {
				wg.Go(func() { c.w.create(post) })
			}
		}
		p.lost = nil
	}
	wg.Wait()
}

// complain writes down what should not be.
func (w *world) complain(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// sum says what the program was held to.
func (w *world) sum() string {
	kinds := map[string]int{}
	for _, entry := range w.acked {
		what, _, _ := strings.Cut(entry, " ")
		kinds[what]++
	}
	unanswered := 0
	for _, p := range w.posts {
		if p.at == "" {
			unanswered++
		}
	}
	return fmt.Sprintf("%d acknowledged %v; %d posts, %d of them never; %d mentions, %d uploads; %d jobs were parked",
		len(w.acked), kinds, len(w.posts), unanswered, len(w.mentions), len(w.uploads), w.parked)
}
