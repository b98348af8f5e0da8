package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strings"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/media"
	"tertulia/store"
)

// serve runs the service until it is told to stop.
func serve(ctx context.Context, set *settings, args []string, io stdio) int {
	fs := flags("serve", io)
	verbose := fs.Bool("verbose", false, "log every detail")
	if words, status, ok := parse(fs, args); !ok {
		return status
	} else if len(words) > 0 {
		fmt.Fprintf(io.err, "tertulia: serve takes no arguments, got %q\n", words)
		return 2
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: level}))
	db, err := store.Open(set.Data, store.Options{Log: log})
	if err != nil {
		return io.fail(err, "")
	}
	defer db.Close()
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		return io.fail(err, "")
	}
	listeners, err := listen(set)
	if err != nil {
		return io.fail(err, "tertulia serve --listen 127.0.0.1:9001 uses another port")
	}
	control, err := listenControl(set.Data)
	if err != nil {
		return io.fail(err, "")
	}
	if err := svc.greet(ctx, io); err != nil {
		return io.fail(err, "")
	}
	if err := svc.run(ctx, listeners, control); err != nil {
		return io.fail(err, "")
	}
	return 0
}

// listen opens the addresses of the settings. Of the two that stand for localhost
// one may be missing: not every machine has IPv6.
func listen(set *settings) ([]net.Listener, error) {
	var open []net.Listener
	var failed error
	for _, address := range set.Listen {
		l, err := net.Listen("tcp", address)
		if err != nil {
			failed = err
			if !set.listenDefault {
				break
			}
			if strings.HasPrefix(address, "[") && len(open) > 0 {
				failed = nil
			}
			continue
		}
		open = append(open, l)
	}
	if failed != nil {
		for _, l := range open {
			l.Close()
		}
		return nil, failed
	}
	return open, nil
}

// greet says what there is and what to try. While nobody is
// signed in it has the link that signs the owner in.
func (svc *service) greet(ctx context.Context, io stdio) error {
	for _, s := range svc.app.sites {
		l := lang.For(s.Language)
		fmt.Fprintln(io.out, l.T("serve.site", s.Me()))
		unclaimed, err := s.Access.Unclaimed(ctx)
		if err != nil {
			return err
		}
		if !unclaimed {
			continue
		}
		link, err := s.Access.NewLink(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(io.out, l.T("serve.link", link))
		fmt.Fprintln(io.out, l.T("serve.next", s.Me()))
	}
	if allow := svc.app.settings.allow(); len(allow) > 0 {
		svc.log.Warn("addresses that are not public may be fetched", "networks", fmt.Sprint(allow))
	}
	return nil
}

// housekeeping sweeps what has expired and what was left unfinished, now and
// every hour.
func (svc *service) housekeeping(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		for _, s := range svc.app.sites {
			// What has expired is kept a day longer, so that a clock that was wrong
			// for a while costs nobody their session.
			if err := s.Access.Sweep(ctx, 24*time.Hour); err != nil && ctx.Err() == nil {
				svc.log.Error("expired records cannot be swept", "site", s.Key, "error", err)
			}
			if _, err := media.Sweep(svc.app.settings.mediaDir(s.Key), time.Now().Add(-24*time.Hour)); err != nil {
				svc.log.Error("unfinished uploads cannot be swept", "site", s.Key, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// version prints what was built.
func version(_ context.Context, _ *settings, _ []string, io stdio) int {
	v, info := "devel", ""
	if b, ok := debug.ReadBuildInfo(); ok {
		if b.Main.Version != "" && b.Main.Version != "(devel)" {
			v = b.Main.Version
		}
		info = b.GoVersion
	}
	fmt.Fprintln(io.out, "tertulia", v, info)
	return 0
}
