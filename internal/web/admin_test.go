package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"tertulia/mf2"
	"tertulia/store"
)

const decide = "https://ana.example/-/admin/decide"

// by is an entry by the owner of the host that it is on, about a page.
func by(name, post, text string) string {
	return fmt.Sprintf(`<div class="h-entry"><a class="p-author h-card" href="/">%s</a><a class="u-in-reply-to" href="%s">x</a><p class="e-content">%s</p></div>`, name, post, text)
}

// groups are those of a page: what each is called, and the fields of its form with its key as group.
func groups(t *testing.T, a answer) (names []string, forms []url.Values) {
	t.Helper()
	for _, li := range find(a.doc(t), "li") {
		if !strings.Contains(attr(li, "class"), "group") {
			continue
		}
		names = append(names, text(find(li, "h2")[0]))
		form := li
		for form.Data != "form" {
			form = form.Parent
		}
		fields := hiddenOf(form)
		for _, b := range find(li, "button") {
			if attr(b, "name") == "whole" {
				_, key, _ := strings.Cut(attr(b, "value"), " ")
				key, _, _ = strings.Cut(key, "@")
				fields.Set("group", key)
			}
		}
		forms = append(forms, fields)
	}
	return names, forms
}

// button is the value of the first button with a name whose value begins so.
func button(t *testing.T, a answer, name, begins string) string {
	t.Helper()
	for _, b := range find(a.doc(t), "button") {
		if attr(b, "name") == name && strings.HasPrefix(attr(b, "value"), begins) {
			return attr(b, "value")
		}
	}
	t.Fatalf("no button %s=%s…:\n%s", name, begins, a.body)
	return ""
}

// rowsOn counts the rows of a page.
func rowsOn(t *testing.T, a answer) (n int) {
	t.Helper()
	for _, li := range find(a.doc(t), "li") {
		if attr(li, "class") == "row" {
			n++
		}
	}
	return n
}

// next is where a page goes on, "" for nowhere.
func nextOf(a answer, t *testing.T) string {
	for _, l := range find(a.doc(t), "a") {
		if attr(l, "rel") == "next" {
			return "https://ana.example" + attr(l, "href")
		}
	}
	return ""
}

