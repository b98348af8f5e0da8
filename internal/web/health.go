package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

// Probe is something that must be well for the service to be ready. Check is short, and says
// what is wrong.
type Probe struct {
	Name  string // a word, such as data
	Check func(context.Context) error
}

// healthz says whether the service is ready: 200, or 503 with the names of what is not well. A
// program on this machine reads why with ?verbose; ?live asks only whether anybody is there.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) {
	if !reads(r) {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	query := r.URL.Query()
	var unwell []string
	said := map[string]string{}
	for _, probe := range s.Probes {
		if query.Has("live") {
			break
		}
		said[probe.Name] = "ok"
		if err := probe.Check(r.Context()); err != nil {
			said[probe.Name] = err.Error()
			unwell = append(unwell, probe.Name)
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	status, body := http.StatusOK, "ok\n"
	if len(unwell) > 0 {
		s.log().Warn("not ready", "unwell", unwell)
		status, body = http.StatusServiceUnavailable, "not ready: "+strings.Join(unwell, ", ")+"\n"
	}
	if query.Has("verbose") && s.within(r, loopback) {
		told, err := json.Marshal(struct {
			Ready  bool              `json:"ready"`
			Probes map[string]string `json:"probes"`
		}{len(unwell) == 0, said})
		if err != nil {
			panic(err) // texts always encode
		}
		send(w, r, status, "application/json", append(told, '\n'))
		return
	}
	send(w, r, status, "text/plain; charset=utf-8", []byte(body))
}
