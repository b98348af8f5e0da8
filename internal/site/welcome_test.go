package site_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"tertulia/internal/site"
	"tertulia/store"
	"tertulia/webmention"
)

func (w *world) welcome() *site.Welcome {
	return &site.Welcome{Site: w.site, DB: w.db, Jobs: w.jobs}
}

func (w *world) firstSteps() site.FirstSteps {
	w.t.Helper()
	steps, err := w.welcome().State(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return steps
}

// came is what a trial has come to, each with the word for why.
func came(t site.TrialState) string {
	var all []string
	for _, one := range t.Stages {
		why, _, _ := strings.Cut(one.Note, ":")
		if one.Stage != "failed" {
			why = ""
		}
		all = append(all, strings.TrimSpace(one.Stage+" "+why))
	}
	return strings.Join(all, ", ")
}

// front is the site behind something that changes what it answers.
func (w *world) front(paths map[string]string) {
	w.t.Helper()
	receiver := &webmention.Receiver{Inbox: w.mentions}
	w.web.Handle("me.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		says, ok := paths[r.URL.Path]
		id, trial := strings.CutPrefix(r.URL.Path, "/-/trial/")
		switch {
		case ok && says == "":
			http.Error(rw, "away", http.StatusBadGateway)
		case ok:
			rw.Header().Set("Content-Type", "text/html")
			io.WriteString(rw, says)
		case r.URL.Path == "/-/webmention":
			receiver.ServeHTTP(rw, r)
		case trial:
			target, err := w.welcome().TrialPage(r.Context(), id)
			if err != nil {
				http.NotFound(rw, r)
				return
			}
			rw.Header().Set("Content-Type", "text/html")
			io.WriteString(rw, `<a href="`+target+`">here</a>`)
		default:
			rw.Header().Set("Link", `</-/webmention>; rel="webmention"`)
			w.serve(rw, r)
		}
	}))
}

// A test webmention takes the whole road of a stranger's and says how far it comes; nobody
// else ever sees anything of it.
func TestTrialTakesTheRoadOfAStranger(t *testing.T) {
	for name, c := range map[string]struct {
		paths map[string]string // what the front server says instead
		want  string
	}{
		"all is well":            {nil, "begun, endpoint, received, verified"},
		"no endpoint":            {map[string]string{"/post": `<p>nothing`}, "begun, failed silent"},
		"another's endpoint":     {map[string]string{"/post": `<link rel="webmention" href="https://webmention.example/me">`}, "begun, failed foreign"},
		"the page is away":       {map[string]string{"/post": ""}, "begun, failed silent"},
		"the endpoint is away":   {map[string]string{"/-/webmention": ""}, "begun, endpoint, failed refused"},
		"somebody else says yes": {map[string]string{"/-/webmention": "thanks"}, "begun, endpoint, failed lost"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				post := w.create(entry("content", "Hola"))
				paths := map[string]string{}
				for path, says := range c.paths {
					if path == "/post" {
						path = strings.TrimPrefix(post, "https://me.example")
					}
					paths[path] = says
				}
				pass(5 * time.Second)
				w.front(paths)
				if err := w.welcome().Try(t.Context(), post); err != nil {
					t.Fatal(err)
				}
				pass(10 * time.Second)
				steps := w.firstSteps()
				if got := came(steps.Trial); got != c.want || !steps.Trial.Ended || steps.Done["trial"] != (name == "all is well") {
					t.Errorf("got %s, %+v", got, steps.Trial)
				}
				if jobs := w.jobList(); len(jobs) > 0 {
					t.Errorf("jobs are left: %+v", jobs)
				}
				for _, state := range []store.State{store.Received, store.Pending, store.Approved, store.Failed} {
					found, err := w.talk.Mentions(t.Context(), state, 10)
					if err != nil || len(found) > 0 {
						t.Errorf("%s: %+v, %v", state, found, err)
					}
				}
			})
		})
	}
}

