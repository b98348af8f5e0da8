package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tertulia/store"
)

var deep = flag.Int("faults", 1, "fail at each failpoint the first `N` times that anybody comes by; 0: every time")

// failing is the program with its failpoints, built once. It lies beside the one
// without (TestMain), and goes with it.
var failing = sync.OnceValues(func() (string, error) {
	without, err := exec.LookPath("tertulia")
	if err != nil {
		return "", err
	}
	path := without + "-failpoint"
	args := []string{"build", "-tags", "failpoint", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race") // so is everything else that was built
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

func failingProgram(t testing.TB) string {
	t.Helper()
	path, err := failing()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// failpoints are the names in the source, by the function that has them.
func failpoints(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !strings.HasPrefix(qualified(sel), "failpoint.") {
				return true
			}
			literal, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: a failpoint's name must stand in the source", path)
				return true
			}
			name, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Error(err)
			}
			found[sel.Sel.Name] = append(found[sel.Sel.Name], name)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The program that people run has no failpoints: what they say when they act is not
// in it. Their names could be, as parts of others.
func TestNoFailpointsWithoutTag(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{tertulia(t): false, failingProgram(t): true} {
		binary, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := bytes.Contains(binary, []byte(strings.Join([]string{"want NAME", "N", "ACTION"}, ":"))); got != want {
			t.Errorf("failpoints in %s: got %t, want %t", path, got, want)
		}
	}
}

// Whatever fails on the way, at any arrow and the Nth time that somebody comes by:
// when those who had no answer ask again everything is there, once, and comes to its end
// (HOSTILE 90, F3 to F6).
func TestEveryFault(t *testing.T) {
	t.Parallel()
	points := failpoints(t)
	names := append(points["Hit"], points["Err"]...)
	if len(names) < 20 {
		t.Fatalf("got only %d failpoints", len(names))
	}
	began := time.Now()
	var mu sync.Mutex
	runs := 0
	t.Run("at", func(t *testing.T) {
		atOnce := make(chan struct{}, 4)
		for _, name := range names {
			for _, action := range []string{"exit", "error"} {
				t.Run(name+":"+action, func(t *testing.T) {
					t.Parallel()
					atOnce <- struct{}{}
					defer func() { <-atOnce }()
					for n := 1; *deep == 0 || n <= *deep; n++ {
						fired := scenario(t, fmt.Sprintf("%s:%d:%s", name, n, action))
						mu.Lock()
						runs++
						mu.Unlock()
						if !fired && n == 1 {
							t.Error("nobody comes by")
						}
						if !fired || t.Failed() {
							return
						}
					}
				})
			}
		}
	})
	t.Logf("%d faults at %d failpoints in %s", runs, len(names), time.Since(began).Round(time.Second))
}

// scenario does one thing of each kind with a program that fails at one point. Who has
// no answer, or a bad one, asks again, of a program without the fault if it has died.
// fired is that it did fail.
func scenario(t *testing.T, fault string) (fired bool) {
	t.Helper()
	w := &world{mortal: newMortal(t, failingProgram(t)), strangers: newStrangers(t), mentions: map[string]*sentMention{}}
	w.amplify()
	w.env = []string{"FP=" + fault}
	alive := w.rise()
	w.env = nil
	if !alive {
		w.start()
	}
	revive := func() {
		if !w.alive() {
			w.start()
		}
	}
	until := func(what string, step func() bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
			if step() {
				return
			}
			// A program that has failed may take a moment to be dead.
			select {
			case <-w.ended:
			case <-time.After(50 * time.Millisecond):
			}
			revive()
		}
		t.Fatalf("%s is never acknowledged: %v\n%s", what, w.wrong, w.said())
	}
	end := func() {
		t.Helper()
		until("the end of the queue", w.drained)
	}
	post := func(name string) *sentPost {
		p := w.newPost(name, name == "second", name == "draft")
		until(name, func() bool { return w.create(p) })
		return p
	}
	until("a session", func() bool { return w.signIn() == nil })
	first, second := post("first"), post("second")
	form := url.Values{"target": {first.at}, "name": {"Caro"}, "content": {"A thought"}}
	until("the form for a comment", func() bool {
		_, page, err := w.request("GET", w.at("comment?url="+url.QueryEscape(first.at)), "", nil)
		if err != nil {
			return false
		}
		_, rest, ok := strings.Cut(string(page), `name="time" value="`)
		stamp, _, _ := strings.Cut(rest, `"`)
		form.Set("time", stamp)
		return ok
	})
	post("draft")
	until("an answer on the network", func() bool { return w.answerCopy(first) })
	u := w.newUpload(10_000)
	until("upload", func() bool {
		if ok := w.upload(u); ok {
			return true
		}
		w.newUpload(0) // it may have left a file behind
		return false
	})
	w.anchors = []string{first.at}
	mentions := []*sentMention{w.newMention("good", "1"), w.newMention("good", "2"), w.newMention("unlinked", "3")}
	for _, m := range mentions {
		until(m.source, func() bool { return w.mention(m) })
	}
	end()
	until("the answer comes home", func() bool { _, _, done := w.command("copy", "ask", first.at, w.network.account()); return done })
	until("approval", func() bool { return w.decide(mentions[0], mentions[0].id(), store.Approved, true) })
	until("rejection", func() bool { return w.decide(mentions[1], mentions[1].id(), store.Rejected, false) })
	until("mute", func() bool { _, _, done := w.command("person", "mute", "host:nobody.example"); return done })
	until("update", func() bool { return w.change(first, sentState{content: "first says more"}) })
	until("a comment", func() bool { // which is not taken for two seconds
		_, ok := w.ask("comment", w.at("comment"), "application/x-www-form-urlencoded", []byte(form.Encode()))
		return ok
	})
	w.comments = 1
	until("deletion", func() bool { return w.change(second, sentState{content: second.may[0].content, deleted: true}) })
	until("mention", func() bool { return w.mention(mentions[0]) })
	end()
	fired = strings.Contains(w.said(), "failpoint "+fault+"\n")
	// What went wrong so far was meant to. From here on nothing may.
	w.kill()
	w.wrong = nil
	if err := os.Truncate(w.output, 0); err != nil {
		t.Fatal(err)
	}
	w.start()
	report(t, w.checkAll())
	if t.Failed() {
		t.Errorf("with FP=%s", fault)
	}
	return fired
}

// Two mutants: one that does not sync, one that answers before it commits. Whoever
// watches the order of the calls must notice both, and see nothing wrong without them.
func TestMutantsAreTraced(t *testing.T) {
	t.Parallel()
	needTracing(t)
	for _, c := range []struct {
		name  string
		wrong bool
	}{{"", false}, {"store.no-sync", true}, {"store.answer-early", true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wrong := traced(t, failingProgram(t), []string{"FP=" + c.name})
			if !c.wrong {
				report(t, wrong)
			} else if len(wrong) == 0 {
				t.Error("nobody notices")
			}
			t.Logf("%d complaints", len(wrong))
		})
	}
}

// A program that is killed while its commit stands still has promised nothing of it,
// and the mutant that answers before it has.
func TestEarlyAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, mutant := range []bool{false, true} {
		t.Run(fmt.Sprint(mutant), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, 1, nil, failingProgram(t))
			w.drain()
			w.kill()
			w.env = []string{"FP=store.commit:1:sleep"} // a start with nothing to do commits nothing
			if mutant {
				w.env[0] += ",store.answer-early"
			}
			w.start()
			m := w.newMention("good", "1")
			answered := make(chan bool, 1)
			go func() { answered <- w.mention(m) }()
			select {
			case ok := <-answered:
				if ok != mutant {
					t.Errorf("got an answer: %t, want %t", ok, mutant)
				}
			case <-time.After(300 * time.Millisecond):
				if mutant {
					t.Error("the mutant does not answer")
				}
			}
			w.kill()
			w.env = nil
			w.start()
			if wrong := w.checkAll(); len(wrong) > 0 != mutant {
				t.Errorf("got %d complaints: %v", len(wrong), wrong)
			}
		})
	}
}
