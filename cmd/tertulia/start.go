package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"tertulia/internal/lang"
	"tertulia/internal/site"
	"tertulia/store"
)

// serve runs the service until it is told to stop.
func serve(ctx context.Context, load func() (*settings, error), f given, io stdio) int {
	set, err := load()
	if err != nil {
		return io.fail(err, "")
	}
	log := logger(io, f.verbose)
	db, err := store.Open(set.Data, store.Options{Log: log})
	if err != nil {
		return io.fail(err, otherData)
	}
	defer db.Close()
	svc, err := wire(set, db, newClients(set, log), log)
	if err != nil {
		return io.fail(err, "")
	}
	listeners, err := listen(set)
	if err != nil {
		return io.fail(err, "--listen HOST:PORT takes another address, such as 127.0.0.1:9001")
	}
	control, err := listenControl(set.Data)
	if err != nil {
		return io.fail(err, otherData)
	}
	defer control.Close()
	// Who stops the service at once is told all the same how to come in the next time.
	svc.hello = func(ctx context.Context) error { return svc.greet(context.WithoutCancel(ctx), io) }
	if err := svc.run(ctx, listeners, control); errors.Is(err, store.ErrBroken) {
		return io.fail(err, "look at the disk, then start again: what was acknowledged is kept")
	} else if err != nil {
		return io.fail(err, "")
	}
	return 0
}

// logger writes to the command's error output, a line for each event: time, level,
// a constant message, and the facts as attributes.
func logger(io stdio, verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: level}))
}

// listen opens the addresses of the settings. Of the two that stand for localhost
// one may be missing, because not every machine has both kinds; but when another
// program has one of them, visitors of localhost would meet that.
func listen(set *settings) (open []net.Listener, err error) {
	var missing error
	for _, address := range set.Listen {
		l, err := net.Listen("tcp", address)
		if err == nil {
			open = append(open, l)
			continue
		}
		var op *net.OpError
		if errors.As(err, &op) {
			err = op.Err // it names the address once more
		}
		err = fmt.Errorf("listen on %s: %w", address, err)
		absent := errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
		if !set.listenDefault || !absent {
			closeAll(open)
			return nil, err
		}
		missing = err
	}
	if len(open) == 0 {
		return nil, missing
	}
	return open, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// greet says what there is and what to try. While nobody is signed in it has the
// link that signs the owner in.
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

// A service that is stopped has ended within ten seconds, whatever others do
// (HOSTILE F22): what visitors have begun may take stopTime, and what must be
// written down after that lateTime.
const (
	stopTime = 8 * time.Second
	lateTime = time.Second
)

// run serves until ctx is done or something that everything depends on fails. It
// closes the listeners; control may be nil.
func (svc *service) run(ctx context.Context, listeners []net.Listener, control net.Listener) error {
	for _, s := range svc.jobs.Sites {
		if err := svc.jobs.WriteHome(ctx, s); err != nil {
			closeAll(listeners)
			return fmt.Errorf("write the home page of %s: %w", s.Me(), err)
		}
		if err := svc.jobs.Begin(ctx, s); err != nil {
			closeAll(listeners)
			return fmt.Errorf("look through the source of %s: %w", s.Me(), err)
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	svc.alive()
	server := &http.Server{
		Handler: svc.http, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(svc.log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, len(listeners)+2)
	var wg sync.WaitGroup
	wg.Go(func() { failed <- svc.runner.Run(ctx) })
	wg.Go(func() { svc.housekeeping(ctx) })
	wg.Go(func() { svc.dailyBackups(ctx) })
	wg.Go(func() { svc.noticing(ctx) })
	wg.Go(func() { svc.telling(ctx) })
	if control != nil {
		wg.Go(func() { svc.answerCommands(ctx, control) })
	}
	for _, l := range listeners {
		svc.log.Info("listening", "address", l.Addr().String())
		wg.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		})
	}
	if svc.hello != nil {
		if err := svc.hello(ctx); err != nil && ctx.Err() == nil {
			failed <- err
		}
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-svc.app.db.Failed():
		// From here on every write is refused. Only a new process knows what is on disk.
		err = svc.app.db.Check(ctx)
	}
	svc.stopping.Store(true)
	stop()
	svc.log.Info("stopping")
	svc.finish(server, &wg)
	return err
}

// finish lets requests end, cuts off those that do not, and waits for everything
// that was started. Jobs have been told already; they go back into the queue.
func (svc *service) finish(server *http.Server, started *sync.WaitGroup) {
	late, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if server.Shutdown(late) != nil {
		svc.log.Warn("requests were cut off", "after", stopTime)
		server.Close()
	}
	ended := make(chan struct{})
	go func() {
		started.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(lateTime):
		svc.log.Warn("work was left behind; it is done again after the next start")
	}
}

// housekeeping sweeps what has expired and what was left unfinished, and has sources
// looked at again that were not for long, now and every hour.
func (svc *service) housekeeping(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		believed := true
		for _, s := range svc.app.sites {
			// What has expired is kept a day longer, so that a clock that was wrong
			// for a while costs nobody their session.
			err := s.Access.Sweep(ctx, 24*time.Hour)
			if err != nil && ctx.Err() == nil {
				svc.log.Error("expired records cannot be swept", "site", s.Key, "error", err)
			}
			if errors.Is(err, store.ErrClock) {
				believed = false
				continue // uploads are judged by the same clock
			}
			uploads := &site.Uploads{Posts: s.Posts, Dir: svc.app.settings.mediaDir(s.Key)}
			if err := uploads.Sweep(ctx, time.Now().Add(-24*time.Hour)); err != nil && ctx.Err() == nil {
				svc.log.Error("unfinished uploads cannot be swept", "site", s.Key, "error", err)
			}
			if err := svc.jobs.SweepPictures(ctx, s.Site, time.Now().Add(-time.Hour)); err != nil && ctx.Err() == nil {
				svc.log.Error("pictures that nobody shows cannot be swept", "site", s.Key, "error", err)
			}
		}
		if believed {
			if err := svc.jobs.Review(ctx); err != nil && ctx.Err() == nil {
				svc.log.Error("mentions cannot be reviewed", "error", err)
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
func version(_ context.Context, _ func() (*settings, error), _ given, io stdio) int {
	v, compiler := built()
	fmt.Fprintln(io.out, "tertulia", v, compiler)
	return 0
}

// built is the version of the program and of Go that it was built with.
func built() (v, compiler string) {
	v = "devel"
	if b, ok := debug.ReadBuildInfo(); ok {
		if b.Main.Version != "" && b.Main.Version != "(devel)" {
			v = b.Main.Version
		}
		compiler = b.GoVersion
	}
	return v, compiler
}
