package store

import (
	"encoding/binary"
	"errors"
	"hash/fnv"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
)

// Heads that lie about the size of the file, with the right checksum, are damage and no reason
// to end in a panic (HOSTILE, damaged files).
func TestHeadsThatLie(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]struct {
		at   int
		says uint64
	}{
		"pages, and their bytes are none again": {40, 1 << 52},
		"pages, a few too many":                 {40, 1 << 20},
	} {
		path := filepath.Join(t.TempDir(), "db")
		db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: 4096})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Update(func(tx *bolt.Tx) error {
			_, err := tx.CreateBucket(bucket)
			return err
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, 4096} {
			head, sum := raw[at+pageHeader:], fnv.New64a()
			binary.NativeEndian.PutUint64(head[lie.at:], lie.says)
			sum.Write(head[:56])
			binary.NativeEndian.PutUint64(head[56:], sum.Sum64())
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := intact(f); !errors.Is(err, errRestore) {
			t.Errorf("%s: %v", name, err)
		}
		f.Close()
	}
}
