package syndicate_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/internal/syndicate"
	"tertulia/internal/syndicate/faketest"
	"tertulia/internal/webtest"
)

// subject is a network and what the contract has to know of it.
type subject struct {
	host   string
	door   *faketest.Door
	secret string // is never in an error
	// target is the account anew, as after a restart; wrong is the same with a token that has ended.
	target, wrong func(*http.Client) syndicate.Target
	copies        func() []string         // what stands there now
	remove        func(ref syndicate.Ref) // somebody deletes a copy there; nil: nobody can
	makes         faketest.Fault          // the request that makes a copy
	json          bool                    // its answer is JSON that has to be read
}

// bench is one case of the contract: a network of its own, in a bubble with a clock of its own.
type bench struct {
	*testing.T
	subject
	web    *webtest.Web
	client *http.Client
	syndicate.Target
	can syndicate.Abilities
}

func note(text string) syndicate.Post {
	p := post(entry("content", text))
	p.Date = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	return p
}

func (b *bench) publish(p syndicate.Post) syndicate.Ref {
	b.Helper()
	ref, err := b.Publish(b.Context(), p)
	if err != nil || ref.ID == "" || ref.URL == "" {
		b.Fatalf("publish: %+v, %v", ref, err)
	}
	return ref
}

func (b *bench) stands(n int, with string) {
	b.Helper()
	copies := b.copies()
	if len(copies) != n {
		b.Fatalf("got %d copies, want %d: %q", len(copies), n, copies)
	}
	for _, c := range copies {
		if !strings.Contains(c, with) {
			b.Errorf("a copy says %q, want %q in it", c, with)
		}
	}
}

func (b *bench) told(err error) *syndicate.Error {
	b.Helper()
	var told *syndicate.Error
	if !errors.As(err, &told) {
		b.Fatalf("got %v, want an Error", err)
	}
	if strings.Contains(err.Error(), b.secret) {
		b.Errorf("the error gives the secret away: %v", err)
	}
	return told
}

// once publishes a post of which something is known already: what the caller of a Target does
// after an error and after a restart. It is false when only the owner can tell.
func (b *bench) once(t syndicate.Target, p syndicate.Post, unclear bool) bool {
	b.Helper()
	if unclear {
		ref, err := t.Find(b.Context(), p)
		switch {
		case err == nil && ref.ID != "":
			return true
		case errors.Is(err, syndicate.ErrUnsupported) && b.can.Idempotency != syndicate.NaturalKey:
			return false
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syndicate.ErrUnsupported):
			b.Fatalf("find: %+v, %v", ref, err)
		}
	}
	if _, err := t.Publish(b.Context(), p); err != nil {
		b.Fatalf("publish again: %v", err)
	}
	return true
}

