package media

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// shape is how a name of ours looks: 26 random characters and an extension.
var shape = regexp.MustCompile(`^[a-z2-7]{26}(\.[a-z0-9]{3,4})$`)

// Serve answers GET and HEAD for the files in dir by their names: mount it with
// http.StripPrefix. Only names that Receive gives out are looked for, and each
// is served as the type its extension stands for, never as anything that runs.
// The files never change, and may be kept by caches for ever.
func Serve(dir string) http.Handler {
	types := make(map[string]string, len(kinds))
	for _, k := range kinds {
		types[k.ext] = k.mediaType
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		match := shape.FindStringSubmatch(name)
		if match == nil || types[match[1]] == "" {
			http.NotFound(w, r)
			return
		}
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer f.Close()
		stat, err := f.Stat()
		if err != nil || !stat.Mode().IsRegular() {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", types[match[1]])
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("ETag", `"`+name+`"`)
		http.ServeContent(w, r, name, stat.ModTime(), f)
	})
}
