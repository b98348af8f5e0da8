package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/internal/web"
	"tertulia/store"
)

// canaries are people whom a bridge has brought: what they did, and what is said of them in
// places of the page where names are wont to be.
var canaries = map[string]string{
	"like": "u-like-of", "repost": "u-repost-of", "bookmark": "u-bookmark-of", "follow": "u-follow-of",
	"react": "u-in-reply-to", "rsvp": "u-in-reply-to", "comment": "u-in-reply-to", "post": "u-mention-of",
}

// spoken are those who said something.
var spoken = []string{"comment", "post"}

func canary(kind, post string) string {
	link := fmt.Sprintf(` <a href="https://mastodon.social/@handle%s">@handle</a>`, kind)
	said := map[string]string{"react": "👍", "comment": "I agree, says " + kind + link, "post": "Look at this, says " + kind + link}[kind]
	if said == "" {
		said = fmt.Sprintf("%sina Surname%s did this %s", kind, kind, link)
	}
	rsvp := ""
	if kind == "rsvp" {
		rsvp = `<data class="p-rsvp" value="yes"></data>`
	}
	return fmt.Sprintf(`<article class="h-entry"><span class="p-author h-card"><a class="p-name u-url" href="https://mastodon.social/@handle%[1]s">%[5]sina Surname%[1]s</a>
<img class="u-photo" src="https://files.example/photo%[1]s.png"></span><a class="u-url" href="https://mastodon.social/@handle%[1]s/1"></a>
<p class="p-name">%[5]sina Surname%[1]s on mastodon.social</p><a class="u-in-reply-to" href="https://mastodon.social/@other%[1]s/2"></a>
<a class="%[2]s" href="%[3]s"></a>%[6]s<div class="e-content">%[4]s</div></article>`,
		kind, class(kind), post, said, strings.ToUpper(kind[:1])+kind[1:], rsvp)
}

func class(kind string) string { return canaries[kind] }

// leaks are the words of somebody's that must not be in any output under a setting.
func leaks(dial site.Bridged, kind string) []string {
	private := []string{"Surname" + kind, "handle" + kind, "photo" + kind, "other" + kind}
	given := strings.ToUpper(kind[:1]) + kind[1:] + "ina"
	switch {
	case dial == site.BridgedAnonymous && slices.Contains(spoken, kind):
		return append(private, "brid.gy", "files.example")
	case dial == site.BridgedAnonymous:
		return append(private, given)
	case dial == site.BridgedFirstName && !slices.Contains(spoken, kind):
		return private
	}
	return nil
}

// Whoever is not to be shown is found in nothing that the service answers to anybody: not on
// the page, in the conversation, in the fragment, in any shape of the API, nor on a status
// page. Every route is asked, so that one that is added later is as well.
func TestHiddenPeopleAreInNoOutput(t *testing.T) {
	for _, dial := range []site.Bridged{site.BridgedFull, site.BridgedFirstName, site.BridgedAnonymous} {
		t.Run(string(dial), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.ana().Bridged = dial
				post := w.post("Base camp", "The networks are loudspeakers.")
				w.write("static/index.html", "<body><tertulia-conversation target="+post+"></tertulia-conversation>")
				w.web.Handle("brid.gy", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					rw.Header().Set("Content-Type", "text/html; charset=utf-8")
					io.WriteString(rw, canary(strings.Trim(r.URL.Path, "/"), post))
				}))
				w.web.Handle("files.example", http.NotFoundHandler())
				outputs := []string{post, "https://ana.example/static/", "https://ana.example/", "https://ana.example/feed.xml"}
				var ids []string
				for kind := range canaries {
					status := w.mention("https://brid.gy/"+kind, post)
					outputs, ids = append(outputs, status), append(ids, status[strings.LastIndex(status, "/")+1:])
					w.decide(status, "approve")
				}
				outputs = append(outputs, w.everyRoute(post, ids[0])...)
				said := w.answers(outputs)
				for kind := range canaries {
					for _, word := range leaks(dial, kind) {
						for address, body := range said {
							if strings.Contains(body, word) {
								t.Errorf("%s of %s is in %s", word, kind, address)
							}
						}
					}
				}
				// The walk sees what there is to be seen, and what is counted stays counted.
				for _, address := range []string{post, w.ana().ConversationURL(post), "https://ana.example/static/"} {
					if !strings.Contains(said[address], "I agree, says comment") {
						t.Errorf("%s has no conversation:\n%s", address, said[address])
					}
					if full := strings.Contains(said[address], "Surnamelike"); full != (dial == site.BridgedFull) {
						t.Errorf("%s: a like in full is %v", address, full)
					}
					for _, counted := range []string{"A 1 persona le gusta", "1 persona lo compartió", "1 persona lo guardó", "1 persona lo sigue", "1 persona reaccionó", "1 persona asistirá"} {
						if !strings.Contains(said[address], counted) {
							t.Errorf("%s does not say %q", address, counted)
						}
					}
					if strings.Contains(said[address], "1 persona más") {
						t.Errorf("%s: beside a count of all stands how many there are besides", address)
					}
				}
				count := w.visitor().get("https://ana.example/-/api/count?target=" + url.QueryEscape(post)).body
				if !strings.Contains(count, `"count":8`) || !strings.Contains(count, `"like":1`) {
					t.Errorf("counts: %s", count)
				}
				w.noFileTells(dial)
			})
		})
	}
}