var contract = map[string]func(*bench){
	"a post is published, changed and deleted": func(b *bench) {
		ref := b.publish(note("Pan recién hecho"))
		if !b.can.Edit {
			return
		}
		for range 2 {
			changed, err := b.Update(b.Context(), ref, note("Pan de ayer"))
			if err != nil || changed.ID == "" || changed.URL == "" {
				b.Fatalf("update: %+v, %v", changed, err)
			}
			ref = changed
		}
		b.stands(1, "")
		if b.remove != nil {
			b.stands(1, "Pan de ayer")
		}
		for range 2 {
			if err := b.Delete(b.Context(), ref); err != nil && (b.can.Delete || !errors.Is(err, syndicate.ErrUnsupported)) {
				b.Fatalf("delete: %v", err)
			}
		}
		if b.can.Delete {
			b.stands(0, "")
		}
	},
	// T-PO01, HOSTILE F8
	"the same post twice is one copy": func(b *bench) {
		b.publish(note("Una vez"))
		if b.once(b.target(b.client), note("Una vez"), true) {
			b.stands(1, "")
		}
		other := note("Una vez")
		other.Key, other.Permalink = "k-2", "https://ana.example/2026/11/22/otra/"
		b.publish(other)
		b.stands(2, "")
	},
	"what is not there is not found": func(b *bench) {
		if ref, err := b.Find(b.Context(), note("Nada")); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syndicate.ErrUnsupported) {
			b.Errorf("got %+v, %v", ref, err)
		}
	},
	"a connection that is cut after the request was taken": func(b *bench) {
		b.publish(note("Antes"))
		b.Mend()
		cut := b.makes
		cut.Cut = true
		b.door.Break(cut)
		p := note("Cortado")
		p.Key, p.Permalink = "k-2", "https://ana.example/2026/11/22/cortado/"
		_, err := b.Publish(b.Context(), p)
		if told := b.told(err); !told.Unclear && b.can.Idempotency != syndicate.NaturalKey {
			b.Errorf("got %+v, want an unclear outcome", told)
		}
		b.once(b.target(b.client), p, true)
		b.stands(2, "")
	},
	"killed while the network was at it": func(b *bench) {
		ctx, kill := context.WithCancel(b.Context())
		during := b.makes
		during.During = kill
		during.Slow = time.Minute
		b.door.Break(during)
		if _, err := b.Publish(ctx, note("Hola")); err == nil {
			b.Error("a cancelled context gives no error")
		}
		b.once(b.target(b.client), note("Hola"), true)
		b.stands(1, "")
	},
	"a connection that is closed before the request was taken": func(b *bench) {
		drop := b.makes
		drop.Drop = true
		b.door.Break(drop)
		_, err := b.Publish(b.Context(), note("Hola"))
		if told := b.told(err); !b.once(b.Target, note("Hola"), told.Unclear) {
			return
		}
		b.stands(1, "")
	},
	"a network that is down is asked again later": func(b *bench) {
		b.web.Down(b.host, true)
		_, err := b.Publish(b.Context(), note("Hola"))
		if told := b.told(err); told.Unclear || told.Refused || told.Login {
			b.Errorf("got %+v", told)
		}
		b.web.Down(b.host, false)
		b.publish(note("Hola"))
		b.stands(1, "")
	},
	"a copy that somebody has deleted is not made anew": func(b *bench) {
		if b.remove == nil {
			return
		}
		ref := b.publish(note("Hola"))
		b.remove(ref)
		if _, err := b.Update(b.Context(), ref, note("Adiós")); !errors.Is(err, fs.ErrNotExist) {
			b.Errorf("update: got %v, want fs.ErrNotExist", err)
		}
		if b.can.Poll {
			if _, err := b.Poll(b.Context(), ref, ""); !errors.Is(err, fs.ErrNotExist) {
				b.Errorf("poll: got %v, want fs.ErrNotExist", err)
			}
		}
		b.stands(0, "")
	},
	// T-PO05
	"a token that has ended": func(b *bench) {
		if b.wrong == nil {
			return
		}
		ref := b.publish(note("Hola"))
		before := b.door.Seen()
		out := b.wrong(b.client)
		_, err := out.Publish(b.Context(), note("Hola"))
		if told := b.told(err); !told.Login || told.Unclear {
			b.Errorf("publish: got %+v", told)
		}
		_, err = out.Update(b.Context(), ref, note("Adiós"))
		if told := b.told(err); !told.Login {
			b.Errorf("update: got %+v", told)
		}
		if told := b.told(out.Delete(b.Context(), ref)); !told.Login {
			b.Errorf("delete: got %+v", told)
		}
		if n := b.door.Seen() - before; n > 6 {
			b.Errorf("%d requests with a token that has ended", n)
		}
	},
	// HOSTILE row 104
	"a limit says for how long": func(b *bench) {
		limit := b.makes
		limit.Status, limit.Header = http.StatusTooManyRequests, map[string]string{"Retry-After": "3600"}
		b.door.Break(limit)
		_, err := b.Publish(b.Context(), note("Hola"))
		if told := b.told(err); told.After != time.Hour || told.Refused || told.Unclear || told.Login {
			b.Errorf("got %+v", told)
		}
		b.publish(note("Hola"))
		b.stands(1, "")
	},
	"an error of the network's": func(b *bench) {
		for _, status := range []int{500, 502, 503, 504} {
			fault := b.makes
			fault.Status, fault.Body = status, "<html>oops"
			b.door.Break(fault)
			_, err := b.Publish(b.Context(), note("Hola"))
			if told := b.told(err); told.Refused || told.Login || !told.Unclear && b.can.Idempotency != syndicate.NaturalKey {
				b.Errorf("%d: got %+v", status, told)
			}
		}
		b.stands(0, "")
	},
	// T-PO02: a film of three megabytes that calls itself GIF holds nothing up.
	"a picture that cannot be had is left out": func(b *bench) {
		p := note("Pan recién hecho")
		p.Photos = []syndicate.Photo{{Alt: "Una barra", Open: func(int64, int) (io.ReadCloser, error) {
			return nil, fmt.Errorf("pan.gif: %w", syndicate.ErrNoPicture)
		}}}
		ref := b.publish(p)
		b.stands(1, "")
		if _, err := b.Update(b.Context(), ref, p); err != nil && b.can.Edit {
			b.Errorf("update: %v", err)
		}
	},
	"a refusal says why": func(b *bench) {
		fault := b.makes
		fault.Status, fault.Body = 422, `{"error": "not today", "message": "not today", "description": "not today"}`
		b.door.Break(fault)
		_, err := b.Publish(b.Context(), note("Hola"))
		if told := b.told(err); !told.Refused || told.Unclear || !strings.Contains(err.Error(), "not today") {
			b.Errorf("got %+v", told)
		}
	},
	"an answer that takes too long": func(b *bench) {
		slow := b.makes
		slow.Slow = time.Hour
		b.door.Break(slow)
		_, err := b.Publish(b.Context(), note("Hola"))
		if told := b.told(err); told.Refused || !told.Unclear && b.can.Idempotency != syndicate.NaturalKey {
			b.Errorf("got %+v", told)
		}
		b.once(b.target(b.client), note("Hola"), true)
		b.stands(1, "")
	},
	"an answer that is no answer": func(b *bench) {
		if !b.json {
			return
		}
		bodies := []string{"", "{", `"x"`, `{"id":`, "<html>", "null", "{}", strings.Repeat("[", 100_000), strings.Repeat(" ", 5<<20) + "{}"}
		for i, body := range bodies {
			fault := b.makes
			fault.Body = body + "\n"
			b.door.Break(fault)
			p := note("Hola")
			p.Key += strconv.Itoa(i)
			p.Permalink += strconv.Itoa(i)
			_, err := b.Publish(b.Context(), p)
			if told := b.told(err); told.Refused || !told.Unclear && b.can.Idempotency != syndicate.NaturalKey {
				b.Errorf("%.20q: got %+v", body, told)
			}
			b.once(b.target(b.client), p, true)
		}
		b.stands(len(bodies), "")
	},
	"what a network cannot do it says": func(b *bench) {
		if _, err := b.Resolve(b.Context(), "https://nobody.example/1"); !b.can.Reply && !errors.Is(err, fs.ErrNotExist) {
			b.Errorf("resolve: %v", err)
		}
		if _, err := b.Poll(b.Context(), syndicate.Ref{ID: "1"}, ""); !b.can.Poll && !errors.Is(err, syndicate.ErrUnsupported) {
			b.Errorf("poll: %v", err)
		}
		if _, err := b.Look(b.Context(), syndicate.Ref{ID: "1"}); !b.can.Poll && !errors.Is(err, syndicate.ErrUnsupported) {
			b.Errorf("look: %v", err)
		}
		private := note("Solo para mí")
		private.Item.Properties["visibility"] = []any{"private"}
		if _, err := b.Publish(b.Context(), private); !errors.Is(err, syndicate.ErrUnsupported) {
			b.Errorf("a private post: got %v", err)
		}
		b.stands(0, "")
	},
}

// Mend ends all faults of the network.
func (b *bench) Mend() { b.door.Mend() }

// conforms checks the contract of a Target: make gives a network of its own each time.
func conforms(t *testing.T, make func() subject) {
	t.Helper()
	for name, rule := range contract {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &bench{T: t, subject: make(), web: webtest.New(t)}
				b.web.Handle(b.host, b.door)
				b.client = b.web.Client()
				b.client.Timeout = 10 * time.Second
				b.Target = b.target(b.client)
				var err error
				if b.can, err = b.Abilities(t.Context()); err != nil {
					t.Fatal(err)
				}
				rule(b)
			})
		})
	}
}
