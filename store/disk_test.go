//go:build unix

package store_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"tertulia/store"
)

// TestBackUpOnAFullDisk is the process of TestBackupOnAFullDiskLeavesNothing: it may not
// write files longer than it says.
func TestBackUpOnAFullDisk(t *testing.T) {
	dir, file, ok := strings.Cut(os.Getenv("TERTULIA_TEST_FULL"), "\n")
	if !ok {
		t.Skip("only as a process of its own")
	}
	db := open(t, dir, store.Options{})
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Skip(err)
	}
	var size syscall.Rlimit
	for size = was; ; {
		info, err := os.Stat(file)
		if err == nil {
			fmt.Println("made", info.Size())
			return
		}
		size.Cur = nextLimit(size.Cur, was.Cur)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &size); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Backup(t.Context(), file); err == nil {
			continue
		}
		if left := append(names(t, filepath.Dir(file)), names(t, filepath.Join(dir, "backup"))...); len(left) > 0 {
			t.Fatalf("limit %d: it left %v", size.Cur, left)
		}
		fmt.Println("refused")
		// Others go on meanwhile.
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
			t.Fatal(err)
		}
		update(t, db, site, func(tx *store.Tx) error { return tx.PutMedia(store.Media{Name: "later"}) })
	}
}

// nextLimit tries small files, then larger ones.
func nextLimit(limit, most uint64) uint64 {
	if limit == most {
		return 4096
	}
	return limit * 2
}

// HOSTILE F11, F15: a backup for which there is no room, for the copy or for the archive,
// leaves nothing, and works when there is room.
func TestBackupOnAFullDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, store.Options{})
	for i := range 20 {
		receive(t, db, fmt.Sprint(i, ".jpg"), strings.Repeat("x", 50_000))
	}
	db.Close()
	cmd := exec.Command(os.Args[0], "-test.run=^TestBackUpOnAFullDisk$")
	cmd.Env = append(os.Environ(), fmt.Sprintf("TERTULIA_TEST_FULL=%s\n%s", dir, filepath.Join(t.TempDir(), "b.tar")))
	out, err := cmd.CombinedOutput()
	if err != nil || strings.Count(string(out), "refused") < 5 || !strings.Contains(string(out), "made") {
		t.Errorf("got %v, want some refusals and a backup in the end\n%s", err, out)
	}
}
