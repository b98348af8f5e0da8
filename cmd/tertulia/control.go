package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// A running service holds the data, so commands are handed to it through a Unix
// socket: the arguments go in as one JSON value, what the command prints comes back
// in frames, the exit status last. The same function runs on either side.

const (
	socketName  = "tertulia.sock"
	pointerName = "tertulia.socket" // names the socket when it lies elsewhere
	maxSocket   = 100               // bytes of a path that every system takes for a socket
)

type frame struct {
	Out  string `json:"out,omitempty"`
	Err  string `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`
}

// listenControl opens the socket of the service that holds dir. Whoever can read
// the data directory may use it, nobody else.
func listenControl(dir string) (net.Listener, error) {
	path, err := filepath.Abs(filepath.Join(dir, socketName))
	if err != nil {
		return nil, err
	}
	pointer := filepath.Join(dir, pointerName)
	os.Remove(pointer)
	if len(path) > maxSocket {
		private, err := os.MkdirTemp("", "tertulia-")
		if err != nil {
			return nil, err
		}
		path = filepath.Join(private, socketName)
		if err := os.WriteFile(pointer, []byte(path), 0o600); err != nil {
			return nil, err
		}
	}
	// We hold the data, so a socket that is still there is a dead process's.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("open the socket for commands: %w", err)
	}
	return l, os.Chmod(path, 0o600)
}

// answerCommands runs what comes through the socket until ctx is done.
func (a *app) answerCommands(ctx context.Context, l net.Listener) {
	context.AfterFunc(ctx, func() { l.Close() })
	for {
		conn, err := l.Accept()
		if err != nil {
			return // closed
		}
		go func() {
			defer conn.Close()
			var args []string
			if err := json.NewDecoder(io.LimitReader(conn, 1<<20)).Decode(&args); err != nil {
				return
			}
			enc := json.NewEncoder(conn)
			code := a.call(ctx, args, stdio{
				in:  strings.NewReader(""),
				out: frames(func(s string) error { return enc.Encode(frame{Out: s}) }),
				err: frames(func(s string) error { return enc.Encode(frame{Err: s}) }),
			})
			_ = enc.Encode(frame{Exit: &code}) // the asker may have gone
		}()
	}
}

// frames is a writer that sends what is written.
type frames func(string) error

func (f frames) Write(b []byte) (int, error) { return len(b), f(string(b)) }

// callService hands a command to the service that holds dir; false when none does.
func callService(ctx context.Context, dir string, args []string, io stdio) (code int, ok bool) {
	path := filepath.Join(dir, socketName)
	if elsewhere, err := os.ReadFile(filepath.Join(dir, pointerName)); err == nil {
		path = strings.TrimSpace(string(elsewhere))
	}
	if len(path) > maxSocket {
		if abs, err := filepath.Abs(path); err != nil || len(abs) > maxSocket {
			return 0, false
		}
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return 0, false
	}
	defer conn.Close()
	context.AfterFunc(ctx, func() { conn.Close() })
	if err := json.NewEncoder(conn).Encode(args); err != nil {
		return io.fail(fmt.Errorf("ask the running service: %w", err), ""), true
	}
	dec := json.NewDecoder(conn)
	for {
		var f frame
		if err := dec.Decode(&f); err != nil {
			return io.fail(errors.New("the running service broke off"), "look at its log"), true
		}
		fmt.Fprint(io.out, f.Out)
		fmt.Fprint(io.err, f.Err)
		if f.Exit != nil {
			return *f.Exit, true
		}
	}
}