// put keeps a mention as the look at its source would.
func (w *world) put(post string, m store.Mention, v store.Version) string {
	w.Helper()
	var id string
	err := w.db.Update(w.Context(), "ana.example", func(tx *store.Tx) error {
		page, err := tx.PageAt(strings.TrimSuffix(strings.TrimPrefix(post, "https://ana.example"), "/"))
		if err != nil {
			return err
		}
		id = store.NewID(tx.Now)
		m.ID, m.Target, m.Page, m.Received = id, post, page.ID, tx.Now
		if m.State == "" {
			m.State = store.Pending
		}
		v.Digest = "d" + id[20:]
		m.Shown = &v
		return tx.PutMention(m)
	})
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// somebody keeps a person.
func (w *world) somebody(id, home string, trust store.Trust) {
	w.Helper()
	err := w.db.Update(w.Context(), "ana.example", func(tx *store.Tx) error {
		return tx.PutPerson(store.Person{ID: id, Name: id, URL: home, Identities: []string{strings.TrimPrefix(home, "https://")}, Trust: trust, Since: tx.Now, Created: tx.Now})
	})
	if err != nil {
		w.Fatal(err)
	}
}

// The inbox lists what waits, by person, and the owner decides one by one; what was just done is
// said, and undone by one button. Deciding twice changes nothing more.
func TestInbox(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		for i := range 12 {
			source := fmt.Sprintf("https://host%d.example/", i)
			w.say(source, by(fmt.Sprint("Bea ", i), post, fmt.Sprintf("Reply %d.", i)))
			w.visitor().post(endpoints["webmention"], url.Values{"source": {source}, "target": {post}})
		}
		settle()
		b := w.owner()
		first := b.get("https://ana.example/-/admin/", "Accept-Language", "en")
		if names, _ := groups(t, first); len(names) != 10 || rowsOn(t, first) != 10 || !strings.Contains(first.body, "Base camp") || !strings.Contains(first.body, "12 responses") {
			t.Fatalf("first page: %q\n%s", names, first.body)
		}
		second := b.get(nextOf(first, t), "Accept-Language", "en")
		names, forms := groups(t, second)
		if len(names) != 2 || nextOf(second, t) != "" {
			t.Fatalf("second page: %q", names)
		}
		form := forms[0]
		form.Set("one", button(t, second, "one", "approve "))
		a := b.post(decide, form)
		to := a.header.Get("Location")
		if a.status != 303 || !strings.HasPrefix(to, "/-/admin/?done=") || !strings.HasSuffix(to, "#at-1") || !strings.Contains(to, "from=") {
			t.Fatalf("approve: got %d to %q", a.status, to)
		}
		count := func(want string) {
			t.Helper()
			if a := w.visitor().get("https://ana.example/-/api/count?target=" + url.QueryEscape(post)); !strings.Contains(a.body, `"count":`+want+",") {
				t.Errorf("got %s, want %s", a.body, want)
			}
		}
		count("1")
		after := b.get("https://ana.example"+to, "Accept-Language", "en")
		if left, _ := groups(t, after); len(left) != 1 || left[0] != names[1] || !strings.Contains(after.body, "1 response approved.") {
			t.Fatalf("after it: %q\n%s", left, after.body)
		}
		if a := b.post(decide, form); a.status != 303 {
			t.Errorf("approve again: got %d", a.status)
		}
		count("1")
		undo := url.Values{"form": form["form"], "undo": {button(t, after, "undo", "")}, "back": {"/-/admin/"}}
		// The second approval stands on the first.
		if a := b.post(decide, undo); a.status != 400 {
			t.Errorf("undo what another decision stands on: got %d", a.status)
		}
		recent := b.get("https://ana.example/-/admin/decisions", "Accept-Language", "en")
		undo.Set("undo", button(t, recent, "undo", ""))
		if a := b.post(decide, undo); a.status != 303 || !strings.Contains(b.get("https://ana.example"+a.header.Get("Location"), "Accept-Language", "en").body, "1 decision undone.") {
			t.Fatalf("undo: got %d", a.status)
		}
		count("1")
		recent = b.get("https://ana.example/-/admin/decisions")
		undo.Set("undo", button(t, recent, "undo", ""))
		if a := b.post(decide, undo); a.status != 303 {
			t.Fatalf("undo the first: got %d %s", a.status, a.body)
		}
		count("0")
		if a := b.post(decide, undo); a.status != 404 && a.status != 400 {
			t.Errorf("undo twice: got %d", a.status)
		}
		for _, at := range []string{"?from=nonsense%00", "?from=&done=x", "quarantine?from=AAAA", "group?group=x", "group?group=&state=", "decided?from=%ff&state=x", "people?from=x&trust=y", "decisions?from=__"} {
			if a := b.get("https://ana.example/-/admin/" + at); a.status != 200 && a.status != 303 {
				t.Errorf("%s: got %d", at, a.status)
			}
		}
	})
}