// everyRoute are the addresses of all that can be asked for, about a page and a mention.
func (w *world) everyRoute(post, mention string) (addresses []string) {
	q := url.Values{"url": {post}, "target": {post}, "target[]": {post}, "domain": {"ana.example"}, "per-page": {"100"}}
	for _, path := range web.Routes(w.server) {
		at := "https://ana.example" + strings.NewReplacer("{id}", mention, "{secret}", "x", "{provider}", "x", "{name}", "x.jpg").Replace(path)
		addresses = append(addresses, at, at+"?"+q.Encode(), at+"?fragment=1&"+q.Encode(), at+"?jsonp=f&"+q.Encode())
	}
	return append(addresses, w.ana().ConversationURL(post))
}

// answers are what a visitor is answered at each address, headers and all.
func (w *world) answers(addresses []string) map[string]string {
	said := map[string]string{}
	for _, address := range addresses {
		for _, accept := range []string{"text/html", "application/json"} {
			a := w.visitor().get(address, "Accept", accept)
			said[address] += fmt.Sprint(a.status, a.header, a.body)
		}
	}
	return said
}

// noFileTells looks through the site's finished pages, and for pictures.
func (w *world) noFileTells(dial site.Bridged) {
	err := filepath.WalkDir(w.ana().Root, func(name string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		for kind := range canaries {
			for _, word := range leaks(dial, kind) {
				if strings.Contains(string(body), word) {
					w.Errorf("%s is in %s", word, name)
				}
			}
		}
		return err
	})
	if err != nil {
		w.Error(err)
	}
	faces, err := os.ReadDir(filepath.Join(w.ana().Uploads, store.Pictures))
	if err == nil && len(faces) > 0 && dial == site.BridgedAnonymous {
		w.Errorf("%d pictures are kept", len(faces))
	}
}

// The note says what the settings have, in the reader's language, and is found from the
// conversation. What it says of cookies is so.
func TestPrivacyNote(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.replied("https://bea.example/1", post, entry("u-in-reply-to", post, `<p class="e-content">I agree.</p>`))
		conversation := w.visitor().get(w.ana().ConversationURL(post))
		if !strings.Contains(conversation.body, `href="/-/privacy"`) {
			t.Error("the conversation does not lead to the note")
		}
		for dial, says := range map[site.Bridged][2]string{
			site.BridgedFull:      {"un enlace a su perfil", "a link to their profile"},
			site.BridgedFirstName: {"se muestra el nombre de pila, sin imagen", "only the given name is shown"},
			site.BridgedAnonymous: {"únicamente se le cuenta", "are only counted"},
		} {
			w.ana().Bridged = dial
			for i, accept := range []string{"es", "en"} {
				a := w.visitor().get("https://ana.example/-/privacy", "Accept-Language", accept)
				if a.status != 200 || !strings.Contains(a.body, `<html lang="`+accept) || !strings.Contains(a.body, says[i]) || strings.Contains(a.body, "privacy.") {
					t.Errorf("%s, %s: %d\n%s", dial, accept, a.status, a.body)
				}
				if !strings.Contains(a.body, "https://ana.example/") {
					t.Errorf("%s: nobody to ask", accept)
				}
			}
		}
		w.ana().Contact = "preguntas@ana.example"
		for _, address := range []string{"https://ana.example/-/privacy", "https://ana.example/-/privacy?lang=en"} {
			if a := w.visitor().get(address); !strings.Contains(a.body, "preguntas@ana.example") {
				t.Errorf("%s does not say whom to ask", address)
			}
		}
		reading := []string{post, "https://ana.example/", w.ana().ConversationURL(post), w.ana().ConversationURL(post) + "&fragment=1&lang=en",
			"https://ana.example/-/privacy?lang=en", "https://ana.example/-/api/count?target=" + url.QueryEscape(post), "https://ana.example/-/api/mentions.jf2?target=" + url.QueryEscape(post)}
		for _, address := range reading {
			if a := w.visitor().get(address, "Accept-Language", "es"); a.header.Get("Set-Cookie") != "" {
				t.Errorf("%s sets %s", address, a.header.Get("Set-Cookie"))
			}
		}
	})
}

// Each combination of the settings makes a note of whole sentences.
func TestPrivacyNoteHasAllItsSentences(t *testing.T) {
	home, err := url.Parse("https://ana.example/")
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []lang.Lang{lang.For("es"), lang.For("en")} {
		for _, approve := range []site.Approval{"", site.ApprovePeople, site.ApproveAll, site.ApproveNone} {
			for _, dial := range []site.Bridged{"", site.BridgedFull, site.BridgedFirstName, site.BridgedAnonymous} {
				for _, uploads := range []string{"", "dir"} {
					s := &site.Site{URL: home, Base: "https://talk.example/ana.example/", Name: "Ana's", Approve: approve, Bridged: dial, Uploads: uploads, Data: uploads}
					lines := 0
					for _, section := range s.PrivacyNote(l) {
						for _, text := range append(section.Lines, section.Title+".") {
							if lines++; len(text) < 6 || strings.Contains(text, "privacy.") || strings.ContainsAny(text, "{}") {
								t.Errorf("%s %s %s: %q", l.Tag(), approve, dial, text)
							}
						}
					}
					if want := 25 + 2*len(uploads)/3; lines != want {
						t.Errorf("%s %s %s: %d sentences, want %d", l.Tag(), approve, dial, lines, want)
					}
				}
			}
		}
	}
}
