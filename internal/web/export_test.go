package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/mux"

	"tertulia/mf2"
)

// FindPlace is findPlace for the fuzzer.
func FindPlace(page []byte, s Selector) (from, to int, ok bool) {
	at, ok := findPlace(page, s)
	return at.from, at.to, ok
}

// Heard is what uploads go through.
var Heard = heard

// AsItCame is asItCame for the fuzzer.
var AsItCame = asItCame

// Routes are the paths below the base of the first site, as the router has them.
func Routes(s *Server) (paths []string) {
	one := s.Sites[0]
	base, err := url.Parse(one.Base)
	if err != nil {
		panic(err)
	}
	router := (&pages{Site: one, base: base, server: s}).endpoints().(*mux.Router)
	err = router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := route.GetPathTemplate()
		paths = append(paths, path)
		return err
	})
	if err != nil {
		panic(err)
	}
	return paths
}

// Measured is a handler between which and the network requests are counted.
func Measured(h http.Handler) http.Handler { return newTraffic()[otherRoutes].measure(h) }

// Composed is the request that the composer makes of its form for a post of a type.
func Composed(values url.Values, typ string, offered, required []string) map[string]any {
	request, _ := draft{values: values}.create(postType{Type: typ, H: "entry", Offered: offered, Required: required}, false)
	return request
}

// Unedited is the update that the composer makes of a post that nobody has touched in a browser,
// for the fuzzer: nil, or something is wrong. shown are the fields as a browser gives them back.
func Unedited(item mf2.Item) (update map[string]any, shown url.Values) {
	t := postType{Type: "article", Offered: []string{"name", "content", "summary", "photo", "category", "published", "visibility"}}
	d := opened("https://ana.example/1", item, t, t)
	all, _ := parts(item, t, t)
	for _, p := range all {
		shape := p.shape
		if _, ok := moment(d.values.Get(p.name), time.UTC); shape == "moment" && !ok {
			shape = "line"
		}
		if shape != "files" {
			typed := asTyped(shape, d.values.Get(p.name))
			if shape == "text" {
				typed = strings.ReplaceAll(typed, "\n", "\r\n")
			}
			d.values.Set(p.name, typed)
		}
	}
	for i, alt := range d.values["photo-alt"] {
		d.values["photo-alt"][i] = asTyped("line", alt)
	}
	update, _ = d.update(item, t, t)
	return update, d.values
}
