package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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

// HOSTILE 96: who was killed (SIGKILL) holds nothing any more, whatever files it left.
func TestKilledProcessHoldsNothing(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestHoldsData$")
	cmd.Env = append(os.Environ(), "TERTULIA_TEST_HOLD="+dir)
	if _, err := cmd.StdinPipe(); err != nil { // else it ends by itself
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
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if _, err := os.Stat(filepath.Join(dir, "tertulia.pid")); err != nil {
		t.Errorf("it has left no pid file, which this test is about: %v", err)
	}
	update(t, open(t, dir, store.Options{LockTimeout: 100 * time.Millisecond}), site, put("a"))
}

// TestOpensData is the process of TestReadOnlyDataIsRefused.
func TestOpensData(t *testing.T) {
	dir := os.Getenv("TERTULIA_TEST_OPEN")
	if dir == "" {
		t.Skip("only as a process of its own")
	}
	db, err := store.Open(dir, store.Options{LockTimeout: 100 * time.Millisecond})
	if err == nil {
		db.Close()
	}
	fmt.Println("got", err)
}

// What may only be read is refused at once, in one line, and left alone.
func TestReadOnlyDataIsRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		dir, file fs.FileMode
		exists    bool
	}{
		"directory, file there":    {0o555, 0o444, true},
		"file":                     {0o755, 0o444, true},
		"file of somebody else":    {0o755, 0o000, true},
		"directory, nothing there": {0o555, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			// Where the other user can reach it, and a test binary as well.
			dir, err := os.MkdirTemp("", "readonly")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			if tt.exists {
				open(t, dir, store.Options{}).Close()
				os.Remove(filepath.Join(dir, "tertulia.reserve"))
				if err := os.Chmod(database(dir), tt.file); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Chmod(dir, tt.dir); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestOpensData$")
			cmd.Env = append(os.Environ(), "TERTULIA_TEST_OPEN="+dir)
			cmd.Dir = "/"
			if os.Getuid() == 0 {
				// To root nothing is read-only.
				self := filepath.Join(dir, "test")
				if err := errors.Join(os.Chmod(dir, 0o755), copyFile(self, os.Args[0]), os.Chmod(dir, tt.dir)); err != nil {
					t.Fatal(err)
				}
				cmd.Path = self
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			line, _, _ := strings.Cut(string(out), "\n")
			if !strings.Contains(line, "permission denied") || strings.Count(line, database(dir)) > 1 {
				t.Errorf("got %q, want a refusal in one line that names the file once", line)
			}
		})
	}
}

func copyFile(to, from string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
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