// Somebody who is known can be muted and blocked from the inbox; where nobody is, their site can.
func TestInboxBlocksPeople(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		for i, host := range []string{"bea", "eve"} {
			source := fmt.Sprintf("https://%s.example/", host)
			w.say(source, by(host, post, fmt.Sprintf("Reply %d.", i)))
			w.mention(source, post)
		}
		w.say("https://nobody.example/", `<div class="h-entry"><a class="u-in-reply-to" href="`+post+`">x</a><p class="e-content">Hm.</p></div>`)
		w.mention("https://nobody.example/", post)
		b := w.owner()
		page := b.get("https://ana.example/-/admin/", "Accept-Language", "en")
		names, forms := groups(t, page)
		if fmt.Sprint(names) != "[bea eve nobody.example]" || !strings.Contains(page.body, "Block bea") || !strings.Contains(page.body, "Mute nobody.example") {
			t.Fatalf("%q: %s", names, page.body)
		}
		for i, decision := range []string{"block", "mute", "block"} {
			form := forms[i]
			form.Set("decision", decision)
			if a := b.post(decide, form); a.status != 303 {
				t.Fatalf("%s %s: got %d", decision, names[i], a.status)
			}
			if rest, _ := groups(t, b.get("https://ana.example/-/admin/")); fmt.Sprint(rest) != fmt.Sprint(names[i+1:]) {
				t.Errorf("after %s %s: %q", decision, names[i], rest)
			}
		}
		// All three in one go, undone in one go.
		for range 3 {
			recent := b.get("https://ana.example/-/admin/decisions")
			b.post(decide, url.Values{"form": forms[0]["form"], "undo": {button(t, recent, "undo", "")}})
		}
		settle()
		ticked := url.Values{"form": forms[0]["form"], "decision": {"block"}, "state": {"pending"}}
		for _, in := range find(b.get("https://ana.example/-/admin/").doc(t), "input") {
			if attr(in, "name") == "id" {
				ticked.Add("id", attr(in, "value"))
			}
		}
		a := b.post(decide, ticked)
		if a.status != 303 || len(ticked["id"]) != 3 {
			t.Fatalf("block those ticked: got %d for %q", a.status, ticked["id"])
		}
		page = b.get("https://ana.example"+a.header.Get("Location"), "Accept-Language", "en")
		if rest, _ := groups(t, page); fmt.Sprint(rest) != "[nobody.example]" || !strings.Contains(page.body, "2 people or sites blocked. 1 was left as it is") {
			t.Fatalf("%q %s", rest, page.body)
		}
		b.post(decide, url.Values{"form": forms[0]["form"], "undo": {button(t, page, "undo", "")}})
		settle()
		if all, _ := groups(t, b.get("https://ana.example/-/admin/")); len(all) != 3 {
			t.Errorf("after the undo %q wait", all)
		}
	})
}

// A decision about nothing is an error, and changes nothing.
func TestDecisionsThatCannotBe(t *testing.T) {
	inWorldOf(t, []house{{home: "https://ana.example/", language: "en"}, {home: "https://bea.example/", language: "en"}}, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		b := w.owner()
		fields := formTo(t, b.get("https://ana.example/-/admin/"), "/-/signout")
		w.say("https://none.example/", "no link at all")
		failed := w.mention("https://none.example/", post)
		w.say("https://host.example/", "x")
		theirs := b.post("https://bea.example/-/webmention", url.Values{"source": {"https://host.example/"}, "target": {"https://bea.example/"}}).header.Get("Location")
		id := func(status string) string { return status[strings.LastIndex(status, "/")+1:] }
		for name, c := range map[string]struct {
			id, decision string
			status       int
		}{
			"unknown":           {"01ARZ3NDEKTSV4RRFFQ69G5FAV", "approve", 404},
			"no id":             {"", "approve", 404},
			"another site's":    {id(theirs), "reject", 404},
			"never verified":    {id(failed), "approve", 400},
			"nobody behind it":  {id(failed), "block", 400},
			"no decision":       {id(failed), "", 400},
			"unknown decision":  {id(failed), "undelete", 400},
			"an id with a path": {"../" + id(failed), "approve", 404},
		} {
			a := b.post(decide, url.Values{"form": fields["form"], "id": {c.id}, "decision": {c.decision}})
			if a.status != c.status {
				t.Errorf("%s: got %d, want %d", name, a.status, c.status)
			}
		}
		if a := b.post(decide, url.Values{"form": fields["form"], "undo": {"nothing"}}); a.status != 404 {
			t.Errorf("undo nothing: got %d", a.status)
		}
		if a := b.post(decide, url.Values{"form": fields["form"], "id": {id(failed)}, "decision": {"reject"}, "back": {"https://evil.example/"}, "at": {"1\r\n"}}); a.header.Get("Location") != "" && !strings.HasPrefix(a.header.Get("Location"), "/-/admin/?") {
			t.Errorf("came back to %q", a.header.Get("Location"))
		}
	})
}

