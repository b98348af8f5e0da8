package web_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/mf2"
	"tertulia/store"
)

// What was decided is found by words, whatever their accents, by person, host, page and state; each
// can be decided anew, and says why it is not shown.
func TestDecidedAreFound(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Campamento base", "The networks are loudspeakers.")
		other := w.post("Cumbre", "Another one.")
		for i, c := range []struct{ host, page, text, decision string }{
			{"bea", post, "El volcán está en erupción.", "approve"}, {"bea", other, "Otra cosa.", "reject"},
			{"eve", post, "VOLCAN apagado.", "reject"}, {"fay", other, "Nada.", "delete"}, {"gus", post, "Espera.", ""},
		} {
			source := fmt.Sprintf("https://%s.example/%d", c.host, i)
			w.say("https://"+c.host+".example/", by(c.host, c.page, c.text))
			status := w.mention(source, c.page)
			if c.decision != "" {
				w.decide(status, c.decision)
			}
		}
		b := w.owner()
		for query, want := range map[string]int{
			"": 4, "q=volcan": 2, "q=VOLC%C3%81N+erupcion": 1, "q=espera": 0, "q=campamento": 2, "who=bea": 2, "who=https://bea.example/": 2, "who=eve.example": 1,
			"page=" + url.QueryEscape(post): 2, "page=cumbre": 2, "state=rejected": 2, "state=approved": 1, "state=deleted&who=fay": 1, "state=pending": 4, "q=volcan&state=rejected": 1, "who=nobody": 0,
		} {
			a := b.get("https://ana.example/-/admin/decided?"+query, "Accept-Language", "es")
			if n := strings.Count(a.body, `<li class="card"`); a.status != 200 || n != want {
				t.Errorf("%q: got %d with %d, want %d", query, a.status, n, want)
			}
		}
		page := b.get("https://ana.example/-/admin/decided?q=apagado", "Accept-Language", "en")
		form := formTo(t, page, "/-/admin/decide")
		form.Set("one", button(t, page, "one", "approve "))
		a := b.post(decide, form)
		if to := a.header.Get("Location"); a.status != 303 || !strings.HasPrefix(to, "/-/admin/decided?") || !strings.Contains(to, "q=apagado") {
			t.Fatalf("approve what was rejected: got %d to %q", a.status, to)
		}
		page = b.get("https://ana.example"+a.header.Get("Location"), "Accept-Language", "en")
		if !strings.Contains(page.body, "It is shown in the conversation") || !strings.Contains(page.body, "1 response approved.") {
			t.Errorf("after it:\n%s", page.body)
		}
		form.Set("one", button(t, page, "one", "delete "))
		b.post(decide, form)
		_, id, _ := strings.Cut(form.Get("one"), " ")
		one := b.get("https://ana.example/-/admin/mention?id="+id, "Accept-Language", "en")
		for _, want := range []string{"You have deleted it.", "Its source was asked", "VOLCAN apagado.", "Ask its source again", "Undo"} {
			if !strings.Contains(one.body, want) {
				t.Errorf("the mention's page lacks %q:\n%s", want, one.body)
			}
		}
		form.Set("one", "replay "+id)
		form.Set("back", "/-/admin/mention?id="+id)
		if a := b.post(decide, form); a.status != 303 || !strings.Contains(b.get("https://ana.example"+a.header.Get("Location"), "Accept-Language", "en").body, "will be asked again in a moment") {
			t.Errorf("replay: got %d", a.status)
		}
		if a := b.get("https://ana.example/-/admin/mention?id=nothing"); a.status != 404 {
			t.Errorf("no mention: got %d", a.status)
		}
	})
}

