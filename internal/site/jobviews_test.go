package site_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tertulia/internal/site"
	"tertulia/store"
)

func (w *world) work() *site.Work { return &site.Work{Site: w.site, DB: w.db} }

func (w *world) tasks(kind, state string) []site.Task {
	w.t.Helper()
	found, next, err := w.work().Tasks(w.t.Context(), kind, state, "", 100)
	if err != nil || next != "" {
		w.t.Fatalf("tasks: %v, %q", err, next)
	}
	return found
}

func (w *world) promise(jobs ...store.Job) {
	w.t.Helper()
	err := w.db.Update(w.t.Context(), w.site.Key, func(tx *store.Tx) error {
		for _, j := range jobs {
			if err := tx.Enqueue(j); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// What cannot be done is shown with the reason, is tried again when the owner says so, and
// can be given up; of both the audit knows who.
func TestJobsAreShownRetriedAndDropped(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.promise(store.Job{Kind: "unheard", Key: "a"}, store.Job{Kind: "send", Key: "b", Args: []byte(`"no object"`)},
			store.Job{Kind: "hub", Key: "c", Args: []byte(`"c"`), Due: w.db.Now().Add(time.Hour)})
		pass(5 * time.Second)
		got := map[string]string{}
		for _, one := range w.tasks("", "") {
			got[one.Kind] = one.State + " " + one.Why
		}
		if diff := cmp.Diff(map[string]string{"unheard": "parked unknown", "send": "parked final", "hub": "waiting "}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		kinds, err := w.work().Kinds(t.Context())
		if diff := cmp.Diff([]site.WorkKind{{Kind: "hub", Waiting: 1}, {Kind: "send", Parked: 1}, {Kind: "unheard", Parked: 1}}, kinds); diff != "" || err != nil {
			t.Errorf("kinds: %v (-want +got):\n%s", err, diff)
		}
		work := w.work()
		if n, err := work.RetryKind(t.Context(), "Ana", "hub"); n != 0 || err != nil {
			t.Errorf("what waits for its time was tried again: %d, %v", n, err)
		}
		if n, err := work.RetryKind(t.Context(), "Ana", "send"); n != 1 || err != nil {
			t.Errorf("retry: %d, %v", n, err)
		}
		pass(5 * time.Second)
		send := w.tasks("send", site.TaskParked)
		if len(send) != 1 || send[0].Attempts != 1 {
			t.Fatalf("after the retry: %+v", send)
		}
		if err := work.Retry(t.Context(), "Ana", "nothing"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("retry of nothing: %v", err)
		}
		if err := work.Drop(t.Context(), "Ana", send[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := work.Drop(t.Context(), "Ana", send[0].ID); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the second time: %v", err)
		}
		if n, err := work.DropKind(t.Context(), "Ana", "unheard", site.TaskWaiting); n != 0 || err != nil {
			t.Errorf("dropped of those that wait: %d, %v", n, err)
		}
		if n, err := work.DropKind(t.Context(), "Ana", "unheard", site.TaskParked); n != 1 || err != nil {
			t.Errorf("dropped: %d, %v", n, err)
		}
		if _, err := work.DropKind(t.Context(), "Ana", "unheard", "red"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no such state: %v", err)
		}
		if left := w.tasks("", ""); len(left) != 1 || left[0].Kind != "hub" {
			t.Errorf("left: %+v", left)
		}
		list, err := (&site.Access{Site: w.site, DB: w.db}).Audit(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		var audit []string
		for _, d := range list {
			audit = append(audit, d.By+" "+d.Action+" "+d.Note)
		}
		if diff := cmp.Diff([]string{"Ana drop job unheard", "Ana drop job send", "Ana retry job send"}, audit); diff != "" {
			t.Errorf("audit (-want +got):\n%s", diff)
		}
	})
}

// A thing whose job was given up says so: nothing waits for ever for what nobody does.
func TestWhatADroppedJobWasAboutIsNotWaitedFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.web.Handle("deaf.example", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { rw.WriteHeader(503) }))
		post := w.create(entry("content", "https://deaf.example/1"))
		id, err := w.send("https://deaf.example/2", post)
		if err != nil {
			t.Fatal(err)
		}
		pass(10 * time.Second)
		verify, send := w.tasks("verify", ""), w.tasks("send", "")
		if len(verify) != 1 || verify[0].Why != "again" || verify[0].About != "https://deaf.example/2" || len(send) != 1 || send[0].Why != "again" {
			t.Fatalf("got %+v and %+v", verify, send)
		}
		for _, one := range append(verify, send...) {
			if err := w.work().Drop(t.Context(), "Ana", one.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.wantState("its look dropped", id, store.Failed)
		if sent := w.post(post).Sent; len(sent) != 1 || sent[0].State != "failed" || sent[0].Note != "the owner has dropped it" {
			t.Errorf("the post: %+v", sent)
		}
		// It may be sent anew.
		if _, err := w.send("https://deaf.example/2", post); err != nil {
			t.Fatal(err)
		}
		if again := w.tasks("verify", ""); len(again) != 1 {
			t.Errorf("sent once more: %+v", again)
		}
	})
}

// All of a kind are dropped however many they are, in several transactions.
func TestManyJobsAreDroppedTogether(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		var many []store.Job
		for i := range 350 {
			many = append(many, store.Job{Kind: "hub", Key: fmt.Sprint(i), Args: []byte(`"x"`), Due: w.db.Now().Add(time.Hour)})
		}
		w.promise(many...)
		if n, err := w.work().DropKind(t.Context(), "Ana", "hub", ""); n != 350 || err != nil || len(w.tasks("", "")) != 0 {
			t.Errorf("dropped %d, %v, left %d", n, err, len(w.tasks("", "")))
		}
	})
}
