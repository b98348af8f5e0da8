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
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// A running service holds the data, so commands are handed to it through a Unix
// socket: the arguments go in as one JSON value and then what it shall read, what the
// command prints comes back in frames, the exit status last. The same function runs on either
// side.

const (
	socketName  = "tertulia.sock"
	pointerName = "tertulia.socket" // names the socket when it lies elsewhere
	privateName = "tertulia-"       // begins the directory that it then lies in
	maxSocket   = 100               // bytes of a path that every system takes for a socket
)

type frame struct {
	Out  []byte `json:"out,omitempty"`
	Err  []byte `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`
}

// door is the service's end of the socket. Closed, it leaves nothing behind.
type door struct {
	net.Listener
	pointer string // "" when the socket lies in the data directory
	path    string
	once    sync.Once
}

// listenControl opens the socket of the service that holds dir. Whoever can read
// the data directory may use it, nobody else.
func listenControl(dir string) (*door, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// We hold the data, so a socket that is still there is a dead process's.
	pointer := filepath.Join(dir, pointerName)
	forget(pointer)
	d := &door{path: filepath.Join(dir, socketName)}
	if err := os.Remove(d.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if len(d.path) > maxSocket {
		d.pointer = pointer
		if d.path, err = privatePath(); err != nil {
			return nil, err
		}
	}
	if d.Listener, err = net.Listen("unix", d.path); err != nil {
		d.Close()
		return nil, fmt.Errorf("open the socket for commands: %w", err)
	}
	err = os.Chmod(d.path, 0o600)
	if err == nil && d.pointer != "" {
		err = os.WriteFile(d.pointer, []byte(d.path+"\n"), 0o600)
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("open the socket for commands: %w", err)
	}
	return d, nil
}

// privatePath makes a directory of our own whose path is short enough.
func privatePath() (string, error) {
	for _, parent := range []string{os.TempDir(), "/tmp"} {
		private, err := os.MkdirTemp(parent, privateName) // mode 0700
		if err != nil {
			continue
		}
		if path := filepath.Join(private, socketName); len(path) <= maxSocket {
			return path, nil
		}
		_ = os.Remove(private) // it is empty, and another is tried
	}
	return "", errors.New("open the socket for commands: the data directory's path is too long, and so is the temporary directory's; set TMPDIR")
}

// Close ends the service's end of the socket and removes what it had made.
func (d *door) Close() (err error) {
	d.once.Do(func() {
		if d.Listener != nil {
			err = d.Listener.Close()
		}
		if d.pointer != "" {
			forget(d.pointer)
			dropPrivate(d.path)
		}
	})
	return err
}

// forget removes a pointer with the socket that it names.
func forget(pointer string) {
	if path, err := os.ReadFile(pointer); err == nil {
		dropPrivate(strings.TrimSpace(string(path)))
	}
	_ = os.Remove(pointer) // mostly there is none
}

// dropPrivate removes a socket with its private directory, and nothing that is
// called otherwise: the data directory may have come from another machine.
func dropPrivate(path string) {
	private := filepath.Dir(path)
	if filepath.Base(path) == socketName && strings.HasPrefix(filepath.Base(private), privateName) {
		// Whatever else lies in it keeps it.
		_ = os.Remove(path)
		_ = os.Remove(private)
	}
}

// answerCommands runs what comes through the socket until ctx is done, and waits for
// what is under way.
func (svc *service) answerCommands(ctx context.Context, l net.Listener) {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			svc.log.Error("a command cannot be taken", "error", err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Second):
				continue
			}
		}
		wg.Go(func() {
			defer conn.Close()
			svc.answer(ctx, conn)
		})
	}
}

// askTime is how long the other end of the socket may take to say what it wants,
// and to read the answer once the service stops.
const askTime = 2 * time.Second

// answer runs one command. It is finished even when the service is stopped meanwhile.
func (svc *service) answer(ctx context.Context, conn net.Conn) {
	_ = conn.SetReadDeadline(time.Now().Add(askTime)) // without it a mute peer would hold up the stop
	var args []string
	words := json.NewDecoder(io.LimitReader(conn, 1<<20))
	if err := words.Decode(&args); err != nil {
		return
	}
	_ = conn.SetReadDeadline(time.Time{})
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now().Add(askTime)) })()
	enc := json.NewEncoder(conn)
	console := stdio{
		out: frames(func(b []byte) error { return enc.Encode(frame{Out: b}) }),
		err: frames(func(b []byte) error { return enc.Encode(frame{Err: b}) }),
		in:  io.MultiReader(words.Buffered(), conn),
	}
	code := svc.protected(context.WithoutCancel(ctx), args, console)
	_ = enc.Encode(frame{Exit: &code}) // the asker may have gone
}

// protected runs a command whose panic is not the service's end.
func (svc *service) protected(ctx context.Context, args []string, io stdio) (code int) {
	defer func() {
		if v := recover(); v != nil {
			svc.log.Error("a command panicked", "panic", v, "stack", string(debug.Stack()))
			code = io.fail(errors.New("the command failed inside the service"), "look at its log")
		}
	}()
	return svc.app.call(ctx, args, io)
}

// frames is a writer that sends what is written.
type frames func([]byte) error

func (f frames) Write(b []byte) (int, error) {
	if err := f(b); err != nil {
		return 0, err
	}
	return len(b), nil
}

// handOver sends what the command shall read, and says that it ends. When the other end is
// done before, nobody wants the rest.
func (s stdio) handOver(conn net.Conn) {
	if s.in != nil {
		_, _ = io.Copy(conn, s.in)
	}
	if c, ok := conn.(*net.UnixConn); ok {
		_ = c.CloseWrite()
	}
}

// callService hands a command to the service that holds dir; false when none does.
func callService(ctx context.Context, dir string, args []string, io stdio) (code int, ok bool) {
	path := filepath.Join(dir, socketName)
	if elsewhere, err := os.ReadFile(filepath.Join(dir, pointerName)); err == nil {
		path = strings.TrimSpace(string(elsewhere))
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return 0, false // nobody there, or a dead process's socket
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := json.NewEncoder(conn).Encode(args); err != nil {
		return io.fail(fmt.Errorf("ask the running service: %w", err), ""), true
	}
	go io.handOver(conn)
	dec := json.NewDecoder(conn)
	for {
		var f frame
		if err := dec.Decode(&f); err != nil {
			return io.fail(errors.New("the running service broke off"), "look at its log"), true
		}
		// What cannot be written run has noticed.
		_, _ = io.out.Write(f.Out)
		_, _ = io.err.Write(f.Err)
		if f.Exit != nil {
			return *f.Exit, true
		}
	}
}