// With 1,000 that wait, of which 950 are junk by one host, by the accounts that a bridge brings of
// one server, and by hosts that link to dozens of others, the inbox shows at most 50 rows in ten
// groups, the junk as one row each with a count, and those of people first. Each flood is decided
// with one button and undone with one.
func TestInboxUnderAFlood(t *testing.T) {
	inWorld(t, func(w *world) {
		t := w.T
		post := w.post("Base camp", "The networks are loudspeakers.")
		w.say("https://first.example/", by("First", post, "Hello."))
		w.mention("https://first.example/", post) // the page is known from here on
		w.somebody("friend", "https://friend.example/", store.Trusted)
		w.somebody("a-quiet", "https://fosstodon.org/@quiet", store.Trusted)
		for i := range 400 {
			w.put(post, store.Mention{Source: fmt.Sprintf("https://h%d.flood.example/%d", i, i), Cluster: "flood.example", Why: "author"}, store.Version{Type: "mention", Text: "Buy.", URL: "https://flood.example/"})
		}
		time.Sleep(time.Second)
		for i := range 300 {
			id := fmt.Sprintf("junk%d", i)
			home := fmt.Sprintf("https://fosstodon.org/@junk%d", i)
			w.somebody(id, home, store.Unknown)
			w.put(post, store.Mention{Source: fmt.Sprintf("https://brid.gy/comment/mastodon/@ana@fosstodon.org/1/%d", i), Cluster: "fosstodon.org", Why: "person"}, store.Version{Type: "reply", Person: id, Author: mf2.Author{Name: id, URL: home}, Text: "Buy.", URL: home})
		}
		for i := range 250 {
			host := fmt.Sprintf("links%d.example", i)
			w.put(post, store.Mention{Source: "https://" + host + "/", Cluster: host, State: store.Quarantined, Why: "links"}, store.Version{Type: "mention", Text: "Buy.", URL: "https://" + host + "/"})
		}
		for i := range 47 {
			who := fmt.Sprintf("real%d", i%7)
			w.somebody(who, "https://"+who+".example/", store.Unknown)
			w.put(post, store.Mention{Source: fmt.Sprintf("https://%s.example/%d", who, i), Cluster: who + ".example", Why: "person"}, store.Version{Type: "reply", Person: who, Author: mf2.Author{Name: who, URL: "https://" + who + ".example/"}, Text: fmt.Sprintf("Real %d.", i), URL: "https://x.example/"})
		}
		w.put(post, store.Mention{Source: "https://friend.example/1", Cluster: "friend.example", Why: "changed"}, store.Version{Type: "reply", Person: "friend", Author: mf2.Author{Name: "friend", URL: "https://friend.example/"}, Text: "A friend.", URL: "https://friend.example/1"})
		w.put(post, store.Mention{Source: "https://brid.gy/comment/mastodon/@ana@fosstodon.org/1/q", Cluster: "fosstodon.org", Why: "changed"}, store.Version{Type: "reply", Person: "a-quiet", Author: mf2.Author{Name: "a-quiet", URL: "https://fosstodon.org/@quiet"}, Text: "A quiet one.", URL: "https://fosstodon.org/@quiet/1"})

		b := w.owner()
		var pages []answer
		var names []string
		var forms []url.Values
		all := ""
		for at := "https://ana.example/-/admin/"; at != ""; {
			a := b.get(at, "Accept-Language", "en")
			some, fields := groups(t, a)
			if rows := rowsOn(t, a); a.status != 200 || len(some) > 10 || rows > 50 || len(a.body) > 50<<10 {
				t.Errorf("page %d: %d groups, %d rows, %d bytes", len(pages)+1, len(some), rows, len(a.body))
			}
			names, forms, pages, all = append(names, some...), append(forms, fields...), append(pages, a), all+a.body
			at = nextOf(a, t)
		}
		want := "[friend Was here before a-quiet Was here before First real0 real1 real2 real3 real4 real5 real6 flood.example fosstodon.org]"
		if fmt.Sprint(names) != want && fmt.Sprint(names) != strings.Replace(want, "friend Was here before a-quiet", "a-quiet Was here before friend", 1) {
			t.Errorf("groups are %q, want %s", names, want)
		}
		for i := range 47 {
			if strings.Count(pages[0].body, fmt.Sprintf("Real %d.", i)) != 1 {
				t.Errorf("number %d of the real ones is not on the first page", i)
			}
		}
		if n := strings.Count(all, "Buy."); n != 2 || !strings.Contains(all, "400 responses, none") || !strings.Contains(all, "300 responses, none") || !strings.Contains(all, "300 people are behind them.") || !strings.Contains(all, "250 in quarantine") {
			t.Errorf("the junk takes %d rows", n)
		}
		if strings.Contains(all, "Block fosstodon.org") || !strings.Contains(all, "Block flood.example") {
			t.Error("a network of many can be blocked as a whole, or a host cannot")
		}
		// A flood at one blow; what has come since it was shown is left alone.
		flood, server := forms[len(forms)-2], forms[len(forms)-1]
		time.Sleep(time.Second)
		late := w.put(post, store.Mention{Source: "https://h.flood.example/late", Cluster: "flood.example", Why: "author"}, store.Version{Type: "mention", Text: "Late."})
		for _, one := range []url.Values{flood, server} {
			one.Set("decision", "reject")
			if a := b.post(decide, one); a.status != 303 {
				t.Fatalf("reject a flood: got %d %s", a.status, a.body)
			}
		}
		if m, err := w.ana().Conversation.Mention(w.Context(), late); err != nil || m.State != store.Pending {
			t.Errorf("what came later is %s, %v", m.State, err)
		}
		page := b.get("https://ana.example/-/admin/decisions", "Accept-Language", "en")
		if !strings.Contains(page.body, "300 responses rejected.") || !strings.Contains(page.body, "400 responses rejected.") {
			t.Errorf("the decisions are\n%s", page.body)
		}
		if m, err := w.ana().Mentions.Decisions(w.Context(), late); err != nil || len(m) != 0 {
			t.Errorf("%v %v", m, err)
		}
		if a := b.post(decide, url.Values{"form": flood["form"], "undo": {button(t, page, "undo", "")}}); a.status != 303 {
			t.Fatalf("undo: got %d %s", a.status, a.body)
		}
		settle()
		last := b.get("https://ana.example/-/admin/", "Accept-Language", "en")
		if n := nextOf(last, t); n != "" {
			last = b.get(n, "Accept-Language", "en")
		}
		if !strings.Contains(last.body, "300 responses, none") || strings.Contains(last.body, "400 responses") {
			t.Errorf("after the undo:\n%s", last.body)
		}

		// The quarantine: by host, a page of fifty, all of it with one button.
		page = b.get("https://ana.example/-/admin/quarantine", "Accept-Language", "en")
		names, forms = groups(t, page)
		if len(names) != 20 || nextOf(page, t) == "" || len(page.body) > 50<<10 || !strings.Contains(page.body, "250 responses were put aside.") {
			t.Errorf("quarantine: %d hosts, %d bytes", len(names), len(page.body))
		}
		some := url.Values{"form": flood["form"], "state": {"quarantined"}, "asof": forms[0]["asof"], "decision": {"approve"}, "group": {forms[0].Get("group"), forms[1].Get("group")}}
		if a := b.post(decide, some); a.status != 303 {
			t.Errorf("approve two hosts: got %d", a.status)
		}
		for _, f := range find(page.doc(t), "button") {
			if text(f) == "Reject the whole quarantine" {
				some.Set("whole", attr(f, "value"))
			}
		}
		if a := b.post(decide, some); a.status != 303 {
			t.Errorf("reject all of it: got %d", a.status)
		}
		if page = b.get("https://ana.example/-/admin/quarantine", "Accept-Language", "en"); !strings.Contains(page.body, "Nothing is waiting.") {
			t.Errorf("what is left of it:\n%s", page.body)
		}
	})
}

// hiddenOf are the hidden fields of a form.
func hiddenOf(form *html.Node) url.Values {
	fields := url.Values{}
	for _, in := range find(form, "input") {
		if attr(in, "type") == "hidden" {
			fields.Add(attr(in, "name"), attr(in, "value"))
		}
	}
	return fields
}