// Who talks here is listed by when they were last heard; of each there is how much, since when and by
// whom they are trusted, and all they have sent. Owners take it along as a file, and erase it.
func TestPeople(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		post := w.post("Base camp", "The networks are loudspeakers.")
		for i := range 3 {
			for _, host := range []string{"bea", "eve"}[i/2:] {
				w.say("https://"+host+".example/", by(host, post, fmt.Sprint(host, " says ", i)))
				w.mention(fmt.Sprintf("https://%s.example/%d", host, i), post)
			}
		}
		b := w.owner()
		list := b.get("https://ana.example/-/admin/people", "Accept-Language", "en")
		var rows []string
		at := map[string]string{}
		for _, tr := range find(list.doc(t), "tr")[1:] {
			rows = append(rows, text(tr))
			at[text(find(tr, "a")[0])] = "https://ana.example" + attr(find(tr, "a")[0], "href")
		}
		if len(rows) != 2 || !strings.HasPrefix(rows[0], "eve") || !strings.Contains(rows[0], " 3 ") || !strings.HasPrefix(rows[1], "bea") || !strings.Contains(rows[1], " 2 ") {
			t.Fatalf("the people are %q", rows)
		}
		page := b.get(at["bea"], "Accept-Language", "en")
		form := formTo(t, page, "/-/admin/decide")
		form.Set("decision", "block")
		a := b.post(decide, form)
		if a.status != 303 {
			t.Fatalf("block: got %d", a.status)
		}
		page = b.get("https://ana.example"+a.header.Get("Location"), "Accept-Language", "en")
		for _, want := range []string{"1 person or site blocked.", "Blocked, since", "by <span dir=\"auto\">https://ana.example/</span>", "bea says 1", "bea.example/"} {
			if !strings.Contains(page.body, want) {
				t.Errorf("the person's page lacks %q:\n%s", want, page.body)
			}
		}
		for query, want := range map[string]string{"trust=blocked": "bea", "trust=muted": "", "q=EV%C3%89": "eve", "q=https://bea.example/": "bea", "q=zoe": ""} {
			a := b.get("https://ana.example/-/admin/people?"+query, "Accept-Language", "en")
			if got := strings.Contains(a.body, "<table"); got != (want != "") || want != "" && !strings.Contains(a.body, ">"+want+"</a>") {
				t.Errorf("%s does not find %q:\n%s", query, want, a.body)
			}
		}
		file := b.get(strings.Replace(at["bea"], "person?", "person/export?", 1))
		var feed struct {
			Author   struct{ Name, UID string }
			Children []struct {
				Content struct{ Text string }
				State   string `json:"tertulia-state"`
				Private bool   `json:"wm-private"`
			}
		}
		if err := json.Unmarshal([]byte(file.body), &feed); err != nil || feed.Author.Name != "bea" || len(feed.Children) != 2 || feed.Children[0].Content.Text != "bea says 0" || feed.Children[0].State != "rejected" || !feed.Children[0].Private || !strings.HasPrefix(file.header.Get("Content-Disposition"), "attachment") {
			t.Errorf("the export: %v %+v\n%s", err, feed, file.body)
		}

		erase := strings.Replace(at["bea"], "person?", "person/erase?", 1)
		moderator := w.keeper(bea)
		for _, address := range []string{at["bea"], "https://ana.example/-/admin/people"} {
			if a := moderator.get(address); a.status != 200 || strings.Contains(a.body, "erase?") {
				t.Errorf("%s for a moderator: got %d", address, a.status)
			}
		}
		for _, address := range []string{erase, strings.Replace(erase, "/erase", "/export", 1)} {
			if a := moderator.get(address); a.status != 403 {
				t.Errorf("%s for a moderator: got %d", address, a.status)
			}
		}
		page = b.get(erase, "Accept-Language", "en")
		if page.status != 200 || !strings.Contains(page.body, "2 responses") {
			t.Fatalf("before erasing: %d\n%s", page.status, page.body)
		}
		form = formTo(t, page, "/-/admin/person/erase")
		time.Sleep(time.Hour)
		if a := b.post("https://ana.example/-/admin/person/erase", form); a.status != 401 {
			t.Errorf("erase an hour after the sign-in: got %d", a.status)
		}
		b = w.owner()
		form = formTo(t, b.get(erase), "/-/admin/person/erase")
		a = b.post("https://ana.example/-/admin/person/erase", form, "Accept-Language", "en")
		if a.status != 200 || !strings.Contains(a.body, "2 responses") {
			t.Fatalf("erase: got %d\n%s", a.status, a.body)
		}
		if a := b.get(at["bea"]); a.status != 404 {
			t.Errorf("who was erased is still there: %d", a.status)
		}
		if a := b.post("https://ana.example/-/admin/person/erase", form); a.status != 404 {
			t.Errorf("erase twice: got %d", a.status)
		}
		if a := w.visitor().post(endpoints["webmention"], url.Values{"source": {"https://bea.example/9"}, "target": {post}}); a.status < 400 {
			settle()
			if a := b.get("https://ana.example/-/admin/people?q=bea"); strings.Contains(a.body, "<table") {
				t.Error("who was erased comes back")
			}
		}
	})
}

