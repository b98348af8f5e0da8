package store

import (
	"bytes"
	"sync"
)

// memo remembers what records were read to, each with the bytes that it was read from:
// while those stand on disk, nothing has to be checked and decoded again. It is for
// small records without references that are read with every request. One memo serves
// one store.
type memo[T any] struct {
	mu sync.RWMutex
	by map[string]remembered[T]
}

type remembered[T any] struct {
	raw []byte
	rec T
}

// maxMemo is how many records are remembered; then it begins anew.
const maxMemo = 4096

func (m *memo[T]) get(key, raw []byte) (rec T, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	one, ok := m.by[string(key)]
	return one.rec, ok && bytes.Equal(one.raw, raw)
}

func (m *memo[T]) put(key, raw []byte, rec T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.by == nil || len(m.by) >= maxMemo {
		m.by = map[string]remembered[T]{}
	}
	m.by[string(key)] = remembered[T]{bytes.Clone(raw), rec}
}