// The page of a trial is there for who knows its name, until the trial has ended or an hour is
// over; a webmention in its name is taken no longer, and not for another page.
func TestTrialPageIsThereForAWhile(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		post := w.create(entry("content", "Hola"))
		pass(5 * time.Second)
		w.front(nil)
		w.stop() // nothing is sent
		for _, wrong := range []string{"", "x", "https://other.example/", "ftp://me.example/", "https://me.example/" + strings.Repeat("x", 3000)} {
			if err := w.welcome().Try(t.Context(), wrong); !errors.Is(err, site.ErrTrial) {
				t.Errorf("%.40q: got %v", wrong, err)
			}
		}
		if err := w.welcome().Try(t.Context(), post); err != nil {
			t.Fatal(err)
		}
		id := ""
		if err := w.db.View(t.Context(), w.site.Key, func(tx *store.Tx) error {
			was, _, err := tx.Welcome()
			id = was.Trial.ID
			return err
		}); err != nil || len(id) < 26 {
			t.Fatalf("the id %q, %v", id, err)
		}
		if target, err := w.welcome().TrialPage(t.Context(), id); target != post || err != nil {
			t.Errorf("got %q, %v", target, err)
		}
		for _, other := range []string{"", "x", id + "x"} {
			if _, err := w.welcome().TrialPage(t.Context(), other); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%q: %v", other, err)
			}
			if _, err := w.send("https://me.example/-/trial/"+other, post); err == nil {
				t.Errorf("%q: a webmention was taken", other)
			}
		}
		pass(time.Hour + time.Minute)
		if _, err := w.welcome().TrialPage(t.Context(), id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after an hour: %v", err)
		}
		w.start()
		pass(time.Minute)
		if got := came(w.firstSteps().Trial); got != "begun" || len(w.jobList()) > 0 {
			t.Errorf("it was sent after its time: %s, %+v", got, w.jobList())
		}
	})
}

// A check runs once however often it is asked for, says what it has found or why it has not, and
// is asked for anew when one was lost.
func TestCheckOfTheFirstSteps(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		ran := 0
		var fails error
		state := "ok"
		w.jobs.Check = func(ctx context.Context, s *site.Site) ([]site.CheckPoint, error) {
			ran++
			time.Sleep(20 * time.Second)
			return []site.CheckPoint{{Name: "rels", State: state, Seen: "seen"}}, fails
		}
		for range 3 {
			if err := w.welcome().Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		pass(5 * time.Second)
		if steps := w.firstSteps(); !steps.Checking || steps.Done["check"] || len(steps.Points) > 0 {
			t.Errorf("while it runs: %+v", steps)
		}
		pass(time.Minute)
		if steps := w.firstSteps(); ran != 1 || steps.Checking || !steps.Done["check"] || len(steps.Points) != 1 {
			t.Errorf("after it, %d times: %+v", ran, steps)
		}
		state = "fails"
		if err := w.welcome().Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if steps := w.firstSteps(); ran != 2 || steps.Done["check"] {
			t.Errorf("something fails: %+v", steps)
		}
		fails = errors.New("no time")
		if err := w.welcome().Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(time.Minute)
		if steps := w.firstSteps(); steps.CheckError != "no time" || steps.Done["check"] {
			t.Errorf("it could not be done: %+v", steps)
		}
	})
}

// A newcomer is led to the first steps until each is done or passed over, or they have seen
// enough; somebody who had an application before is none.
func TestNewcomersAreLed(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if steps := w.firstSteps(); !steps.Lead || steps.Newest != "https://me.example/" {
			t.Errorf("at first: %+v", steps)
		}
		if err := w.welcome().Skip(t.Context(), "dance", true); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no such step: %v", err)
		}
		for i, step := range site.Steps() {
			if err := w.welcome().Skip(t.Context(), step, true); err != nil {
				t.Fatal(err)
			}
			if steps := w.firstSteps(); !steps.Skipped[step] || steps.Lead != (i < len(site.Steps())-1) {
				t.Errorf("%s skipped: %+v", step, steps)
			}
		}
		if err := w.welcome().Skip(t.Context(), "app", false); err != nil {
			t.Fatal(err)
		}
		if steps := w.firstSteps(); !steps.Lead || steps.Skipped["app"] {
			t.Errorf("taken back: %+v", steps)
		}
		if err := w.welcome().End(t.Context()); err != nil {
			t.Fatal(err)
		}
		if steps := w.firstSteps(); steps.Lead || !steps.Ended {
			t.Errorf("ended: %+v", steps)
		}
	})
}
