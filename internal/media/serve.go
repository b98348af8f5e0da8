package media

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shape is how a name of ours looks: 26 random characters, for a variant its width,
// and an extension.
var shape = regexp.MustCompile(`^([a-z2-7]{26})(-[1-9][0-9]{0,5})?(\.[a-z0-9]{3,4})$`)

// Serve answers GET and HEAD for the files in dir by their names, and for variants
// as long as there is what they were made of: mount it with http.StripPrefix. Only
// names that Receive, Resize and Smaller give out are looked for, and each is served as
// the type its extension stands for: pictures, sound and film, all of them shown and
// none of them run, so that none need be an attachment. The files never change, and
// may be kept by caches for ever.
//
// A variant of Smaller that is not made yet is answered with the picture itself, which
// caches ask about again.
func Serve(dir string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(r.URL.Path, "/")
		path, standsIn := find(dir, name)
		if path == "" {
			http.NotFound(w, r)
			return
		}
		f, err := os.Open(path)
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
		cache := "public, max-age=31536000, immutable"
		if standsIn {
			cache = "no-cache"
		}
		w.Header().Set("Content-Type", mediaTypes[filepath.Ext(path)])
		w.Header().Set("Cache-Control", cache)
		w.Header().Set("ETag", `"`+filepath.Base(path)+`"`)
		http.ServeContent(w, r, name, stat.ModTime(), f)
	})
}

// find tells where the file of a name would lie, "" if it is no name of ours, and whether
// it stands in for a variant that is not there.
func find(dir, name string) (path string, standsIn bool) {
	match := shape.FindStringSubmatch(name)
	if match == nil || mediaTypes[match[3]] == "" {
		return "", false
	}
	if match[2] == "" {
		return filepath.Join(dir, name), false
	}
	whole := original(dir, name)
	if whole == "" {
		return "", false
	}
	width, err := strconv.Atoi(match[2][1:])
	if err != nil || whole != match[1]+match[3] || !slices.Contains(Widths(), width) {
		return filepath.Join(dir, sized, name), false
	}
	for _, ext := range variantExts {
		path := filepath.Join(dir, sized, variantName(match[1], width, ext))
		if _, err := os.Lstat(path); err == nil {
			return path, false
		}
	}
	return filepath.Join(dir, whole), true
}
