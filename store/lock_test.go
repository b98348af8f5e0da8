package store_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tertulia/store"
)

// TestHoldsData is the other process of TestOpenNamesTheProcessThatHoldsTheData.
func TestHoldsData(t *testing.T) {
	dir := os.Getenv("TERTULIA_TEST_HOLD")
	if dir == "" {
		t.Skip("only as a process of its own")
	}
	open(t, dir, store.Options{})
	fmt.Println("holding")
	bufio.NewReader(os.Stdin).ReadString('\n') // until the parent lets go
}

// HOSTILE F14: the second process ends in time and says who holds the data.
func TestOpenNamesTheProcessThatHoldsTheData(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldsData$")
	cmd.Env = append(os.Environ(), "TERTULIA_TEST_HOLD="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "holding" {
	}
	began := time.Now()
	_, err = store.Open(dir, store.Options{LockTimeout: 200 * time.Millisecond})
	if want := fmt.Sprintf("in use by process %d", cmd.Process.Pid); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the refusal took %s", took)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the first process was disturbed: %v", err)
	}
	open(t, dir, store.Options{})
}

func TestSecondOpenInOneProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	_, err := store.Open(dir, store.Options{LockTimeout: 100 * time.Millisecond})
	if want := fmt.Sprintf("in use by process %d", os.Getpid()); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	update(t, db, site, func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: "still works"}) })
}

// The store waits for another process on the clock, and gives up after five seconds.
func TestOpenWaitsForTheLock(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := store.Open(dir, store.Options{}); err == nil {
			t.Error("a second store was opened")
		}
		if took := time.Since(began); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("gave up after %s, want five seconds", took)
		}
		time.AfterFunc(2*time.Second, func() { db.Close() })
		second, err := store.Open(dir, store.Options{})
		if err != nil {
			t.Errorf("the first store let go in time: %v", err)
			return
		}
		second.Close()
	})
}
