package web_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// A file that is taken away while it is asked for is not there, and nothing has gone wrong.
func TestFilesThatGoAreNotFound(t *testing.T) {
	inWorld(t, func(w *world) {
		for path, name := range map[string]string{"page/": "page/index.html", "notes.txt": "notes.txt"} {
			w.write(name, "hello")
			var enough atomic.Bool
			var readers sync.WaitGroup
			for range 2 {
				readers.Go(func() {
					for !enough.Load() {
						rec := httptest.NewRecorder()
						w.handler.ServeHTTP(rec, httptest.NewRequest("GET", "https://ana.example/"+path, nil))
						if rec.Code != 200 && rec.Code != 404 {
							w.Errorf("%s: got %d", path, rec.Code)
							return
						}
					}
				})
			}
			for range 3000 {
				if err := os.Remove(filepath.Join(w.ana().Root, name)); err != nil {
					w.Error(err)
				}
				w.write(name, "hello")
			}
			enough.Store(true)
			readers.Wait()
		}
	})
}
