package web

import (
	"net/http"
	"net/url"

	"github.com/gorilla/mux"
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
