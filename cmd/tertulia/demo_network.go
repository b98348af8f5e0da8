package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// demoNetwork is a network with an account of Ana's, which takes copies by Micropub. It is down at
// first.
type demoNetwork struct {
	home    string
	account syndicateSettings
	up      atomic.Bool
	server  *http.Server
}

// startDemoNetwork runs it on a free port.
func startDemoNetwork(dir, name string) (*demoNetwork, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("demo"), 0o600); err != nil {
		l.Close()
		return nil, err
	}
	n := &demoNetwork{home: "http://" + l.Addr().String() + "/"}
	n.account = syndicateSettings{Kind: "micropub", Server: n.home + "micropub", User: "ana", TokenFile: token, Name: name}
	n.server = &http.Server{Handler: n, ReadHeaderTimeout: time.Second}
	go n.server.Serve(l)
	return n, nil
}

// ServeHTTP is of http.Handler.
func (n *demoNetwork) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !n.up.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.Method == http.MethodPost:
		w.Header().Set("Location", n.home+"ana/1")
		w.WriteHeader(http.StatusCreated)
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, "{}")
	}
}

// waits waits until the network has turned the copy away: the post stands all the same.
func (d *demonstration) waits(ctx context.Context, permalink string) error {
	return until(ctx, "the copy was not tried", func() (bool, error) {
		copies, err := d.ana.site.Networks.Of(ctx, permalink)
		return len(copies) == 1 && copies[0].Note != "", err
	})
}

// comesBack has the network come back, and waits until the post says where its copy is.
func (d *demonstration) comesBack(ctx context.Context, permalink string) error {
	d.network.up.Store(true)
	if err := d.ana.site.Networks.Retry(ctx, permalink, d.network.account.uid()); err != nil {
		return err
	}
	at := d.network.home + "ana/1"
	if err := until(ctx, "the copy does not leave", func() (bool, error) {
		page, err := d.get(ctx, permalink)
		return strings.Contains(page, at), err
	}); err != nil {
		return err
	}
	d.say("demo.copied", at)
	return nil
}