// A page is under 50 KB whatever strangers write: the worst of letters, names, titles and addresses
// in each of its rows.
func TestPagesStaySmall(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		worst := strings.Repeat(`&<"'`, 500)
		var posts []string
		w.say("https://first.example/", by("First", "https://ana.example/", "Hello."))
		for i := range 5 {
			posts = append(posts, w.post(fmt.Sprint(i, worst), "The networks are loudspeakers."))
			w.mention(fmt.Sprint("https://first.example/", i), posts[i])
		}
		for i := range 55 {
			post := posts[i%len(posts)]
			host := fmt.Sprintf("%s%d.example", strings.Repeat("x", 50), i%9)
			w.somebody(fmt.Sprint("p", i%9), "https://"+host+"/", store.Unknown)
			w.put(post, store.Mention{Source: "https://" + host + "/?" + strings.Repeat("&", 1900), Cluster: host, Why: []string{"person", "changed"}[i%2]},
				store.Version{Type: "reply", Person: fmt.Sprint("p", i%9), Author: mf2.Author{Name: worst[:200], URL: "https://" + host + "/"}, Name: worst, Text: worst, HTML: worst, Language: strings.Repeat("a", 30), URL: "https://x.example/"})
			w.put(post, store.Mention{Source: fmt.Sprintf("https://%d%s/?%s", i, host, strings.Repeat("&", 1900)), Cluster: fmt.Sprint(i, host), State: store.Quarantined, Why: "links"},
				store.Version{Type: "reply", Author: mf2.Author{Name: worst[:200]}, Text: worst})
			w.put(post, store.Mention{Source: fmt.Sprintf("https://%s/%d?%s", host, i, strings.Repeat("&", 1900)), Cluster: host, State: store.Rejected, Decision: store.Rejected},
				store.Version{Type: "reply", Person: "p0", Author: mf2.Author{Name: worst[:200], URL: "https://" + host + "/"}, Text: worst})
		}
		b := w.owner()
		form := formTo(t, b.get("https://ana.example/-/admin/"), "/-/signout").Get("form")
		for range 30 {
			b.post(decide, url.Values{"form": {form}, "person": {"p0"}, "decision": {"mute"}})
			b.post(decide, url.Values{"form": {form}, "person": {"p0"}, "decision": {"forget"}})
		}
		settle()
		for _, at := range []string{"", "quarantine", "decided", "decisions", "people", "person?id=p0", "person?id=p1"} {
			for address := "https://ana.example/-/admin/" + at; address != ""; {
				a := b.get(address, "Accept-Language", "es")
				if a.status != 200 || len(a.body) > 50<<10 {
					t.Errorf("%s: got %d with %d bytes", address, a.status, len(a.body))
				}
				if address = nextOf(a, t); strings.Contains(address, "from=") && strings.Contains(at, "decisions") {
					break
				}
			}
		}
	})
}

// What waits is answered from where it is decided about, by owners: a like says nothing to answer.
func TestInboxLeadsToAnswers(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.say("https://cy.example/", by("cy", post, "Are they?"))
		w.say("https://eve.example/like", entry("u-like-of", post, ""))
		reply := w.mention("https://cy.example/1", post)
		like := w.mention("https://eve.example/like", post)
		b, moderator := w.owner(), w.keeper(bea)
		for _, c := range []struct {
			who  *browser
			page string
			want bool
		}{{b, "", true}, {b, "mention?id=" + path.Base(reply), true}, {moderator, "", false}, {moderator, "mention?id=" + path.Base(reply), false}} {
			a := c.who.get("https://ana.example/-/admin/" + c.page)
			if got := strings.Contains(a.body, `href="answer/`+path.Base(reply)+`"`); a.status != 200 || got != c.want || strings.Contains(a.body, "answer/"+path.Base(like)) {
				t.Errorf("%q: got %d, with a way to answer: %v, want %v", c.page, a.status, got, c.want)
			}
		}
		form := formTo(t, b.get(answering+path.Base(reply)), "/-/admin/answer/"+path.Base(reply))
		form.Set("do", "reply")
		form.Set("text", "They are.")
		if a := b.post(answering+path.Base(reply), form); a.status != 303 {
			t.Fatalf("answer: got %d", a.status)
		}
		settle()
		if a := b.get("https://ana.example/-/admin/"); strings.Contains(a.body, path.Base(reply)) {
			t.Error("what was answered waits still")
		}
		w.decide(reply, "delete")
		if a := b.get("https://ana.example/-/admin/mention?id=" + path.Base(reply)); strings.Contains(a.body, "answer/") {
			t.Error("what was deleted can be answered")
		}
	})
}

// The pages for every day are a list of their own; those about the service stand behind a word, open
// on one of them. Moderators are led to what they may enter.
func TestRoomsAreTwoLists(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		w.hire(site.Moderator)
		for _, c := range []struct {
			who  *browser
			page string
			open bool
			want []string
		}{
			{w.owner(), "", false, []string{"", "unanswered", "compose", "posts", "people", "networks", "notices", "tokens", "sessions", "jobs", "settings"}},
			{w.owner(), "jobs", true, []string{"", "unanswered", "compose", "posts", "people", "networks", "notices", "tokens", "sessions", "jobs", "settings"}},
			{w.keeper(bea), "people", false, []string{"", "unanswered", "people", "notices", "sessions"}},
		} {
			a := c.who.get("https://ana.example/-/admin/" + c.page)
			head, _, _ := strings.Cut(a.body, "</header>")
			at := 0
			for _, room := range c.want {
				i := strings.Index(head[at:], `href="/-/admin/`+room+`"`)
				if i < 0 {
					t.Fatalf("%q: no way to %q, or not at its place:\n%s", c.page, room, head)
				}
				at += i
			}
			if n := strings.Count(head, "/-/admin/"); n != len(c.want) {
				t.Errorf("%q: %d ways, want %d", c.page, n, len(c.want))
			}
			if strings.Contains(head, "<details open") != c.open {
				t.Errorf("%q: the service is open: want %v", c.page, c.open)
			}
		}
	})
}
